// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Initial states may be given or not; the range of h includes them.

// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/states.npz | FileCheck %s
// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/calibration.npz | FileCheck %s --check-prefix=ZERO
// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/states-disagree.npz 2>&1 | FileCheck %s --check-prefix=ROWS

// CHECK: rnn.lstm reverse
// CHECK: rnn.range %y 0.000000e+00 to 5.000000e-01
// ZERO:  rnn.range %y 0.000000e+00 to 0.000000e+00
// ROWS:  the array for input 'h0' has 3 batch rows, an earlier one 2; all inputs of a run belong together
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>, #rnn.port<"h0", [layer = 1, batch = ?, unit = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>, %h0: tensor<1x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %u = rnn.unstack %h0[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  %i = rnn.stack %u : tensor<?x2xf32> -> tensor<1x?x2xf32>
  %y, %y_h, %y_c = rnn.lstm reverse %x, %w, %r initial_h %i {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

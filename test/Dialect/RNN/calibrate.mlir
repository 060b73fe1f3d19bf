// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Data: row 0 (1, -0.5) (2, 0) (-1.5, 0.75), row 1 (0.25, 0.5) and two steps of
// padding with nines that must not count.

// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/calibration.npz --split-input-file | FileCheck %s
// Row 0 alone, without batch axis.
// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/one-row.npy --split-input-file | FileCheck %s --check-prefix=ROW
// Ranges of an earlier run are replaced.
// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/one-row.npy --rnn-calibrate=file=%S/Inputs/calibration.npz --split-input-file | FileCheck %s
// The lower half of the magnitudes: 0, 0.25, 0.5 and 0.5 of eight, to within
// 2^-14.
// RUN: hcgs-opt %s --rnn-calibrate="file=%S/Inputs/calibration.npz method=percentile percentile=50" --split-input-file | FileCheck %s --check-prefix=HALF

// CHECK-LABEL: func.func @main(%arg0: tensor<?x?x2xf32>)
// CHECK-NEXT:  rnn.range %arg0 -1.500000e+00 to 2.000000e+00 : tensor<?x?x2xf32>
// CHECK:       %[[Y:.*]] = rnn.linear
// CHECK-NEXT:  rnn.range %[[Y]] -1.000000e+00 to 2.500000e+00 : tensor<?x?x2xf32>
// CHECK-NOT:   rnn.range
// CHECK:       return
// ROW:         rnn.range %arg0 -1.500000e+00 to 2.000000e+00
// ROW:         rnn.range %{{.*}} -1.000000e+00 to 2.500000e+00
// HALF:        rnn.range %arg0 -0.50{{[0-9]*}} to 0.50{{[0-9]*}} : tensor<?x?x2xf32>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[1.0, 0.0], [0.5, -0.25]]> : tensor<2x2xf32>
  %b = rnn.weight dense<[0.5, 0.0]> : tensor<2xf32>
  %y = rnn.linear %x, %w bias %b : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// Every kind of layer. With W = R = 0 and bias on g alone, c grows by
// tanh(20)/2 minus decay: c = 0.5, 0.75, 0.875 at i = f = 1/2.

// CHECK-LABEL: func.func @main
// CHECK:       rnn.range %arg0
// CHECK:       %[[Y:y.*]], %[[H:.*]], %[[C:.*]] = rnn.lstm
// CHECK-DAG:   rnn.range %[[C]] 0.000000e+00 to 8.750000e-01 : tensor<1x?x2xf32>
// CHECK-DAG:   rnn.range %[[Y]] 0.000000e+00 to 0.35{{[0-9]+}} : tensor<?x?x2xf32>
// CHECK:       rnn.act
// CHECK-NEXT:  rnn.range %{{.*}} 0.000000e+00 to 2.000000e+00
// CHECK:       rnn.add
// CHECK-NEXT:  rnn.range %{{.*}} 0.23{{[0-9]+}} to 2.{{[0-9]+}}
// CHECK:       rnn.concat
// CHECK-NEXT:  rnn.range
// CHECK:       rnn.linear
// CHECK-NEXT:  rnn.range %{{.*}} : tensor<?x2xf32>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 4]>, #rnn.port<"z", [batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2xf32>) {
  %w = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %b = rnn.weight dense<[[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x16xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %p = rnn.act relu %x : tensor<?x?x2xf32>
  %s = rnn.add %p, %y : tensor<?x?x2xf32>
  %j = rnn.concat %s, %y : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %h = rnn.unstack %y_h[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.0], [0.5, -0.25]]> : tensor<2x2xf32>
  %z = rnn.linear %h, %v : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %j, %z : tensor<?x?x4xf32>, tensor<?x2xf32>
}

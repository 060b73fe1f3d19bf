// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-calibrate=file=%S/Inputs/calibration.npz --split-input-file --verify-diagnostics=only-expected
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  // expected-error@+1 {{node 'rnn.lstm': calibration does not model clip of an LSTM; export the model without}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, clip = 3.0 : f32}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.0> : tensor<1x8x2xf32>
  // expected-error@+1 {{node 'rnn.lstm': calibration does not model input_forget of an LSTM; export the model without}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, input_forget}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<1.0e38> : tensor<2x2xf32>
  %y = rnn.linear %x, %w : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  // expected-error@+1 {{node 'rnn.linear': values overflow on the calibration data; its scale does not suit the model}}
  %v = rnn.linear %y, %w : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %v : tensor<?x?x2xf32>
}

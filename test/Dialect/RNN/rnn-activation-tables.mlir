// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A function of every layer, and one of one layer, which wins.
// RUN: hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/hard_tanh.csv" | FileCheck %s
// RUN: hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/hard_tanh.csv" --rnn-activation-tables="tables=tanh=%S/Inputs/hard_tanh.csv" | FileCheck %s
// RUN: hcgs-opt %s --rnn-activation-tables="tables=lstm:h=%S/Inputs/short.csv,Tanh=%S/Inputs/hard_tanh.csv" | FileCheck %s --check-prefix=LAYER

// CHECK: rnn.lstm
// CHECK-SAME: rnn.samples = {g = dense<{{\[}}[-8.000000e+00, -1.000000e+00], [-1.000000e+00, -1.000000e+00], [1.000000e+00, 1.000000e+00], [8.000000e+00, 1.000000e+00]]> : tensor<4x2xf64>, h = dense<{{.*}}> : tensor<4x2xf64>}
// CHECK: rnn.act tanh
// CHECK-SAME: rnn.samples = {y = dense<{{.*}}> : tensor<4x2xf64>}
// CHECK: rnn.act relu
// CHECK-NOT: rnn.samples

// LAYER: rnn.lstm
// LAYER-SAME: rnn.samples = {g = dense<{{.*}}> : tensor<4x2xf64>, h = dense<{{\[}}[-4.000000e+00, -1.000000e+00], [4.000000e+00, 1.000000e+00]]> : tensor<2x2xf64>}

// The tables take them, with the inputs that their points need (+-8: 12 bits of
// fraction; fewer where the input does not go so far), alpha and beta left out.
// RUN: hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/hard_tanh.csv" --rnn-quantize="pwl-kind=two-level pwl-max-error=1" | FileCheck %s --check-prefix=TABLES
// TABLES: gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128, kind = two_level, error = 1.000000e+00 : f64>,
// TABLES-SAME: <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128, kind = two_level, error = 1.000000e+00 : f64, samples = dense<{{.*}}> : tensor<4x2xf64>>]
// TABLES: rnn.act tanh
// TABLES-SAME: act = <tanh, in = !fx.int<16, {{1[45]}}>, out = !fx.int<13, 12>, segments = 128, kind = two_level, error = 1.000000e+00 : f64, samples =

// What the samples do not say is not made up.
// RUN: not hcgs-opt %s --rnn-activation-tables="tables=lstm:h=%S/Inputs/short.csv" --rnn-quantize 2>&1 | FileCheck %s --check-prefix=COVER
// COVER: error: {{.*}}node 'lstm': the samples of tanh by 2 samples cover -4.00..4.00, but its input can lie in -8.00..8.00; give points up to there, or two last ones of the same value

// RUN: not hcgs-opt %s --rnn-activation-tables="tables=tanhh=%S/Inputs/short.csv" 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: activation table 'tanhh': no layer computes it, and no layer is called so; allowed are sigmoid, lstm:f, tanh, lstm:g, lstm:h, squash, relu, positive
// RUN: not hcgs-opt %s --rnn-activation-tables="tables=tanh" 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: error: activation table 'tanh': expected NAME=FILE
// RUN: not hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/none.csv" 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: error: activation table 'tanh': file '{{.*}}none.csv': cannot be read: No such file or directory
// RUN: not hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/falling_x.csv" 2>&1 | FileCheck %s --check-prefix=RISE
// RISE: error: activation table 'tanh': file '{{.*}}falling_x.csv': x of samples must rise, found 0.5 after 1 at point 2
// RUN: not hcgs-opt %s --rnn-activation-tables="tables=tanh=%S/Inputs/three_columns.csv" 2>&1 | FileCheck %s --check-prefix=LINE
// LINE: error: activation table 'tanh': file '{{.*}}three_columns.csv': line 2: '1;2;3' found, expected two numbers x, y

func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [0.5, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("lstm")
  %s = rnn.act tanh %y : tensor<?x?x2xf32> loc("squash")
  %p = rnn.act relu %s : tensor<?x?x2xf32> loc("positive")
  return %p : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Formats of single layers, matrices and values.

// RUN: hcgs-opt %s --rnn-quantize="zeros=one" --split-input-file --verify-diagnostics=only-expected | FileCheck %s

// CHECK-LABEL: func.func @widths
// The input is 10 bits for whoever reads it; c is in [-2, 2); gates have 9 bits.
// CHECK: rnn.lstm
// CHECK-SAME: x = <10, 7>, h = <12, 11>, c = <14, 12>
// CHECK-SAME: out = !fx.int<9, 8>, segments = 64
// CHECK-SAME: w = <bits = 4, encoding = twos, rounding = nearest, exps = [4, 4, 3, 4]>
// CHECK-SAME: r = <bits = 5, encoding = signmag, rounding = ceil
// CHECK: rnn.linear
// CHECK-SAME: x = <12, 11>, y = <16, 9>
// CHECK-SAME: w = <bits = 8
func.func @widths(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[0.51, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[0.51, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3], [0.5, 0.1], [0.125, 0.3]]]> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64,
      rnn.override = {"weight-bits" = 5 : i64, rounding = "ceil", "input-bits" = 10 : i64,
                      "act-bits" = 12 : i64, "cell-bits" = 14 : i64, "gate-bits" = 9 : i64,
                      "pwl-segments" = 64 : i64, c = {range = array<f64: -2.0, 2.0>},
                      W = {"weight-bits" = 4 : i64, "weight-encoding" = "twos", rounding = "nearest",
                           exponents = array<i64: 4, 4, 3, 4>}}}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %x -3.9 to 3.9 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[0.1, 0.2], [0.3, 0.4]]> : tensor<2x2xf32>
  %z = rnn.linear %y, %v {rnn.override = {"weight-bits" = 8 : i64, "act-bits" = 16 : i64, y = {frac = 9 : i64}}}
      : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// h stays a fraction of its width with calibration data, unless its range was
// asked for.

// CHECK-LABEL: func.func @small_h
// CHECK: h = <13, 12>
// CHECK: h = <13, 14>
func.func @small_h(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -3.9 to 3.9 : tensor<?x?x2xf32>
  %w = rnn.weight dense<0.3> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.3> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %y -0.2 to 0.2 : tensor<?x?x2xf32>
  rnn.range %y_c -0.2 to 0.2 : tensor<1x?x2xf32>
  %w2 = rnn.weight dense<0.3> : tensor<1x8x2xf32>
  %r2 = rnn.weight dense<0.3> : tensor<1x8x2xf32>
  %y2, %y2_h, %y2_c = rnn.lstm forward %y, %w2, %r2 {hidden_size = 2 : i64, rnn.override = {y = {"range-method" = "mse"}}}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %y2 -0.2 to 0.2 : tensor<?x?x2xf32>
  rnn.range %y2_c -0.2 to 0.2 : tensor<1x?x2xf32>
  return %y2 : tensor<?x?x2xf32>
}

// -----

func.func @not_an_input(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 1.0 : tensor<?x?x2xf32>
  %v = rnn.weight dense<0.3> : tensor<2x2xf32>
  %y = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 1.0 : tensor<?x?x2xf32>
  %u = rnn.weight dense<0.3> : tensor<2x2xf32>
  // expected-error@+1 {{node 'rnn.linear': input-bits is given, but the layer reads the result of 'rnn.linear'; give act-bits for that layer instead}}
  %z = rnn.linear %y, %u {rnn.override = {"input-bits" = 9 : i64}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

func.func @two_widths(%x: tensor<?x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xf32>) {
  rnn.range %x -1.0 to 1.0 : tensor<?x?x2xf32>
  %v = rnn.weight dense<0.3> : tensor<2x2xf32>
  %y = rnn.linear %x, %v {rnn.override = {"input-bits" = 9 : i64}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  %u = rnn.weight dense<0.3> : tensor<2x2xf32>
  // expected-error@+1 {{node 'rnn.linear': input-bits is 10, but 'rnn.linear' reads the same input and asks for 9; give one width for both}}
  %z = rnn.linear %x, %u {rnn.override = {"input-bits" = 10 : i64}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %y, %z : tensor<?x?x2xf32>, tensor<?x?x2xf32>
}

// -----

func.func @joined(%x: tensor<?x?x2xf32> {rnn.override = {frac = 9 : i64}}) -> tensor<?x?x4xf32> {
  rnn.range %x -1.0 to 1.0 : tensor<?x?x2xf32>
  %v = rnn.weight dense<0.3> : tensor<2x2xf32>
  // expected-error@+1 {{frac 10 is given for 'rnn.linear' and frac 9 for input 0, but the two are joined and have one format; give one fraction for both}}
  %y = rnn.linear %x, %v {rnn.override = {y = {frac = 10 : i64}}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 1.0 : tensor<?x?x2xf32>
  %z = rnn.concat %x, %y : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  return %z : tensor<?x?x4xf32>
}

// -----

// The published quantiser settles what is also given.
func.func @published(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 1.0 : tensor<?x?x2xf32>
  %v = rnn.weight dense<0.3> : tensor<2x2xf32>
  // expected-error@+1 {{node 'rnn.linear': W: weight-quantizer hcgs settles the encoding, which is also given; leave out one of the two}}
  %y = rnn.linear %x, %v {rnn.override = {"weight-quantizer" = "hcgs", W = {"weight-encoding" = "twos"}}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 1.0 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Weights that lie on a grid, and zeros where signmag is asked for.

// RUN: hcgs-opt %s --rnn-quantize="weight-bits=4" --split-input-file --verify-diagnostics -o %t
// RUN: FileCheck %s --input-file=%t

// Codes -8..8 of 2^-3 without zero; the tables of gates come from no data.

// CHECK-LABEL: @kept
// CHECK: w = <bits = 4, encoding = signmag, rounding = nearest, exps = [3]>
func.func @kept(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.125], [-0.625, -1.0]]> : tensor<2x2xf32>
  // expected-remark@+1 {{node 'rnn.linear': W: weights lie on a grid (2^-3) that takes 4 bits; stored without change}}
  %y = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// CHECK-LABEL: @too_fine
func.func @too_fine(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.125], [-0.625, -0.0625]]> : tensor<2x2xf32>
  // expected-remark@+1 {{node 'rnn.linear': W: weights lie on a grid of 2^-4 but are changed: they need 5 bits and weight-bits is 4}}
  %y = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// Weights that were not trained with quantisation are no news.

// CHECK-LABEL: @no_grid
func.func @no_grid(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[0.91, 0.11], [-0.63, -0.99]]> : tensor<2x2xf32>
  %y = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// A grid with zeros: twos holds it without change.

// CHECK-LABEL: @zeros
// CHECK: w = <bits = 4, encoding = twos, rounding = nearest, exps = [2]>
func.func @zeros(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.0], [-0.25, 0.0]]> : tensor<2x2xf32>
  // expected-remark@+2 {{node 'rnn.linear': W: 2 weights in kept positions are zero, and twos has less than half the error; the matrix is stored as twos (zeros=one keeps signmag)}}
  // expected-remark@+1 {{node 'rnn.linear': W: weights lie on a grid (2^-2) that takes 4 bits; stored without change}}
  %y = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// CHECK-LABEL: @zeros_as_one
// CHECK: w = <bits = 4, encoding = signmag
func.func @zeros_as_one(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.0], [-0.25, 0.0]]> : tensor<2x2xf32>
  // expected-remark@+2 {{node 'rnn.linear': W: weights lie on a grid of 2^-2 but are changed: zeros become +1 in signmag}}
  // expected-remark@+1 {{node 'rnn.linear': W: 2 weights in kept positions are zero and become +1 in signmag}}
  %y = rnn.linear %x, %v {rnn.override = {zeros = "one"}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// One zero among weights that are rounded anyway does not matter.

// CHECK-LABEL: @one_zero
// CHECK: w = <bits = 4, encoding = signmag
func.func @one_zero(%x: tensor<?x?x8xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x8xf32>
  %v = rnn.weight dense<[[0.97, 0.44, 0.56, 0.81, 0.31, 0.69, 0.94, 0.06], [-0.44, -0.56, -0.81, -0.31, -0.69, -0.94, -0.06, 0.0]]> : tensor<2x8xf32>
  // expected-remark@+1 {{node 'rnn.linear': W: 1 weights in kept positions are zero and become +1 in signmag}}
  %y = rnn.linear %x, %v : (tensor<?x?x8xf32>, tensor<2x8xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// CHECK-LABEL: @always_twos
// CHECK: w = <bits = 4, encoding = twos
func.func @always_twos(%x: tensor<?x?x8xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x8xf32>
  %v = rnn.weight dense<[[0.97, 0.44, 0.56, 0.81, 0.31, 0.69, 0.94, 0.06], [-0.44, -0.56, -0.81, -0.31, -0.69, -0.94, -0.06, 0.0]]> : tensor<2x8xf32>
  // expected-remark@+1 {{node 'rnn.linear': W: 1 weights in kept positions are zero, which signmag cannot hold; the matrix is stored as twos}}
  %y = rnn.linear %x, %v {rnn.override = {zeros = "twos"}} : (tensor<?x?x8xf32>, tensor<2x8xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// A bias that leaves the sum fewer fractional bits than the grid needs.

func.func @no_room(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.125], [-0.625, -1.0]]> : tensor<2x2xf32>
  %b = rnn.weight dense<[65536.0, 0.0]> : tensor<2xf32>
  // expected-error@+1 {{node 'rnn.linear': W: the weights lie on a grid of 2^-3, but the size of the bias leaves room for exponents up to 2, which would change them; input-bits=12 (now 13; 6.0 dB less SQNR of x) keeps them, or let them change with on-grid=lower}}
  %y = rnn.linear %x, %v bias %b : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// CHECK-LABEL: @lowered
// CHECK: exps = [2]
func.func @lowered(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.125], [-0.625, -1.0]]> : tensor<2x2xf32>
  %b = rnn.weight dense<[65536.0, 0.0]> : tensor<2xf32>
  // expected-remark@+1 {{node 'rnn.linear': W: weights lie on a grid of 2^-3 but are changed: the sum allows the exponent 2}}
  %y = rnn.linear %x, %v bias %b {rnn.override = {"on-grid" = "lower"}} : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// So it is with exponents that are given.

func.func @given(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[0.91, 0.11], [-0.63, -0.99]]> : tensor<2x2xf32>
  %b = rnn.weight dense<[65536.0, 0.0]> : tensor<2xf32>
  // expected-error@+1 {{node 'rnn.linear': W: the exponent 10 was given, but the size of the bias leaves room for exponents up to 2, which would change them; give lower exponents}}
  %y = rnn.linear %x, %v bias %b {rnn.override = {W = {exponents = array<i64: 10>}}} : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 0.5 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

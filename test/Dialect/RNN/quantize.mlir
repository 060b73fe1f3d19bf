// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-quantize=weight-encoding=twos --split-input-file --verify-diagnostics=only-expected | FileCheck %s
// The formats do not change the model: a second run finds the same.
// RUN: hcgs-opt %s --rnn-quantize=weight-encoding=twos --rnn-quantize=weight-encoding=twos --split-input-file --verify-diagnostics=only-expected | FileCheck %s

// x needs +-1.9: 13 bits, 11 of them fractions. c reaches 2.5: 16, 13. W is
// exact with the exponent 3 (1.0 = 8, of at most 31; 4 and more would be exact,
// too, and the smallest wins); R with 3 in gates i, o, f, and in g the 4.0 takes
// 6 bits with 3 just not (32), so that 2 wins. Sums: W 3 + 11, R 3 + 12 (g: 2 +
// 12); the cell: 12 + 13.
// CHECK-LABEL: @layer
// CHECK-NOT:   rnn.range
// CHECK:       rnn.lstm forward
// CHECK-SAME:  formats = #rnn.lstm_formats<x = <13, 11>, h = <13, 12>, c = <16, 13>
// CHECK-SAME:  gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128>
// CHECK-SAME:  <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128>]
// CHECK-SAME:  cell = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128>
// CHECK-SAME:  w = <bits = 6, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]>
// CHECK-SAME:  r = <bits = 6, encoding = twos, rounding = nearest, exps = [3, 3, 3, 2]>
// CHECK-SAME:  acc = [15, 15, 15, 14], cell_acc = 25>
// The head reads h and reaches 1.25: fx<13, 11>.
// CHECK:       rnn.linear
// CHECK-SAME:  #rnn.linear_formats<x = <13, 12>, y = <13, 11>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [2]>, acc = 14>
func.func @layer(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.9 to 1.5 : tensor<?x?x2xf32>
  %w = rnn.weight dense<[[[0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [4.0, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %b = rnn.weight dense<0.125> : tensor<1x16xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %y -0.8 to 0.9 : tensor<?x?x2xf32>
  rnn.range %y_c -2.5 to 2.25 : tensor<1x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.25], [0.5, -0.25]]> : tensor<2x2xf32>
  %z = rnn.linear %y, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// Values that are joined share the widest format with the most integer bits:
// h (13, 12) and the input (13, 10) become (13, 10), and so does what reads
// them. The sum of (13, 10) and (13, 12) is formed at 12.

// CHECK-LABEL: @joined
// CHECK:       rnn.act relu
// CHECK-SAME:  #rnn.pointwise_formats<ins = [<13, 10>], y = <13, 12>, acc = 10, act = <relu, in = !fx.int<16, 13>, out = !fx.int<13, 12>, segments = 128>>
// CHECK:       rnn.add
// CHECK-SAME:  #rnn.pointwise_formats<ins = [<13, 10>, <13, 12>], y = <13, 10>, acc = 12>
// CHECK:       rnn.act sigmoid
// CHECK-SAME:  #rnn.pointwise_formats<ins = [<13, 12>], y = <13, 10>, acc = 12, act = <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 10>, segments = 128>>
// CHECK:       rnn.concat
// CHECK-SAME:  #rnn.pointwise_formats<ins = [<13, 10>, <13, 10>], y = <13, 10>, acc = 10>
func.func @joined(%x: tensor<?x?x2xf32>) -> tensor<?x?x4xf32> {
  rnn.range %x -3.5 to 3.5 : tensor<?x?x2xf32>
  %p = rnn.act relu %x : tensor<?x?x2xf32>
  rnn.range %p 0.0 to 0.5 : tensor<?x?x2xf32>
  %s = rnn.add %x, %p : tensor<?x?x2xf32>
  rnn.range %s -3.5 to 3.75 : tensor<?x?x2xf32>
  %q = rnn.act sigmoid %p : tensor<?x?x2xf32>
  %j = rnn.concat %x, %q : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  return %j : tensor<?x?x4xf32>
}

// -----

// Without data, ranges are assumed, and said to be.

// CHECK-LABEL: @assumed
// CHECK:       rnn.linear
// CHECK-SAME:  x = <13, 9>, y = <13, 8>
// expected-remark@+1 {{without calibration data, inputs are taken to lie in +-8.00, cell states in +-8.00 and results of layers as far as their weights can reach}}
func.func @assumed(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %v = rnn.weight dense<[[1.0, 0.25], [0.5, -0.25]]> : tensor<2x2xf32>
  %z = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// A-W-7: the weights of W are 2^16 times finer than those of R. W gives up bits
// until R can be shifted to it (by 15), and one more because 17 * 2^12 << 15 in
// R would leave 32 bits. Tiny weights beside a large bias give up
// as many as leave the bias half of the accumulator. All lie on grids, which is
// why they must be allowed to change.

// CHECK-LABEL: @lowered
// CHECK:       exps = [17, 17, 17, 17]>, r = {{.*}}exps = [3, 3, 3, 3]>, acc = [29, 29, 29, 29]
// CHECK:       rnn.linear
// CHECK-SAME:  exps = [14]>, acc = 26
func.func @lowered(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.9 : tensor<?x?x2xf32>
  %w = rnn.weight dense<[[[0.000030517578125, 0.0], [0.0000019073486328125, 0.0], [0.000030517578125, 0.0], [0.0000019073486328125, 0.0], [0.000030517578125, 0.0], [0.0000019073486328125, 0.0], [0.000030517578125, 0.0], [0.0000019073486328125, 0.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[2.0, 0.125], [0.125, 2.0], [2.0, 0.125], [0.125, 2.0], [2.0, 0.125], [0.125, 2.0], [2.0, 0.125], [0.125, 2.0]]]> : tensor<1x8x2xf32>
  %b = rnn.weight dense<0.0> : tensor<1x16xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64, rnn.override = {"on-grid" = "lower"}}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %y_c -2.5 to 2.25 : tensor<1x?x2xf32>
  %v = rnn.weight dense<[[0.00000762939453125, 0.0], [0.000000476837158203125, 0.0]]> : tensor<2x2xf32>
  %c = rnn.weight dense<[15.0, -1.0]> : tensor<2xf32>
  %z = rnn.linear %y, %v bias %c {rnn.override = {"on-grid" = "lower"}} : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.0 to 15.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

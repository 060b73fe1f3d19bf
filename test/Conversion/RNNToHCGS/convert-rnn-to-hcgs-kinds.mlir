// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every kind of matrix keeps its attribute; codes are stored as the image has
// them.

// RUN: hcgs-opt %s --convert-rnn-to-hcgs | FileCheck %s

// Separate masks: row 0 keeps column 0 in gate i and column 1 in the others, row 1
// the other column. Rows first, then gates. All weights are codes already.
// CHECK: hcgs.matrix @L0.W 4x2x2 weights
// CHECK-SAME: sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["02", "01", "01", "01"]>
// CHECK-SAME: codes dense<[16, 8, 8, 8, 4, 2, 2, 2]> : tensor<8xi8>
// CHECK-SAME: provenance = {acc_bound = {{[0-9]+}} : i64, acc_gate = {{[0-3]}} : i64, acc_row = {{[01]}} : i64, acc_spare_bits = {{[0-9]+}} : i64, how = "imposed", on_grid = true,
// CHECK-SAME: sqnr_db = [unit, unit, unit, unit], squared_error = [0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]}
// Circulant: the first row of each gate.
// CHECK: hcgs.matrix @L0.R 4x2x2 weights
// CHECK-SAME: sparsity #fx.circulant<2>
// CHECK-SAME: codes dense<[16, 8, 16, 8, 16, 8, 16, 8]> : tensor<8xi8>
// The bound of its row: |16| + |4|, times 2^12, and no bias. The head is one row of a block.
// CHECK: hcgs.matrix @L1.W 1x1x2 weights
// CHECK-SAME: sparsity #fx.circulant<2> codes dense<[16, -4]> : tensor<2xi8>
// CHECK-SAME: acc_bound = 81920 : i64
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 1]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x1xf32> {
  %w = rnn.weight dense<[[[0.5, 0.0], [0.0, 0.125], [0.0, 0.25], [0.0625, 0.0], [0.0, 0.25], [0.0625, 0.0], [0.0, 0.25], [0.0625, 0.0]]]> : tensor<1x8x2xf32>
      sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["02", "01", "01", "01"]> {provenance = {how = "imposed"}}
  %r = rnn.weight dense<[[[0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5]]]> : tensor<1x8x2xf32> sparsity #fx.circulant<2>
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #rnn.lstm_formats<
      x = <13, 12>, h = <13, 12>, c = <16, 12>,
      gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>],
      cell = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
      w = <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>,
      r = <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>,
      acc = [17, 17, 17, 17], cell_acc = 24>}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %v = rnn.weight dense<[[0.5, -0.125]]> : tensor<1x2xf32> sparsity #fx.circulant<2>
  %z = rnn.linear %y, %v {formats = #rnn.linear_formats<
      x = <13, 12>, y = <13, 10>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [5]>, acc = 17>}
      : (tensor<?x?x2xf32>, tensor<1x2xf32>) -> tensor<?x?x1xf32>
  return %z : tensor<?x?x1xf32>
}

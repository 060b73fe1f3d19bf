// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is said of dense matrices is the share of their weights that is zero,
// whether or not the gates have their zeros at the same positions: of W every
// gate has a quarter, each elsewhere; of R one of 16 weights is zero.

// RUN: hcgs-opt %s --rnn-compress --verify-diagnostics | FileCheck %s

// CHECK-NOT: sparsity
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 0.0], [1.0, 0.0, 2.0, 3.0], [4.0, 5.0, 0.0, 6.0], [1.0, 2.0, 0.0, 3.0], [4.0, 0.0, 5.0, 6.0], [1.0, 2.0, 3.0, 0.0], [0.0, 4.0, 5.0, 6.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.0], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+2 {{W: no block pattern found (25.0 % of the weights are zero); stored dense}}
  // expected-remark@+1 {{R: no block pattern found (6.2 % of the weights are zero); stored dense}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

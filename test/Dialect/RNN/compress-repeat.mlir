// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Twice changes nothing, and what has been found can be taken back.

// RUN: hcgs-opt %s --rnn-compress=tiers=1x1 2>%t.once.err >%t.once
// RUN: hcgs-opt %t.once --rnn-compress=tiers=1x1 2>%t.twice.err >%t.twice
// RUN: diff %t.once %t.twice
// RUN: FileCheck %s < %t.once
// RUN: hcgs-opt %t.once --rnn-compress=mode=off | FileCheck %s --check-prefix=OFF

// CHECK: tensor<1x8x4xf32> sparsity #fx.sparsity<
// OFF-NOT: sparsity
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

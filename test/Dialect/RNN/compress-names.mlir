// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Messages carry the name of the model's node.

// RUN: not hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row" 2>&1 | FileCheck %s

// CHECK: error: {{.*}}node '/lstm/LSTM': W: the weights break the pattern
// CHECK: remark: {{.*}}node '/lstm/LSTM': R: stored dense
func.func @named(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.125, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("/lstm/LSTM")
  return %y : tensor<?x?x2xf32>
}

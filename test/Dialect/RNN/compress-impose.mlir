// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2" --verify-diagnostics | FileCheck %s --check-prefix=ROW
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2 linear=true" 2>%t.err | FileCheck %s --check-prefix=LINEAR
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2 balance=column" 2>%t.err | FileCheck %s --check-prefix=COLUMN
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2 select=random seed=1" 2>%t.err | FileCheck %s --check-prefix=RANDOM
// What was imposed is found again.
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2" --rnn-compress=mode=off --rnn-compress=tiers=1x1 2>%t.err | FileCheck %s --check-prefix=ROW
// Blocks larger than a matrix leave it dense; larger than each, they are refused.
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=2x4:1/2" 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not hcgs-opt %s --rnn-compress="mode=impose tiers=4x4:1/2" 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not hcgs-opt %s --rnn-compress="tiers=2x2:1/2" 2>&1 | FileCheck %s --check-prefix=NOWHERE

// Each row keeps the larger half by mean magnitude over the gates; the others
// are zero in every gate.
// ROW:      rnn.weight dense<{{\[\[\[}}1.000000e+00, 0.000000e+00, 0.000000e+00, 2.000000e+00], [0.000000e+00, 3.000000e+00, -1.000000e+00, 0.000000e+00],
// ROW-SAME: sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "9c">
// ROW:      tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "{{..}}">
// ROW:      rnn.weight dense<{{.*}}> : tensor<2x2xf32> {provenance = {{.*}}how = "detected"}}

// LINEAR:   tensor<2x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "02">

// Each column keeps one of two rows: 0, 1, 1, 0.
// COLUMN:   tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 column], map = "06">

// RANDOM:   tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "{{..}}">

// SMALL:    remark: node 'rnn.lstm': R: stored dense: 2 x 2 is smaller than a block of 2 x 4
// LARGE:    error: option tiers: every matrix is smaller than the first block of '4x4:1/2'; name smaller ones
// NOWHERE:  error: option tiers: no matrix has the blocks of '2x2:1/2'; leave tiers out for those that are found, or impose them with sparsity=impose
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+2 {{W: pattern 1x1:1/2 row imposed, keeps 16 of 32 weights}}
  // expected-remark@+1 {{R: pattern 1x1:1/2 row imposed, keeps 8 of 16 weights}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %v = rnn.weight dense<[[1.0, 0.5], [0.25, 2.0]]> : tensor<2x2xf32>
  // expected-remark@+1 {{W: stored dense (0.0 % zero)}}
  %z = rnn.linear %y, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

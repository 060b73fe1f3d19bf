// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Weights whose zeros show a pattern: W in 1x1 blocks of which each row keeps
// two; R is dense.

// RUN: hcgs-opt %s --rnn-compress=tiers=1x1 --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=DETECT
// RUN: hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row" --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=DETECT

// DETECT-LABEL: @two_of_four
// DETECT:       rnn.weight dense<{{.*}}tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "9c">
// DETECT:       rnn.weight dense<{{.*}}tensor<1x8x2xf32> {provenance
func.func @two_of_four(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+2 {{W: pattern 1x1:1/2 row, 16 of 32 weights; 6 bits longer than dense}}
  // expected-remark@+1 {{R: stored dense (0.0 % zero)}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A map that is there already stays.

// DETECT-LABEL: @has_map
// DETECT:       sparsity #fx.sparsity<tiers = [2x4 keep 1/1 row], map = "">
func.func @has_map(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [2x4 keep 1/1 row], map = "">
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+1 {{R: stored dense}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A pattern without map is asked for, whatever the options say.

// DETECT-LABEL: @asked_for
// DETECT:       sparsity #fx.sparsity<tiers = [2x2 keep 1/1 row, 1x1 keep 1/2 row], map = "{{[0-9a-f]+}}">
func.func @asked_for(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [2x2 keep 1/1 row, 1x1 keep 1/2 row]>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+2 {{W: pattern 2x2:1/1,1x1:1/2 row, 16 of 32 weights}}
  // expected-remark@+1 {{R: stored dense}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is said about a layer beats the options, what is said about a matrix the
// layer; the closest of sparsity and circulant counts.

// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2" --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @mixed
// CHECK:       tensor<1x8x4xf32> sparsity #fx.sparsity<tiers = [2x2 keep 1/2 none, 1x1 keep 1/2 row], separate, maps
// CHECK:       tensor<1x8x2xf32> sparsity #fx.circulant<2>
// CHECK:       tensor<2x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 column], map
// CHECK:       tensor<2x2xf32> {provenance = {how = "off"}}
func.func @mixed(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5], [1.0, 0.5, -0.25, 2.0], [0.25, 3.0, -1.0, 0.5]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-remark@+2 {{W: pattern 2x2:1/2:none,1x1:1/2:row imposed on each gate, keeps 8 of 32 weights}}
  // expected-remark@+1 {{R: circulant blocks of 2}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, rnn.override = {circulant = 2 : i64, masks = "separate", W = {sparsity = "impose", tiers = "2x2:1/2:none,1x1:1/2"}}}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %v = rnn.weight dense<[[1.0, 0.5], [0.25, 2.0]]> : tensor<2x2xf32>
  // expected-remark@+1 {{W: pattern 1x1:1/2 column imposed, keeps 2 of 4 weights}}
  %z = rnn.linear %y, %v {rnn.override = {sparsity = "impose", balance = "column"}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  %u = rnn.weight dense<[[1.0, 0.5], [0.25, 2.0]]> : tensor<2x2xf32>
  %t = rnn.linear %z, %u {rnn.override = {sparsity = "off"}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %t : tensor<?x?x2xf32>
}

// -----

func.func @contradiction(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %v = rnn.weight dense<[[1.0, 0.5], [0.25, 2.0]]> : tensor<2x2xf32>
  // expected-error@+1 {{node 'rnn.linear': W: overrides with sparsity "off" and circulant 2 contradict each other; keep one of them}}
  %z = rnn.linear %x, %v {rnn.override = {W = {sparsity = "off", circulant = 2 : i64}}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

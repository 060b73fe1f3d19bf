// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row" --split-input-file --verify-diagnostics
// RUN: not hcgs-opt %s --rnn-compress=tiers=1x1:2 --split-input-file 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not hcgs-opt %s --rnn-compress="mode=impose tiers=4x4" --split-input-file 2>&1 | FileCheck %s --check-prefix=FRACTION
// RUN: not hcgs-opt %s --rnn-compress=mode=impose --split-input-file 2>&1 | FileCheck %s --check-prefix=NONE

// FORM: error: option tiers of rnn-compress: tier '1x1:2' is not of the form ROWSxCOLS or ROWSxCOLS:KEEP, such as 32x32 or 32x32:25%
// FRACTION: error: option tiers of rnn-compress: tier '4x4' has no fraction to keep
// NONE: error: node 'rnn.lstm': W: there is no pattern to impose; give one with the option tiers, such as 32x32:25%,4x4:25%

// One weight of gate f in a block that the pattern drops.
func.func @stray(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.125, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  // expected-remark@+2 {{R: stored dense}}
  // expected-error@+1 {{node 'rnn.lstm': W: the weights break the pattern 1x1:1/2 row: 1 block too many, with 1 nonzero weight; tier 1 block at rows 1..1, columns 0..0 (1); on-broken=project drops them (removes 0.0349 % of the energy (-34.6 dB)), on-broken=dense stores the matrix dense, and on-broken=reject, the default, leaves it to you}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

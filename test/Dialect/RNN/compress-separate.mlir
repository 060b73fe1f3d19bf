// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Masks of the gates: gate i has its largest weights on the diagonal, the others
// beside it.

// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2 masks=separate" 2>%t.err >%t.separate
// RUN: FileCheck %s --check-prefix=SEPARATE < %t.separate
// RUN: FileCheck %s --check-prefix=REMARK < %t.err
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2" 2>%t.err | FileCheck %s --check-prefix=SHARED
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2 masks=separate select=random seed=7" 2>%t.err | FileCheck %s --check-prefix=RANDOM
// RUN: hcgs-opt %s --rnn-compress="mode=impose tiers=1x1:1/2:both masks=separate" 2>%t.err | FileCheck %s --check-prefix=BOTH
// RUN: not hcgs-opt %s --rnn-compress="mode=impose tiers=2x1:1/2:both" 2>&1 | FileCheck %s --check-prefix=UNEQUAL

// SEPARATE:      rnn.weight dense<{{\[\[\[}}2.000000e+00, 0.000000e+00], [0.000000e+00, 2.000000e+00], [0.000000e+00, 2.000000e+00], [2.000000e+00, 0.000000e+00],
// SEPARATE-SAME: sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["02", "01", "01", "01"]>
// SEPARATE-SAME: {provenance = {how = "imposed", removed_energy_db = {{.*}}, removed_energy_percent = {{.*}}}}
// REMARK:        W: pattern 1x1:1/2 row imposed on each gate, keeps 8 of 16 weights; removes {{.*}} % of the energy
// SHARED:        sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "01">
// RANDOM:        sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["{{..}}", "{{..}}", "{{..}}", "{{..}}"]>
// BOTH:          sparsity #fx.sparsity<tiers = [1x1 keep 1/2 both], separate, maps = ["02", "01", "01", "01"]>
// UNEQUAL:       error: node 'rnn.lstm': W: {{.*}}both
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[2.0, 1.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

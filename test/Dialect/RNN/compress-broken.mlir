// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two columns of each row are kept, but one weight of gate f lies outside.

// RUN: not hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row" 2>&1 | FileCheck %s --check-prefix=REJECT
// RUN: hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row on-broken=project" 2>%t.err | FileCheck %s --check-prefix=PROJECT
// RUN: FileCheck %s --check-prefix=PROJECTED < %t.err
// RUN: hcgs-opt %s --rnn-compress="tiers=1x1:1/2 balance=row on-broken=dense" 2>%t.err | FileCheck %s --check-prefix=DENSE
// RUN: FileCheck %s --check-prefix=STORED < %t.err

// REJECT:        error: node 'rnn.lstm': W: the weights break the pattern 1x1:1/2 row{{.*}}; on-broken=project drops them (removes {{.*}} % of the energy (-{{.*}} dB)), on-broken=dense stores the matrix dense, and on-broken=reject, the default, leaves it to you
// PROJECT:       rnn.weight dense<{{.*}}[0.000000e+00, 0.000000e+00, 0.000000e+00, -2.000000e+00], [0.000000e+00, 1.500000e+00, 1.000000e+00, 0.000000e+00], [1.000000e+00
// PROJECT-SAME:  sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "9c">
// PROJECT-SAME:  removed_energy_db = -{{.*}}, removed_energy_percent = {{0\.0.*|.*e-02}} : f64
// PROJECTED:     remark: node 'rnn.lstm': W: projected to the pattern 1x1:1/2 row, 16 of 32 weights; removes {{.*}} % of the energy (-{{.*}} dB)
// DENSE:         rnn.weight dense<{{.*}}1.250000e-01, 1.500000e+00
// DENSE-NOT:     sparsity
// STORED:        remark: node 'rnn.lstm': W: the weights break the pattern {{.*}}; stored dense, as on-broken=dense says
func.func @stray(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0], [0.5, 0.0, 0.0, -2.0], [0.0, 1.5, 1.0, 0.0], [0.0, 0.0, 0.0, -2.0], [0.125, 1.5, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0], [0.0, 3.0, -1.0, 0.0]]]> : tensor<1x8x4xf32>
  %r = rnn.weight dense<[[[0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25], [0.5, -0.5], [1.0, 0.25]]]> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Circulant blocks: projected, asked for, and what breaks them.

// RUN: hcgs-opt %s --rnn-compress=circulant=2 --split-input-file 2>%t.err | FileCheck %s --check-prefix=PROJECT
// RUN: FileCheck %s --check-prefix=REMARK < %t.err
// Once is enough.
// RUN: hcgs-opt %s --rnn-compress=circulant=2 2>%t.err >%t.once
// RUN: hcgs-opt %t.once --rnn-compress=circulant=2 2>%t.twice.err | FileCheck %s --check-prefix=PROJECT
// RUN: FileCheck %s --check-prefix=TWICE < %t.twice.err
// RUN: hcgs-opt %s --rnn-compress="circulant=2 linear=true" 2>%t.err | FileCheck %s --check-prefix=LINEAR
// What was found before is found again by itself, and can be taken back.
// RUN: hcgs-opt %t.once --rnn-compress=mode=off | FileCheck %s --check-prefix=OFF
// RUN: not hcgs-opt %s --rnn-compress=circulant=3 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not hcgs-opt %s --rnn-compress=circulant=1 2>&1 | FileCheck %s --check-prefix=ONE

// Of [[1, 2], [4, 3]]: the means of 1 and 3, and of 2 and 4.
// PROJECT:      rnn.weight dense<{{\[\[\[}}2.000000e+00, 3.000000e+00], [3.000000e+00, 2.000000e+00], [1.000000e+00, -1.000000e+00], [-1.000000e+00, 1.000000e+00],
// PROJECT-SAME: sparsity #fx.circulant<2> {provenance = {how = "circulant", removed_energy_db = -{{.*}}, removed_energy_percent = {{.*}}}}
// PROJECT:      rnn.weight dense<5.000000e-01> : tensor<1x8x2xf32> sparsity #fx.circulant<2> {provenance = {how = "circulant"}}
// PROJECT:      tensor<2x2xf32> {provenance = {{.*}}how = "detected"}}
// REMARK:       remark: node 'rnn.lstm': W: projected to circulant blocks of 2; removes {{.*}} % of the energy (-{{.*}} dB)
// REMARK:       remark: node 'rnn.lstm': R: circulant blocks of 2{{$}}
// REMARK:       remark: node 'rnn.linear': W: stored dense (0.0 % zero)
// TWICE:        remark: node 'rnn.lstm': W: circulant blocks of 2{{$}}
// LINEAR:       rnn.weight dense<{{\[\[}}2.000000e+00, 3.000000e+00], [3.000000e+00, 2.000000e+00]]> : tensor<2x2xf32> sparsity #fx.circulant<2>
// OFF-NOT:      sparsity
// LARGE:        error: node 'rnn.lstm': W: {{.*}}3
// ONE:          error: node 'rnn.lstm': W: {{.*}}1
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[1.0, 2.0], [4.0, 3.0], [1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %v = rnn.weight dense<[[1.0, 2.0], [4.0, 3.0]]> : tensor<2x2xf32>
  %z = rnn.linear %y, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// #fx.circulant written by hand asks for circulant blocks: W obeys, R does not.

// RUN: not hcgs-opt %s --rnn-compress 2>&1 | FileCheck %s --check-prefix=REJECT
// RUN: hcgs-opt %s --rnn-compress=on-broken=project 2>%t.err | FileCheck %s --check-prefix=PROJECT
// RUN: hcgs-opt %s --rnn-compress=on-broken=dense 2>%t.dense.err | FileCheck %s --check-prefix=DENSE
// RUN: FileCheck %s --check-prefix=DENSE-REMARK < %t.dense.err

// REJECT:       remark: node 'rnn.lstm': W: circulant blocks of 2, as asked for
// REJECT:       error: node 'rnn.lstm': R: {{.*}}; on-broken=project takes the nearest circulant blocks (removes {{.*}} % of the energy ({{.*}} dB)), on-broken=dense stores the matrix dense, and on-broken=reject, the default, leaves it to you
// PROJECT:      rnn.weight dense<2.500000e-01> : tensor<1x8x2xf32> sparsity #fx.circulant<2>
// PROJECT:      rnn.weight dense<{{\[\[\[}}2.000000e+00, 3.000000e+00], [3.000000e+00, 2.000000e+00],
// PROJECT-SAME: sparsity #fx.circulant<2>
// DENSE:        tensor<1x8x2xf32> sparsity #fx.circulant<2>
// DENSE:        rnn.weight dense<{{\[\[\[}}1.000000e+00, 2.000000e+00],
// DENSE-NOT:    sparsity
// DENSE-REMARK: R: {{.*}}; stored dense, as on-broken=dense says
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.25> : tensor<1x8x2xf32> sparsity #fx.circulant<2>
  %r = rnn.weight dense<[[[1.0, 2.0], [4.0, 3.0], [1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]]> : tensor<1x8x2xf32> sparsity #fx.circulant<2>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

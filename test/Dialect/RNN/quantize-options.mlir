// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-quantize="weight-bits=4 weight-encoding=signmag rounding=ceil input-bits=10 act-bits=9 gate-bits=11 cell-bits=14 pwl-segments=64 input-range=2.0 cell-range=4.0 zeros=one" 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t.err

// CHECK: x = <10, 8>, h = <9, 8>, c = <14, 11>
// CHECK-SAME: out = !fx.int<11, 10>, segments = 64>
// CHECK-SAME: w = <bits = 4, encoding = signmag, rounding = ceil
// A matrix with a gate of zeros is stored as twos.
// CHECK-SAME: r = <bits = 4, encoding = twos, rounding = ceil
// CHECK-SAME: exps = [0, 1, 1, 1]
// REMARK: without calibration data, inputs are taken to lie in +-2.00, cell states in +-4.00
// REMARK: node 'rnn.lstm': W: 4 weights in kept positions are zero and become +1 in signmag
// REMARK: node 'rnn.lstm': R: a gate has only zero weights, which signmag cannot hold; the matrix is stored as twos

// RUN: not hcgs-opt %s --rnn-quantize=zeros=refuse 2>&1 | FileCheck %s --check-prefix=ZEROS
// ZEROS: error: node 'rnn.lstm': W: 4 weights in kept positions are zero, which signmag cannot hold; use weight-encoding=twos, or zeros=one to store them as +1
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[0.5, 0.0], [0.125, 1.0], [0.5, 0.0], [0.125, 1.0], [0.5, 0.0], [0.125, 1.0], [0.5, 0.0], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[0.0, 0.0], [0.0, 0.0], [2.5, 0.5], [1.0, 2.0], [2.5, 0.5], [1.0, 2.0], [2.5, 0.5], [1.0, 2.0]]]> : tensor<1x8x2xf32>
  %b = rnn.weight dense<0.125> : tensor<1x16xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How sure a find is, is always said. Two blocks on the diagonal are as well
// described without balance as with one.

// RUN: hcgs-opt %s --rnn-compress 2>&1 >%t | FileCheck %s --check-prefix=TIE
// RUN: hcgs-opt %s --rnn-compress="tiers=4x4 balance=row" 2>&1 >%t | FileCheck %s --check-prefix=CLEAR

// TIE:    W: pattern 4x4:1/2 {{[a-z]+}}, 32 of 64 weights; as short as 4x4:1/2 {{[a-z]+$}}
// CLEAR:  W: pattern 4x4:1/2 row, 32 of 64 weights; {{[0-9]+}} bits ({{[0-9]+}} %) shorter than dense
func.func @main(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %v = rnn.weight dense<[[1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0], [5.0, 6.0, 7.0, 8.0, 0.0, 0.0, 0.0, 0.0], [9.0, 10.0, 11.0, 12.0, 0.0, 0.0, 0.0, 0.0], [13.0, 14.0, 15.0, 16.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 17.0, 18.0, 19.0, 20.0], [0.0, 0.0, 0.0, 0.0, 21.0, 22.0, 23.0, 24.0], [0.0, 0.0, 0.0, 0.0, 25.0, 26.0, 27.0, 28.0], [0.0, 0.0, 0.0, 0.0, 29.0, 30.0, 31.0, 32.0]]> : tensor<8x8xf32>
  %z = rnn.linear %x, %v : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return %z : tensor<?x?x8xf32>
}

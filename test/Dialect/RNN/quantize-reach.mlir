// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the tables of functions bounded by 1 see of a z that reaches +-48: no
// more than it takes until one output LSB is left.

// RUN: hcgs-opt %s 2>/dev/null --rnn-quantize | FileCheck %s
// RUN: hcgs-opt %s 2>/dev/null --rnn-quantize=act-bits=16 | FileCheck %s --check-prefix=WIDE

// sigmoid(8) is 1.4 LSB of 13 bits, 11 of 16, from its limit; tanh is flat.
// CHECK: act = <sigmoid, in = !fx.int<16, 12>
// CHECK: act = <tanh, in = !fx.int<16, 12>
// CHECK: act = <hard_sigmoid, in = !fx.int<16, 11>
// CHECK: act = <softsign, in = !fx.int<16, 9>
// CHECK: act = <softsign, in = !fx.int<16, 12>
// WIDE: act = <sigmoid, in = !fx.int<16, 11>
// WIDE: act = <tanh, in = !fx.int<16, 12>
// WIDE: act = <hard_sigmoid, in = !fx.int<16, 11>
// WIDE: act = <softsign, in = !fx.int<16, 9>
// WIDE: act = <softsign, in = !fx.int<16, 12>
func.func @main(%x: tensor<?x?x1xf32>) -> (tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>) {
  rnn.range %x -48.0 to 48.0 : tensor<?x?x1xf32>
  %a = rnn.act sigmoid %x : tensor<?x?x1xf32>
  %b = rnn.act tanh %x : tensor<?x?x1xf32>
  %c = rnn.act hard_sigmoid %x {alpha = 0.05 : f32, beta = 0.5 : f32} : tensor<?x?x1xf32>
  %d = rnn.act softsign %x : tensor<?x?x1xf32>
  // Bounded by 1 itself, it needs no more than +-8.
  %e = rnn.act softsign %d : tensor<?x?x1xf32>
  return %a, %b, %c, %d, %e : tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>, tensor<?x?x1xf32>
}

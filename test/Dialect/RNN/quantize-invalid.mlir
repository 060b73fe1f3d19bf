// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-quantize="act-bits=16 input-bits=16 weight-bits=8 gate-bits=16" --split-input-file --verify-diagnostics=only-expected

// RUN: not hcgs-opt %s --rnn-quantize=weight-bits=9 --split-input-file 2>&1 | FileCheck %s --check-prefix=BITS
// BITS: error: option weight-bits of rnn-quantize is 9; allowed is 2..8
// RUN: not hcgs-opt %s --rnn-quantize=act-bits=7 --split-input-file 2>&1 | FileCheck %s --check-prefix=ACT
// ACT: error: option act-bits of rnn-quantize is 7; allowed is 8..16
// RUN: not hcgs-opt %s --rnn-quantize=pwl-segments=600 --split-input-file 2>&1 | FileCheck %s --check-prefix=SEGMENTS
// SEGMENTS: error: option pwl-segments of rnn-quantize is 600; allowed is 1..512
// RUN: not hcgs-opt %s --rnn-quantize=pwl-max-error=-1 --split-input-file 2>&1 | FileCheck %s --check-prefix=MAX-ERROR
// MAX-ERROR: error: option pwl-max-error of rnn-quantize is -1{{.*}}; it must be a number of output LSBs, or 0 for the least error
// RUN: not hcgs-opt %s --rnn-quantize=cell-range=-1 --split-input-file 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: error: option cell-range of rnn-quantize is -1{{.*}}; it must be above 0 and at most 65536

// 600 products of codes up to 127 and 2^15 do not fit.
func.func @products(%x: tensor<?x?x600xf32>) -> tensor<?x?x1xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x600xf32>
  %v = rnn.weight dense<0.9> : tensor<1x600xf32>
  // expected-error@+1 {{node 'rnn.linear', row 0: the accumulator can reach 2260992000, which takes 33 bits and the machine has 32 (start 0 + W 69000 * 2^15 << 0); it would fit with input-bits=15 (now 16; 6.0 dB less SQNR of x) or weight-bits=7 (now 8; 12.0 dB less SQNR of W)}}
  %z = rnn.linear %x, %v : (tensor<?x?x600xf32>, tensor<1x600xf32>) -> tensor<?x?x1xf32>
  rnn.range %z -1.0 to 1.0 : tensor<?x?x1xf32>
  return %z : tensor<?x?x1xf32>
}

// -----

// 16-bit gates and a cell of several integer bits.
func.func @cell(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %w = rnn.weight dense<[[[0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0], [0.5, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %r = rnn.weight dense<[[[0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [0.25, -0.25], [0.125, 0.25], [4.0, -0.25], [0.125, 1.0]]]> : tensor<1x8x2xf32>
  %b = rnn.weight dense<0.125> : tensor<1x16xf32>
  // expected-error@+1 {{node 'rnn.lstm', cell: the accumulator can reach 9663676416, which takes 35 bits and the machine has 32 (f*c 2^30 << 3 + i*g 2^30 << 0); it would fit with gate-bits=13 (now 16)}}
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  rnn.range %y_c -8.0 to 7.0 : tensor<1x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

func.func @infinite(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0x7F800000], [0.5, -0.25]]> : tensor<2x2xf32>
  // expected-error@+1 {{node 'rnn.linear': W: weight at gate 0, row 0, column 1 is NaN or infinite; only finite weights can be quantised}}
  %z = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

func.func @bias(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<[[1.0, 0.25], [0.5, -0.25]]> : tensor<2x2xf32>
  %c = rnn.weight dense<[0x7FC00000, 0.0]> : tensor<2xf32>
  // expected-error@+1 {{node 'rnn.linear': the bias holds nan at element 0; only finite numbers can be quantised}}
  %z = rnn.linear %x, %v bias %c : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// Operands whose scales are further apart than a shift reaches.
func.func @scales(%x: tensor<?x?x2xf32>, %y: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1000000.0 to 1000000.0 : tensor<?x?x2xf32>
  rnn.range %y -0.001 to 0.001 : tensor<?x?x2xf32>
  // expected-error@+1 {{node 'rnn.add': operand 0 needs a shift by 29; instructions have 0..15; the scales of its values are too far apart}}
  %z = rnn.add %x, %y : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// A pattern whose blocks were never chosen.
func.func @unchosen(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  // expected-error@+1 {{the block pattern has no map; run rnn-compress first}}
  %v = rnn.weight dense<1.0> : tensor<2x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row]>
  %z = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// A map that the weights do not obey, and one that is no map.
func.func @disobeyed(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  %v = rnn.weight dense<1.0> : tensor<2x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "01">
  // expected-error@+1 {{node 'rnn.linear': W: 2 weights outside the kept blocks are not zero}}
  %z = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

func.func @malformed(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  rnn.range %x -1.0 to 0.5 : tensor<?x?x2xf32>
  // expected-error@+1 {{malformed index: filler bits of the last byte are not 0}}
  %v = rnn.weight dense<1.0> : tensor<2x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "f1">
  %z = rnn.linear %x, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %z -1.25 to 1.0 : tensor<?x?x2xf32>
  return %z : tensor<?x?x2xf32>
}

// -----

// No format goes so far.
// expected-error@+1 {{the range of input 0 is -1e+30..1e+30, but no format of 16 bits goes beyond +-2.14748e+09; give a smaller range, or scale the model}}
func.func @far(%x: tensor<?x?x2xf32> {rnn.override = {range = array<f64: -1.0e30, 1.0e30>}}) -> tensor<?x?x2xf32> {
  %y = rnn.act relu %x : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

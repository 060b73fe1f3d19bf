// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-to-isa=target=%S/Inputs/tiny.json --split-input-file --verify-diagnostics

// What does not fit the target: which memory, needed, available, by how much,
// and what would fit.

!v = !hcgs.vec<16 x !fx.int<13, 12>>
// expected-error@+1 {{1 layer: weights need 96 bytes, wmem of 'tiny' has 64: 32 bytes over; with 4-bit weights they fit; as wide as they are, weights must be compressed 1.51x in all in place of 1.00x (larger --tiers ratios, or a circulant block size), or choose a target with more}}
hcgs.program @weights {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x8x16 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x8x16xi8>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !hcgs.acc<1x8, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x8, [15]> -> !hcgs.vec<8 x !fx.int<13, 12>>
}

// -----

// No width is small enough. Nor are there loops that could load weights.
!v = !hcgs.vec<64 x !fx.int<13, 12>>
// expected-error@+1 {{1 layer: weights need 384 bytes, wmem of 'tiny' has 64: 320 bytes over; no width of weights is small enough; as wide as they are, weights must be compressed 6.03x in all in place of 1.00x}}
hcgs.program @ratio {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x8x64 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x8x64xi8>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !hcgs.acc<1x8, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x8, [15]> -> !hcgs.vec<8 x !fx.int<13, 12>>
}

// -----

// 7 block-columns: rows keep 4 of 7 (3.5 rounds to 4), columns 2 of 4.
!v = !hcgs.vec<14 x !fx.int<13, 12>>
// expected-error@+1 {{1 layer: weights need 72 bytes, wmem of 'tiny' has 64: 8 bytes over; blocks balanced by columns need 63 bytes and fit}}
hcgs.program @balance {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x12x14 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [3x2 keep 1/2 row], map = "888668888668"> codes dense<1> : tensor<96xi8>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !hcgs.acc<1x12, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x12, [15]> -> !hcgs.vec<12 x !fx.int<13, 12>>
}

// -----

!v = !hcgs.vec<8 x !fx.int<13, 12>>
// expected-error@+1 {{1 layer: block indices need 2 bytes, imem of 'tiny' has 1: 1 bytes over; use larger blocks or choose a target with more}}
hcgs.program @indices {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "4444"> codes dense<1> : tensor<32xi8>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !hcgs.acc<1x8, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x8, [15]> -> !v
}

// -----

!v = !hcgs.vec<4 x !fx.int<13, 12>>
!y = !hcgs.vec<20 x !fx.int<13, 12>>
// expected-error@+1 {{1 layer: biases need 20 elements, bmem of 'tiny' has 18: 2 elements over; choose a target with more}}
hcgs.program @biases {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x20x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x20x4xi8> bias dense<1> : tensor<1x20xi32>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x bias shifts [0] layer @A : (!v) -> !hcgs.acc<1x20, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x20, [15]> -> !y
}

// -----

!v = !hcgs.vec<65 x !fx.int<13, 12>>
// expected-error@+1 {{values need 65 elements, vmem of 'tiny' has 64: 1 elements over; choose a target with more, or a smaller network}}
hcgs.program @values {
  hcgs.stream @x sequence in : !v
  hcgs.stream @y sequence out : !v
  %x = hcgs.read @x : !v
  hcgs.write %x, @y at 0 : !v
}

// -----

// Storage is shared where lifetimes allow: three vectors of 30 elements, never
// more than two of them alive.
!v = !hcgs.vec<30 x !fx.int<13, 12>>
hcgs.program @shared {
  hcgs.layer @A act "/a"
  hcgs.layer @B act "/b"
  hcgs.stream @x sequence in : !v
  hcgs.stream @y sequence out : !v
  %x = hcgs.read @x : !v
  %a = hcgs.vacc %x shl 0 layer @A : (!v) -> !hcgs.acc<1x30, [12]>
  %z = hcgs.requant %a[0] shift 0 layer @A : !hcgs.acc<1x30, [12]> -> !v
  %b = hcgs.vacc %z shl 0 layer @B : (!v) -> !hcgs.acc<1x30, [12]>
  %y = hcgs.requant %b[0] shift 0 layer @B : !hcgs.acc<1x30, [12]> -> !v
  hcgs.write %y, @y at 0 : !v
}

// -----

!v = !hcgs.vec<41 x !fx.int<13, 12>>
// expected-error@+1 {{accumulators need 41 elements, amem of 'tiny' has 40: 1 elements over; choose a target with more, or a smaller network}}
hcgs.program @accumulators {
  hcgs.layer @A act "/a"
  hcgs.stream @x sequence in : !v
  %x = hcgs.read @x : !v
  %a = hcgs.vacc %x shl 0 layer @A : (!v) -> !hcgs.acc<1x41, [12]>
}

// -----

// 33 copies of one element: load and store need two instructions each.
!v = !hcgs.vec<1 x !fx.int<13, 12>>
!y = !hcgs.vec<33 x !fx.int<13, 12>>
// expected-error@+1 {{program needs 71 instructions, pmem of 'tiny' has 64: 7 instructions over; use a smaller network, or a target with more}}
hcgs.program @instructions {
  hcgs.stream @x sequence in : !v
  hcgs.stream @y sequence out : !y
  %0 = hcgs.read @x : !v
  %1 = hcgs.read @x : !v
  hcgs.write %0, @y at 0 : !v
  hcgs.write %1, @y at 1 : !v
  hcgs.write %0, @y at 2 : !v
  hcgs.write %1, @y at 3 : !v
  hcgs.write %0, @y at 4 : !v
  hcgs.write %1, @y at 5 : !v
  hcgs.write %0, @y at 6 : !v
  hcgs.write %1, @y at 7 : !v
  hcgs.write %0, @y at 8 : !v
  hcgs.write %1, @y at 9 : !v
  hcgs.write %0, @y at 10 : !v
  hcgs.write %1, @y at 11 : !v
  hcgs.write %0, @y at 12 : !v
  hcgs.write %1, @y at 13 : !v
  hcgs.write %0, @y at 14 : !v
  hcgs.write %1, @y at 15 : !v
  hcgs.write %0, @y at 16 : !v
  hcgs.write %1, @y at 17 : !v
  hcgs.write %0, @y at 18 : !v
  hcgs.write %1, @y at 19 : !v
  hcgs.write %0, @y at 20 : !v
  hcgs.write %1, @y at 21 : !v
  hcgs.write %0, @y at 22 : !v
  hcgs.write %1, @y at 23 : !v
  hcgs.write %0, @y at 24 : !v
  hcgs.write %1, @y at 25 : !v
  hcgs.write %0, @y at 26 : !v
  hcgs.write %1, @y at 27 : !v
  hcgs.write %0, @y at 28 : !v
  hcgs.write %1, @y at 29 : !v
  hcgs.write %0, @y at 30 : !v
  hcgs.write %1, @y at 31 : !v
  hcgs.write %0, @y at 32 : !v
}

// -----

// expected-error@+1 {{0 layers: activation tables need 3 tables, lut of 'tiny' has 2: 1 tables over; use fewer different formats or choose a target with more}}
hcgs.program @tables {
  hcgs.table @a <relu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  hcgs.table @b <relu, in = !fx.int<16, 11>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  hcgs.table @c <relu, in = !fx.int<16, 10>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @segments {
  // expected-error@+1 {{has 8 segments, lut of 'tiny' has room for 4 in one table; use fewer segments}}
  hcgs.table @a <relu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8> k 15 n 3 s 14 lo 0 hi 4095 error 1.5 bases [1, 2, 3, 4, 5, 6, 7, 8] slopes [3, -4, 3, 3, 3, 3, 3, 3]
}

// -----

hcgs.program @bits {
  // expected-error@+1 {{matrix 'W' has weights of 8 bits, 'tiny' takes 4, 6}}
  hcgs.matrix @W 1x2x2 weights <bits = 8, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x2x2xi8>
}

// -----

hcgs.program @encoding {
  // expected-error@+1 {{matrix 'W' has weights encoded 'signmag', 'tiny' takes twos}}
  hcgs.matrix @W 1x2x2 weights <bits = 4, encoding = signmag, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x2x2xi8>
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: sed 's/"name": "hcgs-65nm"/"name": "six"/; s/288000/64/' %S/../../../targets/hcgs-65nm.json > %t.json
// RUN: not hcgs-opt %s --hcgs-to-isa=target=%t.json 2>&1 | FileCheck %s

// A target that takes one width only: it is said which would do, and that it
// cannot be had.
// CHECK: error: 1 layer: weights need 96 bytes, wmem of 'six' has 64: 32 bytes over; 4-bit weights would fit, but 'six' takes 6 bits only; as wide as they are, weights must be compressed 1.51x
!v = !hcgs.vec<16 x !fx.int<13, 12>>
hcgs.program @weights {
  hcgs.layer @A linear "/a"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x8x16 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [4x4 keep 1/1 row], map = "e4e4"> codes dense<1> : tensor<128xi8>
  %x = hcgs.read @x : !v
  %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !hcgs.acc<1x8, [15]>
  %y = hcgs.requant %a[0] shift 3 layer @A : !hcgs.acc<1x8, [15]> -> !hcgs.vec<8 x !fx.int<13, 12>>
}

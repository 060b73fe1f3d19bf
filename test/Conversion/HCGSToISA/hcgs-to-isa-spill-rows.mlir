// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: sed 's/512,/96,/' %S/Inputs/little.json > %t.json
// RUN: hcgs-opt %s --hcgs-verify-schedule --hcgs-to-isa=target=%t.json --isa-verify-program | FileCheck %s

// Circulant matrices of 64 bytes each whose 16 rows are one row block, for 96
// bytes of wmem: parts of 8 rows, all gates, 32 bytes. The accumulators of the
// gates of 8 rows do not lie side by side (gate g at 16 g + row), so each gate
// takes an instruction. Its dst is where gate 0 would be if they did: 8 g less.

!v = !hcgs.vec<16 x !fx.int<13, 12>>
!c = !hcgs.vec<16 x !fx.int<16, 12>>
!a = !hcgs.acc<4x16, [15, 15, 15, 15]>
!s = !hcgs.acc<1x16, [24]>

// CHECK-LABEL: isa.program @lstm
// CHECK-SAME: spill = {buffer_bytes = 64 : i64, bytes = 96 : i64, bytes_per_step = 64 : i64, matrices = [0, 1], parts = 4 : i64}
hcgs.program @lstm {
  hcgs.layer @L0 lstm "/lstm/LSTM"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  hcgs.matrix @L0.W 4x16x16 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> sparsity #fx.circulant<8> codes dense<1> : tensor<128xi8> bias dense<7> : tensor<4x16xi32>
  hcgs.matrix @L0.R 4x16x16 weights <bits = 4, encoding = twos, rounding = nearest, exps = [2, 2, 2, 2]> sparsity #fx.circulant<8> codes dense<1> : tensor<128xi8>
  hcgs.table @sigmoid <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  hcgs.table @tanh <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -4096 hi 4095 error 2.0 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant zero : !v
  %c0 = hcgs.constant zero : !c
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !v, !c {
    %x = hcgs.read @x : !v
    %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!v) -> !a
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [1, 1, 1, 1] layer @L0 : (!v, !a) -> !a
    %i = hcgs.act %a[0] @sigmoid shift 3 layer @L0 : !a -> !v
    %o = hcgs.act %a[1] @sigmoid shift 3 layer @L0 : !a -> !v
    %f = hcgs.act %a[2] @sigmoid shift 3 layer @L0 : !a -> !v
    %g = hcgs.act %a[3] @tanh shift 3 layer @L0 : !a -> !v
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!v, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!v, !v, !s) -> !s
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @tanh shift 12 layer @L0 : !s -> !v
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!v, !v) -> !s
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 : !a
      hcgs.buffer %i slots 1 : !v
      hcgs.buffer %o slots 1 : !v
      hcgs.buffer %f slots 1 : !v
      hcgs.buffer %g slots 1 : !v
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %c1 slots 1 : !c
      hcgs.buffer %q slots 1 : !v
      hcgs.buffer %m slots 1 : !s
      hcgs.buffer %h1 slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %a0 gates [1, 3] step 0 : !a
      hcgs.issue %a0 gates [0, 2] step 0 : !a
      hcgs.issue %a step 0 : !a
      hcgs.issue %i step 0 : !v
      hcgs.issue %o step 0 : !v
      hcgs.issue %f step 0 : !v
      hcgs.issue %g step 0 : !v
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %s step 0 : !s
      hcgs.issue %c1 step 0 : !c
      hcgs.issue %q step 0 : !v
      hcgs.issue %m step 0 : !s
      hcgs.issue %h1 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1, %c1 : !v, !c
  }
}

// Rows 0..7 of W are in the buffers in turn with those of R. With biases, each
// gate has a descriptor that names them where its dst has the accumulators.
// CHECK: isa.loop T
// CHECK: isa.mvm a[8], v[0], desc 2, blocks 0 + 1, gates o, init bias, {{.*}}"W gates o rows 0..7, step t"
// CHECK-NEXT: isa.mvm a[24], v[0], desc 3, blocks 0 + 1, gates g, init bias, {{.*}}"W gates g rows 0..7, step t"
// CHECK-NEXT: isa.mvm a[16], v[0], desc 4, blocks 0 + 1, gates o, init bias, {{.*}}"W gates o rows 8..15, step t"
// CHECK-NEXT: isa.mvm a[32], v[0], desc 5, blocks 0 + 1, gates g, init bias, {{.*}}"W gates g rows 8..15, step t"
// CHECK-NEXT: isa.mvm a[0], v[0], desc 6, blocks 0 + 1, gates i, init bias, {{.*}}"W gates i rows 0..7, step t"
// CHECK-NEXT: isa.mvm a[16], v[0], desc 7, blocks 0 + 1, gates f, init bias,
// CHECK-NEXT: isa.astream
// CHECK-NEXT: isa.wload w[32], x[a[[S:[0-9]+]]], n 32 {{.*}}"weights of R rows 0..7"
// CHECK-NEXT: isa.mvm a[8], v[0], desc 8, blocks 0 + 1, gates i, init bias,
// CHECK-NEXT: isa.mvm a[24], v[0], desc 9, blocks 0 + 1, gates f, init bias,
// Without, one descriptor serves all gates.
// CHECK-NEXT: isa.mvm a[0], v[[H:.*]], desc 10, blocks 0 + 1, gates i, init acc, shifts [1, 0, 0, 0], {{.*}}"R gates i rows 0..7, step t"
// CHECK-NEXT: isa.mvm a[8], v[[H]], desc 10, blocks 0 + 1, gates o, init acc, shifts [0, 1, 0, 0],
// CHECK-NEXT: isa.mvm a[16], v[[H]], desc 10, blocks 0 + 1, gates f, init acc, shifts [0, 0, 1, 0],
// CHECK-NEXT: isa.mvm a[24], v[[H]], desc 10, blocks 0 + 1, gates g, init acc, shifts [0, 0, 0, 1],
// CHECK: isa.mvm a[8], v[[H]], desc 11, blocks 0 + 1, gates i, init acc, {{.*}}"R gates i rows 8..15, step t"

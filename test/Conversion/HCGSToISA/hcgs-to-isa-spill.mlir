// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-to-isa=target=%S/Inputs/little.json --isa-verify-program | FileCheck %s

// 640 bytes of weights for 512 of wmem: ten parts of eight rows, 64 bytes each.
// Two buffers take 128 bytes, six parts stay in the 384 that are left; the
// others, 0, 2, 5 and 7, come through the buffers in turn.

!v = !hcgs.vec<16 x !fx.int<13, 12>>
!w = !hcgs.vec<80 x !fx.int<13, 12>>
!a = !hcgs.acc<1x80, [15]>

// CHECK-LABEL: isa.program @net
// CHECK-SAME: spill = {buffer_bytes = 128 : i64, bytes = 256 : i64, bytes_per_step = 256 : i64, matrices = [0], parts = 10 : i64}
// CHECK-SAME: {direction = "in", elements = 320 : i64, kind = "weights", name = "weights", value}]
// CHECK-SAME: spill = dense_resource<spill> : tensor<640xi8>
// CHECK-SAME: weights = dense_resource<weights> : tensor<384xi8>
hcgs.program @net {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !w
  hcgs.matrix @W 1x80x16 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x80x16xi8> bias dense<5> : tensor<1x80xi32>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x bias shifts [0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[0] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 : !a
      hcgs.buffer %y slots 1 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !a
      hcgs.issue %y step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// Before the loop, the first parts of both buffers.
// CHECK: isa.astream a[[S:[0-9]+]], stream 2 {{.*}}"weights of W rows 0..7"
// CHECK-NEXT: isa.wload w[384], x[a[[S]]], n 64
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 128 {{.*}}"weights of W rows 16..23"
// CHECK-NEXT: isa.wload w[448], x[a[[S]]], n 64
// CHECK-NEXT: isa.loop T
// CHECK-NEXT: isa.load
// A buffer is filled again as soon as its product was issued.
// CHECK-NEXT: isa.mvm a[0], {{.*}} desc 1, blocks 0 + 1, gates i, init bias, {{.*}}"W rows 0..7, step t"
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 320
// CHECK-NEXT: isa.wload w[384], x[a[[S]]], n 64 {{.*}}"weights of W rows 40..47"
// CHECK-NEXT: isa.mvm a[8], {{.*}} desc 2,
// CHECK-NEXT: isa.mvm a[16], {{.*}} desc 3,
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 448
// CHECK-NEXT: isa.wload w[448], x[a[[S]]], n 64
// CHECK-NEXT: isa.mvm a[24], {{.*}} desc 4,
// CHECK-NEXT: isa.mvm a[32], {{.*}} desc 5,
// CHECK-NEXT: isa.mvm a[40], {{.*}} desc 6,
// The first parts of the next step.
// CHECK-NEXT: isa.astream a[[S]], stream 2 {layer
// CHECK-NEXT: isa.wload w[384], x[a[[S]]], n 64 {{.*}}"weights of W rows 0..7"
// CHECK-NEXT: isa.mvm a[48], {{.*}} desc 7,
// CHECK-NEXT: isa.mvm a[56], {{.*}} desc 8,
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 128
// CHECK-NEXT: isa.wload w[448], x[a[[S]]], n 64
// CHECK-NEXT: isa.mvm a[64], {{.*}} desc 9,
// CHECK-NEXT: isa.mvm a[72], {{.*}} desc 10,
// CHECK-NEXT: isa.requant

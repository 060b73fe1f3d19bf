// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-to-isa=target=%S/Inputs/little.json --isa-verify-program | FileCheck %s
// RUN: sed 's/512,/320,/' %S/Inputs/little.json > %t.json
// RUN: hcgs-opt %s --hcgs-to-isa=target=%t.json --isa-verify-program | FileCheck %s --check-prefix=LITTLE

// 640 bytes of weights for 512 of wmem. Ten parts of eight rows, 64 bytes each,
// would leave room for six of them, and four loads a step of 2 + 2 cycles. With
// five parts of 128 bytes two are resident and one stays in its buffer: two
// loads of 2 + 4.
//
// For 320 bytes of wmem, parts of eight rows: two buffers take 128 bytes, three
// parts stay in the 192 that are left, seven come through the buffers in turn.

!v = !hcgs.vec<16 x !fx.int<13, 12>>
!w = !hcgs.vec<80 x !fx.int<13, 12>>
!a = !hcgs.acc<1x80, [15]>

// CHECK-LABEL: isa.program @net
// CHECK-SAME: spill = {buffer_bytes = 256 : i64, bytes = 384 : i64, bytes_per_step = 256 : i64, matrices = [0], parts = 5 : i64}
// CHECK-SAME: {direction = "in", elements = 320 : i64, kind = "weights", name = "weights", value}]
// CHECK-SAME: spill = dense_resource<spill> : tensor<640xi8>
// CHECK-SAME: weights = dense_resource<weights> : tensor<256xi8>
// LITTLE: spill = {buffer_bytes = 128 : i64, bytes = 448 : i64, bytes_per_step = 448 : i64, matrices = [0], parts = 10 : i64}
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
// CHECK: isa.astream a[[S:[0-9]+]], stream 2 {{.*}}"weights of W rows 0..15"
// CHECK-NEXT: isa.wload w[256], x[a[[S]]], n 128
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 128 {{.*}}"weights of W rows 16..31"
// CHECK-NEXT: isa.wload w[384], x[a[[S]]], n 128
// CHECK-NEXT: isa.loop T
// CHECK-NEXT: isa.load
// A buffer is filled again as soon as its product was issued.
// CHECK-NEXT: isa.mvm a[0], {{.*}} desc 1, blocks 0 + 1, gates i, init bias, {{.*}}"W rows 0..15, step t"
// CHECK-NEXT: isa.astream a[[S]], stream 2 imm 384
// CHECK-NEXT: isa.wload w[256], x[a[[S]]], n 128 {{.*}}"weights of W rows 48..63"
// CHECK-NEXT: isa.mvm a[16], {{.*}} desc 2,
// CHECK-NEXT: isa.mvm a[32], {{.*}} desc 3,
// CHECK-NEXT: isa.mvm a[48], {{.*}} desc 4,
// The first part of the next step.
// CHECK-NEXT: isa.astream a[[S]], stream 2 {layer
// CHECK-NEXT: isa.wload w[256], x[a[[S]]], n 128 {{.*}}"weights of W rows 0..15"
// CHECK-NEXT: isa.mvm a[64], {{.*}} desc 5,
// CHECK-NEXT: isa.requant

// LITTLE: isa.loop T
// LITTLE-NEXT: isa.load
// LITTLE-NEXT: isa.mvm a[0],
// LITTLE-NEXT: isa.astream
// LITTLE-NEXT: isa.wload w[192], {{.*}} n 64 {{.*}}"weights of W rows 16..23"
// LITTLE-NEXT: isa.mvm a[8],
// LITTLE-NEXT: isa.astream
// LITTLE-NEXT: isa.wload w[256], {{.*}} n 64 {{.*}}"weights of W rows 32..39"
// LITTLE-NEXT: isa.mvm a[16],
// LITTLE-NEXT: isa.astream
// LITTLE-NEXT: isa.wload w[192], {{.*}} n 64 {{.*}}"weights of W rows 40..47"
// Rows 24..31 stay.
// LITTLE-NEXT: isa.mvm a[24],
// LITTLE-NEXT: isa.mvm a[32],
// LITTLE-NEXT: isa.astream
// LITTLE-NEXT: isa.wload w[256], {{.*}} n 64 {{.*}}"weights of W rows 56..63"

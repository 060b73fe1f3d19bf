// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --hcgs-to-isa=target=%S/Inputs/little.json --isa-verify-program | FileCheck %s

// Spilled weights of a loop that works a step ahead. A sequence of one step has
// no trip of the loop, so the loads before it are guarded. Tile 4, the best of
// the whole product, is not that of eight rows (5), but the schedule names it.

!v = !hcgs.vec<32 x !fx.int<13, 12>>
!w = !hcgs.vec<80 x !fx.int<13, 12>>
!a = !hcgs.acc<1x80, [15]>

// The loads of a step: four parts of 64 bytes, each 2 + 2 cycles.
// CHECK-LABEL: isa.program @net
// CHECK-SAME: schedule = [{depth = 1 : i64, entries = 4 : i64, weight_load_cycles = 16 : i64}]
hcgs.program @net {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !w
  hcgs.matrix @W 1x80x32 weights <bits = 2, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x80x32xi8> bias dense<5> : tensor<1x80xi32>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x bias shifts [0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[0] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 : !a
      hcgs.buffer %y slots 1 : !w
      hcgs.issue %a tile 4 step 0 : !a
      hcgs.issue %y step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
      hcgs.issue %x step 1 : !v
    }
    hcgs.yield
  }
}

// CHECK: isa.load {{.*}}"load x, step 0"
// CHECK-NEXT: isa.loop T - 1 cap 1 attributes {what = "if T > 1"} {
// CHECK-NEXT: isa.astream
// CHECK-NEXT: isa.wload w[384]
// CHECK-NEXT: isa.astream
// CHECK-NEXT: isa.wload w[448]
// CHECK: isa.loop T - 1 attributes {what = "steps 0..T-2"} {
// CHECK-NEXT: isa.mvm {{.*}}tile 4{{.*}}rows 0..7, step t"
// CHECK: isa.mvm {{.*}}tile 4{{.*}}rows 8..15, step t"
// CHECK: isa.mvm {{.*}}tile 4{{.*}}rows 72..79, step t"
// The last step loads what it needs, whether the loop ran or not.
// CHECK: isa.wload w[384]
// CHECK: isa.mvm {{.*}}tile 4{{.*}}rows 0..7, step T-1"

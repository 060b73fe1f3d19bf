// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --hcgs-to-isa --isa-verify-program | FileCheck %s

// Products by gates and segments of columns, two steps ahead: descriptors of
// segments come after those of the matrices, one for each (matrix, segment);
// what starts an accumulator is found gate by gate.

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>

// CHECK-LABEL: isa.program @parts
// CHECK-SAME: schedule = [{bound = {cycles = 3 : i64}, depth = 2 : i64, entries = 18 : i64, name = "hand"}]
hcgs.program @parts target "generic" {
  hcgs.layer @L0 lstm "/lstm"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @L0.W 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8> bias dense<9> : tensor<4x4xi32>
  hcgs.matrix @L0.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant zero : !x
  %c0 = hcgs.constant zero : !c
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !x, !c {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [0, 0, 0, 0] layer @L0 : (!x, !a) -> !a
    %i = hcgs.act %a[0] @t shift 3 layer @L0 : !a -> !x
    %o = hcgs.act %a[1] @t shift 3 layer @L0 : !a -> !x
    %f = hcgs.act %a[2] @t shift 3 layer @L0 : !a -> !x
    %g = hcgs.act %a[3] @t shift 3 layer @L0 : !a -> !x
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!x, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!x, !x, !s) -> !s
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @t shift 12 layer @L0 : !s -> !x
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!x, !x) -> !s
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !x
    hcgs.write %h1, @y at 0 : !x
    hcgs.schedule depth 2 {
      hcgs.buffer %x slots 1 : !x
      hcgs.buffer %a slots 3 : !a
      hcgs.buffer %i slots 1 : !x
      hcgs.buffer %o slots 1 : !x
      hcgs.buffer %f slots 1 : !x
      hcgs.buffer %g slots 1 : !x
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %c1 slots 1 : !c
      hcgs.buffer %q slots 1 : !x
      hcgs.buffer %m slots 1 : !s
      hcgs.buffer %h1 slots 1 : !x
      hcgs.issue %i step 0 : !x
      hcgs.issue %o step 0 : !x
      hcgs.issue %f step 0 : !x
      hcgs.issue %g step 0 : !x
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %s step 0 : !s
      hcgs.issue %c1 step 0 : !c
      hcgs.issue %q step 0 : !x
      hcgs.issue %m step 0 : !s
      hcgs.issue %h1 step 0 : !x
      hcgs.issue %a gates [0, 2] columns 0 to 3 tile 8 retile step 1 : !a
      hcgs.issue %a gates [1, 3] columns 0 to 3 step 1 : !a
      hcgs.issue %a columns 3 to 4 step 1 : !a
      hcgs.issue %x step 2 : !x
      hcgs.issue %a0 gates [0, 1, 2] step 2 : !a
      hcgs.issue %a0 gates [3] columns 0 to 3 step 2 : !a
      hcgs.issue %a0 gates [3] columns 3 to 4 step 2 : !a
      hcgs.issue_write %h1, @y at 0 step 0 : !x
    } {report = {bound = {cycles = 3 : i64}, name = "hand"}}
    hcgs.yield %h1, %c1 : !x, !c
  }
}

// Prologue: step 0 of the input products, then R of step 0 and, if there is a
// second step, its input products.
// CHECK: isa.astream
// CHECK: isa.astream
// CHECK-NEXT: isa.load v[[[X:.*]]], x[a[[XS:[0-9]+]]], n 4
// CHECK-NEXT: isa.mvm a[a[[A:[0-9]+]]], v[[[X]]], desc 0, blocks 0 + 1, gates iof, init bias, {{.*}} {layer = 0 : i64, what = "W gates iof rows 0..3, step 0"}
// CHECK-NEXT: isa.mvm a[a[[A]]], v[[[X]]], desc 4, blocks 0 + 1, gates g, init bias, {{.*}}"W gates g rows 0..3 columns 0..2, step 0"
// CHECK-NEXT: isa.mvm a[a[[A]]], v[{{.*}}], desc 5, blocks 0 + 1, gates g, init acc, {{.*}}"W gates g rows 0..3 columns 3..3, step 0"
// CHECK-NEXT: isa.mvm a[a[[A]]], v[[[H:[0-9]+]]], desc 2, blocks 0 + 1, gates if, init acc, shifts [0, 0, 0, 0], tile 8 retile {{.*}}"R gates if rows 0..3 columns 0..2, step 0"
// CHECK-NEXT: isa.mvm a[a[[A]]], v[[[H]]], desc 2, blocks 0 + 1, gates og, init acc
// CHECK-NEXT: isa.mvm a[a[[A]]], v[{{.*}}], desc 3, blocks 0 + 1, gates iofg, init acc
// CHECK-NEXT: isa.loop T - 1 cap 1
// CHECK-NEXT:   isa.load v[[[X]]], x[a[[XS]] + 8], n 4
// CHECK-NEXT:   isa.mvm a[a[[A]] + 16], v[[[X]]], desc 0
// CHECK-NEXT:   isa.mvm a[a[[A]] + 16], v[[[X]]], desc 4
// CHECK-NEXT:   isa.mvm a[a[[A]] + 16], {{.*}} desc 5
// CHECK: isa.loop T - 2

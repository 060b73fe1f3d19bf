// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-replicate-streams=streams=2 | FileCheck %s
// RUN: hcgs-opt %s --hcgs-replicate-streams=streams=1 > %t.one
// RUN: hcgs-opt %s > %t.none
// RUN: diff %t.one %t.none
// RUN: hcgs-opt %s --hcgs-replicate-streams=streams=2 --hcgs-replicate-streams=streams=2 | FileCheck %s
// RUN: hcgs-opt %s --hcgs-replicate-streams=streams=2 --hcgs-schedule=target=generic --hcgs-verify-schedule --hcgs-to-isa --isa-verify-program | FileCheck %s --check-prefix=ISA

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!h = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!m = !hcgs.acc<1x4, [24]>

// The network is described once; the metadata say which stream is whose.
// ISA-LABEL: isa.program @net
// ISA-SAME: layers = [{{{.*}}op = "lstm"{{[^]]*}}]
// ISA-SAME: rows = 2 : i64
// ISA-SAME: {direction = "in", elements = 4 : i64, kind = "step", name = "x", value = {{[0-9]+}} : i64}
// ISA-SAME: {direction = "in", elements = 4 : i64, kind = "step", name = "x_row1", of = 0 : i64, row = 1 : i64, value = {{[0-9]+}} : i64}

// CHECK-LABEL: hcgs.program @net
// CHECK-SAME: hcgs.rows = 2 : i64
hcgs.program @net {
  hcgs.layer @L0 lstm "/lstm"
  // CHECK: hcgs.stream @x step in :
  // CHECK-NEXT: hcgs.stream @x_row1 step in {hcgs.copy_of = @x, hcgs.row = 1 : i64} :
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !h
  hcgs.stream @h0 sequence in : !h
  // A name that is taken gets another one.
  // CHECK: hcgs.stream @hn sequence out :
  // CHECK-NEXT: hcgs.stream @[[HN1:hn_row1_[0-9]+]] sequence out {hcgs.copy_of = @hn, hcgs.row = 1 : i64}
  hcgs.stream @hn sequence out : !h
  hcgs.layer @hn_row1 act "/act"
  // CHECK: hcgs.io input "x"
  // CHECK-SAME: in [<@x at -1>]
  hcgs.io input "x" [<time 0>, <batch 0>, <feature 4>] in [<@x at -1>]
  hcgs.io input "h" [<batch 0>, <feature 4>] in [<@h0 at -1>]
  hcgs.io output "y" [<time 0>, <batch 0>, <feature 4>] in [<@y at -1>]
  hcgs.io output "hn" [<batch 0>, <feature 4>] in [<@hn at -1>]
  // CHECK: hcgs.matrix @W
  // CHECK-NOT: hcgs.matrix @W_row1
  hcgs.matrix @W 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  // CHECK: %[[C0:.*]] = hcgs.constant zero
  %c0 = hcgs.constant zero : !c
  // CHECK: %[[H0:.*]] = hcgs.read @h0 :
  // CHECK-NEXT: %[[H0B:.*]] = hcgs.read @h0_row1 {hcgs.row = 1 : i64} :
  %h0 = hcgs.read @h0 : !h
  // The states of row 0, then those of row 1; constants are shared.
  // CHECK: %[[T:.*]]:4 = hcgs.sequence states(%[[H:.*]] = %[[H0]], %[[C:.*]] = %[[C0]], %[[HB:.*]] = %[[H0B]], %[[CB:.*]] = %[[C0]])
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !h, !c {
    // CHECK-NEXT: %[[X:.*]] = hcgs.read @x :
    // CHECK-NEXT: %[[XB:.*]] = hcgs.read @x_row1 {hcgs.row = 1 : i64} :
    %x = hcgs.read @x : !x
    // CHECK-NEXT: %[[A0:.*]] = hcgs.mvm @W, %[[X]] bias
    // CHECK-NEXT: %[[A0B:.*]] = hcgs.mvm @W, %[[XB]] bias {{.*}} {hcgs.row = 1 : i64}
    %a0 = hcgs.mvm @W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a
    // CHECK-NEXT: hcgs.mvm @R, %[[H]] acc %[[A0]]
    // CHECK-NEXT: hcgs.mvm @R, %[[HB]] acc %[[A0B]]
    %a = hcgs.mvm @R, %h acc %a0 shifts [0, 0, 0, 0] layer @L0 : (!h, !a) -> !a
    %i = hcgs.act %a[0] @t shift 3 layer @L0 : !a -> !h
    %o = hcgs.act %a[1] @t shift 3 layer @L0 : !a -> !h
    %f = hcgs.act %a[2] @t shift 3 layer @L0 : !a -> !h
    %g = hcgs.act %a[3] @t shift 3 layer @L0 : !a -> !h
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!h, !c) -> !m
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!h, !h, !m) -> !m
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !m -> !c
    %q = hcgs.act %s[0] @t shift 12 layer @L0 : !m -> !h
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!h, !h) -> !m
    // CHECK: %[[H1:[0-9]+]] = hcgs.requant {{.*}} -> !hcgs.vec<4 x !fx.int<13, 12>>
    // CHECK-NEXT: %[[H1B:[0-9]+]] = hcgs.requant
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !m -> !h
    // CHECK-NEXT: hcgs.write %[[H1]], @y at 0 :
    // CHECK-NEXT: hcgs.write %[[H1B]], @y_row1 at 0 {hcgs.row = 1 : i64}
    hcgs.write %h1, @y at 0 : !h
    // CHECK-NEXT: hcgs.yield %[[H1]], %{{.*}}, %[[H1B]], %{{.*}} :
    hcgs.yield %h1, %c1 : !h, !c
  }
  // CHECK: hcgs.write %[[T]]#0, @hn at 0 :
  // CHECK-NEXT: hcgs.write %[[T]]#2, @[[HN1]] at 0 {hcgs.row = 1 : i64}
  hcgs.write %hT, @hn at 0 : !h
}

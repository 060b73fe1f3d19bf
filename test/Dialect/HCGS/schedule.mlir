// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded" --hcgs-verify-schedule | FileCheck %s
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded tile=16" --hcgs-verify-schedule | FileCheck %s --check-prefix=TILE
// RUN: hcgs-opt %s --hcgs-schedule=target=generic > %t.once
// RUN: hcgs-opt %t.once --hcgs-schedule > %t.twice
// RUN: diff %t.once %t.twice

!x = !hcgs.vec<3 x !fx.int<13, 12>>
!h = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>

// The target is named from now on; the dataflow stays.
// CHECK-LABEL: hcgs.program @lstm target "generic"
hcgs.program @lstm {
  hcgs.layer @L0 lstm "/lstm"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !h
  hcgs.matrix @W 4x4x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant zero : !h
  %c0 = hcgs.constant zero : !c
  // CHECK: hcgs.sequence states(%[[H:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}})
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !h, !c {
    // CHECK-NEXT: %[[X:.*]] = hcgs.read @x
    %x = hcgs.read @x : !x
    // CHECK-NEXT: %[[A0:.*]] = hcgs.mvm @W, %[[X]] bias
    %a0 = hcgs.mvm @W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a
    // CHECK-NEXT: %[[A:.*]] = hcgs.mvm @R, %[[H]] acc %[[A0]]
    %a = hcgs.mvm @R, %h acc %a0 shifts [0, 0, 0, 0] layer @L0 : (!h, !a) -> !a
    %i = hcgs.act %a[0] @t shift 3 layer @L0 : !a -> !h
    %o = hcgs.act %a[1] @t shift 3 layer @L0 : !a -> !h
    %f = hcgs.act %a[2] @t shift 3 layer @L0 : !a -> !h
    %g = hcgs.act %a[3] @t shift 3 layer @L0 : !a -> !h
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!h, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!h, !h, !s) -> !s
    // CHECK: %[[C1:.*]] = hcgs.requant
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @t shift 12 layer @L0 : !s -> !h
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!h, !h) -> !s
    // CHECK: %[[H1:.*]] = hcgs.requant
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !h
    hcgs.write %h1, @y at 0 : !h
    // What needs no state is issued a step ahead, products with the state in
    // their own step; the chain of the accumulators has one buffer, and so has
    // each state.
    // CHECK: hcgs.schedule depth 1 {
    // CHECK-DAG: hcgs.buffer %[[X]] slots 1 :
    // CHECK-DAG: hcgs.buffer %[[A]] slots {{[12]}} row_block 4
    // CHECK-DAG: hcgs.buffer %[[C1]] slots 1 row_block 4
    // CHECK-DAG: hcgs.buffer %[[H1]] slots 1 row_block 4
    // CHECK-NOT: hcgs.buffer %[[A0]]
    // CHECK-DAG: hcgs.issue %[[X]] step 1
    // CHECK-DAG: hcgs.issue %[[A0]] blocks 0 to 1 step 1
    // CHECK-DAG: hcgs.issue %[[A]] blocks 0 to 1 step 0
    // CHECK: hcgs.issue %[[H1]] blocks 0 to 1 step 0
    // CHECK: hcgs.issue_write %[[H1]], @y at 0 step 0
    // What the scheduler says of it goes into the report.
    // CHECK: } {report = {bound = {binding = "{{[a-z]+}}", cycles = {{[0-9]+}} : i64, dispatch = {{[0-9]+}} : i64, load = {{[0-9]+}} : i64, macs = {{[0-9]+}} : i64, recurrence = {{[0-9]+}} : i64, store = {{[0-9]+}} : i64, vector = {{[0-9]+}} : i64}, cycles_per_step = {{.*}} : f64, name = "unfolded", one_step = {{[0-9]+}} : i64, tile = "adaptive"}}
    // CHECK: hcgs.yield %[[H1]], %[[C1]]
    // A fixed tile is written down: the fifth shape has 16 rows.
    // TILE: hcgs.issue %{{.*}} blocks 0 to 1 tile 4 step 0
    // TILE: tile = "16"
    hcgs.yield %h1, %c1 : !h, !c
  }
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --split-input-file --hcgs-schedule=target=generic --hcgs-verify-schedule | FileCheck %s
// RUN: hcgs-opt %s --split-input-file --hcgs-schedule=target=generic > %t.once
// RUN: hcgs-opt %t.once --split-input-file --hcgs-schedule > %t.twice
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
    // CHECK: hcgs.yield %[[H1]], %[[C1]]
    hcgs.yield %h1, %c1 : !h, !c
  }
}

// -----

// Nothing has a state: all entries belong to step 0. The operands of a concat
// are issued one by one; each written part of a frame is an entry.
!x = !hcgs.vec<4 x !fx.int<13, 12>>
!z = !hcgs.vec<8 x !fx.int<13, 12>>
!s = !hcgs.acc<1x8, [15]>

// CHECK-LABEL: hcgs.program @stateless
hcgs.program @stateless {
  hcgs.layer @cat concat "/Concat"
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !z
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x8x8xi8>
  hcgs.sequence states() {
    // CHECK: %[[X:.*]] = hcgs.read
    %x = hcgs.read @x : !x
    // CHECK: %[[Z:.*]] = hcgs.concat
    %z = hcgs.concat %x, %x layer @cat : (!x, !x) -> !z
    %a = hcgs.mvm @W, %z shifts [0] layer @fc : (!z) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !z
    hcgs.write %y, @y at 0 : !z
    // CHECK: hcgs.schedule depth 0 {
    // CHECK-DAG: hcgs.issue %[[Z]] blocks 0 to 1 step 0
    // CHECK-DAG: hcgs.issue %[[Z]] blocks 1 to 2 step 0
    // CHECK: hcgs.issue_write
    hcgs.yield
  }
}

// -----

// Row blocks are multiples of the blocks of both matrices, here of 6 rows and of
// any, and not lower than 8: multiples of 12.
!x = !hcgs.vec<48 x !fx.int<13, 12>>
!s = !hcgs.acc<1x48, [15]>

// CHECK-LABEL: hcgs.program @granule
hcgs.program @granule {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @A 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [6x48 keep 1/1 row], map = ""> codes dense<1> : tensor<2304xi8>
  hcgs.matrix @B 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x48x48xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @A, %x shifts [0] layer @fc : (!x) -> !s
    // CHECK: %[[A:.*]] = hcgs.mvm @B
    %a = hcgs.mvm @B, %x acc %a0 shifts [0] layer @fc : (!x, !s) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    // CHECK: hcgs.buffer %[[A]] slots {{.*}} row_block {{12|24|36|48}}{{( |$)}}
    hcgs.yield
  }
}

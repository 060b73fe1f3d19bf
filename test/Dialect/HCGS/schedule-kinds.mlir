// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --pass-pipeline='builtin.module(hcgs.program(hcgs-schedule{target=generic},hcgs-verify-schedule))' --split-input-file --verify-diagnostics | FileCheck %s

// Row blocks of a layer whose matrices are of different kinds begin where row
// groups of both begin (WI-A-2): circulant blocks of 6, blocks of 4 rows inside
// blocks of 8: multiples of 12.
!x = !hcgs.vec<48 x !fx.int<13, 12>>
!s = !hcgs.acc<1x48, [15]>

// CHECK-LABEL: hcgs.program @mixed
hcgs.program @mixed {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @A 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<6> codes dense<1> : tensor<384xi8>
  hcgs.matrix @B 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [8x48 keep 1/1 row, 4x48 keep 1/1 row], map = ""> codes dense<1> : tensor<2304xi8>
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

// -----

// Below a tier whose height the next one does not divide, small block-rows are
// irregular: row blocks begin at blocks of 10, not of 4.
!x = !hcgs.vec<40 x !fx.int<13, 12>>
!s = !hcgs.acc<1x40, [15]>

// CHECK-LABEL: hcgs.program @irregular
hcgs.program @irregular {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @A 1x40x40 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [20x40 keep 1/1 row, 10x40 keep 1/1 row, 4x40 keep 1/1 row], map = ""> codes dense<1> : tensor<1600xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    // CHECK: %[[A:.*]] = hcgs.mvm @A
    %a = hcgs.mvm @A, %x shifts [0] layer @fc : (!x) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    // CHECK: hcgs.buffer %[[A]] slots {{.*}} row_block {{10|20|30|40}}{{( |$)}}
    hcgs.yield
  }
}

// -----

// Boundaries that meet only beyond the matrix: one row block, and a remark.
!x = !hcgs.vec<40 x !fx.int<13, 12>>
!s = !hcgs.acc<1x40, [15]>

// CHECK-LABEL: hcgs.program @whole
hcgs.program @whole {
  // expected-remark @below {{layer @fc is computed as one row block: the row groups of its matrices begin together at its first row only}}
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @A 1x40x40 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<7> codes dense<1> : tensor<252xi8>
  hcgs.matrix @B 1x40x40 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<9> codes dense<1> : tensor<225xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @A, %x shifts [0] layer @fc : (!x) -> !s
    // CHECK: %[[A:.*]] = hcgs.mvm @B
    %a = hcgs.mvm @B, %x acc %a0 shifts [0] layer @fc : (!x, !s) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    // CHECK: hcgs.buffer %[[A]] slots {{.*}} row_block 40{{( |$)}}
    hcgs.yield
  }
}

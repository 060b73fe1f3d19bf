// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --split-input-file | FileCheck %s

// Segments of columns, gate by gate, in any order; tiles that the target has.
// CHECK-LABEL: hcgs.program @p
// CHECK: hcgs.issue %{{.*}} blocks 0 to 1 gates [0] columns 3 to 8 tile 8 retile step 0
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!w = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !w
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a blocks 0 to 1 gates [0] columns 3 to 8 tile 8 retile step 0 : !a
      hcgs.issue %a gates [1] columns 5 to 8 step 0 : !a
      hcgs.issue %a blocks 1 to 2 gates [0] step 0 : !a
      hcgs.issue %a gates [1] columns 0 to 5 tile 0 step 0 : !a
      hcgs.issue %a blocks 0 to 1 gates [0] columns 0 to 3 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// A program without target: nothing is known of tiles.
// CHECK-LABEL: hcgs.program @p
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!w = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !w
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a tile 99 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Segments of a block-sparse matrix begin at its blocks.
// CHECK-LABEL: hcgs.program @p
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!w = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !w
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> sparsity #fx.sparsity<tiers = [4x4 keep 1/2 row], map = "01"> codes dense<1> : tensor<64xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a columns 4 to 8 step 0 : !a
      hcgs.issue %a columns 0 to 4 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

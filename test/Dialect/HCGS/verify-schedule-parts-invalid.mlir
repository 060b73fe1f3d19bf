// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --split-input-file --verify-diagnostics

// Condition 1: columns that two entries issue.
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
      // expected-note@+1 {{it is issued here already}}
      hcgs.issue %a columns 0 to 5 step 0 : !a
      // expected-error@+1 {{issues row 0 of gate 0, columns 4 to 4, a second time}}
      hcgs.issue %a columns 4 to 8 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 1: columns that no entry issues.
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
    // expected-note@+1 {{which is here}}
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    // expected-error@+1 {{never issues row 0 of gate 0, columns 3 to 4, of an operation}}
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a columns 0 to 3 step 0 : !a
      hcgs.issue %a columns 5 to 8 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 1: the last columns, which no entry issues of the second row block.
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
    // expected-note@+1 {{which is here}}
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    // expected-error@+1 {{never issues row 4 of gate 0, columns 7 to 7, of an operation}}
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a blocks 0 to 1 step 0 : !a
      hcgs.issue %a blocks 1 to 2 columns 0 to 7 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 1: a gate that no entry issues for the second row block.
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
    // expected-note@+1 {{which is here}}
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    // expected-error@+1 {{never issues row 4 of gate 1 of an operation}}
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a gates [0] step 0 : !a
      hcgs.issue %a blocks 0 to 1 gates [1] step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 2: the gate that is read lacks columns.
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
    // expected-note@+1 {{the operand is made here}}
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !w
    hcgs.write %y, @y at 0 : !w
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a gates [0] step 0 : !a
      hcgs.issue %a gates [1] columns 0 to 4 step 0 : !a
      // expected-error@+1 {{reads row 0 of an operand before it is complete}}
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue %a gates [1] columns 4 to 8 step 0 : !a
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 4: some rows are begun already, others are not.
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
      hcgs.issue %a blocks 0 to 1 columns 0 to 4 step 0 : !a
      // expected-error@+1 {{is issued for rows 0..7 at once, of which some are the first of their accumulator and some are not; issue them apart}}
      hcgs.issue %a columns 4 to 8 step 0 : !a
      hcgs.issue %a blocks 1 to 2 columns 0 to 4 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 4: a segment that cuts blocks.
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
      // expected-error@+1 {{cuts columns at 2; blocks of the matrix begin at multiples of 4}}
      hcgs.issue %a columns 0 to 2 step 0 : !a
      hcgs.issue %a columns 2 to 8 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// More columns than there are.
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
      // expected-error@+1 {{issues columns 0 to 9 of a matrix that has 8}}
      hcgs.issue %a columns 0 to 9 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 6: a tile that the target does not have.
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
      // expected-error@+1 {{names tile 9; 'generic' has 9, from 0 on}}
      hcgs.issue %a tile 9 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Only dense products have tiles.
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
      // expected-error@+1 {{names a tile, which only products of dense matrices have}}
      hcgs.issue %a tile 0 step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 6: more slots than the memory has room for.
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
    // expected-error@+1 {{the schedule has buffers of 8000000 elements, amem of 'generic' has 1048576: 6951424 over; use fewer slots or smaller windows, or a target with more}}
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 500000 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 6: more instructions than pmem has room for.
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
    // expected-error@+1 {{the schedule has 5 entries and depth 300000, which with prologue and epilogue takes more instructions than pmem of 'generic' has (1048576); use less depth, as --schedule=sequential does, or a target with more}}
    hcgs.schedule depth 300000 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 4 : !a
      hcgs.buffer %y slots 1 row_block 4 : !w
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !a
      hcgs.issue %y blocks 0 to 1 step 0 : !w
      hcgs.issue %y blocks 1 to 2 step 0 : !w
      hcgs.issue_write %y, @y at 0 step 0 : !w
    }
    hcgs.yield
  }
}

// -----

// Condition 5: only a product can put biases into accumulators.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<1x8, [15]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x8x8xi8> bias dense<3> : tensor<1x8xi32>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    // expected-note@+1 {{the biases are these}}
    %a0 = hcgs.mvm @W, %x bias shifts [0] layer @L0 : (!v) -> !a
    %a = hcgs.vacc %x acc %a0 shl 3 layer @L0 : (!v, !a) -> !a
    %y = hcgs.requant %a[0] shift 3 layer @L0 : !a -> !v
    hcgs.write %y, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 : !a
      hcgs.buffer %y slots 1 : !v
      hcgs.issue %x step 0 : !v
      // expected-error@+1 {{begins rows 0..7 of accumulators that start from biases, which only a product can put there; issue it after one}}
      hcgs.issue %a step 0 : !a
      hcgs.issue %a0 step 0 : !a
      hcgs.issue %y step 0 : !v
      hcgs.issue_write %y, @y at 0 step 0 : !v
    }
    hcgs.yield
  }
}

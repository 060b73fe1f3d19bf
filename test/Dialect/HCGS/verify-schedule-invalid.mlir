// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --split-input-file --verify-diagnostics

// Condition 1: a row twice.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      // expected-note@+1 {{it is issued here already}}
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      // expected-error@+1 {{issues row 0 a second time}}
      hcgs.issue %h1 blocks 0 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 1: a row never.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    // expected-note@+1 {{which is here}}
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    // expected-error@+1 {{never issues row 2 of an operation}}
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 1: a write never.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    // expected-note@+1 {{which is here}}
    hcgs.write %h1, @y at 0 : !v
    // expected-error@+1 {{never issues an hcgs.write}}
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 1: a write twice.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      // expected-note@+1 {{it is issued here already}}
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      // expected-error@+1 {{issues an hcgs.write a second time}}
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 2: rows that are made later in the list.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    // expected-note@+1 {{the operand is made here}}
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      // expected-error@+1 {{reads row 2 of an operand before it is complete}}
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 2: a product that is missing from the accumulator.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    // expected-note@+1 {{the operand is made here}}
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      // expected-error@+1 {{reads row 0 of an operand before it is complete}}
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 0 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 2: a state of a step that was not computed yet.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  // expected-note@+1 {{the operand is made here}}
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      // expected-error@+1 {{reads row 0 of an operand of the step before before it is complete}}
      hcgs.issue %s blocks 0 to 2 step 1 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 3: a slot that is overwritten before its last reader.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      // expected-note@+1 {{the buffer has 1 slots}}
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      // expected-note@+1 {{overwritten here}}
      hcgs.issue %x step 1 : !v
      // expected-error@+1 {{reads row 0 of an operand, which is overwritten by then}}
      hcgs.issue %s0 blocks 0 to 2 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 3: accumulators that the next step begins before this one ends.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %x step 1 : !v
      // expected-note@+1 {{overwritten here}}
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
      // expected-error@+1 {{adds to row 0 of accumulators that are overwritten by then}}
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 3: a row block of a window that is overwritten before it is read.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      // expected-note@+1 {{the buffer has 1 slots and a window of row blocks}}
      hcgs.buffer %s slots 1 row_block 2 window 1 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %s0 blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s0 blocks 1 to 2 step 0 : !s
      // expected-note@+1 {{overwritten here}}
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      // expected-error@+1 {{reads row 0 of an operand, which is overwritten by then}}
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 4: an entry over two row blocks of a window.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 window 1 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %x step 0 : !v
      // expected-error@+1 {{writes rows 0 to 3, which do not lie side by side in a window of row blocks of 2}}
      hcgs.issue %s0 blocks 0 to 2 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Blocks that there are not.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      // expected-error@+1 {{issues row blocks 1 to 3, but there are 2 of 2 rows}}
      hcgs.issue %h1 blocks 1 to 3 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// A storage without a buffer.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    // expected-note@+1 {{which is made here}}
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    // expected-error@+1 {{has no buffer for a value of the time loop}}
    hcgs.schedule depth 1 {
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Two buffers of one storage.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      // expected-note@+1 {{the first one is here}}
      hcgs.buffer %x slots 1 : !v
      // expected-error@+1 {{is a second buffer of one storage}}
      hcgs.buffer %x slots 2 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// A buffer that is not named by the last value.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    // expected-note@+1 {{which is made here}}
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      // expected-error@+1 {{names a value that is continued; name the last value of the chain}}
      hcgs.buffer %s0 slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// A state in a window.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      // expected-error@+1 {{holds a state, which the next step reads whole; it cannot be a window}}
      hcgs.buffer %h1 slots 1 row_block 2 window 1 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// A write that there is not.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %s slots 1 row_block 2 : !s
      hcgs.buffer %h1 slots 1 row_block 2 : !v
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      // expected-error@+1 {{names no hcgs.write of the time loop}}
      hcgs.issue_write %h1, @y at 1 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// No schedule at all.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  %h0 = hcgs.constant zero : !v
  // expected-error@+1 {{has no schedule; run hcgs-schedule}}
  %hT = hcgs.sequence states(%h = %h0) : !v {
    %x = hcgs.read @x : !v
    %s0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %s = hcgs.vacc %h acc %s0 shl 0 layer @L0 : (!v, !s) -> !s
    %h1 = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %h1, @y at 0 : !v
    hcgs.yield %h1 : !v
  }
}

// -----

// Condition 4: one gate of two row blocks at once.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!a = !hcgs.acc<2x4, [15, 15]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 linear "/MatMul"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x4x4xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    %y = hcgs.requant %a[1] shift 3 layer @L0 : !a -> !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 2 : !a
      hcgs.buffer %y slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %a blocks 0 to 2 step 0 : !a
      // expected-error@+1 {{reads rows 0 to 3 of an operand, which do not lie side by side in row blocks of 2}}
      hcgs.issue %y step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// The operands of a concat are copied one by one.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
hcgs.program @p target "generic" {
  hcgs.layer @L0 concat "/Concat"
  hcgs.stream @x step in : !v
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %z = hcgs.concat %x, %x layer @L0 : (!v, !v) -> !hcgs.vec<8 x !fx.int<13, 12>>
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %z slots 1 : !hcgs.vec<8 x !fx.int<13, 12>>
      hcgs.issue %x step 0 : !v
      // expected-error@+1 {{an entry copies one operand of an hcgs.concat; there are 2}}
      hcgs.issue %z step 0 : !hcgs.vec<8 x !fx.int<13, 12>>
    }
    hcgs.yield
  }
}

// -----

// More slots than values live: each would only be run through.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p target "generic" {
  hcgs.layer @L0 add "/Add"
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %s = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !s
    %y = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !v
    hcgs.write %y, @y at 0 : !v
    hcgs.schedule depth 1 {
      // expected-error@+1 {{has 60000 slots; with depth 1, and 68 instructions that wait at most, values of no more than 71 steps are of use at a time; use at most 71}}
      hcgs.buffer %x slots 60000 : !v
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %y slots 3 : !v
      hcgs.issue %s step 0 : !s
      hcgs.issue %y step 0 : !v
      hcgs.issue_write %y, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
    }
    hcgs.yield
  }
}

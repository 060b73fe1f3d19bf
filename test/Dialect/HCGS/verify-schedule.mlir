// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --split-input-file | FileCheck %s

// The product with the input is issued a step ahead; the accumulators, held in
// one slot, are free by then.
// CHECK-LABEL: hcgs.program @p
// CHECK: hcgs.schedule depth 1
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
      hcgs.issue_write %h1, @y at 0 step 0 : !v
      hcgs.issue %x step 1 : !v
      hcgs.issue %s0 blocks 0 to 2 step 1 : !s
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Row blocks share the place of a window. The state needs one slot only: its
// rows are read before they are written.
// CHECK-LABEL: hcgs.program @p
// CHECK: window 1
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
      hcgs.issue %s0 blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !v
      hcgs.issue %s0 blocks 1 to 2 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 1 to 2 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Products may be added in either order.
// CHECK-LABEL: hcgs.program @p
// CHECK: hcgs.schedule depth 0
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
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %h1 slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %s step 0 : !s
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %h1 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

// -----

// Two steps ahead, with three slots.
// CHECK-LABEL: hcgs.program @p
// CHECK: hcgs.schedule depth 2
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
    hcgs.schedule depth 2 {
      hcgs.buffer %x slots 3 : !v
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %h1 slots 1 : !v
      hcgs.issue %x step 2 : !v
      hcgs.issue %s step 0 : !s
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %h1 step 0 : !v
      hcgs.issue_write %h1, @y at 0 step 0 : !v
    }
    hcgs.yield %h1 : !v
  }
}

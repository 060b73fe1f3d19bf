// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --split-input-file --verify-diagnostics --hcgs-schedule=target=generic --hcgs-to-isa -o /dev/null

// Batch rows must compute what row 0 does: the metadata describe row 0 only.

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>

hcgs.program @operand attributes {hcgs.rows = 2 : i64} {
  hcgs.layer @L0 act "/act"
  hcgs.stream @x step in : !x
  hcgs.stream @x_row1 step in {hcgs.copy_of = @x, hcgs.row = 1 : i64} : !x
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %x1 = hcgs.read @x_row1 {hcgs.row = 1 : i64} : !x
    // expected-note @below {{the counterpart is here}}
    %s = hcgs.vacc %x shl 0 layer @L0 : (!x) -> !s
    // expected-error @below {{of batch row 1 does not compute what its counterpart of row 0 does}}
    %s1 = hcgs.vacc %x shl 0 layer @L0 {hcgs.row = 1 : i64} : (!x) -> !s
    hcgs.yield
  }
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>

hcgs.program @attribute attributes {hcgs.rows = 2 : i64} {
  hcgs.layer @L0 act "/act"
  hcgs.stream @x step in : !x
  hcgs.stream @x_row1 step in {hcgs.copy_of = @x, hcgs.row = 1 : i64} : !x
  hcgs.sequence states() {
    // expected-note @below {{the counterpart is here}}
    %x = hcgs.read @x : !x
    // expected-error @below {{of batch row 1 does not compute what its counterpart of row 0 does}}
    %x1 = hcgs.read @x_row1 reversed {hcgs.row = 1 : i64} : !x
    hcgs.yield
  }
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// expected-error @below {{has 0 operations of batch row 1 and 1 of row 0}}
hcgs.program @missing attributes {hcgs.rows = 2 : i64} {
  hcgs.stream @x step in : !x
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

hcgs.program @beyond attributes {hcgs.rows = 2 : i64} {
  hcgs.stream @x step in : !x
  // expected-error @below {{is of batch row 2, the program computes rows 0..1}}
  hcgs.stream @x_row2 step in {hcgs.copy_of = @x, hcgs.row = 2 : i64} : !x
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>

hcgs.program @crossed attributes {hcgs.rows = 2 : i64} {
  hcgs.layer @L0 act "/act"
  hcgs.stream @x step in : !x
  hcgs.stream @x_row1 step in {hcgs.copy_of = @x, hcgs.row = 1 : i64} : !x
  %0 = hcgs.constant zero : !x
  hcgs.sequence states(%h = %0, %h1 = %0) : !x, !x {
    %x = hcgs.read @x : !x
    %x1 = hcgs.read @x_row1 {hcgs.row = 1 : i64} : !x
    %s = hcgs.vacc %x shl 0 layer @L0 : (!x) -> !s
    %s1 = hcgs.vacc %x1 shl 0 layer @L0 {hcgs.row = 1 : i64} : (!x) -> !s
    %y = hcgs.requant %s[0] shift 0 layer @L0 : !s -> !x
    %y1 = hcgs.requant %s1[0] shift 0 layer @L0 {hcgs.row = 1 : i64} : !s -> !x
    // expected-error @below {{state 0 is not, in batch row 0, what state 0 is in row 0}}
    hcgs.yield %y1, %y : !x, !x
  }
}

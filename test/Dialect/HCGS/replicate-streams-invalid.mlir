// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --split-input-file --verify-diagnostics --hcgs-replicate-streams=streams=30 -o /dev/null
// RUN: not hcgs-opt %s --split-input-file --hcgs-replicate-streams=streams=65 -o /dev/null 2>&1 | FileCheck %s
// CHECK: option 'streams': 65 found, allowed is 1..64

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// expected-error @below {{30 batch rows together need 120 streams, 4 for each row; the machine has 64: --streams=16 at most}}
hcgs.program @streams {
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.stream @h sequence in : !x
  hcgs.stream @z sequence out : !x
  %h = hcgs.read @h : !x
  hcgs.write %h, @z at 0 : !x
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    hcgs.yield
  }
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// expected-error @below {{30 batch rows together need 60 address registers for streams in a time loop, 2 for each row; the machine has 31: --streams=15 at most}}
hcgs.program @registers {
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    hcgs.write %x, @y at 0 : !x
    hcgs.yield
  }
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// expected-error @below {{program computes 2 batch rows together already, not 30}}
hcgs.program @again attributes {hcgs.rows = 2 : i64} {
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// expected-error @below {{program is scheduled already, so that batch rows cannot be added}}
hcgs.program @scheduled {
  hcgs.stream @x step in : !x
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    hcgs.schedule depth 0 {
    }
    hcgs.yield
  }
}

// -----

!x = !hcgs.vec<4 x !fx.int<13, 12>>

// Rows that never come are worth a word.
// expected-remark @below {{input 'x' brings 1 batch row at a time, the program computes 30 together}}
hcgs.program @fixed {
  hcgs.stream @x step in : !x
  hcgs.io input "x" [<time 0>, <batch 1>, <feature 4>] in [<@x at -1>]
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    hcgs.yield
  }
}

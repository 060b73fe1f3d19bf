// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-to-isa=target=generic --split-input-file --verify-diagnostics

// expected-error@+1 {{program was scheduled for 'hcgs-65nm', not for 'generic'; run hcgs-schedule with this target}}
hcgs.program @p target "hcgs-65nm" {
}

// -----

hcgs.program @p {
  // expected-error@+1 {{has no schedule; run hcgs-schedule}}
  hcgs.sequence states() {
    hcgs.yield
  }
}

// -----

// A layer with a piece missing.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
hcgs.program @p {
  hcgs.layer @fc linear "/fc"
  hcgs.stream @x sequence in : !v
  hcgs.matrix @W 1x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x4x4xi8>
  %x = hcgs.read @x : !v
  // expected-error@+1 {{in a linear layer, expected one matrix product and its result}}
  %a = hcgs.mvm @W, %x shifts [0] layer @fc : (!v) -> !hcgs.acc<1x4, [15]>
}

// -----

// A frame of which only a part is ever written.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!w = !hcgs.vec<8 x !fx.int<13, 12>>
hcgs.program @p {
  hcgs.layer @relu act "/relu"
  hcgs.stream @x sequence in : !v
  hcgs.stream @y sequence out : !w
  // expected-error@+1 {{lies in the stream @y, of which not all elements are read or written}}
  hcgs.io output "y" [<feature 8>] in [<@y at -1>]
  %x = hcgs.read @x : !v
  hcgs.write %x, @y at 0 : !v
}

// -----

// Reverse results written forward.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
hcgs.program @p {
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  hcgs.sequence states() {
    // expected-note@+1 {{they are read here}}
    %x = hcgs.read @x reversed : !v
    // expected-error@+1 {{writes 'forward' what was made from frames read 'reversed'}}
    hcgs.write %x, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue_write %x, @y at 0 step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// Frames in two orders at once.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [12]>
hcgs.program @p {
  hcgs.layer @add add "/Add"
  hcgs.stream @x step in : !v
  hcgs.sequence states() {
    // expected-note@+1 {{and here}}
    %x = hcgs.read @x : !v
    // expected-note@+1 {{read here}}
    %z = hcgs.read @x reversed : !v
    %s0 = hcgs.vacc %x shl 0 layer @add : (!v) -> !s
    // expected-error@+1 {{mixes frames read forward and reversed}}
    %s = hcgs.vacc %z acc %s0 shl 0 layer @add : (!v, !s) -> !s
    %y = hcgs.requant %s[0] shift 0 layer @add : !s -> !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %z slots 1 : !v
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %y slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %z step 0 : !v
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %s step 0 : !s
      hcgs.issue %y step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// The number of steps can be fixed only once.
!v = !hcgs.vec<4 x !fx.int<13, 12>>
hcgs.program @p {
  hcgs.stream @x step in : !v
  hcgs.stream @y step out : !v
  hcgs.io input "x" [<time 5>, <feature 4>] in [<@x at -1>]
  // expected-error@+1 {{has a time axis of 6, another tensor one of 5}}
  hcgs.io output "y" [<time 6>, <feature 4>] in [<@y at -1>]
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    hcgs.write %x, @y at 0 : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue_write %x, @y at 0 step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// One matrix in two places that cut it differently.
!v = !hcgs.vec<16 x !fx.int<13, 12>>
!s = !hcgs.acc<1x16, [15]>
hcgs.program @p {
  hcgs.layer @A linear "/a"
  hcgs.layer @B linear "/b"
  hcgs.stream @x step in : !v
  // expected-note@+1 {{the matrix is here}}
  hcgs.matrix @W 1x16x16 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x16x16xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @A : !s -> !v
    // expected-error@+1 {{uses @W with row blocks of 16 rows, another use with 8; give each use a matrix of its own}}
    %b = hcgs.mvm @W, %y shifts [0] layer @B : (!v) -> !s
    %z = hcgs.requant %b[0] shift 3 layer @B : !s -> !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 8 : !s
      hcgs.buffer %y slots 1 row_block 8 : !v
      hcgs.buffer %b slots 1 : !s
      hcgs.buffer %z slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !s
      hcgs.issue %y step 0 : !v
      hcgs.issue %b step 0 : !s
      hcgs.issue %z step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// Row blocks that cut through circulant blocks (WI-A-2).
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!s = !hcgs.acc<1x8, [15]>
hcgs.program @p {
  hcgs.layer @A linear "/a"
  hcgs.stream @x step in : !v
  // expected-error@+1 {{row block}}
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<4> codes dense<1> : tensor<16xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @A : !s -> !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 2 : !s
      hcgs.buffer %y slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !s
      hcgs.issue %y step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// Row blocks that cut through blocks of the pattern (WI-A-2).
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!s = !hcgs.acc<1x8, [15]>
hcgs.program @p {
  hcgs.layer @A linear "/a"
  hcgs.stream @x step in : !v
  // expected-error@+1 {{row block}}
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [4x8 keep 1/1 row], map = ""> codes dense<1> : tensor<64xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0] layer @A : (!v) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @A : !s -> !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.buffer %a slots 1 row_block 2 : !s
      hcgs.buffer %y slots 1 : !v
      hcgs.issue %x step 0 : !v
      hcgs.issue %a step 0 : !s
      hcgs.issue %y step 0 : !v
    }
    hcgs.yield
  }
}

// -----

!v = !hcgs.vec<4 x !fx.int<13, 12>>
// expected-error@+1 {{attribute 'hcgs.tile' is 9 : i64; 'generic' has 9 tiles, from 0 on}}
hcgs.program @tile attributes {hcgs.tile = 9 : i64} {
  hcgs.stream @x sequence in : !v
  %x = hcgs.read @x : !v
}

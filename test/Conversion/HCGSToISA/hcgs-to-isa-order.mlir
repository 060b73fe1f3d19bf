// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-verify-schedule --hcgs-to-isa=target=generic --isa-verify-program | FileCheck %s

// A schedule that begins the accumulators with the recurrent product: it starts
// from the biases, which the descriptor of R then names, too (a product that
// starts from biases its descriptor lacks would be refused). Everything is in
// step 0.

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>

// CHECK-LABEL: isa.program @order
hcgs.program @order {
  hcgs.layer @L0 lstm "/lstm"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @L0.W 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8> bias dense<9> : tensor<4x4xi32>
  hcgs.matrix @L0.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant zero : !x
  %c0 = hcgs.constant zero : !c
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !x, !c {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [0, 0, 0, 0] layer @L0 : (!x, !a) -> !a
    %i = hcgs.act %a[0] @t shift 3 layer @L0 : !a -> !x
    %o = hcgs.act %a[1] @t shift 3 layer @L0 : !a -> !x
    %f = hcgs.act %a[2] @t shift 3 layer @L0 : !a -> !x
    %g = hcgs.act %a[3] @t shift 3 layer @L0 : !a -> !x
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!x, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!x, !x, !s) -> !s
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @t shift 12 layer @L0 : !s -> !x
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!x, !x) -> !s
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !x
    hcgs.write %h1, @y at 0 : !x
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !x
      hcgs.buffer %a slots 1 : !a
      hcgs.buffer %i slots 1 : !x
      hcgs.buffer %o slots 1 : !x
      hcgs.buffer %f slots 1 : !x
      hcgs.buffer %g slots 1 : !x
      hcgs.buffer %s slots 1 : !s
      hcgs.buffer %c1 slots 1 : !c
      hcgs.buffer %q slots 1 : !x
      hcgs.buffer %m slots 1 : !s
      hcgs.buffer %h1 slots 1 : !x
      hcgs.issue %a step 0 : !a
      hcgs.issue %x step 0 : !x
      hcgs.issue %a0 step 0 : !a
      hcgs.issue %i step 0 : !x
      hcgs.issue %o step 0 : !x
      hcgs.issue %f step 0 : !x
      hcgs.issue %g step 0 : !x
      hcgs.issue %s0 step 0 : !s
      hcgs.issue %s step 0 : !s
      hcgs.issue %c1 step 0 : !c
      hcgs.issue %q step 0 : !x
      hcgs.issue %m step 0 : !s
      hcgs.issue %h1 step 0 : !x
      hcgs.issue_write %h1, @y at 0 step 0 : !x
    }
    hcgs.yield %h1, %c1 : !x, !c
  }
}

// No slot needs a ring, and no step is ahead: one loop over all steps.
// CHECK-NOT: isa.aset
// CHECK: isa.loop T attributes
// CHECK-NEXT: isa.mvm a[[A:\[.*\]]], v[{{.*}}], desc 1, blocks 0 + 1, gates iofg, init bias
// CHECK-NEXT: isa.load
// CHECK-NEXT: isa.mvm a[[A]], v[{{.*}}], desc 0, blocks 0 + 1, gates iofg, init acc

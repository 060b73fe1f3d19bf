// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded" --hcgs-verify-schedule --hcgs-to-isa --isa-verify-program | FileCheck %s
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded tile=1" --hcgs-verify-schedule --hcgs-to-isa --isa-verify-program | FileCheck %s --check-prefix=FIXED
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded tile=1" --hcgs-schedule="target=generic schedule=unfolded" --hcgs-to-isa | FileCheck %s --check-prefix=AGAIN

// What happens once a run: initial states from the host, a head on the final
// state, a concat, the last frame of a sequence; inside the loop a residual
// add, a joined vector that is read again and a pointwise function.

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!z = !hcgs.vec<8 x !fx.int<13, 12>>
!y = !hcgs.vec<2 x !fx.int<13, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>
!r = !hcgs.acc<1x4, [13]>

// CHECK-LABEL: isa.program @net
// CHECK-SAME: layers = [{{.*}}initial_c = [[C0:[0-9]+]] : i64, initial_h = [[H0:[0-9]+]] : i64, {{.*}}op = "lstm"
// CHECK-SAME: inputs = [{{[0-9]+}}, {{[0-9]+}}], lshifts = [1, 1], name = "/Add", op = "add"
// CHECK-SAME: inputs = [{{[0-9]+}}, {{[0-9]+}}], name = "/Concat", op = "concat"
// CHECK-SAME: inputs = [{{[0-9]+}}], lshifts = [0], name = "/Relu", op = "act", {{.*}}result = {kind = "act"
// CHECK-SAME: name = "/fc", op = "linear"
// CHECK-SAME: op = "last"
hcgs.program @net {
  hcgs.layer @L0 lstm "/lstm"
  hcgs.layer @add add "/Add"
  hcgs.layer @cat concat "/Concat"
  hcgs.layer @relu act "/Relu"
  hcgs.layer @fc linear "/fc"
  hcgs.stream @x step in : !x
  hcgs.stream @h0 sequence in : !x
  hcgs.stream @c0 sequence in : !c
  hcgs.stream @z step out : !z
  hcgs.stream @y sequence out : !y
  hcgs.stream @cn sequence out : !c
  hcgs.stream @l sequence out : !z
  hcgs.io input "x" [<time 0>, <feature 4>] in [<@x at -1>]
  hcgs.io input "h0" [<feature 4>] in [<@h0 at -1>]
  hcgs.io input "c0" [<feature 4>] in [<@c0 at -1>]
  hcgs.matrix @L0.W 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.matrix @L0.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.matrix @fc.W 1x2x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x2x4xi8> bias dense<[[5, 6]]> : tensor<1x2xi32>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  hcgs.table @relu_t <relu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.read @h0 : !x
  %c0 = hcgs.read @c0 : !c
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !x, !c {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @L0.W, %x shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a
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
    %r0 = hcgs.vacc %h1 shl 1 layer @add : (!x) -> !r
    %r1 = hcgs.vacc %x acc %r0 shl 1 layer @add : (!x, !r) -> !r
    %r = hcgs.requant %r1[0] shift 1 layer @add : !r -> !x
    %z = hcgs.concat %r, %h1 layer @cat : (!x, !x) -> !z
    %v = hcgs.vacc %z shl 0 layer @relu : (!z) -> !hcgs.acc<1x8, [12]>
    %w = hcgs.act %v[0] @relu_t shift 0 layer @relu : !hcgs.acc<1x8, [12]> -> !z
    hcgs.write %w, @z at 0 : !z
    hcgs.yield %h1, %c1 : !x, !c
  }
  %ya = hcgs.mvm @fc.W, %hT bias shifts [0] layer @fc : (!x) -> !hcgs.acc<1x2, [15]>
  %y = hcgs.requant %ya[0] shift 3 layer @fc : !hcgs.acc<1x2, [15]> -> !y
  hcgs.write %y, @y at 0 : !y
  hcgs.write %cT, @cn at 0 : !c
  %l = hcgs.read @z last : !z
  hcgs.write %l, @l at 0 : !z
}

// States are loaded into their places.
// CHECK: isa.entry run
// CHECK: isa.astream a[[S:[0-9]+]], stream 1
// CHECK-NEXT: isa.load v[{{.*}}], x[a[[S]]], n 4 {what = "initial state from h0"}
// CHECK-NEXT: isa.astream a[[S]], stream 2
// CHECK-NEXT: isa.load v[{{.*}}], x[a[[S]]], n 4 {what = "initial state from c0"}
// CHECK-NEXT: isa.entry step
// CHECK: isa.loop T - 1
// CHECK-DAG: isa.vacc [[R:a\[.*\]]], v[{{.*}}], n 4, lshift 1, init zero {{.*}}"operand 0 rows 0..3, step t"
// CHECK-DAG: isa.vacc [[R]], v[{{.*}}], n 4, lshift 1, init acc {{.*}}"operand 1 rows 0..3, step t"
// CHECK-DAG: isa.vcopy v[[[Z:[0-9]+]]], {{.*}}, n 4 {{.*}}"operand 0, step t"
// CHECK-DAG: isa.vcopy v[{{[0-9]+}}], {{.*}}, n 4 {{.*}}"operand 1, step t"
// CHECK: isa.vacc {{.*}}, v[[[Z]]], n 8, lshift 0, init zero {{.*}}step t"
// CHECK: {{^ *}$}}
// CHECK: isa.store
// CHECK: isa.mvm a[{{.*}}], v[{{.*}}], desc 2, blocks 0 + 1, gates i, init bias
// CHECK: isa.requant
// CHECK-NEXT: isa.astream a[[S]], stream 4
// CHECK-NEXT: isa.store x[a[[S]]], {{.*}}, n 2
// CHECK-NEXT: isa.astream a[[S]], stream 5
// CHECK-NEXT: isa.store x[a[[S]]], {{.*}}, n 4
// CHECK-NEXT: isa.astream a[[S]], stream 3{{,?}} imm -16{{,?}} tscale 16
// CHECK-NEXT: isa.load [[L:.*]], x[a[[S]]], n 8
// CHECK-NEXT: isa.astream a[[S]], stream 6
// CHECK-NEXT: isa.store x[a[[S]]], [[L]], n 8
// CHECK-NEXT: isa.halt

// A shape that was asked for is taken outside time loops, too.
// FIXED: isa.mvm {{.*}}, desc 2, {{.*}}, tile 8 {
// The next schedule decides anew.
// AGAIN: isa.mvm {{.*}}, desc 2, {{.*}}, tile 2 {
// AGAIN-NOT: isa.mvm {{.*}}, desc 2, {{.*}}, tile 8 {

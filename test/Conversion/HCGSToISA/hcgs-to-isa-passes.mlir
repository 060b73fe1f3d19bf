// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-schedule="target=generic schedule=unfolded" --hcgs-verify-schedule --hcgs-to-isa --isa-verify-program | FileCheck %s

// A bidirectional layer, joined in a scratch stream, and a linear layer that
// reads it in a second pass.

!x = !hcgs.vec<3 x !fx.int<13, 12>>
!h = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!z = !hcgs.vec<8 x !fx.int<13, 12>>
!y = !hcgs.vec<2 x !fx.int<13, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>

// What a later pass needs, a program cannot do step by step.
// CHECK-LABEL: isa.program @bi
// CHECK-SAME: layers = [{{.*}}direction = "forward"{{.*}}name = "/f"{{.*}}direction = "reverse"{{.*}}name = "/r"{{.*}}inputs = [{{[0-9]+}}, {{[0-9]+}}], name = "s", op = "concat"{{.*}}op = "linear"
// CHECK-SAME: no_step = "layer '/r' runs in reverse: it needs the last frame first"
// CHECK-SAME: direction = "scratch", elements = 8 : i64, kind = "step", name = "s"
hcgs.program @bi {
  hcgs.layer @F lstm "/f"
  hcgs.layer @R lstm "/r"
  hcgs.layer @fc linear "/fc"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !y
  hcgs.stream @s step scratch : !z
  hcgs.io input "x" [<time 7>, <feature 3>] in [<@x at -1>]
  hcgs.io output "y" [<time 7>, <feature 2>] in [<@y at -1>]
  hcgs.matrix @F.W 4x4x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @F.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.matrix @R.W 4x4x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @R.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.matrix @fc.W 1x2x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x2x8xi8>
  hcgs.table @t <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant zero : !h
  %c0 = hcgs.constant zero : !c
  %0:4 = hcgs.sequence states(%fh = %h0, %fc = %c0, %rh = %h0, %rc = %c0) : !h, !c, !h, !c {
    %fx = hcgs.read @x : !x
    %fa0 = hcgs.mvm @F.W, %fx bias shifts [0, 0, 0, 0] layer @F : (!x) -> !a
    %fa = hcgs.mvm @F.R, %fh acc %fa0 shifts [0, 0, 0, 0] layer @F : (!h, !a) -> !a
    %fi = hcgs.act %fa[0] @t shift 3 layer @F : !a -> !h
    %fo = hcgs.act %fa[1] @t shift 3 layer @F : !a -> !h
    %ff = hcgs.act %fa[2] @t shift 3 layer @F : !a -> !h
    %fg = hcgs.act %fa[3] @t shift 3 layer @F : !a -> !h
    %fs0 = hcgs.vmac %ff, %fc shl 0 layer @F : (!h, !c) -> !s
    %fs = hcgs.vmac %fi, %fg acc %fs0 shl 0 layer @F : (!h, !h, !s) -> !s
    %fc1 = hcgs.requant %fs[0] shift 12 layer @F : !s -> !c
    %fq = hcgs.act %fs[0] @t shift 12 layer @F : !s -> !h
    %fm = hcgs.vmac %fo, %fq shl 0 layer @F : (!h, !h) -> !s
    %fh1 = hcgs.requant %fm[0] shift 12 layer @F : !s -> !h
    hcgs.write %fh1, @s at 0 : !h
    %rx = hcgs.read @x reversed : !x
    %ra0 = hcgs.mvm @R.W, %rx bias shifts [0, 0, 0, 0] layer @R : (!x) -> !a
    %ra = hcgs.mvm @R.R, %rh acc %ra0 shifts [0, 0, 0, 0] layer @R : (!h, !a) -> !a
    %ri = hcgs.act %ra[0] @t shift 3 layer @R : !a -> !h
    %ro = hcgs.act %ra[1] @t shift 3 layer @R : !a -> !h
    %rf = hcgs.act %ra[2] @t shift 3 layer @R : !a -> !h
    %rg = hcgs.act %ra[3] @t shift 3 layer @R : !a -> !h
    %rs0 = hcgs.vmac %rf, %rc shl 0 layer @R : (!h, !c) -> !s
    %rs = hcgs.vmac %ri, %rg acc %rs0 shl 0 layer @R : (!h, !h, !s) -> !s
    %rc1 = hcgs.requant %rs[0] shift 12 layer @R : !s -> !c
    %rq = hcgs.act %rs[0] @t shift 12 layer @R : !s -> !h
    %rm = hcgs.vmac %ro, %rq shl 0 layer @R : (!h, !h) -> !s
    %rh1 = hcgs.requant %rm[0] shift 12 layer @R : !s -> !h
    hcgs.write %rh1, @s at 4 reversed : !h
    hcgs.yield %fh1, %fc1, %rh1, %rc1 : !h, !c, !h, !c
  }
  hcgs.sequence states() {
    %z = hcgs.read @s : !z
    %ya = hcgs.mvm @fc.W, %z shifts [0] layer @fc : (!z) -> !hcgs.acc<1x2, [15]>
    %y = hcgs.requant %ya[0] shift 3 layer @fc : !hcgs.acc<1x2, [15]> -> !y
    hcgs.write %y, @y at 0 : !y
    hcgs.yield
  }
}
// CHECK-SAME: time = 7 : i64

// The reverse half walks from the last frame (T-1) to the first; both write one
// scratch frame, at 0 and 8 bytes.
// CHECK: isa.entry run
// CHECK-NOT: isa.entry
// CHECK-DAG: isa.astream a[[FX:[0-9]+]], stream 0 {what = "first frame of x"}
// CHECK-DAG: isa.astream a[[RX:[0-9]+]], stream 0{{,?}} imm -6{{,?}} tscale 6 {what = "last frame of x"}
// CHECK-DAG: isa.astream a[[FS:[0-9]+]], stream 2 {what = "first frame of s"}
// CHECK-DAG: isa.astream a[[RS:[0-9]+]], stream 2{{,?}} imm -16{{,?}} tscale 16 {what = "last frame of s"}
// CHECK: isa.loop T - 1
// CHECK-DAG: isa.load v[{{.*}}], x[a[[FX]] + 6], n 3 {what = "load x, step t+1"}
// CHECK-DAG: isa.load v[{{.*}}], x[a[[RX]] - 6], n 3 {what = "load x, step t+1"}
// CHECK-DAG: isa.store x[a[[FS]]], {{.*}}, n 4 {what = "store s, step t"}
// CHECK-DAG: isa.store x[a[[RS]] + 8], {{.*}}, n 4 {what = "store s, step t"}
// CHECK-DAG: isa.aadd a[[FX]], 6
// CHECK-DAG: isa.aadd a[[RX]], -6
// CHECK-DAG: isa.aadd a[[FS]], 16
// CHECK-DAG: isa.aadd a[[RS]], -16
// The second pass has no state: no prologue, no epilogue.
// CHECK: isa.astream {{.*}} {what = "first frame of s"}
// CHECK: isa.loop T attributes
// CHECK-NEXT: isa.load {{.*}}, n 8 {what = "load s, step t"}
// CHECK: isa.mvm {{.*}}desc 4, {{.*}} init zero
// CHECK: isa.store
// CHECK: {{^ *}$}}
// CHECK-NEXT: isa.halt
// CHECK-NOT: isa.halt

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: sed "s/ELEMENTS/192/" %S/Inputs/vmem.json.in > %t.enough.json
// RUN: sed "s/ELEMENTS/191/" %S/Inputs/vmem.json.in > %t.short.json
// RUN: hcgs-opt %s --hcgs-schedule=target=%t.enough.json | FileCheck %s --check-prefix=ENOUGH
// RUN: hcgs-opt %s --hcgs-schedule=target=%t.short.json | FileCheck %s --check-prefix=SHORT
// RUN: hcgs-opt %s --hcgs-schedule=target=%t.enough.json | hcgs-opt --hcgs-to-isa=target=%t.enough.json | FileCheck %s --check-prefix=FITS

// Time loops get what values outside them leave of a memory. Here these take 96
// elements of vmem: the constant, which always lives, and %v1 and %v2, which
// live together; %v0 and %v3 take their turns with them. Two values of %x and
// one of %y take 96 more, and are what two steps at a time need.

// ENOUGH: hcgs.schedule depth 2
// ENOUGH-NEXT: hcgs.buffer %{{.*}} slots 2 : !hcgs.vec
// SHORT: hcgs.schedule depth 1
// SHORT-NEXT: hcgs.buffer %{{.*}} slots 1 : !hcgs.vec
// FITS: isa.program @net

!x = !hcgs.vec<32 x !fx.int<13, 12>>
!s = !hcgs.acc<1x32, [15]>
!t = !hcgs.acc<1x32, [12]>

hcgs.program @net {
  hcgs.layer @fc linear "/fc"
  hcgs.layer @add1 add "/Add1"
  hcgs.layer @add2 add "/Add2"
  hcgs.layer @add3 add "/Add3"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.stream @l sequence out : !x
  hcgs.matrix @W 1x32x32 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x32x32xi8>
  %c = hcgs.constant zero : !x
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %a = hcgs.mvm @W, %x shifts [0] layer @fc : (!x) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    hcgs.yield
  }
  %v0 = hcgs.read @y last : !x
  %a1 = hcgs.vacc %v0 shl 0 layer @add1 : (!x) -> !t
  %v1 = hcgs.requant %a1[0] shift 0 layer @add1 : !t -> !x
  %a2 = hcgs.vacc %v1 shl 0 layer @add2 : (!x) -> !t
  %v2 = hcgs.requant %a2[0] shift 0 layer @add2 : !t -> !x
  %a3 = hcgs.vacc %v2 shl 0 layer @add3 : (!x) -> !t
  %a4 = hcgs.vacc %v1 acc %a3 shl 0 layer @add3 : (!x, !t) -> !t
  %v3 = hcgs.requant %a4[0] shift 0 layer @add3 : !t -> !x
  hcgs.write %v3, @l at 0 : !x
}

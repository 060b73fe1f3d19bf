// RUN: hcgs-opt %s --canonicalize --split-input-file | FileCheck %s
// RUN: hcgs-opt %s --canonicalize --canonicalize --split-input-file | FileCheck %s

!v = !hcgs.vec<2 x !fx.int<13, 12>>
!a = !hcgs.acc<1x2, [12]>

// A state that neither the next step nor anyone after the loop reads goes, and
// with it what only made it.

// CHECK-LABEL: hcgs.program @states
hcgs.program @states {
  hcgs.layer @L0 add "add"
  hcgs.stream @x step in : !v
  hcgs.stream @n sequence out : !v
  // CHECK: %[[Z:.*]] = hcgs.constant zero
  %z = hcgs.constant [0, 0] : !v
  // CHECK: %[[B:.*]] = hcgs.constant [1, 2]
  %b = hcgs.constant [1, 2] : !v
  // CHECK: %[[F:.*]]:2 = hcgs.sequence states(%[[S:.*]] = %[[Z]], %{{.*}} = %[[B]]) :
  %f:3 = hcgs.sequence states(%s = %z, %unused = %z, %last = %b) : !v, !v, !v {
    // CHECK: %[[X:.*]] = hcgs.read @x
    %x = hcgs.read @x : !v
    // CHECK-NEXT: %[[A0:.*]] = hcgs.vacc %[[X]]
    %a0 = hcgs.vacc %x shl 0 layer @L0 : (!v) -> !a
    // CHECK-NEXT: %[[A1:.*]] = hcgs.vacc %[[S]] acc %[[A0]]
    %a1 = hcgs.vacc %s acc %a0 shl 0 layer @L0 : (!v, !a) -> !a
    // CHECK-NEXT: %[[N:.*]] = hcgs.requant %[[A1]][0] shift 0
    %n = hcgs.requant %a1[0] shift 0 layer @L0 : !a -> !v
    %d0 = hcgs.vacc %x shl 1 layer @L0 : (!v) -> !hcgs.acc<1x2, [13]>
    %d = hcgs.requant %d0[0] shift 1 layer @L0 : !hcgs.acc<1x2, [13]> -> !v
    // CHECK-NEXT: %[[L0:.*]] = hcgs.vacc %[[N]]
    %l0 = hcgs.vacc %n shl 0 layer @L0 : (!v) -> !a
    // CHECK-NEXT: %[[L:.*]] = hcgs.requant %[[L0]]
    %l = hcgs.requant %l0[0] shift 0 layer @L0 : !a -> !v
    // CHECK-NEXT: hcgs.yield %[[N]], %[[L]] :
    hcgs.yield %n, %d, %l : !v, !v, !v
  }
  // CHECK: hcgs.write %[[F]]#1, @n at 0
  hcgs.write %f#2, @n at 0 : !v
}

// -----

!v = !hcgs.vec<2 x !fx.int<13, 12>>

// A scheduled loop stays as it is: the schedule names its storage.

// CHECK-LABEL: hcgs.program @scheduled
hcgs.program @scheduled {
  hcgs.stream @x step in : !v
  %z = hcgs.constant zero : !v
  // CHECK: hcgs.sequence states(%{{.*}} = %{{.*}}) :
  %f = hcgs.sequence states(%s = %z) : !v {
    %x = hcgs.read @x : !v
    hcgs.schedule depth 0 {
      hcgs.buffer %x slots 1 : !v
      hcgs.issue %x step 0 : !v
    }
    hcgs.yield %x : !v
  }
}

// -----

!v = !hcgs.vec<2 x !fx.int<13, 12>>
!w = !hcgs.vec<4 x !fx.int<13, 12>>

// Joins of joins become one, unless the inner one is read elsewhere.

// CHECK-LABEL: hcgs.program @joins
hcgs.program @joins {
  hcgs.layer @L0 concat "concat"
  hcgs.stream @x sequence in : !v
  hcgs.stream @y sequence in : !v
  hcgs.stream @a sequence out : !hcgs.vec<6 x !fx.int<13, 12>>
  hcgs.stream @b sequence out : !hcgs.vec<6 x !fx.int<13, 12>>
  hcgs.stream @c sequence out : !w
  // CHECK: %[[X:.*]] = hcgs.read @x
  %x = hcgs.read @x : !v
  // CHECK: %[[Y:.*]] = hcgs.read @y
  %y = hcgs.read @y : !v
  %0 = hcgs.concat %x, %y layer @L0 : (!v, !v) -> !w
  // CHECK: hcgs.concat %[[X]], %[[Y]], %[[X]] layer @L0
  %1 = hcgs.concat %0, %x layer @L0 : (!w, !v) -> !hcgs.vec<6 x !fx.int<13, 12>>
  // CHECK: %[[I:.*]] = hcgs.concat %[[Y]], %[[X]] layer @L0
  %2 = hcgs.concat %y, %x layer @L0 : (!v, !v) -> !w
  // CHECK: hcgs.concat %[[I]], %[[Y]] layer @L0
  %3 = hcgs.concat %2, %y layer @L0 : (!w, !v) -> !hcgs.vec<6 x !fx.int<13, 12>>
  hcgs.write %1, @a at 0 : !hcgs.vec<6 x !fx.int<13, 12>>
  hcgs.write %3, @b at 0 : !hcgs.vec<6 x !fx.int<13, 12>>
  hcgs.write %2, @c at 0 : !w
}

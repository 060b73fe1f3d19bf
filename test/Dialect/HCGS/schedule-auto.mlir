// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --split-input-file --hcgs-schedule=target=generic --hcgs-verify-schedule | FileCheck %s
// RUN: not hcgs-opt %s --split-input-file --hcgs-schedule="target=generic schedule=batch" 2>&1 | FileCheck %s --check-prefix=LSTM
// LSTM: error: schedule 'batch' orders the gates of LSTM layers, and this time loop has none; use schedule 'auto'

// Nothing has a state. The operands of a concat are issued one by one; each
// written part of a frame is an entry.
!x = !hcgs.vec<4 x !fx.int<13, 12>>
!z = !hcgs.vec<8 x !fx.int<13, 12>>
!s = !hcgs.acc<1x8, [15]>

// CHECK-LABEL: hcgs.program @stateless
hcgs.program @stateless {
  hcgs.layer @cat concat "/Concat"
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !z
  hcgs.matrix @W 1x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x8x8xi8>
  hcgs.sequence states() {
    // CHECK: %[[X:.*]] = hcgs.read
    %x = hcgs.read @x : !x
    // CHECK: %[[Z:.*]] = hcgs.concat
    %z = hcgs.concat %x, %x layer @cat : (!x, !x) -> !z
    %a = hcgs.mvm @W, %z shifts [0] layer @fc : (!z) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !z
    hcgs.write %y, @y at 0 : !z
    // CHECK: hcgs.schedule depth
    // CHECK-DAG: hcgs.issue %[[Z]] blocks 0 to 1 step
    // CHECK-DAG: hcgs.issue %[[Z]] blocks 1 to 2 step
    // CHECK-DAG: hcgs.issue_write
    // CHECK: name = "auto"
    hcgs.yield
  }
}

// -----

// Row blocks are multiples of the blocks of both matrices, here of 6 rows and of
// any, and not lower than 8: multiples of 12.
!x = !hcgs.vec<48 x !fx.int<13, 12>>
!s = !hcgs.acc<1x48, [15]>

// CHECK-LABEL: hcgs.program @granule
hcgs.program @granule {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @A 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [6x48 keep 1/1 row], map = ""> codes dense<1> : tensor<2304xi8>
  hcgs.matrix @B 1x48x48 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x48x48xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @A, %x shifts [0] layer @fc : (!x) -> !s
    // CHECK: %[[A:.*]] = hcgs.mvm @B
    %a = hcgs.mvm @B, %x acc %a0 shifts [0] layer @fc : (!x, !s) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    // CHECK: hcgs.buffer %[[A]] slots {{.*}} row_block {{12|24|36|48}}{{( |$)}}
    hcgs.yield
  }
}

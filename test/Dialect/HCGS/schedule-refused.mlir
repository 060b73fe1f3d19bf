// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-schedule=target=generic --hcgs-verify-schedule -o /dev/null
// RUN: not hcgs-opt %s --hcgs-schedule="target=generic schedule=batch" 2>&1 | FileCheck %s

// Two time loops, none with an LSTM layer. One would do: the loop of the linear
// layer in ../../Conversion/HCGSToISA/hcgs-to-isa-passes.mlir is taken.
// CHECK: error: schedule 'batch' orders the gates of LSTM layers, and this time loop has none; use schedule 'auto', which serves every model; none of the 2 time loops of the model has an LSTM layer, and one would do

!x = !hcgs.vec<4 x !fx.int<13, 12>>
!s = !hcgs.acc<1x4, [15]>

hcgs.program @heads {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !x
  hcgs.stream @s step scratch : !x
  hcgs.stream @y step out : !x
  hcgs.matrix @W 1x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x4x4xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !x
    %a = hcgs.mvm @W, %x shifts [0] layer @fc : (!x) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @s at 0 : !x
    hcgs.yield
  }
  hcgs.sequence states() {
    %x = hcgs.read @s reversed : !x
    %a = hcgs.mvm @W, %x shifts [0] layer @fc : (!x) -> !s
    %y = hcgs.requant %a[0] shift 3 layer @fc : !s -> !x
    hcgs.write %y, @y at 0 : !x
    hcgs.yield
  }
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: split-file %s %t
// RUN: not hcgs-opt %t/plain.mlir --hcgs-schedule 2>&1 | FileCheck %s --check-prefix=NOTARGET
// RUN: not hcgs-opt %t/plain.mlir --hcgs-schedule=target=nowhere 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not hcgs-opt %t/plain.mlir --hcgs-schedule="target=generic schedule=fastest" 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// RUN: not hcgs-opt %t/plain.mlir --hcgs-schedule="target=generic tile=48" 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: not hcgs-opt %t/map.mlir --hcgs-schedule=target=generic 2>&1 | FileCheck %s --check-prefix=MAP

// NOTARGET: error: program names no target; name one with the option 'target'
// TARGET: error: {{.*}}nowhere
// SCHEDULE: error: there is no schedule 'fastest'; there is {{.*}}unfolded
// TILE: error: there is no tile policy '48'; there is 'adaptive', and tiles of 'generic' have 256, 128, 64, 32, 16, 8, 4, 2, 1 rows
// MAP: map.mlir:{{[0-9]+}}:3: error: 'hcgs.matrix' op malformed index

//--- plain.mlir
hcgs.program @p {
}

//--- map.mlir
hcgs.program @p {
  hcgs.layer @fc linear "/MatMul"
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.matrix @W 1x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "0202"> codes dense<1> : tensor<8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    %a = hcgs.mvm @W, %x shifts [0] layer @fc : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [15]>
    hcgs.yield
  }
}

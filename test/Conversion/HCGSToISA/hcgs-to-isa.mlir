// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: hcgs-opt %s --hcgs-to-isa --isa-verify-program | FileCheck %s
// RUN: hcgs-opt %s --hcgs-to-isa --isa-verify-program | FileCheck %s --check-prefix=META
// RUN: hcgs-opt %s --hcgs-verify-schedule --hcgs-to-isa --mlir-print-debuginfo | FileCheck %s --check-prefix=LOC

// One layer with a schedule of depth 1, in two row blocks.

!x = !hcgs.vec<3 x !fx.int<13, 12>>
!h = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!a = !hcgs.acc<4x4, [15, 15, 15, 15]>
!s = !hcgs.acc<1x4, [24]>

hcgs.program @lstm model <name = "m", producer = "test", opset = 17, sha256 = ""> target "generic" {
  hcgs.layer @L0 lstm "/lstm/LSTM"
  hcgs.stream @x step in : !x
  hcgs.stream @y step out : !h
  hcgs.stream @h_n sequence out : !h
  hcgs.io input "input" [<time 0>, <batch 1>, <feature 3>] in [<@x at -1>]
  hcgs.io output "y" [<time 0>, <batch 1>, <feature 4>] in [<@y at -1>]
  hcgs.io output "h_n" [<layer 1>, <batch 1>, <feature 4>] in [<@h_n at 0>]
  hcgs.matrix @L0.W 4x4x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]> codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @L0.R 4x4x4 weights <bits = 4, encoding = twos, rounding = nearest, exps = [2, 2, 2, 2]> codes dense<1> : tensor<4x4x4xi8>
  hcgs.table @sigmoid <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.5 bases [1, 2] slopes [3, -4]
  hcgs.table @tanh <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -4096 hi 4095 error 2.0 bases [1, 2] slopes [3, -4]
  %h0 = hcgs.constant [1, 2, 3, 4] : !h
  %c0 = hcgs.constant zero : !c
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !h, !c {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 0] layer @L0 : (!x) -> !a loc("/lstm/LSTM")
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [1, 1, 1, 1] layer @L0 : (!h, !a) -> !a
    %i = hcgs.act %a[0] @sigmoid shift 3 layer @L0 : !a -> !h
    %o = hcgs.act %a[1] @sigmoid shift 3 layer @L0 : !a -> !h
    %f = hcgs.act %a[2] @sigmoid shift 3 layer @L0 : !a -> !h
    %g = hcgs.act %a[3] @tanh shift 3 layer @L0 : !a -> !h
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!h, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!h, !h, !s) -> !s
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @tanh shift 12 layer @L0 : !s -> !h
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!h, !h) -> !s
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !h
    hcgs.write %h1, @y at 0 : !h
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 2 : !x
      hcgs.buffer %a slots 1 row_block 2 : !a
      hcgs.buffer %i slots 1 row_block 2 window 1 : !h
      hcgs.buffer %o slots 1 row_block 2 window 1 : !h
      hcgs.buffer %f slots 1 row_block 2 window 1 : !h
      hcgs.buffer %g slots 1 row_block 2 window 1 : !h
      hcgs.buffer %s slots 1 row_block 2 window 1 : !s
      hcgs.buffer %c1 slots 1 row_block 2 : !c
      hcgs.buffer %q slots 1 row_block 2 window 1 : !h
      hcgs.buffer %m slots 1 row_block 2 window 1 : !s
      hcgs.buffer %h1 slots 2 row_block 2 : !h
      hcgs.issue %x step 1 : !x
      hcgs.issue %a blocks 0 to 2 step 0 : !a
      hcgs.issue %i blocks 0 to 1 step 0 : !h
      hcgs.issue %o blocks 0 to 1 step 0 : !h
      hcgs.issue %f blocks 0 to 1 step 0 : !h
      hcgs.issue %g blocks 0 to 1 step 0 : !h
      hcgs.issue %s0 blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %c1 blocks 0 to 1 step 0 : !c
      hcgs.issue %q blocks 0 to 1 step 0 : !h
      hcgs.issue %m blocks 0 to 1 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !h
      hcgs.issue %i blocks 1 to 2 step 0 : !h
      hcgs.issue %o blocks 1 to 2 step 0 : !h
      hcgs.issue %f blocks 1 to 2 step 0 : !h
      hcgs.issue %g blocks 1 to 2 step 0 : !h
      hcgs.issue %s0 blocks 1 to 2 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %c1 blocks 1 to 2 step 0 : !c
      hcgs.issue %q blocks 1 to 2 step 0 : !h
      hcgs.issue %m blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 1 to 2 step 0 : !h
      hcgs.issue %a0 blocks 0 to 2 step 1 : !a
      hcgs.issue_write %h1, @y at 0 step 0 : !h
    }
    hcgs.yield %h1, %c1 : !h, !c
  }
  hcgs.write %hT, @h_n at 0 : !h
}

// Reset code: the ring of what has two slots (x and h, 3 + 4 elements), then
// the states of the step before the first.
// CHECK: isa.entry run
// CHECK-NEXT: isa.aset a[[RING:[0-9]+]], [[LO:[0-9]+]] ring [[LO]] + 14
// CHECK-NEXT: isa.vcopy v[a[[RING]] - 4], v[{{[0-9]+}}], n 4
// CHECK-NEXT: isa.fill v[{{[0-9]+}}], 0, n 4
// CHECK-NEXT: isa.entry step
// CHECK-NEXT: isa.astream a[[X:[0-9]+]], stream 0
// CHECK-NEXT: isa.astream a[[Y:[0-9]+]], stream 1

// Prologue: the entries of step 1, for step 0.
// CHECK-NEXT: isa.load v[a[[RING]]], x[a[[X]]], n 3 {{.*}}"load x, step 0"
// CHECK-NEXT: isa.mvm a[[[A:[0-9]+]]], v[a[[RING]]], desc 0, blocks 0 + 2, gates iofg, init bias, shifts [0, 0, 0, 0]

// The loop: step t+1 is one slot and one frame on, h(t-1) one slot back.
// CHECK-NEXT: isa.loop T - 1
// CHECK-NEXT:   isa.load v[a[[RING]] + 7], x[a[[X]] + 6], n 3 {{.*}}"load x, step t+1"
// CHECK-NEXT:   isa.mvm a[[[A]]], v[a[[RING]] - 4], desc 1, blocks 0 + 2, gates iofg, init acc, shifts [1, 1, 1, 1], {{.*}}"R gates iofg rows 0..3, step t"
// Gates of the first row block (WI-A-1: block, gate, row).
// CHECK-NEXT:   isa.act v[[[I:[0-9]+]]], a[0], n 2, shift 3, table 0 {layer = 0 : i64, what = "gate i rows 0..1, step t"}
// CHECK-NEXT:   isa.act v[{{.*}}], a[2], n 2, shift 3, table 0 {{.*}}"gate o rows 0..1, step t"
// CHECK-NEXT:   isa.act v[{{.*}}], a[4], n 2, shift 3, table 0 {{.*}}"gate f rows 0..1, step t"
// CHECK-NEXT:   isa.act v[{{.*}}], a[6], n 2, shift 3, table 1 {{.*}}"gate g rows 0..1, step t"
// CHECK-NEXT:   isa.vmac a[[[S:[0-9]+]]], {{.*}}, n 2, lshift 0, init zero {{.*}}"f * c rows 0..1, step t"
// CHECK-NEXT:   isa.vmac a[[[S]]], {{.*}}, n 2, lshift 0, init acc {{.*}}"i * g rows 0..1, step t"
// CHECK-NEXT:   isa.requant {{.*}}, a[[[S]]], n 2, shift 12, bits 16 {{.*}}"c rows 0..1, step t"
// CHECK-NEXT:   isa.act {{.*}}, a[[[S]]], n 2, shift 12, table 1 {{.*}}"tanh of the cell rows 0..1, step t"
// CHECK-NEXT:   isa.vmac {{.*}}"o * tanh of the cell rows 0..1, step t"
// CHECK-NEXT:   isa.requant v[a[[RING]] + 3], {{.*}}, n 2, shift 12, bits 13 {{.*}}"h rows 0..1, step t"
// The second row block uses the same places of the windows.
// CHECK-NEXT:   isa.act v[[[I]]], a[8], n 2, shift 3, table 0 {{.*}}"gate i rows 2..3, step t"
// CHECK:        isa.requant v[a[[RING]] + 5], {{.*}}"h rows 2..3, step t"
// CHECK-NEXT:   isa.mvm a[[[A]]], v[a[[RING]] + 7], desc 0, blocks 0 + 2, gates iofg, init bias, {{.*}}"W gates iofg rows 0..3, step t+1"
// CHECK-NEXT:   isa.store x[a[[Y]]], v[a[[RING]] + 3], n 4
// CHECK-NEXT:   isa.aadd a[[RING]], 7
// CHECK-NEXT:   isa.aadd a[[X]], 6
// CHECK-NEXT:   isa.aadd a[[Y]], 8
// CHECK-NEXT: {{^ *}$}}

// Epilogue: the entries of step 0, for the last step.
// CHECK-NEXT: isa.mvm {{.*}} desc 1, {{.*}}"R gates iofg rows 0..3, step T-1"
// CHECK-NOT: desc 0
// CHECK: isa.store x[a[[Y]]], v[a[[RING]] + 3], n 4
// CHECK-NEXT: isa.aadd a[[RING]], 7

// Then what comes once a run: h of the last step is one slot back.
// CHECK-NEXT: isa.astream a[[S:[0-9]+]], stream 2
// CHECK-NEXT: isa.store x[a[[S]]], v[a[[RING]] - 4], n 4
// CHECK-NEXT: isa.halt
// CHECK-NEXT: isa.entry reset
// CHECK-NEXT: isa.aset
// CHECK-NEXT: isa.vcopy
// CHECK-NEXT: isa.fill
// CHECK-NEXT: isa.halt

// META: isa.program @lstm
// META-SAME: amem = 20 : i64
// META-SAME: matrices = [{acc_frac = [15, 15, 15, 15], exponents = [3, 3, 3, 3], in_frac = 12 : i64, layer = 0 : i64, matrix = "W", node = "/lstm/LSTM"}, {acc_frac = [15, 15, 15, 15], exponents = [2, 2, 2, 2], in_frac = 12 : i64, layer = 0 : i64, matrix = "R", node = "/lstm/LSTM"}]
// META-SAME: model = {name = "m", opset = 17 : i64, producer = "test", sha256 = ""}
// META-SAME: network = {inputs = [{dims = [{axis = "time", size}, {axis = "batch", size = 1 : i64}, {axis = "feature", size = 3 : i64}], name = "input", parts = [{index, stream = 0 : i64, value = 0 : i64}]}]
// META-SAME: layers = [{R = {desc = 1 : i64, shifts = [1, 1, 1, 1]}, W = {desc = 0 : i64, shifts = [0, 0, 0, 0]}, cell = {c_bits = 16 : i64, c_shift = 12 : i64, fc_lshift = 0 : i64, h_bits = 13 : i64, h_lshift = 0 : i64, h_shift = 12 : i64, ig_lshift = 0 : i64, table = 1 : i64, tanh_shift = 12 : i64}, direction = "forward", final_c, final_h = 3 : i64, gates = [{shift = 3 : i64, table = 0 : i64}, {shift = 3 : i64, table = 0 : i64}, {shift = 3 : i64, table = 0 : i64}, {shift = 3 : i64, table = 1 : i64}], hidden = 4 : i64, initial_c, initial_h = 1 : i64, input = 0 : i64, name = "/lstm/LSTM", op = "lstm", output = 2 : i64}]
// META-SAME: outputs = [{{.*}}name = "y", parts = [{index, stream = 1 : i64, value = 2 : i64}]}, {{.*}}name = "h_n", parts = [{index = 0 : i64, stream = 2 : i64, value = 3 : i64}]}]
// META-SAME: values = [{bits = 13 : i64, frac = 12 : i64, kind = "sequence", name = "x", width = 3 : i64}, {bits = 13 : i64, codes = [1, 2, 3, 4], frac = 12 : i64, kind = "vector", {{.*}}width = 4 : i64}, {{.*}}name = "/lstm/LSTM.h"{{.*}}, {{.*}}kind = "vector", name = "/lstm/LSTM.final_h"
// META-SAME: streams = [{direction = "in", elements = 3 : i64, kind = "step", name = "x", value = 0 : i64}, {direction = "out", elements = 4 : i64, kind = "step", name = "y", value = 2 : i64}, {direction = "out", elements = 4 : i64, kind = "sequence", name = "h_n", value = 3 : i64}]
// META-SAME: tables = [{function = "sigmoid", input_range = [{{[^]]*}}], max_error_lsb = 1.500000e+00 : f64, max_error_saturated_lsb = {{[^}]*}}}, {function = "tanh", input_range = [{{[^]]*}}], max_error_lsb = 2.000000e+00 : f64, max_error_saturated_lsb = {{[^}]*}}}]
// META-SAME: time,
// The descriptor of R names no bias, that of W element 0 of bmem.
// META-SAME: bias = dense<[7, 0, 0, 0, 7, 0, 0, 0, {{.*}}]> : tensor<64xi8>

// LOC: isa.mvm {{.*}} desc 0, {{.*}} loc([[LSTM:#loc[0-9]*]])
// LOC: [[LSTM]] = loc("/lstm/LSTM"

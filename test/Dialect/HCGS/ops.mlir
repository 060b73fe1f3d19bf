// RUN: hcgs-opt %s | hcgs-opt | FileCheck %s
// RUN: hcgs-opt %s --mlir-print-op-generic | hcgs-opt | FileCheck %s
// RUN: hcgs-opt %s --emit-bytecode | hcgs-opt | FileCheck %s

!h = !hcgs.vec<4 x !fx.int<13, 12>>
!c = !hcgs.vec<4 x !fx.int<16, 12>>
!a = !hcgs.acc<4x4, [17, 17, 17, 17]>

// CHECK-LABEL: hcgs.program @net
// CHECK-SAME: model <name = "net", producer = "test", opset = 17, sha256 = ""> target "generic"
hcgs.program @net model <name = "net", producer = "test", opset = 17, sha256 = ""> target "generic" {
  // CHECK: hcgs.layer @L0 lstm "/lstm/LSTM"
  hcgs.layer @L0 lstm "/lstm/LSTM"
  hcgs.layer @L1 linear "/fc/MatMul"
  hcgs.layer @L2 add "/Add"
  hcgs.layer @L3 concat "/Concat"
  // CHECK: hcgs.stream @x step in : !hcgs.vec<3 x !fx.int<13, 12>>
  hcgs.stream @x step in : !hcgs.vec<3 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<6 x !fx.int<13, 12>>
  // CHECK: hcgs.stream @s step scratch
  hcgs.stream @s step scratch : !h
  // CHECK: hcgs.stream @h0 sequence in
  hcgs.stream @h0 sequence in : !h
  hcgs.stream @hn sequence out : !h
  hcgs.stream @yl sequence out : !h
  // CHECK: hcgs.io input "input" [<time 0>, <batch 1>, <feature 3>] in [<@x at -1>]
  hcgs.io input "input" [<time 0>, <batch 1>, <feature 3>] in [<@x at -1>]
  // CHECK: hcgs.io input "h0" [<layer 2>, <batch 1>, <feature 4>] in [<@h0 at 1>]
  hcgs.io input "h0" [<layer 2>, <batch 1>, <feature 4>] in [<@h0 at 1>]
  hcgs.io output "y" [<time 0>, <one 1>, <batch 1>, <feature 6>] in [<@y at -1>]
  hcgs.io output "hn" [<batch 1>, <feature 4>] in [<@hn at -1>]

  // CHECK: hcgs.matrix @L0.W 4x4x3 weights <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 4]>
  // CHECK-SAME: codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  hcgs.matrix @L0.W 4x4x3 weights <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 4]> codes dense<1> : tensor<4x4x3xi8> bias dense<7> : tensor<4x4xi32>
  // CHECK: hcgs.matrix @L0.R 4x4x4 weights
  // CHECK-SAME: sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "02">
  // CHECK-SAME: codes dense_resource<r> : tensor<32xi8>
  hcgs.matrix @L0.R 4x4x4 weights <bits = 4, encoding = signmag, rounding = nearest, exps = [3, 3, 3, 3]> sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "02"> codes dense_resource<r> : tensor<32xi8>
  hcgs.matrix @L1.W 1x6x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<-1> : tensor<1x6x4xi8>
  // CHECK: hcgs.table @sigmoid <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.{{0*}}e+00 bases [1, 2] slopes [3, -4]
  hcgs.table @sigmoid <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  hcgs.table @tanh <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -4096 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]

  // CHECK: %[[H0:.*]] = hcgs.read @h0 : !hcgs.vec<4 x !fx.int<13, 12>>
  %h0 = hcgs.read @h0 : !h
  // CHECK: %[[C0:.*]] = hcgs.constant zero : !hcgs.vec<4 x !fx.int<16, 12>>
  %c0 = hcgs.constant zero : !c
  // CHECK: hcgs.constant [1, -2, 3, 4]
  %c1 = hcgs.constant [1, -2, 3, 4] : !c
  // CHECK: %[[T:.*]]:2 = hcgs.sequence states(%[[H:.*]] = %[[H0]], %[[C:.*]] = %[[C0]]) : !hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<16, 12>> {
  %hT, %cT = hcgs.sequence states(%h = %h0, %c = %c0) : !h, !c {
    // CHECK-NEXT: %[[X:.*]] = hcgs.read @x reversed :
    %x = hcgs.read @x reversed : !hcgs.vec<3 x !fx.int<13, 12>>
    // CHECK-NEXT: %[[A0:.*]] = hcgs.mvm @L0.W, %[[X]] bias shifts [0, 0, 0, 1] layer @L0 : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<4x4, [17, 17, 17, 17]>
    %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 1] layer @L0 : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !a
    // CHECK-NEXT: %[[A:.*]] = hcgs.mvm @L0.R, %[[H]] acc %[[A0]] shifts [2, 2, 2, 2] layer @L0 :
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [2, 2, 2, 2] layer @L0 : (!h, !a) -> !a
    // CHECK-NEXT: hcgs.act %[[A]][0] @sigmoid shift 5 layer @L0 : !hcgs.acc<4x4, [17, 17, 17, 17]> -> !hcgs.vec<4 x !fx.int<13, 12>>
    %i = hcgs.act %a[0] @sigmoid shift 5 layer @L0 : !a -> !h
    %o = hcgs.act %a[1] @sigmoid shift 5 layer @L0 : !a -> !h
    %f = hcgs.act %a[2] @sigmoid shift 5 layer @L0 : !a -> !h
    %g = hcgs.act %a[3] @tanh shift 5 layer @L0 : !a -> !h
    // CHECK: hcgs.vmac %{{.*}}, %[[C]] shl 1 layer @L0 :
    %s0 = hcgs.vmac %f, %c shl 1 layer @L0 : (!h, !c) -> !hcgs.acc<1x4, [25]>
    // CHECK-NEXT: hcgs.vmac %{{.*}}, %{{.*}} acc %{{.*}} shl 1 layer @L0 :
    %s = hcgs.vmac %i, %g acc %s0 shl 1 layer @L0 : (!h, !h, !hcgs.acc<1x4, [25]>) -> !hcgs.acc<1x4, [25]>
    // CHECK-NEXT: %[[C1:.*]] = hcgs.requant %{{.*}}[0] shift 13 layer @L0 :
    %cn = hcgs.requant %s[0] shift 13 layer @L0 : !hcgs.acc<1x4, [25]> -> !c
    %q = hcgs.act %s[0] @tanh shift 13 layer @L0 : !hcgs.acc<1x4, [25]> -> !h
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!h, !h) -> !hcgs.acc<1x4, [24]>
    %hn = hcgs.requant %m[0] shift 12 layer @L0 : !hcgs.acc<1x4, [24]> -> !h
    // CHECK: hcgs.vacc %{{.*}} shl 2 layer @L2 :
    %r0 = hcgs.vacc %hn shl 2 layer @L2 : (!h) -> !hcgs.acc<1x4, [14]>
    %r1 = hcgs.vacc %h acc %r0 shl 2 layer @L2 : (!h, !hcgs.acc<1x4, [14]>) -> !hcgs.acc<1x4, [14]>
    %r = hcgs.requant %r1[0] shift 2 layer @L2 : !hcgs.acc<1x4, [14]> -> !h
    // CHECK: hcgs.concat %{{.*}}, %{{.*}} layer @L3 :
    %z = hcgs.concat %r, %hn layer @L3 : (!h, !h) -> !hcgs.vec<8 x !fx.int<13, 12>>
    // CHECK: hcgs.write %{{.*}}, @s at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %r, @s at 0 : !h
    %ly = hcgs.mvm @L1.W, %r shifts [0] layer @L1 : (!h) -> !hcgs.acc<1x6, [15]>
    %y = hcgs.requant %ly[0] shift 3 layer @L1 : !hcgs.acc<1x6, [15]> -> !hcgs.vec<6 x !fx.int<13, 12>>
    // CHECK: hcgs.write %{{.*}}, @y at 0 reversed :
    hcgs.write %y, @y at 0 reversed : !hcgs.vec<6 x !fx.int<13, 12>>
    // CHECK: hcgs.schedule depth 1 {
    hcgs.schedule depth 1 {
      // CHECK-NEXT: hcgs.buffer %[[X]] slots 2 : !hcgs.vec<3 x !fx.int<13, 12>>
      hcgs.buffer %x slots 2 : !hcgs.vec<3 x !fx.int<13, 12>>
      // CHECK-NEXT: hcgs.buffer %[[A]] slots 1 row_block 2 window 1 :
      hcgs.buffer %a slots 1 row_block 2 window 1 : !a
      // CHECK-NEXT: hcgs.issue %[[X]] step 1 :
      hcgs.issue %x step 1 : !hcgs.vec<3 x !fx.int<13, 12>>
      // CHECK-NEXT: hcgs.issue %[[A]] blocks 0 to 2 step 0 :
      hcgs.issue %a blocks 0 to 2 step 0 : !a
      // CHECK-NEXT: hcgs.issue %[[A]] blocks 0 to 1 gates [0, 3] columns 1 to 4 tile 2 retile step 0 :
      hcgs.issue %a blocks 0 to 1 gates [0, 3] columns 1 to 4 tile 2 retile step 0 : !a
      // CHECK-NEXT: hcgs.issue %[[A]] tile 0 step 0 :
      hcgs.issue %a tile 0 step 0 : !a
      // CHECK-NEXT: hcgs.issue_write %{{.*}}, @y at 0 step 0 :
      hcgs.issue_write %y, @y at 0 step 0 : !hcgs.vec<6 x !fx.int<13, 12>>
    // CHECK: } {report = {name = "auto"}}
    } {report = {name = "auto"}}
    // CHECK: hcgs.yield %{{.*}}, %[[C1]] : !hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<16, 12>>
    hcgs.yield %hn, %cn : !h, !c
  }
  hcgs.write %hT, @hn at 0 : !h
  // CHECK: hcgs.read @s last :
  %l = hcgs.read @s last : !h
  hcgs.write %l, @yl at 0 : !h
  // CHECK: hcgs.sequence states() {
  // CHECK-NEXT: hcgs.yield
  hcgs.sequence states() {
    hcgs.yield
  }
}

{-#
  dialect_resources: {
    builtin: {
      r: "0x010000000102030405060708010203040506070801020304050607080102030405060708"
    }
  }
#-}

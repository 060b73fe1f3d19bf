// RUN: hcgs-opt %s --split-input-file | FileCheck %s

// The examples of the operations' descriptions, in the order of the pages, with
// the declarations that they need around them.

// CHECK: hcgs.program @net model <name = "net", producer = "", opset = 17, sha256 = "">
hcgs.program @net model <name = "net", producer = "", opset = 17, sha256 = ""> {
}

// -----

// CHECK-LABEL: @declarations
hcgs.program @declarations {
  // CHECK: hcgs.layer @L0 lstm "/lstm/LSTM"
  hcgs.layer @L0 lstm "/lstm/LSTM"
  // CHECK: hcgs.stream @x step in
  hcgs.stream @x step in : !hcgs.vec<12 x !fx.int<13, 11>>
  // CHECK: hcgs.io input "input"
  hcgs.io input "input" [<time 0>, <batch 1>, <feature 12>] in [<@x at -1>]
  // CHECK: hcgs.matrix @W 1x2x3
  hcgs.matrix @W 1x2x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]>
      codes dense<[[[1, 2, 3], [-4, 5, 7]]]> : tensor<1x2x3xi8>
      bias dense<[[10, -20]]> : tensor<1x2xi32>
  // CHECK: hcgs.matrix @R 1x4x4
  hcgs.matrix @R 1x4x4 weights <bits = 4, encoding = signmag, rounding = nearest, exps = [3]>
      sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "02">
      codes dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi8>
  // CHECK: hcgs.table @relu
  hcgs.table @relu <relu, in = !fx.int<16, 8>, out = !fx.int<13, 8>, segments = 2>
      k 12 n 1 s 0 lo 0 hi 4095 error 0.5 bases [0, 0] slopes [0, 1]
  // CHECK: hcgs.table @hard_tanh
  hcgs.table @hard_tanh <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2>
      k 12 n 1 s 12 lo -4095 hi 4095 error 976.0
      directory <origin = 0, frac = 0, first = [0], bits = [0], centre = 0>
      bases [0] slopes [4095]
}

// -----

// CHECK-LABEL: @sequence
hcgs.program @sequence {
  hcgs.layer @L0 add "add"
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  %h0 = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // CHECK: hcgs.sequence states(
  %hT = hcgs.sequence states(%h = %h0) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    %s = hcgs.vacc %x shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
    %a = hcgs.vacc %h acc %s shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [12]>
    %h1 = hcgs.requant %a[0] shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    // CHECK: hcgs.schedule depth 1
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 2 : !hcgs.vec<4 x !fx.int<13, 12>>
      hcgs.buffer %s slots 1 row_block 2 window 1 : !hcgs.acc<1x4, [12]>
      hcgs.issue %x step 1 : !hcgs.vec<4 x !fx.int<13, 12>>
      hcgs.issue %s blocks 0 to 1 step 0 : !hcgs.acc<1x4, [12]>
      hcgs.issue_write %x, @y at 0 step 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %h1 : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

// CHECK-LABEL: @flow
hcgs.program @flow {
  hcgs.layer @L0 lstm "lstm"
  hcgs.stream @x step in : !hcgs.vec<12 x !fx.int<13, 11>>
  hcgs.stream @y step out : !hcgs.vec<256 x !fx.int<13, 12>>
  hcgs.matrix @W 1x2x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]>
      codes dense<[[[1, 2, 3], [-4, 5, 7]]]> : tensor<1x2x3xi8>
      bias dense<[[10, -20]]> : tensor<1x2xi32>
  hcgs.matrix @G 4x8x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3, 3, 3]>
      codes dense<1> : tensor<4x8x3xi8>
  hcgs.table @sigmoid <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2>
      k 15 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  // CHECK: hcgs.constant zero
  %c0 = hcgs.constant zero : !hcgs.vec<3 x !fx.int<16, 12>>
  // CHECK: hcgs.constant [1, -2, 3]
  %h0 = hcgs.constant [1, -2, 3] : !hcgs.vec<3 x !fx.int<13, 12>>
  %c = hcgs.constant zero : !hcgs.vec<4 x !fx.int<16, 12>>
  %f = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %u = hcgs.constant zero : !hcgs.vec<2 x !fx.int<13, 12>>
  // CHECK: hcgs.mvm @W, %{{.*}} bias shifts [0] layer @L0
  %a = hcgs.mvm @W, %h0 bias shifts [0] layer @L0
      : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<1x2, [15]>
  %g = hcgs.mvm @G, %h0 shifts [2, 2, 2, 2] layer @L0
      : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<4x8, [17, 17, 17, 17]>
  // CHECK: hcgs.vmac %{{.*}}, %{{.*}} shl 0 layer @L0
  %s = hcgs.vmac %f, %c shl 0 layer @L0
      : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<16, 12>>) -> !hcgs.acc<1x4, [24]>
  %x10 = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 10>>
  // CHECK: hcgs.vacc %{{.*}} shl 2 layer @L0
  %v = hcgs.vacc %x10 shl 2 layer @L0
      : (!hcgs.vec<4 x !fx.int<13, 10>>) -> !hcgs.acc<1x4, [12]>
  // CHECK: hcgs.act %{{.*}}[0] @sigmoid shift 5 layer @L0
  %i = hcgs.act %g[0] @sigmoid shift 5 layer @L0
      : !hcgs.acc<4x8, [17, 17, 17, 17]> -> !hcgs.vec<8 x !fx.int<13, 12>>
  // CHECK: hcgs.requant %{{.*}}[0] shift 12 layer @L0
  %c1 = hcgs.requant %s[0] shift 12 layer @L0
      : !hcgs.acc<1x4, [24]> -> !hcgs.vec<4 x !fx.int<16, 12>>
  // CHECK: hcgs.concat %{{.*}}, %{{.*}} layer @L0
  %z = hcgs.concat %f, %u layer @L0
      : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<2 x !fx.int<13, 12>>) -> !hcgs.vec<6 x !fx.int<13, 12>>
  %h128 = hcgs.constant zero : !hcgs.vec<128 x !fx.int<13, 12>>
  %hT = hcgs.sequence states(%h = %h128) : !hcgs.vec<128 x !fx.int<13, 12>> {
    // CHECK: hcgs.read @x reversed
    %x = hcgs.read @x reversed : !hcgs.vec<12 x !fx.int<13, 11>>
    %k = hcgs.vacc %h shl 0 layer @L0 : (!hcgs.vec<128 x !fx.int<13, 12>>) -> !hcgs.acc<1x128, [12]>
    %h1 = hcgs.requant %k[0] shift 0 layer @L0 : !hcgs.acc<1x128, [12]> -> !hcgs.vec<128 x !fx.int<13, 12>>
    // CHECK: hcgs.write %{{.*}}, @y at 128 reversed
    hcgs.write %h1, @y at 128 reversed : !hcgs.vec<128 x !fx.int<13, 12>>
    hcgs.yield %h1 : !hcgs.vec<128 x !fx.int<13, 12>>
  }
}

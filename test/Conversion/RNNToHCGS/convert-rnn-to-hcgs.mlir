// RUN: hcgs-opt %s --convert-rnn-to-hcgs --split-input-file | FileCheck %s
// RUN: hcgs-opt %s --convert-rnn-to-hcgs --convert-rnn-to-hcgs --split-input-file | FileCheck %s

// One LSTM, batch first at the boundary, a head on every frame, one on the last.

// CHECK-LABEL: hcgs.program @program
// CHECK-SAME: model <name = "net", producer = "pytorch 2.13.0", opset = 20, sha256 = "">
// CHECK-DAG: hcgs.layer @L0 lstm "/lstm/LSTM"
// CHECK-DAG: hcgs.layer @L1 linear "/fc/MatMul"
// CHECK: hcgs.stream @x step in : !hcgs.vec<3 x !fx.int<13, 11>>
// CHECK: hcgs.stream @y step out : !hcgs.vec<1 x !fx.int<13, 10>>
// CHECK: hcgs.stream @hn sequence out : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: hcgs.io input "x" [<batch 0>, <time 0>, <feature 3>] in [<@x at -1>]
// CHECK: hcgs.io output "y" [<batch 0>, <time 0>, <feature 1>] in [<@y at -1>]
// CHECK: hcgs.io output "hn" [<layer 1>, <batch 0>, <feature 2>] in [<@hn at 0>]
// CHECK: hcgs.matrix @L0.W 4x2x3 weights <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 4]>
// CHECK-SAME: codes dense<
// CHECK-SAME: tensor<4x2x3xi8> bias dense<98304>
// CHECK: hcgs.matrix @L0.R 4x2x2 weights
// CHECK-SAME: codes dense<16> : tensor<4x2x2xi8>
// CHECK-NOT: bias
// CHECK: hcgs.matrix @L1.W 1x1x2
// CHECK: hcgs.table @sigmoid_0 <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16> k 12 n 6 s 16 lo 6 hi 4090
// CHECK-SAME: directory <origin = 0, frac = 3, first = [0{{.*}}centre = 4096> proof <at = {{.*}}, monotone = true, symmetry = exact>
// CHECK: hcgs.table @tanh_1
// CHECK-NOT: hcgs.table
// CHECK: %[[H0:.*]] = hcgs.constant zero : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: %[[C0:.*]] = hcgs.constant [2048, -2048] : !hcgs.vec<2 x !fx.int<16, 12>>
// CHECK: %[[F:.*]]:2 = hcgs.sequence states(%[[H:.*]] = %[[H0]], %[[C:.*]] = %[[C0]])
// CHECK: %[[X:.*]] = hcgs.read @x :
// CHECK: %[[A0:.*]] = hcgs.mvm @L0.W, %[[X]] bias shifts [1, 1, 1, 2] layer @L0 :
// CHECK: %[[A:.*]] = hcgs.mvm @L0.R, %[[H]] acc %[[A0]] shifts [0, 0, 0, 0] layer @L0 :
// CHECK: %[[I:.*]] = hcgs.act %[[A]][0] @sigmoid_0 shift 5 layer @L0
// CHECK: %[[O:.*]] = hcgs.act %[[A]][1] @sigmoid_0 shift 5 layer @L0
// CHECK: %[[FG:.*]] = hcgs.act %[[A]][2] @sigmoid_0 shift 5 layer @L0
// CHECK: %[[G:.*]] = hcgs.act %[[A]][3] @tanh_1 shift 5 layer @L0
// CHECK: %[[S0:.*]] = hcgs.vmac %[[FG]], %[[C]] shl 0 layer @L0
// CHECK: %[[S:.*]] = hcgs.vmac %[[I]], %[[G]] acc %[[S0]] shl 0 layer @L0
// CHECK: %[[C1:.*]] = hcgs.requant %[[S]][0] shift 12 layer @L0
// CHECK: %[[Q:.*]] = hcgs.act %[[S]][0] @tanh_1 shift 12 layer @L0
// CHECK: %[[M:.*]] = hcgs.vmac %[[O]], %[[Q]] shl 0 layer @L0
// CHECK: %[[H1:.*]] = hcgs.requant %[[M]][0] shift 12 layer @L0
// CHECK: %[[LA:.*]] = hcgs.mvm @L1.W, %[[H1]] bias shifts [0] layer @L1
// CHECK: %[[Y:.*]] = hcgs.requant %[[LA]][0] shift 7 layer @L1
// CHECK: hcgs.write %[[Y]], @y at 0 :
// CHECK: hcgs.yield %[[H1]], %[[C1]]
// CHECK: hcgs.write %[[F]]#0, @hn at 0 :
// CHECK-NOT: rnn.
// CHECK-NOT: func.
rnn.model @main inputs [#rnn.port<"x", [batch = ?, time = ?, feature = 3]>]
    outputs [#rnn.port<"y", [batch = ?, time = ?, feature = 1]>, #rnn.port<"hn", [layer = 1, batch = ?, feature = 2]>]
    {opset = 20 : i64, producer = "pytorch 2.13.0"} loc("net")
func.func @main(%arg0: tensor<?x?x3xf32>) -> (tensor<?x?x1xf32>, tensor<1x?x2xf32>) {
  %x = rnn.transpose %arg0 [1, 0, 2] : tensor<?x?x3xf32> -> tensor<?x?x3xf32>
  %w = rnn.weight dense<0.5> : tensor<1x8x3xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %b = rnn.weight dense<0.375> : tensor<1x16xf32>
  %c0 = rnn.weight dense<[[[0.5, -0.5]]]> : tensor<1x1x2xf32>
  %y, %h, %c = rnn.lstm forward %x, %w, %r bias %b initial_c %c0 {hidden_size = 2 : i64, formats = #rnn.lstm_formats<
      x = <13, 11>, h = <13, 12>, c = <16, 12>,
      gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
               <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>],
      cell = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16>,
      w = <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 4]>,
      r = <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>,
      acc = [17, 17, 17, 17], cell_acc = 24>}
      : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>, tensor<1x1x2xf32>)
      -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("/lstm/LSTM")
  %fw = rnn.weight dense<0.5> : tensor<1x2xf32>
  %fb = rnn.weight dense<0.5> : tensor<1xf32>
  %z = rnn.linear %y, %fw bias %fb {formats = #rnn.linear_formats<
      x = <13, 12>, y = <13, 10>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [5]>, acc = 17>}
      : (tensor<?x?x2xf32>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<?x?x1xf32> loc("/fc/MatMul")
  %o = rnn.transpose %z [1, 0, 2] : tensor<?x?x1xf32> -> tensor<?x?x1xf32>
  return %o, %h : tensor<?x?x1xf32>, tensor<1x?x2xf32>
}

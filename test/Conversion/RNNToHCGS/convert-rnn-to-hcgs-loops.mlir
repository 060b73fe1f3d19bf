// RUN: hcgs-opt %s --convert-rnn-to-hcgs --split-input-file | FileCheck %s

// Which layers share a time loop, and what goes through streams.

// The halves of a bidirectional layer share a pass; joined, they are columns of
// a scratch stream, and the next layer starts another pass.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = #w1, acc = 17>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @x step in : !hcgs.vec<2 x
// CHECK: hcgs.stream @y step out : !hcgs.vec<4 x
// CHECK: hcgs.stream @scratch step scratch : !hcgs.vec<4 x
// CHECK-NOT: hcgs.stream
// CHECK: hcgs.sequence states(%[[H0:.*]] = %{{.*}}, %[[C0:.*]] = %{{.*}}, %[[H1:.*]] = %{{.*}}, %[[C1:.*]] = %{{.*}})
// CHECK-DAG: %[[XF:.*]] = hcgs.read @x :
// CHECK-DAG: %[[XR:.*]] = hcgs.read @x reversed :
// CHECK-DAG: hcgs.mvm @L0.W, %[[XF]]
// CHECK-DAG: hcgs.mvm @L1.W, %[[XR]]
// CHECK: hcgs.write %{{.*}}, @scratch at 0 : !hcgs.vec<2 x
// CHECK: hcgs.write %{{.*}}, @scratch at 2 reversed : !hcgs.vec<2 x
// CHECK: hcgs.yield
// CHECK: hcgs.sequence states(
// CHECK: hcgs.read @scratch : !hcgs.vec<4 x
// CHECK: hcgs.read @scratch reversed : !hcgs.vec<4 x
// CHECK: hcgs.write %{{.*}}, @y at 0 : !hcgs.vec<2 x
// CHECK: hcgs.write %{{.*}}, @y at 2 reversed : !hcgs.vec<2 x
// CHECK: hcgs.yield
// CHECK-NOT: hcgs.concat
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 4]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x4xf32> {
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %w1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %b = rnn.concat %y0, %y1 {formats = #concat} : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %w2 = rnn.weight dense<0.5> : tensor<1x8x4xf32>
  %r2 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %w3 = rnn.weight dense<0.25> : tensor<1x8x4xf32>
  %r3 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y2, %h2, %c2 = rnn.lstm forward %b, %w2, %r2 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y3, %h3, %c3 = rnn.lstm reverse %b, %w3, %r3 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x4xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y = rnn.concat %y2, %y3 {formats = #concat} : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// A chain of forward layers is one pass: residual add, activation and a concat
// that the pass itself reads stay inside.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = #w1, acc = 17, act = #t>
#add = #rnn.pointwise_formats<ins = [<13, 12>, <13, 11>], y = <13, 10>, acc = 12>
#add2 = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 11>, acc = 14>
#act = #rnn.pointwise_formats<ins = [<13, 10>], y = <13, 12>, acc = 12, act = #t>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK-COUNT-1: hcgs.sequence
// CHECK: %[[X:.*]] = hcgs.read @x :
// CHECK: %[[H:.*]] = hcgs.requant %{{.*}}[0] shift 12 layer @L0 : {{.*}} -> !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: %[[D0:.*]] = hcgs.vacc %[[H]] shl 2 layer @L1
// CHECK: %[[D1:.*]] = hcgs.vacc %[[X]] acc %[[D0]] shl 2 layer @L1
// CHECK: %[[D:.*]] = hcgs.requant %[[D1]][0] shift 3 layer @L1 : {{.*}} -> !hcgs.vec<2 x !fx.int<13, 11>>
// CHECK: %[[S0:.*]] = hcgs.vacc %[[H]] shl 0 layer @L2
// CHECK: %[[S1:.*]] = hcgs.vacc %[[D]] acc %[[S0]] shl 1 layer @L2
// CHECK: %[[S:.*]] = hcgs.requant %[[S1]][0] shift 2 layer @L2
// CHECK: %[[A0:.*]] = hcgs.vacc %[[S]] shl 2 layer @L3
// CHECK: %[[A:.*]] = hcgs.act %[[A0]][0] @tanh_{{.}} shift 0 layer @L3
// CHECK: %[[Z:.*]] = hcgs.concat %[[A]], %[[H]] layer @L4
// CHECK: %[[L:.*]] = hcgs.mvm @L5.W, %[[Z]] shifts [0] layer @L5
// CHECK: %[[Y:.*]] = hcgs.act %[[L]][0] @tanh_{{.}} shift 5 layer @L5
// CHECK: hcgs.write %[[Y]], @y at 0
// CHECK: hcgs.write %[[A]], @a at 0
// CHECK-NOT: scratch
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 3]>, #rnn.port<"a", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> (tensor<?x?x3xf32>, tensor<?x?x2xf32>) {
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %d = rnn.add %y0, %x {formats = #add2} : tensor<?x?x2xf32>
  %s = rnn.add %y0, %d {formats = #add} : tensor<?x?x2xf32>
  %a = rnn.act tanh %s {formats = #act} : tensor<?x?x2xf32>
  %z = rnn.concat %a, %y0 {formats = #concat} : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %w1 = rnn.weight dense<0.5> : tensor<3x4xf32>
  %y = rnn.linear %z, %w1 act tanh {formats = #linear} : (tensor<?x?x4xf32>, tensor<3x4xf32>) -> tensor<?x?x3xf32>
  return %y, %a : tensor<?x?x3xf32>, tensor<?x?x2xf32>
}

// -----

// A reverse layer behind a forward one starts a pass; an output that the first
// pass writes is the stream the second one reads.


#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#add = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 11>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @x step in
// CHECK: hcgs.stream @sum step out
// CHECK: hcgs.stream @first step out
// CHECK-NOT: hcgs.stream
// CHECK: hcgs.sequence
// CHECK: hcgs.write %{{.*}}, @first at 0 :
// CHECK: hcgs.sequence
// CHECK: %[[F:.*]] = hcgs.read @first reversed :
// CHECK: hcgs.mvm @L1.W, %[[F]]
// The addend is at hand reversed, so the sum is computed reversed.
// CHECK: %[[S:.*]] = hcgs.vacc %[[F]] shl 0 layer @L2
// CHECK: hcgs.vacc %{{.*}} acc %[[S]] shl 0 layer @L2
// CHECK: hcgs.write %{{.*}}, @sum at 0 reversed :
// CHECK-NOT: hcgs.sequence
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"sum", [time = ?, batch = ?, feature = 2]>, #rnn.port<"first", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xf32>) {
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %w1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y1, %h1, %c1 = rnn.lstm reverse %y0, %w1, %r1 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %s = rnn.add %y0, %y1 {formats = #add} : tensor<?x?x2xf32>
  return %s, %y0 : tensor<?x?x2xf32>, tensor<?x?x2xf32>
}

// -----

// Both orders are made in one pass: their sum waits for the next.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#add = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 11>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @scratch step scratch
// CHECK: hcgs.stream @scratch_1 step scratch
// CHECK: hcgs.sequence
// CHECK: hcgs.write %{{.*}}, @scratch at 0 :
// CHECK: hcgs.write %{{.*}}, @scratch_1 at 0 reversed :
// CHECK: hcgs.sequence states() {
// CHECK: %[[A:.*]] = hcgs.read @scratch :
// CHECK: %[[B:.*]] = hcgs.read @scratch_1 :
// CHECK: %[[S:.*]] = hcgs.vacc %[[A]]
// CHECK: hcgs.vacc %[[B]] acc %[[S]]
// CHECK: hcgs.write %{{.*}}, @sum at 0 :
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"sum", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %w1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %s = rnn.add %y0, %y1 {formats = #add} : tensor<?x?x2xf32>
  return %s : tensor<?x?x2xf32>
}

// -----

// A model of nothing but a linear layer and a join with its input: columns of
// the output, one of them a copy of the input.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = #w1, acc = 17>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.sequence states() {
// CHECK: %[[X:.*]] = hcgs.read @x :
// CHECK: %[[Y:.*]] = hcgs.requant
// CHECK: hcgs.write %[[X]], @y at 0 :
// CHECK: hcgs.write %[[Y]], @y at 2 :
// CHECK-NOT: hcgs.concat
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 5]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x5xf32> {
  %w1 = rnn.weight dense<0.5> : tensor<3x2xf32>
  %l = rnn.linear %x, %w1 {formats = #linear} : (tensor<?x?x2xf32>, tensor<3x2xf32>) -> tensor<?x?x3xf32>
  %y = rnn.concat %x, %l {formats = #concat} : (tensor<?x?x2xf32>, tensor<?x?x3xf32>) -> tensor<?x?x5xf32>
  return %y : tensor<?x?x5xf32>
}

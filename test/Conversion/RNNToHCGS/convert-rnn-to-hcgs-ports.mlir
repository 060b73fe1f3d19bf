// RUN: hcgs-opt %s --convert-rnn-to-hcgs --split-input-file | FileCheck %s

// What the host sees: axes behind renamings, states, values of a run.

// A bidirectional layer with ONNX's own outputs: directions and states are
// parts of their tensors, each with a stream of its own.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @Y.0 step out : !hcgs.vec<2 x
// CHECK: hcgs.stream @Y.1 step out : !hcgs.vec<2 x
// CHECK: hcgs.stream @Y_h.0 sequence out : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: hcgs.stream @Y_h.1 sequence out
// CHECK: hcgs.stream @Y_c sequence out : !hcgs.vec<2 x !fx.int<16, 12>>
// CHECK: hcgs.io input "x" [<time 7>, <batch 1>, <feature 2>] in [<@x at -1>]
// CHECK: hcgs.io output "Y" [<time 7>, <direction 2>, <batch 1>, <feature 2>] in [<@Y.0 at 0>, <@Y.1 at 1>]
// CHECK: hcgs.io output "Y_h" [<layer 2>, <batch 1>, <feature 2>] in [<@Y_h.0 at 0>, <@Y_h.1 at 1>]
// CHECK: hcgs.io output "Y_c" [<batch 1>, <one 1>, <feature 2>] in [<@Y_c at -1>]
// CHECK: %[[F:.*]]:4 = hcgs.sequence
// CHECK: hcgs.write %{{.*}}, @Y.0 at 0 :
// CHECK: hcgs.write %{{.*}}, @Y.1 at 0 reversed :
// CHECK: }
// CHECK: hcgs.write %[[F]]#0, @Y_h.0 at 0
// CHECK: hcgs.write %[[F]]#2, @Y_h.1 at 0
// CHECK: hcgs.write %[[F]]#1, @Y_c at 0
rnn.model @main inputs [#rnn.port<"x", [time = 7, batch = 1, feature = 2]>]
    outputs [#rnn.port<"Y", [time = 7, direction = 2, batch = 1, feature = 2]>, #rnn.port<"Y_h", [layer = 2, batch = 1, feature = 2]>, #rnn.port<"Y_c", [batch = 1, unit = 1, feature = 2]>]
func.func @main(%x: tensor<7x1x2xf32>) -> (tensor<7x2x1x2xf32>, tensor<2x1x2xf32>, tensor<1x1x2xf32>) {
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %w1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<7x1x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<7x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>)
  %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64, formats = #lstm} : (tensor<7x1x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<7x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>)
  %b = rnn.concat %y0, %y1 {formats = #concat} : (tensor<7x1x2xf32>, tensor<7x1x2xf32>) -> tensor<7x1x4xf32>
  %Y = rnn.split_directions %b : tensor<7x1x4xf32> -> tensor<7x2x1x2xf32>
  %u0 = rnn.unstack %h0[0] : tensor<1x1x2xf32> -> tensor<1x2xf32>
  %u1 = rnn.unstack %h1[0] : tensor<1x1x2xf32> -> tensor<1x2xf32>
  %Yh = rnn.stack %u0, %u1 : tensor<1x2xf32> -> tensor<2x1x2xf32>
  %uc = rnn.unstack %c0[0] : tensor<1x1x2xf32> -> tensor<1x2xf32>
  %Yc = rnn.unsqueeze %uc axis 1 : tensor<1x2xf32> -> tensor<1x1x2xf32>
  return %Y, %Yh, %Yc : tensor<7x2x1x2xf32>, tensor<2x1x2xf32>, tensor<1x1x2xf32>
}

// -----

// Initial states are parts of an input tensor; heads on a final state and on
// the last frame run after the loop; a model without batch axis; an input that
// nothing reads; a value returned twice.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 10>, w = #w1, acc = 17>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @x step in
// CHECK: hcgs.stream @h.1 sequence in : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: hcgs.stream @c sequence in : !hcgs.vec<2 x !fx.int<16, 12>>
// CHECK: hcgs.io input "x" [<time 0>, <feature 2>] in [<@x at -1>]
// CHECK: hcgs.io input "h" [<layer 2>, <batch 1>, <feature 2>] in [<@h.1 at 1>]
// CHECK: hcgs.io input "c" [<layer 1>, <batch 1>, <feature 2>] in [<@c at 0>]
// CHECK: hcgs.io input "unused" [<layer 5>, <feature 1>] in []
// CHECK: hcgs.io output "y" [<time 0>, <feature 2>] in [<@y at -1>]
// CHECK: hcgs.io output "y2" [<time 0>, <batch 1>, <feature 2>] in [<@y2 at -1>]
// CHECK: %[[H0:.*]] = hcgs.read @h.1 :
// CHECK: %[[C0:.*]] = hcgs.read @c :
// CHECK: %[[F:.*]]:4 = hcgs.sequence states(%{{.*}} = %[[H0]], %{{.*}} = %[[C0]],
// CHECK: hcgs.write %[[Y:.*]], @y at 0 :
// CHECK: hcgs.write %[[Y]], @y2 at 0 :
// CHECK: hcgs.write %[[Y]], @scratch at 0 :
// CHECK: hcgs.write %{{.*}}, @scratch at 2 reversed :
// CHECK: hcgs.yield
// CHECK: }
// CHECK: %[[A:.*]] = hcgs.mvm @L2.W, %[[F]]#0 shifts [0] layer @L2
// CHECK: %[[V:.*]] = hcgs.requant %[[A]]
// CHECK: hcgs.write %[[V]], @state_head at 0
// CHECK: %[[L:.*]] = hcgs.read @scratch last : !hcgs.vec<4 x
// CHECK: hcgs.mvm @L3.W, %[[L]] shifts [0] layer @L3
// CHECK: hcgs.write %{{.*}}, @last_head at 0
rnn.model @main inputs [#rnn.port<"x", [time = ?, feature = 2]>, #rnn.port<"h", [layer = 2, batch = 1, feature = 2]>, #rnn.port<"c", [layer = 1, batch = 1, feature = 2]>, #rnn.port<"unused", [time = 5, unit = 1]>]
    outputs [#rnn.port<"y", [time = ?, feature = 2]>, #rnn.port<"y2", [time = ?, batch = 1, feature = 2]>, #rnn.port<"state_head", [batch = 1, feature = 3]>, #rnn.port<"last_head", [batch = 1, feature = 3]>]
func.func @main(%xin: tensor<?x2xf32>, %h: tensor<2x1x2xf32>, %c: tensor<1x1x2xf32>, %unused: tensor<5x1xf32>) -> (tensor<?x2xf32>, tensor<?x1x2xf32>, tensor<1x3xf32>, tensor<1x3xf32>) {
  %x = rnn.unsqueeze %xin axis 1 : tensor<?x2xf32> -> tensor<?x1x2xf32>
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %hi = rnn.unstack %h[1] : tensor<2x1x2xf32> -> tensor<1x2xf32>
  %hs = rnn.stack %hi : tensor<1x2xf32> -> tensor<1x1x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 initial_h %hs initial_c %c {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x1x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> (tensor<?x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>)
  %w1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.25> : tensor<1x8x2xf32>
  %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x1x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>)
  %b = rnn.concat %y0, %y1 {formats = #concat} : (tensor<?x1x2xf32>, tensor<?x1x2xf32>) -> tensor<?x1x4xf32>
  %u = rnn.unstack %h0[0] : tensor<1x1x2xf32> -> tensor<1x2xf32>
  %w2 = rnn.weight dense<0.5> : tensor<3x2xf32>
  %v = rnn.linear %u, %w2 {formats = #linear} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %last = rnn.last_step %b : tensor<?x1x4xf32> -> tensor<1x4xf32>
  %w3 = rnn.weight dense<0.5> : tensor<3x4xf32>
  %lv = rnn.linear %last, %w3 {formats = #linear} : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<1x3xf32>
  %ys = rnn.squeeze %y0 axis 1 : tensor<?x1x2xf32> -> tensor<?x2xf32>
  return %ys, %y0, %v, %lv : tensor<?x2xf32>, tensor<?x1x2xf32>, tensor<1x3xf32>, tensor<1x3xf32>
}

// -----

// One input as both initial states, in the format of each (some exporters write
// that): the host fills a stream for either.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>

// CHECK-LABEL: hcgs.program
// CHECK: hcgs.stream @s sequence in : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: hcgs.stream @s_1 sequence in : !hcgs.vec<2 x !fx.int<16, 12>>
// CHECK: hcgs.io input "s" [<layer 1>, <batch 0>, <feature 2>] in [<@s at 0>, <@s_1 at 0>]
// CHECK: %[[H:.*]] = hcgs.read @s : !hcgs.vec<2 x !fx.int<13, 12>>
// CHECK: %[[C:.*]] = hcgs.read @s_1 : !hcgs.vec<2 x !fx.int<16, 12>>
// CHECK: hcgs.sequence states(%{{.*}} = %[[H]], %{{.*}} = %[[C]])
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>, #rnn.port<"s", [layer = 1, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>, %s: tensor<1x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %h, %c = rnn.lstm forward %x, %w, %r initial_h %s initial_c %s {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// Vectors are joined where they are read again.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = #w1, acc = 17>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12>

// CHECK-LABEL: hcgs.program
// CHECK-NOT: hcgs.sequence
// CHECK: hcgs.stream @v sequence in
// CHECK: hcgs.io input "v" [<batch 0>, <feature 2>] in [<@v at -1>]
// CHECK: %[[V:.*]] = hcgs.read @v :
// CHECK: %[[A:.*]] = hcgs.requant
// CHECK: %[[Z:.*]] = hcgs.concat %[[V]], %[[A]] layer
// CHECK: hcgs.write %[[Z]], @z at 0
rnn.model @main inputs [#rnn.port<"v", [batch = ?, feature = 2]>] outputs [#rnn.port<"z", [batch = ?, feature = 4]>]
func.func @main(%v: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %w = rnn.weight dense<0.5> : tensor<2x2xf32>
  %a = rnn.linear %v, %w {formats = #linear} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %z = rnn.concat %v, %a {formats = #concat} : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

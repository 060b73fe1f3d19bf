// RUN: hcgs-opt %s --split-input-file --verify-diagnostics

// A port must describe its argument.
// expected-error @below {{names 1 inputs, but @main has 0}}
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 3]>] outputs []
func.func @main() { return }

// -----

// expected-error @below {{input x has shape [?, ?, 3], expected [?, ?, 4]}}
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 4]>] outputs []
func.func @main(%x: tensor<?x?x3xf32>) { return }

// -----

// expected-error @below {{entry @nobody does not exist}}
rnn.model @nobody inputs [] outputs []

// -----

// expected-error @below {{sha256 must be 64 lower-case hex digits, found "1234"}}
rnn.model @main inputs [] outputs [] {sha256 = "1234"}
func.func @main() { return }

// -----

// expected-error @below {{axis of length 0; an axis has at least 1 element}}
rnn.model @main inputs [#rnn.port<"x", [time = 0]>] outputs []

// -----

func.func @weight() {
  // expected-error @below {{a block pattern needs a matrix, found 'tensor<4xf32>'}}
  %w = rnn.weight dense<0.5> : tensor<4xf32> sparsity #fx.circulant<4>
  return
}

// -----

func.func @weight() {
  // The matrix of a gate is 2 x 3.
  // expected-error @below {{has circulant blocks of 4, which are larger than the matrix of 2 x 3}}
  %w = rnn.weight dense<0.5> : tensor<1x8x3xf32> sparsity #fx.circulant<4>
  return
}

// -----

func.func @weight() {
  // expected-error @below {{has 2 separate maps for 4 gates}}
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["00", "00"]>
  return
}

// -----

func.func @weight() {
  // expected-error @below {{has no elements: 'tensor<0xf32>'}}
  %w = rnn.weight dense<> : tensor<0xf32>
  return
}

// -----

func.func @w_shape(%x: tensor<?x?x3xf32>, %w: tensor<1x8x4xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{w has shape [1, 8, 4], expected [1, 8, 3]}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x4xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @directions(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{w has shape [1, 8, 3], expected [2, 8, 3]}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x4xf32>, tensor<2x?x2xf32>, tensor<2x?x2xf32>)
  return
}

// -----

func.func @r_shape(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x12x3xf32>) {
  // expected-error @below {{r has shape [1, 12, 3], expected [1, 8, 2]}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x12x3xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @bias_shape(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %b: tensor<1x8xf32>) {
  // expected-error @below {{bias has shape [1, 8], expected [1, 16]}}
  %y:3 = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x8xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @lens_shape(%x: tensor<?x5x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %n: tensor<4xi32>) {
  // expected-error @below {{sequence_lens has shape [4], expected [5]}}
  %y:3 = rnn.lstm forward %x, %w, %r lens %n {hidden_size = 2 : i64} : (tensor<?x5x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<4xi32>) -> (tensor<?x5x2xf32>, tensor<1x5x2xf32>, tensor<1x5x2xf32>)
  return
}

// -----

func.func @state_shape(%x: tensor<?x5x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %h: tensor<1x4x2xf32>) {
  // expected-error @below {{initial_h has shape [1, 4, 2], expected [1, 5, 2]}}
  %y:3 = rnn.lstm forward %x, %w, %r initial_h %h {hidden_size = 2 : i64} : (tensor<?x5x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x4x2xf32>) -> (tensor<?x5x2xf32>, tensor<1x5x2xf32>, tensor<1x5x2xf32>)
  return
}

// -----

func.func @peephole_shape(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %p: tensor<1x8xf32>) {
  // expected-error @below {{peepholes has shape [1, 8], expected [1, 6]}}
  %y:3 = rnn.lstm forward %x, %w, %r peepholes %p {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x8xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @y_shape(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{y has shape [?, ?, 4], expected [?, ?, 2]}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x4xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @layout(%x: tensor<5x7x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{y has shape [7, 5, 2], expected [5, 7, 2]}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, layout = 1 : i64} : (tensor<5x7x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<7x5x2xf32>, tensor<5x1x2xf32>, tensor<5x1x2xf32>)
  return
}

// -----

func.func @dynamic_features(%x: tensor<?x?x?xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{the feature axis of x must be static}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x?xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @activations(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{expected 3 activations, three per direction, found 1}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, activations = [#fx<activation tanh>]} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @parameters(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{activation_beta has 2 entries, expected 3, one per activation}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, activation_beta = array<f32: 1.0, 2.0>} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @clip(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{clip must be positive, found}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, clip = -1.0 : f32} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

func.func @hidden(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{attribute 'hidden_size' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 0 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
func.func @gate_table(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{formats give gate g the table of sigmoid, but it computes tanh}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #s], cell = #t, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
func.func @cell_table(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // expected-error @below {{formats give the cell the table of sigmoid, but it computes tanh}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #s, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
func.func @formats_directions(%x: tensor<?x?x3xf32>, %w: tensor<2x8x3xf32>, %r: tensor<2x8x2xf32>) {
  // expected-error @below {{formats describe one direction; split the layer with --rnn-split-directions first}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 2 : i64, formats = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>} : (tensor<?x?x3xf32>, tensor<2x8x3xf32>, tensor<2x8x2xf32>) -> (tensor<?x?x4xf32>, tensor<2x?x2xf32>, tensor<2x?x2xf32>)
  return
}

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
// expected-error @below {{expected 4 gate tables, one per gate, found 3}}
#f = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s], cell = #s, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5]>
// expected-error @below {{expected 4 exponents of w, one per gate, found 2}}
#f = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #s], cell = #s, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
// expected-error @below {{expected 4 accumulator fractions, one per gate, found 1}}
#f = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #s], cell = #s, w = #w, r = #w, acc = [17], cell_acc = 24>

// -----

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
#w = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
// expected-error @below {{format '!fx.int<17, 12>' of c is wider than 16 bits}}
#f = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <17, 12>, gates = [#s, #s, #s, #s], cell = #s, w = #w, r = #w, acc = [17, 17, 17, 17], cell_acc = 24>

// -----

func.func @linear_w(%x: tensor<?x?x6xf32>, %w: tensor<4x5xf32>) {
  // expected-error @below {{w has shape [4, 5], expected [4, 6]}}
  %y = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x5xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>, %b: tensor<6xf32>) {
  // expected-error @below {{bias has shape [6], expected [4]}}
  %y = rnn.linear %x, %w bias %b : (tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<6xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @linear_y(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) {
  // expected-error @below {{y has shape [?, 4], expected [?, ?, 4]}}
  %y = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_alpha(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) {
  // expected-error @below {{elu needs alpha}}
  %y = rnn.linear %x, %w act elu : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @linear_table(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) {
  // expected-error @below {{formats lack the table of relu}}
  %y = rnn.linear %x, %w act relu {formats = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [5]>, acc = 17>} : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @linear_other_table(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) {
  // expected-error @below {{formats give y the table of tanh, but it computes relu}}
  %y = rnn.linear %x, %w act relu {formats = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [5]>, acc = 17, act = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>>} : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

// expected-error @below {{a linear layer has one weight exponent, found 4}}
#f = #rnn.linear_formats<x = <13, 12>, y = <13, 12>, w = <bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>, acc = 17>

// -----

// expected-error @below {{the table gives '!fx.int<13, 11>' but the format of y is '!fx.int<13, 12>'}}
#f = #rnn.pointwise_formats<ins = [<13, 12>], y = <13, 12>, acc = 17, act = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 11>, segments = 256>>

// -----

func.func @act_parameter(%x: tensor<?x?x6xf32>) {
  // expected-error @below {{relu takes no alpha}}
  %0 = rnn.act relu %x {alpha = 0.5 : f32} : tensor<?x?x6xf32>
  return
}

// -----

func.func @act_table(%x: tensor<?x?x6xf32>) {
  // expected-error @below {{formats lack the table of relu}}
  %0 = rnn.act relu %x {formats = #rnn.pointwise_formats<ins = [<13, 12>], y = <13, 12>, acc = 12>} : tensor<?x?x6xf32>
  return
}

// -----

func.func @add_formats(%x: tensor<?x?x6xf32>) {
  // expected-error @below {{formats name 1 operands, but the operation has 2}}
  %0 = rnn.add %x, %x {formats = #rnn.pointwise_formats<ins = [<13, 12>], y = <13, 12>, acc = 12>} : tensor<?x?x6xf32>
  return
}

// -----

func.func @add_table(%x: tensor<?x?x6xf32>) {
  // expected-error @below {{formats name a table, but the operation computes no function}}
  %0 = rnn.add %x, %x {formats = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 12>, acc = 12, act = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>>} : tensor<?x?x6xf32>
  return
}

// -----

func.func @concat_sum(%x: tensor<?x?x6xf32>) {
  // expected-error @below {{joins 12 features, but its result has 13}}
  %0 = rnn.concat %x, %x : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x13xf32>
  return
}

// -----

func.func @concat_outer(%x: tensor<5x?x6xf32>, %z: tensor<7x?x6xf32>) {
  // expected-error @below {{an operand has shape [7, ?, 6], expected [5, ?, 6]}}
  %0 = rnn.concat %x, %z : (tensor<5x?x6xf32>, tensor<7x?x6xf32>) -> tensor<5x?x12xf32>
  return
}

// -----

func.func @concat_dynamic(%x: tensor<5x?x?xf32>) {
  // expected-error @below {{the feature axis of every operand must be static, found 'tensor<5x?x?xf32>'}}
  %0 = rnn.concat %x : (tensor<5x?x?xf32>) -> tensor<5x?x12xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @below {{needs at least one operand}}
  %0 = "rnn.concat"() : () -> tensor<5x?x12xf32>
  return
}

// -----

func.func @unstack_index(%s: tensor<2x?x6xf32>) {
  // expected-error @below {{index 2 is not within 0..1}}
  %0 = rnn.unstack %s[2] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  return
}

// -----

func.func @unstack_shape(%s: tensor<2x?x6xf32>) {
  // expected-error @below {{the result has shape [?, 5], expected [?, 6]}}
  %0 = rnn.unstack %s[1] : tensor<2x?x6xf32> -> tensor<?x5xf32>
  return
}

// -----

func.func @stack_shape(%s: tensor<?x6xf32>) {
  // expected-error @below {{the result has shape [3, ?, 6], expected [2, ?, 6]}}
  %0 = rnn.stack %s, %s : tensor<?x6xf32> -> tensor<3x?x6xf32>
  return
}

// -----

func.func @last_step(%s: tensor<?x?x6xf32>) {
  // expected-error @below {{y has shape [?, 5], expected [?, 6]}}
  %0 = rnn.last_step %s : tensor<?x?x6xf32> -> tensor<?x5xf32>
  return
}

// -----

func.func @permutation(%s: tensor<?x?x6xf32>) {
  // expected-error @below {{permutation must name each of the 3 axes once}}
  %0 = rnn.transpose %s [0, 0, 2] : tensor<?x?x6xf32> -> tensor<?x?x6xf32>
  return
}

// -----

func.func @transpose_shape(%s: tensor<5x7x6xf32>) {
  // expected-error @below {{y has shape [5, 7, 6], expected [7, 5, 6]}}
  %0 = rnn.transpose %s [1, 0, 2] : tensor<5x7x6xf32> -> tensor<5x7x6xf32>
  return
}

// -----

func.func @squeeze_axis(%s: tensor<5x1x6xf32>) {
  // expected-error @below {{axis 3 is not within 0..2}}
  %0 = rnn.squeeze %s axis 3 : tensor<5x1x6xf32> -> tensor<5x6xf32>
  return
}

// -----

func.func @squeeze_length(%s: tensor<5x2x6xf32>) {
  // expected-error @below {{axis 1 must have length 1, found 2}}
  %0 = rnn.squeeze %s axis 1 : tensor<5x2x6xf32> -> tensor<5x6xf32>
  return
}

// -----

func.func @squeeze_dynamic(%s: tensor<5x?x6xf32>) {
  // expected-error @below {{axis 1 must have length 1, found a dynamic length}}
  %0 = rnn.squeeze %s axis 1 : tensor<5x?x6xf32> -> tensor<5x6xf32>
  return
}

// -----

func.func @unsqueeze_shape(%s: tensor<5x6xf32>) {
  // expected-error @below {{x has shape [5, 6], expected [5, 7]}}
  %0 = rnn.unsqueeze %s axis 1 : tensor<5x6xf32> -> tensor<5x1x7xf32>
  return
}

// -----

func.func @split_three(%s: tensor<?x?x6xf32>) {
  // expected-error @below {{y must be [time, directions, batch, unit] with 1 or 2 directions and a static unit axis, found 'tensor<?x3x?x2xf32>'}}
  %0 = rnn.split_directions %s : tensor<?x?x6xf32> -> tensor<?x3x?x2xf32>
  return
}

// -----

func.func @split_units(%s: tensor<?x?x6xf32>) {
  // expected-error @below {{splits 6 features into 2 directions of 4 units}}
  %0 = rnn.split_directions %s : tensor<?x?x6xf32> -> tensor<?x2x?x4xf32>
  return
}

// -----

func.func @samples(%x: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  // expected-error @below {{attribute 'rnn.samples': there is no function 'g'; allowed are y}}
  %0 = rnn.act tanh %x {rnn.samples = {g = dense<[[0.0, 0.0], [1.0, 1.0]]> : tensor<2x2xf64>}} : tensor<?x?x6xf32>
  return %0 : tensor<?x?x6xf32>
}

// -----

func.func @samples(%x: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  // expected-error @below {{attribute 'rnn.samples': y: x of samples must rise, found 0 after 0 at point 1}}
  %0 = rnn.act tanh %x {rnn.samples = {y = dense<[[0.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf64>}} : tensor<?x?x6xf32>
  return %0 : tensor<?x?x6xf32>
}

// -----

func.func @samples(%x: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  // expected-error @below {{attribute 'rnn.samples': must be a dictionary}}
  %0 = rnn.act tanh %x {rnn.samples = 3 : i64} : tensor<?x?x6xf32>
  return %0 : tensor<?x?x6xf32>
}

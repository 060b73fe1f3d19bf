// RUN: hcgs-opt %s --convert-rnn-to-hcgs --split-input-file --verify-diagnostics

// Nothing to convert.

// expected-error @below {{has no rnn.model; nothing to convert}}
module {}

// -----

// Not quantised.

rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': has no formats; quantise the model first (rnn-quantize)}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// The machine of this version has no peepholes.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %p = rnn.weight dense<0.5> : tensor<1x6xf32>
  // expected-error @below {{node 'rnn.lstm': has peepholes, which this version cannot compile}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r peepholes %p {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x6xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// The machine of this version has no clip.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': has a clip, which this version cannot compile}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, clip = 1.0 : f32, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// The machine of this version has no coupled input and forget gates (input_forget).

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': has coupled input and forget gates (input_forget), which this version cannot compile}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, input_forget, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// Nor sequence lengths.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>, #rnn.port<"n", [batch = ?]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>, %n: tensor<?xi32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': has sequence lengths, which this version cannot compile}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r lens %n {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<?xi32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A pattern without map.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row]>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': L0.W: the block pattern has no map; run rnn-compress first}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A map that is too short for the matrix.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.0> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "">
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': L0.W: }}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// Weights that are not circulant.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[[0.5, 0.25], [0.25, 0.125], [0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5]]]> : tensor<1x8x2xf32> sparsity #fx.circulant<2>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': L0.W: }}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A weight outside the kept blocks.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "00">
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': L0.W: }}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A weight that is no number.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0x7FC00000> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': L0.W: }}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A bias beyond 32 bits.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %b = rnn.weight dense<10000.0> : tensor<1x16xf32>
  // expected-error @below {{node 'rnn.lstm': bias 2.000000e+04 of row 0 of gate 0 does not fit the 32-bit accumulator with 17 fractional bits; use fewer weight or activation bits}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A bias that fits, but not together with the products.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %b = rnn.weight dense<8191.5> : tensor<1x16xf32>
  // expected-error @below {{node 'rnn.lstm', gate i}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A cell that does not fit.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 31>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm', cell}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A product finer than its accumulator.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 16, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': the product with W of gate 1 needs a shift of -1, the machine has 0..15; choose formats that lie closer together}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A product coarser than a shift can bridge.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, -15]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': the product with W of gate 3 needs a shift of 20, the machine has 0..15; choose formats that lie closer together}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A cell state whose rounding no shift reaches.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, -12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 0>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': i*g needs a shift of -24, the machine has 0..15; choose formats that lie closer together}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A table of narrow input.

#s = #fx.pwl<sigmoid, in = !fx.int<12, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{takes an input of other than 16 bits}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// Initial states that differ between rows.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = 2, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = 2, feature = 2]>]
func.func @main(%x: tensor<?x2x2xf32>) -> tensor<?x2x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %c0 = rnn.weight dense<[[[0.5, 0.5], [0.5, 0.25]]]> : tensor<1x2x2xf32>
  // expected-error @below {{node 'rnn.lstm': the constant initial state differs between the rows of the batch (row 1, unit 1); every row runs the same program, make the state an input}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r initial_c %c0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x2x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x2x2xf32>) -> (tensor<?x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
  return %y : tensor<?x2x2xf32>
}

// -----

// An initial state that is no number.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %c0 = rnn.weight dense<[[[0.5, 0x7FC00000]]]> : tensor<1x1x2xf32>
  // expected-error @below {{node 'rnn.lstm': initial state: }}
  %y, %h, %c = rnn.lstm forward %x, %w, %r initial_c %c0 {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x1x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<?x?x2xf32>
}

// -----

// A value in two formats.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
#add = #rnn.pointwise_formats<ins = [<13, 11>, <13, 12>], y = <13, 11>, acc = 12>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  // expected-error @below {{node 'rnn.add': has a value in the format '!fx.int<13, 11>' that another layer has in '!fx.int<13, 12>'; a value has one format, quantise again}}
  %s = rnn.add %y, %x {formats = #add} : tensor<?x?x2xf32>
  return %s : tensor<?x?x2xf32>
}

// -----

// Joined values of different formats.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 11>, w = #w1, acc = 17>
#concat = #rnn.pointwise_formats<ins = [<13, 12>, <13, 11>], y = <13, 12>, acc = 12>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 4]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x4xf32> {
  %w = rnn.weight dense<0.5> : tensor<2x2xf32>
  %l = rnn.linear %x, %w {formats = #linear} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  // expected-error @below {{node 'rnn.concat': joins values of the formats '!fx.int<13, 11>' and '!fx.int<13, 12>'; joined values have one format}}
  %y = rnn.concat %x, %l {formats = #concat} : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// An output that is an input.

rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
// expected-error @below {{input 'x' is returned as it is; an output must be computed by a layer, remove it from the outputs}}
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  return %x : tensor<?x?x2xf32>
}

// -----

// An output that is a constant.

rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [layer = 1, batch = 1, feature = 2]>]
// expected-error @below {{output 'y' is a constant; an output must be computed by a layer, remove it from the outputs}}
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<1x1x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x1x2xf32>
  return %w : tensor<1x1x2xf32>
}

// -----

// An output without its time axis.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 11>, w = #w1, acc = 17>
rnn.model @main inputs [#rnn.port<"x", [time = 1, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [batch = ?, feature = 2]>]
// expected-error @below {{output 'y' has lost its time axis (length 1); export the model with a time axis}}
func.func @main(%x: tensor<1x?x2xf32>) -> tensor<?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<2x2xf32>
  %l = rnn.linear %x, %w {formats = #linear} : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  %y = rnn.squeeze %l axis 0 : tensor<1x?x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// An input without a time axis.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 11>, w = #w1, acc = 17>
rnn.model @main inputs [#rnn.port<"x", [batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = 1, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x2xf32>) -> tensor<1x?x2xf32> {
  %xs = rnn.unsqueeze %x axis 0 : tensor<?x2xf32> -> tensor<1x?x2xf32>
  %w = rnn.weight dense<0.5> : tensor<2x2xf32>
  // expected-error @below {{node 'rnn.linear': input 'x' has no time axis; export the model with one}}
  %l = rnn.linear %xs, %w {formats = #linear} : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  return %l : tensor<1x?x2xf32>
}

// -----

// An input in two roles.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = 1, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = 1, batch = ?, feature = 2]>]
func.func @main(%x: tensor<1x?x2xf32>) -> tensor<1x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  // expected-error @below {{node 'rnn.lstm': reads input 'x' with its axes in other roles than an earlier layer; give it an input of its own}}
  %y, %h, %c = rnn.lstm forward %x, %w, %r initial_h %x {hidden_size = 2 : i64, formats = #lstm} : (tensor<1x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x?x2xf32>) -> (tensor<1x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<1x?x2xf32>
}

// -----

// Directions that no two layers made.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#linear = #rnn.linear_formats<x = <13, 12>, y = <13, 11>, w = #w1, acc = 17>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>] outputs [#rnn.port<"y", [time = ?, direction = 2, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x2x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<4x2xf32>
  // expected-error @below {{node 'rnn.linear': output 'y' splits a value into 2 directions that were not joined from as many layers}}
  %l = rnn.linear %x, %w {formats = #linear} : (tensor<?x?x2xf32>, tensor<4x2xf32>) -> tensor<?x?x4xf32>
  %y = rnn.split_directions %l : tensor<?x?x4xf32> -> tensor<?x2x?x2xf32>
  return %y : tensor<?x2x?x2xf32>
}

// -----

// A state that no layer computes.

#s = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#t = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>
#w4 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5, 5, 5, 5]>
#lstm = #rnn.lstm_formats<x = <13, 12>, h = <13, 12>, c = <16, 12>, gates = [#s, #s, #s, #t], cell = #t, w = #w4, r = #w4, acc = [17, 17, 17, 17], cell_acc = 24>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>, #rnn.port<"s", [layer = 1, batch = ?, feature = 2]>] outputs [#rnn.port<"hn", [layer = 2, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>, %s: tensor<1x?x2xf32>) -> tensor<2x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %h, %c = rnn.lstm forward %x, %w, %r initial_h %s {hidden_size = 2 : i64, formats = #lstm} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %a = rnn.unstack %s[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  %b = rnn.unstack %h[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  // expected-error @below {{node 'rnn.stack': part 0 of output 'hn' is an input as it is; remove the output}}
  %hn = rnn.stack %a, %b : tensor<?x2xf32> -> tensor<2x?x2xf32>
  return %hn : tensor<2x?x2xf32>
}

// -----

// A sequence that is constant.

#add = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 11>, acc = 12>
rnn.model @main inputs [#rnn.port<"x", [time = 3, batch = 1, feature = 2]>] outputs [#rnn.port<"y", [time = 3, batch = 1, feature = 2]>]
func.func @main(%x: tensor<3x1x2xf32>) -> tensor<3x1x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<3x1x2xf32>
  // expected-error @below {{node 'rnn.add': reads a sequence that is constant; sequences are inputs or computed by layers}}
  %s = rnn.add %x, %w {formats = #add} : tensor<3x1x2xf32>
  return %s : tensor<3x1x2xf32>
}

// -----

// A vector that is constant.

#add = #rnn.pointwise_formats<ins = [<13, 12>, <13, 12>], y = <13, 11>, acc = 12>
rnn.model @main inputs [#rnn.port<"x", [batch = 1, feature = 2]>] outputs [#rnn.port<"y", [batch = 1, feature = 2]>]
func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // expected-error @below {{node 'rnn.weight': a per-sequence value is neither a state, an input nor computed by a layer}}
  %w = rnn.weight dense<0.5> : tensor<1x2xf32>
  %s = rnn.add %x, %w {formats = #add} : tensor<1x2xf32>
  return %s : tensor<1x2xf32>
}

// -----

// An input of no fixed width.

#w1 = #fx.weights<bits = 6, encoding = twos, rounding = nearest, exps = [5]>
#act = #rnn.pointwise_formats<ins = [<13, 12>], y = <13, 12>, acc = 12, act = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 8>>
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = ?]>] outputs [#rnn.port<"y", [time = ?, batch = ?, feature = ?]>]
// expected-error @below {{the feature axis of input 'x' has a free length or none; export the model with a fixed number of features}}
func.func @main(%x: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {
  %y = rnn.act tanh %x {formats = #act} : tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

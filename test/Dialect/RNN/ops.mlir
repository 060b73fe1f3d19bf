// RUN: hcgs-opt %s | hcgs-opt | FileCheck %s
// RUN: hcgs-opt %s --mlir-print-op-generic | hcgs-opt | FileCheck %s

// CHECK: rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 3]>]
// CHECK-SAME: outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 3]>]
// CHECK-SAME: ir_version = 9 : i64, opset = 20 : i64, producer = "pytorch 2.13.0"
// CHECK-SAME: sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 3]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 3]>]
    {ir_version = 9 : i64, opset = 20 : i64, producer = "pytorch 2.13.0",
     sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}

func.func @main(%x: tensor<?x?x3xf32>) -> tensor<?x?x3xf32> {
  return %x : tensor<?x?x3xf32>
}

// CHECK-LABEL: @weights
func.func @weights() {
  // CHECK: rnn.weight dense<5.000000e-01> : tensor<4x6xf32>
  %w = rnn.weight dense<0.5> : tensor<4x6xf32>
  // CHECK: rnn.weight dense<5.000000e-01> : tensor<8x8xf32> sparsity #fx.sparsity<tiers = [4x4 keep 1/2 row]>
  %r = rnn.weight dense<0.5> : tensor<8x8xf32> sparsity #fx.sparsity<tiers = [4x4 keep 1/2 row]>
  // CHECK: rnn.weight dense<5.000000e-01> : tensor<8x8xf32> sparsity #fx.circulant<4>
  %c = rnn.weight dense<0.5> : tensor<8x8xf32> sparsity #fx.circulant<4>
  // CHECK: rnn.weight dense<5.000000e-01> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["00", "01", "02", "03"]> {provenance = {how = "imposed"}}
  %g = rnn.weight dense<0.5> : tensor<1x8x2xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["00", "01", "02", "03"]> {provenance = {how = "imposed"}}
  // CHECK: rnn.weight dense_resource<blob> : tensor<2xf32>
  %b = rnn.weight dense_resource<blob> : tensor<2xf32>
  return
}

// CHECK-LABEL: @lstm
func.func @lstm(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %b: tensor<1x16xf32>) {
  // CHECK: %y, %y_h, %y_c = rnn.lstm forward %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} {hidden_size = 2 : i64} :
  // CHECK-SAME: (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>)
  // CHECK-SAME: -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
      : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>)
      -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// Everything that ONNX's LSTM can have.
// CHECK-LABEL: @lstm_all
func.func @lstm_all(%x: tensor<7x5x3xf32>, %w: tensor<2x8x3xf32>, %r: tensor<2x8x2xf32>, %b: tensor<2x16xf32>,
                    %n: tensor<5xi32>, %h: tensor<2x5x2xf32>, %c: tensor<2x1x2xf32>, %p: tensor<2x6xf32>) {
  // CHECK: rnn.lstm bidirectional %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} lens %{{.*}} initial_h %{{.*}} initial_c %{{.*}} peepholes %{{.*}} {
  // CHECK-SAME: activation_alpha = array<f32: 2.000000e-01, 0.000000e+00, 0.000000e+00, 2.000000e-01, 0.000000e+00, 0.000000e+00>
  // CHECK-SAME: activations = [#fx<activation hard_sigmoid>, #fx<activation tanh>, #fx<activation softsign>, #fx<activation hard_sigmoid>, #fx<activation tanh>, #fx<activation relu>]
  // CHECK-SAME: clip = 2.500000e+00 : f32
  // CHECK-SAME: input_forget
  %y, %y_h, %y_c = rnn.lstm bidirectional %x, %w, %r bias %b lens %n initial_h %h initial_c %c peepholes %p {
    hidden_size = 2 : i64, clip = 2.5 : f32, input_forget,
    activations = [#fx<activation hard_sigmoid>, #fx<activation tanh>, #fx<activation softsign>,
                   #fx<activation hard_sigmoid>, #fx<activation tanh>, #fx<activation relu>],
    activation_alpha = array<f32: 0.2, 0.0, 0.0, 0.2, 0.0, 0.0>,
    activation_beta = array<f32: 0.5, 0.0, 0.0, 0.5, 0.0, 0.0>
  } : (tensor<7x5x3xf32>, tensor<2x8x3xf32>, tensor<2x8x2xf32>, tensor<2x16xf32>, tensor<5xi32>, tensor<2x5x2xf32>, tensor<2x1x2xf32>, tensor<2x6xf32>)
    -> (tensor<7x5x4xf32>, tensor<2x5x2xf32>, tensor<2x5x2xf32>)
  return
}

// CHECK-LABEL: @lstm_batch_first
func.func @lstm_batch_first(%x: tensor<5x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %h: tensor<5x1x2xf32>) {
  // CHECK: rnn.lstm reverse %{{.*}} initial_h %{{.*}} {hidden_size = 2 : i64, layout = 1 : i64}
  %y, %y_h, %y_c = rnn.lstm reverse %x, %w, %r initial_h %h {hidden_size = 2 : i64, layout = 1 : i64}
      : (tensor<5x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<5x1x2xf32>)
      -> (tensor<5x?x2xf32>, tensor<5x1x2xf32>, tensor<5x1x2xf32>)
  return
}

// CHECK-LABEL: @lstm_formats
func.func @lstm_formats(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) {
  // CHECK: formats = #rnn.lstm_formats<x = <13, 11>, h = <13, 12>, c = <16, 12>,
  // CHECK-SAME: gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
  // CHECK-SAME: cell = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
  // CHECK-SAME: w = <bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 4, 5]>,
  // CHECK-SAME: r = <bits = 6, encoding = signmag, rounding = nearest, exps = [4, 5, 4, 5]>,
  // CHECK-SAME: acc = [17, 17, 16, 17], cell_acc = 24>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {
    hidden_size = 2 : i64,
    formats = #rnn.lstm_formats<
      x = <13, 11>, h = <13, 12>, c = <16, 12>,
      gates = [<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
               <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
               <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>],
      cell = <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
      w = <bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 4, 5]>,
      r = <bits = 6, encoding = signmag, rounding = nearest, exps = [4, 5, 4, 5]>,
      acc = [17, 17, 16, 17], cell_acc = 24>
  } : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return
}

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>, %b: tensor<4xf32>, %s: tensor<?x6xf32>) {
  // CHECK: rnn.linear %{{.*}}, %{{.*}} bias %{{.*}} act relu : (tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %y = rnn.linear %x, %w bias %b act relu
      : (tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  // CHECK: rnn.linear %{{.*}}, %{{.*}} {formats = #rnn.linear_formats<x = <13, 12>, y = <13, 10>, w = <bits = 8, encoding = twos, rounding = nearest, exps = [6]>, acc = 18>}
  %z = rnn.linear %s, %w {formats = #rnn.linear_formats<x = <13, 12>, y = <13, 10>,
      w = <bits = 8, encoding = twos, rounding = nearest, exps = [6]>, acc = 18>}
      : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<?x?x6xf32>, %a: tensor<?x?x6xf32>, %b: tensor<?x?x6xf32>, %c: tensor<?x?x2xf32>) {
  // CHECK: rnn.act sigmoid %{{.*}} : tensor<?x?x6xf32>
  %0 = rnn.act sigmoid %x : tensor<?x?x6xf32>
  // CHECK: rnn.act leaky_relu %{{.*}} {alpha = 0.00999999977 : f32} : tensor<?x?x6xf32>
  %1 = rnn.act leaky_relu %0 {alpha = 0.01 : f32} : tensor<?x?x6xf32>
  // CHECK: rnn.add %{{.*}}, %{{.*}} : tensor<?x?x6xf32>
  %2 = rnn.add %a, %b : tensor<?x?x6xf32>
  // CHECK: rnn.add {{.*}} {formats = #rnn.pointwise_formats<ins = [<13, 12>, <13, 11>], y = <13, 11>, acc = 12>}
  %3 = rnn.add %a, %b {formats = #rnn.pointwise_formats<ins = [<13, 12>, <13, 11>], y = <13, 11>, acc = 12>} : tensor<?x?x6xf32>
  // CHECK: rnn.concat %{{.*}}, %{{.*}} : (tensor<?x?x6xf32>, tensor<?x?x2xf32>) -> tensor<?x?x8xf32>
  %4 = rnn.concat %a, %c : (tensor<?x?x6xf32>, tensor<?x?x2xf32>) -> tensor<?x?x8xf32>
  return
}

// CHECK-LABEL: @states
func.func @states(%s: tensor<2x?x6xf32>, %x: tensor<?x?x6xf32>) {
  // CHECK: rnn.unstack %{{.*}}[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  %0 = rnn.unstack %s[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  // CHECK: rnn.stack %{{.*}}, %{{.*}} : tensor<?x6xf32> -> tensor<2x?x6xf32>
  %1 = rnn.stack %0, %0 : tensor<?x6xf32> -> tensor<2x?x6xf32>
  // CHECK: rnn.last_step %{{.*}} : tensor<?x?x6xf32> -> tensor<?x6xf32>
  %2 = rnn.last_step %x : tensor<?x?x6xf32> -> tensor<?x6xf32>
  return
}

// CHECK-LABEL: @renaming
func.func @renaming(%x: tensor<?x7x6xf32>, %y: tensor<?x1x6xf32>, %z: tensor<?x6xf32>, %d: tensor<?x?x6xf32>) {
  // CHECK: rnn.transpose %{{.*}} [1, 0, 2] : tensor<?x7x6xf32> -> tensor<7x?x6xf32>
  %0 = rnn.transpose %x [1, 0, 2] : tensor<?x7x6xf32> -> tensor<7x?x6xf32>
  // CHECK: rnn.squeeze %{{.*}} axis 1 : tensor<?x1x6xf32> -> tensor<?x6xf32>
  %1 = rnn.squeeze %y axis 1 : tensor<?x1x6xf32> -> tensor<?x6xf32>
  // CHECK: rnn.unsqueeze %{{.*}} axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
  %2 = rnn.unsqueeze %z axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
  // CHECK: rnn.split_directions %{{.*}} : tensor<?x?x6xf32> -> tensor<?x2x?x3xf32>
  %3 = rnn.split_directions %d : tensor<?x?x6xf32> -> tensor<?x2x?x3xf32>
  return
}

{-#
  dialect_resources: {
    builtin: {
      blob: "0x040000000000803F00000040"
    }
  }
#-}

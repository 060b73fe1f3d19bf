// RUN: hcgs-opt %s --rnn-verify-canonical | FileCheck %s

// Everything that the canonical form allows.

// CHECK-LABEL: @canonical
func.func @canonical(%x: tensor<?x?x3xf32>, %states: tensor<2x?x2xf32>, %single: tensor<1x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x1x?x2xf32>, tensor<2x?x2xf32>) {
  %t = rnn.transpose %x [1, 0, 2] : tensor<?x?x3xf32> -> tensor<?x?x3xf32>
  %w0 = rnn.weight dense<1.0> : tensor<1x8x3xf32>
  %r0 = rnn.weight dense<1.0> : tensor<1x8x2xf32>
  %b0 = rnn.weight dense<1.0> : tensor<1x16xf32>
  %s = rnn.unstack %states[1] : tensor<2x?x2xf32> -> tensor<?x2xf32>
  %h = rnn.stack %s : tensor<?x2xf32> -> tensor<1x?x2xf32>
  %y0, %h0, %c0 = rnn.lstm forward %t, %w0, %r0 bias %b0 initial_h %h initial_c %single {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %w1 = rnn.weight dense<1.0> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<1.0> : tensor<1x8x2xf32>
  %hc = rnn.weight dense<0.5> : tensor<1x1x2xf32>
  %y1, %h1, %c1 = rnn.lstm reverse %y0, %w1, %r1 initial_h %hc {hidden_size = 2 : i64} : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>, tensor<1x1x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %w2 = rnn.weight dense<1.0> : tensor<4x2xf32>
  %b2 = rnn.weight dense<1.0> : tensor<4xf32>
  %z = rnn.linear %y1, %w2 bias %b2 act sigmoid : (tensor<?x?x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %o = rnn.transpose %z [1, 0, 2] : tensor<?x?x4xf32> -> tensor<?x?x4xf32>
  %d = rnn.split_directions %y1 : tensor<?x?x2xf32> -> tensor<?x1x?x2xf32>
  %f0 = rnn.unstack %h0[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  %f1 = rnn.unstack %h1[0] : tensor<1x?x2xf32> -> tensor<?x2xf32>
  %f = rnn.stack %f0, %f1 : tensor<?x2xf32> -> tensor<2x?x2xf32>
  return %o, %d, %f : tensor<?x?x4xf32>, tensor<?x1x?x2xf32>, tensor<2x?x2xf32>
}

// RUN: hcgs-opt %s --rnn-split-directions | FileCheck %s
// Twice changes nothing.
// RUN: hcgs-opt %s --rnn-split-directions -o %t.once
// RUN: hcgs-opt %t.once --rnn-split-directions -o %t.twice
// RUN: diff %t.once %t.twice

// CHECK-LABEL: @all_operands
// CHECK-SAME: %[[X:arg0]]: tensor<?x?x3xf32>, %[[H:.*]]: tensor<2x?x1xf32>
// CHECK-DAG: %[[W0:.*]] = rnn.weight dense<1.000000e+00> : tensor<1x4x3xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/3 row]>
// CHECK-DAG: %[[R0:.*]] = rnn.weight dense<{{\[\[\[}}1.000000e+00], [2.000000e+00], [3.000000e+00], [4.000000e+00]]]> : tensor<1x4x1xf32>
// CHECK-DAG: %[[B0:.*]] = rnn.weight dense_resource<bias.forward> : tensor<1x8xf32>
// CHECK-DAG: %[[P0:.*]] = rnn.weight dense<{{\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00]]> : tensor<1x3xf32>
// CHECK-DAG: %[[U0:.*]] = rnn.unstack %[[H]][0]
// CHECK-DAG: %[[H0:.*]] = rnn.stack %[[U0]] : tensor<?x1xf32> -> tensor<1x?x1xf32>
// CHECK-DAG: %[[C0:.*]] = rnn.weight dense<5.000000e-01> : tensor<1x1x1xf32>
// CHECK: %y, %y_h, %y_c = rnn.lstm forward %[[X]], %[[W0]], %[[R0]] bias %[[B0]] lens %{{.*}} initial_h %[[H0]] initial_c %[[C0]] peepholes %[[P0]]
// CHECK-SAME: activation_alpha = array<f32: 1.000000e-01, 2.000000e-01, 3.000000e-01>
// CHECK-SAME: activations = [#fx<activation elu>, #fx<activation tanh>, #fx<activation relu>]
// CHECK-SAME: clip = 3.000000e+00 : f32
// CHECK-SAME: input_forget
// CHECK-SAME: -> (tensor<?x?x1xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
// CHECK-DAG: %[[R1:.*]] = rnn.weight dense<{{\[\[\[}}5.000000e+00], [6.000000e+00], [7.000000e+00], [8.000000e+00]]]> : tensor<1x4x1xf32>
// CHECK-DAG: %[[B1:.*]] = rnn.weight dense_resource<bias.reverse> : tensor<1x8xf32>
// CHECK-DAG: %[[U1:.*]] = rnn.unstack %[[H]][1]
// CHECK-DAG: %[[H1:.*]] = rnn.stack %[[U1]]
// CHECK-DAG: %[[C1:.*]] = rnn.weight dense<2.500000e-01> : tensor<1x1x1xf32>
// CHECK: %[[Y1:.*]], %[[YH1:.*]], %[[YC1:.*]] = rnn.lstm reverse %[[X]], %{{.*}}, %[[R1]] bias %[[B1]] lens %{{.*}} initial_h %[[H1]] initial_c %[[C1]]
// CHECK-SAME: activation_alpha = array<f32: 4.000000e-01, 5.000000e-01, 6.000000e-01>
// CHECK-SAME: activations = [#fx<activation tanh>, #fx<activation elu>, #fx<activation softsign>]
// CHECK: %[[Y:.*]] = rnn.concat %y, %[[Y1]]
// CHECK: %[[HF:.*]] = rnn.unstack %y_h[0]
// CHECK: %[[HR:.*]] = rnn.unstack %[[YH1]][0]
// CHECK: %[[YH:.*]] = rnn.stack %[[HF]], %[[HR]] : tensor<?x1xf32> -> tensor<2x?x1xf32>
// CHECK: %[[CF:.*]] = rnn.unstack %y_c[0]
// CHECK: %[[CR:.*]] = rnn.unstack %[[YC1]][0]
// CHECK: %[[YC:.*]] = rnn.stack %[[CF]], %[[CR]]
// CHECK: return %[[Y]], %[[YH]], %[[YC]]
func.func @all_operands(%x: tensor<?x?x3xf32>, %h: tensor<2x?x1xf32>, %n: tensor<?xi32>) -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>) {
  %w = rnn.weight dense<1.0> : tensor<2x4x3xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/3 row]>
  %r = rnn.weight dense<[[[1.0], [2.0], [3.0], [4.0]], [[5.0], [6.0], [7.0], [8.0]]]> : tensor<2x4x1xf32>
  %b = rnn.weight dense_resource<bias> : tensor<2x8xf32>
  %p = rnn.weight dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %c = rnn.weight dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>
  %y, %yh, %yc = rnn.lstm bidirectional %x, %w, %r bias %b lens %n initial_h %h initial_c %c peepholes %p {
    hidden_size = 1 : i64, clip = 3.0 : f32, input_forget,
    activations = [#fx<activation elu>, #fx<activation tanh>, #fx<activation relu>, #fx<activation tanh>, #fx<activation elu>, #fx<activation softsign>],
    activation_alpha = array<f32: 0.1, 0.2, 0.3, 0.4, 0.5, 0.6>
  } : (tensor<?x?x3xf32>, tensor<2x4x3xf32>, tensor<2x4x1xf32>, tensor<2x8xf32>, tensor<?xi32>, tensor<2x?x1xf32>, tensor<2x1x1xf32>, tensor<2x3xf32>)
    -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  return %y, %yh, %yc : tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>
}

// CHECK-LABEL: @forward_stays
// CHECK-COUNT-1: rnn.lstm forward
// CHECK-NOT: rnn.lstm
func.func @forward_stays(%x: tensor<?x?x3xf32>) -> tensor<?x?x1xf32> {
  %w = rnn.weight dense<1.0> : tensor<1x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<1x4x1xf32>
  %y, %yh, %yc = rnn.lstm forward %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<1x4x3xf32>, tensor<1x4x1xf32>) -> (tensor<?x?x1xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
  return %y : tensor<?x?x1xf32>
}

// The halves of a resource view its bytes: 1.0 to 8.0, then -1.0 to -8.0.
// CHECK: bias.forward: "0x040000000000803F0000004000004040000080400000A0400000C0400000E04000000041"
// CHECK: bias.reverse: "0x04000000000080BF000000C0000040C0000080C00000A0C00000C0C00000E0C0000000C1"
{-#
  dialect_resources: {
    builtin: {
      bias: "0x040000000000803F0000004000004040000080400000A0400000C0400000E04000000041000080BF000000C0000040C0000080C00000A0C00000C0C00000E0C0000000C1"
    }
  }
#-}

// RUN: hcgs-opt %s --rnn-split-directions --split-input-file --verify-diagnostics

func.func @computed_weight(%x: tensor<?x?x3xf32>, %w: tensor<2x4x3xf32>) {
  %r = rnn.weight dense<1.0> : tensor<2x4x1xf32>
  // expected-error @below {{w must be an rnn.weight to be split by direction}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<2x4x3xf32>, tensor<2x4x1xf32>) -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  return
}

// -----

func.func @mapped(%x: tensor<?x?x4xf32>) {
  %w = rnn.weight dense<1.0> : tensor<2x4x4xf32> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "04">
  %r = rnn.weight dense<1.0> : tensor<2x4x1xf32>
  // expected-error @below {{w has a block map, which describes one direction; split directions before blocks are chosen}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x4xf32>, tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  return
}

// -----

func.func @layout(%x: tensor<?x?x3xf32>) {
  %w = rnn.weight dense<1.0> : tensor<2x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<2x4x1xf32>
  // expected-error @below {{has layout 1; transpose it to layout 0 before its directions are split}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 1 : i64, layout = 1 : i64} : (tensor<?x?x3xf32>, tensor<2x4x3xf32>, tensor<2x4x1xf32>) -> (tensor<?x?x2xf32>, tensor<?x2x1xf32>, tensor<?x2x1xf32>)
  return
}

// -----

func.func @no_data(%x: tensor<?x?x3xf32>) {
  // expected-error @below {{names the resource 'nothing', which has no data}}
  %w = rnn.weight dense_resource<nothing> : tensor<2x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<2x4x1xf32>
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<2x4x3xf32>, tensor<2x4x1xf32>) -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  return
}

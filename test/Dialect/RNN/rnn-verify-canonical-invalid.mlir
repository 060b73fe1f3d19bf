// RUN: hcgs-opt %s --rnn-verify-canonical --split-input-file --verify-diagnostics --allow-unregistered-dialect

// Rule 1: direction.
func.func @bidirectional(%x: tensor<?x?x3xf32>) {
  %w = rnn.weight dense<1.0> : tensor<2x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<2x4x1xf32>
  // expected-error @below {{is bidirectional; run --rnn-split-directions first}}
  %y:3 = rnn.lstm bidirectional %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<2x4x3xf32>, tensor<2x4x1xf32>) -> (tensor<?x?x2xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  return
}

// -----

// Rule 1: layout.
func.func @layout(%x: tensor<?x?x3xf32>) {
  %w = rnn.weight dense<1.0> : tensor<1x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<1x4x1xf32>
  // expected-error @below {{has layout 1; the canonical form has layout 0, with rnn.transpose at the boundary of the function}}
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 1 : i64, layout = 1 : i64} : (tensor<?x?x3xf32>, tensor<1x4x3xf32>, tensor<1x4x1xf32>) -> (tensor<?x?x1xf32>, tensor<?x1x1xf32>, tensor<?x1x1xf32>)
  return
}

// -----

// Rule 2: between two layers.
func.func @renaming(%x: tensor<?x?x3xf32>) -> tensor<?x?x3xf32> {
  %0 = rnn.act tanh %x : tensor<?x?x3xf32>
  // expected-error @below {{renames axes inside the model; it may only stand directly behind a function argument or directly before the return}}
  %1 = rnn.transpose %0 [1, 0, 2] : tensor<?x?x3xf32> -> tensor<?x?x3xf32>
  %2 = rnn.act tanh %1 : tensor<?x?x3xf32>
  return %2 : tensor<?x?x3xf32>
}

// -----

// Rule 2: directions are split at the end only.
func.func @split(%x: tensor<?x?x4xf32>) {
  // expected-error @below {{renames axes inside the model}}
  %0 = rnn.split_directions %x : tensor<?x?x4xf32> -> tensor<?x2x?x2xf32>
  "test.use"(%0) : (tensor<?x2x?x2xf32>) -> ()
  return
}

// -----

// Rule 3.
func.func @last_step(%x: tensor<?x?x3xf32>) -> tensor<?x1xf32> {
  %w = rnn.weight dense<1.0> : tensor<1x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<1x4x1xf32>
  %y:3 = rnn.lstm forward %x, %w, %r {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<1x4x3xf32>, tensor<1x4x1xf32>) -> (tensor<?x?x1xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
  // expected-error @below {{reads the output of a forward layer; canonicalize it to the final state}}
  %0 = rnn.last_step %y#0 : tensor<?x?x1xf32> -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

// Rule 4.
func.func @activation(%x: tensor<?x?x3xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<1.0> : tensor<2x3xf32>
  %0 = rnn.linear %x, %w : (tensor<?x?x3xf32>, tensor<2x3xf32>) -> tensor<?x?x2xf32>
  // expected-error @below {{stands behind a linear layer that could take it in; canonicalize first}}
  %1 = rnn.act tanh %0 : tensor<?x?x2xf32>
  return %1 : tensor<?x?x2xf32>
}

// -----

// Rule 5: weights are constant.
func.func @computed_weights(%x: tensor<?x?x3xf32>, %v: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @below {{w must be an rnn.weight}}
  %0 = rnn.linear %x, %v : (tensor<?x?x3xf32>, tensor<2x3xf32>) -> tensor<?x?x2xf32>
  %w = rnn.weight dense<1.0> : tensor<2x3xf32>
  // expected-error @below {{bias must be an rnn.weight}}
  %1 = rnn.linear %x, %w bias %b : (tensor<?x?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return
}

// -----

// Rule 5: each matrix has its own.
func.func @shared(%x: tensor<?x?x3xf32>) {
  // expected-error @below {{has several users; give each its own}}
  %w = rnn.weight dense<1.0> : tensor<2x3xf32>
  %0 = rnn.linear %x, %w : (tensor<?x?x3xf32>, tensor<2x3xf32>) -> tensor<?x?x2xf32>
  %1 = rnn.linear %x, %w : (tensor<?x?x3xf32>, tensor<2x3xf32>) -> tensor<?x?x2xf32>
  return
}

// -----

// Rule 6.
func.func @state(%x: tensor<?x?x3xf32>, %s: tensor<1x?x1xf32>) {
  %w = rnn.weight dense<1.0> : tensor<1x4x3xf32>
  %r = rnn.weight dense<1.0> : tensor<1x4x1xf32>
  %0 = "test.compute"(%s) : (tensor<1x?x1xf32>) -> tensor<1x?x1xf32>
  // expected-error @below {{initial_c must be absent, an rnn.weight or an entry of a function argument}}
  %y:3 = rnn.lstm forward %x, %w, %r initial_h %s initial_c %0 {hidden_size = 1 : i64} : (tensor<?x?x3xf32>, tensor<1x4x3xf32>, tensor<1x4x1xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>) -> (tensor<?x?x1xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
  return
}

// RUN: hcgs-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @identity
// CHECK-NEXT: return %arg0
func.func @identity(%x: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  %0 = rnn.act identity %x : tensor<?x?x6xf32>
  return %0 : tensor<?x?x6xf32>
}

// CHECK-LABEL: @fuse_activation
// CHECK: %[[Y:.*]] = rnn.linear %{{.*}}, %{{.*}} act leaky_relu {alpha = 1.250000e-01 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @fuse_activation(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) -> tensor<?x?x4xf32> {
  %0 = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %1 = rnn.act leaky_relu %0 {alpha = 0.125 : f32} : tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}

// Another user wants the sums themselves.
// CHECK-LABEL: @keep_activation
// CHECK: rnn.linear %{{.*}}, %{{.*}} :
// CHECK: rnn.act relu
func.func @keep_activation(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %0 = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %1 = rnn.act relu %0 : tensor<?x?x4xf32>
  return %0, %1 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// Only one activation fits into a layer.
// CHECK-LABEL: @second_activation
// CHECK: rnn.linear %{{.*}}, %{{.*}} act relu
// CHECK: rnn.act tanh
func.func @second_activation(%x: tensor<?x?x6xf32>, %w: tensor<4x6xf32>) -> tensor<?x?x4xf32> {
  %0 = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %1 = rnn.act relu %0 : tensor<?x?x4xf32>
  %2 = rnn.act tanh %1 : tensor<?x?x4xf32>
  return %2 : tensor<?x?x4xf32>
}

// -----

// CHECK-LABEL: @flatten_concat
// CHECK: rnn.concat %arg0, %arg1, %arg0 :
func.func @flatten_concat(%a: tensor<?x?x6xf32>, %b: tensor<?x?x2xf32>) -> tensor<?x?x14xf32> {
  %0 = rnn.concat %b, %a : (tensor<?x?x2xf32>, tensor<?x?x6xf32>) -> tensor<?x?x8xf32>
  %1 = rnn.concat %a, %0 : (tensor<?x?x6xf32>, tensor<?x?x8xf32>) -> tensor<?x?x14xf32>
  return %1 : tensor<?x?x14xf32>
}

// CHECK-LABEL: @concat_of_one
// CHECK-NEXT: return %arg0
func.func @concat_of_one(%a: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  %0 = rnn.concat %a : (tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  return %0 : tensor<?x?x6xf32>
}

// CHECK-LABEL: @unstack_of_stack
// CHECK-NEXT: return %arg1
func.func @unstack_of_stack(%a: tensor<?x6xf32>, %b: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %0 = rnn.stack %a, %b : tensor<?x6xf32> -> tensor<2x?x6xf32>
  %1 = rnn.unstack %0[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  return %1 : tensor<?x6xf32>
}

// CHECK-LABEL: @stack_of_unstacks
// CHECK-NEXT: return %arg0
func.func @stack_of_unstacks(%s: tensor<2x?x6xf32>) -> tensor<2x?x6xf32> {
  %0 = rnn.unstack %s[0] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  %1 = rnn.unstack %s[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  %2 = rnn.stack %0, %1 : tensor<?x6xf32> -> tensor<2x?x6xf32>
  return %2 : tensor<2x?x6xf32>
}

// Not all of them, or in another order: not the same value.
// CHECK-LABEL: @stack_of_others
// CHECK: rnn.stack
// CHECK: rnn.stack
func.func @stack_of_others(%s: tensor<2x?x6xf32>) -> (tensor<2x?x6xf32>, tensor<1x?x6xf32>) {
  %0 = rnn.unstack %s[0] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  %1 = rnn.unstack %s[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
  %2 = rnn.stack %1, %0 : tensor<?x6xf32> -> tensor<2x?x6xf32>
  %3 = rnn.stack %0 : tensor<?x6xf32> -> tensor<1x?x6xf32>
  return %2, %3 : tensor<2x?x6xf32>, tensor<1x?x6xf32>
}

// -----

// CHECK-LABEL: @last_step_is_state
// CHECK: %y, %y_h, %y_c = rnn.lstm
// CHECK-NEXT: %[[H:.*]] = rnn.unstack %y_h[0]
// CHECK-NEXT: %[[Y:.*]] = rnn.linear %[[H]]
// CHECK-NEXT: return %[[Y]]
func.func @last_step_is_state(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %v: tensor<4x2xf32>) -> tensor<?x4xf32> {
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %0 = rnn.linear %y, %v : (tensor<?x?x2xf32>, tensor<4x2xf32>) -> tensor<?x?x4xf32>
  %1 = rnn.last_step %0 : tensor<?x?x4xf32> -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// The final state of a reverse layer belongs to the first step.
// CHECK-LABEL: @last_step_of_reverse
// CHECK: rnn.last_step %y
func.func @last_step_of_reverse(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) -> tensor<?x2xf32> {
  %y, %h, %c = rnn.lstm reverse %x, %w, %r {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %1 = rnn.last_step %y : tensor<?x?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// With lengths, the last step of a short sequence is padding.
// CHECK-LABEL: @last_step_with_lengths
// CHECK: rnn.last_step %y
func.func @last_step_with_lengths(%x: tensor<?x?x3xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %n: tensor<?xi32>) -> tensor<?x2xf32> {
  %y, %h, %c = rnn.lstm forward %x, %w, %r lens %n {hidden_size = 2 : i64} : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<?xi32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %1 = rnn.last_step %y : tensor<?x?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: @transposes_cancel
// CHECK-NEXT: return %arg0
func.func @transposes_cancel(%x: tensor<?x7x6xf32>) -> tensor<?x7x6xf32> {
  %0 = rnn.transpose %x [2, 0, 1] : tensor<?x7x6xf32> -> tensor<6x?x7xf32>
  %1 = rnn.transpose %0 [1, 2, 0] : tensor<6x?x7xf32> -> tensor<?x7x6xf32>
  return %1 : tensor<?x7x6xf32>
}

// Renaming moves up to the arguments ...
// CHECK-LABEL: @hoist_transpose
// CHECK-NEXT: %[[A:.*]] = rnn.transpose %arg0 [1, 0, 2] : tensor<?x7x6xf32> -> tensor<7x?x6xf32>
// CHECK-NEXT: %[[L:.*]] = rnn.linear %[[A]], %{{.*}} act tanh : (tensor<7x?x6xf32>, tensor<4x6xf32>) -> tensor<7x?x4xf32>
// CHECK-NEXT: %[[B:.*]] = rnn.transpose %arg0 [1, 0, 2] : tensor<?x7x6xf32> -> tensor<7x?x6xf32>
// CHECK-NEXT: rnn.concat %[[L]], %[[B]] : (tensor<7x?x4xf32>, tensor<7x?x6xf32>) -> tensor<7x?x10xf32>
// CHECK: rnn.lstm forward
func.func @hoist_transpose(%x: tensor<?x7x6xf32>, %v: tensor<4x6xf32>, %w: tensor<1x8x10xf32>, %r: tensor<1x8x2xf32>) -> tensor<7x?x2xf32> {
  %0 = rnn.linear %x, %v act tanh : (tensor<?x7x6xf32>, tensor<4x6xf32>) -> tensor<?x7x4xf32>
  %1 = rnn.concat %0, %x : (tensor<?x7x4xf32>, tensor<?x7x6xf32>) -> tensor<?x7x10xf32>
  %2 = rnn.transpose %1 [1, 0, 2] : tensor<?x7x10xf32> -> tensor<7x?x10xf32>
  %y, %h, %c = rnn.lstm forward %2, %w, %r {hidden_size = 2 : i64} : (tensor<7x?x10xf32>, tensor<1x8x10xf32>, tensor<1x8x2xf32>) -> (tensor<7x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  return %y : tensor<7x?x2xf32>
}

// ... and down to the return.
// CHECK-LABEL: @sink_transpose
// CHECK: %y, %y_h, %y_c = rnn.lstm
// CHECK-NEXT: %[[A:.*]] = rnn.add %y, %y
// CHECK-NEXT: %[[L:.*]] = rnn.linear %[[A]], %{{.*}} : (tensor<7x?x2xf32>, tensor<4x2xf32>) -> tensor<7x?x4xf32>
// CHECK-NEXT: %[[T:.*]] = rnn.transpose %[[L]] [1, 0, 2] : tensor<7x?x4xf32> -> tensor<?x7x4xf32>
// CHECK-NEXT: return %[[T]]
func.func @sink_transpose(%x: tensor<7x?x3xf32>, %v: tensor<4x2xf32>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>) -> tensor<?x7x4xf32> {
  %y, %h, %c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64} : (tensor<7x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>) -> (tensor<7x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
  %s = rnn.add %y, %y : tensor<7x?x2xf32>
  %0 = rnn.transpose %s [1, 0, 2] : tensor<7x?x2xf32> -> tensor<?x7x2xf32>
  %1 = rnn.linear %0, %v : (tensor<?x7x2xf32>, tensor<4x2xf32>) -> tensor<?x7x4xf32>
  return %1 : tensor<?x7x4xf32>
}

// What moves features about stays.
// CHECK-LABEL: @features_moved
// CHECK: rnn.linear %arg0
// CHECK: rnn.transpose
func.func @features_moved(%x: tensor<?x7x6xf32>, %v: tensor<4x6xf32>) -> tensor<4x?x7xf32> {
  %0 = rnn.linear %x, %v : (tensor<?x7x6xf32>, tensor<4x6xf32>) -> tensor<?x7x4xf32>
  %1 = rnn.transpose %0 [2, 0, 1] : tensor<?x7x4xf32> -> tensor<4x?x7xf32>
  return %1 : tensor<4x?x7xf32>
}

// CHECK-LABEL: @hoist_unsqueeze
// CHECK: %[[U:.*]] = rnn.unsqueeze %arg0 axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
// CHECK: rnn.linear %[[U]], %{{.*}} act relu : (tensor<?x1x6xf32>, tensor<4x6xf32>) -> tensor<?x1x4xf32>
func.func @hoist_unsqueeze(%x: tensor<?x6xf32>, %v: tensor<4x6xf32>) -> tensor<?x1x4xf32> {
  %0 = rnn.linear %x, %v act relu : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  %1 = rnn.unsqueeze %0 axis 1 : tensor<?x4xf32> -> tensor<?x1x4xf32>
  return %1 : tensor<?x1x4xf32>
}

// CHECK-LABEL: @squeeze_of_unsqueeze
// CHECK-NEXT: return %arg0
func.func @squeeze_of_unsqueeze(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %0 = rnn.unsqueeze %x axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
  %1 = rnn.squeeze %0 axis 1 : tensor<?x1x6xf32> -> tensor<?x6xf32>
  return %1 : tensor<?x6xf32>
}

// CHECK-LABEL: @unsqueeze_of_squeeze
// CHECK-NEXT: return %arg0
func.func @unsqueeze_of_squeeze(%x: tensor<?x1x6xf32>) -> tensor<?x1x6xf32> {
  %0 = rnn.squeeze %x axis 1 : tensor<?x1x6xf32> -> tensor<?x6xf32>
  %1 = rnn.unsqueeze %0 axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
  return %1 : tensor<?x1x6xf32>
}

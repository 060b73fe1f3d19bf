// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the rnn dialect.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD
#define HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Canonical form
//===----------------------------------------------------------------------===//

def RNNSplitDirections : Pass<"rnn-split-directions"> {
  let summary = "Split bidirectional layers into a forward and a reverse one";
  let description = [{
    Replaces each bidirectional `rnn.lstm` by a forward and a reverse one on the
    same input. Y becomes `rnn.concat` of the two, Y_h and Y_c `rnn.stack`;
    initial states are taken apart with `rnn.unstack`.

    Precondition: the operands W, R, B and P are `rnn.weight` operations and
    `layout` is 0; otherwise the pass fails, naming the layer. The halves of
    each weight are new `rnn.weight` operations; a resource is not copied, both
    halves are views of it. A `sparsity` without map goes to both halves; one
    with a map is refused, because it describes one direction.

    ```mlir
    %y, %y_h, %y_c = rnn.lstm bidirectional %x, %w, %r {hidden_size = 2 : i64}
        : (tensor<?x?x3xf32>, tensor<2x8x3xf32>, tensor<2x8x2xf32>)
        -> (tensor<?x?x4xf32>, tensor<2x?x2xf32>, tensor<2x?x2xf32>)
    // becomes
    %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64} : ...
    %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64} : ...
    %y = rnn.concat %y0, %y1 : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
    ```
  }];
  let dependentDialects = ["::hcgs::rnn::RNNDialect"];
}

def RNNVerifyCanonical : Pass<"rnn-verify-canonical"> {
  let summary = "Check the canonical form of the rnn dialect";
  let description = [{
    The invariant between import and compression, in the words of
    `docs/Rationale/IR.md`:

    1. every `rnn.lstm` has one direction, forward or reverse, and layout 0;
    2. axes are renamed (`rnn.transpose`, `rnn.squeeze`, `rnn.unsqueeze`,
       `rnn.split_directions`) only between a function argument and its first
       use, or between the last operation and the return;
    3. `rnn.last_step` does not read the Y of a forward `rnn.lstm` without
       sequence lengths;
    4. no bias addition or single-use activation stands behind an `rnn.linear`
       that could take it in;
    5. every weight operand is an `rnn.weight`, and no `rnn.weight` has two
       users;
    6. an initial state is an `rnn.weight`, a function argument, or an
       `rnn.stack` of one `rnn.unstack` of a function argument.

    Changes nothing; fails at the first operation of each kind that breaks the
    invariant.
  }];
}

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD

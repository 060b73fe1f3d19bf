// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations with weights: weights, recurrent and linear layers.

#ifndef HCGS_DIALECT_RNN_IR_RNNLAYEROPS_TD
#define HCGS_DIALECT_RNN_IR_RNNLAYEROPS_TD

include "hcgs/Dialect/RNN/IR/RNNOpBase.td"

def RNN_WeightOp : RNN_Op<"weight", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "A constant of the model.";
  let description = [{
    Weights, biases and constant initial states. Large values are resources
    (`dense_resource`), so that their bytes are never copied or hashed.
    `sparsity` says how a matrix is compressed; for the W and R of a recurrent
    layer it is about the matrix of one gate (hidden size x inputs). With
    `#fx.sparsity` it names the kept blocks, shared by the gates or separate for
    each; weights outside the kept blocks must be zero once the pattern has a
    map. With `#fx.circulant` the matrix consists of circulant blocks, and
    elements of a block that are one must be equal once layers have formats.

    `provenance` says how `rnn-compress` came to this, for the report; nothing
    depends on it.

    The operation is not `ConstantLike`: equal values with different patterns
    stay apart.

    Example:

    ```mlir
    %w = rnn.weight dense<0.5> : tensor<4x6xf32>
    %r = rnn.weight dense<0.5> : tensor<8x8xf32> sparsity #fx.sparsity<tiers = [4x4 keep 1/2 row]>
    %c = rnn.weight dense<0.5> : tensor<8x6xf32> sparsity #fx.circulant<4>
    ```
  }];
  let arguments = (ins
    ElementsAttr:$value,
    OptionalAttr<AnyAttrOf<[FX_SparsityAttr, FX_CirculantAttr]>>:$sparsity,
    OptionalAttr<DictionaryAttr>:$provenance
  );
  let results = (outs RNN_Tensor:$result);
  let assemblyFormat = "$value (`sparsity` $sparsity^)? attr-dict";
  let hasVerifier = 1;
}

def RNN_LSTMOp : RNN_Op<"lstm",
    [Pure, AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A long short-term memory layer over a whole sequence.";
  let description = [{
    ONNX's LSTM with all its operands and attributes. With D directions (1, or 2
    if bidirectional), H = `hidden_size`, I inputs, T time steps and N sequences:

    | operand | shape | |
    | --- | --- | --- |
    | `x` | `[T, N, I]` | input |
    | `w` | `[D, 4H, I]` | input weights, gates i, o, f, g stacked |
    | `r` | `[D, 4H, H]` | recurrent weights, likewise |
    | `bias` | `[D, 8H]` | Wb of the four gates, then Rb; absent: zero |
    | `sequence_lens` | `[N]` i32 | length of each sequence; absent: T |
    | `initial_h`, `initial_c` | `[D, N, H]` | absent: zero; `[D, 1, H]`: the same for all sequences |
    | `peepholes` | `[D, 3H]` | of the gates i, o, f; absent: none |

    For each step, `.` being the element product and f, g, h the functions in
    `activations` (three per direction; absent: sigmoid, tanh, tanh):

        i  = f(W_i x + R_i h + P_i . c + Wb_i + Rb_i)
        f  = f(W_f x + R_f h + P_f . c + Wb_f + Rb_f)   or 1 - i (input_forget)
        g  = g(W_g x + R_g h + Wb_g + Rb_g)
        c' = f . c + i . g
        o  = f(W_o x + R_o h + P_o . c' + Wb_o + Rb_o)
        h' = o . h(c')

    `clip` bounds the inputs of the activations. `reverse` runs from the last
    step to the first and gives its outputs in the order of the input.
    `activation_alpha` and `activation_beta` hold one entry for each activation;
    those without parameter ignore theirs.

    Results: `y` `[T, N, D*H]`, the directions joined on the last axis (ONNX's
    `[T, D, N, H]` is `rnn.split_directions` of it), `y_h` and `y_c`
    `[D, N, H]`, the states after the last step processed. With `layout = 1` the
    batch comes first: `x` is `[N, T, I]`, the states `[N, D, H]`, `y`
    `[N, T, D*H]`.

    `formats` are the fixed-point formats, once chosen.

    Example:

    ```mlir
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {hidden_size = 2 : i64}
        : (tensor<?x?x3xf32>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>)
        -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>)
    ```
  }];
  let arguments = (ins
    RNN_Cube:$x, RNN_Cube:$w, RNN_Cube:$r,
    Optional<RNN_Matrix>:$bias,
    Optional<RNN_Lengths>:$sequence_lens,
    Optional<RNN_Cube>:$initial_h,
    Optional<RNN_Cube>:$initial_c,
    Optional<RNN_Matrix>:$peepholes,
    RNN_DirectionAttr:$direction,
    ConfinedAttr<I64Attr, [IntPositive]>:$hidden_size,
    OptionalAttr<TypedArrayAttrBase<FX_ActivationAttr,
                                    "activations">>:$activations,
    OptionalAttr<DenseF32ArrayAttr>:$activation_alpha,
    OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
    OptionalAttr<F32Attr>:$clip,
    UnitAttr:$input_forget,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<1>]>,
                      "0">:$layout,
    OptionalAttr<RNN_LSTMFormatsAttr>:$formats
  );
  let results = (outs RNN_Cube:$y, RNN_Cube:$y_h, RNN_Cube:$y_c);
  let assemblyFormat = [{
    `` $direction $x `,` $w `,` $r (`bias` $bias^)?
    (`lens` $sequence_lens^)? (`initial_h` $initial_h^)?
    (`initial_c` $initial_c^)? (`peepholes` $peepholes^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// 2 if bidirectional, else 1.
    int64_t getNumDirections() {
      return getDirection() == Direction::Bidirectional ? 2 : 1;
    }
    /// Number of input features.
    int64_t getInputSize() { return getX().getType().getDimSize(2); }
    /// Function `index` (0 for the gates, 1 for g, 2 for tanh of the cell) of
    /// direction `direction`, with the default filled in.
    fx::Activation getActivation(unsigned direction, unsigned index);
  }];
}

def RNN_LinearOp : RNN_Op<"linear", [Pure]> {
  let summary = "A linear layer on every step.";
  let description = [{
    `y = activation(x * w^T + bias)` on the last axis; `w` is `[outputs, inputs]`,
    `bias` `[outputs]`. `formats` are the fixed-point formats, once chosen.

    Example:

    ```mlir
    %y = rnn.linear %x, %w bias %b act relu
        : (tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    ```
  }];
  let arguments = (ins
    RNN_Features:$x, RNN_Matrix:$w, Optional<RNN_Vector>:$bias,
    OptionalAttr<FX_ActivationAttr>:$activation,
    OptionalAttr<F32Attr>:$alpha,
    OptionalAttr<F32Attr>:$beta,
    OptionalAttr<RNN_LinearFormatsAttr>:$formats
  );
  let results = (outs RNN_Features:$y);
  let assemblyFormat = [{
    $x `,` $w (`bias` $bias^)? (`act` $activation^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // HCGS_DIALECT_RNN_IR_RNNLAYEROPS_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations of the rnn dialect without weights, and the record of the source
// model. Layers are in RNNLayerOps.td.

#ifndef HCGS_DIALECT_RNN_IR_RNNOPS_TD
#define HCGS_DIALECT_RNN_IR_RNNOPS_TD

include "hcgs/Dialect/RNN/IR/RNNLayerOps.td"
include "hcgs/Dialect/RNN/IR/RNNOpBase.td"

def RNN_ModelOp : RNN_Op<"model",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Where the model came from.";
  let description = [{
    One per module: the function that computes the model, the SHA-256 of the
    source file (with external data: of the digests of all files), who produced
    it, and the names and axes of the model's inputs and outputs, in
    the order of the function's arguments and results.

    Example:

    ```mlir
    rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 3]>]
        outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 3]>]
        {ir_version = 9 : i64, opset = 20 : i64, producer = "pytorch 2.13.0",
         sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    ```
  }];
  let arguments = (ins
    FlatSymbolRefAttr:$entry,
    TypedArrayAttrBase<RNN_PortAttr, "ports">:$inputs,
    TypedArrayAttrBase<RNN_PortAttr, "ports">:$outputs,
    OptionalAttr<StrAttr>:$sha256,
    OptionalAttr<StrAttr>:$producer,
    OptionalAttr<I64Attr>:$ir_version,
    OptionalAttr<I64Attr>:$opset
  );
  let assemblyFormat = [{
    $entry `inputs` $inputs `outputs` $outputs attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

def RNN_ActOp : RNN_Op<"act", [Pure, SameOperandsAndResultType]> {
  let summary = "A function of one variable on every element.";
  let description = [{
    `alpha` and `beta` are given exactly where the function reads them
    (`#fx.activation`).

    Example:

    ```mlir
    %0 = rnn.act sigmoid %x : tensor<?x?x6xf32>
    %1 = rnn.act leaky_relu %0 {alpha = 0.01 : f32} : tensor<?x?x6xf32>
    ```
  }];
  let arguments = (ins
    FX_ActivationAttr:$kind, RNN_Features:$x,
    OptionalAttr<F32Attr>:$alpha, OptionalAttr<F32Attr>:$beta,
    OptionalAttr<RNN_PointwiseFormatsAttr>:$formats
  );
  let results = (outs RNN_Features:$y);
  let assemblyFormat = "`` $kind $x attr-dict `:` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def RNN_AddOp : RNN_Op<"add", [Pure, Commutative, SameOperandsAndResultType]> {
  let summary = "The sum of two values, element by element.";
  let description = [{
    A residual connection.

    Example:

    ```mlir
    %0 = rnn.add %a, %b : tensor<?x?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Features:$lhs, RNN_Features:$rhs,
                       OptionalAttr<RNN_PointwiseFormatsAttr>:$formats);
  let results = (outs RNN_Features:$y);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($y)";
  let hasVerifier = 1;
}

def RNN_ConcatOp : RNN_Op<"concat", [Pure]> {
  let summary = "Values joined on the feature axis.";
  let description = [{
    All axes but the last are equal.

    Example:

    ```mlir
    %0 = rnn.concat %a, %b : (tensor<?x?x6xf32>, tensor<?x?x2xf32>) -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Variadic<RNN_Features>:$ins,
                       OptionalAttr<RNN_PointwiseFormatsAttr>:$formats);
  let results = (outs RNN_Features:$y);
  let assemblyFormat = [{
    $ins attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

def RNN_UnstackOp : RNN_Op<"unstack", [Pure]> {
  let summary = "One of several stacked states.";
  let description = [{
    Entry `index` on the first axis of `[layers, batch, unit]`.

    Example:

    ```mlir
    %0 = rnn.unstack %s[1] : tensor<2x?x6xf32> -> tensor<?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Cube:$source, I64Attr:$index);
  let results = (outs RNN_Matrix:$result);
  let assemblyFormat = [{
    $source `[` $index `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def RNN_StackOp : RNN_Op<"stack", [Pure, SameTypeOperands]> {
  let summary = "States stacked on a new first axis.";
  let description = [{
    Example:

    ```mlir
    %0 = rnn.stack %a, %b : tensor<?x6xf32> -> tensor<2x?x6xf32>
    ```
  }];
  let arguments = (ins Variadic<RNN_Matrix>:$ins);
  let results = (outs RNN_Cube:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasFolder = 1;
}

def RNN_LastStepOp : RNN_Op<"last_step", [Pure]> {
  let summary = "The last time step of a sequence.";
  let description = [{
    The values at the largest time index: what `y[-1]` means to NumPy. For the Y
    of a forward `rnn.lstm` without sequence lengths that is its final state,
    and canonicalisation makes it so.

    Example:

    ```mlir
    %0 = rnn.last_step %x : tensor<?x?x6xf32> -> tensor<?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Cube:$x);
  let results = (outs RNN_Matrix:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Renaming of axes
//===----------------------------------------------------------------------===//

def RNN_TransposeOp : RNN_Op<"transpose", [Pure]> {
  let summary = "A permutation of axes.";
  let description = [{
    Axis i of the result is axis `permutation[i]` of the operand. In canonical
    form only at the boundary of the function (batch-first inputs and outputs).

    Example:

    ```mlir
    %0 = rnn.transpose %x [1, 0, 2] : tensor<?x7x6xf32> -> tensor<7x?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs RNN_Tensor:$y);
  let assemblyFormat = [{
    $x $permutation attr-dict `:` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def RNN_SqueezeOp : RNN_Op<"squeeze", [Pure]> {
  let summary = "An axis of length 1 removed.";
  let description = [{
    In canonical form only at the boundary of the function (models without a
    batch axis).

    Example:

    ```mlir
    %0 = rnn.squeeze %x axis 1 : tensor<?x1x6xf32> -> tensor<?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Tensor:$x, I64Attr:$axis);
  let results = (outs RNN_Tensor:$y);
  let assemblyFormat = [{
    $x `axis` $axis attr-dict `:` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def RNN_UnsqueezeOp : RNN_Op<"unsqueeze", [Pure]> {
  let summary = "An axis of length 1 inserted.";
  let description = [{
    `axis` is its place in the result. In canonical form only at the boundary of
    the function (models without a batch axis).

    Example:

    ```mlir
    %0 = rnn.unsqueeze %x axis 1 : tensor<?x6xf32> -> tensor<?x1x6xf32>
    ```
  }];
  let arguments = (ins RNN_Tensor:$x, I64Attr:$axis);
  let results = (outs RNN_Tensor:$y);
  let assemblyFormat = [{
    $x `axis` $axis attr-dict `:` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def RNN_SplitDirectionsOp : RNN_Op<"split_directions", [Pure]> {
  let summary = "ONNX's own form of an LSTM's output.";
  let description = [{
    `[T, N, D*H]` to `[T, D, N, H]`. In canonical form only before the return.

    Example:

    ```mlir
    %0 = rnn.split_directions %x : tensor<?x?x6xf32> -> tensor<?x2x?x3xf32>
    ```
  }];
  let arguments = (ins RNN_Cube:$x);
  let results = (outs TensorRankOf<[F32], [4]>:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

def RNN_RangeOp : RNN_Op<"range"> {
  let summary = "The range a value was seen to take.";
  let description = [{
    Says that on calibration data every element of `x` lay within `min` and
    `max`. On the results `y_h` and `y_c` of `rnn.lstm` it speaks of the state
    after every step, not only after the last, and of the initial state. Left by
    `rnn-calibrate`, consumed by `rnn-quantize`; at most one for each value.

    Example:

    ```mlir
    rnn.range %x -2.25 to 1.5 : tensor<?x?x6xf32>
    ```
  }];
  let arguments = (ins RNN_Tensor:$x, F64Attr:$min, F64Attr:$max);
  let assemblyFormat = "$x $min `to` $max attr-dict `:` type($x)";
  let hasVerifier = 1;
}

#endif // HCGS_DIALECT_RNN_IR_RNNOPS_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the rnn dialect.

#ifndef HCGS_DIALECT_RNN_IR_RNNATTRIBUTES_TD
#define HCGS_DIALECT_RNN_IR_RNNATTRIBUTES_TD

include "hcgs/Dialect/FX/IR/FXAttributes.td"
include "hcgs/Dialect/RNN/IR/RNNEnums.td"
include "mlir/IR/AttrTypeBase.td"

class RNN_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<RNN_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def RNN_PortAttr : RNN_Attr<"Port", "port"> {
  let summary = "An input or output of the source model.";
  let description = [{
    The name that the source model gives it, what each of its axes counts and
    how long the axis is. States have axes `layer`, `batch` and `unit` (the
    cells of a layer); `one` is an axis of length 1 that means nothing. `?` is
    an axis of dynamic length.

    Example:

    ```mlir
    #rnn.port<"x", [batch = ?, time = ?, feature = 12]>
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$name,
    ArrayRefParameter<"Axis">:$axes,
    ArrayRefParameter<"int64_t">:$dims
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def RNN_LSTMFormatsAttr : RNN_Attr<"LSTMFormats", "lstm_formats"> {
  let summary = "The fixed-point formats inside an LSTM.";
  let description = [{
    Formats of the input `x` (at most 16 bits), of the states `h` and `c`, of
    the four gates (the `out` of their tables) and of tanh(c) (the `out` of
    `cell`). `w` and `r` are the formats of W and R with one exponent per gate.
    `acc` is the fraction of each gate's accumulator, `cell_acc` that of the sum
    f*c + i*g. Gates are in the order i, o, f, g.

    An instance is in the example of `rnn.lstm`.
  }];
  let parameters = (ins
    "::hcgs::fx::IntType":$x,
    "::hcgs::fx::IntType":$h,
    "::hcgs::fx::IntType":$c,
    ArrayRefParameter<"::hcgs::fx::PwlAttr">:$gates,
    "::hcgs::fx::PwlAttr":$cell,
    "::hcgs::fx::WeightsAttr":$w,
    "::hcgs::fx::WeightsAttr":$r,
    ArrayRefParameter<"int32_t">:$acc,
    "int32_t":$cell_acc
  );
  let assemblyFormat = [{
    `<` `x` `=` $x `,` `h` `=` $h `,` `c` `=` $c `,`
    `gates` `=` `[` $gates `]` `,` `cell` `=` $cell `,`
    `w` `=` $w `,` `r` `=` $r `,` `acc` `=` `[` $acc `]` `,`
    `cell_acc` `=` $cell_acc `>`
  }];
  let genVerifyDecl = 1;
}

def RNN_LinearFormatsAttr : RNN_Attr<"LinearFormats", "linear_formats"> {
  let summary = "The fixed-point formats of a linear layer.";
  let description = [{
    Formats of the input `x` and the result `y` (at most 16 bits each), of the
    weights `w` (one exponent), the fraction `acc` of the accumulator and, if an
    activation is fused, its table `act`, whose `out` is `y`.

    An instance is in the example of `rnn.linear`.
  }];
  let parameters = (ins
    "::hcgs::fx::IntType":$x,
    "::hcgs::fx::IntType":$y,
    "::hcgs::fx::WeightsAttr":$w,
    "int32_t":$acc,
    OptionalParameter<"::hcgs::fx::PwlAttr">:$act
  );
  let assemblyFormat = [{
    `<` `x` `=` $x `,` `y` `=` $y `,` `w` `=` $w `,` `acc` `=` $acc
    (`,` `act` `=` $act^)? `>`
  }];
  let genVerifyDecl = 1;
}

def RNN_PointwiseFormatsAttr
    : RNN_Attr<"PointwiseFormats", "pointwise_formats"> {
  let summary = "The fixed-point formats of an element-wise operation.";
  let description = [{
    Formats of the operands `ins` and the result `y` (at most 16 bits each), the
    fraction `acc` of the accumulator in which operands meet and, for `rnn.act`,
    the table `act`, whose `out` is `y`.

    An instance is in the example of `rnn.add`.
  }];
  let parameters = (ins
    ArrayRefParameter<"::hcgs::fx::IntType">:$ins,
    "::hcgs::fx::IntType":$y,
    "int32_t":$acc,
    OptionalParameter<"::hcgs::fx::PwlAttr">:$act
  );
  let assemblyFormat = [{
    `<` `ins` `=` `[` $ins `]` `,` `y` `=` $y `,` `acc` `=` $acc
    (`,` `act` `=` $act^)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // HCGS_DIALECT_RNN_IR_RNNATTRIBUTES_TD

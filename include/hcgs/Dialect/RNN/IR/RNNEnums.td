// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enumerations of the rnn dialect.

#ifndef HCGS_DIALECT_RNN_IR_RNNENUMS_TD
#define HCGS_DIALECT_RNN_IR_RNNENUMS_TD

include "hcgs/Dialect/RNN/IR/RNNDialect.td"
include "mlir/IR/EnumAttr.td"

class RNN_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hcgs::rnn";
  let genSpecializedAttr = 0;
}

def RNN_Direction : RNN_I32Enum<"Direction",
    "In which direction of time a recurrent layer runs", [
      I32EnumAttrCase<"Forward", 0, "forward">,
      I32EnumAttrCase<"Reverse", 1, "reverse">,
      I32EnumAttrCase<"Bidirectional", 2, "bidirectional">
    ]>;

def RNN_DirectionAttr : EnumAttr<RNN_Dialect, RNN_Direction, "direction"> {
  let assemblyFormat = "$value";
}

def RNN_Axis : RNN_I32Enum<"Axis", "What an axis of a model's input or output "
    "counts", [
      I32EnumAttrCase<"Time", 0, "time">,
      I32EnumAttrCase<"Batch", 1, "batch">,
      I32EnumAttrCase<"Feature", 2, "feature">,
      I32EnumAttrCase<"Layer", 3, "layer">,
      I32EnumAttrCase<"Direction", 4, "direction">,
      I32EnumAttrCase<"Unit", 5, "unit">,
      I32EnumAttrCase<"One", 6, "one">
    ]>;

#endif // HCGS_DIALECT_RNN_IR_RNNENUMS_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rnn dialect itself.

#ifndef HCGS_DIALECT_RNN_IR_RNNDIALECT_TD
#define HCGS_DIALECT_RNN_IR_RNNDIALECT_TD

include "mlir/IR/OpBase.td"

def RNN_Dialect : Dialect {
  let name = "rnn";
  let cppNamespace = "::hcgs::rnn";
  let summary = "What a recurrent model computes: float, whole sequences.";
  let description = [{
    The dialect that the ONNX importer makes and that compression and
    quantisation annotate. Values are tensors of f32: sequences
    `[time, batch, feature]`, per-sequence values `[batch, feature]` and states
    `[layers, batch, unit]`. Time and batch may be dynamic. Every attribute and
    operand of ONNX's LSTM has its place in `rnn.lstm`. Gates are stacked in
    ONNX's order i, o, f, g (`GateOrder.h`).

    What the passes make of it, the *canonical form*, is stated in
    `docs/Rationale/IR.md` and checked by `--rnn-verify-canonical`.

    Layers and function arguments may carry the discardable attribute
    `rnn.override`: what differs from the options for this one layer, its
    matrices and its values (`docs/Guides/Config.md`). The dialect verifies it.
  }];
  let dependentDialects = ["::hcgs::fx::FXDialect"];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // HCGS_DIALECT_RNN_IR_RNNDIALECT_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fx dialect itself.

#ifndef HCGS_DIALECT_FX_IR_FXDIALECT_TD
#define HCGS_DIALECT_FX_IR_FXDIALECT_TD

include "mlir/IR/OpBase.td"

def FX_Dialect : Dialect {
  let name = "fx";
  let cppNamespace = "::hcgs::fx";
  let summary = "Fixed-point types, weight formats and sparsity patterns.";
  let description = [{
    What the `rnn` and `hcgs` dialects share: the type of a fixed-point number,
    the format of a weight matrix, the piecewise-linear table a value passes
    through, and the pattern of blocks that a compressed matrix keeps. The
    dialect has no operations. The arithmetic behind the formats is in
    `docs/Spec/Arithmetic.md`, the block patterns and their packed form in
    `docs/Spec/WeightImage.md`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // HCGS_DIALECT_FX_IR_FXDIALECT_TD

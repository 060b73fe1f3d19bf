// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of the fx dialect.

#ifndef HCGS_DIALECT_FX_IR_FXTYPES_TD
#define HCGS_DIALECT_FX_IR_FXTYPES_TD

include "hcgs/Dialect/FX/IR/FXDialect.td"
include "mlir/IR/AttrTypeBase.td"

class FX_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<FX_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def FX_IntType : FX_Type<"Int", "int"> {
  let summary = "A fixed-point number in two's complement.";
  let description = [{
    `!fx.int<width, fraction>`: a code of `width` bits (2..32); its value is
    `code * 2^-fraction`. The fraction may be negative (steps larger than 1)
    or exceed the width (values well below 1); it lies within -64..64.

    Example:

    ```mlir
    !fx.int<13, 12>   // -1 .. 1 in steps of 2^-12
    !fx.int<8, -2>    // -512 .. 508 in steps of 4
    ```
  }];
  let parameters = (ins "unsigned":$width, "int32_t":$fraction);
  let assemblyFormat = "`<` $width `,` $fraction `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Widths the machine can name.
    static constexpr unsigned kMinWidth = 2;
    static constexpr unsigned kMaxWidth = 32;
    /// Bound on the magnitude of the fraction.
    static constexpr int32_t kMaxFraction = 64;

    /// Smallest and largest code.
    int64_t getMinCode() const { return -(int64_t(1) << (getWidth() - 1)); }
    int64_t getMaxCode() const { return (int64_t(1) << (getWidth() - 1)) - 1; }
  }];
}

#endif // HCGS_DIALECT_FX_IR_FXTYPES_TD

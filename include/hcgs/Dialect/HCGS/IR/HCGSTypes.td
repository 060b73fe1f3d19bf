// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of the hcgs dialect.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSTYPES_TD
#define HCGS_DIALECT_HCGS_IR_HCGSTYPES_TD

include "hcgs/Dialect/HCGS/IR/HCGSDialect.td"
include "mlir/IR/AttrTypeBase.td"

class HCGS_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<HCGS_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def HCGS_VecType : HCGS_Type<"Vec", "vec"> {
  let summary = "A vector of codes of one format.";
  let description = [{
    `size` codes of 2 to 16 bits: what `vmem` holds.

    Example:

    ```mlir
    !hcgs.vec<128 x !fx.int<13, 12>>
    ```
  }];
  let parameters = (ins "int64_t":$size, "::hcgs::fx::IntType":$element);
  let builders = [
    TypeBuilderWithInferredContext<(ins "int64_t":$size,
                                        "::hcgs::fx::IntType":$element), [{
      return $_get(element.getContext(), size, element);
    }]>
  ];
  let assemblyFormat = "`<` $size `x` qualified($element) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Largest number of elements: what a 24-bit memory can address.
    static constexpr int64_t kMaxSize = (int64_t(1) << 24) - 1;
    unsigned getBits() const { return getElement().getWidth(); }
    int32_t getFraction() const { return getElement().getFraction(); }
  }];
}

def HCGS_AccType : HCGS_Type<"Acc", "acc"> {
  let summary = "32-bit accumulators: gates x rows.";
  let description = [{
    `rows` accumulators for each of 1 to 4 gates: what `amem` holds. `fractions`
    gives, per gate, the fractional bits of the sum: an accumulator `a` of gate
    g stands for `a * 2^-fractions[g]`.

    Example:

    ```mlir
    !hcgs.acc<4x128, [17, 17, 17, 16]>
    ```
  }];
  let parameters = (ins
    "int64_t":$gates, "int64_t":$rows, ArrayRefParameter<"int32_t">:$fractions
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSTYPES_TD

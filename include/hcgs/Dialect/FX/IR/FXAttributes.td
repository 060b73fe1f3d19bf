// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the fx dialect: weight formats, tables and block patterns.

#ifndef HCGS_DIALECT_FX_IR_FXATTRIBUTES_TD
#define HCGS_DIALECT_FX_IR_FXATTRIBUTES_TD

include "hcgs/Dialect/FX/IR/FXEnums.td"
include "hcgs/Dialect/FX/IR/FXTypes.td"
include "mlir/IR/AttrTypeBase.td"

class FX_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<FX_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def FX_WeightsAttr : FX_Attr<"Weights", "weights"> {
  let summary = "The format of a weight matrix.";
  let description = [{
    Width (2..8), encoding and rounding of the codes of a matrix, and one binary
    exponent per gate, in gate order; a matrix without gates has one. The value
    of a code of gate g is `code * 2^-exps[g]` (A-W-1 to A-W-4).

    Example:

    ```mlir
    #fx.weights<bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 4, 5]>
    ```
  }];
  let parameters = (ins
    "unsigned":$bits,
    EnumParameter<FX_WeightEncoding>:$encoding,
    EnumParameter<FX_Rounding>:$rounding,
    ArrayRefParameter<"int32_t">:$exps
  );
  let assemblyFormat = [{
    `<` `bits` `=` $bits `,` `encoding` `=` $encoding `,`
    `rounding` `=` $rounding `,` `exps` `=` `[` $exps `]` `>`
  }];
  let genVerifyDecl = 1;
}

def FX_PwlAttr : FX_Attr<"Pwl", "pwl"> {
  let summary = "The piecewise-linear table a value passes through.";
  let description = [{
    Which function, from which input format (at most 16 bits wide) to which
    output format, in how many uniform segments (a power of two up to 512). The
    numbers of the table are fitted from this when the program is made (A-PWL).
    `alpha` and `beta` are given where the function has them.

    Example:

    ```mlir
    #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
    #fx.pwl<leaky_relu, in = !fx.int<16, 10>, out = !fx.int<13, 8>, segments = 2, alpha = 0.01 : f32>
    ```
  }];
  let parameters = (ins
    EnumParameter<FX_Activation>:$kind,
    "::hcgs::fx::IntType":$in,
    "::hcgs::fx::IntType":$out,
    "unsigned":$segments,
    OptionalParameter<"::mlir::FloatAttr">:$alpha,
    OptionalParameter<"::mlir::FloatAttr">:$beta
  );
  let builders = [
    AttrBuilderWithInferredContext<(ins "Activation":$kind, "IntType":$in,
                                        "IntType":$out, "unsigned":$segments,
                                        CArg<"::mlir::FloatAttr", "{}">:$alpha,
                                        CArg<"::mlir::FloatAttr", "{}">:$beta), [{
      return $_get(in.getContext(), kind, in, out, segments, alpha, beta);
    }]>
  ];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def FX_TierAttr : FX_Attr<"Tier", "tier"> {
  let summary = "One tier of a block pattern.";
  let description = [{
    Blocks of `rows x cols`, of which the fraction `num/den` is kept in every
    block-row or in every block-column of the parent block (WI-P-1 to WI-P-3).

    Example:

    ```mlir
    #fx.tier<32x32 keep 1/4 row>
    ```
  }];
  let parameters = (ins
    "unsigned":$rows, "unsigned":$cols, "unsigned":$num, "unsigned":$den,
    EnumParameter<FX_Balance>:$balance
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Largest block side and fraction term that the weight image can name.
    static constexpr unsigned kMaxField = 65535;
  }];
}

def FX_SparsityAttr : FX_Attr<"Sparsity", "sparsity"> {
  let summary = "The block pattern of a matrix, and which blocks it keeps.";
  let description = [{
    One to four tiers, from coarse to fine, and, once the blocks are chosen,
    `map`: the packed index image of WI-I as bytes in lower-case hex. The
    pattern is that of one gate (H x I); all gates share it. Without `map` the
    pattern is asked for but no blocks are chosen yet.

    Example:

    ```mlir
    #fx.sparsity<tiers = [32x32 keep 1/4 row, 4x4 keep 1/4 row]>
    #fx.sparsity<tiers = [4x4 keep 1/2 row], map = "09">
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"TierAttr">:$tiers,
    OptionalParameter<"::mlir::StringAttr">:$map
  );
  let assemblyFormat = [{
    `<` `tiers` `=` `[` custom<Tiers>($tiers) `]`
    (`,` `map` `=` $map^)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Largest number of tiers that the weight image can name.
    static constexpr unsigned kMaxTiers = 4;

    /// The attribute with the index image `bytes`.
    static SparsityAttr getWithMap(::mlir::MLIRContext *context,
                                   ::llvm::ArrayRef<TierAttr> tiers,
                                   ::llvm::ArrayRef<uint8_t> bytes);

    /// The index image; empty if no blocks are chosen (see hasMap).
    ::llvm::SmallVector<uint8_t> getMapBytes() const;

    /// True if the blocks are chosen.
    bool hasMap() const { return static_cast<bool>(getMap()); }
  }];
}

def FX_CirculantAttr : FX_Attr<"Circulant", "circulant"> {
  let summary = "A block-circulant matrix.";
  let description = [{
    The matrix consists of `block x block` circulant blocks, each given by one
    vector of `block` values.

    Example:

    ```mlir
    #fx.circulant<8>
    ```
  }];
  let parameters = (ins "unsigned":$block);
  let assemblyFormat = "`<` $block `>`";
  let genVerifyDecl = 1;
}

#endif // HCGS_DIALECT_FX_IR_FXATTRIBUTES_TD

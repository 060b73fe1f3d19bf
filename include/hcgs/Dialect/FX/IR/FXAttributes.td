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
    output format, in a table with at most how many entries (1..512). The
    numbers of the table are fitted from this when the program is made (A-PWL):
    with the least worst error, or, if `error` is given, with the fewest bytes
    whose worst error is no larger, in output LSBs. `kind` says which kind of
    table, `auto` being left out; a uniform one has a power of two of entries.
    `alpha` and `beta` are given where the function has them.

    `samples` replaces the function by straight lines between points (x, y),
    rising in x; left and right of them it is constant. Then alpha and beta are
    left out.

    Example:

    ```mlir
    #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 128>
    #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 512, error = 1.000000e+00 : f64>
    #fx.pwl<leaky_relu, in = !fx.int<16, 10>, out = !fx.int<13, 8>, segments = 2, kind = uniform, alpha = 0.01 : f32>
    #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 4, samples = dense<[[-1.0, -1.0], [1.0, 1.0]]> : tensor<2x2xf64>>
    ```
  }];
  let parameters = (ins
    EnumParameter<FX_Activation>:$kind,
    "::hcgs::fx::IntType":$in,
    "::hcgs::fx::IntType":$out,
    "unsigned":$segments,
    EnumParameter<FX_PwlKind>:$tableKind,
    OptionalParameter<"::mlir::FloatAttr">:$error,
    OptionalParameter<"::mlir::FloatAttr">:$alpha,
    OptionalParameter<"::mlir::FloatAttr">:$beta,
    OptionalParameter<"::mlir::DenseElementsAttr">:$samples
  );
  let builders = [
    AttrBuilderWithInferredContext<
        (ins "Activation":$kind, "IntType":$in, "IntType":$out,
             "unsigned":$segments, CArg<"PwlKind", "PwlKind::Auto">:$tableKind,
             CArg<"::mlir::FloatAttr", "{}">:$error,
             CArg<"::mlir::FloatAttr", "{}">:$alpha,
             CArg<"::mlir::FloatAttr", "{}">:$beta,
             CArg<"::mlir::DenseElementsAttr", "{}">:$samples), [{
      return $_get(in.getContext(), kind, in, out, segments, tableKind, error,
                   alpha, beta, samples);
    }]>
  ];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Most entries of a table.
    static constexpr unsigned kMaxSegments = 512;
  }];
}

def FX_DirectoryAttr : FX_Attr<"Directory", "directory"> {
  let summary = "The directory of a two-level table.";
  let description = [{
    The fields of A-PWL-6 that a uniform table does not have: where the domain
    starts (`origin`), the fractional bits of bases (`frac`, p), for each region
    its first entry and the log2 of the number of its segments, and, if the
    table is mirrored, its `centre`.

    Example:

    ```mlir
    #fx.directory<origin = 0, frac = 3, first = [0, 4], bits = [2, 0], centre = 4096>
    ```
  }];
  let parameters = (ins
    "int32_t":$origin,
    "unsigned":$frac,
    ArrayRefParameter<"int32_t">:$first,
    ArrayRefParameter<"int32_t">:$bits,
    OptionalParameter<"std::optional<int32_t>">:$centre
  );
  let assemblyFormat = [{
    `<` `origin` `=` $origin `,` `frac` `=` $frac `,`
    `first` `=` `[` $first `]` `,` `bits` `=` `[` $bits `]`
    (`,` `centre` `=` $centre^)? `>`
  }];
  let genVerifyDecl = 1;
}

def FX_ProofAttr : FX_Attr<"Proof", "proof"> {
  let summary = "What is known of a fitted table from looking at all inputs.";
  let description = [{
    Beside the worst error that `hcgs.table` gives: the input code `at` which it
    is; `in_range`, the worst error against the function limited to the output
    format (it differs where the function leaves the format); `rms`, the root of
    the mean squared error; `jump`, the largest difference in output LSBs of two
    neighbouring segments at their edge; whether the table is `monotone` where
    the function is, and follows its `symmetry`.

    Example:

    ```mlir
    #fx.proof<at = 32767, in_range = 0.99907, rms = 0.475, jump = 1, monotone = true, symmetry = exact>
    ```
  }];
  let parameters = (ins
    "int32_t":$at,
    "::mlir::FloatAttr":$inRangeAttr,
    "::mlir::FloatAttr":$rmsAttr,
    "int64_t":$jump,
    "bool":$monotone,
    EnumParameter<FX_Symmetry>:$symmetry
  );
  let builders = [
    AttrBuilder<(ins "int32_t":$at, "double":$inRange, "double":$rms,
                     "int64_t":$jump, "bool":$monotone, "Symmetry":$symmetry), [{
      auto f64 = ::mlir::Float64Type::get($_ctxt);
      return $_get($_ctxt, at, ::mlir::FloatAttr::get(f64, inRange),
                   ::mlir::FloatAttr::get(f64, rms), jump, monotone, symmetry);
    }]>
  ];
  let extraClassDeclaration = [{
    double getInRange() const { return getInRangeAttr().getValueAsDouble(); }
    double getRms() const { return getRmsAttr().getValueAsDouble(); }
  }];
  let assemblyFormat = [{
    `<` `at` `=` $at `,` `in_range` `=` $inRangeAttr `,`
    `rms` `=` $rmsAttr `,`
    `jump` `=` $jump `,` `monotone` `=` $monotone `,`
    `symmetry` `=` $symmetry `>`
  }];
}

def FX_TierAttr : FX_Attr<"Tier", "tier"> {
  let summary = "One tier of a block pattern.";
  let description = [{
    Blocks of `rows x cols`, of which the fraction `num/den` is kept (WI-P-1 to
    WI-P-3): of every block-row of the parent block (`row`), of every
    block-column (`column`), of both at once (`both`), or of the parent as a
    whole (`none`; the map then says how many each block-row keeps).

    Example:

    ```mlir
    #fx.tier<32x32 keep 1/4 row>
    #fx.tier<8x4 keep 3/8 none>
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
    One to eight tiers, from coarse to fine, and, once the blocks are chosen,
    which ones: the packed index image of WI-I as bytes in lower-case hex. The
    pattern is that of one gate (H x I). Without `separate` all gates share one
    `map`; with it each gate has one of its own in `maps`, in gate order.
    Without maps the pattern is asked for but no blocks are chosen yet.

    Example:

    ```mlir
    #fx.sparsity<tiers = [32x32 keep 1/4 row, 4x4 keep 1/4 row]>
    #fx.sparsity<tiers = [4x4 keep 1/2 row], map = "09">
    #fx.sparsity<tiers = [4x4 keep 1/2 row], separate>
    #fx.sparsity<tiers = [4x4 keep 1/2 row], separate, maps = ["09", "05"]>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"TierAttr">:$tiers,
    "bool":$separate,
    OptionalArrayRefParameter<"::mlir::StringAttr">:$maps
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Largest number of tiers that the weight image can name.
    static constexpr unsigned kMaxTiers = 8;

    /// The attribute with one index image for all gates.
    static SparsityAttr getShared(::mlir::MLIRContext *context,
                                  ::llvm::ArrayRef<TierAttr> tiers,
                                  ::llvm::ArrayRef<uint8_t> image);
    /// The attribute with an index image for each gate.
    static SparsityAttr
    getSeparate(::mlir::MLIRContext *context, ::llvm::ArrayRef<TierAttr> tiers,
                ::llvm::ArrayRef<::std::vector<uint8_t>> images);

    /// True if the blocks are chosen.
    bool hasMap() const { return !getMaps().empty(); }

    /// The index image of a gate (of all, if they share it); hasMap().
    ::std::vector<uint8_t> getMapBytes(unsigned gate = 0) const;
    /// All index images one after the other, as they lie in memory.
    ::std::vector<uint8_t> getIndexImage() const;
  }];
}

def FX_CirculantAttr : FX_Attr<"Circulant", "circulant"> {
  let summary = "A block-circulant matrix.";
  let description = [{
    The matrix of each gate consists of `block x block` circulant blocks
    (2..128), cut off at the right and the lower edge where `block` does not
    divide the matrix. Each block is given by its first row: element (r, c) is
    element (c - r) mod `block` of it.

    Example:

    ```mlir
    #fx.circulant<8>
    ```
  }];
  let parameters = (ins "unsigned":$block);
  let assemblyFormat = "`<` $block `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr unsigned kMinBlock = 2;
    static constexpr unsigned kMaxBlock = 128;
  }];
}

#endif // HCGS_DIALECT_FX_IR_FXATTRIBUTES_TD

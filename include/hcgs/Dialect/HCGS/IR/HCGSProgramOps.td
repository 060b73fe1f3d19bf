// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frame of a program: what is declared once, and the time loop.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSPROGRAMOPS_TD
#define HCGS_DIALECT_HCGS_IR_HCGSPROGRAMOPS_TD

include "hcgs/Dialect/FX/IR/FXAttributes.td"
include "hcgs/Dialect/HCGS/IR/HCGSOpBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HCGS_ProgramOp : HCGS_Op<"program", [
    IsolatedFromAbove, NoRegionArguments, NoTerminator, SingleBlock, Symbol,
    SymbolTable
  ]> {
  let summary = "A whole network for the machine.";
  let description = [{
    Declares layers, streams, matrices, tables and the tensors the host sees,
    and holds the time loops. What stands outside the loops happens once a run,
    in the order in which it stands: before the first frame (initial states) or
    after the last (heads on final states).

    `target` names the target whose limits the program was scheduled for; it is
    absent until then.

    Example:

    ```mlir
    hcgs.program @net model <name = "net", producer = "", opset = 17, sha256 = ""> {
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    OptionalAttr<HCGS_ModelAttr>:$model,
    OptionalAttr<StrAttr>:$target
  );
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`model` $model^)? (`target` $target^)?
    attr-dict-with-keyword $body
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, CArg<"ModelAttr", "{}">:$model)>];
  let hasRegionVerifier = 1;
}

def HCGS_LayerOp : HCGS_Op<"layer", [HasParent<"::hcgs::flow::ProgramOp">, Symbol]> {
  let summary = "A layer that dataflow belongs to.";
  let description = [{
    Gives the kind of a layer and the name of its ONNX node. Every operation of
    the dataflow names its layer: the description of the network in the program
    file is derived from that and from nothing else.

    Example:

    ```mlir
    hcgs.layer @L0 lstm "/lstm/LSTM"
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, HCGS_LayerKind:$kind, StrAttr:$node
  );
  let assemblyFormat = "$sym_name $kind $node attr-dict";
}

def HCGS_StreamOp : HCGS_Op<"stream", [HasParent<"::hcgs::flow::ProgramOp">, Symbol]> {
  let summary = "A sequence of frames in host memory.";
  let description = [{
    A stream of the machine (S-T-2): its frames are vectors of `frame`. Scratch
    streams carry values from one pass to the next and are always step streams.

    Example:

    ```mlir
    hcgs.stream @x step in : !hcgs.vec<12 x !fx.int<13, 11>>
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, HCGS_StreamKind:$kind,
    HCGS_StreamDirection:$direction, TypeAttrOf<HCGS_VecType>:$frame
  );
  let assemblyFormat = "$sym_name $kind $direction attr-dict `:` qualified($frame)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The type of one frame.
    VecType getFrameType() { return ::llvm::cast<VecType>(getFrame()); }
  }];
}

def HCGS_IOOp : HCGS_Op<"io", [HasParent<"::hcgs::flow::ProgramOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A tensor that the host sees.";
  let description = [{
    An input or output of the ONNX graph: its name, its axes in its own order,
    and the streams that hold it (L-IO). The order of these operations is the
    order of the graph's inputs and of its outputs. A slice of an input
    that nothing reads has no part, one that is read in several formats has
    several.

    Example:

    ```mlir
    hcgs.io input "input" [<time 0>, <batch 1>, <feature 12>] in [<@x at -1>]
    ```
  }];
  let arguments = (ins
    HCGS_IODirection:$direction, StrAttr:$name,
    TypedArrayAttrBase<HCGS_AxisAttr, "axes">:$dims,
    TypedArrayAttrBase<HCGS_PartAttr, "parts">:$parts
  );
  let assemblyFormat = [{
    $direction $name custom<Axes>($dims) `in` custom<Parts>($parts) attr-dict
  }];
  let hasVerifier = 1;
}

def HCGS_MatrixOp : HCGS_Op<"matrix", [HasParent<"::hcgs::flow::ProgramOp">, Symbol]> {
  let summary = "A weight matrix as codes.";
  let description = [{
    `gates` matrices of `rows x cols` weights, whose row r of gate g is row
    `g*rows + r` of the stacked matrix. `codes` holds the values of the weight
    codes as i8:

    - without `sparsity` (dense): all, as `tensor<gates x rows x cols>`;
    - with `#fx.sparsity` (hcgs): those of the kept positions only, as a
      one-dimensional tensor in the order of the weight image (WI-W-1);
    - with `#fx.circulant`: the first rows of the circulant blocks, as a
      one-dimensional tensor ordered by block-row, gate, block-column, element.
      Elements that no position of the matrix uses have the code of bit pattern
      0.

    The one code that i8 cannot hold, +128 of 8-bit `signmag`, is written 0,
    which is no code of that encoding.

    `bias` holds 32-bit biases in the natural order gate, row, at the scale of
    the accumulator that `hcgs.mvm … bias` starts with them.

    `provenance` says how the matrix came about and what rounding did to it, for
    the report; nothing depends on it.

    Example:

    ```mlir
    hcgs.matrix @W 1x2x3 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]>
        codes dense<[[[1, 2, 3], [-4, 5, 7]]]> : tensor<1x2x3xi8>
        bias dense<[[10, -20]]> : tensor<1x2xi32>
    hcgs.matrix @R 1x4x4 weights <bits = 4, encoding = signmag, rounding = nearest, exps = [3]>
        sparsity #fx.sparsity<tiers = [2x2 keep 1/2 row], map = "02">
        codes dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi8>
    hcgs.matrix @C 1x4x6 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3]>
        sparsity #fx.circulant<4>
        codes dense<[1, 2, 3, 4, 5, 6, 7, -7]> : tensor<8xi8>
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    ConfinedAttr<I64Attr, [IntPositive]>:$gates,
    ConfinedAttr<I64Attr, [IntPositive]>:$rows,
    ConfinedAttr<I64Attr, [IntPositive]>:$cols,
    FX_WeightsAttr:$weights,
    OptionalAttr<AnyAttrOf<[FX_SparsityAttr, FX_CirculantAttr]>>:$sparsity,
    ElementsAttr:$codes,
    OptionalAttr<I32ElementsAttr>:$bias,
    OptionalAttr<DictionaryAttr>:$provenance
  );
  let assemblyFormat = [{
    $sym_name custom<Shape>($gates, $rows, $cols) `weights` $weights
    (`sparsity` $sparsity^)? `codes` $codes (`bias` $bias^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The pattern of kept blocks, or null.
    ::hcgs::fx::SparsityAttr getBlocks() {
      return ::llvm::dyn_cast_or_null<::hcgs::fx::SparsityAttr>(
          getSparsityAttr());
    }
    /// The circulant form, or null.
    ::hcgs::fx::CirculantAttr getCirculant() {
      return ::llvm::dyn_cast_or_null<::hcgs::fx::CirculantAttr>(
          getSparsityAttr());
    }
    /// Whether all weights are stored.
    bool isDense() { return !getSparsityAttr(); }
    /// Number of stored codes.
    int64_t getNumCodes();
    /// The values of the codes in stored order; empty if a resource is missing.
    ::std::vector<int16_t> getCodeValues();
    /// The biases, gate by gate; empty if there are none.
    ::llvm::SmallVector<int32_t> getBiasValues();
  }];
}

def HCGS_TableOp : HCGS_Op<"table", [HasParent<"::hcgs::flow::ProgramOp">, Symbol]> {
  let summary = "A fitted piecewise-linear table.";
  let description = [{
    The numbers of A-PWL for the function and formats of `function`: `k`, `n`,
    `s`, `lo` and `hi`, the entries as `bases` and `slopes`, and the worst error
    in LSBs of the output (A-PWL-4). A two-level table has a `directory`; its
    `k` is w and its `n` the number of regions, as in the program file (PF-4).
    `proof` says what else is known of the table, for the report.

    Example:

    ```mlir
    hcgs.table @relu <relu, in = !fx.int<16, 8>, out = !fx.int<13, 8>, segments = 2>
        k 12 n 1 s 0 lo 0 hi 4095 error 0.5 bases [0, 0] slopes [0, 1]
    hcgs.table @hard_tanh <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2>
        k 12 n 1 s 12 lo -4095 hi 4095 error 976.0
        directory <origin = 0, frac = 0, first = [0], bits = [0], centre = 0>
        bases [0] slopes [4095]
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, FX_PwlAttr:$function,
    I64Attr:$k, I64Attr:$n, I64Attr:$s, I64Attr:$lo, I64Attr:$hi,
    F64Attr:$error, OptionalAttr<FX_DirectoryAttr>:$directory,
    OptionalAttr<FX_ProofAttr>:$proof,
    DenseI16ArrayAttr:$bases, DenseI16ArrayAttr:$slopes
  );
  let assemblyFormat = [{
    $sym_name $function `k` $k `n` $n `s` $s `lo` $lo `hi` $hi
    `error` $error (`directory` $directory^)? (`proof` $proof^)?
    `bases` $bases `slopes` $slopes attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The numbers as the machine evaluates them.
    ::hcgs::numerics::PwlTable getTable();
  }];
}

def HCGS_SequenceOp : HCGS_Op<"sequence", [
    HasParent<"::hcgs::flow::ProgramOp">, IsolatedFromAbove, SingleBlock,
    RecursiveMemoryEffects
  ]> {
  let summary = "A pass: one loop over the time steps.";
  let description = [{
    Runs its body once for each time step, in order. Block argument n is the
    state that operand n of the `hcgs.yield` had in the step before, and operand
    n of the op (initial) in the first. Result n is the state after the last
    step. Layers that take their inputs in the same order share a pass; the
    forward and reverse halves of a bidirectional layer do so too, the reverse
    one by reading and writing its streams `reversed`.

    Example:

    ```mlir
    %hT = hcgs.sequence states(%h = %h0) : !hcgs.vec<4 x !fx.int<13, 12>> {
      %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
      %s = hcgs.vacc %x shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
      %a = hcgs.vacc %h acc %s shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [12]>
      %h1 = hcgs.requant %a[0] shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
      hcgs.yield %h1 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    ```
  }];
  let arguments = (ins Variadic<HCGS_VecType>:$initial);
  let results = (outs Variadic<HCGS_VecType>:$final);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The terminator of the body.
    YieldOp getYield();
    /// The schedule of the body, or null if there is none yet.
    ScheduleOp getSchedule();
  }];
}

def HCGS_YieldOp : HCGS_Op<"yield", [
    HasParent<"::hcgs::flow::SequenceOp">, Pure, Terminator
  ]> {
  let summary = "The states for the next step.";
  let description = [{
    Ends the body of an `hcgs.sequence`. Every operand is made by an operation
    of the body, and none occurs twice: each state has storage of its own.

    Example:

    ```mlir
    hcgs.yield %h1, %c1 : !hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<16, 12>>
    ```
  }];
  let arguments = (ins Variadic<HCGS_VecType>:$states);
  let assemblyFormat = "($states^ `:` type($states))? attr-dict";
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSPROGRAMOPS_TD

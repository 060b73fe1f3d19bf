// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dataflow of a time step, and of what happens once a run.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSFLOWOPS_TD
#define HCGS_DIALECT_HCGS_IR_HCGSFLOWOPS_TD

include "hcgs/Dialect/HCGS/IR/HCGSOpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HCGS_Shift : ConfinedAttr<I64Attr, [IntMinValue<-15>, IntMaxValue<31>]>;
def HCGS_LeftShift : ConfinedAttr<I64Attr, [IntMinValue<0>, IntMaxValue<15>]>;
def HCGS_GateIndex : ConfinedAttr<I64Attr, [IntMinValue<0>, IntMaxValue<3>]>;

/// An operation that reads declarations of the program.
defvar UsesSymbols = DeclareOpInterfaceMethods<SymbolUserOpInterface>;

def HCGS_ConstantOp : HCGS_Op<"constant", [
    HasParent<"::hcgs::flow::ProgramOp">, Pure
  ]> {
  let summary = "A vector known before the program runs.";
  let description = [{
    Codes given one by one, or `zero`. Constants stand in the program and start
    time loops; the file carries them as initial vectors.

    Example:

    ```mlir
    %c0 = hcgs.constant zero : !hcgs.vec<3 x !fx.int<16, 12>>
    %h0 = hcgs.constant [1, -2, 3] : !hcgs.vec<3 x !fx.int<13, 12>>
    ```
  }];
  let arguments = (ins OptionalAttr<DenseI16ArrayAttr>:$codes);
  let results = (outs HCGS_VecType:$result);
  let assemblyFormat = "custom<Codes>($codes) attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def HCGS_ReadOp : HCGS_FlowOp<"read", [Pure, UsesSymbols]> {
  let summary = "A frame of a stream.";
  let description = [{
    In a time loop: frame t of a step stream, or frame T-1-t if `reversed`.
    Outside: the frame of a sequence stream, or the `last` frame (T-1) of a
    step stream.

    Example:

    ```mlir
    %x = hcgs.read @x reversed : !hcgs.vec<12 x !fx.int<13, 11>>
    ```
  }];
  let arguments = (ins
    FlatSymbolRefAttr:$stream,
    DefaultValuedAttr<HCGS_Frames, "::hcgs::flow::Frames::Forward">:$frames
  );
  let results = (outs HCGS_VecType:$result);
  let assemblyFormat = "$stream `` custom<Frames>($frames) attr-dict `:` qualified(type($result))";
}

def HCGS_WriteOp : HCGS_FlowOp<"write", [UsesSymbols]> {
  let summary = "Elements of a frame of a stream.";
  let description = [{
    Writes a vector into elements `at` and following of a frame, chosen as in
    `hcgs.read`. Writes to several places of one frame join values without a
    copy; no two may overlap.

    Example:

    ```mlir
    hcgs.write %h1, @y at 128 reversed : !hcgs.vec<128 x !fx.int<13, 12>>
    ```
  }];
  let arguments = (ins
    HCGS_VecType:$value, FlatSymbolRefAttr:$stream,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$at,
    DefaultValuedAttr<HCGS_Frames, "::hcgs::flow::Frames::Forward">:$frames
  );
  let assemblyFormat = [{
    $value `,` $stream `at` $at `` custom<Frames>($frames) attr-dict `:` qualified(type($value))
  }];
}

def HCGS_MvmOp : HCGS_FlowOp<"mvm", [Pure, UsesSymbols]> {
  let summary = "Matrix times vector, added into accumulators.";
  let description = [{
    For each gate g and row r: start + (sum over kept columns of w*x) <<
    shifts[g] (I-MVM), where start is the accumulator `acc`, the bias of the
    matrix, or 0. The result of an op with `acc` takes over the storage of that
    accumulator, which nothing else may read afterwards. The fraction of gate g
    of the result is exps[g] of the matrix + the fraction of x + shifts[g].

    Example:

    ```mlir
    %a = hcgs.mvm @W, %x bias shifts [0] layer @L0
        : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<1x2, [15]>
    ```
  }];
  let arguments = (ins
    FlatSymbolRefAttr:$matrix, HCGS_VecType:$input, Optional<HCGS_AccType>:$acc,
    UnitAttr:$bias, DenseI64ArrayAttr:$shifts, FlatSymbolRefAttr:$layer
  );
  let results = (outs HCGS_AccType:$result);
  let assemblyFormat = [{
    $matrix `,` $input (`acc` $acc^)? (`bias` $bias^)? `shifts` $shifts
    `layer` $layer attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def HCGS_VmacOp : HCGS_FlowOp<"vmac", [Pure, UsesSymbols]> {
  let summary = "Element products, added into accumulators.";
  let description = [{
    start + (a*b << shl) for each element (I-VMAC); start and storage as in
    `hcgs.mvm`. The fraction of the result is that of a + that of b + shl.

    Example:

    ```mlir
    %s = hcgs.vmac %f, %c shl 0 layer @L0
        : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<16, 12>>) -> !hcgs.acc<1x4, [24]>
    ```
  }];
  let arguments = (ins
    HCGS_VecType:$a, HCGS_VecType:$b, Optional<HCGS_AccType>:$acc,
    HCGS_LeftShift:$shl, FlatSymbolRefAttr:$layer
  );
  let results = (outs HCGS_AccType:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` $acc^)? `shl` $shl `layer` $layer attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def HCGS_VaccOp : HCGS_FlowOp<"vacc", [Pure, UsesSymbols]> {
  let summary = "A vector, added into accumulators.";
  let description = [{
    start + (v << shl) for each element (I-VACC); start and storage as in
    `hcgs.mvm`. The fraction of the result is that of v + shl.

    Example:

    ```mlir
    %s = hcgs.vacc %x shl 2 layer @L0
        : (!hcgs.vec<4 x !fx.int<13, 10>>) -> !hcgs.acc<1x4, [12]>
    ```
  }];
  let arguments = (ins
    HCGS_VecType:$input, Optional<HCGS_AccType>:$acc, HCGS_LeftShift:$shl,
    FlatSymbolRefAttr:$layer
  );
  let results = (outs HCGS_AccType:$result);
  let assemblyFormat = [{
    $input (`acc` $acc^)? `shl` $shl `layer` $layer attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def HCGS_ActOp : HCGS_FlowOp<"act", [Pure, UsesSymbols]> {
  let summary = "Accumulators of one gate through a table.";
  let description = [{
    table(rq(a, shift, 16)) for each row of gate `gate` (I-ACT). The input
    format of the table has the accumulator's fraction less `shift`.

    Example:

    ```mlir
    %i = hcgs.act %a[0] @sigmoid shift 5 layer @L0
        : !hcgs.acc<4x8, [17, 17, 17, 17]> -> !hcgs.vec<8 x !fx.int<13, 12>>
    ```
  }];
  let arguments = (ins
    HCGS_AccType:$acc, HCGS_GateIndex:$gate, FlatSymbolRefAttr:$table,
    HCGS_Shift:$shift, FlatSymbolRefAttr:$layer
  );
  let results = (outs HCGS_VecType:$result);
  let assemblyFormat = [{
    $acc `[` $gate `]` $table `shift` $shift `layer` $layer attr-dict
    `:` qualified(type($acc)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def HCGS_RequantOp : HCGS_FlowOp<"requant", [Pure, UsesSymbols]> {
  let summary = "Accumulators of one gate as codes.";
  let description = [{
    rq(a, shift, bits) for each row of gate `gate` (I-REQUANT), bits being the
    width of the result, whose fraction is the accumulator's less `shift`.

    Example:

    ```mlir
    %c = hcgs.requant %s[0] shift 12 layer @L0
        : !hcgs.acc<1x4, [24]> -> !hcgs.vec<4 x !fx.int<16, 12>>
    ```
  }];
  let arguments = (ins
    HCGS_AccType:$acc, HCGS_GateIndex:$gate, HCGS_Shift:$shift,
    FlatSymbolRefAttr:$layer
  );
  let results = (outs HCGS_VecType:$result);
  let assemblyFormat = [{
    $acc `[` $gate `]` `shift` $shift `layer` $layer attr-dict
    `:` qualified(type($acc)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def HCGS_ConcatOp : HCGS_FlowOp<"concat", [Pure, UsesSymbols]> {
  let summary = "Vectors one after the other.";
  let description = [{
    Joins vectors of one format. Needed where the joined vector is read again
    in the same pass; where it is only written to a stream, `hcgs.write … at`
    joins without a copy.

    Example:

    ```mlir
    %z = hcgs.concat %x, %y layer @L0
        : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<2 x !fx.int<13, 12>>) -> !hcgs.vec<6 x !fx.int<13, 12>>
    ```
  }];
  let arguments = (ins Variadic<HCGS_VecType>:$inputs, FlatSymbolRefAttr:$layer);
  let results = (outs HCGS_VecType:$result);
  let assemblyFormat = [{
    $inputs `layer` $layer attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSFLOWOPS_TD

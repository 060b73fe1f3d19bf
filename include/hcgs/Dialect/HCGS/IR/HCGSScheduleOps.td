// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the parts of the dataflow are issued, and how long values live.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSSCHEDULEOPS_TD
#define HCGS_DIALECT_HCGS_IR_HCGSSCHEDULEOPS_TD

include "hcgs/Dialect/HCGS/IR/HCGSOpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HCGS_VecOrAcc : AnyTypeOf<[HCGS_VecType, HCGS_AccType]>;

def HCGS_ScheduleOp : HCGS_Op<"schedule", [
    HasParent<"::hcgs::flow::SequenceOp">, NoRegionArguments, NoTerminator,
    SingleBlock
  ]> {
  let summary = "The order in which a time step's parts are issued.";
  let description = [{
    Stands before the `hcgs.yield` and lists buffers and one iteration t of the
    steady state: an entry `step k`, 0 <= k <= depth, issues a part of the
    op's instance of time step t+k. Iterations run from -depth to T-1 and an
    entry runs if 0 <= t+k < T, which makes prologue and epilogue. One entry
    becomes one instruction, in this order.

    `report` is what the scheduler says of its work: its name, how tiles were
    chosen, the estimated cycles and what bounds them. It goes into the report;
    nothing depends on it.

    Example:

    ```mlir
    hcgs.schedule depth 1 {
      hcgs.buffer %x slots 2 : !hcgs.vec<4 x !fx.int<13, 12>>
      hcgs.buffer %s slots 1 row_block 2 window 1 : !hcgs.acc<1x4, [12]>
      hcgs.issue %x step 1 : !hcgs.vec<4 x !fx.int<13, 12>>
      hcgs.issue %s blocks 0 to 1 step 0 : !hcgs.acc<1x4, [12]>
    }
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$depth,
                       OptionalAttr<DictionaryAttr>:$report);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`depth` $depth $body attr-dict";
  let hasRegionVerifier = 1;
}

def HCGS_BufferOp : HCGS_Op<"buffer", [HasParent<"::hcgs::flow::ScheduleOp">]> {
  let summary = "The storage of a value.";
  let description = [{
    `slots`: the values of how many steps live at once (a ring of that many).
    `row_block`: the rows of one block (0: the value is one block). `window`:
    how many row blocks of the value are held at once (0: all).
    Values that share storage (an accumulator and what continues it; a state
    and its next value, where the schedule lets them) have one buffer, named by
    the last of them.

    Example:

    ```mlir
    hcgs.buffer %a slots 2 row_block 32 window 2 : !hcgs.acc<4x128, [17, 17, 17, 17]>
    ```
  }];
  let arguments = (ins
    HCGS_VecOrAcc:$value,
    ConfinedAttr<I64Attr, [IntPositive]>:$slots,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$row_block,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$window
  );
  let assemblyFormat = [{
    $value `slots` $slots (`row_block` $row_block^)? (`window` $window^)?
    attr-dict `:` qualified(type($value))
  }];
}

def HCGS_IssueOp : HCGS_Op<"issue", [HasParent<"::hcgs::flow::ScheduleOp">]> {
  let summary = "Issue the operation that makes a value, or a part of it.";
  let description = [{
    Issues row blocks `first` to `last` (exclusive) of the operation whose
    result is `value`, or all of it if no blocks are given. The blocks of an
    `hcgs.concat` are its operands: each is one copy.

    An `hcgs.mvm` can be cut further: into `gates`, and into segments of
    `columns`, begin to end (exclusive), which need only those elements of its
    input. Segments begin and end at block boundaries of tier 1 of a block-sparse
    matrix, at multiples of the block size of a circulant one, anywhere in a
    dense one, and at the last column.

    `tile` is the place of a tile shape in the target's list, for a dense matrix;
    with `retile` the unit takes a partial last segment of rows with a lower
    shape (T-M-1). Without `tile` it is the choice with the fewest cycles for
    this part.

    Example:

    ```mlir
    hcgs.issue %a blocks 0 to 2 step 0 : !hcgs.acc<4x128, [17, 17, 17, 17]>
    hcgs.issue %a blocks 2 to 4 gates [0, 3] columns 0 to 64 tile 1 retile step 1 : !hcgs.acc<4x128, [17, 17, 17, 17]>
    ```
  }];
  let arguments = (ins
    HCGS_VecOrAcc:$value,
    OptionalAttr<I64Attr>:$first, OptionalAttr<I64Attr>:$last,
    OptionalAttr<DenseI64ArrayAttr>:$gates,
    OptionalAttr<I64Attr>:$col_begin, OptionalAttr<I64Attr>:$col_end,
    OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$tile,
    UnitAttr:$retile,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$step
  );
  let assemblyFormat = [{
    $value (`blocks` $first^ `to` $last)? (`gates` $gates^)?
    (`columns` $col_begin^ `to` $col_end)? (`tile` $tile^)? (`retile` $retile^)?
    `step` $step attr-dict `:` qualified(type($value))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Gates as a mask (bit g: gate g); 0: all.
    unsigned getGateMask();
  }];
}

def HCGS_IssueWriteOp : HCGS_Op<"issue_write", [HasParent<"::hcgs::flow::ScheduleOp">]> {
  let summary = "Issue an hcgs.write.";
  let description = [{
    Issues the `hcgs.write` of `value` to elements `at` and following of
    `stream`.

    Example:

    ```mlir
    hcgs.issue_write %y, @y at 0 step 0 : !hcgs.vec<9 x !fx.int<13, 10>>
    ```
  }];
  let arguments = (ins
    HCGS_VecType:$value, FlatSymbolRefAttr:$stream,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$at,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$step
  );
  let assemblyFormat = [{
    $value `,` $stream `at` $at `step` $step attr-dict `:` qualified(type($value))
  }];
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSSCHEDULEOPS_TD

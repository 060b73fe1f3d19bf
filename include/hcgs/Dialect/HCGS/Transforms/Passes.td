// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the hcgs dialect.

#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD
#define HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def HCGSReplicateStreams : Pass<"hcgs-replicate-streams", "::hcgs::flow::ProgramOp"> {
  let summary = "Compute several batch rows together";
  let description = [{
    Gives a program that is not scheduled yet the dataflow of `streams` batch
    rows instead of one: every read, write and computation, in time loops and
    outside, once for each row, with streams and states of its own; matrices,
    tables and constants are shared. Copies of row k > 0 have the attribute
    `hcgs.row = k`, their streams name the stream they are a copy of, and the
    program has `hcgs.rows`. A schedule may interleave the rows as it likes,
    since nothing connects them (`docs/Guides/Streams.md`).

    `streams=1` leaves the program as it is. Fails if the program is scheduled
    already, or if the machine has not as many streams or address registers as
    the rows need.

    ```mlir
    hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
    %hT = hcgs.sequence states(%h = %h0) : … {
      %x = hcgs.read @x : …
      …
      hcgs.yield %h1 : …
    }
    // becomes, with streams=2
    hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.stream @x_row1 step in {hcgs.copy_of = @x, hcgs.row = 1 : i64} : …
    %hT:2 = hcgs.sequence states(%h = %h0, %h_row1 = %h0) : … {
      %x = hcgs.read @x : …
      %x_row1 = hcgs.read @x_row1 {hcgs.row = 1 : i64} : …
      …
      hcgs.yield %h1, %h1_row1 : …
    }
    ```
  }];
  let options = [
    Option<"streams", "streams", "unsigned", "1",
           "how many batch rows are computed together">
  ];
}

def HCGSSchedule : Pass<"hcgs-schedule", "::hcgs::flow::ProgramOp"> {
  let summary = "Choose the order in which each time loop issues its parts";
  let description = [{
    Gives every `hcgs.sequence` an `hcgs.schedule`: the height of the row blocks
    of each layer, one iteration of the steady state as a list of entries, and
    how many slots each buffer needs for that order. The dataflow itself is not
    touched. A schedule that is there already is erased and made anew, so that
    running the pass twice changes nothing.

    `docs/Rationale/Scheduling.md` tells how each schedule is found, and which
    bounds none can beat. Orders are compared by replaying several iterations
    under the timing rules of `docs/Spec/Timing.md` with the numbers of the
    target. The op's `report` says the estimate and the bounds.

    `tile=adaptive` lets every product of a dense matrix take the tile shape with
    the fewest cycles, and its last rows a lower one; `tile=K` gives all of them
    the shape of K rows. Products outside time loops have no entry that could say
    so; for them the program has the attribute `hcgs.tile`, the number of the
    shape.

    Fails if no target is named, if it is unknown or another than the one the
    program names, if there is no schedule of that name or it is not defined for
    the model, if no tile shape has K rows, or if the index map of a matrix does
    not fit it.

    ```mlir
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : …
    hcgs.yield %h1, %c1 : …
    // becomes
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : …
    hcgs.schedule depth 1 {
      hcgs.buffer %h1 slots 2 row_block 32 : …
      …
      hcgs.issue %a blocks 0 to 1 step 0 : …
      …
    }
    hcgs.yield %h1, %c1 : …
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "name of a shipped target or path of a target file; by default the "
           "target that the program names">,
    Option<"scheduleName", "schedule", "std::string", "\"auto\"",
           "how to schedule: a name of docs/Rationale/Scheduling.md">,
    Option<"tile", "tile", "std::string", "\"adaptive\"",
           "tile shapes of dense products: adaptive, or the rows of one shape of "
           "the target">
  ];
}

def HCGSVerifySchedule : Pass<"hcgs-verify-schedule", "::hcgs::flow::ProgramOp"> {
  let summary = "Check that schedules keep the meaning of the dataflow";
  let description = [{
    Checks the `hcgs.schedule` of every `hcgs.sequence`, however it was made:

    1. every row of every operation is issued exactly once a step, of a product
       every row, gate and column; every write once;
    2. every operand's rows are complete for the step that is meant when an
       entry reads them, in the order of the list; a segment of columns reads
       those elements of its operand only;
    3. no slot, and no row block of a window, is overwritten before its last
       reader was issued;
    4. every entry is one instruction: the rows it covers lie side by side in
       every buffer it touches, segments of columns begin and end where blocks
       of the matrix do, and an entry is the first for all of its accumulators
       or for none;
    5. accumulators that start from biases are begun by a product;
    6. on the target that the program or the option names: tile shapes exist,
       and neither the buffers, nor their rings and streams, nor the entries
       take more than its memories and address registers;
    7. no buffer has more slots than can be of use: depth + 2 for the steps whose
       values are needed at a time, and one for each instruction that can wait
       in the target's queues and units, of which no more than 256 count.

    Since the machine keeps program order where ranges conflict (T-H-1) and
    waits where a queue is full (T-D-2), these make a schedule correct. A
    sequence without a schedule is an error. A program that names no target is
    not checked for 6.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "name of a shipped target or path of a target file; by default the "
           "target that the program names">
  ];
}

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD

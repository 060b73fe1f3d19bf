// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the hcgs dialect.

#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD
#define HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def HCGSSchedule : Pass<"hcgs-schedule", "::hcgs::flow::ProgramOp"> {
  let summary = "Choose the order in which each time loop issues its parts";
  let description = [{
    Gives every `hcgs.sequence` an `hcgs.schedule`: the height of the row blocks
    of each layer, one iteration of the steady state as a list of entries, and
    how many slots each buffer needs for that order. The dataflow itself is not
    touched. A schedule that is there already is erased and made anew, so that
    running the pass twice changes nothing.

    `unfolded`, the scheduler of this version, issues what needs no state (loads
    and input products) one step ahead, under the tails of the step before; see
    `docs/Rationale/HCGSDialect.md`. Orders are compared by replaying several
    iterations under the timing rules of `docs/Spec/Timing.md` with the numbers
    of the target; of those within 0.25 % the one with the fewest entries wins,
    then the one with the shortest single step.

    Fails if no target is named, if it is unknown or another than the one the
    program names, if there is no scheduler of that name, or if the index map of
    a matrix does not fit it.

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
    Option<"scheduler", "scheduler", "std::string", "\"unfolded\"",
           "how to schedule: unfolded">
  ];
}

def HCGSVerifySchedule : Pass<"hcgs-verify-schedule", "::hcgs::flow::ProgramOp"> {
  let summary = "Check that schedules keep the meaning of the dataflow";
  let description = [{
    Checks the `hcgs.schedule` of every `hcgs.sequence`, however it was made:

    1. every row of every operation is issued exactly once a step, every write
       once;
    2. every operand's rows are complete for the step that is meant when an
       entry reads them, in the order of the list;
    3. no slot, and no row block of a window, is overwritten before its last
       reader was issued;
    4. every entry is one instruction: the rows it covers lie side by side in
       every buffer it touches.

    Since the machine keeps program order where ranges conflict (T-H-1), these
    make a schedule correct. A sequence without a schedule is an error.
  }];
}

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_TD

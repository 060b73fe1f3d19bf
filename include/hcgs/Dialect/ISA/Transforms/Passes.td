// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of the isa dialect.

#ifndef HCGS_DIALECT_ISA_TRANSFORMS_PASSES_TD
#define HCGS_DIALECT_ISA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ISAVerifyProgram : Pass<"isa-verify-program"> {
  let summary = "check every isa.program against its images and its target";
  let description = [{
    States what may become a program file, the invariant of the last boundary:

    - the target obeys its schema and its own rules;
    - every image is well formed and fits its memory; descriptors lie inside
      the images and use kinds, widths and encodings the target has;
    - every instruction names descriptors, row blocks, gates, tables, streams
      and tiles that exist; addresses without a register lie inside their
      memories; rings contain the values they are set to;
    - every entry reaches a `halt` outside all loops.

    It is the check that the reader of program files makes (I-ERR-1), on the
    program that would be written, with its findings reported at the operation
    they belong to. Nothing is changed. Fails on the first error of each
    program.

    Before and after:

    ```mlir
    isa.act v[0], a[0], n 8, shift 3, table 0   // the program has no tables
    // error: 'isa.act' op field 'table' is 0, allowed none: the program has no
    // tables
    ```
  }];
  let dependentDialects = ["::hcgs::isa::ISADialect"];
}

#endif // HCGS_DIALECT_ISA_TRANSFORMS_PASSES_TD

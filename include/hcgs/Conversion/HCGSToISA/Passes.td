// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversion of scheduled hcgs programs to instructions.

#ifndef HCGS_CONVERSION_HCGSTOISA_PASSES_TD
#define HCGS_CONVERSION_HCGSTOISA_PASSES_TD

include "mlir/Pass/PassBase.td"

def HCGSToISA : Pass<"hcgs-to-isa", "::mlir::ModuleOp"> {
  let summary = "Turn scheduled hcgs programs into instructions";
  let description = [{
    Replaces every `hcgs.program` by an `isa.program`: gives every buffer an
    address, packs the images, writes one instruction for each entry of the
    schedules (prologue and epilogue included) and derives the metadata, above
    all the description of the network (`docs/Spec/Layers.md`), from the
    dataflow. Adds no dependence and reorders nothing.

    Precondition: every `hcgs.sequence` has a schedule that
    `hcgs-verify-schedule` accepts.

    Fails if weights, indices, biases, tables, values or accumulators do not
    fit a memory of the target (the error says which, by how much, and what
    would fit), if the target's matrix unit does not take a matrix, if more
    registers or streams are needed than there are, or if the dataflow of a
    layer does not have the shape of its kind.

    ```mlir
    hcgs.program @net target "generic" { … }
    // becomes
    isa.program @net target {…} meta {…} attributes {weights = …} {
      isa.entry run
      …
    }
    ```
  }];
  let dependentDialects = ["::hcgs::isa::ISADialect"];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "name of a shipped target or path of a target file; by default the "
           "target that the program names">
  ];
}

#endif // HCGS_CONVERSION_HCGSTOISA_PASSES_TD

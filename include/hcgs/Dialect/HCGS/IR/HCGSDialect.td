// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hcgs dialect itself.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSDIALECT_TD
#define HCGS_DIALECT_HCGS_IR_HCGSDIALECT_TD

include "mlir/IR/OpBase.td"

def HCGS_Dialect : Dialect {
  let name = "hcgs";
  let cppNamespace = "::hcgs::flow";
  let summary = "One time step of a recurrent network as fixed-point dataflow.";
  let description = [{
    How a network is computed: compressed matrices, fixed-point vectors and one
    time step as dataflow inside a time loop. Every operation is exact and is
    defined by `docs/Spec/Arithmetic.md`; values of type `!hcgs.vec` live in the
    machine's `vmem`, those of type `!hcgs.acc` in `amem`. When things happen is
    kept apart: `hcgs.schedule` lists the order in which the parts of the
    dataflow are issued and never changes what they mean
    (`docs/Rationale/HCGSDialect.md`).

    Gates are in ONNX's order i, o, f, g.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::hcgs::fx::FXDialect"];
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSDIALECT_TD

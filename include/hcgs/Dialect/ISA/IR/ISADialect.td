// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The isa dialect itself.

#ifndef HCGS_DIALECT_ISA_IR_ISADIALECT_TD
#define HCGS_DIALECT_ISA_IR_ISADIALECT_TD

include "mlir/IR/OpBase.td"

def ISA_Dialect : Dialect {
  let name = "isa";
  let cppNamespace = "::hcgs::isa";
  let summary = "Where and when: one operation an instruction, real addresses.";
  let description = [{
    The last level before the program file. Operations are instructions with
    final addresses; their syntax is that of the assembler, because both are
    generated from `include/hcgs/Target/ISA.td`. `isa.program` holds the
    instructions of one program file and its images; `isa.loop` is the pair
    `loop`, `endloop`.

    The contract with the level above is in `docs/Rationale/IR.md`;
    `--isa-verify-program` checks what needs the whole program and the target.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // HCGS_DIALECT_ISA_IR_ISADIALECT_TD

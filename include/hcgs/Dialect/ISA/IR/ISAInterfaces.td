// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all instruction operations have in common.

#ifndef HCGS_DIALECT_ISA_IR_ISAINTERFACES_TD
#define HCGS_DIALECT_ISA_IR_ISAINTERFACES_TD

include "mlir/IR/OpBase.td"

def ISA_InstructionOpInterface : OpInterface<"InstructionOpInterface"> {
  let description = [{
    An operation that is one instruction.
  }];
  let cppNamespace = "::hcgs::isa";
  let methods = [
    InterfaceMethod<"The numbers of all fields of the instruction.",
                    "::hcgs::isa::RawInstruction", "getRaw">,
    InterfaceMethod<"Index into `network.layers`, if known.",
                    "::std::optional<uint64_t>", "getLayer">,
    InterfaceMethod<"What the instruction does, in words (PF-8).",
                    "::std::optional<::llvm::StringRef>", "getWhat">
  ];
  let extraClassDeclaration = [{
    /// The instruction as a struct. Its fields are legal if the operation
    /// verifies.
    ::hcgs::isa::Instruction getInstruction() { return fromRaw(getRaw()); }
  }];
}

#endif // HCGS_DIALECT_ISA_IR_ISAINTERFACES_TD

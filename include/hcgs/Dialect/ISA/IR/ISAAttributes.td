// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands of instructions that are more than a number. In operations they
// print as in assembly.

#ifndef HCGS_DIALECT_ISA_IR_ISAATTRIBUTES_TD
#define HCGS_DIALECT_ISA_IR_ISAATTRIBUTES_TD

include "hcgs/Dialect/ISA/IR/ISADialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class ISA_Attr<string name, string attrMnemonic>
    : AttrDef<ISA_Dialect, name> {
  let mnemonic = attrMnemonic;
  let hasCustomAssemblyFormat = 1;
}

def ISA_AddrAttr : ISA_Attr<"Addr", "addr"> {
  let summary = "an address: register and offset";
  let description = [{
    The address operand `[aN + off]` of S-R-2; register a0 is always zero and
    is not written. Which memory it points into, and whether the numbers are
    legal, is the instruction's business.

    Example: `#isa<addr[a1 - 64]>`, `#isa<addr[128]>`
  }];
  let parameters = (ins "uint32_t":$reg, "int64_t":$off);
}

def ISA_TripsAttr : ISA_Attr<"Trips", "trips"> {
  let summary = "the trips of a loop";
  let description = [{
    max(0, (seq ? T : 0) + imm), T the sequence length.

    Example: `#isa<trips T - 1>`, `#isa<trips 12>`
  }];
  let parameters = (ins "bool":$seq, "int64_t":$imm);
}

def ISA_GatesAttr : ISA_Attr<"Gates", "gates"> {
  let summary = "a set of gates";
  let description = [{
    Bit g of the mask chooses gate g in the order i, o, f, g.

    Example: `#isa<gates iofg>`
  }];
  let parameters = (ins "uint32_t":$mask);
}

def ISA_InitAttr : ISA_Attr<"Init", "init"> {
  let summary = "what an accumulator starts with";
  let description = [{
    `acc` itself, `zero`, or the `bias`.

    Example: `#isa<init bias>`
  }];
  let parameters = (ins "::hcgs::isa::Init":$value);
}

def ISA_EntryKind : I32EnumAttr<"EntryKind", "an entry point (S-E-1)", [
    I32EnumAttrCase<"Run", 0, "run">,
    I32EnumAttrCase<"Step", 1, "step">,
    I32EnumAttrCase<"Reset", 2, "reset">]> {
  let cppNamespace = "::hcgs::isa";
  let genSpecializedAttr = 0;
}
def ISA_EntryKindAttr : EnumAttr<ISA_Dialect, ISA_EntryKind, "entry">;

#endif // HCGS_DIALECT_ISA_IR_ISAATTRIBUTES_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations of the isa dialect: the structure of a program by hand, one
// operation an instruction generated from hcgs/Target/ISA.td.

#ifndef HCGS_DIALECT_ISA_IR_ISAOPS_TD
#define HCGS_DIALECT_ISA_IR_ISAOPS_TD

include "hcgs/Dialect/ISA/IR/ISAAttributes.td"
include "hcgs/Dialect/ISA/IR/ISAInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class ISA_Op<string mnemonic, list<Trait> traits = []>
    : Op<ISA_Dialect, mnemonic, traits>;

/// An instruction; `structName` is its struct in hcgs/Target/ISA.h.
class ISA_InstructionOp<string mnemonic, string structName>
    : ISA_Op<mnemonic, [ParentOneOf<["ProgramOp", "LoopOp"]>,
                        DeclareOpInterfaceMethods<ISA_InstructionOpInterface,
                                                  ["getRaw"]>]> {
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins
      "const ::hcgs::isa::" # structName # " &":$inst,
      CArg<"const ::hcgs::isa::InstructionNote &", "{}">:$note)>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def ISA_ProgramOp : ISA_Op<"program",
    [Symbol, IsolatedFromAbove, NoTerminator, NoRegionArguments, SingleBlock,
     RegionKindInterface]> {
  let summary = "a whole program file";
  let description = [{
    Holds the instructions of a program in one block without terminator, and
    the images as bytes: `descriptors`, `weights`, `index`, `bias`, `tables`,
    `vinit` and `spill` are the sections of the same names in the program file. `target`
    is the target's JSON and `meta` the metadata (PF-6), both as dictionaries;
    the export adds `format`, `entries` and `target` to the latter. Absent
    images are empty.

    Example:

    ```mlir
    isa.program @copy target {name = "generic"} meta {streams = []} {
      isa.entry run
      isa.halt
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    DictionaryAttr:$target,
    DictionaryAttr:$meta,
    OptionalAttr<ElementsAttr>:$descriptors,
    OptionalAttr<ElementsAttr>:$weights,
    OptionalAttr<ElementsAttr>:$index,
    OptionalAttr<ElementsAttr>:$bias,
    OptionalAttr<ElementsAttr>:$tables,
    OptionalAttr<ElementsAttr>:$vinit,
    OptionalAttr<ElementsAttr>:$spill);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `target` $target `meta` $meta attr-dict-with-keyword $body
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name,
                                 "::mlir::DictionaryAttr":$target,
                                 "::mlir::DictionaryAttr":$meta)>];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Instructions run in the order of the block.
    static ::mlir::RegionKind getRegionKind(unsigned index) {
      return ::mlir::RegionKind::SSACFG;
    }
  }];
}

def ISA_EntryOp : ISA_Op<"entry", [HasParent<"ProgramOp">]> {
  let summary = "an entry point";
  let description = [{
    The next instruction is where `run`, `step` or `reset` begins (S-E-1). Each
    occurs at most once; `run` must. Control falls through.

    Example:

    ```mlir
    isa.entry run
    ```
  }];
  let arguments = (ins ISA_EntryKindAttr:$entry);
  let assemblyFormat = "`` $entry attr-dict";
}

def ISA_LoopOp : ISA_Op<"loop",
    [ParentOneOf<["ProgramOp", "LoopOp"]>, NoTerminator, NoRegionArguments,
     SingleBlock]> {
  let summary = "repeat instructions";
  let description = [{
    Runs the body max(0, (seq ? T : 0) + imm) times, but at most `cap` times if
    there is a cap (I-LOOP). It becomes the instructions `loop` and `endloop`;
    the body's length is counted when the program is written. Loops nest at
    most 4 deep.

    Example:

    ```mlir
    isa.loop T - 1 cap 8 {
      isa.aadd a1, 13
    }
    ```
  }];
  let arguments = (ins
    ISA_TripsAttr:$trips,
    DefaultValuedAttr<I64Attr, "0">:$cap,
    OptionalAttr<I64Attr>:$layer,
    OptionalAttr<StrAttr>:$what);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `` $trips (`cap` $cap^)? attr-dict-with-keyword $body
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "const ::hcgs::isa::Trips &":$trips,
      CArg<"uint32_t", "0">:$cap,
      CArg<"const ::hcgs::isa::InstructionNote &", "{}">:$note)>];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The `loop` instruction, for a body of `length` instructions.
    ::hcgs::isa::RawInstruction getRaw(uint64_t length);
  }];
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

include "hcgs/Dialect/ISA/IR/ISAInstructions.td.inc"

#endif // HCGS_DIALECT_ISA_IR_ISAOPS_TD

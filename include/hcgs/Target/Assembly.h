// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembly text. A file has one instruction or directive a line; comments run
// from `//` or `;` to the end of the line; what stands in brackets or braces
// may go over several lines. The instructions' syntax is generated from
// ISA.td; docs/Guides/Assembly.md describes the directives:
//
//   .target generic
//   .stream x step in 8
//   .desc dense gates 1 bits 6 twos rows 2 cols 2 block 2 weights 0 + 3
//   .weights codes 6 twos [1, -2, 3, 4]
//   .entry run
//     astream a1, stream 0
//     loop T
//       load v[0], x[a1], n 8
//       aadd a1, 16
//     endloop
//     halt
//
// Disassembling a program file and assembling the text again gives the same
// bytes.
//
#ifndef HCGS_TARGET_ASSEMBLY_H
#define HCGS_TARGET_ASSEMBLY_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ISA.h"
#include "hcgs/Target/ProgramFile.h"
#include <string>
#include <string_view>

namespace hcgs {

/// The assembly of one instruction. The `length` of a loop is left out if
/// `countedLoops`: the assembler counts it.
std::string printInstruction(const isa::Instruction &inst,
                             bool countedLoops = false);

/// Reads one instruction; errors begin with the column ("7: ...").
Result<isa::Instruction> parseInstruction(std::string_view text);

struct AssembleOptions {
  /// Check what the program means (verifyProgram). Tests of readers turn it
  /// off to make programs that must be refused.
  bool verify = true;
};

/// Assembles a file. Errors say `file:line:column`, what was found and what is
/// allowed.
Result<Program> assemble(std::string_view text, std::string_view file,
                         AssembleOptions options = {});

struct DisassembleOptions {
  /// Target, metadata, descriptors and images, too: what can be assembled
  /// again. Otherwise instructions and entry points only.
  bool everything = true;
  /// What the debug map says about an instruction, behind it as a comment.
  bool comments = true;
};

/// The text of a program whose sections are well formed.
Result<std::string> disassemble(const Program &program,
                                DisassembleOptions options = {});

} // namespace hcgs

#endif // HCGS_TARGET_ASSEMBLY_H

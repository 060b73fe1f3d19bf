// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Program files (docs/Spec/ProgramFile.md): an ELF64 file with one section for
// each image, checksums and a digest.
//
// Writing is a pure function of the Program: equal programs give equal bytes
// (PF-9). Reading refuses any file that is not exactly what a writer made: the
// digest covers every byte, so whatever single bit is flipped is noticed, and
// what a malicious writer can put behind a right digest is bounded and checked
// before it is used.
//
#ifndef HCGS_TARGET_PROGRAMFILE_H
#define HCGS_TARGET_PROGRAMFILE_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ISA.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

/// The sections of a program file, each as its bytes; Images.h reads them.
struct Program {
  std::vector<uint8_t> text;
  std::vector<uint8_t> descriptors;
  std::vector<uint8_t> weights;
  std::vector<uint8_t> index;
  std::vector<uint8_t> bias;
  std::vector<uint8_t> tables;
  std::vector<uint8_t> vinit;
  /// Images of spilled weights (PF-12); empty if all weights are resident.
  std::vector<uint8_t> spill;
  /// JSON objects (PF-6, PF-7, PF-8); canonical when read from a file.
  std::string meta;
  std::string target;
  /// Absent in a stripped file.
  std::optional<std::string> debug;

  size_t numInstructions() const {
    return text.size() / isa::kInstructionBytes;
  }
  /// Instruction `pc` < numInstructions().
  isa::Word word(size_t pc) const {
    return isa::readWord(text.data() + pc * isa::kInstructionBytes);
  }
  void append(isa::Word word);
  bool operator==(const Program &) const = default;
};

inline constexpr uint32_t kProgramMajor = 1;
/// The newest minor version; a file states the lowest that has all it uses.
inline constexpr uint32_t kProgramMinor = 1;

/// The bytes of a program file. JSON is brought into canonical form (PF-7), and
/// the metadata's `format` and `target` are filled in. Fails if the JSON is
/// malformed or a section is too large; what the program means is not checked.
Result<std::vector<uint8_t>> writeProgram(const Program &program);

struct ReadOptions {
  /// Also check what the program means (verifyProgram).
  bool verify = true;
};

/// Reads a program file and checks it in the order of PF-2.
Result<Program> readProgram(std::span<const uint8_t> bytes,
                            ReadOptions options = {});
/// The same from a file; errors begin with its path.
Result<Program> readProgramFile(const std::string &path,
                                ReadOptions options = {});

/// What can be seen to be wrong without running (I-ERR-1).
struct ProgramError {
  /// The instruction, if the error belongs to one.
  std::optional<size_t> pc;
  std::string message;
  /// "instruction 12: mvm: field 'desc' ...".
  Error toError() const;
};

/// Checks the sections against each other and against the target inside: all
/// instructions decode, loops are closed and at most 4 deep, no entry can run
/// past the end, descriptors, tables, tiles and streams exist, images fit their
/// memories, static addresses lie inside.
std::optional<ProgramError> verifyProgram(const Program &program);

/// Canonical text (PF-7) of a JSON text; `what` names it in errors.
Result<std::string> canonicalJson(std::string_view text, std::string_view what);

/// SHA-256 as 64 hexadecimal digits.
std::string sha256Hex(std::span<const uint8_t> bytes);
std::string sha256Hex(std::string_view bytes);

} // namespace hcgs

#endif // HCGS_TARGET_PROGRAMFILE_H

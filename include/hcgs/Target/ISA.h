// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions as C++ values: one struct an instruction (generated from
// ISA.td), a variant of all of them, and their encoding in 128 bits.
//
//   Mvm mvm;
//   mvm.dst = {.reg = 2, .off = 128};
//   mvm.gates = Gates::all();
//   ...
//   Result<Word> word = encode(mvm);            // refuses illegal fields
//   Result<Instruction> back = decode(*word);   // refuses reserved bits, too
//
// A third form stands between the two: RawInstruction holds the numbers of all
// fields, one a part (an address has two: register and offset), so that
// encoder, decoder, validator, assembler and dialect can work through tables
// instead of one function an instruction.
//
#ifndef HCGS_TARGET_ISA_H
#define HCGS_TARGET_ISA_H

#include "hcgs/Support/Result.h"
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace hcgs::isa {

/// An address operand `[aN + off]` (S-R-2); register a0 is always zero.
struct Addr {
  uint8_t reg = 0;
  int32_t off = 0;
  bool operator==(const Addr &) const = default;
};

/// Trips of a loop: max(0, (seq ? T : 0) + imm).
struct Trips {
  bool seq = false;
  int32_t imm = 0;
  bool operator==(const Trips &) const = default;
};

/// A set of gates; bit g stands for gate g in the order i, o, f, g.
struct Gates {
  uint8_t mask = 0;
  /// The first `count` gates; a matrix of one gate uses gate 0.
  static constexpr Gates all(unsigned count = 4) {
    return {uint8_t((1u << count) - 1)};
  }
  constexpr bool has(unsigned gate) const { return (mask >> gate) & 1; }
  bool operator==(const Gates &) const = default;
};
inline constexpr char kGateLetters[] = "iofg";
/// "of" and back; letters must come in the order of the gates. The empty set is
/// "none" in print and cannot be parsed.
std::string printGates(Gates gates);
std::optional<Gates> parseGates(std::string_view letters);

/// One left shift a gate.
using Shifts = std::array<uint8_t, 4>;

/// Names of registers, loops and streams (S-R-1, S-L-1, S-T-2).
inline constexpr unsigned kNumRegisters = 32;
inline constexpr unsigned kLoopDepth = 4;
inline constexpr unsigned kNumStreams = 64;
inline constexpr unsigned kInstructionBytes = 16;

#include "hcgs/Target/ISA.h.inc"

/// An encoded instruction: bits 63..0 and 127..64.
struct Word {
  uint64_t lo = 0, hi = 0;
  bool operator==(const Word &) const = default;
};
/// The word at `bytes`, 16 of them, little-endian (I-ENC-1), and back.
Word readWord(const uint8_t *bytes);
void writeWord(Word word, uint8_t *bytes);

/// The numbers of all fields of an instruction, in the order of its parts.
struct RawInstruction {
  Opcode opcode;
  std::array<int64_t, kMaxParts> parts{};
};
RawInstruction toRaw(const Instruction &inst);
/// Narrows each number to its field without a check.
Instruction fromRaw(const RawInstruction &raw);

enum class FieldForm : uint8_t {
  Uint,
  Int,
  Flag,
  Reg,
  Addr,
  Trips,
  Gates,
  Shifts,
  Enum
};

/// A run of bits; `name` is empty if the field has one part only.
struct PartInfo {
  const char *name;
  unsigned lsb, width;
  bool isSigned;
  int64_t min, max;
};

struct FieldInfo {
  const char *name;
  FieldForm form;
  /// Of an address: v, a, x or w.
  char space;
  /// Of an enum: the words of values 0, 1, ...
  const char *const *words;
  unsigned firstPart, numParts;
  const char *summary;
};

struct InstructionInfo {
  Opcode opcode;
  const char *mnemonic;
  Unit unit;
  std::span<const FieldInfo> fields;
  std::span<const PartInfo> parts;
  const char *summary;
  const char *clause;
  std::span<const char *const> examples;
};

/// All instructions, by rising opcode.
std::span<const InstructionInfo> allInstructions();
const InstructionInfo &getInfo(Opcode opcode);
/// Null if there is no such instruction.
const InstructionInfo *findOpcode(unsigned code);
const InstructionInfo *findMnemonic(std::string_view mnemonic);
Opcode getOpcode(const Instruction &inst);
/// "load", "matrix", ...
std::string_view getName(Unit unit);

/// A field whose value is illegal: what was found, what is allowed.
struct FieldError {
  std::string field, found, allowed;
  /// "field 'shift' is 40, allowed -15..31".
  std::string message() const;
};

/// The first illegal field, if any (I-ERR-1).
std::optional<FieldError> validate(const RawInstruction &raw);
std::optional<FieldError> validate(const Instruction &inst);

Result<Word> encode(const Instruction &inst);
Result<Word> encode(const RawInstruction &raw);

/// Refuses unknown opcodes, illegal fields and nonzero reserved bits. On
/// failure `detail`, if given, tells the field apart from the rest.
Result<Instruction> decode(Word word, FieldError *detail = nullptr);

} // namespace hcgs::isa

#endif // HCGS_TARGET_ISA_H

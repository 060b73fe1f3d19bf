// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Target/ISA.h"
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;

#include "hcgs/Target/ISA.cpp.inc"

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

std::span<const InstructionInfo> isa::allInstructions() {
  return kInstructions;
}

const InstructionInfo *isa::findOpcode(unsigned code) {
  for (const InstructionInfo &info : kInstructions)
    if (unsigned(info.opcode) == code)
      return &info;
  return nullptr;
}

const InstructionInfo *isa::findMnemonic(std::string_view mnemonic) {
  for (const InstructionInfo &info : kInstructions)
    if (info.mnemonic == mnemonic)
      return &info;
  return nullptr;
}

const InstructionInfo &isa::getInfo(Opcode opcode) {
  return *findOpcode(unsigned(opcode));
}

Opcode isa::getOpcode(const Instruction &inst) {
  return std::visit([](const auto &held) { return held.opcode; }, inst);
}

std::string_view isa::getName(Unit unit) { return kUnitNames[unsigned(unit)]; }

std::string isa::printGates(Gates gates) {
  std::string letters;
  for (unsigned gate = 0; gate < 4; ++gate)
    if (gates.has(gate))
      letters += kGateLetters[gate];
  return letters.empty() ? "none" : letters;
}

std::optional<Gates> isa::parseGates(std::string_view letters) {
  Gates gates;
  for (unsigned gate = 0; gate < 4; ++gate)
    if (letters.starts_with(kGateLetters[gate])) {
      gates.mask |= 1 << gate;
      letters.remove_prefix(1);
    }
  if (!letters.empty() || gates.mask == 0)
    return std::nullopt;
  return gates;
}

RawInstruction isa::toRaw(const Instruction &inst) {
  return std::visit(ToRaw{}, inst);
}

Instruction isa::fromRaw(const RawInstruction &raw) {
  return makeInstruction(raw);
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

Word isa::readWord(const uint8_t *bytes) {
  Word word;
  for (unsigned i = 0; i < 8; ++i) {
    word.lo |= uint64_t(bytes[i]) << (8 * i);
    word.hi |= uint64_t(bytes[8 + i]) << (8 * i);
  }
  return word;
}

void isa::writeWord(Word word, uint8_t *bytes) {
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = uint8_t(word.lo >> (8 * i));
    bytes[8 + i] = uint8_t(word.hi >> (8 * i));
  }
}

static uint64_t maskOf(unsigned width) { return (uint64_t(1) << width) - 1; }

/// Bits lsb + width - 1 .. lsb; width is at most 32, and a part may straddle
/// the two halves.
static uint64_t extractBits(Word word, unsigned lsb, unsigned width) {
  uint64_t bits;
  if (lsb >= 64)
    bits = word.hi >> (lsb - 64);
  else if (lsb == 0)
    bits = word.lo;
  else
    bits = (word.lo >> lsb) | (word.hi << (64 - lsb));
  return bits & maskOf(width);
}

static void insertBits(Word &word, unsigned lsb, unsigned width,
                       uint64_t value) {
  value &= maskOf(width);
  if (lsb >= 64) {
    word.hi |= value << (lsb - 64);
    return;
  }
  word.lo |= value << lsb;
  if (lsb + width > 64)
    word.hi |= value >> (64 - lsb);
}

static int64_t signExtend(uint64_t bits, unsigned width) {
  uint64_t sign = uint64_t(1) << (width - 1);
  return int64_t(bits ^ sign) - int64_t(sign);
}

//===----------------------------------------------------------------------===//
// Legal values
//===----------------------------------------------------------------------===//

std::string FieldError::message() const {
  return fmt::format("field '{}' is {}, allowed {}", field, found, allowed);
}

static std::string nameOf(const FieldInfo &field, const PartInfo &part) {
  return *part.name ? fmt::format("{}.{}", field.name, part.name)
                    : std::string(field.name);
}

static std::string allowedOf(const FieldInfo &field, const PartInfo &part) {
  switch (field.form) {
  case FieldForm::Enum: {
    std::string words;
    for (int64_t value = part.min; value <= part.max; ++value)
      words += fmt::format("{}{} ({})", words.empty() ? "" : ", ", value,
                           field.words[value]);
    return words;
  }
  case FieldForm::Gates:
    return "1..15 (at least one gate)";
  case FieldForm::Reg:
    return fmt::format("a{}..a{}", part.min, part.max);
  default:
    return fmt::format("{}..{}", part.min, part.max);
  }
}

static std::string foundIn(const FieldInfo &field, int64_t value) {
  return field.form == FieldForm::Reg ? fmt::format("a{}", value)
                                      : fmt::format("{}", value);
}

std::optional<FieldError> isa::validate(const RawInstruction &raw) {
  const InstructionInfo &info = getInfo(raw.opcode);
  for (const FieldInfo &field : info.fields)
    for (unsigned i = field.firstPart; i < field.firstPart + field.numParts;
         ++i) {
      const PartInfo &part = info.parts[i];
      if (raw.parts[i] < part.min || raw.parts[i] > part.max)
        return FieldError{nameOf(field, part), foundIn(field, raw.parts[i]),
                          allowedOf(field, part)};
    }
  return std::nullopt;
}

std::optional<FieldError> isa::validate(const Instruction &inst) {
  return validate(toRaw(inst));
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

Result<Word> isa::encode(const RawInstruction &raw) {
  const InstructionInfo &info = getInfo(raw.opcode);
  if (std::optional<FieldError> error = validate(raw))
    return Error{error->message()}.at(info.mnemonic);
  Word word;
  insertBits(word, 0, 8, uint64_t(raw.opcode));
  for (unsigned i = 0; i < info.parts.size(); ++i)
    insertBits(word, info.parts[i].lsb, info.parts[i].width,
               uint64_t(raw.parts[i]));
  return word;
}

Result<Word> isa::encode(const Instruction &inst) {
  return encode(toRaw(inst));
}

static Error report(FieldError error, std::string_view where,
                    FieldError *detail) {
  if (detail)
    *detail = error;
  Error result{error.message()};
  return where.empty() ? result : result.at(where);
}

Result<Instruction> isa::decode(Word word, FieldError *detail) {
  unsigned code = extractBits(word, 0, 8);
  const InstructionInfo *info = findOpcode(code);
  if (!info) {
    std::string known;
    for (const InstructionInfo &each : kInstructions)
      known += fmt::format("{}{:#04x} {}", known.empty() ? "" : ", ",
                           unsigned(each.opcode), each.mnemonic);
    return report({"opcode", fmt::format("{:#04x}", code), known}, "", detail);
  }

  RawInstruction raw{info->opcode, {}};
  Word used;
  insertBits(used, 0, 8, 0xff);
  for (unsigned i = 0; i < info->parts.size(); ++i) {
    const PartInfo &part = info->parts[i];
    uint64_t bits = extractBits(word, part.lsb, part.width);
    raw.parts[i] = part.isSigned ? signExtend(bits, part.width) : int64_t(bits);
    insertBits(used, part.lsb, part.width, ~uint64_t(0));
  }
  for (unsigned bit = 0; bit < 128; ++bit)
    if (extractBits(word, bit, 1) && !extractBits(used, bit, 1))
      return report({fmt::format("reserved bit {}", bit), "1", "0"},
                    info->mnemonic, detail);
  if (std::optional<FieldError> error = validate(raw))
    return report(*error, info->mnemonic, detail);
  return fromRaw(raw);
}

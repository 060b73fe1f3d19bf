// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encodings: every field of every instruction at its extremes, legal sets,
// reserved bits, opcodes. The tests walk the generated tables, so that a new
// instruction is tested without a change here; fixed words pin the layout.

#include "hcgs/Target/ISA.h"
#include "gtest/gtest.h"
#include <set>

using namespace hcgs;
using namespace hcgs::isa;

namespace {

/// An instruction whose parts all have their smallest legal value.
RawInstruction smallest(const InstructionInfo &info) {
  RawInstruction raw{info.opcode, {}};
  for (unsigned i = 0; i < info.parts.size(); ++i)
    raw.parts[i] = info.parts[i].min;
  return raw;
}

Word setBit(Word word, unsigned bit) {
  (bit < 64 ? word.lo : word.hi) |= uint64_t(1) << (bit % 64);
  return word;
}

bool getBit(Word word, unsigned bit) {
  return ((bit < 64 ? word.lo : word.hi) >> (bit % 64)) & 1;
}

/// The bits the table gives to fields, the opcode's included.
std::vector<int> ownersOfBits(const InstructionInfo &info) {
  std::vector<int> owners(128, 0);
  for (unsigned bit = 0; bit < 8; ++bit)
    ++owners[bit];
  for (const PartInfo &part : info.parts)
    for (unsigned bit = part.lsb; bit < part.lsb + part.width; ++bit)
      ++owners.at(bit);
  return owners;
}

TEST(ISA, OpcodesAndMnemonicsAreUnique) {
  std::set<unsigned> codes;
  std::set<std::string_view> mnemonics;
  for (const InstructionInfo &info : allInstructions()) {
    EXPECT_NE(unsigned(info.opcode), 0u) << info.mnemonic;
    EXPECT_TRUE(codes.insert(unsigned(info.opcode)).second) << info.mnemonic;
    EXPECT_TRUE(mnemonics.insert(info.mnemonic).second) << info.mnemonic;
    EXPECT_EQ(findOpcode(unsigned(info.opcode)), &info);
    EXPECT_EQ(findMnemonic(info.mnemonic), &info);
  }
  EXPECT_EQ(codes.size(), std::variant_size_v<Instruction>);
}

TEST(ISA, FieldsShareNoBit) {
  for (const InstructionInfo &info : allInstructions())
    for (int owners : ownersOfBits(info))
      EXPECT_LE(owners, 1) << info.mnemonic;
}

TEST(ISA, EveryFieldRoundTripsAtItsExtremes) {
  for (const InstructionInfo &info : allInstructions()) {
    for (unsigned i = 0; i < info.parts.size(); ++i)
      for (int64_t value : {info.parts[i].min, info.parts[i].max}) {
        RawInstruction raw = smallest(info);
        raw.parts[i] = value;
        Result<Word> word = encode(raw);
        ASSERT_TRUE(word) << word.message();
        Result<Instruction> back = decode(*word);
        ASSERT_TRUE(back) << back.message();
        EXPECT_EQ(toRaw(*back).parts, raw.parts)
            << info.mnemonic << " part " << i;
        EXPECT_EQ(*back, fromRaw(raw));
        EXPECT_EQ(getOpcode(*back), info.opcode);
      }
  }
}

TEST(ISA, ValuesBesideTheLegalSetAreRefused) {
  for (const InstructionInfo &info : allInstructions())
    for (const FieldInfo &field : info.fields)
      for (unsigned i = field.firstPart; i < field.firstPart + field.numParts;
           ++i)
        for (int64_t value : {info.parts[i].min - 1, info.parts[i].max + 1}) {
          RawInstruction raw = smallest(info);
          raw.parts[i] = value;
          Result<Word> word = encode(raw);
          ASSERT_FALSE(word) << info.mnemonic << " " << field.name;
          EXPECT_NE(word.message().find(field.name), std::string::npos);
          EXPECT_NE(word.message().find("allowed"), std::string::npos);
        }
}

/// Every bit pattern a decoder can meet in one part, if it is narrow: legal
/// ones decode to themselves, others are refused.
TEST(ISA, DecoderKnowsLegalSets) {
  for (const InstructionInfo &info : allInstructions()) {
    Result<Word> base = encode(smallest(info));
    ASSERT_TRUE(base);
    for (unsigned i = 0; i < info.parts.size(); ++i) {
      const PartInfo &part = info.parts[i];
      if (part.width > 8)
        continue;
      for (unsigned bits = 0; bits < (1u << part.width); ++bits) {
        Word word = *base;
        for (unsigned bit = 0; bit < part.width; ++bit) {
          uint64_t mask = uint64_t(1) << ((part.lsb + bit) % 64);
          uint64_t &half = part.lsb + bit < 64 ? word.lo : word.hi;
          half = (bits >> bit) & 1 ? half | mask : half & ~mask;
        }
        int64_t value = bits;
        if (part.isSigned && bits >= (1u << (part.width - 1)))
          value -= int64_t(1) << part.width;
        bool legal = value >= part.min && value <= part.max;
        Result<Instruction> inst = decode(word);
        ASSERT_EQ(inst.ok(), legal) << info.mnemonic << " part " << i;
        if (legal)
          EXPECT_EQ(toRaw(*inst).parts[i], value);
      }
    }
  }
}

TEST(ISA, ReservedBitsMustBeZero) {
  for (const InstructionInfo &info : allInstructions()) {
    Result<Word> base = encode(smallest(info));
    ASSERT_TRUE(base);
    std::vector<int> owners = ownersOfBits(info);
    for (unsigned bit = 0; bit < 128; ++bit) {
      if (owners[bit])
        continue;
      EXPECT_FALSE(getBit(*base, bit)) << info.mnemonic << " bit " << bit;
      FieldError detail;
      Result<Instruction> inst = decode(setBit(*base, bit), &detail);
      ASSERT_FALSE(inst) << info.mnemonic << " bit " << bit;
      EXPECT_EQ(detail.field, "reserved bit " + std::to_string(bit));
    }
  }
}

TEST(ISA, UnknownOpcodesAreRefused) {
  for (unsigned code = 0; code < 256; ++code) {
    if (findOpcode(code))
      continue;
    FieldError detail;
    EXPECT_FALSE(decode(Word{code, 0}, &detail));
    EXPECT_EQ(detail.field, "opcode");
  }
}

TEST(ISA, WordsAreLittleEndian) {
  uint8_t bytes[16];
  writeWord({0x0706050403020100, 0x0f0e0d0c0b0a0908}, bytes);
  for (unsigned i = 0; i < 16; ++i)
    EXPECT_EQ(bytes[i], i);
  EXPECT_EQ(readWord(bytes), (Word{0x0706050403020100, 0x0f0e0d0c0b0a0908}));
}

/// The layout is a contract with program files that exist (PF-10).
TEST(ISA, PinnedEncodings) {
  auto expectWord = [](const Instruction &inst, uint64_t hi, uint64_t lo) {
    Result<Word> word = encode(inst);
    ASSERT_TRUE(word) << word.message();
    EXPECT_EQ(word->lo, lo) << std::hex << word->lo;
    EXPECT_EQ(word->hi, hi) << std::hex << word->hi;
  };
  expectWord(Halt{}, 0, 0x01);
  // trips at 8, cap at 41, length at 73.
  expectWord(Loop{.trips = {true, -1}, .cap = 2, .length = 5}, 5u << 9,
             0x03 | 1ull << 8 | 0xffffffffull << 9 | 2ull << 41);
  expectWord(Load{.dst = {1, 2}, .src = {4, -1}, .n = 440}, 440ull << 19,
             0x10 | 1ull << 8 | 2ull << 13 | 4ull << 33 | 0xfffffull << 38);
  expectWord(Mvm{.dst = {2, 128},
                 .src = {1, -64},
                 .desc = 3,
                 .first = 0,
                 .count = 4,
                 .gates = Gates::all(),
                 .init = Init::Bias,
                 .shifts = {0, 0, 1, 0},
                 .tile = 9},
             4ull << 20 | 15ull << 36 | 2ull << 40 | 1ull << 50 | 9ull << 58,
             0x20 | 2ull << 8 | 128ull << 13 | 1ull << 33 |
                 (0xfffffull & -64ull) << 38 | 3ull << 58);
  // bit 126, and 24 bits of n.
  expectWord(Mvm{.count = 1, .gates = {1}, .retile = true},
             1ull << 62 | 1ull << 20 | 1ull << 36, 0x20);
  expectWord(WLoad{.dst = {1, 2}, .src = {4, -1}, .n = 0xffffff},
             0xffffffull << 19,
             0x11 | 1ull << 8 | 2ull << 13 | 4ull << 33 | 0xfffffull << 38);
  expectWord(
      Act{.dst = {3, 0}, .src = {0, 0}, .n = 1, .shift = -15, .table = 7},
      1ull << 19 | (0x3full & -15ull) << 39 | 7ull << 45, 0x30 | 3ull << 8);
}

TEST(ISA, MessagesNameFieldFoundAndAllowed) {
  Result<Word> word = encode(Act{.n = 1, .shift = 32});
  ASSERT_FALSE(word);
  EXPECT_EQ(word.message(), "act: field 'shift' is 32, allowed -15..31");
  word = encode(AAdd{.dst = 0, .imm = 1});
  ASSERT_FALSE(word);
  EXPECT_EQ(word.message(), "aadd: field 'dst' is a0, allowed a1..a31");
  word = encode(VAcc{.n = 1, .init = Init::Bias});
  ASSERT_FALSE(word);
  EXPECT_EQ(word.message(),
            "vacc: field 'init' is 2, allowed 0 (acc), 1 (zero)");
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Program files: round trips, determinism, damage of every kind (PF-1..PF-11).

#include "hcgs/Target/ProgramFile.h"
#include "TestProgram.h"
#include "hcgs/Target/Export.h"
#include "hcgs/Target/Images.h"
#include <cstring>
#include <random>
#include <zlib.h>

using namespace hcgs;
using namespace hcgs::test;

namespace {

std::string errorOf(std::span<const uint8_t> bytes) {
  Result<Program> program = readProgram(bytes);
  return program ? "" : program.message();
}

void put(std::vector<uint8_t> &bytes, size_t at, uint64_t value,
         unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    bytes.at(at + i) = uint8_t(value >> (8 * i));
}

uint64_t get(std::span<const uint8_t> bytes, size_t at, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= uint64_t(bytes[at + i]) << (8 * i);
  return value;
}

/// What the reader says of the first of some descriptors with a field changed.
std::string refusal(std::vector<uint8_t> descriptors, size_t at, uint64_t value,
                    unsigned size) {
  put(descriptors, 8 + at, value, size);
  Result<std::vector<MatrixDescriptor>> read = readDescriptors(descriptors);
  return read ? std::string() : read.message();
}

/// Makes the digest right again, as somebody who means harm would.
void renewDigest(std::vector<uint8_t> &bytes) {
  std::fill_n(bytes.begin() + 80, 32, 0);
  std::string hex = sha256Hex(std::span<const uint8_t>(bytes));
  for (unsigned i = 0; i < 32; ++i)
    bytes[80 + i] = uint8_t(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
}

TEST(ProgramFile, RoundTrips) {
  Program program = makeProgram();
  std::vector<uint8_t> bytes = makeFile();
  Result<Program> back = readProgram(bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(back->text, program.text);
  EXPECT_EQ(back->descriptors, program.descriptors);
  EXPECT_EQ(back->weights, program.weights);
  EXPECT_EQ(back->index, program.index);
  EXPECT_EQ(back->bias, program.bias);
  EXPECT_EQ(back->tables, program.tables);
  EXPECT_EQ(back->vinit, program.vinit);
  EXPECT_EQ(back->debug, program.debug);
  Result<std::vector<uint8_t>> again = writeProgram(*back);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, bytes);
}

TEST(ProgramFile, MetadataNamesTheTarget) {
  Result<Program> program = readProgram(makeFile());
  ASSERT_TRUE(program);
  EXPECT_NE(
      program->meta.find("\"target\":{\"name\":\"generic\",\"sha256\":\"" +
                         sha256Hex(program->target) + "\"}"),
      std::string::npos);
  EXPECT_NE(program->meta.find("\"format\":\"hcgs-program\""),
            std::string::npos);
}

/// PF-9, and PF-7: the order of keys and white space do not matter.
TEST(ProgramFile, EqualInputsGiveEqualBytes) {
  Program program = makeProgram();
  Program other = program;
  other.meta = "  " + other.meta + "\n";
  EXPECT_EQ(*writeProgram(program), *writeProgram(other));
}

TEST(ProgramFile, CanonicalJson) {
  EXPECT_EQ(
      *canonicalJson("{ \"b\" : [1.50, -0, 1e2],\n \"a\": \"\\u00e4\"}", "x"),
      "{\"a\":\"\u00e4\",\"b\":[1.5,0,100.0]}");
  EXPECT_EQ(canonicalJson("{\"a\":1,\"a\":2}", "x").message(),
            "x: key 'a' occurs twice");
  EXPECT_EQ(canonicalJson("{\"a\":[0,[1],{\"b/c\":{\"d\":[],\"e\":{\"d\":1},"
                          "\"d\":2}}]}",
                          "x")
                .message(),
            "x: /a/2/b~1c: key 'd' occurs twice");
  EXPECT_EQ(canonicalJson(std::string(100000, '['), "x").message(),
            "x: /0/0/0/0/0/0/0/0/...: values nest more than 64 deep");
  EXPECT_FALSE(canonicalJson("{", "x"));
  EXPECT_FALSE(canonicalJson("\"\xff\"", "x"));
}

TEST(ProgramFile, HeaderIsWhereTheSpecificationSays) {
  std::vector<uint8_t> bytes = makeFile();
  EXPECT_EQ(std::memcmp(bytes.data(),
                        "\x7f"
                        "ELF\x02\x01\x01",
                        7),
            0);
  EXPECT_EQ(get(bytes, 16, 2), 2u);      // ET_EXEC
  EXPECT_EQ(get(bytes, 18, 2), 0x4847u); // "HG"
  EXPECT_EQ(get(bytes, 56, 2), 0u);      // no program headers
  EXPECT_EQ(std::memcmp(bytes.data() + 64, "HCGSPROG", 8), 0);
  EXPECT_EQ(get(bytes, 72, 4), 1u);
  EXPECT_EQ(get(bytes, 76, 4), 0u);
  EXPECT_EQ(get(bytes, 112, 8), bytes.size());
  // Every section starts at a multiple of 16, behind zeros.
  uint64_t headers = get(bytes, 40, 8);
  for (unsigned i = 1; i < get(bytes, 60, 2); ++i)
    EXPECT_EQ(get(bytes, headers + 64 * i + 24, 8) % 16, 0u);
}

TEST(ProgramFile, EverySingleFlippedBitIsRefused) {
  std::vector<uint8_t> bytes = makeFile();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    ASSERT_FALSE(readProgram(bytes))
        << "byte " << bit / 8 << " bit " << bit % 8;
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
  }
  EXPECT_TRUE(readProgram(bytes));
}

TEST(ProgramFile, EveryTruncationIsRefused) {
  std::vector<uint8_t> bytes = makeFile();
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(readProgram(std::span(bytes).first(size))) << size;
  bytes.push_back(0);
  EXPECT_FALSE(readProgram(bytes));
}

/// PF-2: the order of the checks shows in the messages.
TEST(ProgramFile, ChecksInOrder) {
  std::vector<uint8_t> good = makeFile();
  EXPECT_EQ(errorOf({}), "not a program file: no ELF magic at offset 0");
  EXPECT_EQ(errorOf(std::span(good).first(100)),
            "truncated: 100 bytes, a program file has at least 192");
  // Everything is wrong; mended one after the other.
  std::vector<uint8_t> bytes = good;
  bytes.pop_back();
  bytes[0] = bytes[64] = 0;
  put(bytes, 72, 2, 4);
  EXPECT_EQ(errorOf(bytes), "not a program file: no ELF magic at offset 0");
  bytes[0] = 0x7f;
  EXPECT_EQ(errorOf(bytes), "not a program file: an ELF file without "
                            "'HCGSPROG' at offset 64");
  bytes[64] = 'H';
  EXPECT_EQ(errorOf(bytes).substr(0, 51),
            "format version is 2.x, this reader knows 1.x; compi");
  put(bytes, 72, 1, 4);
  EXPECT_EQ(errorOf(bytes), "truncated: the header says " +
                                std::to_string(good.size()) + " bytes, found " +
                                std::to_string(bytes.size()));
  put(bytes, 112, bytes.size(), 8);
  EXPECT_EQ(errorOf(bytes).substr(0, 31), "damaged: the SHA-256 of the fil");
}

/// PF-2: a reader of version 1.0 must not run what it would misunderstand.
TEST(ProgramFile, TheMinorIsTheLowestThatHasAllThatIsUsed) {
  auto minorOf = [](const Program &program) {
    Result<std::vector<uint8_t>> bytes = writeProgram(program);
    EXPECT_TRUE(bytes) << bytes.message();
    return bytes ? get(*bytes, 76, 4) : 99;
  };
  EXPECT_EQ(minorOf(makeProgram()), 0u);

  Program program = makeProgram();
  program.spill = {1, 2};
  EXPECT_EQ(minorOf(program), 1u);

  Result<std::vector<MatrixDescriptor>> descriptors =
      readDescriptors(makeProgram().descriptors);
  ASSERT_TRUE(descriptors);
  program = makeProgram();
  program.descriptors = writeDescriptors(*descriptors);
  EXPECT_EQ(minorOf(program), 0u);
  descriptors->front().colEnd = 1; // a view
  program.descriptors = writeDescriptors(*descriptors);
  EXPECT_EQ(minorOf(program), 1u);

  std::string text = kEverySection;
  text.replace(text.find("tile 8"), 6, "tile 8 retile");
  Result<Program> retiling = assemble(text, "retile.s", {.verify = false});
  ASSERT_TRUE(retiling) << retiling.message();
  EXPECT_EQ(minorOf(*retiling), 1u);

  program = makeProgram();
  program.append(*isa::encode(isa::WLoad{.n = 4}));
  EXPECT_EQ(minorOf(program), 1u);

  for (auto [rows, minor] : {std::pair(1, 0u), {2, 1u}}) {
    program = makeProgram();
    program.meta.insert(program.meta.find('{') + 1,
                        "\"rows\":" + std::to_string(rows) + ",");
    EXPECT_EQ(minorOf(program), minor) << rows;
  }
}

TEST(ProgramFile, NewerMinorIsAccepted) {
  std::vector<uint8_t> bytes = makeFile();
  put(bytes, 76, 7, 4);
  renewDigest(bytes);
  EXPECT_TRUE(readProgram(bytes));
}

/// A wrong checksum behind a right digest is still found.
TEST(ProgramFile, ChecksumsAreChecked) {
  std::vector<uint8_t> bytes = makeFile();
  bytes[192] ^= 1; // the first instruction
  renewDigest(bytes);
  EXPECT_EQ(errorOf(bytes).substr(0, 28), "section .hcgs.text: CRC-32 i");
}

/// PF-11: nothing behind a right digest makes the reader crash, hang or take
/// memory. Seeded, so that a failure can be repeated.
TEST(ProgramFile, MalformedFilesNeverCrash) {
  std::vector<uint8_t> good = makeFile();
  std::mt19937 random(20260101);
  size_t refused = 0;
  uint64_t headers = get(good, 40, 8);
  for (unsigned round = 0; round < 3000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (unsigned i = 0; i < 1 + round % 4; ++i) {
      // Section headers and the heads of sections are the interesting part.
      size_t at = round % 2 ? headers + random() % (good.size() - headers)
                            : random() % good.size();
      static constexpr uint64_t values[] = {
          0, 1, 0xff, 0x7fffffff, 0xffffffff, ~uint64_t(0)};
      unsigned size = 1u << random() % 4;
      if (at + size <= bytes.size())
        put(bytes, at, random() % 2 ? values[random() % 6] : random(), size);
    }
    renewDigest(bytes);
    if (!readProgram(bytes))
      ++refused;
  }
  EXPECT_GT(refused, 2000u);
}

TEST(ProgramFile, StripRemovesTheDebugMapOnly) {
  Program program = makeProgram();
  ASSERT_TRUE(program.debug);
  program.debug.reset();
  Result<std::vector<uint8_t>> bytes = writeProgram(program);
  ASSERT_TRUE(bytes);
  EXPECT_LT(bytes->size(), makeFile().size());
  Result<Program> back = readProgram(*bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_FALSE(back->debug);
  EXPECT_EQ(back->weights, program.weights);
}

TEST(ProgramFile, Sha256) {
  EXPECT_EQ(sha256Hex(std::string_view("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

TEST(Images, DescriptorLayout) {
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Hcgs;
  desc.gates = 4;
  desc.format = {6, numerics::WeightEncoding::SignMag};
  desc.rows = 512;
  desc.cols = 440;
  desc.rowBlock = 64;
  desc.bias = 7;
  desc.weightOffset = 100;
  desc.weightBytes = 200;
  desc.indexOffset = 3;
  desc.indexBytes = 4;
  desc.pattern.tiers = {{32, 32, 1, 4, compression::Balance::Row},
                        {4, 4, 1, 4, compression::Balance::Column}};
  std::vector<uint8_t> bytes = writeDescriptors({&desc, 1});
  ASSERT_EQ(bytes.size(), 8u + 144);
  EXPECT_EQ(get(bytes, 0, 4), 1u);
  EXPECT_EQ(get(bytes, 4, 4), 1u);
  EXPECT_EQ(get(bytes, 8, 4), 0x01060401u); // encoding, bits, gates, kind
  EXPECT_EQ(get(bytes, 8 + 4, 4), 512u);
  EXPECT_EQ(get(bytes, 8 + 16, 4), 7u);
  EXPECT_EQ(get(bytes, 8 + 36, 4), 2u);
  EXPECT_EQ(get(bytes, 8 + 40 + 12 + 8, 1), 1u); // balance of tier 2
  Result<std::vector<MatrixDescriptor>> back = readDescriptors(bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(writeDescriptors(*back), bytes);
  EXPECT_EQ(back->front().pattern, desc.pattern);

  auto refused = [&](size_t at, uint64_t value, unsigned size) {
    return refusal(bytes, at, value, size);
  };
  EXPECT_EQ(refused(0, 3, 1), "descriptor 0: kind is 3, allowed 0 (dense), 1 "
                              "(hcgs), 2 (circulant)");
  EXPECT_EQ(refused(1, 5, 1), "descriptor 0: gates is 5, allowed 1..4");
  EXPECT_EQ(refused(1, 0, 1), "descriptor 0: gates is 0, allowed 1..4");
  EXPECT_EQ(refused(2, 9, 1), "descriptor 0: weight_bits is 9, allowed 2..8");
  EXPECT_EQ(refused(3, 2, 1),
            "descriptor 0: encoding is 2, allowed 0 (twos), 1 (signmag)");
  EXPECT_EQ(refused(4, 0, 4), "descriptor 0: rows is 0, allowed 1..16777216");
  EXPECT_EQ(refused(8, 1u << 25, 4),
            "descriptor 0: cols is 33554432, allowed 1..16777216");
  EXPECT_EQ(refused(12, 0, 4),
            "descriptor 0: row_block is 0, allowed 1..16777216");
  EXPECT_EQ(refused(36, 9, 4), "descriptor 0: tiers is 9, allowed 1..8");
  EXPECT_EQ(refused(36, 0, 4), "descriptor 0: tiers is 0, allowed 1..8");
  EXPECT_EQ(refused(36, 1, 4),
            "descriptor 0: byte of an unused tier is 4, allowed 0");
  EXPECT_NE(refused(40, 0, 2), ""); // tier 1 of 0 rows
  EXPECT_NE(refused(40, 2, 2), ""); // lower than tier 2
  EXPECT_NE(refused(44, 5, 2), ""); // keeps 5/4
  EXPECT_NE(refused(46, 0, 2), ""); // of 0
  EXPECT_EQ(refused(60, 4, 1), "descriptor 0: balance of tier 2 is 4, allowed "
                               "0 (row), 1 (column), 2 (both), 3 (none)");
  EXPECT_EQ(refused(49, 1, 1),
            "descriptor 0: reserved byte of tier 1 is 1, allowed 0");
  EXPECT_EQ(refused(135, 1, 1),
            "descriptor 0: byte of an unused tier is 1, allowed 0");
  EXPECT_EQ(refused(136, 16, 4),
            "descriptor 0: block is 16, allowed 0 for an hcgs matrix");
  EXPECT_EQ(refused(140, 2, 1),
            "descriptor 0: masks is 2, allowed 0 (shared), 1 (separate)");
  for (size_t at = 141; at < 144; ++at)
    EXPECT_EQ(refused(at, 1, 1), "descriptor 0: reserved byte is 1, allowed 0");
  // WI-P-5: 16 block-rows of 4 are 64 blocks, 14 block-columns of 4 are 56.
  EXPECT_NE(refused(48, 2, 1), "");
}

/// WI-D-3, WI-D-4: version 2 only where version 1 does not say it all.
TEST(Images, ViewsAndSpilledWeights) {
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Hcgs;
  desc.format = {6, numerics::WeightEncoding::SignMag};
  desc.rows = 64;
  desc.cols = 72;
  desc.rowBlock = 64;
  desc.pattern.tiers = {{16, 32, 1, 2, compression::Balance::Row}};
  std::vector<MatrixDescriptor> both = {desc, desc};
  EXPECT_EQ(writeDescriptors(both).size(), 8u + 2 * 144);
  both[1].colBegin = 32;
  both[1].colEnd = 72;
  EXPECT_TRUE(both[0].sharesImage(both[1]));
  both[0].spill = 96;
  EXPECT_FALSE(both[0].sharesImage(both[1]));
  const std::vector<uint8_t> bytes = writeDescriptors(both);
  ASSERT_EQ(bytes.size(), 8u + 2 * 156);
  EXPECT_EQ(get(bytes, 0, 4), 2u);
  EXPECT_EQ(get(bytes, 8 + 144, 4), 0u);
  EXPECT_EQ(get(bytes, 8 + 148, 4), 0u);
  EXPECT_EQ(get(bytes, 8 + 152, 4), 96u);
  EXPECT_EQ(get(bytes, 8 + 156 + 144, 4), 32u);
  EXPECT_EQ(get(bytes, 8 + 156 + 148, 4), 72u);
  EXPECT_EQ(get(bytes, 8 + 156 + 152, 4), 0xffffffffu);
  Result<std::vector<MatrixDescriptor>> back = readDescriptors(bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(writeDescriptors(*back), bytes);
  EXPECT_FALSE(back->at(0).isView());
  EXPECT_EQ(back->at(0).colRange(), (compression::ColumnSpan{0, 72}));
  EXPECT_EQ(back->at(0).spill, 96u);
  EXPECT_EQ(back->at(1).colRange(), (compression::ColumnSpan{32, 72}));
  EXPECT_FALSE(back->at(1).spill);

  auto refused = [&](size_t at, uint64_t value) {
    return refusal(bytes, 156 + at, value, 4);
  };
  EXPECT_EQ(refused(148, 73), "descriptor 1: col_end is 73, allowed 0..72");
  EXPECT_EQ(refused(148, 32),
            "descriptor 1: col_begin is 32, allowed 0..31, below col_end");
  EXPECT_EQ(refused(148, 0),
            "descriptor 1: col_begin is 32, allowed 0 for all columns");
  EXPECT_EQ(refused(148, 48), "descriptor 1: col_end is 48, allowed multiples "
                              "of 32, the width of the first tier, and all 72 "
                              "columns");
  EXPECT_EQ(refused(144, 8), "descriptor 1: col_begin is 8, allowed multiples "
                             "of 32, the width of the first tier");
  std::vector<uint8_t> newer = bytes;
  put(newer, 0, 3, 4);
  EXPECT_EQ(readDescriptors(newer).message(), "version is 3, allowed 1..2");

  MatrixDescriptor circulant;
  circulant.kind = MatrixKind::Circulant;
  circulant.rows = circulant.cols = 10;
  circulant.rowBlock = 10;
  circulant.block = 4;
  circulant.colBegin = 4;
  circulant.colEnd = 10;
  EXPECT_TRUE(readDescriptors(writeDescriptors({&circulant, 1})));
  circulant.colEnd = 9;
  EXPECT_EQ(readDescriptors(writeDescriptors({&circulant, 1})).message(),
            "descriptor 0: col_end is 9, allowed multiples of 4, the circulant "
            "block, and all 10 columns");
}

TEST(Images, EveryTierAndBalanceRoundTrips) {
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Hcgs;
  desc.gates = 2;
  desc.rows = desc.cols = 256;
  desc.rowBlock = 128;
  desc.separate = true;
  for (int i = 0; i < 8; ++i)
    desc.pattern.tiers.push_back(
        {128 >> i, 128 >> i, 1, 2, compression::Balance(i % 4)});
  std::vector<uint8_t> bytes = writeDescriptors({&desc, 1});
  Result<std::vector<MatrixDescriptor>> back = readDescriptors(bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(back->front().pattern, desc.pattern);
  EXPECT_TRUE(back->front().separate);
  EXPECT_EQ(get(bytes, 8 + 40 + 7 * 12, 4), 0x00010001u); // tier 8 is 1x1
  EXPECT_EQ(get(bytes, 8 + 40 + 7 * 12 + 8, 1), 3u);
  EXPECT_EQ(get(bytes, 8 + 140, 1), 1u);
  EXPECT_EQ(refusal(bytes, 1, 1, 1),
            "descriptor 0: masks is 1, allowed 0 for a matrix of one gate");
}

TEST(Images, CirculantDescriptors) {
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Circulant;
  desc.gates = 4;
  desc.rows = 100;
  desc.cols = 60;
  desc.rowBlock = 32;
  desc.block = 16;
  std::vector<uint8_t> bytes = writeDescriptors({&desc, 1});
  EXPECT_EQ(get(bytes, 8, 1), 2u);
  EXPECT_EQ(get(bytes, 8 + 136, 4), 16u);
  Result<std::vector<MatrixDescriptor>> back = readDescriptors(bytes);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(back->front().block, 16u);
  EXPECT_EQ(writeDescriptors(*back), bytes);

  auto refused = [&](size_t at, uint64_t value, unsigned size) {
    return refusal(bytes, at, value, size);
  };
  for (unsigned block : {0u, 1u, 101u})
    EXPECT_EQ(refused(136, block, 4),
              "descriptor 0: block is " + std::to_string(block) +
                  ", allowed 2..100 for a circulant matrix of 100 x 60");
  std::vector<uint8_t> wide = bytes;
  put(wide, 8 + 4, 1000, 4);
  EXPECT_EQ(refusal(wide, 136, 129, 4),
            "descriptor 0: block is 129, allowed 2..128 for a circulant matrix "
            "of 1000 x 60");
  EXPECT_EQ(refused(12, 24, 4),
            "descriptor 0: row_block is 24, allowed multiples of the circulant "
            "block, 16, or all 100 rows");
  EXPECT_EQ(refused(12, 101, 4), "");
  EXPECT_EQ(refused(28, 1, 4), "descriptor 0: index_offset is 1, allowed 0 for "
                               "a circulant matrix");
  EXPECT_EQ(refused(32, 1, 4), "descriptor 0: index_bytes is 1, allowed 0 for "
                               "a circulant matrix");
  EXPECT_EQ(refused(36, 1, 4),
            "descriptor 0: tiers is 1, allowed 0 for a circulant matrix");
  EXPECT_EQ(refused(40, 1, 2),
            "descriptor 0: byte of an unused tier is 1, allowed 0");
  EXPECT_EQ(refused(140, 1, 1),
            "descriptor 0: masks is 1, allowed 0 for a circulant matrix");
  // The same of a dense matrix.
  put(bytes, 8, 0, 1);
  EXPECT_EQ(refused(136, 16, 4),
            "descriptor 0: block is 16, allowed 0 for a dense matrix");
}

/// WI-C-3, by the example of WI-C-1 in docs/Spec/WeightImage.md.
TEST(Images, UnusedCirculantElementsAreZero) {
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Circulant;
  desc.format = {6, numerics::WeightEncoding::SignMag};
  desc.rows = 3;
  desc.cols = 5;
  desc.rowBlock = 3;
  desc.block = 2;
  desc.weightBytes = 9;
  Result<compression::WeightLayout> layout = readLayout(desc, {});
  ASSERT_TRUE(layout) << layout.message();
  std::vector<uint8_t> image = {0x40, 0x20, 0x0c, 0x44, 0x61,
                                0x1c, 0x48, 0xa2, 0x00};
  Result<std::vector<int16_t>> codes = readCodes(desc, *layout, image);
  ASSERT_TRUE(codes) << codes.message();
  EXPECT_EQ(*codes, (std::vector<int16_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                                          1})); // +1 is pattern 0
  image[8] = 0x04;
  EXPECT_EQ(readCodes(desc, *layout, image).message(),
            "word 11 is element 1 of the circulant block at row 2, column 4, "
            "gate 0, which no weight uses: its code is 2, allowed is bit "
            "pattern 0");
  image.push_back(0);
  EXPECT_FALSE(readCodes(desc, *layout, image));
}

TEST(Images, SeparateMasksHaveAnImageEach) {
  // The example of separate masks in docs/Spec/WeightImage.md.
  MatrixDescriptor desc;
  desc.kind = MatrixKind::Hcgs;
  desc.gates = 2;
  desc.rows = 2;
  desc.cols = 4;
  desc.rowBlock = 2;
  desc.indexBytes = 2;
  desc.separate = true;
  desc.pattern.tiers = {{2, 2, 1, 2, compression::Balance::Row}};
  const std::vector<uint8_t> index = {0x00, 0x01};
  Result<compression::WeightLayout> layout = readLayout(desc, index);
  ASSERT_TRUE(layout) << layout.message();
  EXPECT_EQ(layout->describe(2), (compression::WordInfo{0, 1, 0}));
  EXPECT_EQ(layout->describe(4), (compression::WordInfo{1, 0, 2}));
  EXPECT_EQ(layout->wordOf(1, 1, 3), 7);
  desc.separate = false;
  EXPECT_FALSE(readLayout(desc, index));
  desc.separate = true;
  desc.indexBytes = 1;
  EXPECT_FALSE(readLayout(desc, index));
}

TEST(Images, CountsAreBoundedByTheBytes) {
  std::vector<uint8_t> huge(8, 0xff);
  put(huge, 0, 1, 4);
  EXPECT_EQ(
      readDescriptors(huge).message(),
      "count is 4294967295, but 0 bytes hold at most 0 items of 144 bytes");
  EXPECT_FALSE(readTables(huge));
  EXPECT_FALSE(readInitialVectors(huge));
  std::vector<uint8_t> vector = writeInitialVectors({});
  put(vector, 4, 1, 4);
  vector.resize(16, 0xff);
  EXPECT_EQ(readInitialVectors(vector).message(),
            "initial vector 0: n is 4294967295, allowed 0..0 by the bytes that "
            "are left");
}

TEST(Images, EmptySectionsHoldNothing) {
  EXPECT_TRUE(readDescriptors({})->empty());
  EXPECT_TRUE(readTables({})->empty());
  EXPECT_TRUE(readInitialVectors({})->empty());
  EXPECT_TRUE(readBiases({})->empty());
}

TEST(Images, WeightsOfASparseMatrix) {
  Program program = makeProgram();
  Result<std::vector<MatrixDescriptor>> descriptors =
      readDescriptors(program.descriptors);
  ASSERT_TRUE(descriptors);
  const MatrixDescriptor &desc = (*descriptors)[1];
  Result<compression::WeightLayout> layout = readLayout(desc, program.index);
  ASSERT_TRUE(layout) << layout.message();
  Result<std::vector<int16_t>> codes =
      readCodes(desc, *layout, program.weights);
  ASSERT_TRUE(codes) << codes.message();
  ASSERT_EQ(codes->size(), 16u);
  // Row block 1 keeps the right block: word 8 is gate 0, row 2, column 2.
  EXPECT_EQ((*codes)[8], -1);
  EXPECT_EQ(layout->describe(8), (compression::WordInfo{0, 2, 2}));
  EXPECT_FALSE(readLayout(desc, {}));
  EXPECT_FALSE(readCodes(desc, *layout, {}));
}

//===----------------------------------------------------------------------===//
// Exports
//===----------------------------------------------------------------------===//

/// What a program with spilled weights must be (PF-12, S-M-2, S-T-3).
TEST(Spill, ProgramsAreChecked) {
  auto errorOf = [](const std::string &lines, const std::string &code) {
    Result<Program> program = assemble(".target generic\n" + lines +
                                           ".entry run\n" + code + "\nhalt\n",
                                       "t.s");
    std::string message = program ? "" : program.message();
    return message.substr(std::min(message.find(' ') + 1, message.size()));
  };
  const std::string stream = ".stream w weights in 3\n",
                    spill = ".spill hex 010203040506\n",
                    resident = ".weights hex 0102\n",
                    desc = ".desc dense gates 1 bits 8 twos rows 2 cols 3 "
                           "block 2 weights ";
  const std::string mvm = "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init "
                          "zero, shifts [0, 0, 0, 0], tile 0";
  const std::string load = "astream a1, stream 0\nwload w[2], x[a1], n 6";
  EXPECT_EQ(errorOf(stream + spill + resident + desc + "2 + 6 spill 0\n",
                    load + "\n" + mvm),
            "");
  EXPECT_EQ(errorOf(spill, ""),
            ".hcgs.meta: 0 streams of kind 'weights', allowed 1: .hcgs.spill "
            "has 6 bytes");
  EXPECT_EQ(errorOf(stream, ""),
            ".hcgs.meta: the stream of kind 'weights' has 3 elements of two "
            "bytes, .hcgs.spill has 0 bytes");
  EXPECT_EQ(errorOf(stream + stream + spill, ""),
            ".hcgs.meta: 2 streams of kind 'weights', allowed 1: .hcgs.spill "
            "has 6 bytes");
  EXPECT_EQ(
      errorOf(".stream w weights out 3\n" + spill, ""),
      ".hcgs.meta: the stream of kind 'weights' must have direction 'in'");
  EXPECT_EQ(errorOf("", "wload w[0], x[0], n 1"),
            "wload: the program has no section .hcgs.spill to load from");
  EXPECT_EQ(
      errorOf(stream + spill + resident, "wload w[1], x[0], n 4"),
      "wload: field 'dst' covers bytes 1..4, wmem of target 'generic' has "
      "2..268435455 behind the resident weights");
  EXPECT_EQ(errorOf(stream + spill + desc + "0 + 6 spill 2\n", ""),
            ".hcgs.desc: descriptor 0: spilled weights are bytes 2 + 6, "
            ".hcgs.spill has 6");
  // Only who uses a spilled matrix needs a place for it.
  const std::string beyond = stream + spill + desc + "268435452 + 6 spill 0\n";
  EXPECT_EQ(errorOf(beyond, ""), "");
  EXPECT_EQ(errorOf(beyond, mvm),
            "mvm: field 'desc' is 0, allowed a descriptor whose weights lie in "
            "wmem: those of this one are spilled to bytes 268435452 + 6, "
            "allowed 0..268435455");
  EXPECT_EQ(errorOf(stream + spill + resident + desc + "1 + 6 spill 0\n", mvm),
            "mvm: field 'desc' is 0, allowed a descriptor whose weights lie in "
            "wmem: those of this one are spilled to bytes 1 + 6, allowed "
            "2..268435455");
}

/// The minor version says what a reader must know (PF-2).
TEST(Spill, RoundTripsAsMinorVersionOne) {
  Result<Program> program =
      assemble(".target generic\n.stream w weights in 3\n.spill codes 8 twos "
               "[1, 2, 3, -4, 5, 6]\n.desc dense gates 1 bits 8 twos rows 2 "
               "cols 3 columns 1 to 3 block 2 weights 0 + 6 spill 0\n.entry "
               "run\nastream a1, stream 0\nwload w[0], x[a1], n 6\nhalt\n",
               "t.s");
  ASSERT_TRUE(program) << program.message();
  Result<std::vector<uint8_t>> file = writeProgram(*program);
  ASSERT_TRUE(file);
  EXPECT_EQ(get(*file, 76, 4), 1u);
  Result<Program> back = readProgram(*file);
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(back->spill, std::vector<uint8_t>({1, 2, 3, 0xfc, 5, 6}));
  Result<std::string> text = disassemble(*back);
  ASSERT_TRUE(text);
  Result<Program> again = assemble(*text, "again.s");
  ASSERT_TRUE(again) << again.message();
  EXPECT_EQ(*writeProgram(*again), *file);
  for (size_t bit = 0; bit < file->size() * 8; bit += 3) {
    (*file)[bit / 8] ^= uint8_t(1 << bit % 8);
    ASSERT_FALSE(readProgram(*file)) << "bit " << bit;
    (*file)[bit / 8] ^= uint8_t(1 << bit % 8);
  }
}

TEST(Export, MemhWordsAreMostSignificantDigitFirst) {
  Result<std::vector<ExportedFile>> files = exportMemh(makeProgram());
  ASSERT_TRUE(files);
  std::map<std::string, std::string> byName;
  for (const ExportedFile &file : *files)
    byName[file.suffix] = file.text;
  EXPECT_EQ(byName[".bmem.memh"],
            "// bmem: biases, 32-bit words\n0000000a\n80000000\n");
  EXPECT_EQ(byName[".vmem.memh"], "// vmem: initial vectors, 16-bit words\n"
                                  "@64\n0001\nfffe\n0003\n@32\n");
  EXPECT_NE(byName[".pmem.memh"].find("\n00000000000000000000000000000106\n"),
            std::string::npos);
}

TEST(Export, CHeaderNamesAreIdentifiers) {
  Result<std::string> text = exportCHeader(makeProgram(), "9 lives-x");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("#ifndef program_9_lives_x_H"), std::string::npos);
  EXPECT_NE(text->find("#define program_9_lives_x_ENTRY_reset 11u"),
            std::string::npos);
  EXPECT_NE(text->find("  10, (-2147483647 - 1),"), std::string::npos);
}

} // namespace

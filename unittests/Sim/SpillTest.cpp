// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights that `wload` brings (I-WLOAD): what traps, what checked mode sees,
// what lasts how long, and what waits for what. That results and times are
// right is RandomProgramTest's business.
//
#include "TestProgram.h"
#include "hcgs/Sim/Machine.h"
#include "hcgs/Sim/Timing.h"

#include <gtest/gtest.h>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;

namespace {

constexpr uint32_t kPlace = 16;
constexpr std::string_view kMultiply =
    "mvm a[0], v[0], desc 0, blocks 0 + 2, gates i, init zero, "
    "shifts [0, 0, 0, 0], tile 0\n";

/// A dense matrix of 4 x 3 8-bit weights, 12 bytes in two row blocks, spilled
/// to bytes 16..27 of wmem; vmem 0..2 is (1, 10, 100).
class SpillTest : public ::testing::Test {
protected:
  SpillTest() {
    std::mt19937 random(7);
    matrix = makeDense(random, 1, 4, 3, 2, {.bits = 8});
    builder.set("/memories/wmem/bytes", 64)
        .set("/load/weights", true)
        .stream("x", "sequence", "in", 4)
        .spilled(matrix, kPlace)
        .weightStream("weights")
        .initial(0, {1, 10, 100});
  }

  /// Loads the program that runs `code`; null if it is refused.
  bool load(std::string_view code) {
    program = builder.entry("run")
                  .code("astream a1, stream 1\n")
                  .code(code)
                  .code("halt")
                  .load();
    return program != nullptr;
  }

  /// The trap of a call on `machine`, or "".
  static std::string call(Machine &machine) {
    Result<void> ready = machine.prepare(1);
    EXPECT_TRUE(ready);
    Result<void> ran = machine.execute(Entry::Run);
    return ran ? "" : ran.message();
  }

  std::string trapOf(std::string_view code, bool checked = false) {
    if (!load(code))
      return "refused";
    Machine machine(*program, checked);
    return call(machine);
  }

  int32_t sumOf(unsigned row) const {
    return matrix.weights[3 * row] + 10 * matrix.weights[3 * row + 1] +
           100 * matrix.weights[3 * row + 2];
  }

  ProgramBuilder builder;
  TestMatrix matrix;
  LoadedProgram::Ptr program;
};

} // namespace

TEST_F(SpillTest, ProductsUseWhatWasLoaded) {
  ASSERT_TRUE(load("wload w[16], x[a1], n 12\n" + std::string(kMultiply)));
  for (bool checked : {false, true}) {
    Machine machine(*program, checked);
    ASSERT_EQ(call(machine), "");
    for (unsigned row = 0; row < 4; ++row)
      EXPECT_EQ(machine.amem()[row], sumOf(row));
  }
}

TEST_F(SpillTest, OtherBytesArePackedAgain) {
  // The second row block's bytes where the first one's belong, one by one.
  ASSERT_TRUE(load("wload w[16], x[a1], n 12\n" + std::string(kMultiply) +
                   "wload w[16], x[a1 + 6], n 5\n"
                   "wload w[21], x[a1 + 11], n 1\n"
                   "mvm a[8], v[0], desc 0, blocks 0 + 2, gates i, init zero, "
                   "shifts [0, 0, 0, 0], tile 0\n"));
  Machine machine(*program, /*checked=*/true);
  for (int times = 0; times < 2; ++times) {
    ASSERT_EQ(call(machine), "");
    for (unsigned row = 0; row < 4; ++row) {
      EXPECT_EQ(machine.amem()[row], sumOf(row));
      EXPECT_EQ(machine.amem()[8 + row], sumOf(row < 2 ? row + 2 : row));
    }
  }
}

/// What is loaded in one pass of a loop is what the next one computes with.
TEST_F(SpillTest, LoadsBetweenPassesAreSeen) {
  ASSERT_TRUE(load("wload w[16], x[a1], n 12\n"
                   "loop 2\n"
                   "mvm a[0], v[0], desc 0, blocks 0 + 2, gates i, init acc, "
                   "shifts [0, 0, 0, 0], tile 0\n"
                   "wload w[16], x[a1 + 6], n 6\n"
                   "endloop\n"));
  Machine machine(*program);
  ASSERT_EQ(call(machine), "");
  for (unsigned row = 0; row < 4; ++row)
    EXPECT_EQ(machine.amem()[row], sumOf(row) + sumOf(row < 2 ? row + 2 : row));
}

/// A small file must not need a large memory: what no product reads of a wmem
/// of 2 GiB is not kept, wherever it lies.
TEST_F(SpillTest, KeepsWhatProductsReadOnly) {
  constexpr uint32_t kBytes = 0x7fffffff;
  ProgramBuilder far;
  far.set("/memories/wmem/bytes", kBytes)
      .set("/load/weights", true)
      .stream("x", "sequence", "in", 4)
      .spilled(matrix, 100)
      .spilled(matrix, kBytes - 12)
      .matrix(matrix) // resident
      .view(0, 1, 3)  // the same bytes as its matrix
      .weightStream("weights")
      .initial(0, {1, 10, 100})
      .entry("run")
      .code("astream a1, stream 1\naset a2, 2147483635\n")
      // From nowhere into the first matrix, out of it again, and elsewhere.
      .code("wload w[94], x[a1], n 12\nwload w[106], x[a1 + 6], n 18\n"
            "wload w[100], x[a1], n 6\nwload w[4000], x[a1], n 12\n"
            "wload w[a2], x[a1 + 12], n 12\n")
      .code(kMultiply)
      .code("mvm a[4], v[0], desc 1, blocks 0 + 2, gates i, init zero, "
            "shifts [0, 0, 0, 0], tile 0\n"
            "mvm a[8], v[0], desc 2, blocks 0 + 2, gates i, init zero, "
            "shifts [0, 0, 0, 0], tile 0\n"
            "mvm a[12], v[1], desc 3, blocks 0 + 2, gates i, init zero, "
            "shifts [0, 0, 0, 0], tile 0\nhalt");
  LoadedProgram::Ptr loaded = far.load();
  ASSERT_TRUE(loaded);
  for (bool checked : {false, true}) {
    Machine machine(*loaded, checked);
    EXPECT_EQ(machine.keptWeights(), 24u);
    ASSERT_EQ(call(machine), "");
    for (unsigned row = 0; row < 4; ++row) {
      EXPECT_EQ(machine.amem()[row], sumOf(row));
      EXPECT_EQ(machine.amem()[4 + row], sumOf(row));
      EXPECT_EQ(machine.amem()[8 + row], sumOf(row));
      EXPECT_EQ(machine.amem()[12 + row], sumOf(row) - matrix.weights[3 * row]);
    }
  }
}

TEST_F(SpillTest, HostsDoNotSeeTheWeights) {
  ASSERT_TRUE(load("wload w[16], x[a1], n 12\n"));
  EXPECT_EQ(program->inputs().size(), 1u);
  Machine machine(*program);
  ASSERT_TRUE(machine.prepare(1));
  EXPECT_TRUE(machine.stream(1).empty());
  const std::vector<int16_t> codes(6);
  const std::span<const int16_t> inputs[] = {{}, codes};
  EXPECT_CONTAINS(machine.runEntry(Entry::Run, 1, inputs).message(),
                  "stream 1 takes 0 elements, found 6");
}

TEST_F(SpillTest, PlacesAreChecked) {
  EXPECT_EQ(trapOf("aset a2, 60\n wload w[a2], x[a1], n 5"),
            "trap at pc 2: wload w[a2], x[a1], n 5: field 'dst': bytes 60..64, "
            "allowed are 0..63 of wmem, behind the resident weights");
}

TEST_F(SpillTest, ResidentWeightsCannotBeOverwritten) {
  std::mt19937 random(3);
  builder.matrix(makeDense(random, 1, 2, 4, 2, {.bits = 8}));
  EXPECT_CONTAINS(trapOf("aset a2, 7 ring 0 + 20\n wload w[a2], x[a1], n 1"),
                  "bytes 7..7, allowed are 8..63 of wmem");
}

TEST_F(SpillTest, RingsOverTheResidentWeightsAreRefused) {
  std::mt19937 random(3);
  builder.matrix(makeDense(random, 1, 2, 4, 2, {.bits = 8}));
  EXPECT_CONTAINS(trapOf("aset a2, 19 ring 0 + 20\n wload w[a2], x[a1], n 3"),
                  "bytes 19..19 and 0..1, allowed are 8..63 of wmem");
}

TEST_F(SpillTest, SourcesAreTheSpilledWeights) {
  EXPECT_CONTAINS(trapOf("wload w[16], x[a1 + 1], n 12"),
                  "lie outside the stream of spilled weights");
}

TEST_F(SpillTest, DataIsNoWeight) {
  EXPECT_CONTAINS(trapOf("astream a2, stream 0\n wload w[16], x[a2], n 4"),
                  "lie outside the stream of spilled weights");
}

TEST_F(SpillTest, WeightsAreNoData) {
  EXPECT_CONTAINS(trapOf("load v[8], x[a1], n 2"), "lie outside every stream");
}

TEST_F(SpillTest, SourcesHaveNoRing) {
  EXPECT_CONTAINS(trapOf("aset a2, 8 ring 0 + 20\n wload w[16], x[a2], n 1"),
                  "field 'src': register a2 has a ring; ext has none");
}

TEST_F(SpillTest, CheckedModeSeesWhatWasNotLoaded) {
  const std::string half = "wload w[16], x[a1], n 6\n" + std::string(kMultiply);
  EXPECT_EQ(trapOf(half, /*checked=*/true),
            "trap at pc 2: " +
                std::string(kMultiply.substr(0, kMultiply.size() - 1)) +
                ": field 'desc': reads byte 22 of wmem, which nothing has "
                "loaded");
}

TEST_F(SpillTest, RowBlocksAreLoadedOneByOne) {
  ASSERT_TRUE(load("wload w[16], x[a1], n 6\n"
                   "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, "
                   "shifts [0, 0, 0, 0], tile 0\n"));
  Machine machine(*program, /*checked=*/true);
  ASSERT_EQ(call(machine), "");
  EXPECT_EQ(machine.amem()[0], sumOf(0));
  EXPECT_EQ(machine.amem()[1], sumOf(1));
}

TEST_F(SpillTest, EntriesStartWithoutLoadedWeights) {
  builder.entry("step").code(kMultiply).code("halt");
  ASSERT_TRUE(load("wload w[16], x[a1], n 12\n"));
  for (bool checked : {false, true}) {
    Machine machine(*program, checked);
    ASSERT_EQ(call(machine), "");
    Result<void> stepped = machine.execute(Entry::Step);
    EXPECT_EQ(bool(stepped), !checked);
    if (checked)
      EXPECT_CONTAINS(stepped.message(), "reads byte 16 of wmem");
    else
      EXPECT_EQ(machine.amem()[0], 111); // pattern 0 is the weight 1
  }
}

TEST_F(SpillTest, PatternsThatDoNotExistTrap) {
  // 4-bit weights over 8-bit ones: 0x8 is no twos weight.
  TestMatrix narrow = matrix;
  narrow.descriptor.format = {.bits = 4,
                              .encoding = numerics::WeightEncoding::Twos};
  std::vector<int16_t> codes(12, 1);
  narrow.weightImage = compression::packCodes(codes, narrow.descriptor.format);
  narrow.descriptor.weightBytes = 6;
  TestMatrix other = matrix;
  other.weightImage.assign(12, 0x18);
  builder = ProgramBuilder();
  builder.set("/load/weights", true)
      .spilled(narrow, kPlace)
      .spilled(other, kPlace)
      .stream("x", "sequence", "in", 4)
      .weightStream("weights")
      .initial(0, {1, 10, 100});
  EXPECT_CONTAINS(
      trapOf("wload w[16], x[a1 + 6], n 12\n" + std::string(kMultiply)),
      "word 0 of the matrix has the pattern of -8, which 4-bit twos does not "
      "use");
}

// T-H-1 over wmem: ports of 4 bytes, latency 1; 4 lanes, fill 3. Tile 0 is 4 x
// 1, so that 4 rows take 3 cycles and each row block of 2 too.
TEST_F(SpillTest, LoadsAndProductsWaitForEachOther) {
  ASSERT_TRUE(load("wload w[16], x[a1], n 6\n"
                   "wload w[22], x[a1 + 6], n 6\n"
                   "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, "
                   "shifts [0, 0, 0, 0], tile 0\n"
                   "mvm a[2], v[0], desc 0, blocks 1 + 1, gates i, init zero, "
                   "shifts [0, 0, 0, 0], tile 0\n"
                   "wload w[21], x[a1], n 1\n"));
  Result<StreamLayout> layout = program->layoutStreams(1);
  ASSERT_TRUE(layout);
  std::vector<InstructionTimes> log;
  const TimingResult timing =
      computeTiming(*program, Entry::Run, 1, Registers(), *layout, &log);
  auto expect = [&](size_t i, uint64_t d, uint64_t s, uint64_t finish) {
    EXPECT_EQ(log[i].d, d) << i;
    EXPECT_EQ(log[i].s, s) << i;
    EXPECT_EQ(log[i].finish, finish) << i;
  };
  expect(1, 1, 2, 5); // 1 + ceil(6 / 4)
  expect(2, 2, 5, 8);
  expect(3, 3, 5, 11);  // needs the first load only
  expect(4, 4, 8, 14);  // and the second
  expect(5, 5, 11, 13); // overwrites a byte of the first product
  EXPECT_EQ(timing.units[0].war, 3u);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each clause of docs/Spec/Timing.md on a program small enough to work out by
// hand. Unless a test sets them otherwise: 2 vector lanes, latency 2; load and
// store ports of 4 bytes, latency 1; 4 MAC lanes, fill 3; queues of 4.
//
#include "hcgs/Sim/Timing.h"
#include "TestProgram.h"

#include <gtest/gtest.h>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;

namespace {
enum Unit { kLoad, kMatrix, kVector, kStore };

struct Timed {
  TimingResult result;
  std::vector<InstructionTimes> log;
};
} // namespace

static Timed timeProgram(ProgramBuilder &builder, std::string_view code,
                         int64_t steps = 1) {
  builder.entry("run").code(code).code("halt");
  Timed timed;
  LoadedProgram::Ptr program = builder.load();
  if (!program)
    return timed;
  Result<StreamLayout> layout = program->layoutStreams(steps);
  EXPECT_TRUE(layout);
  timed.result = computeTiming(*program, Entry::Run, steps, Registers(),
                               *layout, &timed.log);
  for (size_t u = 0; u < kNumUnits; ++u)
    EXPECT_EQ(timed.result.units[u].total(), timed.result.cycles)
        << unitName(u);
  return timed;
}

static Timed timeCode(std::string_view code, int64_t steps = 1) {
  ProgramBuilder builder;
  return timeProgram(builder, code, steps);
}

#define EXPECT_TIMES(entry, wantD, wantS, wantFinish)                          \
  do {                                                                         \
    EXPECT_EQ((entry).d, uint64_t(wantD));                                     \
    EXPECT_EQ((entry).s, uint64_t(wantS));                                     \
    EXPECT_EQ((entry).finish, uint64_t(wantFinish));                           \
  } while (false)

// T-D-1, T-D-3, T-D-4: one control instruction a cycle, from cycle 0.
TEST(TimingTest, ControlCostsItsDispatchCycle) {
  Timed t = timeCode("aset a1, 3\n aadd a1, 1\n barrier");
  ASSERT_EQ(t.log.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(t.log[i].d, i);
  EXPECT_EQ(t.result.cycles, 4u);
  for (size_t u = 0; u < kNumUnits; ++u)
    EXPECT_EQ(t.result.units[u].unused, 4u); // T-C-4
}

// T-D-3: a loop costs itself and an endloop a trip; a skipped body nothing.
TEST(TimingTest, LoopsCostTheirControl) {
  EXPECT_EQ(timeCode("loop 3\n aadd a1, 1\n endloop").result.cycles,
            1u + 3 * 2 + 1);
  EXPECT_EQ(timeCode("loop 0\n aadd a1, 1\n endloop").result.cycles, 2u);
  EXPECT_EQ(timeCode("loop T - 5\n aadd a1, 1\n endloop", 3).result.cycles, 2u);
  EXPECT_EQ(timeCode("loop T cap 2\n aadd a1, 1\n endloop", 9).result.cycles,
            1u + 2 * 2 + 1);
}

// T-U-1, T-U-2: taken a cycle after dispatch; occ = ceil(5 / 2), latency 2.
TEST(TimingTest, TakeAndFinish) {
  Timed t = timeCode("fill v[0], 1, n 5");
  EXPECT_TIMES(t.log[0], 0, 1, 6);
  // T-D-3: halt waits for it.
  EXPECT_EQ(t.log[1].d, 6u);
  EXPECT_EQ(t.result.cycles, 7u);
  const UnitCycles &vector = t.result.units[kVector];
  EXPECT_EQ(vector.fill, 1u);  // cycle 0
  EXPECT_EQ(vector.busy, 3u);  // 1..3
  EXPECT_EQ(vector.drain, 3u); // 4..6
}

// T-U: a unit is pipelined; the next is taken when the last one's occ ends.
TEST(TimingTest, IndependentInstructionsFollowEachOther) {
  Timed t = timeCode("fill v[0], 1, n 4\n fill v[4], 1, n 4");
  EXPECT_TIMES(t.log[0], 0, 1, 5);
  EXPECT_TIMES(t.log[1], 1, 3, 7);
  EXPECT_EQ(t.result.units[kVector].raw, 0u);
}

// T-U: port latency + ceil(2 n / port bytes), no latency after it.
TEST(TimingTest, PortsMoveBytes) {
  ProgramBuilder builder;
  builder.stream("x", "sequence", "in", 5).stream("y", "sequence", "out", 5);
  Timed t = timeProgram(builder, "astream a1, stream 0\n astream a2, stream 1\n"
                                 "load v[0], x[a1], n 5\n"
                                 "store x[a2], v[8], n 1");
  EXPECT_TIMES(t.log[2], 2, 3, 3 + 1 + 3);
  EXPECT_TIMES(t.log[3], 3, 4, 4 + 1 + 1);
}

// T-H-1: RAW inside one unit and across units, by exact ranges (T-H-2).
TEST(TimingTest, ReadAfterWrite) {
  Timed t = timeCode("fill v[0], 1, n 4\n vcopy v[10], v[3], n 2\n"
                     "vcopy v[20], v[6], n 2");
  EXPECT_TIMES(t.log[0], 0, 1, 5);
  EXPECT_TIMES(t.log[1], 1, 5, 8); // free at 3, waits for v[3]
  EXPECT_EQ(t.result.units[kVector].raw, 2u);
  EXPECT_EQ(t.result.instructions[1].raw, 2u);
  // v[6] is nobody's, but the unit takes in order.
  EXPECT_TIMES(t.log[2], 2, 6, 9);
}

TEST(TimingTest, RangesAreExact) {
  Timed t = timeCode("fill v[0], 1, n 4\n vcopy v[10], v[4], n 2");
  EXPECT_TIMES(t.log[1], 1, 3, 6);
}

TEST(TimingTest, WriteAfterReadAndWriteAfterWrite) {
  ProgramBuilder builder;
  builder.stream("x", "sequence", "in", 2).stream("y", "sequence", "out", 8);
  Timed t = timeProgram(builder,
                        "astream a1, stream 0\n astream a2, stream 1\n"
                        "store x[a2], v[0], n 8\n" // taken 3, finish 3 + 1 + 4
                        "fill v[0], 1, n 2\n"      // WAR: taken 8, finish 11
                        "load v[0], x[a1], n 2");  // WAW: taken 11
  EXPECT_TIMES(t.log[2], 2, 3, 8);
  EXPECT_TIMES(t.log[3], 3, 8, 11);
  EXPECT_TIMES(t.log[4], 4, 11, 13);
  // Of a unit's first instruction every wait is fill (T-C-1).
  EXPECT_EQ(t.result.units[kVector].fill, 8u);
  EXPECT_EQ(t.result.units[kLoad].fill, 11u);
  EXPECT_EQ(t.log[3].blockedBy, 2u);
  EXPECT_EQ(t.log[4].blockedBy, 3u);
}

// T-C-2: whoever waits for a port waits for it, of whatever kind the conflict.
TEST(TimingTest, WaitsForPortsAreTheirOwnCause) {
  ProgramBuilder builder;
  builder.stream("x", "sequence", "in", 8).stream("y", "sequence", "out", 8);
  Timed t = timeProgram(builder,
                        "astream a1, stream 0\n astream a2, stream 1\n"
                        "fill v[60], 1, n 2\n"      // taken 3, occ 1
                        "load v[0], x[a1], n 8\n"   // taken 4, finish 9
                        "vcopy v[40], v[7], n 1\n"  // RAW: taken 9
                        "store x[a2], v[20], n 8\n" // taken 6, finish 11
                        "fill v[20], 1, n 2\n"      // WAR: taken 11, finish 14
                        "fill v[20], 1, n 2\n"      // WAW on a fill: 14
                        "vacc a[0], v[20], n 1, lshift 0, init zero\n");
  EXPECT_TIMES(t.log[4], 4, 9, 12);
  EXPECT_TIMES(t.log[6], 6, 11, 14);
  EXPECT_TIMES(t.log[7], 7, 14, 17);
  EXPECT_TIMES(t.log[8], 8, 17, 20);
  const UnitCycles &vector = t.result.units[kVector];
  EXPECT_EQ(vector.fill, 3u);
  EXPECT_EQ(vector.dispatch, 1u);               // 4, the load's ...
  EXPECT_EQ(vector.port, (9u - 5) + (11 - 10)); // ... from d + 1 = 5 on
  EXPECT_EQ(vector.waw, 14u - 12);
  EXPECT_EQ(vector.raw, 17u - 15);
  // By instruction, and why most of the waiting was.
  EXPECT_EQ(t.result.instructions[4].port, 4u);
  EXPECT_EQ(t.result.instructions[6].port, 1u);
  EXPECT_EQ(t.result.instructions[8].raw, 2u);
  EXPECT_EQ(t.log[4].cause, CycleUse::Port);
  EXPECT_EQ(t.log[4].blockedBy, 3u);
  EXPECT_EQ(t.log[7].cause, CycleUse::Waw);
  EXPECT_EQ(t.log[7].blockedBy, 6u);
  // halt waits for the last.
  EXPECT_EQ(t.log[9].cause, CycleUse::Barrier);
  EXPECT_EQ(t.log[9].blockedBy, 8u);
}

// T-H-1 in ext: a load of bytes that a store has not written yet.
TEST(TimingTest, ConflictsInExternalMemory) {
  ProgramBuilder builder;
  builder.stream("s", "sequence", "scratch", 8);
  Timed t = timeProgram(builder, "astream a1, stream 0\n"
                                 "store x[a1], v[0], n 4\n"
                                 "load v[8], x[a1 + 8], n 4\n"
                                 "load v[16], x[a1 + 7], n 2");
  EXPECT_TIMES(t.log[1], 1, 2, 5);
  EXPECT_TIMES(t.log[2], 2, 3, 6); // beside it
  EXPECT_TIMES(t.log[3], 3, 6, 8); // its last byte, but by then it is there
  EXPECT_EQ(t.result.units[kLoad].raw, 0u);
}

// T-H-1: matrix instructions do not conflict over amem, others do with them.
TEST(TimingTest, MatrixSumsAreInOrder) {
  std::mt19937 random(1);
  ProgramBuilder builder;
  builder.matrix(makeDense(random, 1, 4, 3, 4, {}));
  Timed t = timeProgram(
      builder,
      "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, "
      "0, 0], tile 0\n"
      "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init acc, shifts [0, 0, "
      "0, 0], tile 1\n"
      "requant v[8], a[3], n 1, shift 0, bits 8\n");
  EXPECT_TIMES(t.log[0], 0, 1, 1 + 3 + 3);   // tile 4x1: 1 * 3
  EXPECT_TIMES(t.log[1], 1, 4, 4 + 4 + 3);   // tile 2x2: 2 * 2
  EXPECT_TIMES(t.log[2], 2, 11, 11 + 1 + 2); // RAW on the second
  EXPECT_EQ(t.result.units[kVector].fill, 11u);
  EXPECT_EQ(t.log[2].blockedBy, 1u);
}

// T-H-2: exactly the chosen gates' accumulators.
TEST(TimingTest, OnlyChosenGatesAreWritten) {
  std::mt19937 random(1);
  for (bool chosen : {false, true}) {
    ProgramBuilder builder;
    builder.matrix(makeDense(random, 2, 4, 3, 2, {}));
    // Row blocks of 2: i0 i1 o0 o1 | i2 i3 o2 o3.
    Timed t = timeProgram(
        builder, std::string("mvm a[0], v[0], desc 0, blocks 0 + 2, gates i, "
                             "init zero, shifts [0, 0, 0, 0], tile 0\n") +
                     (chosen ? "requant v[8], a[3], n 2, shift 0, bits 8\n"
                             : "requant v[8], a[2], n 2, shift 0, bits 8\n"));
    EXPECT_TIMES(t.log[0], 0, 1, 7);
    EXPECT_EQ(t.log[1].s, chosen ? 7u : 2u);
  }
}

// T-M-2: hcgs matrices take ceil(MACs / lanes) for each small block-row, T-U-3.
TEST(TimingTest, SmallBlockRowsAreRoundedUp) {
  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({2, 3, 1, 2, compression::Balance::Row});
  ProgramBuilder builder;
  builder.matrix(makeHcgs(random, 2, 4, 6, 2, pattern, {}));
  // One kept 2x3 block of 2 gates in each of two small block-rows: 12 MACs.
  Timed t = timeProgram(
      builder,
      "mvm a[0], v[0], desc 0, blocks 0 + 2, gates io, init zero, shifts [0, "
      "0, 0, 0], tile 0\n"
      "mvm a[0], v[0], desc 0, blocks 0 + 2, gates i, init zero, shifts [0, 0, "
      "0, 0], tile 0\n");
  EXPECT_TIMES(t.log[0], 0, 1, 1 + 6 + 3);
  EXPECT_TIMES(t.log[1], 1, 7, 7 + 4 + 3);
}

static std::string mvmOf(std::string_view gates, int blocks) {
  return "mvm a[0], v[0], desc 0, blocks 0 + " + std::to_string(blocks) +
         ", gates " + std::string(gates) +
         ", init zero, shifts [0, 0, 0, 0], tile 0\n";
}

// T-M-2: gates with masks of their own share the cycles of a row group.
TEST(TimingTest, SeparateMasksShareRowGroups) {
  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({1, 1, 1, 4, compression::Balance::Row});
  ProgramBuilder builder;
  builder.matrix(makeHcgs(random, 3, 2, 4, 1, pattern, {}, true));
  // One product a gate in each of two rows: 3 of all gates fill a cycle.
  Timed t = timeProgram(builder, mvmOf("iof", 2) + mvmOf("o", 1));
  EXPECT_TIMES(t.log[0], 0, 1, 1 + 2 + 3);
  EXPECT_TIMES(t.log[1], 1, 3, 3 + 1 + 3);
  // Each gate reads its own column, and its own indices of 2 bits.
  LoadedProgram::Ptr program = builder.load();
  EXPECT_EQ(program->macs(0), 6u);
  EXPECT_EQ(program->traffic(0).vmemRead, 6u * 16);
  EXPECT_EQ(program->traffic(0).imemRead, 6u * 2);
  EXPECT_EQ(program->traffic(1).imemRead, 2u);
}

// T-M-2 without balance: row groups have whatever their rows keep.
TEST(TimingTest, UnbalancedRowGroups) {
  compression::Pattern pattern;
  pattern.tiers.push_back({2, 3, 1, 2, compression::Balance::None});
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const TestMatrix matrix = makeHcgs(random, 2, 5, 8, 2, pattern, {}, true);
    uint64_t macs[3] = {};
    for (int gate = 0; gate < 2; ++gate)
      for (int row = 0; row < 5; ++row)
        for (int col = 0; col < 8; ++col)
          macs[row / 2] += matrix.kept[matrix.at(gate, row, col)];
    uint64_t cycles = 0, all = 0;
    for (uint64_t group : macs) {
      cycles += (group + 3) / 4;
      all += group;
    }
    ProgramBuilder builder;
    builder.matrix(matrix);
    Timed t = timeProgram(builder, mvmOf("io", 3));
    EXPECT_EQ(t.log[0].finish, 1 + std::max<uint64_t>(cycles, 1) + 3);
    // Counts of 2 bits for three block-rows, block-columns of 2 bits.
    LoadedProgram::Ptr program = builder.load();
    EXPECT_EQ(program->macs(0), all);
    EXPECT_EQ(program->traffic(0).wmemRead, all * 6);
    const uint64_t bits = static_cast<uint64_t>(
        matrix.maps[0]->indexBitCount() + matrix.maps[1]->indexBitCount());
    EXPECT_EQ(program->traffic(0).imemRead, bits);
    EXPECT_GE(bits, 2u * 3 * 2);
  }
}

// T-M-3: circulant matrices take ceil(MACs / lanes) for each block-row, MACs
// being the products, not the words.
TEST(TimingTest, CirculantBlockRowsAreRoundedUp) {
  std::mt19937 random(1);
  ProgramBuilder builder;
  builder.matrix(makeCirculant(random, 2, 5, 7, 2, 2, {}));
  // Block-rows of 2, 2 and 1 rows of 7 columns: 28, 28 and 14 products of two
  // gates, 14, 14 and 7 of one.
  Timed t =
      timeProgram(builder, mvmOf("io", 3) + mvmOf("o", 3) + mvmOf("o", 1));
  EXPECT_TIMES(t.log[0], 0, 1, 1 + (7 + 7 + 4) + 3);
  EXPECT_TIMES(t.log[1], 1, 19, 19 + (4 + 4 + 2) + 3);
  EXPECT_TIMES(t.log[2], 2, 29, 29 + 4 + 3);
  LoadedProgram::Ptr program = builder.load();
  EXPECT_EQ(program->macs(0), 70u);
  // Four vectors of two elements a block-row and gate, of 6 bits; all inputs
  // for each block-row.
  EXPECT_EQ(program->traffic(0).wmemRead, 3u * 2 * 8 * 6);
  EXPECT_EQ(program->traffic(0).vmemRead, 3u * 7 * 16);
  EXPECT_EQ(program->traffic(0).imemRead, 0u);
}

// The table of docs/Spec/Timing.md: any block on any number of lanes.
TEST(TimingTest, CirculantBlocksOfAnySizeFillTheLanes) {
  struct Row {
    unsigned block, lanes, cycles;
  };
  std::mt19937 random(1);
  for (const Row &row :
       {Row{16, 64, 16384}, Row{20, 64, 16384}, Row{4, 64, 16384},
        Row{16, 96, 10944}, Row{100, 96, 10926}}) {
    ProgramBuilder builder;
    builder.set("/mac/lanes", row.lanes);
    builder.set("/mac/tiles", nlohmann::json::array({{row.lanes, 1}}));
    builder.matrix(makeCirculant(random, 4, 512, 512, 512, row.block, {}));
    Timed t = timeProgram(builder, mvmOf("iofg", 1));
    EXPECT_EQ(t.log[0].finish - 3 - 1, row.cycles)
        << row.block << " on " << row.lanes;
  }
}

// T-U-3: nothing kept still takes a cycle.
TEST(TimingTest, EmptyRowsTakeACycle) {
  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({1, 4, 1, 4, compression::Balance::Column});
  ProgramBuilder builder;
  // One of four rows is kept; cover each row by itself.
  builder.matrix(makeHcgs(random, 1, 4, 4, 1, pattern, {}));
  std::string code;
  for (int row = 0; row < 4; ++row)
    code += "mvm a[" + std::to_string(row) + "], v[0], desc 0, blocks " +
            std::to_string(row) +
            " + 1, gates i, init zero, shifts [0, 0, 0, "
            "0], tile 0\n";
  Timed t = timeProgram(builder, code);
  EXPECT_EQ(t.result.units[kMatrix].busy, 4u);
}

// T-D-2: the fifth of a queue of 4 waits for the first to be taken; its slot
// can be filled in the same cycle. T-C-3: others see the held dispatch.
TEST(TimingTest, FullQueuesHoldDispatch) {
  ProgramBuilder builder;
  builder.set("/queues/vector", 1).set("/load/latency", 0);
  builder.stream("x", "sequence", "in", 2);
  Timed t = timeProgram(builder, "astream a1, stream 0\n"
                                 "load v[40], x[a1], n 2\n" // 2, busy in 2
                                 "fill v[0], 1, n 8\n"      // d 2, s 3, occ 4
                                 "fill v[8], 1, n 2\n"      // d 3, s 7
                                 "fill v[16], 1, n 2\n"     // held until 7
                                 "aadd a1, 0\n"
                                 "load v[30], x[a1], n 2");
  EXPECT_TIMES(t.log[1], 1, 2, 3);
  EXPECT_TIMES(t.log[2], 2, 3, 9);
  EXPECT_TIMES(t.log[3], 3, 7, 10);
  EXPECT_TIMES(t.log[4], 7, 8, 11);
  EXPECT_EQ(t.log[5].d, 8u);
  EXPECT_TIMES(t.log[6], 9, 10, 11);
  // The load unit idles from 3 to 9: dispatch in 3, 7, 9; queue in 4..6; the
  // aadd in 8.
  EXPECT_EQ(t.result.units[kLoad].fill, 2u);
  EXPECT_EQ(t.result.units[kLoad].queue, 3u);
  EXPECT_EQ(t.result.units[kLoad].loop, 1u);
  EXPECT_EQ(t.result.units[kLoad].dispatch, 3u);
  EXPECT_EQ(t.result.units[kVector].queue, 0u);
}

// T-C-3: cycles in which a barrier holds dispatch.
TEST(TimingTest, BarriersHoldDispatch) {
  Timed t = timeCode("fill v[0], 1, n 2\n barrier\n fill v[8], 1, n 2");
  EXPECT_TIMES(t.log[0], 0, 1, 4);
  EXPECT_EQ(t.log[1].d, 4u);
  EXPECT_TIMES(t.log[2], 5, 6, 9);
  // Idle 2..5: 2 and 3 held by the barrier, which is dispatched in 4; 5 is
  // the dispatch of the fill.
  EXPECT_EQ(t.result.units[kVector].fill, 1u);
  EXPECT_EQ(t.result.units[kVector].barrier, 2u);
  EXPECT_EQ(t.result.units[kVector].loop, 1u);
  EXPECT_EQ(t.result.units[kVector].dispatch, 1u);
}

// T-H-2: a ring that wraps gives two ranges.
TEST(TimingTest, RingsWrap) {
  // v[a1], n 4 is 6, 7, 4, 5.
  for (int other : {3, 4, 7, 8}) {
    Timed t = timeCode("aset a1, 6 ring 4 + 4\n fill v[a1], 1, n 4\n"
                       "vcopy v[20], v[" +
                       std::to_string(other) + "], n 1");
    EXPECT_TIMES(t.log[1], 1, 2, 6);
    EXPECT_EQ(t.log[2].s, other == 4 || other == 7 ? 6u : 4u) << other;
  }
}

// Timing knows nothing of data: the cache gives the very same result.
TEST(TimingTest, ResultsAreRemembered) {
  ProgramBuilder builder;
  LoadedProgram::Ptr program = builder.entry("run")
                                   .code("loop T\n fill v[0], 1, n 7\n"
                                         "endloop\n halt")
                                   .load();
  ASSERT_TRUE(program);
  Result<StreamLayout> layout = program->layoutStreams(5);
  auto first = program->timing(Entry::Run, 5, Registers(), *layout);
  EXPECT_EQ(first, program->timing(Entry::Run, 5, Registers(), *layout));
  Registers other;
  other.value[3] = 1;
  EXPECT_NE(first, program->timing(Entry::Run, 5, other, *layout));
  EXPECT_NE(first, program->timing(Entry::Run, 6, Registers(), *layout));
}

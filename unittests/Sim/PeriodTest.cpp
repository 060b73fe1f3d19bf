// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting by the period: the shortcut gives what the long way gives, in every
// counter, and is taken where it should be. See docs/Rationale/Simulator.md.
//
#include "Period.h"
#include "TestProgram.h"
#include "hcgs/Schedule/ProgramEstimate.h"
#include "hcgs/Sim/Timing.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;

//===----------------------------------------------------------------------===//
// Accesses that move apart and together
//===----------------------------------------------------------------------===//

static bool meet(const ExtAccess &a, const ExtAccess &b, const Strides &strides,
                 int64_t m) {
  const int64_t wayA = m * strides[a.reg], wayB = m * strides[b.reg];
  return a.begin + wayA < b.end + wayB && b.begin + wayB < a.end + wayA;
}

TEST(PeriodTest, SteadyPeriodsByTrial) {
  std::mt19937 random(1);
  auto between = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  size_t limited = 0, free = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    Strides strides{};
    for (int r = 1; r < 4; ++r)
      strides[r] = between(-12, 12);
    std::vector<ExtAccess> accesses;
    for (int i = 0; i < 3; ++i) {
      const int64_t begin = between(400, 600);
      accesses.push_back({begin, begin + between(1, 9), uint8_t(between(0, 3)),
                          between(0, 1) != 0});
    }
    const uint64_t most = static_cast<uint64_t>(between(0, 30));
    uint64_t want = 0;
    auto same = [&](uint64_t m) {
      for (const ExtAccess &a : accesses)
        for (const ExtAccess &b : accesses)
          if ((a.write || b.write) &&
              meet(a, b, strides, 0) != meet(a, b, strides, int64_t(m)))
            return false;
      return true;
    };
    while (want < most && same(want + 1))
      ++want;
    ASSERT_EQ(steadyPeriods(accesses, strides, most), want) << trial;
    ++(want < most ? limited : free);
  }
  EXPECT_GT(limited, 500u);
  EXPECT_GT(free, 500u);
}

// A hull that is met says nothing about what is in it; one that is not met
// says all. Of equal strides either is fine.
TEST(PeriodTest, HullsAreNotTrusted) {
  Strides strides{};
  strides[1] = 2;
  ExtAccess hull{100, 200, 1, false, true}, store{150, 152, 2, true};
  EXPECT_EQ(steadyPeriods(std::array{hull, store}, strides, 9), 0u);
  store.begin = 230;
  store.end = 232;
  EXPECT_EQ(steadyPeriods(std::array{hull, store}, strides, 9), 9u);
  EXPECT_EQ(steadyPeriods(std::array{hull, store}, strides, 99), 15u);
  strides[2] = 2;
  store.begin = 150;
  EXPECT_EQ(steadyPeriods(std::array{hull, store}, strides, 9), 9u);
}

// No address may leave what a register can hold.
TEST(PeriodTest, AddressesEnd) {
  Strides strides{};
  strides[1] = 1 << 20;
  strides[2] = -(1 << 20);
  EXPECT_EQ(steadyPeriods(std::array{ExtAccess{0, 1 << 20, 1, false}}, strides,
                          1 << 20),
            2047u);
  EXPECT_EQ(steadyPeriods(std::array{ExtAccess{5 << 20, 6 << 20, 2, false}},
                          strides, 1 << 20),
            5u);
  // Nor may one lie beyond already.
  constexpr int64_t kEnd = int64_t(1) << 31;
  EXPECT_EQ(steadyPeriods(std::array{ExtAccess{-2, 2, 0, false}}, strides, 9),
            0u);
  EXPECT_EQ(steadyPeriods(std::array{ExtAccess{kEnd - 2, kEnd + 2, 0, false}},
                          strides, 9),
            0u);
  EXPECT_EQ(steadyPeriods(std::array{ExtAccess{kEnd - 4, kEnd, 0, false}},
                          strides, 9),
            9u);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace {
struct Both {
  TimingResult way, shortcut;
  schedule::ProgramEstimate estimate;
};
} // namespace

/// Times a program both ways, and lets the compiler estimate it both ways, and
/// expects the same of all.
static Both timeBoth(const ProgramBuilder &builder, int64_t steps) {
  Both both;
  LoadedProgram::Ptr program = builder.load();
  if (!program)
    return both;
  Result<StreamLayout> layout = program->layoutStreams(steps);
  EXPECT_TRUE(layout) << layout.message();
  if (!layout)
    return both;
  auto time = [&](bool shortcut) {
    return computeTiming(*program, Entry::Run, steps, Registers(), *layout,
                         nullptr, shortcut);
  };
  both.way = time(false);
  both.shortcut = time(true);
  EXPECT_EQ(both.way.cycles, both.shortcut.cycles);
  EXPECT_EQ(both.way.executed, both.shortcut.executed);
  for (size_t u = 0; u < kNumUnits; ++u)
    for (const CycleUseInfo &use : kCycleUses)
      EXPECT_EQ(both.way.units[u].*use.count, both.shortcut.units[u].*use.count)
          << unitName(u) << ' ' << use.name;
  EXPECT_EQ(both.way.instructions, both.shortcut.instructions);

  const std::string bytes = builder.bytes();
  Result<Program> file = readProgram(
      {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  EXPECT_TRUE(file);
  for (bool shortcut : {false, true}) {
    Result<schedule::ProgramEstimate> estimate = schedule::estimateProgram(
        *file, "run", static_cast<uint64_t>(steps), shortcut);
    EXPECT_TRUE(estimate) << estimate.message();
    if (!estimate)
      continue;
    EXPECT_EQ(estimate->cycles, both.way.cycles) << "shortcut " << shortcut;
    for (size_t u = 0; u < kNumUnits; ++u)
      EXPECT_EQ(estimate->busy[u], both.way.units[u].busy)
          << unitName(u) << ", shortcut " << shortcut;
    both.estimate = *estimate;
  }
  EXPECT_EQ(both.estimate.instructions, both.way.walked);
  return both;
}

/// A recurrence with rings of two and three slots: a period of six passes.
static ProgramBuilder recurrence() {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 6).stream("y", "step", "out", 4);
  builder.entry("run").code("astream a1, stream 0\n"
                            "astream a2, stream 1\n"
                            "aset a3, 0 ring 0 + 12\n"    // x, two slots
                            "aset a4, 100 ring 100 + 9\n" // h, three slots
                            "loop T\n"
                            "  load v[a3], x[a1], n 6\n"
                            "  vacc a[0], v[a3], n 3, lshift 0, init zero\n"
                            "  vacc a[0], v[a4], n 3, lshift 0, init acc\n"
                            "  requant v[a4 + 3], a[0], n 3, shift 0, bits 8\n"
                            "  store x[a2], v[a4 + 3], n 3\n"
                            "  aadd a1, 12\n aadd a2, 8\n"
                            "  aadd a3, 6\n aadd a4, 3\n"
                            "endloop\n"
                            "halt");
  return builder;
}

TEST(PeriodTest, RingsOfAnyLengths) {
  const ProgramBuilder builder = recurrence();
  for (int64_t steps = 1; steps <= 64; ++steps) {
    SCOPED_TRACE(steps);
    timeBoth(builder, steps);
  }
  const Both both = timeBoth(builder, 9999);
  EXPECT_EQ(both.way.walked, 5u + 9999 * 10 + 1);
  EXPECT_LT(both.shortcut.walked, 300u);
  EXPECT_LT(both.estimate.walked, 300u);
}

// The promise of docs/Guides/Statistics.md; here without any host work, by the
// way that hcgs-sim --steps takes.
TEST(PeriodTest, LongUtterancesCostNothing) {
  LoadedProgram::Ptr program = recurrence().load();
  ASSERT_TRUE(program);
  Result<StreamLayout> layout = program->layoutStreams(10'000'000);
  ASSERT_TRUE(layout);
  const std::shared_ptr<const TimingResult> result =
      program->timing(Entry::Run, 10'000'000, Registers(), *layout);
  EXPECT_GT(result->cycles, 100'000'000u);
  // Work is counted, not timed: as few steps stand for ten million as for a
  // thousand.
  EXPECT_LT(result->walked, 1000u);
  layout = program->layoutStreams(1000);
  ASSERT_TRUE(layout);
  EXPECT_LE(result->walked,
            program->timing(Entry::Run, 1000, Registers(), *layout)->walked +
                100);
}

// A log has every instruction, so it takes the long way.
TEST(PeriodTest, LogsAreComplete) {
  LoadedProgram::Ptr program = recurrence().load();
  ASSERT_TRUE(program);
  Result<StreamLayout> layout = program->layoutStreams(200);
  std::vector<InstructionTimes> log;
  const TimingResult result =
      computeTiming(*program, Entry::Run, 200, Registers(), *layout, &log);
  EXPECT_EQ(log.size(), 5u + 200 * 10 + 1);
  EXPECT_EQ(result.walked, log.size());
  EXPECT_EQ(log.back().d + 1, result.cycles);
}

// A reader walks forwards and a writer backwards through one stream: they meet
// in the middle, where loads have to wait. Before and after it periods are
// skipped.
TEST(PeriodTest, StreamsThatMeet) {
  // With a barrier nothing is under way when a pass ends.
  for (const auto &[steps, barrier] :
       {std::pair(100, false), std::pair(101, false), std::pair(777, false),
        std::pair(101, true)}) {
    ProgramBuilder builder;
    builder.stream("s", "step", "scratch", 4);
    builder.set("/store/latency", 9);
    builder.entry("run")
        .code("astream a1, stream 0\n"
              "astream a2, stream 0 imm -8 tscale 8")
        .code(fmt::format("loop T\n"
                          "  store x[a2], v[0], n 4\n"
                          "  load v[8], x[a1], n 4\n"
                          "  aadd a1, 8\n aadd a2, -8\n"
                          "{}"
                          "endloop\n"
                          "halt",
                          barrier ? "barrier\n" : ""));
    const Both both = timeBoth(builder, steps);
    EXPECT_GT(both.way.units[0].port, 0u);
    EXPECT_LT(both.shortcut.walked, 40u * 5) << steps;
  }
}

// Two directions write the halves of one frame, and pass each other.
TEST(PeriodTest, HalvesOfFramesDoNotMeet) {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 4).stream("y", "step", "out", 8);
  builder.entry("run").code("astream a1, stream 0\n"
                            "astream a2, stream 0 imm -8 tscale 8\n"
                            "astream a3, stream 1\n"
                            "astream a4, stream 1 imm -8 tscale 16\n"
                            "loop T\n"
                            "  load v[0], x[a1], n 4\n"
                            "  load v[4], x[a2], n 4\n"
                            "  store x[a3], v[0], n 4\n"
                            "  store x[a4], v[4], n 4\n"
                            "  aadd a1, 8\n aadd a2, -8\n"
                            "  aadd a3, 16\n aadd a4, -16\n"
                            "endloop\n"
                            "halt");
  const Both both = timeBoth(builder, 5000);
  EXPECT_LT(both.shortcut.walked, 200u);
  EXPECT_LT(both.estimate.walked, 200u);
}

// A register that is set in the pass, one that walks in vmem without a ring
// (never periodic), a unit that is only used before the loop, a unit that is
// first used late.
TEST(PeriodTest, RegistersAndUnits) {
  ProgramBuilder set;
  set.stream("x", "sequence", "in", 4);
  set.entry("run").code("loop T\n"
                        "  astream a1, stream 0\n"
                        "  aadd a1, 2\n"
                        "  load v[0], x[a1], n 2\n"
                        "endloop\n"
                        "halt");
  EXPECT_LT(timeBoth(set, 900).shortcut.walked, 100u);

  ProgramBuilder walks;
  walks.entry("run").code("loop T\n"
                          "  fill v[a1], 1, n 3\n"
                          "  aadd a1, 3\n"
                          "endloop\n"
                          "halt");
  const Both both = timeBoth(walks, 900);
  EXPECT_EQ(both.shortcut.walked, both.way.walked);

  ProgramBuilder idle;
  idle.stream("x", "sequence", "in", 4);
  idle.entry("run").code("astream a1, stream 0\n"
                         "load v[40], x[a1], n 1\n"
                         "loop T\n"
                         "  fill v[0], 1, n 9\n"
                         "endloop\n"
                         "load v[41], x[a1], n 1\n"
                         "store x[a1], v[40], n 1\n"
                         "halt");
  EXPECT_LT(timeBoth(idle, 900).shortcut.walked, 100u);
}

// Where a register finds something in vmem counts even if nothing is under way
// when a pass ends: one pass of these has a conflict.
TEST(PeriodTest, WalksMeetWhatTheyPass) {
  ProgramBuilder builder;
  builder.entry("run").code("loop T\n"
                            "  fill v[a1], 1, n 3\n"
                            "  vcopy v[4000], v[600], n 3\n"
                            "  barrier\n"
                            "  aadd a1, 3\n"
                            "endloop\n"
                            "halt");
  EXPECT_EQ(timeBoth(builder, 200).way.units[2].raw, 0u);
  EXPECT_EQ(timeBoth(builder, 900).way.units[2].raw, 2u);
}

// A unit that a loop does not use ends at any time in it.
TEST(PeriodTest, IdleUnitsEndAnywhere) {
  for (int n = 1; n <= 60; ++n) {
    SCOPED_TRACE(n);
    ProgramBuilder builder;
    builder.stream("x", "sequence", "in", 64);
    builder.entry("run").code(fmt::format("astream a1, stream 0\n"
                                          "load v[40], x[a1], n {}\n"
                                          "loop T\n"
                                          "  fill v[0], 1, n 2\n"
                                          "endloop\n"
                                          "load v[41], x[a1], n 1\n"
                                          "halt",
                                          n));
    timeBoth(builder, 90);
  }
}

// What is under way before a loop, in it and after it.
TEST(PeriodTest, WhatIsUnderWay) {
  // A long instruction of a unit that the loop does not use.
  ProgramBuilder before;
  before.stream("x", "step", "in", 4);
  before.entry("run").code("astream a1, stream 0\n"
                           "fill v[0], 1, n 3000\n"
                           "loop T\n"
                           "  load v[3500], x[a1], n 4\n"
                           "  aadd a1, 8\n aadd a9, 1\n"
                           "endloop\n"
                           "fill v[0], 1, n 2\n"
                           "halt");
  for (const int64_t steps : {9, 100, 1000})
    timeBoth(before, steps);

  // A load after the loop waits for a store that is still in the queue.
  ProgramBuilder after;
  after.stream("s", "step", "scratch", 4);
  // Long, so that the time at which it is taken shows in the end.
  after.set("/store/latency", 50).set("/load/latency", 300);
  after.entry("run").code("astream a2, stream 0\n"
                          "loop T\n"
                          "  store x[a2], v[0], n 4\n"
                          "  aadd a2, 8\n"
                          "endloop\n"
                          "load v[8], x[a2 - 24], n 4\n"
                          "halt");
  for (const int64_t steps : {5, 40, 500}) {
    const Both both = timeBoth(after, steps);
    EXPECT_GT(both.way.units[0].fill, uint64_t(steps) * 52 - 104);
  }
}

// Passes of an outer loop that are themselves walked by the period.
TEST(PeriodTest, NestedLoops) {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 4).stream("y", "sequence", "out", 4000);
  builder.entry("run").code("astream a2, stream 1\n"
                            "loop 400\n"
                            "  astream a1, stream 0\n"
                            "  loop T\n"
                            "    load v[0], x[a1], n 4\n"
                            "    vcopy v[8], v[0], n 4\n"
                            "    aadd a1, 8\n"
                            "  endloop\n"
                            "  loop T - 7 cap 1\n"
                            "    fill v[20], 1, n 5\n"
                            "  endloop\n"
                            "  store x[a2], v[8], n 4\n"
                            "  aadd a2, 8\n"
                            "endloop\n"
                            "halt");
  for (const int64_t steps : {1, 2, 5, 7, 8, 9, 40, 300}) {
    SCOPED_TRACE(steps);
    const Both both = timeBoth(builder, steps);
    EXPECT_LT(both.shortcut.walked, 2500u);
    EXPECT_LT(both.estimate.walked, 2500u);
  }
}

// An outer loop's accesses stand for those of inner periods that were skipped.
TEST(PeriodTest, NestedLoopsRememberWhatTheySkipped) {
  ProgramBuilder builder;
  builder.stream("s", "step", "scratch", 40);
  builder.set("/store/latency", 30);
  // The inner loop stores the 40 elements of frame t; the load reads element t
  // of it, and meets the last of them, which are still in the queue.
  builder.entry("run").code("astream a1, stream 0\n"
                            "astream a2, stream 0\n"
                            "loop T - 8\n"
                            "  loop 40\n"
                            "    store x[a1], v[0], n 1\n"
                            "    aadd a1, 2\n"
                            "  endloop\n"
                            "  load v[8], x[a2], n 1\n"
                            "  aadd a2, 82\n"
                            "endloop\n"
                            "halt");
  for (const int64_t steps : {9, 20, 46, 80, 300}) {
    const Both both = timeBoth(builder, steps);
    EXPECT_EQ(both.way.units[0].port > 0, steps >= 46) << steps;
  }
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plans: the storage an order needs, and the orders that schedulers find.

#include "LstmProblems.h"
#include "PlanCheck.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace hcgs::schedule;

namespace {

/// Two operations on one value of 8 rows, in row blocks of 4.
Problem pair() {
  Problem problem;
  problem.groups.push_back({8, 4});
  problem.storages = {{Memory::V, 8, 1, 0}, {Memory::V, 8, 1, 0}};
  for (unsigned storage : {0u, 1u}) {
    Operation op;
    op.storage = storage;
    op.rows = 8;
    op.group = 0;
    op.latency = 4;
    op.occupancy = [](const Entry &e) { return e.end - e.begin; };
    op.leastOccupancy = 8;
    problem.operations.push_back(op);
  }
  problem.operations[1].reads = {{0}};
  return problem;
}

Plan planOf(const Problem &problem, std::vector<Entry> entries) {
  Plan plan;
  plan.rowBlocks = {4};
  plan.entries = std::move(entries);
  for (const Entry &entry : plan.entries)
    plan.depth = std::max(plan.depth, entry.step);
  chooseHoldings(problem, plan);
  return plan;
}

TEST(Plan, WindowOfAValueUsedBlockByBlock) {
  Problem problem = pair();
  Plan plan =
      planOf(problem, {{0, 0, 4, 0}, {1, 0, 4, 0}, {0, 4, 8, 0}, {1, 4, 8, 0}});
  EXPECT_EQ(plan.holdings[0].slots, 1u);
  EXPECT_EQ(plan.holdings[0].window, 1u);
  // Both blocks are written before the first is read: no window will do.
  plan =
      planOf(problem, {{0, 0, 4, 0}, {0, 4, 8, 0}, {1, 0, 4, 0}, {1, 4, 8, 0}});
  EXPECT_EQ(plan.holdings[0].window, 0u);
  EXPECT_EQ(plan.holdings[0].slots, 1u);
}

TEST(Plan, SlotsOfAValueMadeAhead) {
  Problem problem = pair();
  // x(t+1) is written before x(t) is read.
  Plan plan =
      planOf(problem, {{0, 0, 4, 1}, {0, 4, 8, 1}, {1, 0, 4, 0}, {1, 4, 8, 0}});
  EXPECT_EQ(plan.holdings[0].slots, 2u);
  // ... and after it.
  plan =
      planOf(problem, {{1, 0, 4, 0}, {1, 4, 8, 0}, {0, 0, 4, 1}, {0, 4, 8, 1}});
  EXPECT_EQ(plan.holdings[0].slots, 1u);
  // Two steps ahead.
  plan =
      planOf(problem, {{1, 0, 4, 0}, {1, 4, 8, 0}, {0, 0, 4, 2}, {0, 4, 8, 2}});
  EXPECT_EQ(plan.holdings[0].slots, 2u);
}

TEST(Plan, SlotsOfAStateDependOnWhoComesFirst) {
  Problem problem = pair();
  problem.operations[1].reads[0].back = 1;
  // x(t-1) is read after x(t) is written ...
  Plan plan =
      planOf(problem, {{0, 0, 4, 0}, {0, 4, 8, 0}, {1, 0, 4, 0}, {1, 4, 8, 0}});
  EXPECT_EQ(plan.holdings[0].slots, 2u);
  // ... and before.
  plan =
      planOf(problem, {{1, 0, 4, 0}, {1, 4, 8, 0}, {0, 0, 4, 0}, {0, 4, 8, 0}});
  EXPECT_EQ(plan.holdings[0].slots, 1u);
}

// WI-A-1: row block, gate, row; the last block is lower.
TEST(Plan, PlacesOfGates) {
  Storage a{Memory::A, 10, 4, 0, false};
  Holding holding{1, 4, 0};
  using Range = std::pair<int64_t, int64_t>;
  EXPECT_EQ(elementRange(a, holding, 0, 4, -1), Range(0, 16));
  EXPECT_EQ(elementRange(a, holding, 4, 8, 2), Range(16 + 8, 16 + 12));
  EXPECT_EQ(elementRange(a, holding, 8, 10, 1), Range(32 + 2, 32 + 4));
  holding.window = 2;
  EXPECT_EQ(elementRange(a, holding, 8, 10, 1), Range(2, 4));
  EXPECT_EQ(slotElements(a, holding), 32);
}

// Gates that do not lie side by side are touched apart.
TEST(Plan, TouchesOfGatesAndColumns) {
  Stack stack;
  stack.machine = machineNamed("sharp-64k");
  stack.input = 64;
  stack.hidden = {128};
  Problem problem = makeProblem(stack);
  unsigned product = 0;
  while (!problem.operations[product].reads.size() ||
         !problem.operations[product].reads[0].back)
    ++product;
  Plan plan;
  plan.rowBlocks = {64};
  plan.entries = {{product, 64, 128, 0, 0b1001, 32, 96}};
  plan.holdings.assign(problem.storages.size(), {2, 64, 0});
  std::vector<PlannedTouch> touches =
      plannedTouches(problem, plan, plan.entries[0]);
  ASSERT_EQ(touches.size(), 3u);
  auto range = [&](size_t i) {
    return std::make_pair(touches[i].begin, touches[i].end);
  };
  using Range = std::pair<int64_t, int64_t>;
  EXPECT_EQ(range(0), Range(32, 96));
  EXPECT_EQ(touches[0].lead, -1);
  EXPECT_EQ(range(1), Range(256, 320));
  EXPECT_EQ(range(2), Range(256 + 192, 512));
  EXPECT_TRUE(touches[2].write);
}

TEST(Plan, RingsCostControlInstructions) {
  Problem problem = pair();
  problem.controlPerIteration = 3;
  Plan plan =
      planOf(problem, {{0, 0, 4, 1}, {0, 4, 8, 1}, {1, 0, 4, 0}, {1, 4, 8, 0}});
  EXPECT_EQ(controlInstructions(problem, plan), 4u);
  plan.holdings[1].slots = 2;
  EXPECT_EQ(controlInstructions(problem, plan), 4u);
  plan.holdings[1].slots = 3;
  EXPECT_EQ(controlInstructions(problem, plan), 5u);
}

Stack stackOn(const std::string &machine, std::vector<uint32_t> hidden) {
  Stack stack;
  stack.machine = machineNamed(machine);
  stack.input = hidden.front();
  stack.hidden = std::move(hidden);
  return stack;
}

Stack chip(unsigned layers) {
  Stack stack = stackOn("hcgs-65nm", std::vector<uint32_t>(layers, 512));
  stack.input = 440;
  stack.weights = Weights::Sixteenth;
  stack.capacity = 16384;
  return stack;
}

void expectSound(const Problem &problem, const Plan &plan) {
  EXPECT_EQ(findFault(problem, plan), "");
  EXPECT_TRUE(startsEvenly(problem, plan));
  EXPECT_GE(plan.cyclesPerStep, double(lowerBound(problem).cycles()));
  EXPECT_EQ(plan.cyclesPerStep, replayedCycles(problem, plan));
  std::array<int64_t, kMemories> taken = storageElements(problem, plan);
  for (unsigned m = 0; m < kMemories; ++m)
    if (problem.capacity[m]) {
      EXPECT_LE(taken[m], problem.capacity[m]);
    }
}

// Random stacks on random machines: whatever the schedule, legal, not quicker
// than the bound, and as quick as the estimate says.
TEST(Schedulers, SoundOnRandomProblems) {
  std::mt19937 random(5);
  auto pick = [&](auto... values) {
    std::vector<uint32_t> list = {uint32_t(values)...};
    return list[random() % list.size()];
  };
  for (int round = 0; round < 6; ++round) {
    Stack stack;
    static const char *const kMachines[] = {"sharp-1k", "sharp-16k",
                                            "sharp-64k", "wang-90nm"};
    stack.machine = machineNamed(kMachines[random() % 4]);
    stack.machine.matrixFill = pick(1, 4, 9);
    stack.machine.vectorLatency = pick(0, 4, 11);
    for (unsigned &depth : stack.machine.queues.entries)
      depth = pick(1, 2, 16);
    stack.input = pick(8, 96, 340);
    for (uint32_t layers = pick(1, 1, 2, 3); layers > 0; --layers)
      stack.hidden.push_back(pick(32, 64, 128, 160, 352));
    stack.bidirectional = pick(0, 1);
    stack.streams = pick(1, 1, 2, 3);
    stack.weights = Weights(pick(0, 0, 1, 2));
    if (stack.weights == Weights::Dense && pick(0, 1))
      stack.tile = pick(0, 1, 2, 3);
    Problem problem = makeProblem(stack);
    for (const std::string &name : schedulerNames()) {
      SCOPED_TRACE("round " + std::to_string(round) + ", " + name);
      expectSound(problem, createScheduler(name)->run(problem));
    }
  }
}

TEST(Schedulers, SameProblemSamePlan) {
  for (const std::string &name : schedulerNames()) {
    auto schedule = [&] {
      return createScheduler(name)->run(
          makeProblem(stackOn("sharp-64k", {340, 128})));
    };
    Plan a = schedule(), b = schedule();
    ASSERT_EQ(a.entries.size(), b.entries.size()) << name;
    for (size_t i = 0; i < a.entries.size(); ++i) {
      EXPECT_EQ(a.entries[i].operation, b.entries[i].operation);
      EXPECT_EQ(a.entries[i].begin, b.entries[i].begin);
      EXPECT_EQ(a.entries[i].step, b.entries[i].step);
    }
  }
}

TEST(Schedulers, ByName) {
  for (const std::string &name : schedulerNames())
    EXPECT_TRUE(createScheduler(name)) << name;
  EXPECT_FALSE(createScheduler("fastest"));
}

TEST(Schedulers, RefuseWhatTheyDoNotDefine) {
  Problem lstm = makeProblem(stackOn("sharp-1k", {128}));
  for (const std::string &name : schedulerNames()) {
    EXPECT_TRUE(createScheduler(name)->canServe(lstm)) << name;
    hcgs::Result<void> other = createScheduler(name)->canServe(pair());
    if (name == "auto") {
      EXPECT_TRUE(other);
      continue;
    }
    ASSERT_FALSE(other) << name;
    EXPECT_NE(other.message().find("'" + name + "'"), std::string::npos);
    EXPECT_NE(other.message().find("'auto'"), std::string::npos);
  }
}

// Without a limit `unfolded` takes 155 instructions and `auto` 84.
TEST(Schedulers, KeepToTheProgramMemory) {
  Problem problem = makeProblem(stackOn("sharp-1k", {340}));
  for (const std::string &name : {"unfolded", "auto"}) {
    problem.instructionLimit = 0;
    Plan plan = createScheduler(name)->run(problem);
    const uint64_t most = planInstructions(problem, plan);
    for (uint64_t limit : {60u, 50u}) {
      ASSERT_GT(most, limit) << name;
      problem.instructionLimit = limit;
      plan = createScheduler(name)->run(problem);
      expectSound(problem, plan);
      EXPECT_LE(planInstructions(problem, plan), limit) << name;
    }
  }
}

// Less depth where the copies of the prologue and the epilogue are too many:
// the loop alone still takes fewer cycles than `unfolded` with both.
TEST(AutoScheduler, ShortensTheDepth) {
  Problem problem = makeProblem(stackOn("sharp-16k", {64, 64}));
  problem.instructionLimit = 60;
  Plan plan = createScheduler("auto")->run(problem);
  expectSound(problem, plan);
  EXPECT_LE(planInstructions(problem, plan), 60u);
  EXPECT_LT(plan.cyclesPerStep,
            createScheduler("unfolded")->run(problem).cyclesPerStep);
}

// As little memory as any order can do with: auto finds what fits.
TEST(AutoScheduler, KeepsToTheStorage) {
  Problem problem = makeProblem(stackOn("sharp-1k", {128}));
  for (int64_t accumulators : {768, 900, 1100}) {
    problem.capacity = {0, accumulators, 0};
    Plan plan = createScheduler("auto")->run(problem);
    expectSound(problem, plan);
    EXPECT_FALSE(overflowOf(problem, plan).any()) << accumulators;
  }
}

// Where there is no room for two copies of each value, fewer are no slower.
TEST(AutoScheduler, MakesDoWithFewerCopies) {
  Problem problem = makeProblem(chip(1));
  Plan plan = createScheduler("auto")->run(problem);
  EXPECT_GT(storageElements(problem, plan)[0], 4100);
  problem.capacity = {4100, 5200, 0};
  Plan small = createScheduler("auto")->run(problem);
  expectSound(problem, small);
  EXPECT_EQ(small.cyclesPerStep, plan.cyclesPerStep);
}

// So few instructions that only whole operations, one step at a time, do.
TEST(AutoScheduler, KeepsToTheShortestProgram) {
  Problem problem = makeProblem(stackOn("sharp-16k", {64, 64}));
  problem.instructionLimit = 36;
  Plan plan = createScheduler("auto")->run(problem);
  expectSound(problem, plan);
  EXPECT_LE(planInstructions(problem, plan), 36u);
}

// 338 pieces at least, each attempt a large part of the work allowed.
TEST(AutoScheduler, NotBehindWithManyPieces) {
  Stack stack = stackOn("sharp-1k", {340, 340});
  stack.streams = 13;
  Problem problem = makeProblem(stack);
  Plan plan = createScheduler("auto")->run(problem);
  expectSound(problem, plan);
  EXPECT_LE(plan.cyclesPerStep,
            createScheduler("unfolded")->run(problem).cyclesPerStep);
  EXPECT_LE(plan.work, 633000u); // 1.5 times what it takes; see WorkIsBounded
}

// What stands for the two seconds allowed: work is counted, not timed, at about
// 0.1 us for each. Each limit is 1.5 times what was counted when it was set:
// 114, 773,414 and 549,766. The first is good at once; the others never reach
// their bounds, so that the search goes on until its budget is spent.
TEST(AutoScheduler, WorkIsBounded) {
  for (const auto &[stack, most] :
       {std::pair(stackOn("sharp-64k", {1024, 1024, 1024}), 171u),
        std::pair(stackOn("sharp-64k", {340}), 1160000u),
        std::pair(stackOn("sharp-1k", {64}), 825000u)}) {
    Plan plan = createScheduler("auto")->run(makeProblem(stack));
    EXPECT_GT(plan.work, 0u);
    EXPECT_LE(plan.work, most);
  }
}

// Two entries in the loop and two outside; rings; see the layout of a pass.
TEST(Plan, CountsInstructions) {
  Problem problem = pair();
  Plan plan = planOf(problem, {{0, 0, 8, 0}, {1, 0, 8, 0}});
  // Entries, loop and endloop.
  EXPECT_EQ(planInstructions(problem, plan), 2u + 2);
  plan = planOf(problem, {{0, 0, 8, 2}, {1, 0, 8, 0}});
  // A ring: aset, an aadd in the loop and in two iterations of the epilogue.
  // Step 1 of the prologue and of the epilogue have a loop of one trip each.
  EXPECT_EQ(planInstructions(problem, plan), 3 * 2u + 2 + 4 + 2 * 2);
  // Two streams that are walked: an aadd each in the loop, and in the first of
  // the two iterations of the epilogue.
  problem.controlPerIteration += 2;
  EXPECT_EQ(planInstructions(problem, plan), 3 * 2u + 2 + 4 + 2 * 2 + 2 * 2);
}

TEST(UnfoldedScheduler, FillsTheMatrixUnitWithLayers) {
  for (unsigned layers : {1u, 2u, 3u}) {
    Problem problem = makeProblem(chip(layers));
    Plan plan = createScheduler("unfolded")->run(problem);
    expectSound(problem, plan);
    EXPECT_LE(plan.cyclesPerStep, 1.005 * double(lowerBound(problem).macs))
        << layers << " layers";
  }
}

// What the four orders are, on two row blocks of one layer: gates of the
// products with the old state, in the order of issue.
TEST(LayeredSchedulers, OrdersOfGates) {
  Problem problem = makeProblem(stackOn("sharp-1k", {128}));
  auto orderOf = [&](const char *name) {
    Plan plan = createScheduler(name)->run(problem);
    std::vector<std::pair<uint32_t, unsigned>> order;
    for (const Entry &entry : plan.entries)
      if (const Operation &op = problem.operations[entry.operation];
          op.isProduct() && op.reads[0].back)
        order.push_back({entry.begin, entry.gates});
    return order;
  };
  using Order = std::vector<std::pair<uint32_t, unsigned>>;
  EXPECT_EQ(orderOf("sequential"), (Order{{0, 1}, {0, 2}, {0, 4}, {0, 8}}));
  Order batch = orderOf("batch");
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(batch[i].second, 1u << i % 4);
    EXPECT_TRUE(i < 4 || batch[i].first > batch[i - 4].first);
  }
  for (auto [begin, gates] : orderOf("intergate"))
    EXPECT_EQ(gates, 0u);
}

TEST(AutoScheduler, FillsTheChip) {
  for (unsigned layers : {2u, 3u}) {
    Problem problem = makeProblem(chip(layers));
    Plan plan = createScheduler("auto")->run(problem);
    expectSound(problem, plan);
    EXPECT_LE(plan.cyclesPerStep, 1.005 * double(lowerBound(problem).macs));
  }
}

// Products of thousands of cycles fill the interval without gaps, so that no
// fine cut is needed: one entry an operation.
TEST(AutoScheduler, PacksLongProducts) {
  Problem problem = makeProblem(stackOn("sharp-1k", {1024, 1024, 1024}));
  Plan plan = createScheduler("auto")->run(problem);
  expectSound(problem, plan);
  EXPECT_EQ(plan.cyclesPerStep, double(lowerBound(problem).macs));
  EXPECT_EQ(plan.entries.size(), problem.operations.size());
}

TEST(AutoScheduler, HidesTheTailOfCirculantLayers) {
  Stack stack = stackOn("wang-90nm", {512});
  stack.weights = Weights::Circulant;
  stack.capacity = 16384;
  Problem problem = makeProblem(stack);
  Plan plan = createScheduler("auto")->run(problem);
  expectSound(problem, plan);
  EXPECT_LE(plan.cyclesPerStep, 1026);
}

// Interleaving of layers, directions and streams, and segments of columns.
TEST(AutoScheduler, NeverBehindAndAheadWhereInterleavingHelps) {
  struct Expected {
    Stack stack;
    bool ahead;
  };
  std::vector<Expected> cases = {
      {stackOn("sharp-64k", {512, 512}), true},
      {stackOn("sharp-64k", {512}), true},
      {stackOn("sharp-64k", {128}), true},
      {stackOn("sharp-16k", {340}), true},
      {stackOn("sharp-4k", {256}), false},
      {stackOn("sharp-1k", {128}), false},
  };
  Stack both = stackOn("sharp-64k", {256});
  both.bidirectional = true;
  cases.push_back({both, true});
  Stack streams = stackOn("sharp-16k", {128});
  streams.streams = 4;
  cases.push_back({streams, true});
  streams = stackOn("sharp-64k", {512});
  streams.streams = 4;
  cases.push_back({streams, false});
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    Problem problem = makeProblem(cases[i].stack);
    Plan best = createScheduler("auto")->run(problem);
    expectSound(problem, best);
    EXPECT_LE(best.cyclesPerStep, 1.03 * double(lowerBound(problem).cycles()));
    for (const char *name : {"sequential", "batch", "intergate", "unfolded"}) {
      double other = createScheduler(name)->run(problem).cyclesPerStep;
      if (cases[i].ahead)
        EXPECT_LT(best.cyclesPerStep, other) << name;
      else
        EXPECT_LE(best.cyclesPerStep, other) << name;
    }
  }
}

// Where units, the recurrence and dispatch all bind at about the same number of
// cycles, nothing reaches the bound, and the cutting decides.
TEST(AutoScheduler, FindsCuttingsThatSpareDispatch) {
  struct Expected {
    const char *machine;
    uint32_t input, hidden;
    double cycles;
  };
  for (const Expected &one :
       {Expected{"sharp-4k", 64, 128, 52}, Expected{"sharp-4k", 40, 128, 52},
        Expected{"sharp-16k", 40, 256, 52}}) {
    SCOPED_TRACE(std::string(one.machine) + ", inputs " +
                 std::to_string(one.input));
    Stack stack = stackOn(one.machine, {one.hidden});
    stack.input = one.input;
    stack.bidirectional = true;
    Problem problem = makeProblem(stack);
    Plan plan = createScheduler("auto")->run(problem);
    expectSound(problem, plan);
    EXPECT_LE(plan.cyclesPerStep, one.cycles);
  }
}

TEST(LowerBound, OfOneSmallLayer) {
  // 512 accumulators x 128 columns: 1 cycle of 256 x 256 lanes for the last
  // columns of gate f, a fill of 8, then six vector operations of 1 + 4.
  LowerBound bound = lowerBound(makeProblem(stackOn("sharp-64k", {128})));
  EXPECT_EQ(bound.recurrence, 1u + 8 + 6 * 5);
  EXPECT_EQ(bound.vector, 10u);
  EXPECT_EQ(bound.dispatch, 14u + 3);
  EXPECT_EQ(bound.binding(), "recurrence");
  EXPECT_EQ(bound.cycles(), 39u);
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plans: the storage an order needs, and the orders that schedulers find.

#include "hcgs/Schedule/Scheduler.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace hcgs::schedule;

namespace {

/// Builds problems out of LSTM layers on a machine of `lanes` multipliers.
struct Network {
  Problem problem;
  uint64_t lanes = 64, vectorLanes = 8;

  unsigned storage(Memory memory, uint32_t rows, uint32_t gates,
                   unsigned group = kNone, bool state = false) {
    problem.storages.push_back({memory, rows, gates, group, state});
    return problem.storages.size() - 1;
  }
  Operation &operation(Unit unit, unsigned target, uint32_t rows,
                       unsigned group, std::vector<Operand> reads) {
    Operation op;
    op.unit = unit;
    op.storage = target;
    op.rows = rows;
    op.group = group;
    op.reads = std::move(reads);
    op.latency = 4;
    op.occupancy = [lanes = vectorLanes](const Entry &e) {
      return (e.end - e.begin + lanes - 1) / lanes;
    };
    problem.operations.push_back(std::move(op));
    return problem.operations.back();
  }
  unsigned input(uint32_t width) {
    unsigned x = storage(Memory::V, width, 1);
    operation(Unit::Load, x, width, kNone, {}).latency = 0;
    return x;
  }
  /// Products of 1/16 of the weights.
  void product(unsigned sum, unsigned x, uint32_t rows, unsigned group,
               unsigned back) {
    uint64_t cols = problem.storages[x].rows;
    operation(Unit::Matrix, sum, rows, group, {{x, true, 0, -1, back}})
        .occupancy = [cols, lanes = lanes](const Entry &e) {
      return std::max<uint64_t>(1, (e.end - e.begin) * 4 * cols / 16 / lanes);
    };
  }
  unsigned lstm(unsigned x, uint32_t hidden) {
    unsigned group = problem.groups.size();
    problem.groups.push_back({hidden, 8});
    auto vec = [&] { return storage(Memory::V, hidden, 1, group); };
    unsigned a = storage(Memory::A, hidden, 4, group);
    unsigned h = storage(Memory::V, hidden, 1, group, true);
    unsigned c = storage(Memory::V, hidden, 1, group, true);
    unsigned s = storage(Memory::A, hidden, 1, group);
    unsigned m = storage(Memory::A, hidden, 1, group);
    product(a, x, hidden, group, 0);
    product(a, h, hidden, group, 1);
    unsigned gates[4];
    for (int gate = 0; gate < 4; ++gate) {
      gates[gate] = vec();
      vectorOp(gates[gate], hidden, group, {{a, false, 0, gate}});
    }
    vectorOp(s, hidden, group, {{gates[2]}, {c, false, 0, -1, 1}});
    vectorOp(s, hidden, group, {{gates[0]}, {gates[3]}});
    vectorOp(c, hidden, group, {{s}});
    unsigned q = vec();
    vectorOp(q, hidden, group, {{s}});
    vectorOp(m, hidden, group, {{gates[1]}, {q}});
    vectorOp(h, hidden, group, {{m}});
    return h;
  }
  void vectorOp(unsigned target, uint32_t rows, unsigned group,
                std::vector<Operand> reads) {
    operation(Unit::Vector, target, rows, group, std::move(reads));
  }
};

/// Two operations on one value of 8 rows, in row blocks of 4.
Problem pair() {
  Network network;
  network.problem.groups.push_back({8, 4});
  unsigned x = network.storage(Memory::V, 8, 1, 0);
  unsigned y = network.storage(Memory::V, 8, 1, 0);
  network.vectorOp(x, 8, 0, {});
  network.vectorOp(y, 8, 0, {{x}});
  return network.problem;
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

/// Every row of every operation once, and operands issued before.
void expectLegal(const Problem &problem, const Plan &plan) {
  std::vector<uint64_t> rows(problem.operations.size());
  for (const Entry &entry : plan.entries)
    rows[entry.operation] += entry.end - entry.begin;
  for (size_t op = 0; op < rows.size(); ++op)
    EXPECT_EQ(rows[op], problem.operations[op].rows) << "operation " << op;
}

TEST(UnfoldedScheduler, HidesTheRecurrenceOfOneLayer) {
  Network network;
  network.lstm(network.input(440), 512);
  Plan plan = createScheduler("unfolded")->run(network.problem);
  expectLegal(network.problem, plan);
  EXPECT_EQ(plan.depth, 1u);
  EXPECT_LE(plan.cyclesPerStep,
            1.005 * double(lowerBound(network.problem, plan.entries)));
}

TEST(UnfoldedScheduler, FillsTheMatrixUnitWithLayers) {
  for (unsigned layers : {2u, 3u}) {
    Network network;
    unsigned x = network.input(440);
    for (unsigned layer = 0; layer < layers; ++layer)
      x = network.lstm(x, 512);
    Plan plan = createScheduler("unfolded")->run(network.problem);
    expectLegal(network.problem, plan);
    EXPECT_LE(plan.cyclesPerStep,
              1.005 * double(lowerBound(network.problem, plan.entries)))
        << layers << " layers";
  }
}

TEST(UnfoldedScheduler, KeepsToTheProgramMemory) {
  Network network;
  network.lstm(network.input(440), 512);
  network.problem.entryLimit = 30;
  Plan plan = createScheduler("unfolded")->run(network.problem);
  expectLegal(network.problem, plan);
  EXPECT_LE(plan.entries.size(), 30u);
}

TEST(UnfoldedScheduler, SameProblemSamePlan) {
  auto schedule = [] {
    Network network;
    network.lstm(network.lstm(network.input(12), 128), 128);
    return createScheduler("unfolded")->run(network.problem);
  };
  Plan a = schedule(), b = schedule();
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (size_t i = 0; i < a.entries.size(); ++i) {
    EXPECT_EQ(a.entries[i].operation, b.entries[i].operation);
    EXPECT_EQ(a.entries[i].begin, b.entries[i].begin);
  }
}

TEST(Schedulers, ByName) {
  for (const std::string &name : schedulerNames())
    EXPECT_TRUE(createScheduler(name)) << name;
  EXPECT_FALSE(createScheduler("fastest"));
}

} // namespace

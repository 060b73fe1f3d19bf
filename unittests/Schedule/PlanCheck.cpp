// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine of labels.

#include "PlanCheck.h"

#include <map>
#include <numeric>

using namespace hcgs::schedule;

namespace {

/// One element: what was added to it, of which step and row (several rows
/// share a place if there is a window).
struct Label {
  int64_t step = -1000;
  uint32_t row = 0;
  uint64_t amount = 0;
};

class LabelMachine {
public:
  LabelMachine(const Problem &problem, const Plan &plan)
      : problem(problem), plan(plan), complete(problem.storages.size()),
        labels(problem.storages.size()) {
    for (const Operation &op : problem.operations) {
      if (op.storage == kNone)
        continue;
      const Storage &storage = problem.storages[op.storage];
      complete[op.storage].resize(storage.rows, 0);
      for (uint32_t row = 0; row < op.rows; ++row)
        complete[op.storage][row + op.offset] += op.cols ? op.cols : 1;
    }
    for (size_t s = 0; s < labels.size(); ++s) {
      const Storage &storage = problem.storages[s];
      labels[s].resize(size_t(plan.holdings[s].slots) * storage.rows *
                       storage.gates);
      if (!storage.state)
        continue;
      for (uint32_t row = 0; row < storage.rows; ++row)
        for (uint32_t gate = 0; gate < storage.gates; ++gate)
          at(s, -1, row, gate) = {-1, row, complete[s][row]};
    }
  }

  std::string run(int64_t steps) {
    for (int64_t t = -int64_t(plan.depth); t < steps; ++t)
      for (size_t i = 0; i < plan.entries.size() && fault.empty(); ++i) {
        const Entry &entry = plan.entries[i];
        int64_t time = t + entry.step;
        if (time < 0 || time >= steps)
          continue;
        issue(entry, time);
        if (!fault.empty())
          fault = "entry " + std::to_string(i) + " of step " +
                  std::to_string(time) + ": " + fault;
      }
    return fault;
  }

private:
  Label &at(size_t storage, int64_t time, uint32_t row, uint32_t gate) {
    const Holding &holding = plan.holdings[storage];
    int64_t slots = holding.slots;
    int64_t slot = ((time % slots) + slots) % slots;
    if (holding.window) {
      uint32_t block = row / holding.rowBlock;
      row = block % holding.window * holding.rowBlock + row % holding.rowBlock;
    }
    const Storage &of = problem.storages[storage];
    return labels[storage][(size_t(slot) * of.rows + row) * of.gates + gate];
  }

  void issue(const Entry &entry, int64_t time) {
    const Operation &op = problem.operations[entry.operation];
    uint32_t colBegin = entry.colEnd ? entry.colBegin : 0;
    uint32_t colEnd = entry.colEnd ? entry.colEnd : op.cols;
    for (const Operand &operand : op.reads) {
      uint32_t begin = entry.begin + operand.offset;
      uint32_t end = entry.end + operand.offset;
      const Storage &storage = problem.storages[operand.storage];
      if (operand.all) {
        begin = op.cols ? colBegin : 0;
        end = op.cols ? colEnd : storage.rows;
      }
      int64_t of = time - operand.back;
      for (uint32_t row = begin; row < end; ++row)
        for (uint32_t gate = 0; gate < storage.gates; ++gate) {
          if (operand.gate >= 0 && uint32_t(operand.gate) != gate)
            continue;
          const Label &label = at(operand.storage, of, row, gate);
          if (label.step != of || label.row != row ||
              label.amount != complete[operand.storage][row]) {
            fault = "storage " + std::to_string(operand.storage) + " row " +
                    std::to_string(row) + " is read with " +
                    std::to_string(label.amount) + " of step " +
                    std::to_string(label.step);
            return;
          }
        }
    }
    if (op.storage == kNone)
      return;
    const Storage &storage = problem.storages[op.storage];
    bool first = false, later = false;
    for (uint32_t row = entry.begin; row < entry.end; ++row)
      for (uint32_t gate = 0; gate < storage.gates; ++gate) {
        if (entry.gates && !(entry.gates >> gate & 1))
          continue;
        uint32_t target = uint32_t(row + op.offset);
        Label &label = at(op.storage, time, target, gate);
        if (label.step != time || label.row != target) {
          label = {time, target, 0};
          first = true;
        } else {
          later = true;
        }
        label.amount += op.cols ? colEnd - colBegin : 1;
        if (label.amount > complete[op.storage][target])
          fault = "storage " + std::to_string(op.storage) + " row " +
                  std::to_string(target) + " is given too much";
      }
    if (first && later)
      fault = "starts some of its accumulators and adds to others";
  }

  const Problem &problem;
  const Plan &plan;
  std::vector<std::vector<uint64_t>> complete;
  std::vector<std::vector<Label>> labels;
  std::string fault;
};

} // namespace

std::string hcgs::schedule::findFault(const Problem &problem,
                                      const Plan &plan) {
  if (plan.holdings.size() != problem.storages.size())
    return "not every storage has a holding";
  // Each row, gate and column of each operation once.
  std::vector<std::map<std::pair<uint32_t, unsigned>, uint64_t>> done(
      problem.operations.size());
  for (const Entry &entry : plan.entries) {
    const Operation &op = problem.operations[entry.operation];
    if (entry.step > plan.depth)
      return "a step is greater than the depth";
    if (entry.begin >= entry.end || entry.end > op.rows)
      return "an entry has no rows or too many";
    if (op.group != kNone) {
      uint32_t height = plan.rowBlocks[op.group];
      if (entry.begin % height || (entry.end % height && entry.end != op.rows))
        return "an entry cuts a row block";
    }
    if (entry.colEnd &&
        (entry.colBegin % op.colGranule ||
         (entry.colEnd % op.colGranule && entry.colEnd != op.cols)))
      return "an entry cuts a block of columns";
    uint64_t cols = entry.colEnd ? entry.colEnd - entry.colBegin : op.cols;
    for (uint32_t row = entry.begin; row < entry.end; ++row)
      for (unsigned gate = 0; gate < op.gates; ++gate)
        if (!entry.gates || (entry.gates >> gate & 1))
          done[entry.operation][{row, gate}] += op.cols ? cols : 1;
  }
  for (size_t o = 0; o < done.size(); ++o) {
    const Operation &op = problem.operations[o];
    if (done[o].size() != size_t(op.rows) * op.gates)
      return "operation " + std::to_string(o) + " is not issued for all rows";
    for (const auto &[where, amount] : done[o])
      if (amount != (op.cols ? op.cols : 1))
        return "operation " + std::to_string(o) + " is issued twice";
  }
  for (int64_t steps : {1, 2, 3, 9})
    if (std::string fault = LabelMachine(problem, plan).run(steps);
        !fault.empty())
      return fault;
  return {};
}

double hcgs::schedule::replayedCycles(const Problem &problem,
                                      const Plan &plan) {
  std::vector<int64_t> bases, sizes;
  std::array<int64_t, kMemories> next = {};
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    int64_t &base = next[static_cast<unsigned>(problem.storages[s].memory)];
    bases.push_back(base);
    sizes.push_back(slotElements(problem.storages[s], plan.holdings[s]));
    base += sizes.back() * plan.holdings[s].slots;
  }
  CycleModel clock(problem.queues);
  auto iteration = [&](int64_t t) {
    for (const Entry &entry : plan.entries) {
      if (t + entry.step < 0)
        continue;
      const Operation &op = problem.operations[entry.operation];
      Executed executed{op.unit, op.occupancy(entry), op.latency, {}};
      for (const PlannedTouch &touch : plannedTouches(problem, plan, entry)) {
        int64_t slots = plan.holdings[touch.storage].slots;
        int64_t slot = ((t + touch.lead) % slots + slots) % slots;
        int64_t base = bases[touch.storage] + slot * sizes[touch.storage];
        executed.touches.push_back({problem.storages[touch.storage].memory,
                                    base + touch.begin, base + touch.end,
                                    touch.write});
      }
      clock.issue(executed);
    }
    for (unsigned i = 0; i < controlInstructions(problem, plan); ++i)
      clock.control();
  };
  int64_t turn = 1; // steps after which all rings are where they were
  for (const Holding &holding : plan.holdings)
    turn = std::lcm(turn, int64_t(holding.slots));
  constexpr int64_t kMost = 3000;
  std::map<std::vector<int64_t>, std::pair<int64_t, uint64_t>> seen;
  for (int64_t t = -int64_t(plan.depth); t < kMost; ++t) {
    iteration(t);
    if (t < 0)
      continue;
    std::vector<int64_t> state = {t % turn, int64_t(clock.lastFinish()) -
                                                clock.lastDispatch()};
    clock.appendState(state);
    auto [before, isNew] =
        seen.insert({std::move(state), {t, clock.lastFinish()}});
    if (!isNew)
      return double(clock.lastFinish() - before->second.second) /
             double(t - before->second.first);
  }
  return 0; // nothing repeats
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every scheduler needs: where rows lie, how many copies an order of
// entries needs, and how long it takes.

#include "hcgs/Schedule/Scheduler.h"

#include <algorithm>
#include <cassert>

using namespace hcgs::schedule;

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

int64_t hcgs::schedule::slotElements(const Storage &storage,
                                     const Holding &holding) {
  int64_t gates = storage.gates;
  if (holding.window && holding.rowBlock)
    return std::min<int64_t>(int64_t(holding.window) * holding.rowBlock,
                             storage.rows) *
           gates;
  return storage.rows * gates;
}

std::pair<int64_t, int64_t>
hcgs::schedule::elementRange(const Storage &storage, const Holding &holding,
                             uint32_t begin, uint32_t end, int gate) {
  int64_t gates = storage.gates;
  int64_t height = holding.rowBlock ? holding.rowBlock : storage.rows;
  int64_t block = begin / height;
  int64_t first = block * height;
  int64_t place = holding.window ? block % holding.window : block;
  int64_t base = place * height * gates;
  if (gates == 1 || gate < 0) {
    // Whole blocks of all gates, or a plain vector.
    int64_t from = base + (begin - first) * gates;
    return {from, from + int64_t(end - begin) * gates};
  }
  int64_t h = std::min<int64_t>(height, storage.rows - first); // WI-A-1
  int64_t from = base + gate * h + (begin - first);
  return {from, from + (end - begin)};
}

//===----------------------------------------------------------------------===//
// Storage that an order needs
//===----------------------------------------------------------------------===//

namespace {
/// A write or read of rows of one storage by one entry, with its place in the
/// list. `lead` is how many steps after the iteration the value's own step is.
struct Access {
  uint32_t begin, end;
  int64_t lead;
  int64_t place;
};
struct Accesses {
  std::vector<Access> writes, reads;
};
} // namespace

static std::vector<Accesses>
collectAccesses(const Problem &problem, const std::vector<Entry> &entries) {
  std::vector<Accesses> result(problem.storages.size());
  for (size_t place = 0; place < entries.size(); ++place) {
    const Entry &entry = entries[place];
    const Operation &op = problem.operations[entry.operation];
    if (op.storage != kNone)
      result[op.storage].writes.push_back({uint32_t(entry.begin + op.offset),
                                           uint32_t(entry.end + op.offset),
                                           entry.step, int64_t(place)});
    for (const Operand &read : op.reads) {
      uint32_t begin = 0, end = problem.storages[read.storage].rows;
      if (!read.all) {
        begin = entry.begin + read.offset;
        end = entry.end + read.offset;
      }
      result[read.storage].reads.push_back(
          {begin, end, int64_t(entry.step) - int64_t(read.back),
           int64_t(place)});
    }
  }
  return result;
}

/// Whether a write to the place of a value comes after the read of that value:
/// the write makes the value `later` steps after the one that is read.
/// In "list places since iteration 0", the read of step u is at
/// (u - lead(read)) * N + place.
static bool comesAfter(const Access &write, const Access &read, int64_t later,
                       int64_t listLength) {
  return (later - write.lead + read.lead) * listLength + write.place -
             read.place >
         0;
}

void hcgs::schedule::chooseHoldings(const Problem &problem, Plan &plan) {
  std::vector<Accesses> accesses = collectAccesses(problem, plan.entries);
  int64_t n = plan.entries.size();
  plan.holdings.assign(problem.storages.size(), {});
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    Holding &holding = plan.holdings[s];
    const Accesses &all = accesses[s];
    bool grouped = storage.group != kNone;
    holding.rowBlock = grouped ? plan.rowBlocks[storage.group] : 0;
    auto overlaps = [](const Access &a, const Access &b) {
      return a.begin < b.end && b.begin < a.end;
    };
    auto slotsSuffice = [&](unsigned slots) {
      for (const Access &write : all.writes)
        for (const Access &read : all.reads)
          if (overlaps(write, read) && !comesAfter(write, read, slots, n))
            return false;
      return true;
    };
    while (!slotsSuffice(holding.slots))
      ++holding.slots;

    // A window is only of use to values that never need more than one slot
    // and are read row by row in their own group.
    uint32_t height = holding.rowBlock;
    if (!grouped || storage.state || holding.slots != 1 ||
        height >= storage.rows)
      continue;
    bool local = true;
    for (const Operation &op : problem.operations) {
      if (op.storage == s && (op.group != storage.group || op.offset))
        local = false;
      for (const Operand &read : op.reads)
        if (read.storage == s &&
            (read.all || read.back || read.offset || op.group != storage.group))
          local = false;
    }
    if (!local)
      continue;
    uint32_t blocks = (storage.rows + height - 1) / height;
    auto windowSuffices = [&](uint32_t window) {
      for (const Access &write : all.writes)
        for (const Access &read : all.reads) {
          uint32_t wb = write.begin / height, rb = read.begin / height;
          if (wb % window != rb % window)
            continue;
          // The next value put in the place that the read one has: in the
          // same step if its block comes later, else in the next step.
          if (!comesAfter(write, read, wb > rb ? 0 : 1, n))
            return false;
        }
      return true;
    };
    for (uint32_t window = 1; window < blocks; ++window)
      if (windowSuffices(window)) {
        holding.window = window;
        break;
      }
  }
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

uint64_t hcgs::schedule::lowerBound(const Problem &problem,
                                    const std::vector<Entry> &entries) {
  std::array<uint64_t, kUnits> busy = {};
  for (const Entry &entry : entries) {
    const Operation &op = problem.operations[entry.operation];
    busy[static_cast<unsigned>(op.unit)] += op.occupancy(entry);
  }
  uint64_t dispatch = entries.size() + problem.controlPerIteration;
  return std::max(dispatch, *std::max_element(busy.begin(), busy.end()));
}

namespace {
/// Replays a plan, entry by entry, on virtual addresses.
class Replay {
public:
  Replay(const Problem &problem, const Plan &plan)
      : clock(problem.queues), problem(problem), plan(plan) {
    int64_t next = 0;
    for (size_t s = 0; s < problem.storages.size(); ++s) {
      const Holding &holding = plan.holdings[s];
      bases.push_back(next);
      sizes.push_back(slotElements(problem.storages[s], holding));
      next += sizes.back() * holding.slots;
    }
    occupancies.reserve(plan.entries.size());
    for (const Entry &entry : plan.entries)
      occupancies.push_back(
          problem.operations[entry.operation].occupancy(entry));
  }

  /// One iteration t; entries of time steps outside 0 .. steps-1 are left out.
  void iteration(int64_t t, int64_t steps) {
    for (size_t i = 0; i < plan.entries.size(); ++i) {
      const Entry &entry = plan.entries[i];
      int64_t time = t + entry.step;
      if (time >= 0 && time < steps)
        issue(entry, occupancies[i], time);
    }
    for (unsigned i = 0; i < problem.controlPerIteration; ++i)
      clock.control();
  }

  CycleModel clock;
  std::vector<uint64_t> takes;

private:
  void touch(unsigned storage, uint32_t begin, uint32_t end, int gate,
             int64_t time, bool write) {
    const Holding &holding = plan.holdings[storage];
    int64_t slots = holding.slots;
    int64_t slot = ((time % slots) + slots) % slots;
    auto [from, to] =
        elementRange(problem.storages[storage], holding, begin, end, gate);
    int64_t base = bases[storage] + slot * sizes[storage];
    current.touches.push_back(
        {problem.storages[storage].memory, base + from, base + to, write});
  }

  void issue(const Entry &entry, uint64_t occupancy, int64_t time) {
    const Operation &op = problem.operations[entry.operation];
    current.unit = op.unit;
    current.occ = occupancy;
    current.lat = op.latency;
    current.touches.clear();
    for (const Operand &read : op.reads) {
      if (read.all)
        touch(read.storage, 0, problem.storages[read.storage].rows, -1,
              time - read.back, false);
      else
        touch(read.storage, entry.begin + read.offset, entry.end + read.offset,
              read.gate, time - read.back, false);
    }
    if (op.storage != kNone)
      touch(op.storage, entry.begin + op.offset, entry.end + op.offset, -1,
            time, true);
    takes.push_back(clock.issue(current));
  }

  const Problem &problem;
  const Plan &plan;
  std::vector<int64_t> bases, sizes;
  std::vector<uint64_t> occupancies;
  Executed current;
};
} // namespace

// The pipeline fills in a few iterations; the mean over the following ones
// evens out an order that repeats only after two or three.
static constexpr int64_t kWarmUp = 4, kMeasured = 6;
static constexpr int64_t kForever = int64_t(1) << 40;

std::vector<uint64_t> hcgs::schedule::settledTakes(const Problem &problem,
                                                   const Plan &plan) {
  Replay replay(problem, plan);
  for (int64_t t = -int64_t(plan.depth); t <= kWarmUp; ++t) {
    replay.takes.clear();
    replay.iteration(t, kForever);
  }
  return std::move(replay.takes);
}

void hcgs::schedule::estimate(const Problem &problem, Plan &plan) {
  Replay steady(problem, plan);
  for (int64_t t = -int64_t(plan.depth); t < kWarmUp; ++t)
    steady.iteration(t, kForever);
  uint64_t before = steady.clock.lastFinish();
  for (int64_t t = kWarmUp; t < kWarmUp + kMeasured; ++t)
    steady.iteration(t, kForever);
  plan.cyclesPerStep =
      double(steady.clock.lastFinish() - before) / double(kMeasured);

  Replay single(problem, plan);
  for (int64_t t = -int64_t(plan.depth); t < 1; ++t)
    single.iteration(t, 1);
  plan.cyclesOfOneStep = single.clock.halt();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every scheduler needs: where rows lie, and how many copies an order of
// entries needs.

#include "hcgs/Schedule/Scheduler.h"

#include <algorithm>
#include <set>

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
  /// Bit g: gate g.
  unsigned gates;
  int64_t lead;
  int64_t place;
};
struct Accesses {
  std::vector<Access> writes, reads;
};
} // namespace

static constexpr unsigned kAllGates = ~0u;

/// Rows of an operand that an entry reads.
static std::pair<uint32_t, uint32_t>
rowsRead(const Problem &problem, const Operand &read, const Entry &entry) {
  if (!read.all)
    return {uint32_t(entry.begin + read.offset),
            uint32_t(entry.end + read.offset)};
  if (problem.operations[entry.operation].isProduct() && entry.colEnd)
    return {entry.colBegin, entry.colEnd};
  return {0, problem.storages[read.storage].rows};
}

static std::vector<Accesses>
collectAccesses(const Problem &problem, const std::vector<Entry> &entries) {
  std::vector<Accesses> result(problem.storages.size());
  for (size_t place = 0; place < entries.size(); ++place) {
    const Entry &entry = entries[place];
    const Operation &op = problem.operations[entry.operation];
    if (op.storage != kNone)
      result[op.storage].writes.push_back(
          {uint32_t(entry.begin + op.offset), uint32_t(entry.end + op.offset),
           entry.gates ? entry.gates : kAllGates, entry.step, int64_t(place)});
    for (const Operand &read : op.reads) {
      auto [begin, end] = rowsRead(problem, read, entry);
      result[read.storage].reads.push_back(
          {begin, end, read.gate < 0 ? kAllGates : 1u << read.gate,
           int64_t(entry.step) - int64_t(read.back), int64_t(place)});
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
      return a.begin < b.end && b.begin < a.end && (a.gates & b.gates);
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
    for (const auto *list : {&all.writes, &all.reads})
      for (const Access &access : *list)
        local &= access.begin / height == (access.end - 1) / height;
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
// What a plan needs
//===----------------------------------------------------------------------===//

std::vector<PlannedTouch> hcgs::schedule::plannedTouches(const Problem &problem,
                                                         const Plan &plan,
                                                         const Entry &entry) {
  std::vector<PlannedTouch> result;
  const Operation &op = problem.operations[entry.operation];
  auto add = [&](unsigned storage, uint32_t begin, uint32_t end, int gate,
                 int64_t lead, bool write) {
    auto [from, to] = elementRange(problem.storages[storage],
                                   plan.holdings[storage], begin, end, gate);
    if (!result.empty() && result.back().storage == storage &&
        result.back().end == from && result.back().write == write &&
        result.back().lead == lead)
      result.back().end = to;
    else
      result.push_back({storage, from, to, lead, write});
  };
  for (const Operand &read : op.reads) {
    auto [begin, end] = rowsRead(problem, read, entry);
    add(read.storage, begin, end, read.gate,
        int64_t(entry.step) - int64_t(read.back), false);
  }
  if (op.storage == kNone)
    return result;
  uint32_t begin = entry.begin + op.offset, end = entry.end + op.offset;
  const Storage &storage = problem.storages[op.storage];
  if (!entry.gates || entry.gates == (1u << storage.gates) - 1) {
    add(op.storage, begin, end, -1, entry.step, true);
    return result;
  }
  uint32_t height = plan.holdings[op.storage].rowBlock;
  if (!height)
    height = storage.rows;
  for (uint32_t from = begin; from < end;) {
    uint32_t to = std::min(end, (from / height + 1) * height);
    for (unsigned gate = 0; gate < storage.gates; ++gate)
      if (entry.gates >> gate & 1)
        add(op.storage, from, to, int(gate), entry.step, true);
    from = to;
  }
  return result;
}

std::array<int64_t, kMemories>
hcgs::schedule::storageElements(const Problem &problem, const Plan &plan) {
  std::array<int64_t, kMemories> result = {};
  for (size_t s = 0; s < problem.storages.size(); ++s)
    result[static_cast<unsigned>(problem.storages[s].memory)] +=
        slotElements(problem.storages[s], plan.holdings[s]) *
        plan.holdings[s].slots;
  return result;
}

unsigned hcgs::schedule::controlInstructions(const Problem &problem,
                                             const Plan &plan) {
  std::set<std::pair<Memory, unsigned>> rings;
  for (size_t s = 0; s < problem.storages.size(); ++s)
    if (plan.holdings[s].slots > 1)
      rings.insert({problem.storages[s].memory, plan.holdings[s].slots});
  return problem.controlPerIteration + unsigned(rings.size());
}

uint64_t hcgs::schedule::planInstructions(const Problem &problem,
                                          const Plan &plan) {
  uint64_t control = controlInstructions(problem, plan);
  uint64_t rings = control - problem.controlPerIteration;
  uint64_t streams = problem.controlPerIteration - 1;
  // The loop with its begin; rings are set up before it.
  uint64_t count = plan.entries.size() + control + 1 + rings;
  uint64_t depth = plan.depth;
  if (!depth)
    return count;
  // Each entry is in `step` iterations of the prologue and in the others of the
  // epilogue, which advances rings; streams too, but for the last time.
  count += depth * (plan.entries.size() + rings) + (depth - 1) * streams;
  // Parts for other steps than the first are in loops of one trip at most: a
  // run of entries of one step in the prologue, an iteration of the epilogue.
  count += 2 * (depth - 1);
  for (size_t i = 0; i < plan.entries.size(); ++i)
    if (unsigned step = plan.entries[i].step;
        step > 1 && (i == 0 || plan.entries[i - 1].step != step))
      count += 2 * (step - 1);
  return count;
}

Overflow hcgs::schedule::overflowOf(const Problem &problem, const Plan &plan) {
  Overflow result;
  std::array<int64_t, kMemories> taken = storageElements(problem, plan);
  for (unsigned m = 0; m < kMemories; ++m)
    if (problem.capacity[m])
      result.elements += std::max<int64_t>(0, taken[m] - problem.capacity[m]);
  if (problem.instructionLimit)
    if (uint64_t count = planInstructions(problem, plan);
        count > problem.instructionLimit)
      result.instructions = count - problem.instructionLimit;
  return result;
}

bool hcgs::schedule::startsEvenly(const Problem &problem, const Plan &plan) {
  // Entries that write a storage with several operations, in the order of time:
  // what is issued for a later step comes first.
  std::vector<unsigned> writers(problem.storages.size(), 0);
  for (const Operation &op : problem.operations)
    if (op.storage != kNone)
      ++writers[op.storage];
  std::vector<unsigned> order;
  for (unsigned i = 0; i < plan.entries.size(); ++i) {
    const Operation &op = problem.operations[plan.entries[i].operation];
    if (op.storage != kNone &&
        (writers[op.storage] > 1 || (op.isProduct() && plan.entries[i].colEnd)))
      order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](unsigned a, unsigned b) {
    return plan.entries[a].step > plan.entries[b].step;
  });
  // Of each storage: the gates of each row that were started.
  std::vector<std::vector<unsigned>> started(problem.storages.size());
  for (unsigned index : order) {
    const Entry &entry = plan.entries[index];
    const Operation &op = problem.operations[entry.operation];
    const Storage &storage = problem.storages[op.storage];
    std::vector<unsigned> &rows = started[op.storage];
    rows.resize(storage.rows, 0);
    unsigned gates = entry.gates ? entry.gates : (1u << storage.gates) - 1;
    bool any = false, all = true;
    for (uint32_t row = entry.begin; row < entry.end; ++row) {
      unsigned &bits = rows[row + op.offset];
      any |= (bits & gates) != 0;
      all &= (bits & gates) == gates;
      bits |= gates;
    }
    if (any && !all)
      return false;
  }
  return true;
}

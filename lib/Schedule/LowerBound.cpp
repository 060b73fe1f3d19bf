// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles that no plan can beat. The proof of each part is in
// docs/Rationale/Scheduling.md; in short:
//
// - A unit is busy for at least the least occupancies of its operations, and
//   dispatch takes one cycle an instruction.
// - Recurrence. Let F(t) be the cycle in which the last element of a state's
//   value h(t) is released. A product that reads all of h(t-1) has, for every
//   row and gate, one entry that reads that last element; it cannot be taken
//   before F(t-1). Whatever lies on a path from the product to h(t), row by
//   row, comes later still. So all of that work, of this step, fits between
//   F(t-1) and F(t). For each unit and each set of its operations, the time
//   between is at least: the least time before any of them, their work, and the
//   least time after any of them.
//
#include "hcgs/Schedule/Scheduler.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>

using namespace hcgs::schedule;

uint64_t LowerBound::cycles() const {
  return std::max({macs, vector, load, store, dispatch, recurrence});
}

std::string_view LowerBound::binding() const {
  uint64_t most = cycles();
  if (macs == most)
    return "macs";
  if (vector == most)
    return "vector";
  if (load == most)
    return "load";
  if (store == most)
    return "store";
  return dispatch == most ? "dispatch" : "recurrence";
}

namespace {

/// Work of the vector unit between two values of a state.
struct Job {
  /// Least cycles from F(t-1) to its take, and from the end of its occupancy
  /// to F(t).
  uint64_t head, tail;
  uint64_t work;
};

class Recurrence {
public:
  explicit Recurrence(const Problem &problem)
      : problem(problem), writers(problem.storages.size()),
        readers(problem.storages.size()) {
    for (unsigned o = 0; o < problem.operations.size(); ++o) {
      const Operation &op = problem.operations[o];
      if (op.storage != kNone)
        writers[op.storage].push_back(o);
      for (unsigned i = 0; i < op.reads.size(); ++i)
        readers[op.reads[i].storage].push_back({o, i});
    }
  }

  /// Over all states.
  uint64_t run() {
    uint64_t most = 0;
    for (unsigned s = 0; s < problem.storages.size(); ++s)
      if (problem.storages[s].state)
        most = std::max(most, ofState(s));
    return most;
  }

private:
  uint64_t ofState(unsigned state);
  /// Longest ways from the readers of the state's old value, row by row.
  void forward(unsigned state);
  /// Longest ways to the writers of the state.
  void backward(unsigned state);
  static uint64_t ofJobs(const std::vector<Job> &jobs);

  bool readsAllOfOld(const Operation &op, unsigned state) const {
    return std::any_of(op.reads.begin(), op.reads.end(), [&](const Operand &r) {
      return r.storage == state && r.back && r.all;
    });
  }
  /// Cycles of the product for some gates if only one granule of columns is
  /// left: no entry that covers these rows can take less in sum. Only dense
  /// products are sure to take as long whichever columns come last.
  uint64_t lastColumns(unsigned op, unsigned gates) const {
    const Operation &operation = problem.operations[op];
    if (!operation.tileFor)
      return 1;
    Entry entry{op,
                0,
                operation.rows,
                0,
                gates,
                0,
                std::min(operation.cols, operation.colGranule)};
    entry.tile = operation.tileFor(entry);
    return operation.occupancy(entry);
  }

  /// Cycles of the product for `count` of its gates at least, however it is
  /// cut; 0 if that is not known.
  uint64_t leastOf(const Operation &op, unsigned count) const {
    if (count == op.gates)
      return op.leastOccupancy;
    return op.leastOfGates ? op.leastOfGates(count) : 0;
  }

  const Problem &problem;
  /// Of each storage: operations, and operations with the number of the read.
  std::vector<std::vector<unsigned>> writers;
  std::vector<std::vector<std::pair<unsigned, unsigned>>> readers;
  /// Of each operation: cycles from F(t-1) to the release of any of its rows at
  /// least; nothing if it does not depend on the old value.
  std::vector<std::optional<uint64_t>> reach;
  /// Of each operation and gate that it writes: cycles from its release to
  /// F(t).
  std::vector<std::map<unsigned, uint64_t>> remain;
};

} // namespace

/// Whether rows begin .. end-1 of a storage are among those that op writes.
static bool writesAll(const Operation &op, int64_t begin, int64_t end) {
  return op.offset <= begin && end <= op.offset + int64_t(op.rows);
}

void Recurrence::forward(unsigned state) {
  // An operation counts only if all of its rows depend on the old value.
  reach.assign(problem.operations.size(), std::nullopt);
  for (unsigned o = 0; o < problem.operations.size(); ++o) {
    const Operation &op = problem.operations[o];
    std::optional<uint64_t> ready;
    auto after = [&](uint64_t cycles) {
      ready = std::max(ready.value_or(0), cycles);
    };
    if (readsAllOfOld(op, state))
      after(0);
    auto producers = [&](unsigned storage, int64_t offset, bool any,
                         unsigned before) {
      for (unsigned p : writers[storage])
        if (p < before && reach[p] &&
            (before == kNone || problem.operations[p].unit == Unit::Vector) &&
            (any || writesAll(problem.operations[p], offset,
                              offset + int64_t(op.rows))))
          after(*reach[p]);
    };
    for (const Operand &read : op.reads)
      if (!read.back)
        producers(read.storage, read.offset, read.all, kNone);
    // The vector unit adds one after the other. Products are summed in any
    // order, and may come after what the vector unit adds.
    if (op.storage != kNone && op.unit == Unit::Vector)
      producers(op.storage, op.offset, false, o);
    if (ready)
      reach[o] = *ready + 1 + op.latency;
  }
}

void Recurrence::backward(unsigned state) {
  // Only consumers that read all rows of what an operation writes count.
  remain.assign(problem.operations.size(), {});
  for (unsigned o = problem.operations.size(); o-- > 0;) {
    const Operation &op = problem.operations[o];
    if (op.storage == kNone)
      continue;
    unsigned gates = problem.storages[op.storage].gates;
    for (unsigned gate = 0; gate < gates; ++gate) {
      std::optional<uint64_t> left;
      auto before = [&](uint64_t cycles) {
        left = std::max(left.value_or(0), cycles);
      };
      if (op.storage == state)
        before(0);
      auto consumedBy = [&](unsigned c) {
        for (auto [g, cycles] : remain[c])
          before(cycles + 1 + problem.operations[c].latency);
      };
      auto covers = [&](const Operation &consumer, int64_t offset) {
        return offset <= op.offset &&
               op.offset + int64_t(op.rows) <= offset + int64_t(consumer.rows);
      };
      for (auto [c, operand] : readers[op.storage]) {
        const Operation &consumer = problem.operations[c];
        const Operand &read = consumer.reads[operand];
        if (c > o && !read.back &&
            (read.gate < 0 || unsigned(read.gate) == gate) &&
            (read.all || covers(consumer, read.offset)))
          consumedBy(c);
      }
      for (unsigned c : writers[op.storage])
        if (c > o && op.unit == Unit::Vector &&
            problem.operations[c].unit == Unit::Vector &&
            covers(problem.operations[c], problem.operations[c].offset))
          consumedBy(c);
      if (left)
        remain[o][gate] = *left;
    }
  }
}

/// For each pair of a head and a tail of the jobs: the jobs with no smaller
/// ones fit between them.
uint64_t Recurrence::ofJobs(const std::vector<Job> &jobs) {
  uint64_t most = 0;
  for (const Job &first : jobs)
    for (const Job &last : jobs) {
      uint64_t work = 0;
      for (const Job &job : jobs)
        if (job.head >= first.head && job.tail >= last.tail)
          work += job.work;
      if (work)
        most = std::max(most, first.head + work + last.tail);
    }
  return most;
}

uint64_t Recurrence::ofState(unsigned state) {
  forward(state);
  backward(state);
  uint64_t most = 0;
  // No row of h(t) is released before F(t-1) + soonest.
  uint64_t soonest = std::numeric_limits<uint64_t>::max();
  for (unsigned o : writers[state])
    soonest = std::min(soonest, reach[o].value_or(0));
  std::vector<Job> vectorJobs;
  for (unsigned o = 0; o < problem.operations.size(); ++o) {
    const Operation &op = problem.operations[o];
    if (remain[o].empty())
      continue;
    if (op.unit == Unit::Vector && reach[o]) {
      uint64_t tail = 0;
      for (auto [gate, cycles] : remain[o])
        tail = std::max(tail, cycles);
      vectorJobs.push_back(
          {*reach[o] - 1 - op.latency, tail + op.latency, op.leastOccupancy});
    }
    if (op.unit == Unit::Matrix && readsAllOfOld(op, state)) {
      // Sets of gates by the way that is left after them: their last columns
      // come one after the other.
      for (auto [gate, least] : remain[o]) {
        unsigned gates = 0;
        for (auto [other, cycles] : remain[o])
          if (cycles >= least)
            gates |= 1u << other;
        if (op.gates == 1)
          gates = 0;
        most = std::max(most, lastColumns(o, gates) + op.latency + least);
        // Two steps: none of the product can be taken before the first row of
        // h(t), and all of it comes before the last of h(t+1).
        uint64_t work = leastOf(op, gates ? std::popcount(gates) : op.gates);
        most = std::max(most, (soonest + work + op.latency + least) / 2);
      }
    }
  }
  return std::max(most, ofJobs(vectorJobs));
}

LowerBound hcgs::schedule::lowerBound(const Problem &problem) {
  LowerBound bound;
  for (const Operation &op : problem.operations) {
    uint64_t cycles = op.leastOccupancy;
    switch (op.unit) {
    case Unit::Load:
      bound.load += cycles;
      break;
    case Unit::Matrix:
      bound.macs += cycles;
      break;
    case Unit::Vector:
      bound.vector += cycles;
      break;
    case Unit::Store:
      bound.store += cycles;
      break;
    }
  }
  bound.dispatch = problem.operations.size() + problem.controlPerIteration;
  bound.recurrence = Recurrence(problem).run();
  return bound;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `unfolded` schedule: whatever of step t+1 needs no state (loads, the
// input products of the layers at the bottom) is issued in iteration t, under
// the tails of step t.
//
// Three steps, for each choice of row block heights that is tried:
//
// 1. Greedy simulation of some iterations with unbounded queues. Each unit, in
//    order of time, takes the piece of highest rank of those whose operands
//    are ready, or waits for the one that is ready first. Ranks say what is
//    urgent: products with the recurrent state before those with the layer
//    below, layers from the bottom up, heads, and last the input products of
//    the next step, which thus fill every gap.
// 2. The pieces of one settled iteration, sorted by take time, are the order;
//    a consumer is always taken after its producer, so the order is correct.
// 3. Storage for that order, then a replay with the machine's queues; the
//    order is sorted again by the replayed take times while that helps.
//
// The heights with the fewest cycles per step win; of those within 0.25 % of
// each other, the one with the fewest entries, then the quickest single step.
//
#include "LayeredScheduler.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

using namespace hcgs::schedule;

namespace {

constexpr int64_t kIterations = 6;

/// A row block of an operation, and what has to be done before it.
struct Piece {
  unsigned operation;
  uint32_t begin, end;
  uint64_t occupancy;
  /// Producers: the piece, and how many iterations before this one's.
  std::vector<std::pair<unsigned, unsigned>> before;
  /// The same edges from the other side.
  std::vector<std::pair<unsigned, unsigned>> after;
  /// Place in the unit's list of priorities.
  unsigned rank = 0;
};

/// The dependences that do not change with row blocks.
struct Analysis {
  /// Step of each operation: 1 if it needs no state, in a pass that has any.
  std::vector<unsigned> step;
  /// Whether a state depends on the operation.
  std::vector<bool> feedsState;
  /// Operations that write each storage.
  std::vector<std::vector<unsigned>> writers;

  explicit Analysis(const Problem &problem) {
    size_t count = problem.operations.size();
    writers.resize(problem.storages.size());
    for (unsigned op = 0; op < count; ++op)
      if (problem.operations[op].storage != kNone)
        writers[problem.operations[op].storage].push_back(op);

    // Forward: what depends on the step before. An accumulator that does not
    // is still early when a later operation of its chain does.
    std::vector<bool> late(count, false);
    std::vector<bool> lateStorage(problem.storages.size(), false);
    bool anyState = false;
    for (unsigned op = 0; op < count; ++op) {
      for (const Operand &read : problem.operations[op].reads) {
        anyState |= read.back != 0;
        late[op] = late[op] || read.back || lateStorage[read.storage];
      }
      if (late[op] && problem.operations[op].storage != kNone)
        lateStorage[problem.operations[op].storage] = true;
    }
    // Sums of vectors are not begun a step early: it would hide nothing and
    // cost a slot.
    for (unsigned op = 0; op < count; ++op)
      if (problem.operations[op].unit == Unit::Vector &&
          problem.operations[op].storage != kNone &&
          lateStorage[problem.operations[op].storage])
        late[op] = true;
    step.resize(count);
    for (unsigned op = 0; op < count; ++op)
      step[op] = anyState && !late[op];

    // Backward: what a state depends on.
    std::vector<bool> needed(problem.storages.size(), false);
    for (size_t s = 0; s < problem.storages.size(); ++s)
      needed[s] = problem.storages[s].state;
    feedsState.assign(count, false);
    for (unsigned op = count; op-- > 0;) {
      const Operation &operation = problem.operations[op];
      if (operation.storage == kNone || !needed[operation.storage])
        continue;
      feedsState[op] = true;
      for (const Operand &read : operation.reads)
        needed[read.storage] = true;
    }
  }
};

/// The schedule of one choice of row blocks.
class Builder {
public:
  Builder(const Problem &problem, const Analysis &analysis,
          const std::vector<uint32_t> &rowBlocks)
      : problem(problem), analysis(analysis) {
    plan.rowBlocks = rowBlocks;
    plan.depth = *std::max_element(analysis.step.begin(), analysis.step.end());
    makePieces();
    makeEdges();
    rankPieces();
  }

  Plan run() {
    order();
    finishPlan();
    Plan best = plan;
    for (int round = 0; round < 3; ++round) {
      if (!resort())
        break;
      finishPlan();
      if (plan.cyclesPerStep >= best.cyclesPerStep)
        break;
      best = plan;
    }
    return best;
  }

private:
  void makePieces();
  void makeEdges();
  void rankPieces();
  void order();
  bool resort();
  void finishPlan() {
    chooseHoldings(problem, plan);
    estimate(problem, plan);
  }
  void addEdge(unsigned producer, unsigned consumer, int64_t distance) {
    if (distance < 0)
      return;
    pieces[consumer].before.push_back({producer, unsigned(distance)});
    pieces[producer].after.push_back({consumer, unsigned(distance)});
  }

  const Problem &problem;
  const Analysis &analysis;
  std::vector<Piece> pieces;
  /// Pieces of each operation, by rising rows.
  std::vector<std::vector<unsigned>> piecesOf;
  Plan plan;
};

} // namespace

void Builder::makePieces() {
  piecesOf.resize(problem.operations.size());
  for (unsigned op = 0; op < problem.operations.size(); ++op) {
    const Operation &operation = problem.operations[op];
    uint32_t height = operation.group == kNone
                          ? operation.rows
                          : plan.rowBlocks[operation.group];
    for (uint32_t begin = 0; begin < operation.rows; begin += height) {
      uint32_t end = std::min(begin + height, operation.rows);
      piecesOf[op].push_back(pieces.size());
      Piece piece;
      piece.operation = op;
      piece.begin = begin;
      piece.end = end;
      piece.occupancy = operation.occupancy(Entry{op, begin, end, 0});
      pieces.push_back(std::move(piece));
    }
  }
}

void Builder::makeEdges() {
  // Readers of each storage, for the limit of two slots below.
  struct Reader {
    unsigned piece;
    int64_t begin, end;
    int64_t lead;
  };
  std::vector<std::vector<Reader>> readers(problem.storages.size());

  for (unsigned consumer = 0; consumer < pieces.size(); ++consumer) {
    const Piece &piece = pieces[consumer];
    const Operation &operation = problem.operations[piece.operation];
    unsigned step = analysis.step[piece.operation];
    auto producersOf = [&](unsigned storage, int64_t begin, int64_t end,
                           unsigned back, unsigned beforeOp) {
      for (unsigned writer : analysis.writers[storage]) {
        if (writer >= beforeOp)
          continue;
        int64_t offset = problem.operations[writer].offset;
        for (unsigned producer : piecesOf[writer])
          if (pieces[producer].begin + offset < end &&
              begin < pieces[producer].end + offset)
            addEdge(producer, consumer,
                    int64_t(analysis.step[writer]) + back - step);
      }
    };
    for (const Operand &read : operation.reads) {
      int64_t begin = 0, end = problem.storages[read.storage].rows;
      if (!read.all) {
        begin = piece.begin + read.offset;
        end = piece.end + read.offset;
      }
      producersOf(read.storage, begin, end, read.back, kNone);
      readers[read.storage].push_back(
          {consumer, begin, end, int64_t(step) - read.back});
    }
    // The vector unit adds to what its older instructions wrote; the matrix
    // unit sums in any order.
    if (operation.storage != kNone && operation.unit == Unit::Vector)
      producersOf(operation.storage, piece.begin + operation.offset,
                  piece.end + operation.offset, 0, piece.operation);
  }

  // Two slots are plenty: a write of step u+2 waits for the reads of step u.
  for (unsigned writer = 0; writer < pieces.size(); ++writer) {
    const Piece &piece = pieces[writer];
    const Operation &operation = problem.operations[piece.operation];
    if (operation.storage == kNone)
      continue;
    int64_t begin = piece.begin + operation.offset;
    int64_t end = piece.end + operation.offset;
    for (const Reader &reader : readers[operation.storage]) {
      int64_t distance =
          2 - int64_t(analysis.step[piece.operation]) + reader.lead;
      if (reader.begin < end && begin < reader.end && distance >= 1)
        addEdge(reader.piece, writer, distance);
    }
  }
}

void Builder::rankPieces() {
  // What is urgent, first: see the head of this file. `reach` orders layers
  // from the bottom up: an operation's layer starts where its storage is first
  // written.
  std::vector<unsigned> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  auto key = [&](unsigned index) {
    const Piece &piece = pieces[index];
    const Operation &operation = problem.operations[piece.operation];
    unsigned early = analysis.step[piece.operation];
    unsigned head = !analysis.feedsState[piece.operation];
    if (operation.unit != Unit::Matrix)
      // Row blocks one after the other, through all of their operations.
      return std::make_tuple(early, head, operation.group, piece.begin,
                             piece.operation, 0u);
    bool recurrent = false;
    for (const Operand &read : operation.reads)
      recurrent |= read.back != 0;
    return std::make_tuple(early, head, analysis.writers[operation.storage][0],
                           uint32_t(!recurrent), piece.operation,
                           unsigned(piece.begin));
  };
  std::sort(order.begin(), order.end(),
            [&](unsigned a, unsigned b) { return key(a) < key(b); });
  for (unsigned rank = 0; rank < order.size(); ++rank)
    pieces[order[rank]].rank = rank;
}

void Builder::order() {
  constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();
  size_t count = pieces.size();
  // Of every piece in every iteration: producers that have no time yet, and
  // when its operands are ready.
  std::vector<unsigned> waiting(count * kIterations);
  std::vector<uint64_t> ready(count * kIterations, 0);
  std::vector<uint64_t> takes(count, 0);

  struct UnitState {
    uint64_t free = 0;
    int64_t iteration = 0;
    size_t left = 0;
    std::vector<unsigned> eligible;
  };
  std::array<UnitState, kUnits> units;
  auto unitOf = [&](unsigned piece) -> UnitState & {
    return units[static_cast<unsigned>(
        problem.operations[pieces[piece].operation].unit)];
  };
  for (int64_t t = 0; t < kIterations; ++t)
    for (unsigned p = 0; p < count; ++p)
      for (auto [producer, distance] : pieces[p].before)
        waiting[t * count + p] += t >= int64_t(distance);

  auto beginIteration = [&](UnitState &unit) {
    unit.left = 0;
    unit.eligible.clear();
    if (unit.iteration >= kIterations)
      return;
    for (unsigned p = 0; p < count; ++p)
      if (&unitOf(p) == &unit) {
        ++unit.left;
        if (!waiting[unit.iteration * count + p])
          unit.eligible.push_back(p);
      }
  };
  for (UnitState &unit : units)
    beginIteration(unit);

  for (size_t picked = 0; picked < count * kIterations; ++picked) {
    // The unit that takes next, and what it takes.
    UnitState *chosenUnit = nullptr;
    uint64_t chosenTake = kUnknown;
    size_t chosenPlace = 0;
    for (UnitState &unit : units) {
      uint64_t bestTake = kUnknown;
      unsigned bestRank = kNone;
      size_t bestPlace = 0;
      for (size_t place = 0; place < unit.eligible.size(); ++place) {
        unsigned p = unit.eligible[place];
        uint64_t take = std::max(unit.free, ready[unit.iteration * count + p]);
        if (std::make_pair(take, pieces[p].rank) <
            std::make_pair(bestTake, bestRank)) {
          bestTake = take;
          bestRank = pieces[p].rank;
          bestPlace = place;
        }
      }
      if (bestTake < chosenTake) {
        chosenTake = bestTake;
        chosenUnit = &unit;
        chosenPlace = bestPlace;
      }
    }
    UnitState &unit = *chosenUnit;
    unsigned p = unit.eligible[chosenPlace];
    unit.eligible[chosenPlace] = unit.eligible.back();
    unit.eligible.pop_back();
    int64_t t = unit.iteration;
    unit.free = chosenTake + pieces[p].occupancy;
    uint64_t finish =
        unit.free + problem.operations[pieces[p].operation].latency;
    if (t == kIterations - 1)
      takes[p] = chosenTake;
    if (--unit.left == 0) {
      ++unit.iteration;
      beginIteration(unit);
    }
    for (auto [consumer, distance] : pieces[p].after) {
      int64_t later = t + distance;
      if (later >= kIterations)
        continue;
      size_t index = later * count + consumer;
      ready[index] = std::max(ready[index], finish);
      UnitState &other = unitOf(consumer);
      if (--waiting[index] == 0 && other.iteration == later)
        other.eligible.push_back(consumer);
    }
  }

  std::vector<unsigned> byTime(count);
  std::iota(byTime.begin(), byTime.end(), 0);
  std::sort(byTime.begin(), byTime.end(), [&](unsigned a, unsigned b) {
    return std::make_pair(takes[a], pieces[a].rank) <
           std::make_pair(takes[b], pieces[b].rank);
  });
  plan.entries.clear();
  for (unsigned p : byTime)
    plan.entries.push_back({pieces[p].operation, pieces[p].begin, pieces[p].end,
                            analysis.step[pieces[p].operation]});
  for (Entry &entry : plan.entries)
    if (const auto &tileFor = problem.operations[entry.operation].tileFor)
      entry.tile = tileFor(entry);
}

bool Builder::resort() {
  std::vector<uint64_t> takes = settledTakes(problem, plan);
  std::vector<unsigned> byTime(plan.entries.size());
  std::iota(byTime.begin(), byTime.end(), 0);
  std::sort(byTime.begin(), byTime.end(), [&](unsigned a, unsigned b) {
    return std::make_pair(takes[a], a) < std::make_pair(takes[b], b);
  });
  if (std::is_sorted(byTime.begin(), byTime.end()))
    return false;
  std::vector<Entry> sorted;
  for (unsigned index : byTime)
    sorted.push_back(plan.entries[index]);
  plan.entries = std::move(sorted);
  return true;
}

namespace {

class UnfoldedScheduler : public LstmScheduler {
public:
  UnfoldedScheduler() : LstmScheduler("unfolded") {}

  Plan run(const Problem &problem) const override {
    Analysis analysis(problem);
    return searchHeights(problem, [&](const std::vector<uint32_t> &heights) {
      return Builder(problem, analysis, heights).run();
    });
  }
};

} // namespace

std::unique_ptr<Scheduler> hcgs::schedule::createUnfolded() {
  return std::make_unique<UnfoldedScheduler>();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Local changes to the order of a plan, and its storage.

#include "OrderSearch.h"

#include "PlanTimer.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace hcgs::schedule;

OrderedPieces::OrderedPieces(std::shared_ptr<const PieceGraph> graphArg,
                             const Cutting &cutting, int64_t interval,
                             const std::vector<int64_t> &times,
                             unsigned mostSlots)
    : graph(std::move(graphArg)),
      plan(planOfTimes(*graph, cutting, interval, times, 0, pieces)),
      mostSlots(mostSlots) {}

OrderedPieces::OrderedPieces(std::shared_ptr<const PieceGraph> graphArg,
                             const Cutting &cutting, std::vector<unsigned> list,
                             unsigned mostSlots)
    : graph(std::move(graphArg)), pieces(std::move(list)),
      mostSlots(mostSlots) {
  plan.rowBlocks = cutting.heights;
  for (unsigned piece : pieces)
    plan.entries.push_back(graph->pieces[piece].entry);
}

/// All values with so many slots, one ring a memory.
static void holdAll(const Problem &problem, Plan &plan, unsigned slots) {
  plan.holdings.assign(problem.storages.size(), {});
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    unsigned group = problem.storages[s].group;
    plan.holdings[s] = {slots, group == kNone ? 0 : plan.rowBlocks[group], 0};
  }
}

double OrderedPieces::settle(const Problem &problem, double limit) {
  holdAll(problem, plan, mostSlots);
  if (overflowOf(problem, plan).elements)
    chooseHoldings(problem, plan);
  PlanTimer timer(problem, plan);
  if (limit > 0)
    if (double cycles = timer.glance(); cycles > limit)
      return cycles;
  double cycles = timer.settle();
  takes = std::move(timer.takes);
  return cycles;
}

bool OrderedPieces::sortByTakes() {
  std::vector<unsigned> byTime(plan.entries.size());
  std::iota(byTime.begin(), byTime.end(), 0);
  std::stable_sort(byTime.begin(), byTime.end(),
                   [&](unsigned a, unsigned b) { return takes[a] < takes[b]; });
  if (std::is_sorted(byTime.begin(), byTime.end()))
    return false;
  std::vector<Entry> entries;
  std::vector<unsigned> sorted;
  for (unsigned index : byTime) {
    entries.push_back(plan.entries[index]);
    sorted.push_back(pieces[index]);
  }
  plan.entries = std::move(entries);
  pieces = std::move(sorted);
  return true;
}

bool OrderedPieces::isLegalAround(unsigned piece) const {
  std::vector<int64_t> place(pieces.size());
  int64_t count = int64_t(pieces.size());
  for (int64_t i = 0; i < count; ++i)
    place[pieces[i]] = i - int64_t(plan.entries[i].step) * count;
  auto kept = [&](unsigned e) {
    const PieceGraph::Edge &edge = graph->edges[e];
    return place[edge.to] + edge.distance * count > place[edge.from];
  };
  return std::all_of(graph->in[piece].begin(), graph->in[piece].end(), kept) &&
         std::all_of(graph->out[piece].begin(), graph->out[piece].end(), kept);
}

void OrderedPieces::renumberSteps() {
  unsigned least = kNone;
  for (const Entry &entry : plan.entries)
    least = std::min(least, entry.step);
  plan.depth = 0;
  for (Entry &entry : plan.entries) {
    entry.step -= least;
    plan.depth = std::max(plan.depth, entry.step);
  }
}

bool OrderedPieces::move(size_t from, size_t to, int turn) {
  Plan oldPlan = plan;
  std::vector<unsigned> oldPieces = pieces;
  unsigned piece = pieces[from];
  Entry entry = plan.entries[from];
  if (turn == 1 && entry.step == 0)
    for (Entry &other : plan.entries)
      ++other.step;
  entry.step = plan.entries[from].step - turn;
  plan.entries.erase(plan.entries.begin() + from);
  plan.entries.insert(plan.entries.begin() + to, entry);
  pieces.erase(pieces.begin() + from);
  pieces.insert(pieces.begin() + to, piece);
  if (!isLegalAround(piece)) {
    plan = std::move(oldPlan);
    pieces = std::move(oldPieces);
    return false;
  }
  renumberSteps();
  return true;
}

void OrderedPieces::rotate(size_t count) {
  for (size_t i = 0; i < count; ++i)
    ++plan.entries[i].step;
  std::rotate(plan.entries.begin(), plan.entries.begin() + count,
              plan.entries.end());
  std::rotate(pieces.begin(), pieces.begin() + count, pieces.end());
  renumberSteps();
}

uint64_t hcgs::schedule::improveOrder(const Problem &problem,
                                      OrderedPieces &order, double &cycles,
                                      double enough) {
  uint64_t work = 0;
  size_t count = order.pieces.size();
  unsigned depthLimit = order.plan.depth + 1;
  // Dispatch cannot be quicker, whatever the order.
  enough = std::max(enough,
                    double(count + controlInstructions(problem, order.plan)));
  // Where the loop ends: its control instructions are dispatched there.
  OrderedPieces start = order;
  Overflow over = overflowOf(problem, order.plan);
  size_t stride = std::max<size_t>(1, count / 16);
  for (size_t by = stride; by < count && (over.any() || cycles > enough);
       by += stride) {
    OrderedPieces other = start;
    other.rotate(by);
    work += count;
    double again = other.settle(problem);
    Overflow overAgain = overflowOf(problem, other.plan);
    if (std::tie(overAgain, again) < std::tie(over, cycles) &&
        startsEvenly(problem, other.plan)) {
      cycles = again;
      over = overAgain;
      order = std::move(other);
    }
  }
  // Entries to earlier and later places. The random numbers are a fixed
  // sequence.
  uint64_t state = 0x9E3779B97F4A7C15ull;
  auto random = [&](size_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return size_t((state >> 11) % below);
  };
  constexpr int64_t kBudget = 100000;
  int64_t budget = kBudget;
  order.settle(problem);
  while (budget > 0 && (over.any() || cycles > enough)) {
    budget -= int64_t(count);
    OrderedPieces other = order;
    bool changed = false;
    for (size_t moves = 1 + random(3); moves > 0; --moves) {
      size_t from = random(count);
      int64_t reach = int64_t(1 + random(12));
      int64_t to = int64_t(from) + (random(2) ? reach : -reach);
      int turn = 0;
      if (to < 0) {
        to += int64_t(count);
        turn = -1;
      } else if (to >= int64_t(count)) {
        to -= int64_t(count);
        turn = 1;
      }
      if (to < 0 || to >= int64_t(count))
        continue;
      changed |= other.move(from, size_t(to), turn);
    }
    if (!changed || other.plan.depth > depthLimit)
      continue;
    work += count;
    double again = other.settle(problem, over.any() ? 0 : cycles);
    Overflow overAgain = overflowOf(problem, other.plan);
    auto now = std::tie(over, cycles), then = std::tie(overAgain, again);
    if (then > now || !startsEvenly(problem, other.plan))
      continue;
    if (then < now)
      budget = kBudget;
    cycles = again;
    over = overAgain;
    order = std::move(other);
  }
  return work;
}

void hcgs::schedule::shortenDepth(const Problem &problem,
                                  OrderedPieces &order) {
  size_t count = order.pieces.size();
  double cycles = order.settle(problem);
  const Overflow over = overflowOf(problem, order.plan);
  const OrderedPieces start = order;
  size_t stride = std::max<size_t>(1, count / 64);
  for (size_t by = stride; by < count; by += stride) {
    OrderedPieces other = start;
    other.rotate(by);
    if (other.plan.depth >= order.plan.depth ||
        other.settle(problem) > cycles ||
        overflowOf(problem, other.plan) > over ||
        !startsEvenly(problem, other.plan))
      continue;
    order = std::move(other);
  }
}

Plan hcgs::schedule::finishPlan(const Problem &problem, OrderedPieces &order) {
  shortenDepth(problem, order);
  double generous = order.settle(problem);
  Plan best = order.plan;
  best.cyclesPerStep = generous;
  auto size = [&](const Plan &plan) {
    std::array<int64_t, kMemories> taken = storageElements(problem, plan);
    return taken[0] + taken[1];
  };
  auto consider = [&](const Plan &plan) {
    double cycles = PlanTimer(problem, plan).settle();
    if (std::make_tuple(overflowOf(problem, plan), cycles, size(plan)) <
        std::make_tuple(overflowOf(problem, best), best.cyclesPerStep,
                        size(best))) {
      best = plan;
      best.cyclesPerStep = cycles;
    }
  };
  // As few as the order allows; with room for more row blocks; with one more
  // slot where that is more than one, or everywhere.
  Plan frugal = order.plan;
  chooseHoldings(problem, frugal);
  consider(frugal);
  Plan open = frugal;
  for (Holding &holding : open.holdings)
    holding.window = 0;
  consider(open);
  std::array<unsigned, kMemories> most = {1, 1, 1};
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    unsigned &slots = most[static_cast<unsigned>(problem.storages[s].memory)];
    slots = std::max(slots, open.holdings[s].slots);
  }
  for (unsigned more : {0u, 1u})
    for (bool everywhere : {false, true}) {
      Plan plan = open;
      for (size_t s = 0; s < problem.storages.size(); ++s) {
        unsigned slots =
            most[static_cast<unsigned>(problem.storages[s].memory)] + more;
        if (everywhere || plan.holdings[s].slots > 1)
          plan.holdings[s].slots = slots;
      }
      consider(plan);
    }
  estimate(problem, best);
  return best;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `auto` schedule: modulo scheduling of pieces, and a search over the ways
// of cutting operations into pieces. docs/Rationale/Scheduling.md explains it
// with a worked example.
//
// 0. Pieces of whole operations, layer by layer, are the plan to beat: nothing
//    takes fewer instructions. Where memory is short, row blocks one after the
//    other take the least of it.
// 1. For a cutting, a modulo schedule with the smallest interval that can be
//    found gives an order; the replay of that order says what it takes.
// 2. The cutting is improved variable by variable: row blocks of each group,
//    sets of gates and segments of columns of the products with old states,
//    row blocks or not of all other operations.
// 3. Cuttings of all groups alike are tried in the order of what their pieces
//    take at least, and a better one is improved in turn.
// 4. The order of the best is improved entry by entry.
// 5. Storage: the least with which the order is as quick.
//
// A plan that overflows a memory less comes before any quicker one.
//
// Work is counted, not measured, so that the same problem always gives the same
// plan.
//
#include "AutoScheduler.h"

#include "LayeredScheduler.h"
#include "ModuloScheduler.h"
#include "OrderSearch.h"
#include "PlanTimer.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

using namespace hcgs::schedule;

namespace {

/// How the operations of one group are cut.
struct Choice {
  uint32_t height;
  /// Which of the group's ways to part the gates of products with old states.
  unsigned gates = 0;
  /// Segments of columns of products with old states.
  unsigned segments = 1;
  /// Products with new values, and vector operations, of all rows at once.
  bool wholeProducts = true;
  bool wholeVectors = false;

  auto key() const {
    return std::make_tuple(height, gates, segments, wholeProducts,
                           wholeVectors);
  }
  bool operator<(const Choice &other) const { return key() < other.key(); }
  bool operator==(const Choice &other) const { return key() == other.key(); }
};

struct Candidate {
  std::vector<Choice> choices;
  Cutting cutting;
  OrderedPieces order;
  double cycles = 0;
  Overflow over = {};
};

class Auto {
public:
  explicit Auto(const Problem &given);
  Plan run();

private:
  void findGateWays();
  void findHeights();
  Cutting cuttingOf(const std::vector<Choice> &choices) const;
  /// Schedules a cutting; keeps it if it is the best so far.
  bool attempt(const std::vector<Choice> &choices);
  bool attempt(const std::vector<Choice> &choices, const Cutting &cutting);
  /// The best modulo schedule with at most so many copies of a value; nothing
  /// if there is none or it cannot be the best so far.
  std::optional<Candidate> scheduled(const std::vector<Choice> &choices,
                                     const Cutting &cutting, unsigned slots);
  /// The pieces of a cutting layer by layer, row block by row block.
  Candidate listed(const std::vector<Choice> &choices);
  std::vector<Choice> choicesAt(size_t place, bool wholeProducts) const;
  /// Keeps an order in the pool, which holds the best few.
  bool keep(Candidate candidate);
  void startingPoints();
  /// Whether one of them is better than what there was.
  bool mostPromising();
  void improveCutting();
  void mergeParts();
  std::vector<std::vector<Choice>> neighbours(size_t group) const;
  bool isOld(const Operation &op) const {
    return op.isProduct() &&
           std::any_of(op.reads.begin(), op.reads.end(),
                       [](const Operand &read) { return read.back != 0; });
  }
  bool isBest() const {
    return fits() && pool.front().cycles <= double(bound.cycles());
  }
  bool fits() const { return !pool.empty() && !pool.front().over.any(); }
  void spend(uint64_t amount) {
    budget -= int64_t(amount);
    work += amount;
  }
  bool mayTry() const { return budget > 0 || attempts < kLeastAttempts; }

  Problem problem;
  LowerBound bound;
  static constexpr unsigned kMostSlots = 3;
  /// Of each group: ways to part gates; the first is empty (not at all).
  std::vector<std::vector<std::vector<unsigned>>> gateWays;
  /// Of each group: heights, from the highest on.
  std::vector<std::vector<uint32_t>> heights;
  std::set<std::vector<Choice>> tried;
  /// The best first.
  std::vector<Candidate> pool;
  /// Work that may still be done: pieces to schedule, the more of them at a
  /// time the more each.
  int64_t budget = kBudget;
  static constexpr int64_t kBudget = 60000;
  static constexpr int64_t kMergeBudget = 60000;
  /// Of the cuttings of all groups alike: work to find out what they take at
  /// least, and how many of them are scheduled.
  static constexpr int64_t kLookBudget = 120000;
  static constexpr unsigned kMostPromising = 24;
  /// A cutting may use so much of it before it is content with what it has; and
  /// so many starting points that may gain are tried at any rate.
  static constexpr int64_t kAllowance = 10000;
  static constexpr unsigned kLeastAttempts = 12;
  unsigned attempts = 0;
  uint64_t work = 0;
  static constexpr size_t kPool = 6;
};

} // namespace

/// The same problem, with occupancies that are computed once.
static Problem remembering(const Problem &problem) {
  struct Hash {
    size_t operator()(const std::array<uint32_t, 5> &key) const {
      size_t result = 0;
      for (uint32_t part : key)
        result = result * 0x9E3779B97F4A7C15ull + part;
      return result;
    }
  };
  Problem result = problem;
  for (Operation &op : result.operations) {
    using Memory = std::unordered_map<std::array<uint32_t, 5>, uint64_t, Hash>;
    op.occupancy = [inner = op.occupancy,
                    memory = std::make_shared<Memory>()](const Entry &entry) {
      auto [it, isNew] = memory->insert(
          {{entry.begin, entry.end, entry.gates, entry.colBegin, entry.colEnd},
           0});
      if (isNew)
        it->second = inner(entry);
      return it->second;
    };
  }
  return result;
}

Auto::Auto(const Problem &given)
    : problem(remembering(given)), bound(lowerBound(problem)) {
  findGateWays();
  findHeights();
}

/// Gates in the order of how much has to come after them: those that are
/// needed first can be computed first.
void Auto::findGateWays() {
  gateWays.resize(problem.groups.size(), {{}});
  Cutting whole;
  for (const Group &group : problem.groups)
    whole.heights.push_back(group.rows);
  whole.operations.resize(problem.operations.size());
  PieceGraph graph(problem, whole, kMostSlots);
  constexpr int64_t kLong = int64_t(1) << 40;
  std::vector<int64_t> ways = *graph.longestWays(kLong);
  for (const Operation &op : problem.operations) {
    if (!isOld(op) || op.gates < 2 || op.group == kNone ||
        gateWays[op.group].size() > 1)
      continue;
    std::map<int64_t, unsigned, std::greater<>> byNeed;
    for (unsigned gate = 0; gate < op.gates; ++gate) {
      int64_t need = 0;
      for (unsigned p = 0; p < graph.pieces.size(); ++p)
        for (const Operand &read :
             problem.operations[graph.pieces[p].entry.operation].reads)
          if (read.storage == op.storage &&
              (read.gate < 0 || unsigned(read.gate) == gate))
            need = std::max(need, ways[p]);
      byNeed[need] |= 1u << gate;
    }
    std::vector<unsigned> sets;
    for (auto [need, gates] : byNeed)
      sets.push_back(gates);
    unsigned all = (1u << op.gates) - 1;
    auto &list = gateWays[op.group];
    if (sets.size() > 1) {
      list.push_back({all & ~sets.back(), sets.back()});
      list.push_back({sets.front(), all & ~sets.front()});
    }
    if (sets.size() > 2)
      list.push_back(sets);
    std::vector<unsigned> each;
    for (unsigned set : sets)
      for (unsigned gate = 0; gate < op.gates; ++gate)
        if (set >> gate & 1)
          each.push_back(1u << gate);
    if (each.size() > sets.size())
      list.push_back(each);
  }
}

void Auto::findHeights() {
  static constexpr uint32_t kCuts[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32};
  for (const Group &group : problem.groups) {
    std::vector<uint32_t> list;
    for (uint32_t cuts : kCuts)
      for (uint32_t multiple : {1u, 32u, 64u}) {
        uint32_t height = heightFor(group, cuts);
        height = (height + multiple - 1) / multiple * multiple;
        if (height < group.rows && height % group.granule)
          continue;
        list.push_back(std::min(height, group.rows));
      }
    std::sort(list.begin(), list.end(), std::greater<>());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    heights.push_back(list);
  }
}

Cutting Auto::cuttingOf(const std::vector<Choice> &choices) const {
  Cutting cutting;
  for (const Choice &choice : choices)
    cutting.heights.push_back(choice.height);
  for (const Operation &op : problem.operations) {
    OperationCut &cut = cutting.operations.emplace_back();
    if (op.group == kNone)
      continue;
    const Choice &choice = choices[op.group];
    if (!isOld(op)) {
      cut.wholeRows =
          (op.isProduct() ? choice.wholeProducts : choice.wholeVectors) &&
          canTakeWholeRows(problem, op);
      continue;
    }
    if (op.gates > 1)
      cut.gates = gateWays[op.group][choice.gates];
    if (choice.segments < 2)
      continue;
    // Segments end where row blocks of the state end.
    unsigned group = problem.storages[op.reads.front().storage].group;
    if (group == kNone)
      continue;
    uint32_t height = choices[group].height;
    uint32_t blocks = (op.cols + height - 1) / height;
    for (unsigned s = 1; s < choice.segments; ++s) {
      uint32_t at =
          height * ((blocks * s + choice.segments - 1) / choice.segments);
      if (at % op.colGranule == 0 && at < op.cols &&
          (cut.columns.empty() || at > cut.columns.back()))
        cut.columns.push_back(at);
    }
  }
  return cutting;
}

bool Auto::keep(Candidate candidate) {
  auto rank = [&](const Candidate &of) {
    return std::make_tuple(of.over, of.cycles, of.order.pieces.size(),
                           of.order.plan.depth);
  };
  auto place = std::find_if(pool.begin(), pool.end(), [&](const Candidate &of) {
    return rank(candidate) < rank(of);
  });
  if (place == pool.end() && pool.size() >= kPool)
    return false;
  bool first = place == pool.begin();
  pool.insert(place, std::move(candidate));
  if (pool.size() > kPool)
    pool.pop_back();
  return first;
}

bool Auto::attempt(const std::vector<Choice> &choices) {
  return tried.insert(choices).second && attempt(choices, cuttingOf(choices));
}

bool Auto::attempt(const std::vector<Choice> &choices, const Cutting &cutting) {
  if (!mayTry())
    return false;
  // With fewer copies of each value if there is no room for many.
  bool improved = false;
  for (unsigned slots = kMostSlots; slots > 0; --slots) {
    std::optional<Candidate> found = scheduled(choices, cutting, slots);
    if (!found)
      break;
    bool tooLarge = found->over.elements != 0;
    improved |= keep(std::move(*found));
    if (!tooLarge)
      break;
  }
  return improved;
}

std::optional<Candidate> Auto::scheduled(const std::vector<Choice> &choices,
                                         const Cutting &cutting,
                                         unsigned slots) {
  auto graph = std::make_shared<PieceGraph>(problem, cutting, slots);
  size_t count = graph->pieces.size();
  int64_t resources = graph->resourceBound();
  if (fits()) {
    bool tooLong =
        problem.instructionLimit && count >= problem.instructionLimit;
    // Without budget, only what may gain.
    bool noGain = budget <= 0 && double(resources) >= pool.front().cycles;
    if (double(resources) > pool.front().cycles || noGain || tooLong)
      return std::nullopt;
  }
  // Single copies may leave no order at all.
  constexpr int64_t kEndless = int64_t(1) << 40;
  if (slots < kMostSlots && !graph->longestWays(kEndless))
    return std::nullopt;
  int64_t least = graph->recurrenceBound(resources);
  if (fits() && double(least) > 1.02 * pool.front().cycles)
    return std::nullopt;

  ++attempts;
  std::optional<Candidate> found;
  auto consider = [&](OrderedPieces order) {
    double cycles = order.settle(problem);
    Overflow over = overflowOf(problem, order.plan);
    for (int round = 0; round < 3; ++round) {
      OrderedPieces sorted = order;
      if (!sorted.sortByTakes())
        break;
      double again = sorted.settle(problem);
      Overflow overAgain = overflowOf(problem, sorted.plan);
      if (std::tie(overAgain, again) >= std::tie(over, cycles))
        break;
      cycles = again;
      over = overAgain;
      order = std::move(sorted);
    }
    if (over.instructions) {
      shortenDepth(problem, order);
      cycles = order.settle(problem);
      over = overflowOf(problem, order.plan);
      work += count;
    }
    if (startsEvenly(problem, order.plan) &&
        (!found ||
         std::tie(over, cycles) < std::tie(found->over, found->cycles)))
      found = Candidate{choices, cutting, std::move(order), cycles, over};
  };
  bool dense = 5 * count > 3 * size_t(least);
  int successes = 0;
  int64_t interval = least;
  const int64_t before = budget;
  for (int step = 0; step < 12 && successes < 3; ++step) {
    for (bool one : {false, true}) {
      if ((one && !dense) || (found && before - budget > kAllowance))
        continue;
      spend(count * (1 + count / 32));
      auto times = moduloSchedule(*graph, {interval, one, {}});
      if (!times)
        continue;
      shortenLives(*graph, interval, *times);
      ++successes;
      consider(OrderedPieces(graph, cutting, interval, *times, slots));
      if (found && !found->over.any() && found->cycles <= double(resources))
        successes = 3;
    }
    interval += std::max<int64_t>(1, least * (1 + step / 2) / 64);
  }
  return found;
}

Candidate Auto::listed(const std::vector<Choice> &choices) {
  Cutting cutting = cuttingOf(choices);
  auto graph = std::make_shared<PieceGraph>(problem, cutting, kMostSlots);
  size_t count = graph->pieces.size();
  std::vector<size_t> partOf(problem.operations.size());
  std::vector<LayerPart> parts = layerPartsOf(problem);
  for (size_t part = 0; part < parts.size(); ++part)
    for (unsigned operation : parts[part])
      partOf[operation] = part;
  // Of the pieces whose operands are there, the first.
  std::vector<unsigned> waiting(count, 0), list;
  std::set<std::tuple<size_t, uint32_t, unsigned>> ready;
  auto enter = [&](unsigned p) {
    const Entry &entry = graph->pieces[p].entry;
    ready.insert({partOf[entry.operation], entry.begin, p});
  };
  for (const PieceGraph::Edge &edge : graph->edges)
    waiting[edge.to] += edge.distance == 0;
  for (unsigned p = 0; p < count; ++p)
    if (!waiting[p])
      enter(p);
  while (!ready.empty()) {
    unsigned p = std::get<2>(*ready.begin());
    ready.erase(ready.begin());
    list.push_back(p);
    for (unsigned e : graph->out[p])
      if (const PieceGraph::Edge &edge = graph->edges[e];
          edge.distance == 0 && --waiting[edge.to] == 0)
        enter(edge.to);
  }
  OrderedPieces order(std::move(graph), cutting, std::move(list), kMostSlots);
  double cycles = order.settle(problem);
  Overflow over = overflowOf(problem, order.plan);
  work += count;
  return {choices, std::move(cutting), std::move(order), cycles, over};
}

std::vector<Choice> Auto::choicesAt(size_t place, bool wholeProducts) const {
  std::vector<Choice> choices;
  for (const auto &list : heights) {
    Choice choice;
    choice.height = list[std::min(place, list.size() - 1)];
    choice.wholeProducts = wholeProducts;
    choices.push_back(choice);
  }
  return choices;
}

void Auto::startingPoints() {
  size_t places = 1;
  for (const auto &list : heights)
    places = std::max(places, list.size());
  keep(listed(choicesAt(0, true)));
  for (size_t place = 1; place < places && !fits(); ++place)
    if (Candidate candidate = listed(choicesAt(place, false));
        startsEvenly(problem, candidate.order.plan))
      keep(std::move(candidate));
  for (size_t place = 0; place < places; ++place)
    for (bool whole : {true, false}) {
      // What is one row block is whole anyway.
      if (place > 0 || whole)
        attempt(choicesAt(place, whole));
      if (isBest())
        return;
    }
}

// The interval that resources and cycles of edges force is found much sooner
// than a schedule, and tells which cuttings can gain at all. Without it, the
// first height with which fine pieces help would decide what else is tried:
// both directions of 128 cells with 40 inputs on sharp-4k take 50 pieces and 57
// cycles in two row blocks, but 34 pieces and 52 cycles in one, with the gates
// that are needed first computed first.
bool Auto::mostPromising() {
  struct Promise {
    int64_t least;
    size_t pieces;
    std::vector<Choice> choices;
  };
  std::vector<Promise> promises;
  int64_t look = kLookBudget;
  const double now = pool.front().cycles;
  auto lookAt = [&](std::vector<Choice> choices) {
    if (look <= 0 || tried.count(choices))
      return;
    Cutting cutting = cuttingOf(choices);
    size_t count = 0;
    for (size_t o = 0; o < problem.operations.size(); ++o) {
      const Operation &op = problem.operations[o];
      count += partsOf(op, cutting.operations[o],
                       op.group == kNone ? op.rows : choices[op.group].height)
                   .size();
    }
    work += count;
    // Too many pieces are soon counted, a graph of them is not soon made.
    look -= int64_t(1 + count / 16);
    if (double(count + problem.controlPerIteration) >= now)
      return;
    look -= int64_t(count * (1 + count / 32));
    PieceGraph graph(problem, cutting, kMostSlots);
    int64_t least = graph.resourceBound();
    if (double(least) < now)
      least = graph.recurrenceBound(least);
    if (double(least) < now)
      promises.push_back({least, count, std::move(choices)});
  };
  size_t places = 1, ways = 1;
  for (const auto &list : heights)
    places = std::max(places, list.size());
  for (const auto &list : gateWays)
    ways = std::max(ways, list.size());
  for (size_t place = 0; place < places; ++place)
    for (size_t way = 0; way < ways; ++way)
      for (unsigned segments : {1u, 2u, 4u})
        for (bool wholeProducts : {true, false})
          for (bool wholeVectors : {false, true}) {
            std::vector<Choice> choices = choicesAt(place, wholeProducts);
            for (size_t group = 0; group < choices.size(); ++group) {
              choices[group].gates =
                  unsigned(std::min(way, gateWays[group].size() - 1));
              choices[group].segments = segments;
              choices[group].wholeVectors = wholeVectors;
            }
            // One row block is whole and has one segment anyway.
            if (place > 0 || (segments == 1 && wholeProducts && !wholeVectors))
              lookAt(std::move(choices));
          }
  std::stable_sort(
      promises.begin(), promises.end(), [](const Promise &a, const Promise &b) {
        return std::tie(a.least, a.pieces) < std::tie(b.least, b.pieces);
      });
  if (promises.size() > kMostPromising)
    promises.resize(kMostPromising);
  bool improved = false;
  for (const Promise &promise : promises) {
    if (isBest() || double(promise.least) >= pool.front().cycles)
      break;
    // Each of them may use what one cutting may.
    budget = std::max(budget, kAllowance);
    improved |= attempt(promise.choices);
  }
  return improved;
}

std::vector<std::vector<Choice>> Auto::neighbours(size_t group) const {
  std::vector<std::vector<Choice>> result;
  // The same change to all groups alike, and to this one alone.
  auto change = [&](auto apply) {
    std::vector<Choice> alone = pool.front().choices;
    std::vector<Choice> alike = alone;
    apply(alone[group]);
    for (size_t g = 0; g < alike.size(); ++g)
      if (problem.groups[g].rows == problem.groups[group].rows &&
          heights[g] == heights[group] &&
          gateWays[g].size() == gateWays[group].size())
        apply(alike[g]);
    result.push_back(alike);
    if (!(alike == alone))
      result.push_back(alone);
  };
  const Choice now = pool.front().choices[group];
  for (unsigned gates = 0; gates < gateWays[group].size(); ++gates)
    if (gates != now.gates)
      change([&](Choice &choice) { choice.gates = gates; });
  for (unsigned segments : {1u, 2u, 3u, 4u, 6u, 8u})
    if (segments != now.segments &&
        segments <= (problem.groups[group].rows + now.height - 1) / now.height)
      change([&](Choice &choice) { choice.segments = segments; });
  change([&](Choice &choice) { choice.wholeProducts = !now.wholeProducts; });
  change([&](Choice &choice) { choice.wholeVectors = !now.wholeVectors; });
  auto at = std::find(heights[group].begin(), heights[group].end(), now.height);
  size_t place = size_t(at - heights[group].begin());
  for (int64_t distance : {1, -1, 2, -2, 3, -3}) {
    int64_t other = int64_t(place) + distance;
    if (other >= 0 && other < int64_t(heights[group].size()))
      change([&](Choice &choice) { choice.height = heights[group][other]; });
  }
  // Finer rows with finer columns.
  for (size_t finer = place; finer < std::min(place + 4, heights[group].size());
       ++finer)
    for (unsigned segments : {2u, 4u})
      for (unsigned gates = 0; gates < gateWays[group].size(); ++gates)
        change([&](Choice &choice) {
          choice.height = heights[group][finer];
          choice.segments = segments;
          choice.gates = gates;
        });
  return result;
}

void Auto::improveCutting() {
  for (int round = 0; round < 4; ++round) {
    bool improved = false;
    for (size_t group = 0; group < problem.groups.size(); ++group)
      for (const std::vector<Choice> &choices : neighbours(group)) {
        if (isBest() || budget <= 0)
          return;
        improved |= attempt(choices);
      }
    if (!improved)
      return;
  }
}

/// The part that two parts make together, if it is one entry.
static std::optional<Part> join(const Operation &op, const Part &a,
                                const Part &b) {
  unsigned all = (1u << op.gates) - 1;
  auto gatesOf = [&](const Part &part) {
    return part.gates ? part.gates : all;
  };
  auto columnsOf = [&](const Part &part) {
    return part.colEnd ? std::make_pair(part.colBegin, part.colEnd)
                       : std::make_pair(uint32_t(0), op.cols);
  };
  bool rows = a.begin == b.begin && a.end == b.end;
  bool gates = gatesOf(a) == gatesOf(b);
  bool columns = columnsOf(a) == columnsOf(b);
  Part joined = a;
  if (rows && columns && !gates) {
    joined.gates = gatesOf(a) | gatesOf(b);
    if (joined.gates == all)
      joined.gates = 0;
    return joined;
  }
  if (rows && gates && columnsOf(a).second == columnsOf(b).first) {
    joined.colBegin = columnsOf(a).first;
    joined.colEnd = columnsOf(b).second;
    if (joined.colBegin == 0 && joined.colEnd == op.cols)
      joined.colEnd = 0;
    return joined;
  }
  if (gates && columns && gatesOf(a) == all && a.end == b.begin) {
    joined.end = b.end;
    return joined;
  }
  return std::nullopt;
}

/// Fine parts cost dispatch slots. Parts that need not be apart are joined, one
/// pair after the other, as long as nothing is lost.
void Auto::mergeParts() {
  for (bool improved = true; improved && !isBest();) {
    improved = false;
    for (unsigned o = 0; o < problem.operations.size() && !improved; ++o) {
      const Operation &op = problem.operations[o];
      if (!isOld(op) || op.group == kNone)
        continue;
      const Candidate now = pool.front();
      std::vector<Part> parts =
          partsOf(op, now.cutting.operations[o], now.cutting.heights[op.group]);
      for (size_t i = 0; i < parts.size() && !improved; ++i)
        for (size_t j = 0; j < parts.size() && !improved; ++j) {
          std::optional<Part> joined =
              i == j ? std::nullopt : join(op, parts[i], parts[j]);
          if (!joined || (j < i && join(op, parts[j], parts[i])))
            continue;
          Cutting cutting = now.cutting;
          cutting.operations[o].parts = parts;
          cutting.operations[o].parts[i] = *joined;
          cutting.operations[o].parts.erase(
              cutting.operations[o].parts.begin() + j);
          improved = attempt(now.choices, cutting);
          if (budget <= 0)
            return;
        }
    }
  }
}

Plan Auto::run() {
  startingPoints();
  improveCutting();
  if (fits() && !isBest() && mostPromising()) {
    budget = kBudget;
    improveCutting();
  }
  // Pairs are joined, then the orders of the best cuttings are improved; what
  // comes out may bear more joining.
  for (int round = 0; round < 2 && !isBest(); ++round) {
    budget = kMergeBudget;
    mergeParts();
    std::vector<Candidate> orders = std::move(pool);
    pool.clear();
    for (Candidate &candidate : orders) {
      if (!isBest())
        work += improveOrder(
            problem, candidate.order, candidate.cycles,
            double(std::max<int64_t>(int64_t(bound.cycles()),
                                     candidate.order.graph->resourceBound())));
      candidate.over = overflowOf(problem, candidate.order.plan);
      keep(std::move(candidate));
    }
  }
  Plan plan = finishPlan(problem, pool.front().order);
  plan.work = work;
  return plan;
}

Plan AutoScheduler::run(const Problem &problem) const {
  return Auto(problem).run();
}

hcgs::Result<void> AutoScheduler::canServe(const Problem &) const { return {}; }

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers one after the other.

#include "LayeredScheduler.h"

#include "PieceGraph.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace hcgs;
using namespace hcgs::schedule;

Result<void> LstmScheduler::canServe(const Problem &problem) const {
  if (std::any_of(problem.groups.begin(), problem.groups.end(),
                  [](const Group &group) { return group.lstm; }))
    return {};
  return Error{"schedule '" + std::string(name) +
               "' orders the gates of LSTM layers, and this time loop has "
               "none; use schedule 'auto', which serves every model"};
}

//===----------------------------------------------------------------------===//
// Row block heights
//===----------------------------------------------------------------------===//

uint64_t hcgs::schedule::busiest(const Problem &problem, const Plan &plan) {
  std::array<uint64_t, kUnits> busy = {};
  for (const Entry &entry : plan.entries) {
    const Operation &op = problem.operations[entry.operation];
    busy[static_cast<unsigned>(op.unit)] += op.occupancy(entry);
  }
  uint64_t dispatch = plan.entries.size() + controlInstructions(problem, plan);
  return std::max(dispatch, *std::max_element(busy.begin(), busy.end()));
}

/// Fewer cycles per step; if they differ by less than 0.25 %, the fewer
/// entries: each is an instruction to store, to dispatch and to simulate, and a
/// quicker single step is not worth twice as many. What does not fit the
/// memories loses in any case.
static bool better(const Problem &problem, const Plan &a, const Plan &b) {
  if (Overflow overA = overflowOf(problem, a), overB = overflowOf(problem, b);
      overA != overB)
    return overA < overB;
  constexpr double kAlike = 1 - 0.0025;
  if (a.cyclesPerStep < kAlike * b.cyclesPerStep)
    return true;
  if (b.cyclesPerStep < kAlike * a.cyclesPerStep)
    return false;
  return std::make_tuple(a.entries.size(), a.cyclesOfOneStep) <
         std::make_tuple(b.entries.size(), b.cyclesOfOneStep);
}

Plan hcgs::schedule::searchHeights(
    const Problem &problem,
    const std::function<Plan(const std::vector<uint32_t> &)> &build) {
  static constexpr uint32_t kCuts[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
  std::map<std::vector<uint32_t>, Plan> tried;
  std::vector<uint32_t> best;
  auto consider = [&](const std::vector<uint32_t> &heights) {
    auto found = tried.find(heights);
    if (found == tried.end())
      found = tried.emplace(heights, build(heights)).first;
    if (best.empty() || better(problem, found->second, tried.at(best)))
      best = heights;
  };

  for (uint32_t cuts : kCuts) {
    std::vector<uint32_t> heights;
    for (const Group &group : problem.groups)
      heights.push_back(heightFor(group, cuts));
    if (problem.groups.empty())
      return build(heights);
    consider(heights);
  }
  for (size_t g = 0; g < problem.groups.size(); ++g) {
    const Plan &plan = tried.at(best);
    if (!overflowOf(problem, plan).any() &&
        plan.cyclesPerStep <= 1.001 * double(busiest(problem, plan)))
      break;
    for (uint32_t cuts : kCuts) {
      std::vector<uint32_t> heights = best;
      heights[g] = heightFor(problem.groups[g], cuts);
      consider(heights);
    }
  }
  return std::move(tried.at(best));
}

//===----------------------------------------------------------------------===//
// Parts of layers
//===----------------------------------------------------------------------===//

std::vector<LayerPart> hcgs::schedule::layerPartsOf(const Problem &problem) {
  size_t count = problem.operations.size();
  std::vector<unsigned> leader(count);
  std::iota(leader.begin(), leader.end(), 0);
  auto find = [&](unsigned o) {
    while (leader[o] != o)
      o = leader[o] = leader[leader[o]];
    return o;
  };
  // All that write or read rows of a storage of the group.
  std::vector<unsigned> userOf(problem.storages.size(), kNone);
  for (unsigned o = 0; o < count; ++o) {
    const Operation &op = problem.operations[o];
    if (op.group == kNone)
      continue;
    auto join = [&](unsigned storage) {
      if (problem.storages[storage].group != op.group)
        return;
      if (userOf[storage] == kNone)
        userOf[storage] = o;
      leader[find(o)] = find(userOf[storage]);
    };
    if (op.storage != kNone)
      join(op.storage);
    for (const Operand &read : op.reads)
      if (!read.all || read.back)
        join(read.storage);
  }
  std::map<unsigned, LayerPart> byLeader;
  for (unsigned o = 0; o < count; ++o)
    byLeader[find(o)].push_back(o);

  // Parts whose operands are complete, the first one first. If parts need each
  // other, their operations are taken one by one.
  std::vector<std::vector<unsigned>> writers(problem.storages.size());
  for (unsigned o = 0; o < count; ++o)
    if (problem.operations[o].storage != kNone)
      writers[problem.operations[o].storage].push_back(o);
  std::map<unsigned, LayerPart> left;
  for (auto &[head, part] : byLeader)
    left[part.front()] = part;
  std::vector<bool> done(count, false);
  std::vector<LayerPart> result;
  auto ready = [&](const LayerPart &part) {
    std::set<unsigned> own(part.begin(), part.end());
    for (unsigned o : part)
      for (const Operand &read : problem.operations[o].reads)
        if (!read.back)
          for (unsigned writer : writers[read.storage])
            if (!done[writer] && !own.count(writer))
              return false;
    return true;
  };
  while (!left.empty()) {
    auto next = std::find_if(left.begin(), left.end(), [&](const auto &entry) {
      return ready(entry.second);
    });
    if (next == left.end()) {
      std::vector<unsigned> rest;
      for (const auto &[first, part] : left)
        rest.insert(rest.end(), part.begin(), part.end());
      std::sort(rest.begin(), rest.end());
      for (unsigned o : rest)
        result.push_back({o});
      break;
    }
    for (unsigned o : next->second)
      done[o] = true;
    result.push_back(std::move(next->second));
    left.erase(next);
  }
  return result;
}

std::vector<unsigned> LayeredScheduler::gateSets(unsigned gates) const {
  std::vector<unsigned> sets;
  for (unsigned gate = 0; gate < gates; ++gate)
    sets.push_back(gates > 1 ? 1u << gate : 0);
  return sets;
}

Plan LayeredScheduler::build(const Problem &problem,
                             const std::vector<uint32_t> &heights) const {
  Plan plan;
  plan.rowBlocks = heights;
  auto issue = [&](unsigned o, uint32_t begin, uint32_t end, unsigned gates) {
    Entry entry{o, begin, end, 0, gates};
    if (const auto &tileFor = problem.operations[o].tileFor)
      entry.tile = tileFor(entry);
    plan.entries.push_back(entry);
  };
  for (const LayerPart &part : layerPartsOf(problem)) {
    const Operation &first = problem.operations[part.front()];
    uint32_t height = first.group == kNone ? kNone : heights[first.group];
    uint32_t rows = 0;
    for (unsigned o : part)
      rows = std::max(rows, problem.operations[o].rows);
    for (uint32_t begin = 0; begin < rows;) {
      uint32_t end = rows - begin > height ? begin + height : rows;
      // Gates that were computed, of each accumulator; and what was issued.
      std::vector<bool> issued(part.size(), false);
      unsigned most = 1;
      for (unsigned o : part)
        if (problem.operations[o].isProduct())
          most = std::max(most, problem.operations[o].gates);
      std::vector<unsigned> sets = gateSets(most);
      unsigned soFar = 0;
      for (size_t s = 0; s < sets.size(); ++s) {
        soFar |= sets[s];
        bool last = s + 1 == sets.size();
        // Products of these gates, then whatever needs no others.
        std::vector<bool> open(problem.storages.size(), false);
        for (size_t i = 0; i < part.size(); ++i) {
          const Operation &op = problem.operations[part[i]];
          bool gated = op.isProduct() && op.gates > 1 && sets[s];
          bool waits = false;
          for (const Operand &read : op.reads)
            if (!read.all && !read.back)
              waits |= open[read.storage] ||
                       (!last && read.gate >= 0 &&
                        problem.storages[read.storage].gates > 1 &&
                        !(soFar >> read.gate & 1));
          if (op.storage != kNone && open[op.storage])
            waits = true;
          if (issued[i])
            continue;
          if (waits) {
            if (op.storage != kNone)
              open[op.storage] = true;
            continue;
          }
          issue(part[i], begin, std::min(end, op.rows), gated ? sets[s] : 0);
          issued[i] = !gated || last;
        }
      }
      begin = end;
    }
  }
  chooseHoldings(problem, plan);
  estimate(problem, plan);
  return plan;
}

Plan LayeredScheduler::run(const Problem &problem) const {
  if (cutsRows())
    return searchHeights(problem, [&](const std::vector<uint32_t> &heights) {
      return build(problem, heights);
    });
  std::vector<uint32_t> heights;
  for (const Group &group : problem.groups)
    heights.push_back(group.rows);
  return build(problem, heights);
}

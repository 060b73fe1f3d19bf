// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conflicts between entries, and the replay along them.

#include "PlanTimer.h"

#include <algorithm>
#include <tuple>

using namespace hcgs::schedule;

PlanTimer::PlanTimer(const Problem &problem, const Plan &plan)
    : depth(plan.depth), control(controlInstructions(problem, plan)),
      queues(problem.queues) {
  nodes.reserve(plan.entries.size());
  for (const Entry &entry : plan.entries) {
    const Operation &op = problem.operations[entry.operation];
    nodes.push_back({op.unit, entry.step, int64_t(op.occupancy(entry)),
                     int64_t(op.latency), 0, 0});
  }
  addEdges(problem, plan);
}

void PlanTimer::addEdges(const Problem &problem, const Plan &plan) {
  struct Access {
    uint32_t entry;
    int64_t begin, end, lead;
    bool write;
  };
  std::vector<std::vector<Access>> accesses(problem.storages.size());
  for (uint32_t i = 0; i < plan.entries.size(); ++i)
    for (const PlannedTouch &touch :
         plannedTouches(problem, plan, plan.entries[i]))
      accesses[touch.storage].push_back(
          {i, touch.begin, touch.end, touch.lead, touch.write});

  struct Full {
    uint32_t consumer;
    Edge edge;
  };
  std::vector<Full> found;
  for (size_t s = 0; s < accesses.size(); ++s) {
    bool ignoreMatrix = problem.storages[s].memory == Memory::A;
    int64_t slots = plan.holdings[s].slots;
    for (const Access &late : accesses[s])
      for (const Access &early : accesses[s]) {
        if (!(late.write || early.write) || late.begin >= early.end ||
            early.begin >= late.end)
          continue;
        if (ignoreMatrix && nodes[late.entry].unit == Unit::Matrix &&
            nodes[early.entry].unit == Unit::Matrix)
          continue;
        // The latest earlier instance in the same slot. It finishes after all
        // instances before it, so it alone matters.
        int64_t distance = (late.lead - early.lead) % slots;
        distance = (slots - distance) % slots;
        if (distance == 0 && early.entry >= late.entry)
          distance = slots;
        found.push_back(
            {late.entry, Edge{early.entry, static_cast<uint32_t>(distance)}});
      }
  }
  std::sort(found.begin(), found.end(), [](const Full &a, const Full &b) {
    return std::tie(a.consumer, a.edge.producer, a.edge.distance) <
           std::tie(b.consumer, b.edge.producer, b.edge.distance);
  });
  uint32_t place = 0;
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    nodes[i].firstEdge = edges.size();
    for (; place < found.size() && found[place].consumer == i; ++place) {
      const Edge &edge = found[place].edge;
      // Of several distances the smallest is the latest instance.
      if (edges.size() > nodes[i].firstEdge &&
          edges.back().producer == edge.producer)
        continue;
      edges.push_back(edge);
      history = std::max(history, edge.distance + 1);
    }
    nodes[i].endEdge = edges.size();
  }
}

void PlanTimer::reset() {
  finishes.assign(history, std::vector<int64_t>(nodes.size(), 0));
  takes.assign(nodes.size(), 0);
  for (unsigned u = 0; u < kUnits; ++u)
    units[u] = {0, 0, std::vector<int64_t>(std::max(1u, queues.entries[u]), 0)};
  dispatched = -1;
  lastFinish = 0;
}

void PlanTimer::iteration(int64_t t) {
  // Iterations begin at -depth; finishes of what was not executed are 0, which
  // holds nothing back: nor was any older instance executed.
  int64_t number = t + depth;
  std::vector<int64_t> &now = finishes[number % history];
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node &node = nodes[i];
    if (t + node.step < 0) {
      now[i] = 0;
      continue;
    }
    UnitState &unit = units[static_cast<unsigned>(node.unit)];
    int64_t &place = unit.takes[unit.count % unit.takes.size()];
    dispatched =
        std::max(dispatched + 1, unit.count >= unit.takes.size() ? place : 0);
    int64_t take = std::max(dispatched + 1, unit.free);
    for (uint32_t e = node.firstEdge; e < node.endEdge; ++e) {
      if (int64_t(edges[e].distance) > number)
        continue;
      take = std::max(
          take,
          finishes[(number - edges[e].distance) % history][edges[e].producer]);
    }
    unit.free = take + node.occupancy;
    place = take;
    ++unit.count;
    takes[i] = take;
    now[i] = unit.free + node.latency;
    lastFinish = std::max(lastFinish, now[i]);
  }
  dispatched += control;
}

double PlanTimer::meanCycles(int64_t warmUp, int64_t measured) {
  reset();
  for (int64_t t = -int64_t(depth); t < warmUp; ++t)
    iteration(t);
  int64_t before = lastFinish;
  for (int64_t t = 0; t < measured; ++t)
    iteration(warmUp + t);
  return double(lastFinish - before) / double(measured);
}

// Nothing is taken before the second cycle after the last dispatch, so that it
// does not matter what was over by then.
template <typename Visit>
void PlanTimer::visitState(int64_t t, Visit visit) const {
  constexpr int64_t kNextTake = 2;
  if (!visit(lastFinish - dispatched))
    return;
  for (const UnitState &unit : units) {
    if (!visit(std::max(unit.free - dispatched, kNextTake)))
      return;
    for (size_t i = 0; i < unit.takes.size(); ++i)
      if (!visit(std::max<int64_t>(
              unit.takes[(unit.count + i) % unit.takes.size()] - dispatched,
              1)))
        return;
  }
  int64_t number = t + depth;
  for (int64_t back = 0; back < int64_t(history) && back <= number; ++back)
    for (int64_t finish : finishes[(number - back) % history])
      if (!visit(std::max(finish - dispatched, kNextTake)))
        return;
}

std::vector<int64_t> PlanTimer::stateAfter(int64_t t) const {
  std::vector<int64_t> state;
  visitState(t, [&](int64_t value) {
    state.push_back(value);
    return true;
  });
  return state;
}

bool PlanTimer::isInState(int64_t t, const std::vector<int64_t> &state) const {
  size_t same = 0;
  visitState(t, [&](int64_t value) {
    return same < state.size() && state[same] == value && ++same;
  });
  return same == state.size();
}

double PlanTimer::settle(int64_t patience) {
  reset();
  // The pipeline fills in a few iterations. A first look twelve iterations on
  // finds most orders, which repeat after one, two, three, four or six.
  int64_t t = -int64_t(depth);
  for (; t < 10; ++t)
    iteration(t);
  std::vector<int64_t> state = stateAfter(t - 1);
  int64_t start = lastFinish;
  for (int64_t end = t + 12; t < end; ++t)
    iteration(t);
  if (isInState(t - 1, state))
    return double(lastFinish - start) / 12;
  // Else a state is kept for twice as long each time (Brent).
  for (int64_t span = 16;; span *= 2) {
    state = stateAfter(t - 1);
    start = lastFinish;
    for (int64_t done = 1; done <= span; ++done, ++t) {
      iteration(t);
      if (isInState(t, state)) {
        ++t;
        return double(lastFinish - start) / double(done);
      }
    }
    if (t >= patience)
      return double(lastFinish - start) / double(span);
  }
}
double PlanTimer::glance() { return meanCycles(5, 6); }

/// Cycles of a sequence of one step (T-D-4): short, so by address.
static uint64_t oneStep(const Problem &problem, const Plan &plan) {
  std::vector<int64_t> bases;
  std::array<int64_t, kMemories> next = {};
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    int64_t &base = next[static_cast<unsigned>(problem.storages[s].memory)];
    bases.push_back(base);
    base += slotElements(problem.storages[s], plan.holdings[s]) *
            plan.holdings[s].slots;
  }
  CycleModel clock(problem.queues);
  unsigned control = controlInstructions(problem, plan);
  for (int64_t t = -int64_t(plan.depth); t < 1; ++t) {
    for (const Entry &entry : plan.entries) {
      if (t + entry.step != 0)
        continue;
      const Operation &op = problem.operations[entry.operation];
      Executed executed{op.unit, op.occupancy(entry), op.latency, {}};
      for (const PlannedTouch &touch : plannedTouches(problem, plan, entry)) {
        int64_t slots = plan.holdings[touch.storage].slots;
        int64_t slot = ((t + touch.lead) % slots + slots) % slots;
        int64_t base = bases[touch.storage] +
                       slot * slotElements(problem.storages[touch.storage],
                                           plan.holdings[touch.storage]);
        executed.touches.push_back({problem.storages[touch.storage].memory,
                                    base + touch.begin, base + touch.end,
                                    touch.write});
      }
      clock.issue(executed);
    }
    for (unsigned i = 0; i < control; ++i)
      clock.control();
  }
  return clock.halt();
}

void hcgs::schedule::estimate(const Problem &problem, Plan &plan) {
  constexpr int64_t kPatience = 2000;
  plan.cyclesPerStep = PlanTimer(problem, plan).settle(kPatience);
  plan.cyclesOfOneStep = oneStep(problem, plan);
}

std::vector<uint64_t> hcgs::schedule::settledTakes(const Problem &problem,
                                                   const Plan &plan) {
  PlanTimer timer(problem, plan);
  timer.settle();
  return {timer.takes.begin(), timer.takes.end()};
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How long a plan takes: the rules of docs/Spec/Timing.md for a loop whose
// body is known. CycleModel finds conflicts by address, one instruction after
// the other; here they are found once, between the entries of the list, as
// edges (entry, how many iterations before), and iterations are replayed along
// them. Both give the same cycles (a test compares them); this one is quick
// enough to try thousands of plans.
//
#ifndef HCGS_LIB_SCHEDULE_PLANTIMER_H
#define HCGS_LIB_SCHEDULE_PLANTIMER_H

#include "hcgs/Schedule/Scheduler.h"

namespace hcgs::schedule {

class PlanTimer {
public:
  PlanTimer(const Problem &problem, const Plan &plan);

  /// Mean cycles of a settled iteration: exact if the state of the machine
  /// repeats within about `patience` iterations, else the mean of the later
  /// half of them. Sets `takes`.
  double settle(int64_t patience = 200);
  /// The same after fewer iterations, for what is probably thrown away.
  double glance();

  /// Of the last replayed iteration: when each entry was taken.
  std::vector<int64_t> takes;

private:
  struct Edge {
    uint32_t producer;
    uint32_t distance;
  };
  struct Node {
    Unit unit;
    uint32_t step;
    int64_t occupancy, latency;
    uint32_t firstEdge, endEdge;
  };
  struct UnitState {
    int64_t free = 0;
    uint64_t count = 0;
    std::vector<int64_t> takes;
  };

  void addEdges(const Problem &problem, const Plan &plan);
  void reset();
  double meanCycles(int64_t warmUp, int64_t measured);
  /// Calls `visit` with all that later times depend on, as times after the last
  /// dispatch, until it returns false.
  template <typename Visit>
  void visitState(int64_t t, Visit visit) const;
  std::vector<int64_t> stateAfter(int64_t t) const;
  bool isInState(int64_t t, const std::vector<int64_t> &state) const;
  /// Iteration t of an endless sequence.
  void iteration(int64_t t);

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  unsigned depth;
  unsigned control;
  QueueDepths queues;
  /// Iterations that are kept, for edges.
  uint32_t history = 1;
  std::vector<std::vector<int64_t>> finishes;
  std::array<UnitState, kUnits> units;
  int64_t dispatched = -1;
  int64_t lastFinish = 0;
};

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_PLANTIMER_H

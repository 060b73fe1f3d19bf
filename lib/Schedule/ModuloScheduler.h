// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Iterative modulo scheduling (B. R. Rau, "Iterative modulo scheduling", 1994)
// of the pieces of one time step: finds a take time for each piece such that,
// with a new time step every `interval` cycles, no unit does two things at a
// time and every edge is kept. Times may span several intervals: a piece then
// handles a later step than others in the same iteration of the loop, which is
// how layers, directions, streams and steps come to overlap.
//
#ifndef HCGS_LIB_SCHEDULE_MODULOSCHEDULER_H
#define HCGS_LIB_SCHEDULE_MODULOSCHEDULER_H

#include "PieceGraph.h"

namespace hcgs::schedule {

struct ModuloOptions {
  int64_t interval;
  /// Also let no two pieces start in one cycle: what dispatch can follow even
  /// if it never runs ahead.
  bool oneTakeACycle = false;
  /// Added to the priorities of pieces; empty: nothing.
  std::vector<int64_t> bonus;
};

/// Take times of all pieces, the least at or above 0; nothing if the search
/// gave up.
std::optional<std::vector<int64_t>>
moduloSchedule(const PieceGraph &graph, const ModuloOptions &options);

/// Moves pieces by whole intervals towards those that need them, so that fewer
/// steps are in flight.
void shortenLives(const PieceGraph &graph, int64_t interval,
                  std::vector<int64_t> &times);

/// The plan that issues pieces in the order of their times modulo the interval,
/// beginning at time `origin`. `order` receives the piece of each entry.
/// Holdings are not chosen yet.
Plan planOfTimes(const PieceGraph &graph, const Cutting &cutting,
                 int64_t interval, const std::vector<int64_t> &times,
                 int64_t origin, std::vector<unsigned> &order);

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_MODULOSCHEDULER_H

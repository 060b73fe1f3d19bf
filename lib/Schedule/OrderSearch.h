// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Orders of the pieces of one cutting, and small changes to them.
//
#ifndef HCGS_LIB_SCHEDULE_ORDERSEARCH_H
#define HCGS_LIB_SCHEDULE_ORDERSEARCH_H

#include "ModuloScheduler.h"

#include <memory>

namespace hcgs::schedule {

/// A plan whose entries are known as pieces of a graph. Its holdings are
/// generous (`mostSlots` of every value, if memory allows).
class OrderedPieces {
public:
  OrderedPieces(std::shared_ptr<const PieceGraph> graph, const Cutting &cutting,
                int64_t interval, const std::vector<int64_t> &times,
                unsigned mostSlots);

  /// Pieces in the order of a list, all of the same step.
  OrderedPieces(std::shared_ptr<const PieceGraph> graph, const Cutting &cutting,
                std::vector<unsigned> list, unsigned mostSlots);

  /// Chooses holdings and replays; returns cycles a step. What a glance shows
  /// to be slower than `limit` is not looked at longer.
  double settle(const Problem &problem, double limit = 0);

  /// Sorts entries by the times of the last replay; false if they are sorted.
  bool sortByTakes();

  /// Moves the entry at `from` to `to`, both places in the list; `turn` 1 (-1):
  /// over the end (the beginning) of the list, so that it handles an earlier (a
  /// later) step. False, and nothing changed, if something would come before
  /// what it needs.
  bool move(size_t from, size_t to, int turn);

  /// Makes the first `count` entries the last ones of the iteration before.
  void rotate(size_t count);

  std::shared_ptr<const PieceGraph> graph;
  /// The piece of each entry.
  std::vector<unsigned> pieces;
  Plan plan;

private:
  void renumberSteps();
  bool isLegalAround(unsigned piece) const;

  unsigned mostSlots;
  std::vector<int64_t> takes;
};

/// Tries to make an order quicker by moving entries, until it takes no more
/// than `enough` cycles and fits, or nothing is found. An order that overflows
/// less counts as quicker. Returns the entries that were replayed.
uint64_t improveOrder(const Problem &problem, OrderedPieces &order,
                      double &cycles, double enough);

/// Lets the loop begin where the fewest steps are in flight, at no cost.
void shortenDepth(const Problem &problem, OrderedPieces &order);

/// The plan with the least storage that takes no longer than with generous
/// storage, with its estimates.
Plan finishPlan(const Problem &problem, OrderedPieces &order);

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_ORDERSEARCH_H

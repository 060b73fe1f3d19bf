// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A problem cut into pieces, and what has to wait for what.
//
// A `Cutting` says how every operation is cut: into row blocks (or all rows at
// once), sets of gates and segments of columns. Each piece becomes one entry of
// a plan. Edges say that a piece of time step u + distance is taken not less
// than `delay` cycles after another one of step u was.
//
#ifndef HCGS_LIB_SCHEDULE_PIECEGRAPH_H
#define HCGS_LIB_SCHEDULE_PIECEGRAPH_H

#include "hcgs/Schedule/Scheduler.h"

#include <optional>

namespace hcgs::schedule {

/// Rows, gates (a mask; 0: all) and columns (0, 0: all) of an operation.
struct Part {
  uint32_t begin, end;
  unsigned gates;
  uint32_t colBegin, colEnd;
  bool operator==(const Part &) const = default;
};

struct OperationCut {
  /// All rows in one piece instead of one piece a row block.
  bool wholeRows = false;
  /// Sets of gates (masks); empty: all at once.
  std::vector<unsigned> gates;
  /// Where segments of columns begin, except the first; rising.
  std::vector<uint32_t> columns;
  /// If not empty, exactly these, whatever else is said.
  std::vector<Part> parts;
};

struct Cutting {
  std::vector<uint32_t> heights;        // by group
  std::vector<OperationCut> operations; // by operation
};

/// The height that cuts a group into about `blocks` row blocks.
uint32_t heightFor(const Group &group, uint32_t blocks);

/// The parts that an operation is cut into. `height`: of its row blocks.
std::vector<Part> partsOf(const Operation &op, const OperationCut &cut,
                          uint32_t height);

/// Whether an operation can be issued for all rows at once although its rows
/// are cut: what it touches then lies side by side.
bool canTakeWholeRows(const Problem &problem, const Operation &op);

struct Piece {
  /// Step 0; the tile is chosen.
  Entry entry;
  Unit unit;
  int64_t occupancy, latency;
};

class PieceGraph {
public:
  struct Edge {
    unsigned from, to;
    int64_t delay;
    int64_t distance;
  };

  /// `mostSlots`: no value may need more copies.
  PieceGraph(const Problem &problem, const Cutting &cutting,
             unsigned mostSlots);

  /// Busy cycles of the busiest unit; one dispatch cycle a piece and control
  /// instruction.
  int64_t resourceBound() const { return resources; }

  /// The longest way that starts at each piece, if iterations start `interval`
  /// cycles apart; nothing if some cycle of edges takes longer than that.
  std::optional<std::vector<int64_t>> longestWays(int64_t interval) const;

  /// The smallest interval that no cycle of edges exceeds, and not less than
  /// `least`.
  int64_t recurrenceBound(int64_t least) const;

  std::vector<Piece> pieces;
  std::vector<Edge> edges;
  /// Numbers of edges that end and start at each piece.
  std::vector<std::vector<unsigned>> in, out;

private:
  void makePieces(const Problem &problem, const Cutting &cutting);
  void makeEdges(const Problem &problem, unsigned mostSlots);
  void addEdge(unsigned from, unsigned to, int64_t delay, int64_t distance);

  int64_t resources = 0;
};

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_PIECEGRAPH_H

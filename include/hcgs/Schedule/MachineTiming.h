// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How long one instruction holds its unit on a target (the table of
// docs/Spec/Timing.md), as the compiler computes it. Shared by the scheduler
// and by the estimate of whole programs.
//
#ifndef HCGS_SCHEDULE_MACHINETIMING_H
#define HCGS_SCHEDULE_MACHINETIMING_H

#include "hcgs/Compression/Layout.h"
#include "hcgs/Schedule/CycleModel.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace hcgs {
struct TargetModel;
}

namespace hcgs::schedule {

/// An arrangement of the lanes: `rows` accumulators x `cols` inputs a cycle.
struct Tile {
  uint64_t rows;
  uint64_t cols;
};

/// The numbers of a target that timing depends on.
struct MachineTiming {
  uint64_t lanes = 1;
  uint64_t matrixFill = 0;
  std::vector<Tile> tiles;
  uint64_t vectorLanes = 1;
  uint64_t vectorLatency = 0;
  struct Port {
    uint64_t latency = 0;
    uint64_t bytes = 1;
  };
  Port load, store;
  QueueDepths queues;

  /// Cycles of a vector instruction of n elements.
  uint64_t vector(uint64_t n) const {
    return compression::ceilDiv(n, vectorLanes);
  }
  /// Cycles of a load or store of n elements of two bytes.
  uint64_t transfer(const Port &port, uint64_t n) const {
    return transferBytes(port, 2 * n);
  }
  /// The same of n bytes, as `wload` has them.
  uint64_t transferBytes(const Port &port, uint64_t n) const {
    return port.latency + compression::ceilDiv(n, port.bytes);
  }
  /// Cycles of a dense product of `rows` accumulators with a tile (T-M-1).
  uint64_t dense(uint64_t rows, uint64_t cols, unsigned tile,
                 bool retile = false) const;
  /// The tile shape with which a dense product takes the fewest cycles without
  /// retiling; of equals the first.
  unsigned bestTile(uint64_t rows, uint64_t cols) const;
  /// The same with retiling where that takes fewer cycles: shape and `retile`.
  std::pair<unsigned, bool> bestDense(uint64_t rows, uint64_t cols) const;
  /// The fewest cycles of a dense product of all columns whose rows may be cut
  /// into any instructions, each with the tile of its choice: by dynamic
  /// programming over the segments of rows that a cycle's tile covers.
  uint64_t denseByRows(uint64_t rows, uint64_t cols) const;
  /// Cycles that no way of computing a dense product can beat, whatever
  /// instructions its rows and columns are cut into, each with its own tile.
  ///
  /// A cycle with a tile of K x N covers at most K rows of at most N columns.
  /// So the cycles that cover one given column cover all its rows: with n_t of
  /// them having tile t, sum n_t K_t >= rows. Counting each for 1 / N_t in each
  /// column it covers, a column costs at least
  /// g = min { sum n_t / N_t : sum n_t K_t >= rows, n_t integers }, and all of
  /// them cols * g. The same holds with rows and columns exchanged.
  ///
  /// Both margins count together: the tiles that cover a row reach over at
  /// least C columns, the least sum of tile widths that is not below cols;
  /// those that cover a column over R rows likewise. As each product is formed
  /// once, the lanes beyond the last column, rows * (C - cols) of them, and
  /// those beyond the last row, cols * (R - rows), are idle lanes apart. So the
  /// cycles are at least (rows * C + cols * (R - rows)) / max K N.
  ///
  /// The result is the greatest of the three, rounded up.
  uint64_t leastDense(uint64_t rows, uint64_t cols) const;
};

/// What timing needs of a target.
MachineTiming timingOf(const TargetModel &target);

/// Cycles of row ranges of a matrix whose row groups (WI-W-4) are computed one
/// after the other: of kind hcgs or circulant.
class RowGroupTiming {
public:
  /// `gateMask`: which gates one instruction computes (bit g: gate g).
  RowGroupTiming(const compression::WeightLayout &layout, unsigned gateMask,
                 uint64_t lanes)
      : RowGroupTiming(layout, gateMask, lanes, {0, layout.cols()}) {}
  /// Of some columns only: those of a view (WI-D-3).
  RowGroupTiming(const compression::WeightLayout &layout, unsigned gateMask,
                 uint64_t lanes, compression::ColumnSpan columns);
  /// Rows begin .. end-1, both at boundaries of row groups. At least 1 (T-U-3).
  uint64_t cycles(uint32_t begin, uint32_t end) const;
  /// Multiplications in these rows.
  uint64_t macs(uint32_t begin, uint32_t end) const;

private:
  /// Cycles and multiplications of all row groups that end at or before `row`.
  struct Sums {
    uint32_t row;
    uint64_t cycles, macs;
  };
  const Sums &at(uint32_t row) const;
  std::vector<Sums> upTo;
};

} // namespace hcgs::schedule

#endif // HCGS_SCHEDULE_MACHINETIMING_H

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
    return port.latency + compression::ceilDiv(2 * n, port.bytes);
  }
  /// Cycles of a dense product of `rows` accumulators with a tile.
  uint64_t dense(uint64_t rows, uint64_t cols, unsigned tile) const {
    return compression::ceilDiv(rows, tiles[tile].rows) *
           compression::ceilDiv(cols, tiles[tile].cols);
  }
  /// The tile shape with which a dense product takes the fewest cycles; of
  /// equals the first.
  unsigned bestTile(uint64_t rows, uint64_t cols) const;
};

/// What timing needs of a target.
MachineTiming timingOf(const TargetModel &target);

/// Cycles of row ranges of a matrix whose row groups (WI-W-4) are computed one
/// after the other: of kind hcgs or circulant.
class RowGroupTiming {
public:
  /// `gateMask`: which gates one instruction computes (bit g: gate g).
  RowGroupTiming(const compression::WeightLayout &layout, unsigned gateMask,
                 uint64_t lanes);
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

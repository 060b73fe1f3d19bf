// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles of single instructions.

#include "hcgs/Schedule/MachineTiming.h"

#include "hcgs/Target/TargetModel.h"

#include <algorithm>

using namespace hcgs;
using namespace hcgs::schedule;

MachineTiming schedule::timingOf(const TargetModel &target) {
  MachineTiming timing;
  timing.lanes = target.mac.lanes;
  timing.matrixFill = target.matrixFill;
  for (const hcgs::TileShape &tile : target.mac.tiles)
    timing.tiles.push_back({tile.rows, tile.cols});
  timing.vectorLanes = target.vector.lanes;
  timing.vectorLatency = target.vector.latency;
  timing.load = {target.load.latency, target.load.portBytes};
  timing.store = {target.store.latency, target.store.portBytes};
  timing.queues.entries = {target.queues.load, target.queues.matrix,
                           target.queues.vector, target.queues.store};
  return timing;
}

unsigned MachineTiming::bestTile(uint64_t rows, uint64_t cols) const {
  unsigned best = 0;
  for (unsigned tile = 1; tile < tiles.size(); ++tile)
    if (dense(rows, cols, tile) < dense(rows, cols, best))
      best = tile;
  return best;
}

RowGroupTiming::RowGroupTiming(const compression::WeightLayout &layout,
                               unsigned gateMask, uint64_t lanes) {
  Sums sums = {0, 0, 0};
  upTo.push_back(sums);
  for (const auto &group : layout.rowGroups(gateMask)) {
    sums.row = uint32_t(group.row + group.height);
    sums.cycles += compression::ceilDiv(group.macs, int64_t(lanes));
    sums.macs += group.macs;
    upTo.push_back(sums);
  }
}

const RowGroupTiming::Sums &RowGroupTiming::at(uint32_t row) const {
  return *std::lower_bound(
      upTo.begin(), upTo.end(), row,
      [](const Sums &sums, uint32_t r) { return sums.row < r; });
}

uint64_t RowGroupTiming::cycles(uint32_t begin, uint32_t end) const {
  return std::max<uint64_t>(1, at(end).cycles - at(begin).cycles);
}

uint64_t RowGroupTiming::macs(uint32_t begin, uint32_t end) const {
  return at(end).macs - at(begin).macs;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles of single instructions.

#include "hcgs/Dialect/HCGS/Transforms/MachineTiming.h"

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

SparseTiming::SparseTiming(const compression::BlockMap &map, uint64_t gates,
                           uint64_t lanes) {
  uint64_t sum = 0;
  upTo.push_back({0, 0});
  for (const compression::BlockMap::SmallRow &row : map.smallRows()) {
    uint64_t products = uint64_t(row.height) * row.keptCols * gates;
    sum += compression::ceilDiv(products, lanes);
    upTo.push_back({uint32_t(row.row + row.height), sum});
  }
}

uint64_t SparseTiming::cycles(uint32_t begin, uint32_t end) const {
  auto at = [&](uint32_t row) {
    return std::lower_bound(
               upTo.begin(), upTo.end(), row,
               [](const auto &entry, uint32_t r) { return entry.first < r; })
        ->second;
  };
  return std::max<uint64_t>(1, at(end) - at(begin));
}

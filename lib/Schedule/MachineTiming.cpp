// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles of single instructions.

#include "hcgs/Schedule/MachineTiming.h"

#include "hcgs/Target/TargetModel.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

uint64_t MachineTiming::dense(uint64_t rows, uint64_t cols, unsigned tile,
                              bool retile) const {
  const Tile &shape = tiles[tile];
  const uint64_t rest = rows % shape.rows;
  const uint64_t across = compression::ceilDiv(cols, shape.cols);
  const uint64_t full = rows / shape.rows * across;
  if (rest == 0)
    return full;
  if (!retile)
    return full + across;
  // T-M-1: of the shapes that are no higher and hold the rest, the lowest.
  const Tile *lowest = &shape;
  for (const Tile &other : tiles)
    if (other.rows >= rest && other.rows < lowest->rows)
      lowest = &other;
  return full + compression::ceilDiv(cols, lowest->cols);
}

unsigned MachineTiming::bestTile(uint64_t rows, uint64_t cols) const {
  unsigned best = 0;
  for (unsigned tile = 1; tile < tiles.size(); ++tile)
    if (dense(rows, cols, tile) < dense(rows, cols, best))
      best = tile;
  return best;
}

std::pair<unsigned, bool> MachineTiming::bestDense(uint64_t rows,
                                                   uint64_t cols) const {
  std::pair<unsigned, bool> best = {bestTile(rows, cols), false};
  uint64_t cycles = dense(rows, cols, best.first);
  for (unsigned tile = 0; tile < tiles.size(); ++tile)
    if (uint64_t retiled = dense(rows, cols, tile, true); retiled < cycles) {
      best = {tile, true};
      cycles = retiled;
    }
  return best;
}

/// Up to how many rows or columns the dynamic programs go one by one.
static constexpr uint64_t kMostSteps = 1 << 20;

uint64_t MachineTiming::denseByRows(uint64_t rows, uint64_t cols) const {
  // What is beyond the table goes to the shape with the fewest cycles a row.
  uint64_t beyond = 0;
  if (rows > kMostSteps) {
    auto perRow = [&](const Tile &tile) {
      return double(compression::ceilDiv(cols, tile.cols)) / double(tile.rows);
    };
    const Tile &best = *std::min_element(
        tiles.begin(), tiles.end(),
        [&](const Tile &a, const Tile &b) { return perRow(a) < perRow(b); });
    const uint64_t times = (rows - kMostSteps) / best.rows + 1;
    beyond = times * compression::ceilDiv(cols, best.cols);
    rows -= std::min(rows, times * best.rows);
  }
  std::vector<uint64_t> least(rows + 1, 0);
  for (uint64_t row = 1; row <= rows; ++row) {
    least[row] = std::numeric_limits<uint64_t>::max();
    for (const Tile &tile : tiles)
      least[row] =
          std::min(least[row], least[row - std::min(row, tile.rows)] +
                                   compression::ceilDiv(cols, tile.cols));
  }
  return beyond + least[rows];
}

/// `other` * g of MachineTiming::leastDense, for lines of `length` elements of
/// which a tile covers tile.*along, and tile.*across lines at a time; rounded
/// down by less than the rounding of floating point can have added.
static double coverage(const std::vector<Tile> &tiles, uint64_t length,
                       uint64_t lines, uint64_t Tile::*along,
                       uint64_t Tile::*across) {
  double densest = 0;
  for (const Tile &tile : tiles)
    densest = std::max(densest, double(tile.rows) * double(tile.cols));
  // A long line: each of its elements costs at least 1 / (K N).
  if (length > kMostSteps)
    return double(length) * double(lines) / densest * (1 - 1e-9);
  std::vector<double> least(length + 1, 0);
  for (uint64_t at = 1; at <= length; ++at) {
    least[at] = std::numeric_limits<double>::infinity();
    for (const Tile &tile : tiles)
      least[at] = std::min(least[at], least[at - std::min(at, tile.*along)] +
                                          1 / double(tile.*across));
  }
  return least[length] * double(lines) * (1 - 1e-9);
}

/// The smallest sum of tile extents that is not less than `length`.
static uint64_t leastCover(const std::vector<Tile> &tiles, uint64_t length,
                           uint64_t Tile::*extent) {
  if (length > kMostSteps)
    return length;
  std::vector<uint64_t> least(length + 1, 0);
  for (uint64_t at = 1; at <= length; ++at) {
    least[at] = std::numeric_limits<uint64_t>::max();
    for (const Tile &tile : tiles)
      least[at] = std::min(
          least[at], tile.*extent + least[at - std::min(at, tile.*extent)]);
  }
  return least[length];
}

uint64_t MachineTiming::leastDense(uint64_t rows, uint64_t cols) const {
  uint64_t densest = 1;
  for (const Tile &tile : tiles)
    densest = std::max(densest, tile.rows * tile.cols);
  const double area =
      double(rows * leastCover(tiles, cols, &Tile::cols) +
             cols * (leastCover(tiles, rows, &Tile::rows) - rows)) /
      double(densest) * (1 - 1e-9);
  const double bound =
      std::max({area, coverage(tiles, rows, cols, &Tile::rows, &Tile::cols),
                coverage(tiles, cols, rows, &Tile::cols, &Tile::rows)});
  return std::max<uint64_t>(1, uint64_t(std::ceil(bound)));
}

RowGroupTiming::RowGroupTiming(const compression::WeightLayout &layout,
                               unsigned gateMask, uint64_t lanes,
                               compression::ColumnSpan columns) {
  Sums sums = {0, 0, 0};
  upTo.push_back(sums);
  for (const auto &group : layout.rowGroups(gateMask, columns)) {
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

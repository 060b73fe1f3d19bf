// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles of single matrix products (docs/Spec/Timing.md), worked out by hand.

#include "hcgs/Schedule/MachineTiming.h"

#include <gtest/gtest.h>

#include <memory>

using namespace hcgs;
using namespace hcgs::schedule;
using compression::BlockMap;
using compression::WeightLayout;

namespace {

/// 4 x 4 in blocks of 2 x 2; each block-row keeps block-column `first` or
/// `second`.
std::shared_ptr<const BlockMap> makeMap(int first, int second) {
  compression::Pattern pattern;
  pattern.tiers = {{2, 2, 1, 2, compression::Balance::None}};
  auto map = BlockMap::buildByParent(
      pattern, 4, 4,
      [&](const BlockMap::Parent &, std::span<uint8_t> kept) -> Result<void> {
        if (first >= 0)
          kept[first] = 1;
        if (second >= 0)
          kept[2 + second] = 1;
        return {};
      });
  EXPECT_TRUE(map) << map.message();
  return std::make_shared<const BlockMap>(std::move(*map));
}

// 1360 x 340 on 16384 lanes: each row reaches over 6 * 64 = 384 columns, each
// column over 43 * 32 = 1376 rows. 1360 * 384 + 340 * 16 = 527680 lanes are
// more than 32 cycles have; 33 are enough: five times 256 rows in 6 cycles and
// the last 80 in 3.
TEST(MachineTiming, LeastCyclesOfADenseProduct) {
  MachineTiming timing;
  timing.tiles = {{256, 64}, {128, 128}, {64, 256}, {32, 512}};
  EXPECT_EQ(timing.leastDense(1360, 340), 33u);
  EXPECT_EQ(timing.denseByRows(1360, 340), 33u);
  EXPECT_EQ(timing.leastDense(512, 128), 4u);
  EXPECT_EQ(timing.leastDense(1, 1), 1u);
  // No cut into rows or columns is below it.
  for (uint64_t rows = 8; rows <= 1000; rows += 31)
    for (uint64_t cols = 3; cols <= 700; cols += 29) {
      uint64_t least = timing.leastDense(rows, cols);
      EXPECT_LE(least, timing.denseByRows(rows, cols));
      uint64_t left = cols / 3;
      EXPECT_LE(least, timing.denseByRows(rows, left) +
                           timing.denseByRows(rows, cols - left));
    }
}

TEST(RowGroupTiming, Circulant) {
  // 10 rows in block-rows of 4, 4 and 2; all products of the cut-off blocks
  // count: 9 columns.
  const auto layout = WeightLayout::circulant(3, 10, 9, 4, 10);
  const RowGroupTiming all(layout, 0b111, 16), one(layout, 0b010, 16);
  EXPECT_EQ(all.macs(0, 10), 3u * 10 * 9);
  EXPECT_EQ(all.macs(4, 8), 3u * 4 * 9);
  // ceil(108 / 16) twice and ceil(54 / 16).
  EXPECT_EQ(all.cycles(0, 10), 7u + 7 + 4);
  EXPECT_EQ(all.cycles(8, 10), 4u);
  EXPECT_EQ(one.cycles(0, 10), 3u + 3 + 2);
}

// A view has the products of its columns (WI-D-3).
TEST(RowGroupTiming, Views) {
  const auto circulant = WeightLayout::circulant(3, 10, 9, 4, 10);
  const RowGroupTiming last(circulant, 0b111, 16, {8, 9});
  EXPECT_EQ(last.macs(0, 10), 3u * 10);
  EXPECT_EQ(last.cycles(0, 10), 1u + 1 + 1);
  // Gate 0 keeps block-columns 0 and 1, gate 1 only 0 of the second block-row.
  const auto sparse = WeightLayout::sparse({makeMap(0, 1), makeMap(-1, 0)}, 4);
  const RowGroupTiming left(sparse, 0b11, 3, {0, 2}),
      right(sparse, 0b11, 3, {2, 4});
  EXPECT_EQ(left.macs(0, 2), 4u);
  EXPECT_EQ(left.macs(2, 4), 4u);
  EXPECT_EQ(right.macs(0, 4), 4u);
  EXPECT_EQ(left.cycles(0, 4), 2u + 2);
  EXPECT_EQ(right.cycles(0, 4), 2u);
}

TEST(RowGroupTiming, SeparateMasks) {
  // Gate 0 keeps a block in each block-row, gate 1 only in the second.
  const auto layout = WeightLayout::sparse({makeMap(0, 1), makeMap(-1, 0)}, 4);
  const RowGroupTiming both(layout, 0b11, 3), first(layout, 0b01, 3),
      second(layout, 0b10, 3);
  EXPECT_EQ(both.macs(0, 2), 4u);
  EXPECT_EQ(both.macs(2, 4), 8u);
  EXPECT_EQ(both.cycles(0, 4), 2u + 3);
  EXPECT_EQ(first.cycles(0, 4), 2u + 2);
  EXPECT_EQ(second.cycles(0, 4), 2u);
  // T-U-3: an instruction that has nothing to do takes a cycle.
  EXPECT_EQ(second.macs(0, 2), 0u);
  EXPECT_EQ(second.cycles(0, 2), 1u);
}

} // namespace

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

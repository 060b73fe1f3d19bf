// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Masks.h"
#include "hcgs/Compression/Select.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"

using namespace hcgs::compression;

namespace {

Pattern pattern(const char *tiers, Balance balance = Balance::Row) {
  return *parseTiers(tiers, balance);
}

MaskView viewOf(const std::vector<uint8_t> &mask, int64_t rows, int64_t cols) {
  return {mask.data(), rows, cols};
}

TEST(Masks, RoundTripOfEveryBalance) {
  std::mt19937_64 random(51);
  int withNone = 0;
  for (int round = 0; round < 300; ++round) {
    const int64_t rows = 1 + random() % 50, cols = 1 + random() % 50;
    const Pattern tiers = naive::randomPattern(random, rows, cols);
    const auto map = selectRandom(tiers, rows, cols, round);
    ASSERT_TRUE(map);
    const std::vector<uint8_t> mask = maskOf(*map);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c)
        ASSERT_EQ(mask[r * cols + c], map->isKept(r, c));
    const auto back = mapOfMask(viewOf(mask, rows, cols), tiers.tiers);
    ASSERT_TRUE(back) << tiers.str() << ": " << back.message();
    ASSERT_EQ(*back, *map) << tiers.str();
    // Without fractions another simple one may be found, but the blocks are the
    // same.
    std::vector<Tier> sizes = tiers.tiers;
    for (Tier &tier : sizes)
      tier.keepNum = 0;
    const auto found = mapOfMask(viewOf(mask, rows, cols), sizes);
    ASSERT_TRUE(found) << tiers.str() << ": " << found.message();
    ASSERT_EQ(maskOf(*found), mask);
    for (const Tier &tier : tiers.tiers)
      withNone += tier.balance == Balance::None;
  }
  EXPECT_GT(withNone, 100);
}

TEST(Masks, FindsTheSimplestFraction) {
  const auto map = selectRandom(pattern("32x32:1/4,4x4:3/8"), 512, 440, 1);
  std::vector<Tier> sizes = map->pattern().tiers;
  for (Tier &tier : sizes)
    tier.keepNum = 0;
  const std::vector<uint8_t> mask = maskOf(*map);
  const auto found = mapOfMask(viewOf(mask, 512, 440), sizes);
  ASSERT_TRUE(found) << found.message();
  EXPECT_EQ(found->pattern(), map->pattern());
  EXPECT_EQ(*found, *map);
}

TEST(Masks, FindsFractionsOfLongLines) {
  // One of 40: 1/16 would keep two, and 1/27 is the first that keeps one.
  std::vector<uint8_t> mask(40, 0);
  mask[17] = 1;
  const Tier size{1, 1, 0, 1, Balance::Row};
  auto map = mapOfMask(viewOf(mask, 1, 40), {&size, 1});
  ASSERT_TRUE(map) << map.message();
  EXPECT_EQ(map->pattern().str(), "1x1:1/27 row");
  // 23 of 40.
  std::fill_n(mask.begin(), 40, uint8_t(0));
  std::fill_n(mask.begin(), 23, uint8_t(1));
  map = mapOfMask(viewOf(mask, 1, 40), {&size, 1});
  EXPECT_EQ(map->pattern().str(), "1x1:4/7 row");
}

TEST(Masks, OneMapIfAllGatesAgree) {
  const Pattern tiers = pattern("4x4:1/2");
  std::vector<uint8_t> masks;
  for (const int seed : {1, 1, 1}) {
    const auto mask = maskOf(*selectRandom(tiers, 8, 16, seed));
    masks.insert(masks.end(), mask.begin(), mask.end());
  }
  EXPECT_EQ(mapsOfMasks(masks.data(), 3, 8, 16, tiers.tiers)->size(), 1u);
  const auto other = maskOf(*selectRandom(tiers, 8, 16, 2));
  std::copy(other.begin(), other.end(), masks.begin() + 2 * 8 * 16);
  const auto maps = mapsOfMasks(masks.data(), 3, 8, 16, tiers.tiers);
  ASSERT_TRUE(maps);
  ASSERT_EQ(maps->size(), 3u);
  EXPECT_EQ(*(*maps)[0], *(*maps)[1]);
  EXPECT_EQ(maskOf(*(*maps)[2]), other);
}

TEST(Masks, NamesWhatIsWrong) {
  const Pattern tiers = pattern("4x4:1/2,2x2:1/2");
  const std::vector<uint8_t> good = maskOf(*selectRandom(tiers, 8, 16, 3));
  const auto message = [&](const std::vector<uint8_t> &mask) {
    return mapOfMask(viewOf(mask, 8, 16), tiers.tiers).message();
  };
  ASSERT_TRUE(mapOfMask(viewOf(good, 8, 16), tiers.tiers));

  std::vector<uint8_t> mask = good;
  mask[3 * 16 + 5] = 2;
  EXPECT_EQ(message(mask), "mask entry at row 3, column 5 is 2; allowed are 0 "
                           "and 1");

  // A hole in the first kept block.
  const size_t first = std::find(good.begin(), good.end(), 1) - good.begin();
  mask = good;
  mask[first] = 0;
  const int64_t row = static_cast<int64_t>(first) / 16 / 2 * 2;
  const int64_t col = static_cast<int64_t>(first) % 16 / 2 * 2;
  EXPECT_EQ(message(mask),
            "the mask keeps 3 of the 4 weights of the block of rows " +
                std::to_string(row) + ".." + std::to_string(row + 1) +
                ", columns " + std::to_string(col) + ".." +
                std::to_string(col + 1) +
                "; a block of the last tier (2x2) is kept whole or not at all");

  // All of it: three tier-1 blocks too many in the first block-row.
  mask.assign(8 * 16, 1);
  EXPECT_EQ(message(mask),
            "tier 1, block-row 0 of the matrix keeps 4 of 4 blocks, 4x4:1/2 "
            "keeps 2; balance none allows any number");

  // Nothing.
  mask.assign(8 * 16, 0);
  EXPECT_EQ(message(mask),
            "tier 1, block-row 0 of the matrix keeps 0 of 4 blocks, 4x4:1/2 "
            "keeps 2; balance none allows any number");

  // Right at tier 1, wrong inside: the whole of kept blocks.
  mask.assign(8 * 16, 0);
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 8; ++c)
      mask[r * 16 + c] = 1;
  EXPECT_EQ(message(mask),
            "tier 2, block-row 0 of the block of rows 0..3, columns 0..3 keeps "
            "2 of 2 blocks, 2x2:1/2 keeps 1; balance none allows any number");

  // No fraction at all: 1 of 4 above, 2 of 4 below.
  mask.assign(8 * 16, 0);
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < (r < 4 ? 4 : 8); ++c)
      mask[r * 16 + c] = 1;
  std::vector<Tier> sizes = pattern("4x4:1/2").tiers;
  sizes[0].keepNum = 0;
  EXPECT_EQ(mapOfMask(viewOf(mask, 8, 16), sizes).message(),
            "tier 1, block-row 1 of the matrix keeps 2 of 4 blocks, another "
            "one with as many blocks keeps 1; balance none allows any number");
  sizes[0].balance = Balance::None;
  EXPECT_TRUE(mapOfMask(viewOf(mask, 8, 16), sizes));

  // Of several gates the one is named.
  std::vector<uint8_t> two = good;
  two.insert(two.end(), mask.begin(), mask.end());
  EXPECT_EQ(
      mapsOfMasks(two.data(), 2, 8, 16, tiers.tiers).message().substr(0, 15),
      "mask of gate 1:");
}

TEST(Masks, BothDirectionsOfBothAreChecked) {
  // Two in every row, but three in a column.
  const std::vector<uint8_t> mask = {1, 1, 0, 0, //
                                     1, 1, 0, 0, //
                                     0, 0, 1, 1, //
                                     0, 1, 0, 1};
  EXPECT_TRUE(mapOfMask(viewOf(mask, 4, 4), pattern("1x1:1/2").tiers));
  EXPECT_EQ(
      mapOfMask(viewOf(mask, 4, 4), pattern("1x1:1/2", Balance::Both).tiers)
          .message(),
      "tier 1, block-column 1 of the matrix keeps 3 of 4 blocks, 1x1:1/2 keeps "
      "2; balance none allows any number");
}

} // namespace

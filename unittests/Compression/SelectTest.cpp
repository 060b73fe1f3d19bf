// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Select.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"

using namespace hcgs::compression;

namespace {

TEST(Select, LinesKeepTheirCount_WI_P_3) {
  std::mt19937_64 random(21);
  for (int round = 0; round < 200; ++round) {
    const Pattern pattern = naive::randomPattern(random);
    const int64_t rows = 1 + random() % 60, cols = 1 + random() % 60;
    const auto map = selectRandom(pattern, rows, cols, round);
    ASSERT_TRUE(map);
    for (int t = 0; t < int(pattern.tiers.size()); ++t) {
      const Tier &tier = pattern.tiers[t];
      const int64_t parents = t == 0 ? 1 : map->blocks(t - 1).size();
      for (int64_t p = 0; p < parents; ++p) {
        const Block parent = t == 0 ? Block{0, 0, int32_t(rows), int32_t(cols)}
                                    : map->blocks(t - 1)[p];
        const bool byRow = tier.balance == Balance::Row;
        const int64_t down = naive::up(parent.height, tier.rows);
        const int64_t across = naive::up(parent.width, tier.cols);
        std::vector<int64_t> counts(byRow ? down : across);
        const auto [first, last] = map->children(t, p);
        for (int64_t i = first; i < last; ++i) {
          const Block &block = map->blocks(t)[i];
          ++counts[byRow ? (block.row - parent.row) / tier.rows
                         : (block.col - parent.col) / tier.cols];
        }
        for (const int64_t count : counts)
          ASSERT_EQ(count, naive::kept(byRow ? across : down, tier));
      }
    }
  }
}

TEST(Select, SeedsAreFrozen) {
  // These blocks must never change: a seed in a script means them.
  const Pattern pattern = *parseTiers("8x8:1/4,2x2:1/2", Balance::Row);
  EXPECT_EQ(selectRandom(pattern, 16, 32, 7)->indexImage(),
            (std::vector<uint8_t>{0x9b, 0x94, 0x9d, 0xcd, 0x04}));
  EXPECT_NE(selectRandom(pattern, 16, 32, 8)->indexImage(),
            selectRandom(pattern, 16, 32, 7)->indexImage());
}

TEST(Select, RandomBlocksAreUniform) {
  // Each of 5 blocks is kept in 2 of 5 draws.
  const Pattern pattern = *parseTiers("1x1:2/5", Balance::Row);
  int counts[5] = {};
  const int draws = 5000;
  for (int seed = 0; seed < draws; ++seed) {
    const auto map = selectRandom(pattern, 1, 5, seed);
    for (const Block &block : map->blocks(0))
      ++counts[block.col];
  }
  for (const int count : counts)
    EXPECT_NEAR(count, draws * 2 / 5, 150);
}

TEST(Select, GuidedKeepsTheLargestMeans) {
  std::mt19937_64 random(22);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 60; ++round) {
    Pattern pattern = naive::randomPattern(random);
    pattern.tiers.resize(1);
    const Tier &tier = pattern.tiers[0];
    const int64_t rows = 1 + random() % 40, cols = 1 + random() % 40;
    std::vector<float> weights(static_cast<size_t>(2 * rows * cols));
    for (float &w : weights)
      w = normal(random);
    const MatrixView view{weights.data(), 2, rows, cols};
    const auto map = selectGuided(pattern, view);
    ASSERT_TRUE(map);
    const auto mean = [&](int64_t r0, int64_t c0) {
      double sum = 0.0;
      int count = 0;
      for (int g = 0; g < 2; ++g)
        for (int64_t r = r0; r < std::min<int64_t>(r0 + tier.rows, rows); ++r)
          for (int64_t c = c0; c < std::min<int64_t>(c0 + tier.cols, cols);
               ++c, ++count)
            sum += std::fabs(double(view.row(g, r)[c]));
      return sum / count;
    };
    // No dropped block of a line is larger than a kept one.
    const bool byRow = tier.balance == Balance::Row;
    const int64_t lines =
        byRow ? naive::up(rows, tier.rows) : naive::up(cols, tier.cols);
    const int64_t across =
        byRow ? naive::up(cols, tier.cols) : naive::up(rows, tier.rows);
    for (int64_t l = 0; l < lines; ++l) {
      double leastKept = 1e30, mostDropped = -1.0;
      for (int64_t i = 0; i < across; ++i) {
        const int64_t r = (byRow ? l : i) * tier.rows;
        const int64_t c = (byRow ? i : l) * tier.cols;
        if (map->isKept(r, c))
          leastKept = std::min(leastKept, mean(r, c));
        else
          mostDropped = std::max(mostDropped, mean(r, c));
      }
      ASSERT_GE(leastKept, mostDropped - 1e-12);
    }
  }
}

TEST(Select, GuidedTakesEqualBlocksByIndexAndRaggedOnesByMean) {
  const std::vector<float> ones(4 * 12, 1.0f);
  const auto map = selectGuided(*parseTiers("2x4:1/3", Balance::Row),
                                {ones.data(), 1, 4, 12});
  ASSERT_TRUE(map);
  for (const Block &block : map->blocks(0))
    EXPECT_EQ(block.col, 0);
  // 2 x 5: the last block is one column wide, with the larger mean.
  std::vector<float> ragged = {1, 1, 1, 1, 2, 1, 1, 1, 1, 2};
  const auto chosen = selectGuided(*parseTiers("2x4:1/2", Balance::Row),
                                   {ragged.data(), 1, 2, 5});
  EXPECT_TRUE(chosen->isKept(0, 4));
  EXPECT_FALSE(chosen->isKept(0, 0));
}

} // namespace

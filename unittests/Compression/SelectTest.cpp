// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Select.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <set>

using namespace hcgs::compression;

namespace {

TEST(Select, LinesKeepTheirCount_WI_P_3) {
  std::mt19937_64 random(21);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 300; ++round) {
    const int64_t rows = 1 + random() % 60, cols = 1 + random() % 60;
    const Pattern pattern = naive::randomPattern(random, rows, cols);
    std::vector<float> weights(static_cast<size_t>(rows * cols));
    for (float &w : weights)
      w = normal(random);
    const Selection how = static_cast<Selection>(round % 3);
    const auto maps = selectBlocks(pattern, {weights.data(), 1, rows, cols},
                                   {how, uint64_t(round), false});
    ASSERT_TRUE(maps) << maps.message();
    const BlockMap &map = *maps->front();
    for (int t = 0; t < int(pattern.tiers.size()); ++t) {
      const Tier &tier = pattern.tiers[t];
      for (int64_t p = 0; p < map.parentCount(t); ++p) {
        const Block parent = map.parent(t, p);
        const int64_t down = naive::up(parent.height, tier.rows);
        const int64_t across = naive::up(parent.width, tier.cols);
        std::vector<int64_t> inRows(down), inCols(across);
        const auto [first, last] = map.children(t, p);
        for (int64_t i = first; i < last; ++i) {
          const Block &block = map.blocks(t)[i];
          ++inRows[(block.row - parent.row) / tier.rows];
          ++inCols[(block.col - parent.col) / tier.cols];
        }
        const bool both = tier.balance == Balance::Both;
        if (both || tier.balance == Balance::Row) {
          for (const int64_t count : inRows)
            ASSERT_EQ(count, naive::kept(across, tier));
        }
        if (both || tier.balance == Balance::Column) {
          for (const int64_t count : inCols)
            ASSERT_EQ(count, naive::kept(down, tier));
        }
        if (tier.balance == Balance::None) {
          ASSERT_EQ(last - first, naive::kept(down * across, tier));
        }
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
  EXPECT_EQ(
      selectRandom(*parseTiers("4x4:1/2:both,2x2:1/2:none", Balance::Row), 16,
                   16, 7)
          ->indexImage(),
      (std::vector<uint8_t>{0xe4, 0x8d, 0x4a, 0xda, 0x26, 0x6d, 0xda, 0xa6}));
  // Gate 0 of separate masks is what a shared mask would be.
  const MatrixView shape{nullptr, 3, 16, 32};
  const auto masks = selectBlocks(pattern, shape, {Selection::Random, 7, true});
  ASSERT_EQ(masks->size(), 3u);
  EXPECT_EQ(*(*masks)[0], *selectRandom(pattern, 16, 32, 7));
  EXPECT_NE((*masks)[0]->indexImage(), (*masks)[1]->indexImage());
  EXPECT_NE((*masks)[1]->indexImage(), (*masks)[2]->indexImage());
}

TEST(Select, SeedsOfMatricesAreFrozen) {
  // FNV-1a, computed by another program.
  EXPECT_EQ(seedOf(0, "lstm.W"), 0x65d22b82bff24468u);
  EXPECT_EQ(seedOf(7, "lstm.R"), 0x4c64ab6d5cd52298u);
  EXPECT_EQ(seedOf(7, "lstm.R", 1), 0xec0edaa4da50afb9u);
  // Neighbouring seeds and matrices have nothing in common.
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 100; ++seed)
    for (const char *name : {"a.W", "a.R", "b.W", "b.R"})
      for (uint64_t namesake : {0, 1, 2})
        EXPECT_TRUE(seen.insert(seedOf(seed, name, namesake)).second);
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

/// The largest sum of `scores` over all choices with `perRow` in every row and
/// `perCol` in every column, by trying all.
int64_t bestOfAll(const std::vector<int> &scores, int rows, int cols,
                  int perRow, int perCol) {
  int64_t best = -1;
  std::vector<int> inCols(cols);
  std::function<void(int, int64_t)> place = [&](int row, int64_t sum) {
    if (row == rows) {
      best = std::max(best, sum);
      return;
    }
    for (unsigned chosen = 0; chosen < 1u << cols; ++chosen) {
      if (std::popcount(chosen) != perRow)
        continue;
      int64_t next = sum;
      bool fits = true;
      for (int j = 0; j < cols; ++j)
        if (chosen >> j & 1) {
          next += scores[row * cols + j];
          fits &= ++inCols[j] <= perCol;
        }
      if (fits)
        place(row + 1, next);
      for (int j = 0; j < cols; ++j)
        inCols[j] -= chosen >> j & 1;
    }
  };
  place(0, 0);
  return best;
}

TEST(Select, BothKeepsTheLargestSumOfAllChoices) {
  std::mt19937_64 random(23);
  int choices = 0;
  for (int round = 0; round < 400; ++round) {
    const int rows = 1 + static_cast<int>(random() % 5);
    const int cols = 1 + static_cast<int>(random() % 5);
    const int den = 1 + static_cast<int>(random() % 4);
    const int num = 1 + static_cast<int>(random() % den);
    const Pattern pattern{{{1, 1, num, den, Balance::Both}}};
    if (!naive::legal(pattern, rows, cols))
      continue;
    ++choices;
    // Few different values, so that ties and swaps abound.
    std::vector<int> scores;
    std::vector<float> weights;
    for (int i = 0; i < rows * cols; ++i) {
      scores.push_back(static_cast<int>(random() % (round % 2 ? 5 : 1000)));
      weights.push_back(
          static_cast<float>(random() % 2 ? scores.back() : -scores.back()));
    }
    const MatrixView view{weights.data(), 1, rows, cols};
    const Tier &tier = pattern.tiers[0];
    const int64_t best =
        bestOfAll(scores, rows, cols, static_cast<int>(naive::kept(cols, tier)),
                  static_cast<int>(naive::kept(rows, tier)));
    for (const bool guided : {false, true}) {
      const auto map = guided ? selectGuided(pattern, view)
                              : selectByMagnitude(pattern, view);
      ASSERT_TRUE(map) << map.message();
      int64_t sum = 0;
      for (int r = 0; r < rows; ++r)
        for (int c = 0; c < cols; ++c)
          sum += map->isKept(r, c) ? scores[r * cols + c] : 0;
      ASSERT_EQ(sum, best) << rows << " x " << cols << ", " << tier.str();
    }
  }
  EXPECT_GT(choices, 150);
}

/// Whether no exchange of kept and dropped cells that leaves all rows and
/// columns their counts raises the sum: whether the residual network has no
/// cycle of negative cost (Bellman and Ford).
bool isOptimal(const BlockMap &map, const std::vector<int> &scores) {
  const int64_t rows = map.rows(), cols = map.cols();
  std::vector<int64_t> distance(static_cast<size_t>(rows + cols), 0);
  for (int64_t pass = 0; pass <= rows + cols; ++pass) {
    bool changed = false;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) {
        const bool kept = map.isKept(r, c);
        const int64_t from = kept ? rows + c : r, to = kept ? r : rows + c;
        const int64_t cost = (kept ? 1 : -1) * scores[r * cols + c];
        if (distance[from] + cost < distance[to]) {
          distance[to] = distance[from] + cost;
          changed = true;
        }
      }
    if (!changed)
      return true;
  }
  return false;
}

TEST(Select, BothIsOptimalForManyBlocks) {
  std::mt19937_64 random(26);
  for (int round = 0; round < 120; ++round) {
    const int64_t rows = 4 * (1 + random() % 9), cols = 4 * (1 + random() % 9);
    const int quarters = 1 + static_cast<int>(random() % 3);
    std::vector<int> scores;
    std::vector<float> weights;
    for (int64_t i = 0; i < rows * cols; ++i) {
      scores.push_back(static_cast<int>(random() % (round % 2 ? 8 : 100000)));
      weights.push_back(static_cast<float>(scores.back()));
    }
    const auto map = selectGuided({{{1, 1, quarters, 4, Balance::Both}}},
                                  {weights.data(), 1, rows, cols});
    ASSERT_TRUE(map) << map.message();
    ASSERT_TRUE(isOptimal(*map, scores)) << rows << " x " << cols;
  }
}

TEST(Select, EveryChoiceOfBothCanComeOut) {
  // 4 x 4 with two in every row and column: 90 matrices.
  const Pattern pattern = *parseTiers("1x1:1/2", Balance::Both);
  std::map<std::vector<uint8_t>, int> seen;
  for (int seed = 0; seed < 4000; ++seed)
    ++seen[selectRandom(pattern, 4, 4, seed)->indexImage()];
  EXPECT_EQ(seen.size(), 90u);
  for (const auto &[image, count] : seen)
    EXPECT_GT(count, 10);
}

/// The largest sum of |w| that any mask of the tiers from `t` on keeps in a
/// block, by trying all.
double bestKept(const Pattern &pattern, size_t t, const MatrixView &weights,
                naive::Rect block) {
  if (t == pattern.tiers.size()) {
    double sum = 0.0;
    for (int64_t g = 0; g < weights.gates; ++g)
      for (int64_t r = 0; r < block.height; ++r)
        for (int64_t c = 0; c < block.width; ++c)
          sum += std::fabs(weights.row(g, block.row + r)[block.col + c]);
    return sum;
  }
  const Tier &tier = pattern.tiers[t];
  const int64_t down = naive::up(block.height, tier.rows);
  const int64_t across = naive::up(block.width, tier.cols);
  std::vector<double> values;
  for (int64_t i = 0; i < down; ++i)
    for (int64_t j = 0; j < across; ++j)
      values.push_back(bestKept(
          pattern, t + 1, weights,
          {block.row + i * tier.rows, block.col + j * tier.cols,
           std::min<int64_t>(tier.rows, block.height - i * tier.rows),
           std::min<int64_t>(tier.cols, block.width - j * tier.cols)}));
  double best = 0.0;
  for (unsigned chosen = 0; chosen < 1u << values.size(); ++chosen) {
    std::vector<int64_t> inRows(down), inCols(across);
    double sum = 0.0;
    for (size_t i = 0; i < values.size(); ++i)
      if (chosen >> i & 1) {
        ++inRows[i / across];
        ++inCols[i % across];
        sum += values[i];
      }
    const auto all = [](const std::vector<int64_t> &counts, int64_t wanted) {
      return std::all_of(counts.begin(), counts.end(),
                         [&](int64_t count) { return count == wanted; });
    };
    const bool rowsFit = all(inRows, naive::kept(across, tier));
    const bool colsFit = all(inCols, naive::kept(down, tier));
    const bool fits =
        tier.balance == Balance::Row      ? rowsFit
        : tier.balance == Balance::Column ? colsFit
        : tier.balance == Balance::Both
            ? rowsFit && colsFit
            : std::popcount(chosen) == naive::kept(down * across, tier);
    if (fits)
      best = std::max(best, sum);
  }
  return best;
}

TEST(Select, MagnitudeKeepsTheLargestSumOfAllMasks) {
  std::mt19937_64 random(24);
  std::normal_distribution<float> normal;
  int better = 0;
  for (int round = 0; round < 200; ++round) {
    // At most 3 x 3 blocks in each parent.
    const int64_t rows = 4 + random() % 9, cols = 4 + random() % 9;
    Pattern pattern;
    int64_t height = rows, width = cols;
    for (int t = 0; t < 3; ++t) {
      const int tierRows = static_cast<int>((height + 2) / (1 + random() % 3));
      const int tierCols = static_cast<int>((width + 2) / (1 + random() % 3));
      height = std::min<int64_t>(height, std::max(1, tierRows));
      width = std::min<int64_t>(width, std::max(1, tierCols));
      pattern.tiers.push_back({static_cast<int>(height),
                               static_cast<int>(width), 1, 2,
                               static_cast<Balance>(random() % 4)});
      if (!naive::legal(pattern, rows, cols))
        pattern.tiers.back().balance = Balance::Row;
    }
    std::vector<float> weights(static_cast<size_t>(2 * rows * cols));
    for (float &w : weights)
      w = normal(random);
    const MatrixView view{weights.data(), 2, rows, cols};
    const auto sumOf = [&](const hcgs::Result<BlockMap> &map) {
      double sum = 0.0;
      for (int64_t g = 0; g < 2; ++g)
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < cols; ++c)
            sum += map->isKept(r, c) ? std::fabs(view.row(g, r)[c]) : 0.0;
      return sum;
    };
    const auto map = selectByMagnitude(pattern, view);
    ASSERT_TRUE(map) << map.message();
    ASSERT_EQ(*selectBlocks(pattern, view, {Selection::Magnitude})->front(),
              *map);
    const double best = bestKept(pattern, 0, view, {0, 0, rows, cols});
    ASSERT_NEAR(sumOf(map), best, 1e-5 * best) << pattern.str();
    const double guided = sumOf(selectGuided(pattern, view));
    ASSERT_LE(guided, best * (1.0 + 1e-5));
    better += guided < best * (1.0 - 1e-5);
  }
  EXPECT_GT(better, 20); // the two are not the same
}

TEST(Select, SeparateMasksLookAtTheirOwnGate) {
  // Gate 0 is large on the left, gate 1 on the right; together the left wins.
  std::vector<float> weights(2 * 2 * 4, 0.1f);
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 2; ++c) {
      weights[r * 4 + c] = 5.0f;
      weights[8 + r * 4 + 2 + c] = -4.0f;
    }
  const MatrixView view{weights.data(), 2, 2, 4};
  const Pattern pattern = *parseTiers("2x2:1/2", Balance::Row);
  for (const Selection how : {Selection::Magnitude, Selection::Guided}) {
    const auto shared = selectBlocks(pattern, view, {how, 0, false});
    ASSERT_EQ(shared->size(), 1u);
    EXPECT_TRUE(shared->front()->isKept(0, 0));
    const auto separate = selectBlocks(pattern, view, {how, 0, true});
    ASSERT_EQ(separate->size(), 2u);
    EXPECT_TRUE((*separate)[0]->isKept(0, 0));
    EXPECT_TRUE((*separate)[1]->isKept(0, 2));
    EXPECT_FALSE((*separate)[1]->isKept(0, 0));
    weights[9] = INFINITY;
    EXPECT_FALSE(selectBlocks(pattern, view, {how, 0, false}));
    EXPECT_EQ(selectBlocks(pattern, view, {how, 0, true}).message(),
              "weight at gate 1, row 0, column 1 is NaN or infinite; only "
              "finite weights can be compared");
    weights[9] = 0.1f;
  }
}

TEST(Select, BothOf64x64BlocksIsQuick) {
  // 64 x 64 blocks at 1/4: 1024 units. Against an upper bound that needs no
  // flow: each row's own best.
  const Pattern pattern = *parseTiers("8x8:1/4", Balance::Both);
  std::mt19937_64 random(25);
  std::normal_distribution<float> normal;
  std::vector<float> weights(512 * 512);
  for (float &w : weights)
    w = normal(random);
  const MatrixView view{weights.data(), 1, 512, 512};
  const auto both = selectGuided(pattern, view);
  ASSERT_TRUE(both);
  const auto sumOf = [&](const BlockMap &map) {
    double sum = 0.0;
    for (int64_t r = 0; r < 512; ++r)
      for (int64_t c = 0; c < 512; ++c)
        sum += map.isKept(r, c) ? std::fabs(weights[r * 512 + c]) : 0.0;
    return sum;
  };
  Pattern rows = pattern;
  rows.tiers[0].balance = Balance::Row;
  const double bound = sumOf(*selectGuided(rows, view));
  EXPECT_LT(sumOf(*both), bound);
  EXPECT_GT(sumOf(*both), 0.99 * bound);
}

} // namespace

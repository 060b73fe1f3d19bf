// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Detect.h"
#include "hcgs/Compression/Select.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"

using namespace hcgs::compression;

namespace {

struct Weights {
  int64_t gates, rows, cols;
  std::vector<float> data;
  MatrixView view() const { return {data.data(), gates, rows, cols}; }
  float &at(int64_t g, int64_t r, int64_t c) {
    return data[(g * rows + r) * cols + c];
  }
};

Weights randomWeights(int64_t gates, int64_t rows, int64_t cols,
                      uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Weights weights{gates, rows, cols, {}};
  weights.data.resize(static_cast<size_t>(gates * rows * cols));
  for (float &w : weights.data)
    do
      w = normal(random);
    while (w == 0.0f);
  return weights;
}

/// Weights that obey a random map of the pattern.
Weights sparseWeights(const Pattern &pattern, int64_t rows, int64_t cols,
                      uint64_t seed, BlockMap *map = nullptr) {
  Weights weights = randomWeights(4, rows, cols, seed);
  auto chosen = selectRandom(pattern, rows, cols, seed);
  EXPECT_TRUE(chosen);
  zeroDropped(weights.data, 4, *chosen);
  if (map)
    *map = *chosen;
  return weights;
}

TEST(Detect, FindsWhatWasPlanted) {
  for (const char *tiers :
       {"32x32:1/4,4x4:1/4", "32x32:1/4,4x4:1/2", "32x32:1/4,4x4:3/8",
        "64x64:1/4,4x4:1/4", "16x16:1/2,4x4:1/4", "64x64:1/2,8x8:1/4",
        "4x4:1/4", "8x8:1/2", "32x32:1/4"})
    for (const Balance balance : {Balance::Row, Balance::Column})
      for (const auto &[rows, cols] :
           {std::pair{256, 256}, {256, 440}, {200, 300}}) {
        const Pattern planted = *parseTiers(tiers, balance);
        BlockMap map = *selectRandom(planted, rows, cols, 1);
        const Weights weights = sparseWeights(planted, rows, cols, 3, &map);
        const auto found = detect(weights.view());
        ASSERT_TRUE(found);
        ASSERT_EQ(found->kind, Detection::Kind::Sparse)
            << planted.str() << " " << rows << " x " << cols << ": "
            << found->message();
        EXPECT_EQ(found->map->keptWeights(), map.keptWeights())
            << planted.str() << " found " << found->pattern.str();
        EXPECT_EQ(countStrayWeights(weights.view(), *found->map), 0);
        EXPECT_EQ(found->pattern, planted)
            << rows << " x " << cols << " found " << found->pattern.str();
        EXPECT_EQ(found->emptyKeptBlocks, 0);
      }
}

TEST(Detect, FindsAnyPatternWhoseSizesAreGiven) {
  std::mt19937_64 random(31);
  int sparse = 0;
  for (int round = 0; round < 200; ++round) {
    Pattern planted = naive::randomPattern(random);
    const Balance balance = random() % 2 ? Balance::Row : Balance::Column;
    for (Tier &tier : planted.tiers)
      tier.balance = balance;
    const int64_t rows = 1 + random() % 60, cols = 1 + random() % 60;
    const Weights weights = sparseWeights(planted, rows, cols, round);
    DetectOptions options;
    options.tiers = planted.tiers;
    options.balance = balance;
    if (round % 2)
      for (Tier &tier : options.tiers)
        tier.keepNum = 0;
    const auto found = detect(weights.view(), options);
    ASSERT_TRUE(found);
    ASSERT_NE(found->kind, Detection::Kind::Broken)
        << planted.str() << " " << found->message();
    if (found->kind == Detection::Kind::Dense)
      continue; // hardly any zeros
    ++sparse;
    ASSERT_EQ(countStrayWeights(weights.view(), *found->map), 0);
    if (round % 2 == 0) {
      ASSERT_EQ(found->pattern, planted);
    }
    ASSERT_EQ(found->map->keptWeights(),
              selectRandom(planted, rows, cols, round)->keptWeights())
        << planted.str() << " found " << found->pattern.str();
  }
  EXPECT_GT(sparse, 120);
}

TEST(Detect, DenseAndUnstructuredWeightsAreDense) {
  EXPECT_EQ(detect(randomWeights(4, 128, 128, 1).view())->kind,
            Detection::Kind::Dense);
  // Zeros at random places are no block pattern.
  std::mt19937_64 random(32);
  for (const int percent : {10, 50, 90}) {
    Weights weights = randomWeights(4, 128, 128, 2);
    for (int64_t i = 0; i < 128 * 128; ++i)
      if (int(random() % 100) < percent)
        for (int g = 0; g < 4; ++g)
          weights.data[g * 128 * 128 + i] = 0.0f;
    const auto found = detect(weights.view());
    EXPECT_EQ(found->kind, Detection::Kind::Dense)
        << percent << " " << found->message();
    EXPECT_NEAR(double(found->emptyPositions) / 16384, percent / 100.0, 0.02);
  }
  // Zeros in some gates only are not empty positions.
  Weights weights =
      sparseWeights(*parseTiers("4x4:1/4", Balance::Row), 64, 64, 3);
  for (int64_t i = 0; i < 64 * 64; ++i)
    weights.data[2 * 64 * 64 + i] = 1.0f;
  DetectOptions shared;
  shared.separate = false;
  EXPECT_EQ(detect(weights.view(), shared)->kind, Detection::Kind::Dense);
  // But they are the blocks of masks of their own.
  const auto found = detect(weights.view());
  ASSERT_EQ(found->kind, Detection::Kind::Sparse);
  EXPECT_TRUE(found->separate);
  EXPECT_EQ(found->masks.size(), 4u);
  EXPECT_EQ(found->masks[0]->keptWeights(), 1024);
  EXPECT_EQ(found->masks[2]->keptWeights(), 4096);
  // Nothing but zeros has no pattern.
  const Weights zero{1, 8, 8, std::vector<float>(64)};
  EXPECT_EQ(detect(zero.view())->kind, Detection::Kind::Dense);
}

TEST(Detect, KeptBlocksMayHoldZeros) {
  const Pattern planted = *parseTiers("32x32:1/4,4x4:1/4", Balance::Row);
  BlockMap map = *selectRandom(planted, 256, 256, 1);
  Weights weights = sparseWeights(planted, 256, 256, 5, &map);
  // One whole kept block, and single weights of others.
  const Block gone = map.blocks(1)[17];
  for (int g = 0; g < 4; ++g)
    for (int r = 0; r < gone.height; ++r)
      for (int c = 0; c < gone.width; ++c)
        weights.at(g, gone.row + r, gone.col + c) = 0.0f;
  for (int i = 0; i < 100; ++i) {
    const Block &block = map.blocks(1)[20 + i];
    for (int g = 0; g < 4; ++g)
      weights.at(g, block.row + i % 4, block.col) = -0.0f;
  }
  const auto found = detect(weights.view());
  ASSERT_EQ(found->kind, Detection::Kind::Sparse) << found->message();
  EXPECT_EQ(found->pattern, planted);
  EXPECT_EQ(found->emptyKeptBlocks, 1);
  EXPECT_EQ(countStrayWeights(weights.view(), *found->map), 0);
}

TEST(Detect, NamesTheBlocksThatBreakThePattern) {
  const Pattern planted = *parseTiers("32x32:1/4,4x4:1/4", Balance::Row);
  for (const bool given : {false, true}) {
    BlockMap map = *selectRandom(planted, 256, 256, 1);
    Weights weights = sparseWeights(planted, 256, 256, 6, &map);
    DetectOptions options;
    if (given)
      options.tiers = planted.tiers;
    // Three weights in a dropped tier-1 block ...
    int64_t c = 0;
    while (map.isKept(40, c) ||
           std::any_of(map.blocks(0).begin(), map.blocks(0).end(),
                       [&](const Block &b) {
                         return b.row == 32 && b.col == c / 32 * 32;
                       }))
      c += 32;
    weights.at(0, 40, c) = 1.0f;
    weights.at(1, 40, c) = 1.0f;
    weights.at(3, 63, c + 31) = 1.0f;
    // ... and one in a dropped tier-2 block of a kept one.
    const Block &parent = map.blocks(0)[0];
    int64_t inner = parent.col;
    while (map.isKept(parent.row, inner))
      inner += 4;
    weights.at(2, parent.row, inner) = 1.0f;

    const auto found = detect(weights.view(), options);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->kind, Detection::Kind::Broken) << given;
    EXPECT_EQ(found->pattern, planted);
    ASSERT_EQ(found->strays.size(), 2u);
    EXPECT_EQ(found->strays[0].tier, 0);
    EXPECT_EQ(found->strays[0].block,
              (Block{32, int32_t(c / 32 * 32), 32, 32}));
    EXPECT_EQ(found->strays[0].weights, 3);
    EXPECT_EQ(found->strays[1].tier, 1);
    EXPECT_EQ(found->strays[1].block,
              (Block{parent.row, int32_t(inner), 4, 4}));
    EXPECT_EQ(found->strays[1].weights, 1);
    EXPECT_NE(found->message().find("2 blocks too many, with 4 nonzero"),
              std::string::npos)
        << found->message();
  }
}

TEST(Detect, TheStatedBalanceIsChecked) {
  const Pattern planted = *parseTiers("8x8:1/4", Balance::Row);
  const Weights weights = sparseWeights(planted, 64, 96, 7);
  DetectOptions options;
  options.tiers = planted.tiers;
  options.balance = Balance::Column;
  EXPECT_EQ(detect(weights.view(), options)->kind, Detection::Kind::Broken);
  options.keepBalance = true;
  EXPECT_EQ(detect(weights.view(), options)->kind, Detection::Kind::Sparse);
  options.keepBalance = false;
  options.balance.reset();
  const auto found = detect(weights.view(), options);
  ASSERT_EQ(found->kind, Detection::Kind::Sparse);
  EXPECT_EQ(found->pattern, planted);
  options.tiers[0].rows = 0;
  EXPECT_FALSE(detect(weights.view(), options));
}

} // namespace

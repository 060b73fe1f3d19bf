// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Detection without hints: every kind of pattern, and weights made to mislead.

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Detect.h"
#include "hcgs/Compression/Select.h"

#include "gtest/gtest.h"

#include <random>

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

/// Weights of which the share `zeros` is zero by chance.
Weights randomWeights(int64_t gates, int64_t rows, int64_t cols, uint64_t seed,
                      double zeros = 0.0) {
  std::mt19937_64 random(seed);
  Weights weights{gates, rows, cols, {}};
  weights.data.resize(static_cast<size_t>(gates * rows * cols));
  for (float &w : weights.data) {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;
    w = u < zeros ? 0.0f : static_cast<float>(u + 0.125);
    if (random() & 1)
      w = -w;
  }
  return weights;
}

Pattern parse(const char *tiers, Balance balance = Balance::Row) {
  auto pattern = parseTiers(tiers, balance);
  EXPECT_TRUE(pattern) << pattern.message();
  return *pattern;
}

/// Drops the blocks that a random choice does not keep; gives the choice.
BlockMaps plant(Weights &weights, const Pattern &pattern, uint64_t seed,
                bool separate = false) {
  SelectOptions options;
  options.how = Selection::Random;
  options.seed = seed;
  options.separate = separate;
  auto masks = selectBlocks(pattern, weights.view(), options);
  EXPECT_TRUE(masks) << masks.message();
  zeroDropped(weights.data, weights.gates, *masks);
  return *std::move(masks);
}

void zeroBlock(Weights &weights, const Block &block) {
  for (int64_t g = 0; g < weights.gates; ++g)
    for (int64_t r = 0; r < block.height; ++r)
      for (int64_t c = 0; c < block.width; ++c)
        weights.at(g, block.row + r, block.col + c) = 0.0f;
}

/// The pattern must be found, and keep exactly what was planted.
void expectFound(const Weights &weights, const Pattern &pattern,
                 const BlockMaps &masks) {
  const auto found = detect(weights.view());
  ASSERT_TRUE(found);
  ASSERT_EQ(found->kind, Detection::Kind::Sparse)
      << pattern.str() << ": " << found->message();
  EXPECT_EQ(found->pattern, pattern) << "found " << found->text();
  ASSERT_EQ(found->masks.size(), masks.size()) << pattern.str();
  for (size_t m = 0; m < masks.size(); ++m)
    EXPECT_EQ(found->masks[m]->keptWeights(), masks[m]->keptWeights())
        << pattern.str() << ", found " << found->text();
  EXPECT_EQ(countStrayWeights(weights.view(), found->masks), 0);
  EXPECT_GT(found->confidenceBits(), 0.0) << pattern.str();
  EXPECT_LT(found->bits, found->denseBits);
  EXPECT_NE(found->runnerUp.text, found->text());
}

void expectFound(const char *tiers, Balance balance, int64_t gates,
                 int64_t rows, int64_t cols, uint64_t seed,
                 bool separate = false, double zeros = 0.0) {
  const Pattern pattern = parse(tiers, balance);
  Weights weights = randomWeights(gates, rows, cols, seed, zeros);
  const BlockMaps masks = plant(weights, pattern, seed, separate);
  expectFound(weights, pattern, masks);
}

TEST(DetectPatterns, Published) {
  uint64_t seed = 100;
  for (const char *tiers :
       {"32x32:1/4,4x4:1/4", "32x32:1/4,4x4:1/2", "32x32:1/4,4x4:3/8",
        "64x64:1/4,4x4:1/4", "128x128:1/4,4x4:1/4"})
    for (const Balance balance : {Balance::Row, Balance::Column})
      expectFound(tiers, balance, 4, 512, 440, ++seed);
}

TEST(DetectPatterns, AnySizesAndAnyNumberOfTiers) {
  uint64_t seed = 200;
  for (const char *tiers :
       {"8x4:1/4", "6x10:1/3", "1x16:1/4", "24x40:1/2,4x5:1/4",
        "48x16:1/4,6x2:1/2", "100x100:1/2,10x10:1/2",
        "64x64:1/2,16x16:1/2,4x4:1/2", "64x128:1/2,32x16:1/2,8x8:1/2,2x4:1/2"})
    expectFound(tiers, Balance::Row, 4, 300, 403, ++seed);
  expectFound("32x32:1/4,4x4:1/4", Balance::Row, 4, 509, 443, 1);
  expectFound("32x32:1/4,4x4:1/4", Balance::Column, 4, 509, 443, 2);
}

TEST(DetectPatterns, Balances) {
  expectFound("32x32:1/4,4x4:1/4", Balance::Both, 4, 256, 512, 301);
  expectFound("8x8:1/4", Balance::Both, 1, 256, 256, 302);
  expectFound("32x32:1/2:column,4x4:1/4:row", Balance::Row, 4, 512, 384, 303);
  expectFound("32x32:1/2:row,4x4:1/4:column", Balance::Row, 4, 512, 384, 304);
  expectFound("4x4:1/4", Balance::None, 4, 256, 256, 305);
}

TEST(DetectPatterns, FewLinesMayAgreeByChance) {
  // All four block-columns of tier 1 keep the same block-row. So would one line
  // of blocks as wide as the matrix, with fewer bits for the map.
  const Pattern pattern = parse("128x128:1/4,4x4:1/4", Balance::Column);
  std::mt19937_64 random(43);
  const auto map = BlockMap::build(
      pattern, 440, 440,
      [&](const BlockMap::Line &line,
          std::span<int32_t> kept) -> hcgs::Result<void> {
        if (line.tier == 0) {
          kept[0] = 1;
          return {};
        }
        int32_t next = 0;
        const auto blocks = static_cast<int32_t>(line.choices.size());
        const auto keep = static_cast<int32_t>(kept.size());
        for (int32_t i = 0; i < blocks && next < keep; ++i)
          if (static_cast<int32_t>(random() % (blocks - i)) < keep - next)
            kept[next++] = i;
        return {};
      });
  ASSERT_TRUE(map) << map.message();
  Weights weights = randomWeights(4, 440, 440, 44);
  zeroDropped(weights.data, 4, *map);
  expectFound(weights, pattern, {std::make_shared<const BlockMap>(*map)});
}

TEST(DetectPatterns, BlocksWithoutBalanceAreNotBroken) {
  // Every block is kept or not on its own: no count is exact anywhere.
  std::mt19937_64 random(41);
  for (const int keep : {20, 50}) {
    Weights weights = randomWeights(4, 256, 320, 42);
    int64_t kept = 0;
    for (int32_t r = 0; r < 256; r += 8)
      for (int32_t c = 0; c < 320; c += 4)
        if (static_cast<int>(random() % 100) < keep)
          kept += 32;
        else
          zeroBlock(weights, {r, c, 8, 4});
    const auto found = detect(weights.view());
    ASSERT_EQ(found->kind, Detection::Kind::Sparse) << found->message();
    ASSERT_EQ(found->pattern.tiers.size(), 1u) << found->text();
    EXPECT_EQ(found->pattern.tiers[0].rows, 8);
    EXPECT_EQ(found->pattern.tiers[0].cols, 4);
    EXPECT_EQ(found->pattern.tiers[0].balance, Balance::None);
    EXPECT_EQ(found->map->keptWeights(), kept);
    EXPECT_EQ(countStrayWeights(weights.view(), *found->map), 0);
  }
}

TEST(DetectPatterns, SeparateMasks) {
  expectFound("32x32:1/4,4x4:1/4", Balance::Row, 4, 256, 256, 401, true);
  expectFound("8x8:1/2", Balance::Column, 3, 200, 264, 402, true);
  expectFound("16x16:1/2,4x4:1/2", Balance::Row, 2, 256, 192, 403, true, 0.2);
}

TEST(DetectPatterns, GroupsOfMOfWhichNAreKept) {
  // 2 of 4 weights side by side, everywhere.
  std::mt19937_64 random(51);
  Weights weights = randomWeights(1, 64, 128, 52);
  for (int64_t r = 0; r < 64; ++r)
    for (int64_t c = 0; c < 128; c += 4) {
      const int64_t a = static_cast<int64_t>(random() % 4);
      const int64_t b = (a + 1 + static_cast<int64_t>(random() % 3)) % 4;
      weights.at(0, r, c + a) = 0.0f;
      weights.at(0, r, c + b) = 0.0f;
    }
  const auto found = detect(weights.view());
  ASSERT_EQ(found->kind, Detection::Kind::Sparse) << found->message();
  EXPECT_EQ(found->map->keptWeights(), 64 * 64);
  ASSERT_EQ(found->pattern.tiers.size(), 2u) << found->text();
  EXPECT_EQ(found->pattern.tiers[0].cols, 4);
  EXPECT_EQ(found->pattern.tiers[1].cols, 1);
}

TEST(DetectPatterns, WorkedExample) {
  // The numbers of docs/Rationale/Detection.md; they do not depend on which
  // blocks are kept.
  const Pattern pattern = parse("32x32:1/4,4x4:1/4");
  Weights weights = randomWeights(4, 512, 512, 1);
  const BlockMaps masks = plant(weights, pattern, 2);
  auto found = detect(weights.view());
  EXPECT_EQ(found->text(), "32x32:1/4,4x4:1/4 row");
  EXPECT_NEAR(found->denseBits, 88448.3, 0.1);
  EXPECT_NEAR(found->bits, 2666.6, 0.1);
  EXPECT_EQ(found->runnerUp.text, "32x32:1/4:none,4x4:1/4:row");
  EXPECT_NEAR(found->runnerUp.bits, 2703.9, 0.1);
  DetectOptions none;
  none.balance = Balance::None;
  none.tiers = {{4, 4, 0, 1, Balance::None}};
  EXPECT_NEAR(detect(weights.view(), none)->bits, 5542.8, 0.1);
  none.tiers.insert(none.tiers.begin(), {32, 32, 0, 1, Balance::None});
  EXPECT_NEAR(detect(weights.view(), none)->bits, 3359.5, 0.1);
  // Thirty strays, one in a block, in blocks that hold nothing else.
  int strays = 0;
  for (int64_t at = 0; strays < 30; ++at)
    if (const int64_t r = at * 36 % 512, c = at * 68 % 512;
        !masks[0]->isKept(r, c)) {
      weights.at(0, r, c) = 1.0f;
      ++strays;
    }
  found = detect(weights.view());
  EXPECT_EQ(found->kind, Detection::Kind::Broken);
  EXPECT_NEAR(found->bits, 3166.1, 0.1);
}

//===----------------------------------------------------------------------===//
// Zeros by chance
//===----------------------------------------------------------------------===//

TEST(DetectPatterns, KeptBlocksHoldZerosByChance) {
  for (const double zeros : {0.05, 0.3})
    for (const int64_t gates : {1, 4}) {
      expectFound("32x32:1/4,4x4:1/4", Balance::Row, gates, 512, 440, 501,
                  false, zeros);
      expectFound("64x64:1/4,4x4:1/2", Balance::Column, gates, 512, 512, 502,
                  false, zeros);
      expectFound("16x16:1/4", Balance::Row, gates, 256, 256, 503, false,
                  zeros);
    }
}

TEST(DetectPatterns, WholeKeptBlocksAreZeroByChance) {
  const Pattern pattern = parse("32x32:1/4,4x4:1/4");
  for (const uint64_t seed : {1, 2, 3}) {
    Weights weights = randomWeights(4, 512, 440, seed, 0.3);
    const BlockMaps masks = plant(weights, pattern, seed);
    // Two large ones, and 1 % of the small ones.
    std::vector<Block> gone = {masks[0]->blocks(0)[7], masks[0]->blocks(0)[40]};
    for (size_t i = 0; i < masks[0]->blocks(1).size(); i += 100)
      gone.push_back(masks[0]->blocks(1)[i]);
    for (const Block &block : gone)
      zeroBlock(weights, block);
    const auto found = detect(weights.view());
    ASSERT_EQ(found->kind, Detection::Kind::Sparse) << found->message();
    EXPECT_EQ(found->pattern, pattern) << found->text();
    EXPECT_EQ(found->map->keptWeights(), masks[0]->keptWeights());
    EXPECT_GT(found->emptyKeptBlocks, 20);
    EXPECT_EQ(countStrayWeights(weights.view(), *found->map), 0);
  }
}

TEST(DetectPatterns, UnstructuredPruningIsDense) {
  std::mt19937_64 random(61);
  const auto uniform = [&] {
    return static_cast<double>(random() >> 11) * 0x1p-53;
  };
  constexpr int64_t rows = 256, cols = 320;
  for (const double spread : {0.6, 1.5})
    for (const bool shared : {false, true})
      for (const double density : {0.02, 0.5}) {
        // Rows and columns differ in density, as after pruning by magnitude.
        Weights weights = randomWeights(4, rows, cols, 62);
        std::vector<double> byRow(rows), byCol(cols);
        for (double &factor : byRow)
          factor = std::exp(spread * (uniform() + uniform() - 1.0));
        for (double &factor : byCol)
          factor = std::exp(spread * (uniform() + uniform() - 1.0));
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < cols; ++c) {
            const double keep = density * byRow[r] * byCol[c];
            const bool all = uniform() < keep;
            for (int64_t g = 0; g < 4; ++g)
              if (!(shared ? all : uniform() < keep))
                weights.at(g, r, c) = 0.0f;
          }
        const auto found = detect(weights.view());
        EXPECT_EQ(found->kind, Detection::Kind::Dense)
            << density << " " << shared << " " << found->message() << ", "
            << found->bits << " of " << found->denseBits << " bits";
        EXPECT_EQ(found->bits, found->denseBits);
      }
}

TEST(DetectPatterns, TinyMatricesAreNeverMisread) {
  std::mt19937_64 random(71);
  int sparse = 0;
  for (int round = 0; round < 300; ++round) {
    const int64_t rows = 1 + static_cast<int64_t>(random() % 9);
    const int64_t cols = 1 + static_cast<int64_t>(random() % 9);
    const int64_t gates = round % 2 ? 4 : 1;
    const Weights weights =
        randomWeights(gates, rows, cols, random(), 0.1 * (round % 10));
    const auto found = detect(weights.view());
    ASSERT_TRUE(found);
    // Zeros at random, so few that any pattern is in them by chance.
    EXPECT_TRUE(found->kind == Detection::Kind::Dense)
        << rows << " x " << cols << " x " << gates << ": " << found->message();
    sparse += found->kind == Detection::Kind::Sparse;
  }
  EXPECT_EQ(sparse, 0);
}

//===----------------------------------------------------------------------===//
// Broken patterns
//===----------------------------------------------------------------------===//

TEST(DetectPatterns, StrayWeightsDoNotHideThePattern) {
  for (const bool separate : {false, true}) {
    const Pattern pattern = parse("32x32:1/4,4x4:1/4", Balance::Column);
    Weights weights = randomWeights(4, 512, 384, 81, 0.2);
    const BlockMaps masks = plant(weights, pattern, 82, separate);
    std::mt19937_64 random(83);
    double removed = 0.0;
    int64_t strays = 0;
    while (strays < 40) {
      const int64_t g = static_cast<int64_t>(random() % 4);
      const int64_t r = static_cast<int64_t>(random() % 512);
      const int64_t c = static_cast<int64_t>(random() % 384);
      if (masks[separate ? g : 0]->isKept(r, c) || weights.at(g, r, c) != 0.0f)
        continue;
      weights.at(g, r, c) = 0.25f;
      removed += 0.0625;
      ++strays;
    }
    const auto found = detect(weights.view());
    ASSERT_EQ(found->kind, Detection::Kind::Broken) << found->message();
    EXPECT_EQ(found->pattern, pattern) << found->text();
    EXPECT_EQ(found->separate, separate);
    int64_t named = 0;
    for (const StrayBlock &stray : found->strays) {
      named += stray.weights;
      EXPECT_EQ(stray.gate >= 0, separate);
    }
    EXPECT_EQ(named, strays);
    EXPECT_DOUBLE_EQ(found->strayEnergy.removed, removed);
    EXPECT_GT(found->strayEnergy.total, 1000.0);
    // Dropping them makes the weights obey.
    EXPECT_EQ(countStrayWeights(weights.view(), found->masks), strays);
    const EnergyLoss loss =
        zeroDropped(weights.data, weights.gates, found->masks);
    EXPECT_DOUBLE_EQ(loss.removed, removed);
    expectFound(weights, pattern, masks);
  }
}

TEST(DetectPatterns, AFewStrayWeightsDoNotCutBlocksIntoSlivers) {
  struct Case {
    const char *tiers;
    int64_t side, strays;
  };
  for (const Case &one : {Case{"8x8:1/2", 64, 1}, Case{"16x16:1/2", 64, 1},
                          Case{"8x8:1/4", 64, 1}, Case{"32x32:1/4", 512, 1},
                          Case{"16x16:1/4", 512, 3}, Case{"32x32:1/2", 512, 5},
                          Case{"32x32:1/4", 512, 3}})
    for (const uint64_t seed : {1, 2, 3}) {
      const Pattern pattern = parse(one.tiers, Balance::Row);
      Weights weights = randomWeights(4, one.side, one.side, seed);
      const BlockMaps masks = plant(weights, pattern, seed + 10);
      std::mt19937_64 random(seed + 20);
      for (int64_t strays = 0; strays < one.strays;) {
        const int64_t g = static_cast<int64_t>(random() % 4);
        const int64_t r = static_cast<int64_t>(random() % one.side);
        const int64_t c = static_cast<int64_t>(random() % one.side);
        if (masks[0]->isKept(r, c) || weights.at(g, r, c) != 0.0f)
          continue;
        weights.at(g, r, c) = 0.1f;
        ++strays;
      }
      const auto found = detect(weights.view());
      EXPECT_EQ(found->kind, Detection::Kind::Broken) << found->message();
      EXPECT_EQ(found->pattern, pattern)
          << one.tiers << " in " << one.side << ", seed " << seed << ": "
          << found->text();
    }
}

TEST(DetectPatterns, AWholeBlockTooManyBreaksThePattern) {
  for (const Balance balance : {Balance::Row, Balance::Column, Balance::Both}) {
    const Pattern pattern = parse("32x32:1/4,4x4:1/4", balance);
    Weights weights = randomWeights(4, 512, 512, 91);
    const BlockMaps masks = plant(weights, pattern, 92);
    const Block parent = masks[0]->blocks(0)[3];
    int32_t col = parent.col;
    while (masks[0]->isKept(parent.row + 8, col))
      col += 4;
    for (int64_t g = 0; g < 4; ++g)
      for (int64_t r = 0; r < 4; ++r)
        for (int64_t c = 0; c < 4; ++c)
          weights.at(g, parent.row + 8 + r, col + c) = 0.001f;
    const auto found = detect(weights.view());
    ASSERT_EQ(found->kind, Detection::Kind::Broken) << found->message();
    EXPECT_EQ(found->pattern, pattern) << found->text();
    ASSERT_EQ(found->strays.size(), 1u) << found->message();
    EXPECT_EQ(found->strays[0].tier, 1);
    EXPECT_EQ(found->strays[0].weights, 64);
  }
}

TEST(DetectPatterns, PatternsThatDoNotPayAreDense) {
  // One of 64 blocks is dropped per row: the index would take more bits than
  // the weights that go.
  Weights weights = randomWeights(1, 256, 64, 95);
  std::mt19937_64 random(96);
  for (int64_t r = 0; r < 256; ++r)
    for (int64_t i = 0; i < 8; ++i)
      weights.at(0, r, 8 * i + static_cast<int64_t>(random() % 8)) = 0.0f;
  const auto found = detect(weights.view());
  EXPECT_EQ(found->kind, Detection::Kind::Dense) << found->message();
  // It is there all the same, and said to be.
  EXPECT_LT(found->runnerUp.bits, found->denseBits);
  EXPECT_LT(found->confidenceBits(), 0.0);
}

//===----------------------------------------------------------------------===//
// Circulant blocks
//===----------------------------------------------------------------------===//

Weights circulantWeights(int64_t gates, int64_t rows, int64_t cols,
                         int64_t block, uint64_t seed, double zeros = 0.0) {
  Weights weights = randomWeights(gates, rows, cols, seed);
  const Weights elements = randomWeights(
      1, 1, circulantWords(gates, rows, cols, block), seed + 1, zeros);
  expandCirculant(elements.data, gates, rows, cols, block, weights.data);
  return weights;
}

TEST(DetectPatterns, Circulant) {
  for (const int64_t block : {2, 8, 10, 16, 128}) {
    const Weights weights = circulantWeights(4, 130, 200, block, 111, 0.3);
    const auto found = detect(weights.view());
    ASSERT_EQ(found->kind, Detection::Kind::Circulant) << found->message();
    EXPECT_EQ(found->circulantBlock, block);
    EXPECT_EQ(found->text(), "circulant " + std::to_string(block));
    EXPECT_GT(found->confidenceBits(), 100.0);
    EXPECT_LT(found->bits, found->denseBits);
    DetectOptions off;
    off.circulant = false;
    EXPECT_NE(detect(weights.view(), off)->kind, Detection::Kind::Circulant);
  }
  // One weight that differs, and it is not circulant.
  Weights weights = circulantWeights(4, 128, 128, 16, 112);
  weights.at(3, 100, 7) = 0.0625f;
  EXPECT_EQ(detect(weights.view())->kind, Detection::Kind::Dense);
  // All weights equal: no structure that says anything.
  std::fill(weights.data.begin(), weights.data.end(), 0.5f);
  EXPECT_EQ(detect(weights.view())->kind, Detection::Kind::Dense);
  // A block pattern of unequal weights is none.
  expectFound("16x16:1/4", Balance::Row, 4, 128, 128, 113);
}

TEST(DetectPatterns, CirculantOfTinyMatricesNeedsEvidence) {
  // 2 x 2 matrices of 2-bit weights are circulant one time in nine.
  std::mt19937_64 random(121);
  for (int round = 0; round < 100; ++round) {
    Weights weights{1, 2, 2, {0, 0, 0, 0}};
    for (float &w : weights.data)
      w = static_cast<float>(static_cast<int>(random() % 4) - 2) + 0.5f;
    EXPECT_EQ(detect(weights.view())->kind, Detection::Kind::Dense);
  }
}

//===----------------------------------------------------------------------===//
// Always
//===----------------------------------------------------------------------===//

TEST(DetectPatterns, NothingNonzeroIsLostAndTwiceIsTheSame) {
  std::mt19937_64 random(131);
  const char *tiers[] = {"8x8:1/2,2x2:1/2", "16x16:1/4,4x4:1/2", "5x7:1/3",
                         "4x4:1/4"};
  for (int round = 0; round < 40; ++round) {
    const Balance balance = round % 3 == 0   ? Balance::Row
                            : round % 3 == 1 ? Balance::Column
                                             : Balance::None;
    Weights weights = randomWeights(
        round % 5 == 0 ? 1 : 4, 20 + static_cast<int64_t>(random() % 100),
        20 + static_cast<int64_t>(random() % 100), random(), 0.1 * (round % 4));
    plant(weights, parse(tiers[round % 4], balance), random(), round % 7 == 0);
    const auto found = detect(weights.view());
    const auto again = detect(weights.view());
    ASSERT_TRUE(found && again);
    EXPECT_EQ(found->message(), again->message());
    EXPECT_EQ(found->bits, again->bits);
    EXPECT_EQ(found->runnerUp.text, again->runnerUp.text);
    EXPECT_NE(found->kind, Detection::Kind::Broken)
        << balanceName(balance) << " " << tiers[round % 4] << " "
        << weights.rows << " x " << weights.cols << ": " << found->message();
    if (found->kind == Detection::Kind::Sparse) {
      EXPECT_EQ(countStrayWeights(weights.view(), found->masks), 0);
    }
  }
}

TEST(DetectPatterns, GivenSizesMayHaveSeparateMasks) {
  const Pattern pattern = parse("16x16:1/4,4x4:1/2");
  Weights weights = randomWeights(4, 128, 128, 141);
  const BlockMaps masks = plant(weights, pattern, 142, true);
  DetectOptions options;
  options.tiers = pattern.tiers;
  auto found = detect(weights.view(), options);
  ASSERT_EQ(found->kind, Detection::Kind::Sparse) << found->message();
  EXPECT_TRUE(found->separate);
  EXPECT_FALSE(found->map);
  for (size_t g = 0; g < 4; ++g)
    EXPECT_EQ(*found->masks[g], *masks[g]);
  // Asked to share, the gates break it.
  options.separate = false;
  found = detect(weights.view(), options);
  EXPECT_EQ(found->kind, Detection::Kind::Broken);
  EXPECT_FALSE(found->separate);
  // One weight too many, in gate 2.
  options.separate = true;
  int64_t c = 0;
  while (masks[2]->isKept(20, c))
    ++c;
  weights.at(2, 20, c) = 1.0f;
  found = detect(weights.view(), options);
  ASSERT_EQ(found->kind, Detection::Kind::Broken);
  ASSERT_EQ(found->strays.size(), 1u);
  EXPECT_EQ(found->strays[0].gate, 2);
  EXPECT_NE(found->message().find("separate masks: 1 block too many, with 1 "
                                  "nonzero weight; gate 2 tier "),
            std::string::npos)
      << found->message();
}

TEST(DetectPatterns, GivenBalancesBothAndNone) {
  Weights weights = randomWeights(4, 64, 64, 151);
  const Pattern pattern = parse("8x8:1/4", Balance::Both);
  const BlockMaps masks = plant(weights, pattern, 152);
  DetectOptions options;
  options.tiers = {{8, 8, 0, 1, Balance::Row}};
  for (const Balance balance :
       {Balance::Row, Balance::Column, Balance::Both, Balance::None}) {
    options.balance = balance;
    const auto found = detect(weights.view(), options);
    ASSERT_EQ(found->kind, Detection::Kind::Sparse) << balanceName(balance);
    EXPECT_EQ(found->pattern.tiers[0].balance, balance);
    EXPECT_EQ(found->map->keptWeights(), masks[0]->keptWeights());
  }
  // A block more: only balance none does not care.
  const Block kept = masks[0]->blocks(0)[0];
  int64_t c = 0;
  while (masks[0]->isKept(kept.row, c))
    c += 8;
  weights.at(0, kept.row, c) = 1.0f;
  for (const Balance balance :
       {Balance::Row, Balance::Column, Balance::Both, Balance::None}) {
    options.balance = balance;
    const auto found = detect(weights.view(), options);
    if (balance == Balance::None) {
      ASSERT_EQ(found->kind, Detection::Kind::Sparse);
      EXPECT_EQ(found->map->keptWeights(), masks[0]->keptWeights() + 64);
    } else {
      ASSERT_EQ(found->kind, Detection::Kind::Broken) << balanceName(balance);
      EXPECT_EQ(found->strays.size(), 1u);
      EXPECT_EQ(countStrayWeights(weights.view(), found->masks), 1);
    }
  }
  // No count of 64 x 24 can be 1/4 in rows and columns of 8 x 8 blocks.
  const Weights tall = randomWeights(1, 64, 24, 153, 0.5);
  options.tiers[0].keepNum = 1;
  options.tiers[0].keepDen = 4;
  options.balance = Balance::Both;
  EXPECT_FALSE(detect(tall.view(), options));
}

} // namespace

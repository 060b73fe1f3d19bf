// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Compression/Select.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"
#include <limits>
#include <map>

using namespace hcgs::compression;
using hcgs::numerics::WeightEncoding;
using hcgs::numerics::WeightFormat;

namespace {

Pattern pattern(const char *tiers, Balance balance) {
  return *parseTiers(tiers, balance);
}

std::shared_ptr<const BlockMap> mapOf(const naive::Choice &choice) {
  auto map = BlockMap::fromIndexImage(choice.pattern, choice.rows, choice.cols,
                                      naive::indexImage(choice));
  EXPECT_TRUE(map) << map.message();
  return std::make_shared<const BlockMap>(*std::move(map));
}

TEST(Layout, TheWorkedExampleOfTheHeader) {
  // 4 x 6, two gates, tier 2x2 keep 1/3 row.
  float weights[2 * 4 * 6] = {};
  const auto at = [&](int g, int r, int c) -> float & {
    return weights[(g * 4 + r) * 6 + c];
  };
  for (int g = 0; g < 2; ++g)
    for (int i = 0; i < 4; ++i) {
      at(g, i / 2, i % 2) = static_cast<float>(8 * g + 1 + i);
      at(g, 2 + i / 2, 4 + i % 2) = static_cast<float>(8 * g + 5 + i);
    }
  const uint8_t index[] = {0x08};
  auto map =
      BlockMap::fromIndexImage(pattern("2x2:1/3", Balance::Row), 4, 6, index);
  ASSERT_TRUE(map) << map.message();
  EXPECT_EQ(map->indexImage(), std::vector<uint8_t>{0x08});
  const auto layout = WeightLayout::sparse(
      2, std::make_shared<const BlockMap>(*std::move(map)), 2);
  ASSERT_TRUE(verifyRowBlock(layout));
  const int exponents[] = {0, 0};
  QuantizeOptions options;
  options.keepCodes = true;
  auto matrix =
      quantizeMatrix({weights, 2, 4, 6}, layout, {6, WeightEncoding::SignMag},
                     exponents, options);
  ASSERT_TRUE(matrix);
  EXPECT_EQ(matrix->codes, (std::vector<int16_t>{1, 2, 3, 4, 9, 10, 11, 12, 5,
                                                 6, 7, 8, 13, 14, 15, 16}));
  ASSERT_EQ(matrix->weightImage.size(), 12u);
  EXPECT_EQ(matrix->weightImage[0], 0x40);
  EXPECT_EQ(matrix->weightImage[1], 0x20);
  EXPECT_EQ(matrix->weightImage[2], 0x0c);
  EXPECT_EQ(layout.describe(5), (WordInfo{1, 0, 1}));
  EXPECT_EQ(matrix->codes[5], 10);
  EXPECT_EQ(layout.accumulatorOf(1, 3), 7);
}

TEST(BlockMap, TheExampleOfTheHeader) {
  const uint8_t index[] = {0x3a};
  const auto map = BlockMap::fromIndexImage(
      pattern("4x4:1/2,2x2:1/2", Balance::Row), 8, 8, index);
  ASSERT_TRUE(map) << map.message();
  ASSERT_EQ(map->smallRows().size(), 4u);
  const int columns[] = {0, 2, 6, 6};
  for (int i = 0; i < 4; ++i) {
    const BlockMap::SmallRow &row = map->smallRows()[i];
    EXPECT_EQ(row.row, 2 * i);
    ASSERT_EQ(map->ranges(row).size(), 1u);
    EXPECT_EQ(map->ranges(row)[0].col, columns[i]);
    EXPECT_EQ(map->ranges(row)[0].width, 2);
  }
  EXPECT_EQ(map->keptWeights(), 16);
}

// Random shapes, patterns of one to eight tiers of every balance, masks shared
// and separate, against the naive model.
TEST(BlockMap, MatchesTheNaiveModel_WI_P_WI_I_WI_W) {
  std::mt19937_64 random(11);
  int ragged = 0, separate = 0, empty = 0, balances[4] = {}, tierCounts[9] = {};
  for (int round = 0; round < 600; ++round) {
    const int64_t rows = 1 + random() % 60, cols = 1 + random() % 60;
    const int64_t gates = 1 + random() % 4;
    const Pattern tiers = naive::randomPattern(random, rows, cols);
    std::vector<naive::Choice> choices;
    const int64_t masks = random() % 2 ? gates : 1;
    for (int64_t m = 0; m < masks; ++m)
      choices.push_back(naive::choose(tiers, rows, cols, random));
    ragged += rows % tiers.tiers[0].rows != 0;
    separate += masks > 1;
    ++tierCounts[tiers.tiers.size()];
    for (const Tier &tier : tiers.tiers)
      ++balances[static_cast<int>(tier.balance)];

    std::vector<uint8_t> images;
    for (const naive::Choice &choice : choices) {
      const std::vector<uint8_t> image = naive::indexImage(choice);
      const auto map = BlockMap::fromIndexImage(tiers, rows, cols, image);
      ASSERT_TRUE(map) << tiers.str() << ": " << map.message();
      ASSERT_EQ(map->indexImage(), image) << tiers.str();
      ASSERT_EQ((map->indexBitCount() + 7) / 8, int64_t(image.size()));
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c)
          ASSERT_EQ(map->isKept(r, c), choice.keeps(r, c)) << r << " " << c;
      images.insert(images.end(), image.begin(), image.end());
    }
    const auto maps = readIndexImages(tiers, rows, cols, masks, images);
    ASSERT_TRUE(maps) << maps.message();

    const auto layout = masks == 1
                            ? WeightLayout::sparse(gates, maps->front(), rows)
                            : WeightLayout::sparse(*maps, rows);
    ASSERT_EQ(layout.isSeparate(), masks > 1);
    ASSERT_EQ(layout.indexImage(), images);
    const std::vector<naive::Position> order =
        naive::sparseOrder(choices, gates);
    ASSERT_EQ(layout.words(), int64_t(order.size()));
    ASSERT_EQ(layout.macs(), int64_t(order.size()));
    ASSERT_EQ(layout.paddingBits(5), 8 * layout.bytes(5) - 5 * layout.words());
    empty += order.empty();
    size_t word = 0;
    layout.forEachRun([&](const WeightLayout::Run &run) {
      ASSERT_EQ(run.word, int64_t(word));
      for (int64_t i = 0; i < run.count; ++i)
        ASSERT_EQ(order[word++],
                  naive::Position(run.gate, run.row, run.col + i));
    });
    ASSERT_EQ(word, order.size());
    std::vector<int64_t> perGate(static_cast<size_t>(gates));
    std::map<std::pair<int64_t, int64_t>, int64_t> perRow;
    for (size_t w = 0; w < order.size(); ++w) {
      const auto &[g, r, c] = order[w];
      ASSERT_EQ(layout.describe(w), (WordInfo{g, r, c}));
      ASSERT_EQ(layout.wordOf(g, r, c), int64_t(w));
      ++perGate[g];
      ++perRow[{g, r}];
    }
    const int64_t r = random() % rows, c = random() % cols;
    for (int64_t g = 0; g < gates; ++g) {
      ASSERT_EQ(layout.words(g), perGate[g]);
      if (!choices[masks == 1 ? 0 : g].keeps(r, c)) {
        ASSERT_EQ(layout.wordOf(g, r, c), -1);
      }
    }
    // WI-W-4 for some of the gates.
    const unsigned chosen = random() % (1u << gates);
    int64_t next = 0;
    for (const WeightLayout::RowGroup &group : layout.rowGroups(chosen)) {
      ASSERT_EQ(group.row, next);
      next += group.height;
      int64_t macs = 0;
      for (int64_t g = 0; g < gates; ++g)
        for (int64_t row = group.row; row < next; ++row)
          macs += chosen >> g & 1 ? perRow[{g, row}] : 0;
      ASSERT_EQ(group.macs, macs);
    }
    ASSERT_EQ(next, rows);
    // The same of a view: every weight belongs to one of two halves.
    const int64_t width = tiers.tiers[0].cols;
    const int64_t cut = std::min(cols, (cols / 2 + width - 1) / width * width);
    const auto all = layout.rowGroups(chosen),
               left = layout.rowGroups(chosen, {0, cut}),
               right = layout.rowGroups(chosen, {cut, cols});
    std::map<int64_t, int64_t> inLeft;
    for (const auto &[g, r2, c2] : order)
      inLeft[r2] += (chosen >> g & 1) && c2 < cut;
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(left[i].macs + right[i].macs, all[i].macs);
      int64_t macs = 0;
      for (int64_t row = left[i].row; row < left[i].row + left[i].height; ++row)
        macs += inLeft[row];
      ASSERT_EQ(left[i].macs, macs);
      // Row groups follow one another in the image.
      ASSERT_EQ(layout.firstWordOf(all[i].row),
                int64_t(std::count_if(order.begin(), order.end(), [&](auto &w) {
                  return std::get<1>(w) < all[i].row;
                })));
    }
    ASSERT_EQ(layout.firstWordOf(rows), layout.words());
  }
  EXPECT_GT(ragged, 100);
  EXPECT_GT(separate, 100);
  EXPECT_GT(empty, 0); // balance none may keep nothing
  for (const int count : balances)
    EXPECT_GT(count, 150);
  for (int tiers = 1; tiers <= 8; ++tiers)
    EXPECT_GT(tierCounts[tiers], 20);
}

TEST(Layout, DenseMatchesTheNaiveModel_WI_W_2) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 200; ++round) {
    const int64_t gates = 1 + random() % 4, rows = 1 + random() % 40;
    const int64_t cols = 1 + random() % 40, block = 1 + random() % 45;
    const auto layout = WeightLayout::dense(gates, rows, cols, block);
    const auto order = naive::denseOrder(gates, rows, cols, block);
    ASSERT_EQ(layout.words(), int64_t(order.size()));
    size_t word = 0;
    layout.forEachRun([&](const WeightLayout::Run &run) {
      ASSERT_EQ(run.word, int64_t(word));
      for (int64_t i = 0; i < run.count; ++i)
        ASSERT_EQ(order[word++],
                  naive::Position(run.gate, run.row, run.col + i));
    });
    for (size_t w = 0; w < order.size(); ++w) {
      const auto &[g, r, c] = order[w];
      ASSERT_EQ(layout.describe(w), (WordInfo{g, r, c}));
      ASSERT_EQ(layout.wordOf(g, r, c), int64_t(w));
    }
  }
}

TEST(Layout, AccumulatorsAreRowBlockGateRow_WI_A_1) {
  std::mt19937_64 random(13);
  for (int round = 0; round < 200; ++round) {
    const int64_t gates = 1 + random() % 4, rows = 1 + random() % 40;
    const int64_t block = 1 + random() % 45;
    const auto layout = WeightLayout::dense(gates, rows, 1, block);
    int64_t next = 0;
    for (int64_t first = 0; first < rows; first += block)
      for (int64_t g = 0; g < gates; ++g)
        for (int64_t r = first; r < std::min(first + block, rows); ++r)
          ASSERT_EQ(layout.accumulatorOf(g, r), next++);
  }
}

TEST(Layout, RowBlocksMustNotCutSmallBlockRows_WI_A_2) {
  const auto map = std::make_shared<const BlockMap>(
      *selectRandom(pattern("8x8:1/2,4x4:1/2", Balance::Row), 20, 16, 1));
  for (int64_t block = 1; block <= 24; ++block)
    EXPECT_EQ(bool(verifyRowBlock(WeightLayout::sparse(4, map, block))),
              block % 4 == 0 || block >= 20)
        << block;
  EXPECT_FALSE(verifyRowBlock(WeightLayout::sparse(4, map, 0)));
}

TEST(Layout, PackingMatchesSingleBits_WI_W_3) {
  std::mt19937_64 random(14);
  for (int bits = 2; bits <= 8; ++bits)
    for (const auto encoding :
         {WeightEncoding::Twos, WeightEncoding::SignMag}) {
      const WeightFormat format{bits, encoding};
      std::vector<int16_t> codes;
      std::vector<bool> single;
      for (int i = 0; i < 301; ++i) {
        int code = 0;
        while (code == 0 && (encoding == WeightEncoding::SignMag || i % 2))
          code = static_cast<int>(random() % (2 * format.maxMagnitude() + 1)) -
                 format.maxMagnitude();
        codes.push_back(static_cast<int16_t>(code));
        // A-W-1 spelled out.
        if (encoding == WeightEncoding::Twos)
          naive::putBits(single, static_cast<uint64_t>(code), bits);
        else {
          naive::putBits(single, static_cast<uint64_t>(std::abs(code) - 1),
                         bits - 1);
          naive::putBits(single, code < 0, 1);
        }
      }
      const auto image = packCodes(codes, format);
      ASSERT_EQ(image, naive::toBytes(single));
      const auto back = unpackCodes(image, codes.size(), format);
      ASSERT_TRUE(back) << back.message();
      ASSERT_EQ(*back, codes);
      EXPECT_FALSE(unpackCodes(image, codes.size() + 8, format));
      EXPECT_FALSE(unpackCodes(image, codes.size() - 8, format));
    }
  // Filler bits and the pattern that twos does not use.
  const uint8_t filler[] = {0x40}, unused[] = {0x20};
  EXPECT_FALSE(unpackCodes(filler, 1, {6, WeightEncoding::SignMag}));
  EXPECT_FALSE(unpackCodes(unused, 1, {6, WeightEncoding::Twos}));
  EXPECT_TRUE(unpackCodes(unused, 1, {6, WeightEncoding::SignMag}));
}

TEST(BlockMap, RefusesMalformedImages_WI_I_4) {
  for (const char *text :
       {"4x4:1/2,2x2:1/2", "4x4:1/2:column,2x2:1/2:none",
        "4x4:1/2:none,2x2:1/2:row", "4x4:1/2:none,2x2:1/2:none"}) {
    const Pattern tiers = pattern(text, Balance::Row);
    const std::vector<uint8_t> good =
        selectRandom(tiers, 13, 19, 5)->indexImage();
    ASSERT_TRUE(BlockMap::fromIndexImage(tiers, 13, 19, good));
    std::vector<uint8_t> longer = good, shorter = good;
    longer.push_back(0);
    shorter.pop_back();
    EXPECT_FALSE(BlockMap::fromIndexImage(tiers, 13, 19, longer));
    EXPECT_FALSE(BlockMap::fromIndexImage(tiers, 13, 19, shorter));
    // Any single flipped bit gives another valid image or an error; what is
    // accepted is written back the same.
    int refused = 0;
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::vector<uint8_t> flipped = good;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      const auto map = BlockMap::fromIndexImage(tiers, 13, 19, flipped);
      if (map)
        ASSERT_EQ(map->indexImage(), flipped);
      else
        ++refused;
    }
    EXPECT_GT(refused, 0);
    EXPECT_FALSE(BlockMap::fromIndexImage(tiers, 0, 19, good));
  }
  // The same block twice.
  const uint8_t twice[] = {0x05};
  EXPECT_EQ(
      BlockMap::fromIndexImage(pattern("1x1:1/2", Balance::Row), 1, 4, twice)
          .message(),
      "malformed index: tier 1, parent 0, line 0: block 1 does not rise "
      "above the one before it");
  // Out of range for a ragged parent: 3 columns leave 2 block-columns of 4.
  const uint8_t outside[] = {0x03};
  EXPECT_FALSE(BlockMap::fromIndexImage(pattern("2x2:1/3", Balance::Row), 2, 6,
                                        outside));
}

TEST(BlockMap, VastMalformedImagesAreRefusedAtOnce) {
  // A few bytes cannot be the index of a matrix of 2^24 x 2^24.
  const uint8_t few[] = {0xff, 0x00, 0x12};
  for (const Balance balance :
       {Balance::Row, Balance::Column, Balance::Both, Balance::None}) {
    const auto map = BlockMap::fromIndexImage(pattern("1x1:1/2", balance),
                                              1 << 24, 1 << 24, few);
    EXPECT_FALSE(map);
    EXPECT_NE(map.message().find("malformed index"), std::string::npos);
  }
}

TEST(QuantizedMatrix, MatchesCodesOneByOne) {
  std::mt19937_64 random(15);
  std::normal_distribution<float> normal(0.0f, 0.2f);
  for (int round = 0; round < 100; ++round) {
    const int64_t rows = 1 + random() % 30, cols = 1 + random() % 30;
    const int64_t gates = 1 + random() % 4;
    const bool sparse = round % 3 != 0;
    const Pattern tiers = naive::randomPattern(random, rows, cols);
    std::vector<naive::Choice> choices;
    for (int64_t g = 0; g < (round % 2 ? gates : 1); ++g)
      choices.push_back(naive::choose(tiers, rows, cols, random));
    const WeightFormat format{
        2 + static_cast<int>(random() % 7),
        random() % 2 ? WeightEncoding::Twos : WeightEncoding::SignMag,
        random() % 2 ? hcgs::numerics::WeightRounding::Nearest
                     : hcgs::numerics::WeightRounding::Ceil};
    std::vector<float> weights(static_cast<size_t>(gates * rows * cols));
    for (float &w : weights)
      w = random() % 9 ? normal(random) : 0.0f;
    BlockMaps maps;
    if (sparse) {
      for (const naive::Choice &choice : choices)
        maps.push_back(mapOf(choice));
      double before = 0.0, after = 0.0;
      for (const float w : weights)
        before += double(w) * w;
      const EnergyLoss loss = zeroDropped(weights, gates, maps);
      for (int64_t g = 0; g < gates; ++g)
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < cols; ++c) {
            const float w = weights[(g * rows + r) * cols + c];
            after += double(w) * w;
            if (!choices[choices.size() == 1 ? 0 : g].keeps(r, c)) {
              ASSERT_EQ(w, 0.0f);
            }
          }
      ASSERT_NEAR(loss.total, before, 1e-9 * before);
      ASSERT_NEAR(loss.removed, before - after, 1e-9 * before);
    }
    const auto layout = !sparse ? WeightLayout::dense(gates, rows, cols, 7)
                        : maps.size() == 1
                            ? WeightLayout::sparse(gates, maps[0], rows)
                            : WeightLayout::sparse(maps, rows);
    const auto order = sparse ? naive::sparseOrder(choices, gates)
                              : naive::denseOrder(gates, rows, cols, 7);
    const MatrixView view{weights.data(), gates, rows, cols};

    // A-W-4 over the weights in the order of the image.
    const MatrixExponents chosen = chooseExponents(view, layout, format);
    std::vector<int> exponents;
    for (int64_t g = 0; g < gates; ++g) {
      std::vector<float> kept;
      for (const auto &[gate, r, c] : order)
        if (gate == g)
          kept.push_back(weights[(g * rows + r) * cols + c]);
      const auto wanted = hcgs::numerics::chooseExponent(kept, format);
      ASSERT_EQ(chosen.gates[g].exponent, wanted.exponent);
      ASSERT_EQ(chosen.gates[g].zeros, wanted.zeros);
      exponents.push_back(wanted.exponent);
    }

    QuantizeOptions options;
    options.keepCodes = true;
    const auto matrix =
        quantizeMatrix(view, layout, format, exponents, options);
    ASSERT_TRUE(matrix) << matrix.message();
    ASSERT_EQ(matrix->codes.size(), order.size());
    std::map<std::pair<int64_t, int64_t>, int64_t> sums;
    std::vector<int64_t> unchanged(static_cast<size_t>(gates));
    for (size_t i = 0; i < order.size(); ++i) {
      const auto &[g, r, c] = order[i];
      const float weight = weights[(g * rows + r) * cols + c];
      const int code =
          hcgs::numerics::quantizeWeight(weight, exponents[g], format);
      ASSERT_EQ(matrix->codes[i], code);
      unchanged[g] += weight == std::ldexp(double(code), -exponents[g]);
      sums[{g, r}] += std::abs(code);
    }
    for (int64_t g = 0; g < gates; ++g)
      for (int64_t r = 0; r < rows; ++r)
        ASSERT_EQ(matrix->gateMagnitudes(g)[r], (sums[{g, r}]));
    for (int64_t g = 0; g < gates; ++g) {
      ASSERT_EQ(matrix->zeros[g], chosen.gates[g].zeros);
      ASSERT_EQ(matrix->unchanged[g], unchanged[g]);
      ASSERT_EQ(matrix->squaredErrors[g], chosen.gates[g].squaredError);
    }
    ASSERT_EQ(matrix->weightImage, packCodes(matrix->codes, format));
    ASSERT_EQ(int64_t(matrix->weightImage.size()), layout.bytes(format.bits));
  }
}

TEST(QuantizedMatrix, RefusesStrayAndBrokenWeights) {
  const auto map = std::make_shared<const BlockMap>(
      *selectRandom(pattern("2x2:1/2", Balance::Row), 4, 8, 1));
  const auto layout = WeightLayout::sparse(1, map, 4);
  std::vector<float> weights(32, 0.5f);
  const int exponents[] = {3};
  const MatrixView view{weights.data(), 1, 4, 8};
  EXPECT_EQ(countStrayWeights(view, *map), 16);
  EXPECT_EQ(quantizeMatrix(view, layout, {}, exponents).message(),
            "16 weights outside the kept blocks are not zero");
  zeroDropped(weights, 1, *map);
  EXPECT_EQ(countStrayWeights(view, *map), 0);
  EXPECT_TRUE(quantizeMatrix(view, layout, {}, exponents));
  const auto word = layout.describe(3);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    weights[word.row * 8 + word.col] = bad;
    EXPECT_EQ(quantizeMatrix(view, layout, {}, exponents).message(),
              "weight at gate 0, row " + std::to_string(word.row) +
                  ", column " + std::to_string(word.col) +
                  " is NaN or infinite; only finite weights can be quantised");
  }
}

/// Bytes of weights (6 bits) and indices of an LSTM stack.
std::pair<int64_t, int64_t> stackBytes(Balance balance, int layers) {
  const Pattern tiers = pattern("32x32:25%,4x4:25%", balance);
  int64_t weights = 0, indices = 0;
  for (int layer = 0; layer < layers; ++layer)
    for (const int64_t cols : {layer == 0 ? 440 : 512, 512}) {
      auto map = selectRandom(tiers, 512, cols, layer);
      EXPECT_TRUE(map);
      indices += map->indexImage().size();
      weights +=
          WeightLayout::sparse(4, std::make_shared<const BlockMap>(*map), 32)
              .bytes(6);
    }
  return {weights, indices};
}

TEST(Layout, TheRatiosOf512x440) {
  // 32/4 at 25 %/25 %: 13.75 by row (3.5 blocks of a line round to 4), exactly
  // 16 by column.
  const double dense = 512.0 * 440.0;
  for (const Selection how :
       {Selection::Random, Selection::Magnitude, Selection::Guided})
    for (const bool separate : {false, true}) {
      std::vector<float> weights(4 * 512 * 440);
      std::mt19937_64 random(3);
      std::normal_distribution<float> normal;
      for (float &w : weights)
        w = normal(random);
      const auto kept = [&](Balance balance) {
        const auto maps =
            selectBlocks(pattern("32x32:25%,4x4:25%", balance),
                         {weights.data(), 4, 512, 440}, {how, 1, separate});
        EXPECT_TRUE(maps);
        EXPECT_EQ(maps->size(), separate ? 4u : 1u);
        for (const auto &map : *maps)
          EXPECT_EQ(map->keptWeights(), maps->front()->keptWeights());
        return static_cast<double>(maps->front()->keptWeights());
      };
      EXPECT_EQ(dense / kept(Balance::Row), 13.75);
      EXPECT_EQ(dense / kept(Balance::Column), 16.0);
    }
}

TEST(Layout, PublishedNetworksHaveTheirPublishedSize) {
  // 3 layers of 512, 440 inputs, 6 bits: exactly 16x when column-balanced.
  const auto column = stackBytes(Balance::Column, 3);
  EXPECT_EQ(column.first, 288000);
  EXPECT_LE(column.second * 100, column.first);
  const auto row = stackBytes(Balance::Row, 3);
  EXPECT_EQ(row.first, 294912);
  EXPECT_LE(row.second * 100, row.first);
  EXPECT_EQ(stackBytes(Balance::Column, 2).first, 189696);
  // WI-I's own example.
  EXPECT_EQ(
      selectRandom(pattern("32x32:25%,4x4:25%", Balance::Row), 512, 512, 0)
          ->indexImage()
          .size(),
      416u);
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/RowSlice.h"

#include "gtest/gtest.h"
#include <random>

using namespace hcgs::compression;

namespace {

/// Random blocks; of balance both, which needs matching rows and columns, the
/// blocks of a diagonal that wraps around.
std::shared_ptr<const BlockMap> randomMap(const char *tiers, int64_t rows,
                                          int64_t cols, int seed) {
  std::mt19937 random(seed);
  auto map = BlockMap::buildByParent(
      *parseTiers(tiers, Balance::Row), rows, cols,
      [&](const BlockMap::Parent &parent,
          std::span<uint8_t> kept) -> hcgs::Result<void> {
        const int64_t m = parent.blockRows, n = parent.blockCols;
        const auto choose = [&](int64_t lines, int64_t blocks, int64_t keep,
                                auto place) {
          for (int64_t line = 0; line < lines; ++line) {
            std::vector<int64_t> order(static_cast<size_t>(blocks));
            for (int64_t i = 0; i < blocks; ++i)
              order[i] = i;
            std::shuffle(order.begin(), order.end(), random);
            for (int64_t i = 0; i < keep; ++i)
              kept[place(line, order[i])] = 1;
          }
        };
        if (parent.keepPerRow > 0 && parent.keepPerCol > 0)
          for (int64_t i = 0; i < m; ++i)
            for (int64_t k = 0; k < parent.keepPerRow; ++k)
              kept[i * n + (i * parent.keepPerRow + k) % n] = 1;
        else if (parent.keepPerRow > 0)
          choose(m, n, parent.keepPerRow,
                 [&](int64_t i, int64_t j) { return i * n + j; });
        else if (parent.keepPerCol > 0)
          choose(n, m, parent.keepPerCol,
                 [&](int64_t j, int64_t i) { return i * n + j; });
        else
          choose(1, m * n, parent.keep,
                 [](int64_t, int64_t position) { return position; });
        return {};
      });
  EXPECT_TRUE(map) << map.message();
  return std::make_shared<const BlockMap>(*std::move(map));
}

struct Case {
  const char *tiers;
  int64_t rows, cols;
};

// Ragged edges and every balance at either tier.
const Case cases[] = {
    {"8x8:1/2:row,2x2:1/2:row", 40, 48},
    {"8x8:1/2:column,2x2:1/2:column", 40, 40},
    {"8x8:1/2:column,4x2:1/2:both", 64, 40},
    {"8x8:1/2:both,2x2:1/2:none", 32, 32},
    {"8x4:1/2:none,3x2:1/3:column", 37, 29},
    {"8x8:1/4:column", 64, 24},
    {"5x3:1/2:row,2x3:1/2:none,1x1:1/2:row", 23, 17},
};

/// A slice keeps what the whole keeps there, survives its own index image, and
/// has the words firstWordOf says, in the same order.
TEST(RowSlice, HasTheWeightsOfTheWhole) {
  for (const Case &what : cases)
    for (const bool separate : {false, true}) {
      SCOPED_TRACE(what.tiers);
      const int height = parseTiers(what.tiers, Balance::Row)->tiers[0].rows;
      BlockMaps maps = {randomMap(what.tiers, what.rows, what.cols, 1)};
      if (separate)
        maps.push_back(randomMap(what.tiers, what.rows, what.cols, 2));
      const auto whole = separate
                             ? WeightLayout::sparse(maps, height)
                             : WeightLayout::sparse(2, maps.front(), height);
      for (int64_t begin = 0; begin < what.rows; begin += height)
        for (int64_t end = begin + height;; end += height) {
          end = std::min(end, what.rows);
          auto part = rowsOf(whole, begin, end);
          ASSERT_TRUE(part) << part.message();
          EXPECT_TRUE(verifyRowBlock(*part));
          const int64_t first = whole.firstWordOf(begin);
          ASSERT_EQ(part->words(), whole.firstWordOf(end) - first);
          for (int64_t word = 0; word < part->words(); ++word) {
            WordInfo info = part->describe(word);
            info.row += begin;
            ASSERT_EQ(info, whole.describe(first + word));
          }
          auto read = readIndexImages(
              patternOfRows(maps.front()->pattern()), end - begin, what.cols,
              static_cast<int64_t>(maps.size()), part->indexImage());
          ASSERT_TRUE(read) << read.message();
          for (size_t i = 0; i < maps.size(); ++i)
            EXPECT_EQ(*(*read)[i], *part->maps()[i]);
          if (end == what.rows)
            break;
        }
    }
}

TEST(RowSlice, TierOneBalancesOfRowsOnly) {
  const auto after = [](Balance balance) {
    const Pattern pattern =
        patternOfRows({{{8, 8, 1, 2, balance}, {4, 4, 1, 2, balance}}});
    EXPECT_EQ(pattern.tiers[1].balance, balance);
    return pattern.tiers[0].balance;
  };
  EXPECT_EQ(after(Balance::Row), Balance::Row);
  EXPECT_EQ(after(Balance::Column), Balance::None);
  EXPECT_EQ(after(Balance::Both), Balance::Row);
  EXPECT_EQ(after(Balance::None), Balance::None);
}

TEST(RowSlice, CirculantRowsFollowOneAnother) {
  const auto whole = WeightLayout::circulant(3, 22, 13, 4, 8);
  const auto part = rowsOf(whole, 8, 22);
  ASSERT_TRUE(part) << part.message();
  const int64_t first = whole.firstWordOf(8);
  ASSERT_EQ(part->words(), whole.words() - first);
  for (int64_t word = 0; word < part->words(); ++word) {
    WordInfo info = part->describe(word);
    info.row += 8;
    EXPECT_EQ(info, whole.describe(first + word));
  }
  // Six rows of five columns have no room for blocks of eight.
  const auto tall = WeightLayout::circulant(1, 22, 5, 8, 8);
  EXPECT_TRUE(rowsOf(tall, 8, 22));
  EXPECT_FALSE(rowsOf(tall, 16, 22));
}

TEST(RowSlice, ErrorsNameTheRows) {
  const auto map = randomMap("8x8:1/2", 40, 16, 3);
  EXPECT_NE(rowsOf(*map, 4, 16).message().find("cut blocks of 8 rows"),
            std::string::npos);
  EXPECT_NE(rowsOf(*map, 8, 48).message().find("a matrix of 40 rows"),
            std::string::npos);
  EXPECT_FALSE(rowsOf(*map, 8, 8));
  const auto dense = WeightLayout::dense(1, 12, 4, 4);
  EXPECT_TRUE(rowsOf(dense, 4, 12));
  EXPECT_NE(rowsOf(dense, 2, 8).message().find("cut row blocks of 4"),
            std::string::npos);
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Balance both and none, separate masks: the worked examples of
// docs/Spec/WeightImage.md, and what is legal.

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Layout.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"

using namespace hcgs::compression;

namespace {

Pattern pattern(const char *tiers, Balance balance) {
  auto parsed = parseTiers(tiers, balance);
  EXPECT_TRUE(parsed) << parsed.message();
  return *parsed;
}

/// The mask as the specification draws it: rows of 'x' and '.'.
std::string draw(const BlockMap &map) {
  std::string text;
  for (int64_t r = 0; r < map.rows(); ++r) {
    for (int64_t c = 0; c < map.cols(); ++c)
      text += map.isKept(r, c) ? 'x' : '.';
    text += '\n';
  }
  return text;
}

TEST(Balance, TheExampleOfBoth_WI_I_3) {
  const uint8_t image[] = {0xe4, 0xd8};
  const auto map =
      BlockMap::fromIndexImage(pattern("1x1:1/2", Balance::Both), 4, 4, image);
  ASSERT_TRUE(map) << map.message();
  EXPECT_EQ(draw(*map), "xx..\n"
                        "..xx\n"
                        "x.x.\n"
                        ".x.x\n");
  EXPECT_EQ(map->indexImage(), (std::vector<uint8_t>{0xe4, 0xd8}));
  // Rows are right, columns are not: 0 1, 0 1, 2 3, 1 3.
  const uint8_t wrong[] = {0x44, 0xde};
  EXPECT_EQ(
      BlockMap::fromIndexImage(pattern("1x1:1/2", Balance::Both), 4, 4, wrong)
          .message(),
      "malformed index: tier 1, parent 0 (rows 0..3, columns 0..3): "
      "block-column 1 keeps 3 of 4 blocks; balance both asks for 2");
  EXPECT_TRUE(
      BlockMap::fromIndexImage(pattern("1x1:1/2", Balance::Row), 4, 4, wrong));
}

TEST(Balance, TheExampleOfNone_WI_I_5) {
  const uint8_t image[] = {0x93, 0x00};
  const auto map =
      BlockMap::fromIndexImage(pattern("2x2:1/2", Balance::None), 4, 6, image);
  ASSERT_TRUE(map) << map.message();
  EXPECT_EQ(draw(*map), "xxxxxx\n"
                        "xxxxxx\n"
                        "......\n"
                        "......\n");
  EXPECT_EQ(map->indexImage(), (std::vector<uint8_t>{0x93, 0x00}));
  EXPECT_EQ(map->indexBitCount(), 10);
  // Another number of blocks is as good: the fraction is not checked.
  const uint8_t nothing[] = {0x00};
  const auto none = BlockMap::fromIndexImage(pattern("2x2:1/2", Balance::None),
                                             4, 6, nothing);
  ASSERT_TRUE(none) << none.message();
  EXPECT_EQ(none->keptWeights(), 0);
  EXPECT_FALSE(none->isKept(0, 0));
}

TEST(Balance, CountsAboveTheTrueNumberAreMalformed_WI_I_5) {
  // 4 x 3 in blocks of 4x4, cut into 1x1: 3 columns, a count has 3 bits.
  const Pattern tiers = pattern("4x4:1/1:row,1x1:1/2:none", Balance::Row);
  const uint8_t four[] = {0x04, 0x00, 0x00};
  EXPECT_EQ(BlockMap::fromIndexImage(tiers, 4, 3, four).message(),
            "malformed index: tier 2, parent 0, line 0: keeps 4 blocks; there "
            "are 3");
}

TEST(Balance, TheExampleOfSeparateMasks_WI_I_6_WI_W_1) {
  const uint8_t image[] = {0x00, 0x01};
  const auto maps =
      readIndexImages(pattern("2x2:1/2", Balance::Row), 2, 4, 2, image);
  ASSERT_TRUE(maps) << maps.message();
  const auto layout = WeightLayout::sparse(*maps, 2);
  EXPECT_EQ(layout.gates(), 2);
  EXPECT_TRUE(layout.isSeparate());
  EXPECT_EQ(layout.map(), nullptr);
  EXPECT_EQ(layout.kind(), MatrixKind::Hcgs);
  EXPECT_EQ(layout.indexImage(), (std::vector<uint8_t>{0x00, 0x01}));
  const WordInfo order[] = {{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {0, 1, 1},
                            {1, 0, 2}, {1, 0, 3}, {1, 1, 2}, {1, 1, 3}};
  ASSERT_EQ(layout.words(), 8);
  for (int64_t word = 0; word < 8; ++word)
    EXPECT_EQ(layout.describe(word), order[word]);
  EXPECT_EQ(layout.wordOf(0, 0, 2), -1);
  // Each gate's image starts at a byte, so a third is too much.
  const uint8_t more[] = {0x00, 0x01, 0x00};
  EXPECT_EQ(readIndexImages(pattern("2x2:1/2", Balance::Row), 2, 4, 2, more)
                .message(),
            "malformed index: the image has 3 bytes; 2 masks of the pattern "
            "2x2:1/2 row need 2");
  const uint8_t filler[] = {0x00, 0x03};
  EXPECT_EQ(readIndexImages(pattern("2x2:1/2", Balance::Row), 2, 4, 2, filler)
                .message(),
            "mask of gate 1: malformed index: filler bits of the last byte are "
            "not 0");
}

TEST(Balance, BothIsLegalWhereTheCountsAgree_WI_P_5) {
  const Pattern both = pattern("32x32:1/4,4x4:1/4", Balance::Both);
  EXPECT_TRUE(verifyShape(both, 512, 512));
  EXPECT_EQ(verifyShape(both, 512, 440).message(),
            "tier 1 ('32x32:1/4') of balance both: the matrix of 512 x 440 has "
            "16 block-rows that keep 4 of 14 blocks, 64 in all, and 14 "
            "block-columns that keep 4 of 16, 56; balance this tier by row or "
            "by column");
  // Only the ragged blocks are at fault here.
  const Pattern inner = pattern("32x32:1/4:row,4x4:1/4:both", Balance::Row);
  EXPECT_TRUE(verifyShape(inner, 512, 448));
  EXPECT_EQ(verifyShape(inner, 512, 440).message(),
            "tier 2 ('4x4:1/4') of balance both: a block of 32 x 24 has 8 "
            "block-rows that keep 2 of 6 blocks, 16 in all, and 6 "
            "block-columns that keep 2 of 8, 12; balance this tier by row or "
            "by column");

  std::mt19937_64 random(31);
  int legal = 0, illegal = 0;
  for (int round = 0; round < 2000; ++round) {
    Pattern tiers = naive::randomPattern(random);
    for (Tier &tier : tiers.tiers)
      if (random() % 2)
        tier.balance = Balance::Both;
    const int64_t rows = 1 + random() % 50, cols = 1 + random() % 50;
    const bool wanted = naive::legal(tiers, rows, cols);
    ASSERT_EQ(bool(verifyShape(tiers, rows, cols)), wanted)
        << tiers.str() << " of " << rows << " x " << cols;
    ++(wanted ? legal : illegal);
  }
  EXPECT_GT(legal, 300);
  EXPECT_GT(illegal, 300);
}

TEST(Balance, ChoicesThatBreakTheBalanceAreRefused) {
  for (const Balance balance : {Balance::Row, Balance::Column, Balance::Both}) {
    // Two blocks of 2 x 2 in the first row.
    const auto map = BlockMap::buildByParent(
        pattern("1x1:1/2", balance), 2, 2,
        [&](const BlockMap::Parent &parent,
            std::span<uint8_t> kept) -> hcgs::Result<void> {
          EXPECT_EQ(parent.keep, 2);
          EXPECT_EQ(parent.keepPerRow, balance == Balance::Column ? 0 : 1);
          EXPECT_EQ(parent.keepPerCol, balance == Balance::Row ? 0 : 1);
          kept[0] = kept[1] = 1;
          return {};
        });
    EXPECT_EQ(bool(map), balance == Balance::Column) << balanceName(balance);
  }
}

TEST(Balance, LinesOfEveryBalance) {
  // What a line chooser is asked: rows, columns, rows, all.
  const size_t lines[] = {3, 4, 3, 1}, blocks[] = {4, 3, 4, 12};
  for (int b = 0; b < 4; ++b) {
    size_t asked = 0;
    const auto map =
        BlockMap::build(pattern("2x2:1/1", static_cast<Balance>(b)), 6, 8,
                        [&](const BlockMap::Line &line,
                            std::span<int32_t> kept) -> hcgs::Result<void> {
                          ++asked;
                          EXPECT_EQ(line.choices.size(), blocks[b]);
                          for (size_t i = 0; i < kept.size(); ++i)
                            kept[i] = static_cast<int32_t>(i);
                          return {};
                        });
    ASSERT_TRUE(map);
    EXPECT_EQ(asked, lines[b]);
    EXPECT_EQ(map->keptWeights(), 48);
  }
}

} // namespace

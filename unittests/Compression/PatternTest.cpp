// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Pattern.h"

#include "NaiveModel.h"
#include "gtest/gtest.h"

using namespace hcgs::compression;

namespace {

TEST(Pattern, KeptCountRoundsHalfToEven_WI_P_3) {
  EXPECT_EQ(keptCount(14, 1, 4), 4); // 3.5
  EXPECT_EQ(keptCount(6, 1, 4), 2);  // 1.5
  EXPECT_EQ(keptCount(10, 1, 4), 2); // 2.5
  EXPECT_EQ(keptCount(16, 1, 4), 4);
  EXPECT_EQ(keptCount(1, 1, 100), 1); // at least one
  EXPECT_EQ(keptCount(2, 1, 4), 1);   // 0.5 rounds to 0
  for (int64_t n = 1; n <= 200; ++n)
    for (int den = 1; den <= 16; ++den)
      for (int num = 1; num <= den; ++num)
        ASSERT_EQ(keptCount(n, num, den),
                  naive::kept(n, {1, 1, num, den, Balance::Row}))
            << n << " " << num << "/" << den;
}

TEST(Pattern, ParsesTiers) {
  const auto pattern = parseTiers("32x32:25%,4x8:1/3", Balance::Column);
  ASSERT_TRUE(pattern);
  ASSERT_EQ(pattern->tiers.size(), 2u);
  EXPECT_EQ(pattern->tiers[0], (Tier{32, 32, 1, 4, Balance::Column}));
  EXPECT_EQ(pattern->tiers[1], (Tier{4, 8, 1, 3, Balance::Column}));
  EXPECT_EQ(pattern->str(), "32x32:1/4,4x8:1/3 column");
  EXPECT_EQ(parseTiers("4x4:37.5%", Balance::Row)->tiers[0].keepNum, 3);
  EXPECT_EQ(parseTiers("4x4:37.5%", Balance::Row)->tiers[0].keepDen, 8);
  EXPECT_EQ(parseTiers(" 4x4:100% ", Balance::Row)->tiers[0].keepNum, 1);
}

TEST(Pattern, RefusesBadTiers) {
  for (const char *text : {"",
                           "32x32",
                           "32:25%",
                           "x4:25%",
                           "4x:25%",
                           "0x4:25%",
                           "4x4:0%",
                           "4x4:101%",
                           "4x4:",
                           "4x4:25",
                           "4x4:1/0",
                           "4x4:-1/4",
                           "4x4:2/1",
                           "4x4:12.34567%",
                           "4x4:1.%",
                           "70000x4:25%",
                           "4x4:1/4,",
                           "4x4:1/2,8x4:1/2",
                           "4x4:1/2,4x8:1/2",
                           "4x4:1e2%",
                           "99999999999999999999x4:25%",
                           "9x9:1/2,8x8:1/2,7x7:1/2,6x6:1/2,5x5:1/2,4x4:1/2,"
                           "3x3:1/2,2x2:1/2,1x1:1/2"})
    EXPECT_FALSE(parseTiers(text, Balance::Row)) << text;
  EXPECT_EQ(parseTiers("4x4:1/2,8x4:1/2", Balance::Row).message(),
            "tier 2 ('8x4:1/2'): blocks are larger than those of the tier "
            "before ('4x4:1/2'); list tiers from coarse to fine");
  for (const char *text : {"4x4:0%", "4x4:0.00%", "4x4:0/4", "4x4:0blocks"})
    EXPECT_EQ(parseTiers(text, Balance::Row).message(),
              "tier '" + std::string(text) +
                  "' keeps nothing; give more than 0");
  EXPECT_EQ(parseTiers("4x4:1/4,4x4:101%", Balance::Row).message(),
            "tier 2 ('4x4:101/100'): the fraction to keep is more than 1");
  EXPECT_NE(parseTiers("32x32", Balance::Row).message().find("no fraction"),
            std::string::npos);
}

TEST(Pattern, ParsesSizesWithoutFractions) {
  const auto sizes = parseTierSizes("32x32,4x4", Balance::Row);
  ASSERT_TRUE(sizes);
  EXPECT_EQ((*sizes)[0].keepNum, 0);
  EXPECT_EQ((*sizes)[1].rows, 4);
  EXPECT_EQ((*parseTierSizes("32x32:1/4,4x4:1/2", Balance::Row))[1].keepDen, 2);
  EXPECT_FALSE(parseTierSizes("32x32:1/4,4x4", Balance::Row));
  EXPECT_FALSE(parseTierSizes("4x4,32x32", Balance::Row));
}

TEST(Pattern, TiersMayHaveTheirOwnBalance) {
  const auto mixed =
      parseTiers("32x32:25%:column,4x4:1/4:row,2x2:1/2", Balance::None);
  ASSERT_TRUE(mixed) << mixed.message();
  EXPECT_EQ(mixed->tiers[0].balance, Balance::Column);
  EXPECT_EQ(mixed->tiers[1].balance, Balance::Row);
  EXPECT_EQ(mixed->tiers[2].balance, Balance::None);
  EXPECT_EQ(mixed->str(), "32x32:1/4:column,4x4:1/4:row,2x2:1/2:none");
  EXPECT_EQ(*parseTiers(mixed->str(), Balance::Both), *mixed);
  EXPECT_EQ(parseTiers("4x4:1/2:both", Balance::Row)->str(), "4x4:1/2 both");
  EXPECT_EQ(parseTiers("4x4:1/2:diagonal", Balance::Row).message(),
            "tier '4x4:1/2:diagonal': 'diagonal' is not a balance; allowed are "
            "row, column, both, none");
  EXPECT_FALSE(parseTiers("4x4:row", Balance::Row)); // no fraction
  EXPECT_FALSE(parseTiers("4x4:row:1/2", Balance::Row));
  EXPECT_FALSE(parseTiers("4x4:1/2:row:column", Balance::Row));
  EXPECT_FALSE(parseTiers("4x4:1/2:", Balance::Row));
  EXPECT_TRUE(parseTiers("9x9:1/2,8x8:1/2,7x7:1/2,6x6:1/2,5x5:1/2,4x4:1/2,"
                         "3x3:1/2,2x2:1/2",
                         Balance::Row));
  for (const Balance balance :
       {Balance::Row, Balance::Column, Balance::Both, Balance::None})
    EXPECT_EQ(balanceOfName(balanceName(balance)), balance);
  EXPECT_EQ(balanceOfName("any"), std::nullopt);
}

TEST(Pattern, CountsBecomeFractionsOfTheShape) {
  const auto counts =
      parseTiers("32x32:4blocks,4x4:1/4,2x2:1block:column", Balance::Row);
  ASSERT_TRUE(counts) << counts.message();
  EXPECT_EQ(counts->str(), "32x32:4blocks:row,4x4:1/4:row,2x2:1blocks:column");
  EXPECT_FALSE(verify(*counts)); // not a pattern yet
  // 14 block-columns; 2 block-rows in a 4x4.
  EXPECT_EQ(resolveCounts(*counts, 512, 440)->str(),
            "32x32:2/7:row,4x4:1/4:row,2x2:1/2:column");
  EXPECT_EQ(resolveCounts(*counts, 512, 512)->tiers[0].keepDen, 4);
  // A matrix of 7 columns has two block-columns of 4, though a tier-1 block
  // would have eight.
  const auto narrow = parseTiers("32x32:1blocks,4x4:2blocks", Balance::Row);
  EXPECT_EQ(resolveCounts(*narrow, 64, 7)->str(), "32x32:1/1,4x4:1/1 row");
  const auto flat = parseTiers("32x32:1blocks,4x4:2blocks", Balance::Column);
  EXPECT_EQ(resolveCounts(*flat, 7, 64)->str(), "32x32:1/1,4x4:1/1 column");
  EXPECT_EQ(resolveCounts(*parseTiers("32x32:15blocks", Balance::Row), 512, 440)
                .message(),
            "tier 1 ('32x32:15blocks'): a block-row of a matrix of 512 x 440 "
            "has 14 blocks; keep 1 to so many");
  EXPECT_EQ(
      resolveCounts(*parseTiers("32x32:15blocks", Balance::None), 512, 440)
          ->str(),
      "32x32:15/224 none");
  for (const char *text : {"4x4:0blocks", "4x4:blocks", "4x4:-1blocks",
                           "4x4:1.5blocks", "4x4:4 block s"})
    EXPECT_FALSE(parseTiers(text, Balance::Row)) << text;
  EXPECT_FALSE(parseTierText("4x4:2blocks", Balance::Row));
}

TEST(Pattern, SizesMayHaveABalance) {
  const auto own = parseTierText("32x32:column,4x4:both", Balance::Row);
  ASSERT_TRUE(own) << own.message();
  EXPECT_TRUE(own->ownBalance);
  EXPECT_EQ(own->tiers[0].balance, Balance::Column);
  EXPECT_EQ(own->tiers[1].balance, Balance::Both);
  EXPECT_EQ(own->tiers[0].keepNum, 0);
  EXPECT_FALSE(parseTierText("32x32,4x4", Balance::Row)->ownBalance);
  EXPECT_EQ(parseTierText("32x32:column,4x4", Balance::Row).message(),
            "only some of the tiers '32x32:column,4x4' have a balance; give it "
            "for all or for none");
  EXPECT_FALSE(parseTierText("32x32:1/2:row,4x4:row", Balance::Row));
  EXPECT_FALSE(parseTierText("4x4:3/2", Balance::Row));
}

TEST(Pattern, IndexBits) {
  EXPECT_EQ(indexBits(1), 0);
  EXPECT_EQ(indexBits(2), 1);
  EXPECT_EQ(indexBits(3), 2);
  EXPECT_EQ(indexBits(4), 2);
  EXPECT_EQ(indexBits(5), 3);
  EXPECT_EQ(indexBits(16), 4);
  EXPECT_EQ(indexBits(17), 5);
}

} // namespace

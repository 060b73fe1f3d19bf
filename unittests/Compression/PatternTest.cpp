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

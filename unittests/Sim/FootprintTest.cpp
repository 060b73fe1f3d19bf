// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Intervals around operands, up to the last byte there can be.
//
#include "Footprint.h"

#include <gtest/gtest.h>

using namespace hcgs;
using namespace hcgs::sim;

static Hull hullOf(int64_t first, int64_t count, int64_t second = 0,
                   int64_t restCount = 0) {
  Hull hull;
  hull.add(Extent{first, count, second, restCount});
  return hull;
}

TEST(FootprintTest, HullsMeetIfTheyShareAnElement) {
  EXPECT_TRUE(hullOf(4, 4).meets(hullOf(7, 1)));
  EXPECT_FALSE(hullOf(4, 4).meets(hullOf(8, 1)));
  EXPECT_FALSE(hullOf(4, 4).meets(hullOf(0, 4)));
  EXPECT_TRUE(hullOf(12, 4, 0, 2).meets(hullOf(5, 1))); // in between
  EXPECT_FALSE(hullOf(4, 4).meets(Hull()));
  EXPECT_FALSE(Hull().meets(hullOf(4, 4)));
  EXPECT_FALSE(Hull().meets(Hull()));
}

TEST(FootprintTest, HullsReachTheLastByte) {
  constexpr int64_t kEnd = int64_t(1) << 31; // of streams
  const Hull last = hullOf(kEnd - 16, 16);
  EXPECT_TRUE(last.meets(hullOf(kEnd - 1, 1)));
  EXPECT_TRUE(hullOf(kEnd - 1, 1).meets(last));
  EXPECT_TRUE(last.meets(hullOf(kEnd - 17, 2)));
  EXPECT_FALSE(last.meets(hullOf(kEnd - 17, 1)));
  EXPECT_FALSE(last.meets(Hull()));
}

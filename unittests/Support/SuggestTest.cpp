// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names that were meant.

#include "hcgs/Support/Suggest.h"
#include "gtest/gtest.h"

#include <vector>

using namespace hcgs;

TEST(Suggest, NamesTheNearest) {
  const std::vector<std::string> names = {"lanes", "latency", "tiles"};
  EXPECT_EQ(didYouMean("lane", names), "; did you mean 'lanes'?");
  EXPECT_EQ(didYouMean("latnecy", names), "; did you mean 'latency'?");
  EXPECT_EQ(didYouMean("files", names), "; did you mean 'tiles'?");
}

TEST(Suggest, IsSilentIfNothingIsNear) {
  const std::vector<std::string> names = {"lanes", "latency", "tiles"};
  EXPECT_EQ(didYouMean("queue", names), "");
  EXPECT_EQ(didYouMean("", names), "");
  EXPECT_EQ(didYouMean("lanes", {}), "");
  EXPECT_EQ(didYouMean(std::string(100000, 'x'), names), "");
}

TEST(Suggest, OfEquallyNearNamesTheFirst) {
  const std::vector<std::string> names = {"vmem", "amem"};
  EXPECT_EQ(didYouMean("bmem", names), "; did you mean 'vmem'?");
}

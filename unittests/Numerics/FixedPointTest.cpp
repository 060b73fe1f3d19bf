// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/FixedPoint.h"

#include "gtest/gtest.h"
#include <limits>
#include <random>

using namespace hcgs::numerics;

namespace {

/// A-RQ-1 with real-number arithmetic, which long double does exactly here.
int64_t naiveRequantize(int64_t a, int s, int b) {
  const long double scaled = std::ldexp(static_cast<long double>(a), -s);
  long double rounded = std::floor(scaled + (s > 0 ? 0.5L : 0.0L));
  const long double high = std::ldexp(1.0L, b - 1);
  rounded = std::min(std::max(rounded, -high), high - 1);
  return static_cast<int64_t>(rounded);
}

TEST(FixedPoint, RequantizeMatchesRealArithmetic_A_RQ_1) {
  std::mt19937_64 random(1);
  constexpr int32_t least = std::numeric_limits<int32_t>::min();
  constexpr int32_t most = std::numeric_limits<int32_t>::max();
  for (int b = 2; b <= 16; ++b)
    for (int s = -15; s <= 31; ++s) {
      for (const int32_t a :
           {0, 1, -1, 2, -2, 3, -3, least, least + 1, most, most - 1})
        ASSERT_EQ(requantize(a, s, b), naiveRequantize(a, s, b))
            << a << " " << s << " " << b;
      for (int i = 0; i < 50; ++i) {
        const auto a = static_cast<int32_t>(random() >> (32 + random() % 32));
        ASSERT_EQ(requantize(a, s, b), naiveRequantize(a, s, b))
            << a << " " << s << " " << b;
      }
    }
}

TEST(FixedPoint, HalvesRoundUpInRequantize_A_RQ_1) {
  EXPECT_EQ(requantize(1, 1, 16), 1);
  EXPECT_EQ(requantize(-1, 1, 16), 0);
  EXPECT_EQ(requantize(-3, 1, 16), -1);
  EXPECT_EQ(requantize(std::numeric_limits<int32_t>::max(), 31, 16), 1);
  EXPECT_EQ(requantize(std::numeric_limits<int32_t>::min(), 31, 16), -1);
}

TEST(FixedPoint, CountsSaturations_A_RQ_2) {
  EXPECT_FALSE(requantizeSaturates(127, 0, 8));
  EXPECT_TRUE(requantizeSaturates(128, 0, 8));
  EXPECT_FALSE(requantizeSaturates(-128, 0, 8));
  EXPECT_TRUE(requantizeSaturates(-129, 0, 8));
  // 255 / 2 = 127.5 rounds to 128, which has to be saturated.
  EXPECT_TRUE(requantizeSaturates(255, 1, 8));
}

TEST(FixedPoint, FloatsRoundHalfAwayFromZero_A_FX_3) {
  EXPECT_EQ(toCode(0.5, {8, 0}), 1);
  EXPECT_EQ(toCode(-0.5, {8, 0}), -1);
  EXPECT_EQ(toCode(2.5, {8, 0}), 3);
  EXPECT_EQ(toCode(-2.5, {8, 0}), -3);
  EXPECT_EQ(toCode(1.0, {13, 12}), 4095);
  EXPECT_EQ(toCode(-1.0, {13, 12}), -4096);
  EXPECT_EQ(toCode(1000.0, {8, -2}), 127);
  EXPECT_EQ(toCode(100.0, {8, -2}), 25);
  EXPECT_EQ(toCode(1e300, {32, 64}), 2147483647);
  EXPECT_EQ(toCode(-std::numeric_limits<double>::infinity(), {8, 0}), -128);
  EXPECT_FALSE(checkedCode(std::nan(""), {8, 0}));
  EXPECT_EQ(toValue(-3, {8, 1}), -1.5);
  EXPECT_EQ(toValue(3, {8, -2}), 12.0);
}

TEST(FixedPoint, LargestFracIsTheLastThatFits) {
  EXPECT_EQ(largestFrac(-1.0, 0.999, 13), 12);
  EXPECT_EQ(largestFrac(-1.0, 1.0, 13), 11); // +1 has no code at 12
  EXPECT_EQ(largestFrac(0.0, 0.0, 13), 12);
  EXPECT_EQ(largestFrac(-2.3, 2.3, 13), 10);
  EXPECT_EQ(largestFrac(0.0, 1e30, 8), -16); // nothing fits
  EXPECT_EQ(largestFrac(0.0, 1e-30, 8), 30);
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> exponent(-8.0, 14.0);
  for (int i = 0; i < 2000; ++i) {
    const double max = std::exp2(exponent(random));
    const double min = -std::exp2(exponent(random));
    const int bits = 2 + static_cast<int>(random() % 15);
    const int frac = largestFrac(min, max, bits);
    const auto fits = [&](int f) {
      const double high = std::ldexp(1.0, bits - 1);
      return std::floor(std::ldexp(max, f) + 0.5) <= high - 1 &&
             std::ceil(std::ldexp(min, f) - 0.5) >= -high;
    };
    ASSERT_TRUE(fits(frac) || frac == -16);
    ASSERT_TRUE(!fits(frac + 1) || frac == 30);
  }
}

} // namespace

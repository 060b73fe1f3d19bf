// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/WeightQuantizer.h"

#include "gtest/gtest.h"
#include <cmath>
#include <random>
#include <vector>

using namespace hcgs::numerics;

namespace {

/// A-W-3, word by word.
int naiveCode(float weight, int exponent, WeightFormat format) {
  const double u = static_cast<double>(weight) * std::ldexp(1.0, exponent);
  double m = format.rounding == WeightRounding::Nearest
                 ? std::floor(std::fabs(u) + 0.5)
                 : std::ceil(std::fabs(u));
  if (format.encoding == WeightEncoding::Twos) {
    m = std::min(m, std::ldexp(1.0, format.bits - 1) - 1);
  } else {
    m = std::min(std::max(m, 1.0), std::ldexp(1.0, format.bits - 1));
    if (weight == 0.0f)
      return 1;
  }
  return static_cast<int>(weight < 0 ? -m : m);
}

double naiveError(const std::vector<float> &weights, int exponent,
                  WeightFormat format) {
  double sum = 0.0;
  for (const float w : weights) {
    const double difference =
        static_cast<double>(w) -
        naiveCode(w, exponent, format) * std::ldexp(1.0, -exponent);
    const double square = difference * difference;
    sum += square;
  }
  return sum;
}

/// A-W-4 by trying all 47.
int naiveExponent(const std::vector<float> &weights, WeightFormat format) {
  bool allZero = true;
  for (const float w : weights)
    allZero &= w == 0.0f;
  if (allZero)
    return 0;
  int best = -16;
  double least = naiveError(weights, -16, format);
  for (int e = -15; e <= 30; ++e) {
    const double error = naiveError(weights, e, format);
    if (error < least) {
      least = error;
      best = e;
    }
  }
  return best;
}

std::vector<WeightFormat> allFormats() {
  std::vector<WeightFormat> formats;
  for (int bits = 2; bits <= 8; ++bits)
    for (const auto encoding : {WeightEncoding::Twos, WeightEncoding::SignMag})
      for (const auto rounding :
           {WeightRounding::Nearest, WeightRounding::Ceil})
        formats.push_back({bits, encoding, rounding});
  return formats;
}

TEST(WeightQuantizer, CodesFollowTheRule_A_W_3) {
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  for (const WeightFormat format : allFormats())
    for (int e = -16; e <= 30; ++e)
      for (int i = 0; i < 40; ++i) {
        float w =
            std::ldexp(normal(random), static_cast<int>(random() % 20) - e);
        if (i == 0)
          w = 0.0f;
        if (i == 1)
          w = -0.0f;
        if (i == 2)
          w = std::ldexp(2.5f, -e); // a half
        if (i == 3)
          w = -1e38f;
        ASSERT_EQ(quantizeWeight(w, e, format), naiveCode(w, e, format))
            << w << " e " << e << " bits " << format.bits;
      }
}

TEST(WeightQuantizer, ExponentIsTheBestOfAll_A_W_4) {
  std::mt19937_64 random(4);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  int seen[2] = {};
  for (int round = 0; round < 60; ++round)
    for (const WeightFormat format : allFormats()) {
      const size_t count = 1 + random() % 60;
      const int scale = static_cast<int>(random() % 40) - 20;
      std::vector<float> weights(count);
      for (float &w : weights)
        switch (round % 5) {
        case 0: // bell-shaped, as trained weights are
          w = std::ldexp(normal(random), scale);
          break;
        case 1: // powers of two: many exponents are equally good
          w = std::ldexp(random() % 2 ? 1.0f : -1.0f,
                         scale + static_cast<int>(random() % 3));
          break;
        case 2: // a few giants: clipping pays
          w = std::ldexp(normal(random), scale) *
              (random() % 20 == 0 ? 100.0f : 1.0f);
          break;
        case 3: // many zeros
          w = random() % 2 ? 0.0f : std::ldexp(normal(random), scale);
          break;
        case 4: // beyond the exponents' range on either side
          w = std::ldexp(normal(random), scale * 5);
          break;
        }
      const ExponentChoice choice = chooseExponent(weights, format);
      ASSERT_EQ(choice.exponent, naiveExponent(weights, format))
          << "round " << round << " bits " << format.bits;
      ASSERT_EQ(choice.squaredError,
                naiveError(weights, choice.exponent, format));
      ASSERT_EQ(squaredError(weights, 3, format),
                naiveError(weights, 3, format));
      ++seen[choice.exponent > 0];
    }
  EXPECT_GT(seen[0], 100);
  EXPECT_GT(seen[1], 100);
}

TEST(WeightQuantizer, ZerosAreCounted) {
  const std::vector<float> weights = {0.0f, -0.0f, 0.5f};
  const ExponentChoice choice = chooseExponent(weights, {});
  EXPECT_EQ(choice.zeros, 2);
  EXPECT_FALSE(choice.allZero);
  const std::vector<float> zeros(5);
  EXPECT_TRUE(chooseExponent(zeros, {}).allZero);
  EXPECT_EQ(chooseExponent(zeros, {}).exponent, 0);
}

TEST(WeightQuantizer, PatternsRoundTrip_A_W_1) {
  for (const WeightFormat format : allFormats()) {
    int codes = 0;
    for (uint32_t pattern = 0; pattern < 1u << format.bits; ++pattern) {
      const int code = decodeWeight(pattern, format);
      EXPECT_EQ(encodeWeight(code, format), pattern);
      EXPECT_EQ(isValidPattern(pattern, format),
                std::abs(code) <= format.maxMagnitude());
      codes += isValidPattern(pattern, format);
    }
    EXPECT_EQ(codes,
              (1 << format.bits) - (format.encoding == WeightEncoding::Twos));
  }
  // As the specification writes them.
  const WeightFormat signmag{6, WeightEncoding::SignMag};
  EXPECT_EQ(encodeWeight(1, signmag), 0b000000u);
  EXPECT_EQ(encodeWeight(32, signmag), 0b011111u);
  EXPECT_EQ(encodeWeight(-1, signmag), 0b100000u);
  EXPECT_EQ(encodeWeight(-32, signmag), 0b111111u);
  const WeightFormat twos{6, WeightEncoding::Twos};
  EXPECT_EQ(encodeWeight(-31, twos), 0b100001u);
  EXPECT_FALSE(isValidPattern(0b100000u, twos));
}

TEST(WeightGrid, IsTheCoarsestThatHoldsEveryWeight) {
  const float codes[] = {0.5f, -0.25f, 1.0f, 0.75f};
  const WeightGrid grid = findGrid(codes);
  EXPECT_EQ(grid.exponent, 2);
  EXPECT_EQ(grid.largest, 4);
  EXPECT_EQ(grid.zeros, 0);
  EXPECT_TRUE(grid.isCoarse());
  // 4 = 2^(3-1) is the largest magnitude of 3 bits signmag, one too many twos.
  EXPECT_EQ(grid.bits(WeightEncoding::SignMag), 3);
  EXPECT_EQ(grid.bits(WeightEncoding::Twos), 4);

  const float withZeros[] = {0.0f, -0.0f, 3.0f};
  EXPECT_EQ(findGrid(withZeros).zeros, 2);
  EXPECT_EQ(findGrid(withZeros).exponent, 0);
  EXPECT_EQ(findGrid(withZeros).bits(WeightEncoding::Twos), 3);

  const float large[] = {96.0f, 64.0f};
  EXPECT_EQ(findGrid(large).exponent, -5);
  const float fine[] = {0.1f, 0.7f};
  EXPECT_FALSE(findGrid(fine).isCoarse());
  const float wide[] = {1.0f, 0x1p-8f};
  EXPECT_FALSE(findGrid(wide).isCoarse());
  const float full[] = {1.0f, 0x1p-7f};
  EXPECT_TRUE(findGrid(full).isCoarse());
  EXPECT_EQ(findGrid(full).bits(WeightEncoding::Twos), 9);
  const float extreme[] = {0x1.8p127f, 0x1p-149f};
  EXPECT_EQ(findGrid(extreme).exponent, 149);
  EXPECT_EQ(findGrid(extreme).largest, int64_t(1) << 62);
  const float subnormal[] = {0x1.8p-140f, 0x1p-142f};
  EXPECT_EQ(findGrid(subnormal).exponent, 142);
  EXPECT_EQ(findGrid(subnormal).largest, 6);
  // No exponent of a format.
  EXPECT_FALSE(findGrid(subnormal).isCoarse());
  EXPECT_TRUE(findGrid({}).isCoarse());
}

TEST(WeightGrid, CodesOfItsWidthHaveNoError) {
  std::mt19937_64 random(9);
  for (const WeightEncoding encoding :
       {WeightEncoding::Twos, WeightEncoding::SignMag})
    for (int bits = 2; bits <= 8; ++bits) {
      const WeightFormat format{bits, encoding, WeightRounding::Ceil};
      std::uniform_int_distribution<int> uniform(1, format.maxMagnitude());
      std::vector<float> weights;
      for (int i = 0; i < 60; ++i)
        weights.push_back(std::ldexp(
            static_cast<float>(i % 2 ? uniform(random) : -uniform(random)),
            -bits));
      weights.push_back(
          std::ldexp(static_cast<float>(format.maxMagnitude()), -bits));
      const WeightGrid grid = findGrid(weights);
      EXPECT_LE(grid.bits(encoding), bits);
      EXPECT_TRUE(grid.isCoarse());
      const ExponentChoice choice = chooseExponent(weights, format);
      EXPECT_EQ(choice.squaredError, 0.0);
      EXPECT_GE(choice.exponent, grid.exponent);
    }
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ranges from recorded values. test/python/test_calibration.py computes the
// choices of mse and kl once more, in NumPy, from the values themselves.

#include "hcgs/Numerics/RangeRecorder.h"

#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace hcgs::numerics;

namespace {

std::vector<float> normalValues(int count, float deviation, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(count);
  for (float &v : values)
    v = normal(random);
  return values;
}

/// Everything a recorder answers.
std::vector<double> answers(const RangeRecorder &recorder) {
  std::vector<double> all = {recorder.min(), recorder.max(),
                             static_cast<double>(recorder.count())};
  for (const double percent : {10.0, 90.0, 99.9, 100.0})
    all.push_back(recorder.magnitudePercentile(percent));
  for (const int bits : {4, 8, 13, 16}) {
    all.push_back(recorder.leastSquaresLimit(bits));
    all.push_back(recorder.divergenceLimit(bits));
  }
  for (const double limit : {0.25, 1.0, 3.0})
    all.push_back(recorder.shareAbove(limit));
  return all;
}

TEST(RangeRecorder, PercentilesBoundTheGivenShare) {
  const std::vector<float> values = normalValues(20000, 3.0f, 8);
  RangeRecorder recorder;
  recorder.add(values);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_EQ(recorder.min(), *least);
  EXPECT_EQ(recorder.max(), *most);
  std::vector<double> magnitudes;
  for (const float v : values)
    magnitudes.push_back(std::fabs(v));
  std::sort(magnitudes.begin(), magnitudes.end());
  for (const double percent : {0.01, 10.0, 50.0, 99.0, 99.99, 100.0}) {
    const auto count = static_cast<size_t>(
        std::ceil(static_cast<double>(values.size()) * percent / 100.0));
    const double exact = magnitudes[count - 1];
    const double found = recorder.magnitudePercentile(percent);
    EXPECT_GE(found, exact) << percent;
    // The largest magnitude is below 16.
    EXPECT_LE(found, exact + 16.0 / 65536) << percent;
  }
  EXPECT_EQ(recorder.magnitudePercentile(100.0), magnitudes.back());
}

TEST(RangeRecorder, NeitherOrderNorBatchesMatter) {
  std::vector<float> values = normalValues(5000, 1.0f, 1);
  // Magnitudes that make the bins grow, several at once and by a lot.
  values.insert(values.end(), {0.0f, -0.0f, 1e-6f, -7.0f, 100.0f, -3e5f});
  RangeRecorder whole;
  whole.add(values);
  std::mt19937_64 random(2);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    RangeRecorder parts, merged;
    for (size_t at = 0; at < values.size();) {
      const size_t count =
          std::min<size_t>(values.size() - at, 1 + random() % 700);
      const auto part = std::span<const float>(values).subspan(at, count);
      parts.add(part);
      RangeRecorder one;
      one.add(part);
      // Either way round.
      if (round % 2) {
        one.merge(merged);
        merged = one;
      } else {
        merged.merge(one);
      }
      at += count;
    }
    EXPECT_EQ(answers(parts), answers(whole));
    EXPECT_EQ(answers(merged), answers(whole));
  }
}

TEST(RangeRecorder, RangesNeedNotHoldZero) {
  RangeRecorder recorder;
  for (const float value : {3.0f, 2.5f, 4.0f})
    recorder.add({&value, 1});
  EXPECT_EQ(recorder.min(), 2.5);
  EXPECT_EQ(recorder.max(), 4.0);
  EXPECT_EQ(recorder.shareAbove(4.0), 0.0); // nothing is larger
  EXPECT_EQ(recorder.shareAbove(3.0), 2.0 / 3.0);
  RangeRecorder below, both;
  for (const float value : {-1.0f, -0.5f})
    below.add({&value, 1});
  EXPECT_EQ(below.max(), -0.5);
  both.merge(below);
  EXPECT_EQ(both.max(), -0.5);
  both.merge(recorder);
  EXPECT_EQ(both.min(), -1.0);
  EXPECT_EQ(both.max(), 4.0);
}

TEST(RangeRecorder, ZerosAndNothing) {
  RangeRecorder recorder;
  EXPECT_TRUE(recorder.empty());
  const float zeros[] = {0.0f, -0.0f, 0.0f};
  recorder.add(zeros);
  EXPECT_FALSE(recorder.empty());
  EXPECT_EQ(recorder.max(), 0.0);
  EXPECT_EQ(recorder.magnitudePercentile(50.0), 0.0);
  EXPECT_EQ(recorder.shareAbove(1.0), 0.0);
  EXPECT_EQ(recorder.leastSquaresLimit(8), 0);
  EXPECT_EQ(recorder.divergenceLimit(8), 0);
  const float one[] = {1.0f};
  recorder.add(one);
  EXPECT_EQ(recorder.magnitudePercentile(75.0), 0.0);
  EXPECT_EQ(recorder.magnitudePercentile(76.0), 1.0);
}

TEST(RangeRecorder, WhatIsNotFiniteIsTold) {
  RangeRecorder recorder;
  const float values[] = {1.0f, std::numeric_limits<float>::quiet_NaN(), -2.0f};
  EXPECT_FALSE(recorder.sawNonFinite());
  recorder.add(values);
  EXPECT_TRUE(recorder.sawNonFinite());
  EXPECT_EQ(recorder.count(), 2);
  EXPECT_EQ(recorder.min(), -2.0);
  const float infinite[] = {std::numeric_limits<float>::infinity()};
  RangeRecorder other;
  other.add(infinite);
  EXPECT_TRUE(other.sawNonFinite());
  EXPECT_TRUE(other.empty());
}

TEST(RangeRecorder, FewBitsCutWhatManyKeep) {
  // A normal distribution with some values far out: 4 bits do better to cut
  // them, 16 bits lose nothing by keeping them.
  std::vector<float> values = normalValues(100000, 1.0f, 3);
  for (int i = 0; i < 20; ++i)
    values.push_back(30.0f);
  RangeRecorder recorder;
  recorder.add(values);
  EXPECT_EQ(recorder.leastSquaresLimit(16), 5);
  EXPECT_LE(recorder.leastSquaresLimit(4), 2);
  EXPECT_EQ(recorder.divergenceLimit(8), 2);
  EXPECT_EQ(recorder.shareAbove(8.0), 20.0 / 100020);
}

TEST(RangeRecorder, UniformValuesAreNotCut) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<float> uniform(-3.9f, 3.9f);
  std::vector<float> values(50000);
  for (float &v : values)
    v = uniform(random);
  RangeRecorder recorder;
  recorder.add(values);
  for (const int bits : {4, 8, 13}) {
    EXPECT_EQ(recorder.leastSquaresLimit(bits), 2) << bits;
    EXPECT_EQ(recorder.divergenceLimit(bits), 2) << bits;
  }
}

} // namespace

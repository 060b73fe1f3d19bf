// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Analysis/Quantity.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace hcgs::analysis;

namespace {

constexpr double kAll[] = {1.0, 1.0};

/// One step of two elements: the reference and two stages.
void addStep(Quantity &quantity, int64_t step, std::vector<double> reference,
             std::vector<double> first, std::vector<double> second) {
  quantity.add(step, {reference.data(), first.data(), second.data()}, 2, kAll,
               2);
}

TEST(Quantity, SumsEnergiesByStageAndStep) {
  Quantity quantity("h", 3);
  addStep(quantity, 0, {3.0, 4.0}, {3.0, 4.5}, {2.0, 4.5});
  addStep(quantity, 1, {0.0, 1.0}, {0.0, 1.0}, {0.0, 3.0});
  EXPECT_EQ(quantity.elements, 4);
  EXPECT_DOUBLE_EQ(quantity.signal, 26.0);
  EXPECT_DOUBLE_EQ(quantity.peak, 4.0);
  EXPECT_DOUBLE_EQ(quantity.stages[1].error, 0.25);
  EXPECT_DOUBLE_EQ(quantity.stages[2].error, 1.25 + 4.0);
  // The second stage's own difference is from the first.
  EXPECT_DOUBLE_EQ(quantity.stages[2].own, 1.0 + 4.0);
  EXPECT_DOUBLE_EQ(quantity.stages[2].absolute, 1.5 + 2.0);
  EXPECT_DOUBLE_EQ(quantity.stages[2].maximum, 2.0);
  EXPECT_DOUBLE_EQ(quantity.stages[2].steps[1].error, 4.0);
  EXPECT_DOUBLE_EQ(*quantity.sqnr(1), 10 * std::log10(26.0 / 0.25));
  EXPECT_FALSE(quantity.sqnr(1, 1)); // no error at step 1
}

TEST(Quantity, LeavesOutMaskedLanes) {
  Quantity quantity("h", 2);
  const std::vector<double> reference = {1.0, 9.0, 2.0, 9.0};
  const std::vector<double> other = {1.5, 0.0, 2.0, 0.0};
  const double mask[] = {1.0, 0.0};
  quantity.add(0, {reference.data(), other.data()}, 4, mask, 2);
  EXPECT_EQ(quantity.elements, 2);
  EXPECT_DOUBLE_EQ(quantity.signal, 5.0);
  EXPECT_DOUBLE_EQ(quantity.stages[1].error, 0.25);
}

TEST(Quantity, FindsTheFirstStepOverTheThreshold) {
  Quantity quantity("h", 3);
  addStep(quantity, 0, {1.0, 0.0}, {1.0, 0.0}, {1.05, 0.0});
  addStep(quantity, 1, {1.0, 0.0}, {1.0, 0.0}, {1.2, 0.0});
  addStep(quantity, 2, {1.0, 0.0}, {1.0, 0.0}, {1.01, 0.0});
  EXPECT_EQ(quantity.firstOver(2, 0.1), 1);
  EXPECT_EQ(quantity.firstOver(2, 0.01), 0);
  EXPECT_EQ(quantity.firstOver(2, 0.5), std::nullopt);
  EXPECT_EQ(quantity.firstOver(1, 0.1), std::nullopt);
}

/// A quantity whose error changes by `db` a step while the signal stays.
std::optional<Growth> growthOf(double db, int64_t steps) {
  Quantity quantity("h", 3);
  for (int64_t t = 0; t < steps; ++t) {
    const double error = 0.01 * std::pow(10.0, db * double(t) / 20.0);
    addStep(quantity, t, {1.0, 1.0}, {1.0, 1.0}, {1.0 + error, 1.0});
  }
  return quantity.growth(2);
}

TEST(Quantity, TellsGrowingErrorsFromSteadyOnes) {
  std::optional<Growth> growth = growthOf(0.5, 20);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->slope, 0.5, 1e-6);
  EXPECT_NEAR(growth->relativeSlope, 0.5, 1e-6);
  EXPECT_NEAR(growth->r2, 1.0, 1e-6);
  EXPECT_EQ(growth->verdict, Growth::Verdict::Grows);
  EXPECT_EQ(growthOf(-0.5, 20)->verdict, Growth::Verdict::Shrinks);
  // 19 steps of 0.1 dB are less than 3 dB.
  EXPECT_EQ(growthOf(0.1, 20)->verdict, Growth::Verdict::Steady);
  EXPECT_FALSE(growthOf(0.5, 3));
}

TEST(Quantity, ComparesGrowthWithTheSignal) {
  Quantity quantity("c", 3);
  for (int64_t t = 0; t < 20; ++t) {
    const double size = std::pow(10.0, double(t) / 20.0); // 1 dB a step
    addStep(quantity, t, {size, 0.0}, {size, 0.0}, {1.01 * size, 0.0});
  }
  const std::optional<Growth> growth = quantity.growth(2);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->slope, 1.0, 1e-6);
  EXPECT_NEAR(growth->relativeSlope, 0.0, 1e-6);
  EXPECT_EQ(growth->verdict, Growth::Verdict::Steady);
}

} // namespace

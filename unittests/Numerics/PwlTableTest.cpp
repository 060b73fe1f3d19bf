// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/PwlFit.h"

#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace hcgs::numerics;

namespace {

/// A-PWL-2 and A-PWL-3 once more, with divisions in place of shifts.
int naiveEvaluate(const PwlTable &table, int z) {
  const int half = 1 << table.k;
  if (z < -half)
    return table.lo;
  if (z >= half)
    return table.hi;
  const int length = 2 * half / (1 << table.n);
  const int segment = (z + half) / length;
  const int d = (z + half) % length;
  const PwlTable::Entry &entry = table.entries[segment];
  const double r = table.s > 0 ? std::ldexp(1.0, table.s - 1) : 0.0;
  const double y =
      entry.base +
      std::floor(std::ldexp(double(entry.slope) * d + r, -table.s));
  const double high = std::ldexp(1.0, table.b - 1);
  return static_cast<int>(std::min(std::max(y, -high), high - 1));
}

TEST(PwlTable, EvaluateFollowsTheRule_A_PWL_3) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    PwlTable table;
    table.k = static_cast<int>(random() % 16);
    table.n = static_cast<int>(random() % (std::min(9, table.k + 1) + 1));
    table.s = static_cast<int>(random() % 32);
    table.b = 2 + static_cast<int>(random() % 15);
    table.lo = 1;
    table.hi = -2;
    table.entries.resize(size_t(1) << table.n);
    for (PwlTable::Entry &entry : table.entries)
      entry = {static_cast<int16_t>(random()), static_cast<int16_t>(random())};
    ASSERT_TRUE(verify(table)) << verify(table).message();
    for (int z = -32768; z <= 32767; z += 1 + static_cast<int>(random() % 5))
      ASSERT_EQ(table.evaluate(static_cast<int16_t>(z)),
                naiveEvaluate(table, z))
          << "z " << z << " k " << table.k << " n " << table.n << " s "
          << table.s;
  }
}

double fitError(ActivationKind kind, int inFrac, FxFormat output,
                PwlOptions options = {}) {
  const Activation function = Activation::of(kind);
  const auto table = fitPwl(function, inFrac, output, options);
  EXPECT_TRUE(table.ok());
  EXPECT_TRUE(verify(*table).ok());
  const PwlError error = worstError(*table, function);
  // The report against an own scan.
  double worst = 0.0;
  for (int z = -32768; z <= 32767; ++z)
    worst = std::max(worst, std::fabs(naiveEvaluate(*table, z) -
                                      function(z * std::ldexp(1.0, -inFrac)) *
                                          std::ldexp(1.0, output.frac)));
  EXPECT_EQ(error.worst, worst);
  return error.worst;
}

TEST(PwlTable, SigmoidAndTanhAreWithinAFewLsb_A_PWL_4) {
  EXPECT_LT(fitError(ActivationKind::Sigmoid, 12, {13, 12}), 1.0);
  EXPECT_LT(fitError(ActivationKind::Tanh, 12, {13, 12}), 1.75);
  EXPECT_LT(fitError(ActivationKind::Tanh, 12, {13, 12}, {9, 15}), 1.01);
  EXPECT_LT(fitError(ActivationKind::Sigmoid, 12, {8, 7}), 1.01);
  EXPECT_LT(fitError(ActivationKind::Tanh, 12, {8, 7}), 1.01);
  // Few segments: curvature dominates, (1/16)*max|f''|*length^2 at best.
  EXPECT_LT(fitError(ActivationKind::Tanh, 12, {13, 12}, {6, 15}), 14.0);
  EXPECT_GT(fitError(ActivationKind::Tanh, 12, {13, 12}, {6, 15}), 9.0);
}

TEST(PwlTable, StraightFunctionsAreExact) {
  // Same fraction, and a coarser output, where rounding alone is left.
  EXPECT_EQ(fitError(ActivationKind::Identity, 8, {16, 8}), 0.0);
  EXPECT_EQ(fitError(ActivationKind::Relu, 8, {16, 8}), 0.0);
  EXPECT_EQ(fitError(ActivationKind::Relu, 8, {16, 8}, {1, 15}), 0.0);
  EXPECT_EQ(fitError(ActivationKind::Identity, 10, {14, 7}), 0.5);
  EXPECT_EQ(fitError(ActivationKind::Relu, 10, {14, 7}), 0.5);
}

TEST(PwlTable, SaturatingSegmentsStayExactWhereTheyCan) {
  // Identity into a format that holds an eighth of the input range.
  const auto table =
      fitPwl(Activation::of(ActivationKind::Identity), 12, {13, 12});
  ASSERT_TRUE(table);
  for (int z = -32768; z <= 32767; ++z)
    ASSERT_EQ(table->evaluate(static_cast<int16_t>(z)), saturate(z, 13)) << z;
}

TEST(PwlTable, AllActivationsFit) {
  for (const std::string_view name : activationNames()) {
    const auto kind = parseActivation(name);
    ASSERT_TRUE(kind);
    const Activation function = Activation::of(*kind);
    const int frac = isBoundedByOne(function) ? 12 : 8;
    const auto table = fitPwl(function, 12, {13, frac});
    ASSERT_TRUE(table) << name;
    const PwlError error = worstError(*table, function);
    // A threshold jumps behind the edge at 1: that one input is off.
    if (kind == ActivationKind::ThresholdedRelu) {
      EXPECT_EQ(error.at, 4096);
      EXPECT_LE(std::abs(table->evaluate(4097) - 256), 1);
      EXPECT_EQ(table->evaluate(4095), 0);
    } else {
      // Curvature: length^2 * max|f''| / 16, softsign having the most.
      EXPECT_LT(error.worst, 2.5) << name;
    }
  }
  EXPECT_EQ(parseActivation("LeakyRelu"), ActivationKind::LeakyRelu);
  EXPECT_EQ(parseActivation("HardSigmoid"), ActivationKind::HardSigmoid);
  EXPECT_FALSE(parseActivation("sine"));
}

TEST(PwlTable, SmallDomainsUseLoAndHi_A_PWL_2) {
  const auto table =
      fitPwl(Activation::of(ActivationKind::Sigmoid), 12, {13, 12}, {4, 12});
  ASSERT_TRUE(table);
  EXPECT_EQ(table->k, 12);
  EXPECT_EQ(table->evaluate(-4097), table->lo);
  EXPECT_EQ(table->evaluate(4096), table->hi);
  EXPECT_GT(table->lo, 0);
  EXPECT_LT(table->hi, 4096);
}

TEST(PwlTable, RefusesWhatCannotBe) {
  const Activation tanh = Activation::of(ActivationKind::Tanh);
  EXPECT_FALSE(fitPwl(tanh, 12, {13, 12}, {10, 15}));
  EXPECT_FALSE(fitPwl(tanh, 12, {13, 12}, {8, 16}));
  EXPECT_FALSE(fitPwl(tanh, 12, {13, 12}, {4, 2})); // n > k + 1
  EXPECT_FALSE(fitPwl(tanh, 12, {17, 12}));
  EXPECT_FALSE(fitPwl([](double x) { return 1.0 / x; }, 12, {13, 12}));
  auto table = *fitPwl(tanh, 12, {13, 12});
  EXPECT_TRUE(verify(table));
  table.entries.pop_back();
  EXPECT_FALSE(verify(table));
  table.entries.resize(256);
  table.hi = 4096;
  EXPECT_FALSE(verify(table));
}

} // namespace

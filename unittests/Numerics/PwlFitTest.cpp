// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables of functions: what is asked for is kept, and what is said of a table
// is true. Every check scans all inputs on its own.
//
#include "hcgs/Numerics/PwlFit.h"

#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace hcgs::numerics;

namespace {

/// A-PWL-6 once more, with divisions and doubles in place of shifts.
int naiveTwoLevel(const PwlTable &table, int z) {
  const bool left = table.centre && z < 0;
  const int u = (left ? -z : z) - table.origin;
  const int width = 1 << table.w;
  if (u < 0 || u >= static_cast<int>(table.directory.size()) * width)
    return (table.centre ? z < 0 : u < 0) ? table.lo : table.hi;
  const PwlTable::Region &region = table.directory[u / width];
  const int length = width / (1 << region.bits);
  const PwlTable::Entry &entry =
      table.entries[region.first + u % width / length];
  const double line =
      std::ldexp(entry.base, -table.p) +
      std::ldexp(static_cast<double>(entry.slope) * (u % length), -table.s);
  double y = std::floor(line + (table.s > 0 ? 0.5 : 0.0));
  if (left)
    y = *table.centre - y;
  const double high = std::ldexp(1.0, table.b - 1);
  return static_cast<int>(std::min(std::max(y, -high), high - 1));
}

PwlTable randomTwoLevel(std::mt19937_64 &random) {
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random() % (high - low + 1));
  };
  PwlTable table;
  table.kind = PwlKind::TwoLevel;
  table.w = between(0, 16);
  table.s = between(0, 31);
  table.p = between(0, std::min(table.s, 15));
  table.b = between(2, 16);
  table.lo = 1;
  table.hi = -2;
  if (between(0, 1))
    table.centre = between(-65536, 65536);
  else
    table.origin = between(-65536, 32767);
  table.entries.resize(between(1, maxPwlEntries));
  for (PwlTable::Entry &entry : table.entries)
    entry = {static_cast<int16_t>(random()), static_cast<int16_t>(random())};
  table.directory.resize(between(1, maxPwlRegions));
  for (PwlTable::Region &region : table.directory) {
    do
      region.bits = static_cast<uint8_t>(between(0, std::min(9, table.w)));
    while (1u << region.bits > table.entries.size());
    region.first = static_cast<uint16_t>(between(
        0, static_cast<int>(table.entries.size()) - (1 << region.bits)));
  }
  return table;
}

TEST(PwlTwoLevel, EvaluateFollowsTheRule_A_PWL_6) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 80; ++round) {
    const PwlTable table = randomTwoLevel(random);
    ASSERT_TRUE(verify(table)) << verify(table).message();
    for (int z = -32768; z <= 32767; ++z)
      ASSERT_EQ(table.evaluate(static_cast<int16_t>(z)),
                naiveTwoLevel(table, z))
          << "z " << z << " of table " << round;
  }
}

TEST(PwlTwoLevel, PiecesAreTheTable) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 60; ++round) {
    PwlTable table = randomTwoLevel(random);
    if (round % 3 == 0)
      table = *fitPwl(Activation::of(ActivationKind::Tanh), 12, {13, 12},
                      {round % 9, 12});
    int next = -32768;
    for (const PwlPiece &piece : pieces(table)) {
      ASSERT_EQ(piece.first, next);
      next = piece.last + 1;
      for (int z = piece.first; z <= piece.last; ++z)
        ASSERT_EQ(saturate(piece.at(z, table.s), table.b),
                  table.evaluate(static_cast<int16_t>(z)))
            << "z " << z << " of table " << round;
    }
    ASSERT_EQ(next, 32768);
  }
}

TEST(PwlTwoLevel, VerifyChecksEveryField) {
  std::mt19937_64 random(9);
  PwlTable good = randomTwoLevel(random);
  good.centre.reset();
  good.origin = 0;
  ASSERT_TRUE(verify(good));
  const auto refused = [&](auto change) {
    PwlTable table = good;
    change(table);
    return !verify(table);
  };
  EXPECT_TRUE(refused([](PwlTable &t) { t.w = 17; }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.p = t.s + 1; }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.origin = -65537; }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.origin = 1, t.centre = 0; }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.centre = 65537; }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.directory.clear(); }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.directory.resize(65); }));
  EXPECT_TRUE(refused([](PwlTable &t) { t.entries.clear(); }));
  EXPECT_TRUE(refused([](PwlTable &t) {
    t.directory[0].first = static_cast<uint16_t>(t.entries.size());
  }));
  EXPECT_TRUE(refused([](PwlTable &t) {
    t.directory[0].bits = static_cast<uint8_t>(std::min(9, t.w) + 1);
  }));
}

/// Checks everything a proof says with loops of its own.
void checkProof(const FittedPwl &fitted, const RealFunction &function) {
  const PwlTable &table = fitted.table;
  ASSERT_TRUE(verify(table)) << verify(table).message();
  const auto wanted = [&](int z) {
    return std::ldexp(function(std::ldexp(z, -table.inFrac)), table.outFrac);
  };
  const auto y = [&](int z) { return table.evaluate(static_cast<int16_t>(z)); };
  double worst = 0.0;
  bool rises = true, tableRises = true;
  for (int z = -32768; z <= 32767; ++z) {
    worst = std::max(worst, std::fabs(y(z) - wanted(z)));
    if (z > -32768) {
      rises &= wanted(z) >= wanted(z - 1);
      tableRises &= y(z) >= y(z - 1);
    }
  }
  EXPECT_EQ(fitted.proof.error.worst, worst);
  EXPECT_EQ(std::fabs(y(fitted.proof.error.at) - wanted(fitted.proof.error.at)),
            worst);
  if (rises) {
    EXPECT_EQ(fitted.proof.monotone, tableRises);
  }
}

TEST(PwlFit, SigmoidAndTanhTakeAtMostOneLsb) {
  for (const auto kind : {ActivationKind::Sigmoid, ActivationKind::Tanh})
    for (const int entries : {64, 128}) {
      const Activation function = Activation::of(kind);
      const auto fitted =
          choosePwl(function, 12, {13, 12}, {PwlChoice::Auto, entries, 0.0});
      ASSERT_TRUE(fitted) << fitted.message();
      checkProof(*fitted, function);
      EXPECT_LE(fitted->proof.error.worst, 1.0);
      EXPECT_LE(static_cast<int>(fitted->table.entries.size()), entries);
      EXPECT_EQ(fitted->table.kind, PwlKind::TwoLevel);
      EXPECT_LE(fitted->proof.jump, 1);
      EXPECT_TRUE(fitted->proof.monotone);
    }
}

TEST(PwlFit, MirroredTablesAreExactlySymmetric_A_PWL_7) {
  const std::pair<ActivationKind, int> cases[] = {
      {ActivationKind::Sigmoid, 4096},
      {ActivationKind::Tanh, 0},
      {ActivationKind::Softsign, 0},
      {ActivationKind::HardSigmoid, 4096}};
  for (const auto &[kind, centre] : cases) {
    const Activation function = Activation::of(kind);
    for (const int entries : {24, 128}) {
      const auto fitted =
          choosePwl(function, 12, {13, 12}, {PwlChoice::Auto, entries, 0.0});
      ASSERT_TRUE(fitted);
      EXPECT_EQ(fitted->table.centre, centre);
      EXPECT_EQ(fitted->proof.symmetry, PwlSymmetry::Exact);
      EXPECT_EQ(fitted->table.evaluate(0), centre / 2);
      for (int z = 1; z <= 32767; ++z) {
        const int right = fitted->table.evaluate(static_cast<int16_t>(z));
        const int left = fitted->table.evaluate(static_cast<int16_t>(-z));
        // Saturation may take one from 1 on either side.
        if (right == 4095)
          ASSERT_LE(std::abs(left - (centre - right)), 1) << z;
        else
          ASSERT_EQ(left, centre - right) << z;
        ASSERT_FALSE(fitted->table.saturates(static_cast<int16_t>(z)));
        ASSERT_FALSE(fitted->table.saturates(static_cast<int16_t>(-z)));
      }
    }
  }
}

/// The jump of A-PWL lines at edges, from evaluations of the table alone: one
/// segment's values carried on by its last difference.
TEST(PwlFit, NeighboursDifferByOneLsbAtTheirEdges) {
  for (const std::string_view name : activationNames()) {
    const Activation function = Activation::of(*parseActivation(name));
    const FxFormat output{13, isBoundedByOne(function) ? 12 : 8};
    for (const auto choice : {PwlChoice::Uniform, PwlChoice::TwoLevel}) {
      const auto fitted = choosePwl(function, 12, output, {choice, 128, 0.0});
      ASSERT_TRUE(fitted) << name << fitted.message();
      checkProof(*fitted, function);
      // Uniform segments give up the input before a threshold.
      if (name == "thresholded_relu" && choice == PwlChoice::Uniform)
        continue;
      // Coarse segments meet only where that does not cost error.
      const double worst = fitted->proof.error.worst;
      const double jump = worst <= 2.0 ? 1.0 : 2.0 * worst + 1.0;
      EXPECT_LE(static_cast<double>(fitted->proof.jump), jump) << name;
      const auto y = [&](int z) {
        return int(fitted->table.evaluate(static_cast<int16_t>(z)));
      };
      const auto f = [&](int z) {
        return std::ldexp(function(std::ldexp(z, -12)), output.frac);
      };
      for (int z = -32767; z <= 32767; ++z) {
        const double step = std::fabs(f(z) - f(z - 1));
        if (step < 100.0) { // else a threshold
          ASSERT_LE(std::abs(y(z) - y(z - 1)), step + jump + 2.0) << name << z;
        }
      }
    }
  }
}

TEST(PwlFit, BoundsAreKeptWithAsFewEntriesAsPossible) {
  for (const auto kind :
       {ActivationKind::Tanh, ActivationKind::Softplus, ActivationKind::Mish}) {
    const Activation function = Activation::of(kind);
    const FxFormat output{13, isBoundedByOne(function) ? 12 : 8};
    for (const auto choice :
         {PwlChoice::Auto, PwlChoice::Uniform, PwlChoice::TwoLevel}) {
      int64_t last = 0;
      for (const double bound : {16.0, 4.0, 2.0, 1.0}) {
        const auto fitted =
            choosePwl(function, 12, output, {choice, 512, bound});
        if (!fitted) { // too much for uniform segments, at most
          EXPECT_EQ(choice, PwlChoice::Uniform) << fitted.message();
          continue;
        }
        checkProof(*fitted, function);
        EXPECT_LE(fitted->proof.error.worst, bound) << activationName(kind);
        EXPECT_GE(fitted->table.bytes(), last);
        last = fitted->table.bytes();
        const size_t entries = fitted->table.entries.size();
        if (choice == PwlChoice::Uniform && entries > 1) {
          // Half as many cannot do.
          EXPECT_FALSE(
              choosePwl(function, 12, output,
                        {choice, static_cast<int>(entries / 2), bound}));
        }
      }
    }
  }
}

TEST(PwlFit, BoundsThatNothingKeepsNameTheBest) {
  const auto fitted = choosePwl(Activation::of(ActivationKind::Tanh), 12,
                                {13, 12}, {PwlChoice::Auto, 512, 0.5});
  ASSERT_FALSE(fitted);
  EXPECT_NE(fitted.message().find(
                "table of tanh: no table with up to 512 entries keeps the "
                "error within 0.5 LSB; the best found has 0.999078 LSB"),
            std::string::npos)
      << fitted.message();
  const auto few = choosePwl(Activation::of(ActivationKind::Tanh), 12, {13, 12},
                             {PwlChoice::Uniform, 16, 1.0});
  ASSERT_FALSE(few);
  EXPECT_NE(few.message().find("no uniform table with up to 16 entries"),
            std::string::npos);
  EXPECT_FALSE(choosePwl(Activation(), 12, {13, 12}, {PwlChoice::Auto, 0, 0}));
  EXPECT_FALSE(
      choosePwl(Activation(), 12, {13, 12}, {PwlChoice::Auto, 513, 0.0}));
  EXPECT_FALSE(
      choosePwl(Activation(), 12, {13, 12}, {PwlChoice::Auto, 64, -1.0}));
  EXPECT_FALSE(choosePwl(Activation(), 12, {17, 12}, {}));
  EXPECT_FALSE(choosePwl([](double x) { return 1.0 / x; }, 12, {13, 12}));
}

TEST(PwlFit, ThresholdsLieOnEdges) {
  for (const double threshold : {1.0, 0.3, -2.7, 7.9}) {
    Activation function = Activation::of(ActivationKind::ThresholdedRelu);
    function.alpha = threshold;
    const auto fitted = choosePwl(function, 12, {13, 8});
    ASSERT_TRUE(fitted);
    checkProof(*fitted, function);
    EXPECT_LE(fitted->proof.error.worst, 0.56) << threshold;
    EXPECT_LE(fitted->table.entries.size(), 2u);
  }
}

TEST(PwlFit, FunctionsThatLeaveTheFormatSaturate) {
  // Only a sixteenth of the identity fits; the rest is the nearest code.
  const auto fitted = choosePwl(Activation::of(ActivationKind::Identity), 12,
                                {13, 12}, {PwlChoice::Auto, 16, 0.5});
  ASSERT_TRUE(fitted) << fitted.message();
  EXPECT_GT(fitted->proof.error.worst, 1000.0);
  EXPECT_EQ(fitted->proof.inRange.worst, 0.0);
  for (int z = -32768; z <= 32767; ++z)
    ASSERT_EQ(fitted->table.evaluate(static_cast<int16_t>(z)), saturate(z, 13));
}

TEST(PwlFit, SamplesAreInterpolated) {
  Activation function;
  function.kind = ActivationKind::Tanh;
  function.samples = std::make_shared<const Samples>(
      Samples{{-2.0, -0.5}, {0.0, 0.25}, {1.0, 0.75}});
  EXPECT_EQ(function(-9.0), -0.5);
  EXPECT_EQ(function(-2.0), -0.5);
  EXPECT_EQ(function(-1.0), -0.125);
  EXPECT_EQ(function(0.5), 0.5);
  EXPECT_EQ(function(1.0), 0.75);
  EXPECT_EQ(function(9.0), 0.75);
  EXPECT_TRUE(isBoundedByOne(function));
  EXPECT_EQ(function.str(), "tanh by 3 samples");
  EXPECT_NE(function, Activation::of(ActivationKind::Tanh));
  const auto fitted =
      choosePwl(function, 12, {13, 12}, {PwlChoice::Auto, 16, 1.0});
  ASSERT_TRUE(fitted) << fitted.message();
  checkProof(*fitted, function);
}

/// Random smooth and kinked functions: whatever is asked for holds.
TEST(PwlFit, RandomFunctions) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  for (int round = 0; round < 12; ++round) {
    Activation function;
    Samples points;
    for (int i = 0; i < 6; ++i)
      points.push_back({-8.0 + 3.2 * i + number(random), number(random)});
    function.samples = std::make_shared<const Samples>(points);
    const int bits = 8 + static_cast<int>(random() % 9);
    const auto fitted =
        choosePwl(function, 12, {bits, bits - 1},
                  {round % 2 ? PwlChoice::Auto : PwlChoice::Uniform, 128, 0.0});
    ASSERT_TRUE(fitted) << fitted.message();
    checkProof(*fitted, function);
    // No worse than a bound as large as the error that was found.
    const double bound = fitted->proof.inRange.worst * 1.01;
    EXPECT_TRUE(choosePwl(
        function, 12, {bits, bits - 1},
        {round % 2 ? PwlChoice::Auto : PwlChoice::Uniform, 128, bound}))
        << round;
  }
}

} // namespace

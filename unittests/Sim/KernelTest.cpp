// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every kernel against the plainest possible loop, over seeded random shapes
// and over the edges of the ranges.
//
#include "TestProgram.h"
#include "hcgs/Numerics/FixedPoint.h"
#include "hcgs/Sim/Kernels.h"

#include <bit>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using compression::Balance;
using compression::Pattern;
using compression::WeightLayout;
using numerics::WeightEncoding;
using numerics::WeightFormat;

namespace {
/// A test on one instruction set; the parameter numbers Kernels::all().
class KernelTest : public ::testing::TestWithParam<size_t> {
protected:
  void SetUp() override { set = Kernels::all()[GetParam()]; }
  const Kernels &kernels() const { return set; }
  Kernels set;
};
} // namespace

INSTANTIATE_TEST_SUITE_P(AllSets, KernelTest,
                         ::testing::Range<size_t>(0, Kernels::all().size()),
                         [](const ::testing::TestParamInfo<size_t> &info) {
                           return std::string(Kernels::all()[info.param].name);
                         });

static int between(std::mt19937 &random, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random);
}

static std::vector<int16_t> randomCodes(std::mt19937 &random, size_t n) {
  std::vector<int16_t> codes(n);
  for (int16_t &code : codes)
    code = static_cast<int16_t>(between(random, -32768, 32767));
  return codes;
}

static std::vector<int32_t> randomSums(std::mt19937 &random, size_t n) {
  std::vector<int32_t> sums(n);
  for (int32_t &sum : sums) {
    // All magnitudes, not only the largest.
    const int bits = between(random, 1, 32);
    sum = static_cast<int32_t>(random()) >> (32 - bits);
  }
  if (n > 1) {
    sums[0] = std::numeric_limits<int32_t>::min();
    sums[1] = std::numeric_limits<int32_t>::max();
  }
  return sums;
}

/// Packs `matrix` for the gates in `mask` and multiplies the row blocks from
/// `first`, then compares with three nested loops.
static void checkMvm(const Kernels &set, std::mt19937 &random,
                     const TestMatrix &matrix, unsigned mask, uint32_t first,
                     uint32_t count) {
  const MatrixDescriptor &d = matrix.descriptor;
  const WeightLayout layout = matrix.layout();
  Result<std::vector<int16_t>> codes =
      compression::unpackCodes(matrix.weightImage, layout.words(), d.format);
  ASSERT_TRUE(codes) << codes.message();
  const PackedMatrix packed(layout, *codes, mask);

  std::vector<int16_t> x = randomCodes(random, d.cols + kColumnPadding);
  const size_t accumulators = size_t(d.rows) * d.gates;
  const std::vector<int32_t> before = randomSums(random, accumulators);
  const std::vector<int32_t> bias = randomSums(random, accumulators);
  std::array<uint8_t, 4> shifts;
  for (uint8_t &shift : shifts)
    shift = static_cast<uint8_t>(between(random, 0, 15));
  const std::vector<int32_t> laneShifts = packed.laneShifts(shifts);
  const auto [firstGroup, lastGroup] = packed.groupsOf(first, count);

  for (int init = 0; init < 3; ++init) {
    std::vector<int32_t> got = before;
    set.mvm(packed, firstGroup, lastGroup, x.data(), got.data(),
            init == 0   ? got.data()
            : init == 1 ? bias.data()
                        : nullptr,
            laneShifts.data());
    std::vector<int32_t> want = before;
    for (unsigned gate = 0; gate < d.gates; ++gate)
      for (uint32_t row = first * d.rowBlock;
           row < std::min((first + count) * d.rowBlock, d.rows); ++row) {
        if (!(mask >> gate & 1))
          continue;
        uint32_t sum = 0;
        for (uint32_t col = 0; col < d.cols; ++col)
          sum += static_cast<uint32_t>(
              matrix.weights[matrix.at(gate, row, col)] * x[col]);
        const int64_t place = layout.accumulatorOf(gate, row);
        const int32_t start = init == 0   ? before[place]
                              : init == 1 ? bias[place]
                                          : 0;
        want[place] = static_cast<int32_t>(static_cast<uint32_t>(start) +
                                           (sum << shifts[gate]));
      }
    ASSERT_EQ(got, want) << "init " << init << ", mask " << mask << ", blocks "
                         << first << " + " << count << " of " << d.rows << "x"
                         << d.cols << " gates " << d.gates << " block "
                         << d.rowBlock;
  }
}

static WeightFormat randomFormat(std::mt19937 &random) {
  WeightFormat format;
  format.bits = between(random, 2, 8);
  format.encoding =
      between(random, 0, 1) ? WeightEncoding::SignMag : WeightEncoding::Twos;
  return format;
}

TEST_P(KernelTest, MvmDenseMatrices) {
  std::mt19937 random(1);
  for (int i = 0; i < 150; ++i) {
    const unsigned gates = between(random, 1, 4);
    const unsigned rows = between(random, 1, 70), cols = between(random, 1, 70);
    const unsigned block = between(random, 1, rows);
    const TestMatrix matrix =
        makeDense(random, gates, rows, cols, block, randomFormat(random));
    const uint32_t blocks = matrix.descriptor.rowBlocks();
    const uint32_t first = between(random, 0, blocks - 1);
    checkMvm(kernels(), random, matrix, between(random, 1, (1 << gates) - 1),
             first, between(random, 1, blocks - first));
  }
}

TEST_P(KernelTest, MvmHcgsMatrices) {
  std::mt19937 random(2);
  const std::vector<std::pair<int, int>> shapes[] = {
      {{32, 32}, {4, 4}},
      {{16, 16}, {4, 4}},
      {{4, 4}},
      {{8, 8}, {3, 5}},
      {{5, 7}},
      {{1, 8}},
      {{8, 1}},
      {{16, 16}, {8, 8}, {2, 2}},
      {{64, 48}, {32, 24}, {16, 12}, {8, 6}, {4, 6}, {4, 4}, {2, 2}, {2, 1}}};
  for (int i = 0; i < 400; ++i) {
    const unsigned gates = between(random, 1, 4);
    const unsigned rows = between(random, 1, 100);
    const unsigned cols = between(random, 1, 100);
    Pattern pattern;
    for (auto [height, width] : shapes[between(random, 0, 8)]) {
      pattern.tiers.push_back({height, width, 1, between(random, 1, 4),
                               Balance(between(random, 0, 3))});
      if (!verifyShape(pattern, rows, cols))
        pattern.tiers.back().balance = Balance::Row;
    }
    // A multiple of the largest block is a boundary at every tier.
    const unsigned block =
        pattern.tiers[0].rows * static_cast<unsigned>(between(random, 1, 3));
    const TestMatrix matrix =
        makeHcgs(random, gates, rows, cols, block, pattern,
                 randomFormat(random), between(random, 0, 1));
    const uint32_t blocks = matrix.descriptor.rowBlocks();
    const uint32_t first = between(random, 0, blocks - 1);
    checkMvm(kernels(), random, matrix, between(random, 1, (1 << gates) - 1),
             first, between(random, 1, blocks - first));
  }
}

TEST_P(KernelTest, MvmCirculantMatrices) {
  std::mt19937 random(12);
  for (int i = 0; i < 300; ++i) {
    const unsigned gates = between(random, 1, 4);
    const unsigned rows = between(random, 1, 150);
    const unsigned cols = between(random, 2, 150);
    const unsigned size =
        between(random, 2, std::min<int>(128, std::max(rows, cols)));
    const TestMatrix matrix = makeCirculant(
        random, gates, rows, cols, size * unsigned(between(random, 1, 4)), size,
        randomFormat(random));
    const uint32_t blocks = matrix.descriptor.rowBlocks();
    const uint32_t first = between(random, 0, blocks - 1);
    checkMvm(kernels(), random, matrix, between(random, 1, (1 << gates) - 1),
             first, between(random, 1, blocks - first));
  }
}

TEST_P(KernelTest, MvmSumsWrap) {
  std::mt19937 random(3);
  WeightFormat format{8, WeightEncoding::SignMag};
  TestMatrix matrix = makeDense(random, 1, 8, 2000, 8, format);
  checkMvm(kernels(), random, matrix, 1, 0, 1);
}

TEST_P(KernelTest, RequantEqualsTheDefinition) {
  std::mt19937 random(4);
  for (int shift = -15; shift <= 31; ++shift)
    for (int bits = 2; bits <= 16; ++bits) {
      const size_t n = between(random, 1, 70);
      std::vector<int32_t> sums = randomSums(random, n);
      // Around where this instruction saturates and rounds.
      const double edge = std::ldexp(1.0, bits - 1 + shift);
      for (size_t i = 2; i < n; i += 3)
        sums[i] = static_cast<int32_t>(
            std::clamp((i % 2 ? edge : -edge) +
                           between(random, -2, 2) *
                               std::ldexp(1.0, std::max(0, shift - 1)) +
                           between(random, -1, 1),
                       -2147483648.0, 2147483647.0));
      std::vector<int16_t> got(n + 1, 77);
      const uint64_t count =
          kernels().requant(got.data(), sums.data(), n, shift, bits);
      uint64_t wanted = 0;
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(got[i], numerics::requantize(sums[i], shift, bits))
            << sums[i] << " shift " << shift << " bits " << bits;
        wanted += numerics::requantizeSaturates(sums[i], shift, bits);
      }
      ASSERT_EQ(count, wanted) << "shift " << shift << " bits " << bits;
      ASSERT_EQ(got[n], 77); // nothing past the end
    }
}

TEST_P(KernelTest, ActEqualsTheDefinition) {
  std::mt19937 random(5);
  int expanded32 = 0, plain = 0, other = 0, mirrored = 0;
  for (int i = 0; i < 300; ++i) {
    numerics::PwlTable table = makeTable(random);
    const bool uniform = table.kind == numerics::PwlKind::Uniform;
    if (i % 3 == 1) { // as the compiler fits them: nothing saturates
      table.k = 15;
      table.n = std::countr_zero(table.entries.size());
      table.b = 16;
      table.s = 12;
      table.p = std::min(table.p, 2);
      for (numerics::PwlTable::Entry &entry : table.entries)
        entry = {int16_t(entry.base / 4), int16_t(entry.slope / 100)};
      if (table.centre)
        table.centre = *table.centre / 4;
    } else if (i % 10 == 2 && uniform) { // sums that leave 32 bits
      table.k = 15;
      table.n = 0;
      table.s = 31;
      table.entries.assign(1, {int16_t(between(random, -9, 9)), 32767});
    } else if (!uniform && i % 2 == 0) { // segments as wide as fitted ones
      table.w = between(random, 9, 14);
    }
    ASSERT_TRUE(verify(table)) << verify(table).message();
    const ActTable expanded(table);
    expanded32 += !expanded.outputs.empty();
    plain += expanded.plain;
    other += expanded.outputs.empty() && !expanded.plain;
    mirrored += expanded.outputs.empty() && expanded.mirrored;
    const size_t n = between(random, 1, 1500);
    const int shift = between(random, -15, 31);
    const std::vector<int32_t> sums = randomSums(random, n);
    std::vector<int16_t> got(n + 1, 77);
    const ActCounts counts =
        kernels().act(got.data(), sums.data(), n, shift, expanded);
    ActCounts wanted;
    for (size_t j = 0; j < n; ++j) {
      const int16_t z =
          static_cast<int16_t>(numerics::requantize(sums[j], shift, 16));
      wanted.z += numerics::requantizeSaturates(sums[j], shift, 16);
      wanted.y += table.saturates(z);
      ASSERT_EQ(got[j], table.evaluate(z)) << z << " of table " << i;
    }
    EXPECT_EQ(counts.z, wanted.z);
    EXPECT_EQ(counts.y, wanted.y);
    EXPECT_EQ(got[n], 77);
  }
  EXPECT_TRUE(expanded32 > 9 && plain > 9 && other > 9 && mirrored > 9)
      << expanded32 << " " << plain << " " << other << " " << mirrored;
}

TEST_P(KernelTest, ElementProductsAndSumsWrap) {
  std::mt19937 random(6);
  for (int i = 0; i < 200; ++i) {
    const size_t n = between(random, 1, 50);
    const int lshift = between(random, 0, 15);
    const bool accumulate = between(random, 0, 1);
    std::vector<int16_t> a = randomCodes(random, n), b = randomCodes(random, n);
    a[0] = b[0] = -32768;
    const std::vector<int32_t> before = randomSums(random, n);
    std::vector<int32_t> product = before, sum = before;
    kernels().vmac(product.data(), a.data(), b.data(), n, lshift, accumulate);
    kernels().vacc(sum.data(), a.data(), n, lshift, accumulate);
    for (size_t j = 0; j < n; ++j) {
      const int64_t start = accumulate ? before[j] : 0;
      ASSERT_EQ(
          product[j],
          static_cast<int32_t>(start + (int64_t(a[j]) * b[j]) * (1 << lshift)));
      ASSERT_EQ(sum[j],
                static_cast<int32_t>(start + int64_t(a[j]) * (1 << lshift)));
    }
  }
}

TEST_P(KernelTest, QuantiseEqualsTheSharedFunction) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const numerics::FxFormat format{between(random, 2, 16),
                                    between(random, -40, 60)};
    const size_t n = between(random, 1, 40);
    std::vector<float> values(n);
    for (float &value : values) {
      // Codes, halves between codes, and what saturates.
      const double code = between(random, -140000, 140000) / 2.0 /
                          std::ldexp(1.0, 16 - format.bits);
      value = static_cast<float>(std::ldexp(code, -format.frac));
    }
    values[0] = std::numeric_limits<float>::max();
    if (n > 2) {
      values[1] = std::numeric_limits<float>::lowest();
      values[2] = -0.0f;
    }
    std::vector<int16_t> got(n + 1, 77);
    ASSERT_EQ(kernels().quantise(got.data(), values.data(), n, format), -1);
    for (size_t j = 0; j < n; ++j)
      ASSERT_EQ(got[j], numerics::toCode(values[j], format))
          << values[j] << " as " << format.str();
    EXPECT_EQ(got[n], 77);
    const size_t bad = between(random, 0, static_cast<int>(n) - 1);
    for (const float value : {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()}) {
      values[bad] = value;
      EXPECT_EQ(kernels().quantise(got.data(), values.data(), n, format),
                static_cast<int64_t>(bad));
    }
  }
}

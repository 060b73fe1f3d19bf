// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The executor with every rounding on is the integer arithmetic of
// docs/Spec/Layers.md, and with none of them the textbook's formulas.
//
#include "Executor.h"
#include "hcgs/Numerics/PwlFit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace hcgs;
using namespace hcgs::analysis;
using numerics::Activation;
using numerics::ActivationKind;
using numerics::FxFormat;
using numerics::PwlTable;

namespace {

constexpr int64_t kHidden = 5, kInputs = 3;
constexpr int kAccFrac = 17, kZFrac = 12, kGateFrac = 12, kCellFrac = 11;
constexpr int kXFrac = 11, kExponent = 5;

PwlTable fit(ActivationKind kind) {
  return *numerics::fitPwl(Activation::of(kind), kZFrac, {13, kGateFrac},
                           {.segmentsLog2 = 6, .domainLog2 = 15});
}

/// An LSTM with random codes: its input, and h, final h and final c.
struct Fixture {
  explicit Fixture(bool reverse) {
    std::mt19937 random(7);
    for (const char *name : {"x", "h", "h_n", "c_n"}) {
      Value value;
      value.name = name;
      value.width = name[0] == 'x' ? kInputs : kHidden;
      value.sequence = value.name.size() == 1;
      value.format = name[0] == 'x' ? FxFormat{13, kXFrac} : FxFormat{13, 12};
      network.values.push_back(value);
    }
    layer.op = LayerOp::LSTM;
    layer.reverse = reverse;
    layer.inputs = {0};
    layer.output = 1;
    layer.finalH = 2;
    layer.finalC = 3;
    layer.width = kHidden;
    layer.formats.preFracs = {kZFrac, kZFrac, kZFrac, kZFrac};
    for (FxFormat &format : layer.formats.gates)
      format = {13, kGateFrac};
    layer.formats.c = {10, kCellFrac - 4}; // small enough to saturate
    layer.formats.qPreFrac = kZFrac;
    layer.formats.q = {13, kGateFrac};
    layer.formats.y = {13, 12};
    const Activation sigmoid = Activation::of(ActivationKind::Sigmoid),
                     tanh = Activation::of(ActivationKind::Tanh);
    layer.functions = {sigmoid, sigmoid, sigmoid, tanh, tanh};
    auto weights = [&](int64_t count, std::vector<int> &codes) {
      auto real = std::make_shared<std::vector<float>>();
      for (int64_t i = 0; i < count; ++i) {
        codes.push_back(static_cast<int>(random() % 63) - 31);
        real->push_back(
            std::ldexp(static_cast<float>(codes.back()), -kExponent));
      }
      return real;
    };
    w = RealMatrix(weights(4 * kHidden * kInputs, wCodes), 4 * kHidden,
                   kInputs);
    r = RealMatrix(weights(4 * kHidden * kHidden, rCodes), 4 * kHidden,
                   kHidden);
    for (int64_t i = 0; i < 4 * kHidden; ++i) {
      biasCodes.push_back(static_cast<int>(random() % 200000) - 100000);
      bias.push_back(
          std::ldexp(static_cast<double>(biasCodes.back()), -kAccFrac));
    }
    group.lanes = 3;
    group.lengths = {6, 4, 1};
    group.steps = 6;
    values.resize(4);
    values[0].assign(group.steps * kInputs * kLanes, 0.0);
    xCodes.assign(values[0].size(), 0);
    for (int64_t t = 0; t < group.steps; ++t)
      for (int64_t f = 0; f < kInputs; ++f)
        for (int64_t lane = 0; lane < group.lanes; ++lane) {
          const int64_t at = (t * kInputs + f) * kLanes + lane;
          xCodes[at] = static_cast<int>(random() % 8192) - 4096;
          values[0][at] = std::ldexp(static_cast<double>(xCodes[at]), -kXFrac);
        }
    setting.layer = &layer;
    setting.w = &w;
    setting.r = &r;
    setting.bias = &bias;
    setting.formats = layer.formats;
  }

  Network network;
  Layer layer;
  RealMatrix w, r;
  std::vector<int> wCodes, rCodes, biasCodes, xCodes;
  std::vector<double> bias;
  Group group;
  Values values;
  LayerSetting setting;
};

class ExecutorTest : public testing::TestWithParam<bool> {};

/// L-LSTM-1 to L-LSTM-7 with integers, one row at a time.
TEST_P(ExecutorTest, AllRoundingsAreTheIntegerArithmetic) {
  Fixture f(GetParam());
  const PwlTable sigmoid = fit(ActivationKind::Sigmoid),
                 tanh = fit(ActivationKind::Tanh);
  const ExpandedTable expandedSigmoid(sigmoid), expandedTanh(tanh);
  f.setting.gates = f.setting.c = f.setting.q = f.setting.y = true;
  f.setting.tables = {&expandedSigmoid, &expandedSigmoid, &expandedSigmoid,
                      &expandedTanh, &expandedTanh};
  SaturationCounts counts;
  LayerRun(f.network, f.setting, f.group, f.values, &counts).runAll();

  // x has 11 and h 12 fractional bits, weights 5: W's sums are shifted by one.
  int64_t cSaturated = 0;
  for (int64_t lane = 0; lane < f.group.lanes; ++lane) {
    std::vector<int32_t> h(kHidden, 0), c(kHidden, 0);
    for (int64_t k = 0; k < f.group.lengths[lane]; ++k) {
      const int64_t t = GetParam() ? f.group.lengths[lane] - 1 - k : k;
      std::vector<int32_t> gates(4 * kHidden);
      for (int64_t row = 0; row < 4 * kHidden; ++row) {
        int32_t wx = 0, rh = 0;
        for (int64_t i = 0; i < kInputs; ++i)
          wx += f.wCodes[row * kInputs + i] *
                f.xCodes[(t * kInputs + i) * kLanes + lane];
        for (int64_t i = 0; i < kHidden; ++i)
          rh += f.rCodes[row * kHidden + i] * h[i];
        const int32_t a = f.biasCodes[row] + (wx << 1) + rh;
        const auto z = static_cast<int16_t>(
            numerics::requantize(a, kAccFrac - kZFrac, 16));
        gates[row] = (row / kHidden == 3 ? tanh : sigmoid).evaluate(z);
      }
      for (int64_t j = 0; j < kHidden; ++j) {
        const int32_t i = gates[j], o = gates[kHidden + j],
                      fg = gates[2 * kHidden + j], g = gates[3 * kHidden + j];
        // f*c has 12 + 7 fractional bits, i*g 24.
        const int32_t s = (fg * c[j] << 5) + i * g;
        cSaturated += numerics::requantizeSaturates(
            s, 24 - f.layer.formats.c.frac, f.layer.formats.c.bits);
        c[j] = numerics::requantize(s, 24 - f.layer.formats.c.frac,
                                    f.layer.formats.c.bits);
        const int32_t q = tanh.evaluate(
            static_cast<int16_t>(numerics::requantize(s, 24 - kZFrac, 16)));
        h[j] = numerics::requantize(o * q, 12, 13);
        ASSERT_EQ(std::ldexp(h[j], -12),
                  f.values[1][(t * kHidden + j) * kLanes + lane])
            << "lane " << lane << " step " << k << " element " << j;
      }
    }
    for (int64_t j = 0; j < kHidden; ++j) {
      EXPECT_EQ(std::ldexp(h[j], -12), f.values[2][j * kLanes + lane]);
      EXPECT_EQ(std::ldexp(c[j], -f.layer.formats.c.frac),
                f.values[3][j * kLanes + lane]);
    }
  }
  int64_t counted = 0;
  if (counts.counts.size() > 8)
    for (int64_t count : counts.counts[8])
      counted += count;
  EXPECT_EQ(counted, cSaturated);
  EXPECT_EQ(counts.elements[8], (6 + 4 + 1) * kHidden);
}

TEST_P(ExecutorTest, NoRoundingIsTheTextbook) {
  Fixture f(GetParam());
  LayerRun(f.network, f.setting, f.group, f.values).runAll();
  auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
  for (int64_t lane = 0; lane < f.group.lanes; ++lane) {
    std::vector<double> h(kHidden, 0.0), c(kHidden, 0.0);
    for (int64_t k = 0; k < f.group.lengths[lane]; ++k) {
      const int64_t t = GetParam() ? f.group.lengths[lane] - 1 - k : k;
      std::vector<double> a(f.bias);
      for (int64_t row = 0; row < 4 * kHidden; ++row) {
        for (int64_t i = 0; i < kInputs; ++i)
          a[row] += std::ldexp(f.wCodes[row * kInputs + i], -kExponent) *
                    f.values[0][(t * kInputs + i) * kLanes + lane];
        for (int64_t i = 0; i < kHidden; ++i)
          a[row] += std::ldexp(f.rCodes[row * kHidden + i], -kExponent) * h[i];
      }
      for (int64_t j = 0; j < kHidden; ++j) {
        c[j] = sigmoid(a[2 * kHidden + j]) * c[j] +
               sigmoid(a[j]) * std::tanh(a[3 * kHidden + j]);
        h[j] = sigmoid(a[kHidden + j]) * std::tanh(c[j]);
        ASSERT_NEAR(h[j], f.values[1][(t * kHidden + j) * kLanes + lane],
                    1e-12);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Directions, ExecutorTest, testing::Bool(),
                         [](const auto &info) {
                           return info.param ? "Reverse" : "Forward";
                         });

TEST(RealMatrix, SparseAndDenseGiveTheSameProducts) {
  std::mt19937 random(3);
  for (int zeros : {0, 30, 95}) {
    auto weights = std::make_shared<std::vector<float>>(7 * 13);
    for (float &weight : *weights)
      if (static_cast<int>(random() % 100) >= zeros)
        weight = static_cast<float>(static_cast<int>(random() % 200) - 100);
    std::vector<double> x(13 * kLanes), y(7 * kLanes, 1.0);
    for (double &v : x)
      v = static_cast<double>(static_cast<int>(random() % 2000) - 1000);
    RealMatrix(weights, 7, 13).addProduct(x.data(), y.data());
    for (int64_t row = 0; row < 7; ++row)
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        double sum = 1.0;
        for (int64_t col = 0; col < 13; ++col)
          sum += static_cast<double>((*weights)[row * 13 + col]) *
                 x[col * kLanes + lane];
        EXPECT_EQ(y[row * kLanes + lane], sum);
      }
  }
}

TEST(RealMatrix, RequantizingKeepsDroppedWeightsZero) {
  Matrix matrix;
  matrix.rows = 1;
  matrix.cols = 4;
  matrix.kept = {1, 0, 1, 1};
  const std::vector<float> weights = {0.5f, 0.0f, -0.25f, 0.0f};
  numerics::WeightFormat format;
  format.bits = 4;
  format.encoding = numerics::WeightEncoding::SignMag;
  matrix.floats.rule.zeros = WeightRule::Zeros::One;
  numerics::WeightEncoding encoding;
  auto real = requantize(matrix, weights, format, /*all=*/false, encoding);
  ASSERT_TRUE(real);
  EXPECT_EQ(encoding, numerics::WeightEncoding::SignMag);
  EXPECT_EQ((*real)[0], 0.5f);
  EXPECT_EQ((*real)[1], 0.0f);
  EXPECT_EQ((*real)[2], -0.25f);
  EXPECT_NE((*real)[3], 0.0f); // a kept zero is the smallest code (A-W-3)

  matrix.floats.rule.zeros = WeightRule::Zeros::Refuse;
  EXPECT_FALSE(requantize(matrix, weights, format, /*all=*/false, encoding));
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/FloatReference.h"

#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <random>

using namespace hcgs::numerics;

namespace {

std::vector<float> randomVector(std::mt19937_64 &random, int64_t count,
                                float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &v : values)
    v = uniform(random);
  return values;
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST(FloatReference, LstmMatchesANaiveOne) {
  std::mt19937_64 random(6);
  for (const int64_t hidden : {1, 5, 16, 33})
    for (const int64_t inputs : {1, 8, 19})
      for (const bool reverse : {false, true}) {
        const int64_t steps = 7;
        const auto w = randomVector(random, 4 * hidden * inputs, 0.5f);
        const auto r = randomVector(random, 4 * hidden * hidden, 0.5f);
        const auto bias = randomVector(random, 4 * hidden, 0.3f);
        const auto x = randomVector(random, steps * inputs, 2.0f);
        auto h = randomVector(random, hidden, 1.0f);
        auto c = randomVector(random, hidden, 1.0f);
        std::vector<double> nh(h.begin(), h.end()), nc(c.begin(), c.end());
        std::vector<float> y(static_cast<size_t>(steps * hidden));
        RangeRecorder cRange, hRange, gRange;
        LstmObserver observer;
        observer.c = &cRange;
        observer.h = &hRange;
        observer.gateInputs[3] = &gRange;
        LstmParameters parameters;
        parameters.hidden = hidden;
        parameters.inputs = inputs;
        parameters.w = w;
        parameters.r = r;
        parameters.bias = bias;
        parameters.reverse = reverse;
        runLstm(parameters, x, steps, h, c, y, observer);

        double least = 1e9, most = -1e9;
        for (int64_t i = 0; i < steps; ++i) {
          const int64_t t = reverse ? steps - 1 - i : i;
          std::vector<double> a(4 * hidden);
          for (int64_t row = 0; row < 4 * hidden; ++row) {
            a[row] = bias[row];
            for (int64_t k = 0; k < inputs; ++k)
              a[row] += double(w[row * inputs + k]) * x[t * inputs + k];
            for (int64_t k = 0; k < hidden; ++k)
              a[row] += double(r[row * hidden + k]) * nh[k];
          }
          for (int64_t j = 0; j < hidden; ++j) {
            nc[j] = sigmoid(a[2 * hidden + j]) * nc[j] +
                    sigmoid(a[j]) * std::tanh(a[3 * hidden + j]);
            nh[j] = sigmoid(a[hidden + j]) * std::tanh(nc[j]);
            least = std::min(least, nc[j]);
            most = std::max(most, nc[j]);
            ASSERT_NEAR(y[t * hidden + j], nh[j], 1e-4);
          }
        }
        for (int64_t j = 0; j < hidden; ++j) {
          ASSERT_NEAR(h[j], nh[j], 1e-4);
          ASSERT_NEAR(c[j], nc[j], 1e-4);
        }
        ASSERT_NEAR(cRange.min(), least, 1e-4);
        ASSERT_NEAR(cRange.max(), most, 1e-4);
        ASSERT_LE(hRange.max(), 1.0);
        ASSERT_FALSE(gRange.empty());
      }
}

TEST(FloatReference, LinearMatchesANaiveOne) {
  std::mt19937_64 random(7);
  for (const int64_t inputs : {1, 7, 8, 9, 40})
    for (const int64_t steps : {1, 2, 3, 4, 5, 9}) {
      const int64_t outputs = 6;
      const auto w = randomVector(random, outputs * inputs, 1.0f);
      const auto bias = randomVector(random, outputs, 1.0f);
      const auto x = randomVector(random, steps * inputs, 1.0f);
      std::vector<float> y(static_cast<size_t>(steps * outputs));
      runLinear(w, bias, outputs, inputs, x, steps, y);
      for (int64_t t = 0; t < steps; ++t)
        for (int64_t o = 0; o < outputs; ++o) {
          double sum = bias[o];
          for (int64_t k = 0; k < inputs; ++k)
            sum += double(w[o * inputs + k]) * x[t * inputs + k];
          ASSERT_NEAR(y[t * outputs + o], sum, 1e-4);
        }
    }
}

} // namespace

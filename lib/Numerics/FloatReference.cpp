// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/FloatReference.h"

#include <algorithm>
#include <cstring>

using namespace hcgs;
using namespace hcgs::numerics;

namespace {

// Vectors of the compiler (GCC and Clang), so that sums run in lanes without
// allowing the compiler to reorder anything else.
typedef float Lanes __attribute__((vector_size(32)));
constexpr int64_t laneCount = sizeof(Lanes) / sizeof(float);

Lanes loadLanes(const float *from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

float sumLanes(Lanes lanes) {
  float sum = 0.0f;
  for (int64_t i = 0; i < laneCount; ++i)
    sum += lanes[i];
  return sum;
}

/// y[t][row] += w[row] . x[t] for `steps` (1..blockSteps) steps at once: each
/// weight is fetched once for all of them.
constexpr int64_t blockSteps = 4;

template <int64_t steps>
void multiplyBlock(const float *w, int64_t rows, int64_t cols, const float *x,
                   float *y, int64_t yStride) {
  for (int64_t row = 0; row < rows; ++row, w += cols) {
    Lanes sums[steps] = {};
    int64_t c = 0;
    for (; c + laneCount <= cols; c += laneCount) {
      const Lanes weights = loadLanes(w + c);
      for (int64_t t = 0; t < steps; ++t)
        sums[t] += weights * loadLanes(x + t * cols + c);
    }
    for (int64_t t = 0; t < steps; ++t) {
      float sum = sumLanes(sums[t]);
      for (int64_t rest = c; rest < cols; ++rest)
        sum += w[rest] * x[t * cols + rest];
      y[t * yStride + row] += sum;
    }
  }
}

void multiply(const float *w, int64_t rows, int64_t cols, const float *x,
              int64_t steps, float *y) {
  for (int64_t t = 0; t < steps; t += blockSteps) {
    const float *from = x + t * cols;
    float *to = y + t * rows;
    switch (std::min(blockSteps, steps - t)) {
    case 1:
      multiplyBlock<1>(w, rows, cols, from, to, rows);
      break;
    case 2:
      multiplyBlock<2>(w, rows, cols, from, to, rows);
      break;
    case 3:
      multiplyBlock<3>(w, rows, cols, from, to, rows);
      break;
    default:
      multiplyBlock<4>(w, rows, cols, from, to, rows);
      break;
    }
  }
}

} // namespace

void numerics::runLinear(std::span<const float> weights,
                         std::span<const float> bias, int64_t outputs,
                         int64_t inputs, std::span<const float> x,
                         int64_t steps, std::span<float> y) {
  for (int64_t t = 0; t < steps; ++t) {
    const auto to = y.subspan(t * outputs, outputs);
    if (bias.empty())
      std::fill(to.begin(), to.end(), 0.0f);
    else
      std::copy(bias.begin(), bias.end(), to.begin());
  }
  multiply(weights.data(), outputs, inputs, x.data(), steps, y.data());
}

void numerics::runLstm(const LstmParameters &parameters,
                       std::span<const float> x, int64_t steps,
                       std::span<float> h, std::span<float> c,
                       std::span<float> y, const LstmObserver &observer) {
  const int64_t hidden = parameters.hidden;
  const int64_t gates = 4 * hidden;
  // Input products of many steps at once, recurrent ones step by step.
  std::vector<float> sums(static_cast<size_t>(steps * gates));
  runLinear(parameters.w, parameters.bias, gates, parameters.inputs, x, steps,
            sums);

  const auto gate = [&](float v) {
    return static_cast<float>(parameters.gate(v));
  };
  const auto cell = [&](float v) {
    return static_cast<float>(parameters.cell(v));
  };
  const auto output = [&](float v) {
    return static_cast<float>(parameters.output(v));
  };
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = parameters.reverse ? steps - 1 - i : i;
    float *a = sums.data() + t * gates;
    multiplyBlock<1>(parameters.r.data(), gates, hidden, h.data(), a, gates);
    for (int g = 0; g < 4; ++g)
      if (observer.gateInputs[g])
        observer.gateInputs[g]->add(
            {a + g * hidden, static_cast<size_t>(hidden)});
    for (int64_t j = 0; j < hidden; ++j) {
      const float in = gate(a[j]);
      const float out = gate(a[hidden + j]);
      const float forget = gate(a[2 * hidden + j]);
      const float candidate = cell(a[3 * hidden + j]);
      c[j] = forget * c[j] + in * candidate;
      h[j] = out * output(c[j]);
    }
    if (observer.c)
      observer.c->add(c);
    if (observer.h)
      observer.h->add(h);
    if (!y.empty())
      std::copy(h.begin(), h.end(), y.begin() + t * hidden);
  }
}

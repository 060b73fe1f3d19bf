// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled once for each instruction set by Highway's foreach_target.h; the
// part under HWY_ONCE chooses between them at run time.
//
#include "RealMatrix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "RealMatrix.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace hcgs::analysis {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// y[lane] += sum over i of weights[i] * x[column(i)][lane].
template <typename Column>
void addRow(const float *weights, int64_t count, Column column, const double *x,
            double *y) {
  const hn::CappedTag<double, kLanes> d;
  const int64_t step = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t lane = 0; lane < kLanes; lane += step) {
    // Two sums, so that an addition need not wait for the one before.
    auto even = hn::LoadU(d, y + lane), odd = hn::Zero(d);
    int64_t i = 0;
    for (; i + 1 < count; i += 2) {
      even = hn::MulAdd(hn::Set(d, static_cast<double>(weights[i])),
                        hn::LoadU(d, x + column(i) * kLanes + lane), even);
      odd = hn::MulAdd(hn::Set(d, static_cast<double>(weights[i + 1])),
                       hn::LoadU(d, x + column(i + 1) * kLanes + lane), odd);
    }
    if (i < count)
      even = hn::MulAdd(hn::Set(d, static_cast<double>(weights[i])),
                        hn::LoadU(d, x + column(i) * kLanes + lane), even);
    hn::StoreU(hn::Add(even, odd), d, y + lane);
  }
}

void addDense(const float *weights, int64_t rows, int64_t cols, const double *x,
              double *y) {
  for (int64_t r = 0; r < rows; ++r)
    addRow(
        weights + r * cols, cols, [](int64_t i) { return i; }, x,
        y + r * kLanes);
}

void addSparse(const float *values, const uint32_t *columns,
               const size_t *starts, int64_t rows, const double *x, double *y) {
  for (int64_t r = 0; r < rows; ++r) {
    const uint32_t *own = columns + starts[r];
    addRow(
        values + starts[r], static_cast<int64_t>(starts[r + 1] - starts[r]),
        [own](int64_t i) { return static_cast<int64_t>(own[i]); }, x,
        y + r * kLanes);
  }
}

} // namespace HWY_NAMESPACE
} // namespace hcgs::analysis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

using namespace hcgs;
using namespace hcgs::analysis;

namespace hcgs::analysis {
HWY_EXPORT(addDense);
HWY_EXPORT(addSparse);
} // namespace hcgs::analysis

RealMatrix::RealMatrix(std::shared_ptr<const std::vector<float>> weights,
                       int64_t rows, int64_t cols)
    : numRows(rows), numCols(cols) {
  const size_t zeros =
      static_cast<size_t>(std::count(weights->begin(), weights->end(), 0.0f));
  if (2 * zeros < weights->size()) {
    dense = std::move(weights);
    return;
  }
  values.reserve(weights->size() - zeros);
  columns.reserve(weights->size() - zeros);
  starts.push_back(0);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c)
      if (float weight = (*weights)[r * cols + c]; weight != 0.0f) {
        values.push_back(weight);
        columns.push_back(static_cast<uint32_t>(c));
      }
    starts.push_back(values.size());
  }
}

void RealMatrix::addProduct(const double *x, double *y) const {
  if (dense)
    HWY_DYNAMIC_DISPATCH(addDense)(dense->data(), numRows, numCols, x, y);
  else
    HWY_DYNAMIC_DISPATCH(addSparse)
  (values.data(), columns.data(), starts.data(), numRows, x, y);
}

std::shared_ptr<const std::vector<float>>
analysis::dequantize(const Matrix &matrix) {
  auto real = std::make_shared<std::vector<float>>(matrix.codes.size());
  const int64_t size = matrix.rows * matrix.cols;
  for (int64_t gate = 0; gate < matrix.gates; ++gate)
    for (int64_t i = gate * size; i < (gate + 1) * size; ++i)
      (*real)[i] = std::ldexp(static_cast<float>(matrix.codes[i]),
                              -matrix.exponents[gate]);
  return real;
}

namespace {
/// The weights of one gate that are stored, and where they belong.
struct KeptWeights {
  std::vector<float> values;
  std::vector<int64_t> places;
};
} // namespace

/// The exponents of all gates in a format, their errors and zeros.
static std::vector<numerics::ExponentChoice>
search(const std::vector<KeptWeights> &gates, const WeightRule &rule,
       numerics::WeightFormat format) {
  std::vector<numerics::ExponentChoice> choices;
  for (size_t gate = 0; gate < gates.size(); ++gate) {
    const std::vector<float> &values = gates[gate].values;
    if (!rule.published && rule.exponents.empty()) {
      choices.push_back(numerics::chooseExponent(values, format));
      continue;
    }
    numerics::ExponentChoice &choice = choices.emplace_back();
    choice.exponent = rule.published ? format.bits - 1 : rule.exponents[gate];
    choice.squaredError =
        numerics::squaredError(values, choice.exponent, format);
    choice.zeros = std::count(values.begin(), values.end(), 0.0f);
    choice.allZero = choice.zeros == static_cast<int64_t>(values.size());
  }
  return choices;
}

/// As rnn-quantize: signmag has no zero. False: zeros are refused.
static bool chooseCodes(const std::vector<KeptWeights> &gates,
                        const WeightRule &rule, numerics::WeightFormat &format,
                        std::vector<numerics::ExponentChoice> &choices) {
  choices = search(gates, rule, format);
  if (format.encoding == numerics::WeightEncoding::Twos)
    return true;
  int64_t zeros = 0;
  bool zeroGate = false;
  double error = 0.0;
  for (const numerics::ExponentChoice &choice : choices) {
    zeros += choice.zeros;
    zeroGate |= choice.allZero;
    error += choice.squaredError;
  }
  if (zeros == 0 && !zeroGate)
    return true;
  if (!zeroGate && rule.zeros == WeightRule::Zeros::Refuse)
    return false;
  if (!zeroGate && rule.zeros == WeightRule::Zeros::One)
    return true;
  numerics::WeightFormat twos = format;
  twos.encoding = numerics::WeightEncoding::Twos;
  std::vector<numerics::ExponentChoice> others = search(gates, rule, twos);
  double other = 0.0;
  for (const numerics::ExponentChoice &choice : others)
    other += choice.squaredError;
  if (zeroGate || rule.zeros == WeightRule::Zeros::Twos ||
      2.0 * other < error) {
    format = twos;
    choices = std::move(others);
  }
  return true;
}

std::shared_ptr<const std::vector<float>>
analysis::requantize(const Matrix &matrix, const std::vector<float> &weights,
                     numerics::WeightFormat format, bool all,
                     numerics::WeightEncoding &encoding) {
  const WeightRule &rule = matrix.floats.rule;
  const int64_t size = matrix.rows * matrix.cols;
  std::vector<KeptWeights> gates(static_cast<size_t>(matrix.gates));
  for (int64_t i = 0; i < matrix.gates * size; ++i)
    if (all || matrix.kept.empty() || matrix.kept[i]) {
      gates[i / size].values.push_back(weights[i]);
      gates[i / size].places.push_back(i);
    }
  std::vector<numerics::ExponentChoice> choices;
  const bool possible = chooseCodes(gates, rule, format, choices);
  encoding = format.encoding;
  if (!possible)
    return nullptr;
  auto real = std::make_shared<std::vector<float>>(weights.size(), 0.0f);
  std::vector<int16_t> codes;
  for (size_t gate = 0; gate < gates.size(); ++gate) {
    const KeptWeights &own = gates[gate];
    const int exponent = choices[gate].exponent;
    codes.resize(own.values.size());
    numerics::quantizeWeights(own.values, exponent, format, codes);
    for (size_t i = 0; i < codes.size(); ++i)
      (*real)[own.places[i]] =
          std::ldexp(static_cast<float>(codes[i]), -exponent);
  }
  return real;
}

#endif // HWY_ONCE

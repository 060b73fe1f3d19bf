// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/WeightQuantizer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

using namespace hcgs;
using namespace hcgs::numerics;

namespace {

/// Magnitude of the code of |w| = `magnitude` by A-W-3. The clamp comes before
/// the rounding, which is the same since its bound is an integer, and keeps the
/// conversion to int in range (that of a NaN, too).
template <WeightRounding rounding>
inline int codeMagnitude(double magnitude, double scale, double limit,
                         int least) {
  const double u = magnitude * scale;
  int m;
  if constexpr (rounding == WeightRounding::Nearest) {
    m = static_cast<int>(std::min(limit, u + 0.5));
  } else {
    const double clamped = std::min(limit, u);
    m = static_cast<int>(clamped);
    m += m < clamped;
  }
  return std::max(m, least);
}

/// Sums for `lanes` consecutive exponents from `first` on, in one pass: the
/// squared error of all weights, and that of the weights which are clipped.
/// Each exponent's sum is formed in the order of the weights, as A-W-4 says;
/// the exponents lie side by side, which is what makes the pass fast.
constexpr int lanes = 4;

struct Sums {
  std::array<double, lanes> error{};
  std::array<double, lanes> clipped{};
};

template <WeightRounding rounding>
Sums sumErrors(std::span<const float> weights, int first, WeightFormat format) {
  Sums sums;
  const double limit = format.maxMagnitude();
  const int least = format.encoding == WeightEncoding::SignMag ? 1 : 0;
  double scale[lanes], step[lanes];
  for (int i = 0; i < lanes; ++i) {
    scale[i] = std::ldexp(1.0, first + i);
    step[i] = std::ldexp(1.0, -(first + i));
  }
  double error[lanes] = {}, clipped[lanes] = {};
  for (const float weight : weights) {
    // |w| - m * step has the magnitude of w - code * step: the code has w's
    // sign, and a zero of signmag becomes +1.
    const double magnitude = std::fabs(static_cast<double>(weight));
    for (int i = 0; i < lanes; ++i) {
      const int m = codeMagnitude<rounding>(magnitude, scale[i], limit, least);
      const double difference = magnitude - m * step[i];
      const double square = difference * difference;
      error[i] += square;
      clipped[i] += magnitude * scale[i] > limit ? square : 0.0;
    }
  }
  std::copy_n(error, lanes, sums.error.begin());
  std::copy_n(clipped, lanes, sums.clipped.begin());
  return sums;
}

Sums sumErrors(std::span<const float> weights, int first, WeightFormat format) {
  return format.rounding == WeightRounding::Nearest
             ? sumErrors<WeightRounding::Nearest>(weights, first, format)
             : sumErrors<WeightRounding::Ceil>(weights, first, format);
}

template <WeightRounding rounding>
void quantizeAll(std::span<const float> weights, int exponent,
                 WeightFormat format, std::span<int16_t> codes) {
  const double limit = format.maxMagnitude();
  const int least = format.encoding == WeightEncoding::SignMag ? 1 : 0;
  const double scale = std::ldexp(1.0, exponent);
  for (size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    const int m =
        codeMagnitude<rounding>(std::fabs(weight), scale, limit, least);
    codes[i] = static_cast<int16_t>(weight < 0.0 ? -m : m);
  }
}

} // namespace

int numerics::quantizeWeight(float weight, int exponent, WeightFormat format) {
  int16_t code;
  quantizeWeights({&weight, 1}, exponent, format, {&code, 1});
  return code;
}

void numerics::quantizeWeights(std::span<const float> weights, int exponent,
                               WeightFormat format, std::span<int16_t> codes) {
  if (format.rounding == WeightRounding::Nearest)
    quantizeAll<WeightRounding::Nearest>(weights, exponent, format, codes);
  else
    quantizeAll<WeightRounding::Ceil>(weights, exponent, format, codes);
}

ExponentChoice numerics::chooseExponent(std::span<const float> weights,
                                        WeightFormat format) {
  ExponentChoice choice;
  float largest = 0.0f;
  for (const float weight : weights) {
    const float magnitude = std::fabs(weight);
    largest = std::max(largest, magnitude);
    choice.zeros += magnitude == 0.0f;
  }
  choice.allZero = largest == 0.0f;
  if (choice.allZero) {
    choice.squaredError = squaredError(weights, 0, format);
    return choice;
  }

  // e0: the largest exponent at which nothing is clipped.
  int unclipped = maxWeightExponent;
  while (unclipped > minWeightExponent &&
         std::ldexp(static_cast<double>(largest), unclipped) >
             format.maxMagnitude())
    --unclipped;

  // The first pass looks at e0 - 1 .. e0 + 2, which nearly always decides.
  const int first = std::clamp(unclipped - 1, minWeightExponent,
                               maxWeightExponent - lanes + 1);
  Sums sums = sumErrors(weights, first, format);
  int best = first;
  double bestError = sums.error[0];
  bool finished = false;
  const auto consider = [&](const Sums &batch, int base, int from) {
    for (int i = from; i < lanes && !finished; ++i) {
      const int exponent = base + i;
      if (exponent > unclipped && batch.clipped[i] > bestError) {
        finished = true; // clipping alone is worse, here and further up
        break;
      }
      if (batch.error[i] < bestError) {
        best = exponent;
        bestError = batch.error[i];
      }
    }
  };
  consider(sums, first, 1);
  for (int base = first + lanes; !finished && base <= maxWeightExponent;) {
    const int start = std::min(base, maxWeightExponent - lanes + 1);
    consider(sumErrors(weights, start, format), start, base - start);
    base = start + lanes;
  }

  // Downwards only while sums stay equal: the smallest of equal ones wins.
  for (int exponent = first - 1;
       best == exponent + 1 && exponent >= minWeightExponent; --exponent) {
    const double error = squaredError(weights, exponent, format);
    if (error > bestError)
      break;
    best = exponent;
    bestError = error;
  }
  choice.exponent = best;
  choice.squaredError = bestError;
  return choice;
}

double numerics::squaredError(std::span<const float> weights, int exponent,
                              WeightFormat format) {
  return sumErrors(weights, exponent, format).error[0];
}

int WeightGrid::bits(WeightEncoding encoding) const {
  // 2^(bits-1) is the largest magnitude of signmag, one less of twos.
  const int64_t needed =
      encoding == WeightEncoding::SignMag ? largest : largest + 1;
  int bits = 2;
  while (bits < 64 && (int64_t(1) << (bits - 1)) < needed)
    ++bits;
  return bits;
}

bool WeightGrid::isCoarse() const {
  return largest == 0 ||
         (bits(WeightEncoding::SignMag) <= 8 && exponent >= minWeightExponent &&
          exponent <= maxWeightExponent);
}

WeightGrid numerics::findGrid(std::span<const float> weights) {
  WeightGrid grid;
  int lowest = INT32_MAX; // exponent of the lowest bit that some weight has
  uint32_t largest = 0; // of the magnitudes, whose order is that of their bits
  for (const float weight : weights) {
    const uint32_t bits = std::bit_cast<uint32_t>(weight) & 0x7fffffffu;
    if (bits == 0) {
      ++grid.zeros;
      continue;
    }
    // A subnormal has the exponent of the smallest normal and no leading one.
    const uint32_t biased = std::max(bits >> 23, 1u);
    const uint32_t mantissa =
        (bits & 0x7fffffu) | (bits >> 23 != 0 ? 0x800000u : 0u);
    lowest = std::min(lowest, static_cast<int>(biased) - 150 +
                                  std::countr_zero(mantissa));
    largest = std::max(largest, bits);
  }
  if (largest == 0)
    return grid;
  grid.exponent = -lowest;
  const double steps = std::ldexp(
      static_cast<double>(std::bit_cast<float>(largest)), grid.exponent);
  grid.largest =
      steps < 0x1p62 ? static_cast<int64_t>(steps) : int64_t(1) << 62;
  return grid;
}

uint32_t numerics::encodeWeight(int code, WeightFormat format) {
  const uint32_t mask = (1u << format.bits) - 1;
  if (format.encoding == WeightEncoding::Twos)
    return static_cast<uint32_t>(code) & mask;
  const uint32_t sign = code < 0 ? 1u << (format.bits - 1) : 0u;
  return sign | static_cast<uint32_t>(std::abs(code) - 1);
}

int numerics::decodeWeight(uint32_t pattern, WeightFormat format) {
  const int high = 1 << (format.bits - 1);
  const int value = static_cast<int>(pattern);
  if (format.encoding == WeightEncoding::Twos)
    return value >= high ? value - 2 * high : value;
  return value >= high ? -(value - high + 1) : value + 1;
}

bool numerics::isValidPattern(uint32_t pattern, WeightFormat format) {
  return format.encoding == WeightEncoding::SignMag ||
         pattern != 1u << (format.bits - 1);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From float weights to weight codes: docs/Spec/Arithmetic.md, A-W. A matrix
// has one power-of-two exponent e per gate; the value of a code is
// code * 2^-e.
//
// The exponent is the one of least squared error among 47 (A-W-4), with a sum
// that is exact to the bit. It is found in two or three passes over the
// weights instead of 47, because of two facts, both of which also hold for the
// rounded sums (rounded addition is monotone). With e0 the largest exponent at
// which no weight is clipped:
//   - up to e0 the codes' values of e-1 are a subset of those of e, so the
//     error of e-1 is never less, and one that is greater ends the search;
//   - above e0, the error of the clipped weights alone never falls with e, so
//     once it exceeds the best sum no larger e can win.
//
#ifndef HCGS_NUMERICS_WEIGHTQUANTIZER_H
#define HCGS_NUMERICS_WEIGHTQUANTIZER_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace hcgs::numerics {

/// A-W-1. The values are those of the descriptor (WI-D-1).
enum class WeightEncoding : uint8_t { Twos = 0, SignMag = 1 };

/// A-W-3.
enum class WeightRounding : uint8_t { Nearest, Ceil };

/// How weights are stored and rounded; `bits` is 2..8.
struct WeightFormat {
  int bits = 6;
  WeightEncoding encoding = WeightEncoding::SignMag;
  WeightRounding rounding = WeightRounding::Nearest;

  /// The largest magnitude of a code: 2^(bits-1) with signmag, one less with
  /// twos.
  constexpr int maxMagnitude() const {
    return (1 << (bits - 1)) - (encoding == WeightEncoding::Twos ? 1 : 0);
  }
};

inline constexpr int minWeightExponent = -16;
inline constexpr int maxWeightExponent = 30;

/// A-W-3: the code of one kept weight. A zero becomes 0 with twos, +1 with
/// signmag.
int quantizeWeight(float weight, int exponent, WeightFormat format);

/// A-W-3 for many weights; codes[i] belongs to weights[i].
void quantizeWeights(std::span<const float> weights, int exponent,
                     WeightFormat format, std::span<int16_t> codes);

/// What the search for an exponent found.
struct ExponentChoice {
  int exponent = 0;
  /// Sum of (w - code * 2^-exponent)^2, summed in the order of the weights.
  double squaredError = 0.0;
  /// Kept weights that are exactly zero; with signmag each becomes +1.
  int64_t zeros = 0;
  /// Whether every weight is zero (then exponent = 0).
  bool allZero = true;
};

/// A-W-4: the exponent for the kept weights of one gate, given in the order of
/// the weight image. The weights must be finite.
ExponentChoice chooseExponent(std::span<const float> weights,
                              WeightFormat format);

/// The sum that A-W-4 minimises, for one exponent.
double squaredError(std::span<const float> weights, int exponent,
                    WeightFormat format);

/// The coarsest power-of-two grid that weights lie on: each is an integer
/// multiple of 2^-exponent. Weights trained with quantisation lie on one that
/// few bits count; of others the exponent is that of their last bits.
struct WeightGrid {
  int exponent = 0;
  /// The largest magnitude, in steps of the grid; saturates at 2^62.
  int64_t largest = 0;
  /// Weights that are exactly zero.
  int64_t zeros = 0;

  /// The least width of codes that hold every weight without change, zeros
  /// aside if signmag, which has none. At least 2; above 8 there is no format.
  int bits(WeightEncoding encoding) const;
  /// Whether at most 8 bits hold every weight, and `exponent` is one that
  /// formats have (or all weights are zero).
  bool isCoarse() const;
};

/// The weights must be finite.
WeightGrid findGrid(std::span<const float> weights);

/// A-W-1: the k-bit pattern of a code, and back. `decodeWeight` of the pattern
/// that `twos` does not use gives -2^(bits-1); isValidPattern tells.
uint32_t encodeWeight(int code, WeightFormat format);
int decodeWeight(uint32_t pattern, WeightFormat format);
bool isValidPattern(uint32_t pattern, WeightFormat format);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_WEIGHTQUANTIZER_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fixed-point formats and the few exact operations on codes that everything
// else is made of: docs/Spec/Arithmetic.md, A-FX and A-RQ. A *code* is the
// integer that stands for a value; value = code * 2^-frac.
//
#ifndef HCGS_NUMERICS_FIXEDPOINT_H
#define HCGS_NUMERICS_FIXEDPOINT_H

#include "hcgs/Support/Result.h"

#include <cmath>
#include <cstdint>
#include <string>

namespace hcgs::numerics {

/// A-FX-1: `bits` (2..32) in two's complement, `frac` fractional bits (any
/// signed integer: below 0 the codes count multiples of powers of two, above
/// `bits` the largest value is below one half).
struct FxFormat {
  int bits = 16;
  int frac = 0;

  constexpr int64_t minCode() const { return -(int64_t(1) << (bits - 1)); }
  constexpr int64_t maxCode() const { return (int64_t(1) << (bits - 1)) - 1; }
  /// The largest magnitude a code can have, 2^(bits-1); what the accumulator
  /// proof (A-ACC-3) counts with.
  constexpr int64_t maxMagnitude() const { return int64_t(1) << (bits - 1); }
  /// The value of one code step.
  double lsb() const { return std::ldexp(1.0, -frac); }
  /// As written in the specification: "fx<13,12>".
  std::string str() const;

  friend constexpr bool operator==(const FxFormat &a, const FxFormat &b) {
    return a.bits == b.bits && a.frac == b.frac;
  }
  friend constexpr bool operator!=(const FxFormat &a, const FxFormat &b) {
    return !(a == b);
  }
};

/// A-FX-2: `v` limited to the codes of `bits` bits.
constexpr int64_t saturate(int64_t v, int bits) {
  const int64_t high = (int64_t(1) << (bits - 1)) - 1;
  return v > high ? high : (v < -high - 1 ? -high - 1 : v);
}

/// A-RQ-1 without the saturation: `a` shifted right by `shift` (-15..31),
/// halves towards plus infinity; a negative shift shifts left. Never
/// overflows: `a` is a 32-bit accumulator.
constexpr int64_t shiftRound(int32_t a, int shift) {
  if (shift > 0)
    return (int64_t(a) + (int64_t(1) << (shift - 1))) >> shift;
  return int64_t(a) * (int64_t(1) << -shift);
}

/// A-RQ-1: the accumulator `a` requantised to `bits` (2..16) bits.
constexpr int32_t requantize(int32_t a, int shift, int bits) {
  return static_cast<int32_t>(saturate(shiftRound(a, shift), bits));
}

/// A-RQ-2: whether requantize saturates.
constexpr bool requantizeSaturates(int32_t a, int shift, int bits) {
  return shiftRound(a, shift) != requantize(a, shift, bits);
}

/// Rounds to the nearest integer, halves away from zero (A-FX-3).
inline double roundHalfAway(double u) {
  return std::copysign(std::floor(std::fabs(u) + 0.5), u);
}

/// A-FX-3: the code of the real `value`, saturated. Infinities saturate;
/// `value` must not be NaN (checkedCode reports that).
int64_t toCode(double value, FxFormat format);

/// toCode with NaN as an error.
Result<int64_t> checkedCode(double value, FxFormat format);

/// A-FX-4: the value of a code, exact.
inline double toValue(int64_t code, FxFormat format) {
  return std::ldexp(static_cast<double>(code), -format.frac);
}

/// The largest number of fractional bits, between `minFrac` and `maxFrac`, with
/// which every value in [min, max] has a code of `bits` bits without
/// saturation. When even `minFrac` saturates, `minFrac`. A range that is only
/// zero gives `bits - 1`, limited likewise.
int largestFrac(double min, double max, int bits, int minFrac = -16,
                int maxFrac = 30);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_FIXEDPOINT_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/FixedPoint.h"

using namespace hcgs;
using namespace hcgs::numerics;

std::string FxFormat::str() const {
  return "fx<" + std::to_string(bits) + "," + std::to_string(frac) + ">";
}

int64_t numerics::toCode(double value, FxFormat format) {
  const double rounded = roundHalfAway(std::ldexp(value, format.frac));
  // Compared as doubles: the rounded value may be infinite or beyond 64 bits.
  if (rounded >= static_cast<double>(format.maxCode()))
    return format.maxCode();
  if (rounded <= static_cast<double>(format.minCode()))
    return format.minCode();
  return static_cast<int64_t>(rounded);
}

Result<int64_t> numerics::checkedCode(double value, FxFormat format) {
  if (std::isnan(value))
    return Error{"a value is NaN; only numbers have a code in " + format.str()};
  return toCode(value, format);
}

int numerics::largestFrac(double min, double max, int bits, int minFrac,
                          int maxFrac) {
  const auto limited = [&](int frac) {
    return frac < minFrac ? minFrac : (frac > maxFrac ? maxFrac : frac);
  };
  if (min == 0.0 && max == 0.0)
    return limited(bits - 1);
  for (int frac = maxFrac; frac > minFrac; --frac) {
    const FxFormat format{bits, frac};
    if (roundHalfAway(std::ldexp(max, frac)) <=
            static_cast<double>(format.maxCode()) &&
        roundHalfAway(std::ldexp(min, frac)) >=
            static_cast<double>(format.minCode()))
      return frac;
  }
  return minFrac;
}

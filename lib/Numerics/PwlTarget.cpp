// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PwlTarget.h"

#include <cmath>

using namespace hcgs;
using namespace hcgs::numerics;

PwlTarget::PwlTarget(const RealFunction &function, int inFrac, FxFormat output)
    : inFrac(inFrac), output(output),
      low(static_cast<double>(output.minCode())),
      high(static_cast<double>(output.maxCode())), values(65536) {
  const double step = std::ldexp(1.0, -inFrac);
  const double scale = std::ldexp(1.0, output.frac);
  for (int32_t z = -32768; z < 32768; ++z)
    values[z + 32768] = function(z * step) * scale;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  limited = *least < low - 1.0 || *most > high + 1.0;
}

std::optional<int32_t> PwlTarget::notFinite() const {
  for (int32_t z = -32768; z < 32768; ++z)
    if (!std::isfinite(at(z)))
      return z;
  return std::nullopt;
}

bool PwlTarget::jumpsAt(int32_t z) const {
  if (z <= -32768 || z > 32767)
    return false;
  const double here = std::fabs(at(z) - at(z - 1));
  double around = 0.0;
  if (z - 2 >= -32768)
    around = std::fabs(at(z - 1) - at(z - 2));
  if (z + 1 <= 32767)
    around = std::max(around, std::fabs(at(z + 1) - at(z)));
  return here > 8.0 * (around + 1.0);
}

std::vector<int32_t> PwlTarget::jumps() const {
  constexpr size_t most = 16;
  std::vector<int32_t> found;
  for (int32_t z = -32767; z < 32768 && found.size() < most; ++z)
    if (jumpsAt(z))
      found.push_back(z);
  return found;
}

std::optional<int32_t> PwlTarget::symmetry() const {
  // Far below what a table can resolve, far above the rounding of doubles.
  constexpr double tolerance = 1e-6;
  const double centre = 2.0 * at(0);
  const double code = std::round(centre);
  if (!(std::fabs(code) <= 65536.0) || std::fabs(centre - code) > tolerance)
    return std::nullopt;
  for (int32_t z = 1; z < 32768; ++z)
    if (!(std::fabs(at(z) + at(-z) - code) <= tolerance))
      return std::nullopt;
  return static_cast<int32_t>(code);
}

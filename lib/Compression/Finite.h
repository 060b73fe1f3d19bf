// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compression compares and adds weights; NaN and infinity would make both
// meaningless, so they are refused by name.
//
#ifndef HCGS_LIB_COMPRESSION_FINITE_H
#define HCGS_LIB_COMPRESSION_FINITE_H

#include "hcgs/Compression/Matrix.h"
#include "hcgs/Support/Result.h"

#include <cmath>
#include <string>

namespace hcgs::compression {

/// "weight at gate 0, row 3, column 5".
inline std::string weightName(int64_t gate, int64_t row, int64_t col) {
  return "weight at gate " + std::to_string(gate) + ", row " +
         std::to_string(row) + ", column " + std::to_string(col);
}

/// An error that names the first weight that is NaN or infinite; `what` is what
/// cannot be done with it ("quantised").
inline Result<void> checkFinite(const MatrixView &weights, const char *what) {
  const int64_t size = weights.size();
  // A sum of x * 0 is NaN if and only if some x is not finite.
  constexpr int64_t step = 4096;
  for (int64_t first = 0; first < size; first += step) {
    const int64_t last = first + step < size ? first + step : size;
    float sum = 0.0f;
    for (int64_t i = first; i < last; ++i)
      sum += weights.data[i] * 0.0f;
    if (sum == 0.0f)
      continue;
    for (int64_t i = first; i < last; ++i)
      if (!std::isfinite(weights.data[i]))
        return Error{weightName(i / (weights.rows * weights.cols),
                                i / weights.cols % weights.rows,
                                i % weights.cols) +
                     " is NaN or infinite; only finite weights can be " + what};
  }
  return {};
}

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_FINITE_H

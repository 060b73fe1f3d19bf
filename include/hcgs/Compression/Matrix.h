// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view of the float weights of a layer, as ONNX stores them: the gates'
// matrices stacked, gate by gate, row-major. And what compression takes away
// from them.
//
#ifndef HCGS_COMPRESSION_MATRIX_H
#define HCGS_COMPRESSION_MATRIX_H

#include <cmath>
#include <cstdint>

namespace hcgs::compression {

/// `gates` matrices of `rows` x `cols`; weight (g, r, c) is at
/// data[(g * rows + r) * cols + c]. Owns nothing.
struct MatrixView {
  const float *data = nullptr;
  int64_t gates = 1;
  int64_t rows = 0;
  int64_t cols = 0;

  const float *row(int64_t gate, int64_t r) const {
    return data + (gate * rows + r) * cols;
  }
  int64_t size() const { return gates * rows * cols; }

  /// A view of one gate alone.
  MatrixView gate(int64_t gate) const { return {row(gate, 0), 1, rows, cols}; }
};

/// Sums of squares: of what a change took away from weights, and of the weights
/// before.
struct EnergyLoss {
  double removed = 0.0;
  double total = 0.0;

  /// Removed share in %, 0 of nothing.
  double percent() const { return total > 0.0 ? 100.0 * removed / total : 0.0; }
  /// The same in dB, 10 log10(removed / total); minus infinity if nothing was
  /// removed.
  double decibels() const {
    return removed > 0.0 ? 10.0 * std::log10(removed / total) : -INFINITY;
  }
};

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_MATRIX_H

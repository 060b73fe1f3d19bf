// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrices of real numbers times eight vectors at once: eight rows of a batch
// share every weight that is fetched. Weights are floats (which hold every
// `code * 2^-e` exactly), everything else is double, so that products and sums
// of quantised numbers are exact.
//
#ifndef HCGS_LIB_ANALYSIS_REALMATRIX_H
#define HCGS_LIB_ANALYSIS_REALMATRIX_H

#include "hcgs/Analysis/Network.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace hcgs::analysis {

/// Batch rows that are computed together; element f of lane l of a vector is at
/// f * kLanes + l.
inline constexpr int64_t kLanes = 8;

class RealMatrix {
public:
  RealMatrix() = default;
  /// `weights` is [rows][cols], all gates stacked. Mostly zeros: only the
  /// others are kept.
  RealMatrix(std::shared_ptr<const std::vector<float>> weights, int64_t rows,
             int64_t cols);

  int64_t rows() const { return numRows; }
  int64_t cols() const { return numCols; }

  /// y += W x for every lane; x is [cols][kLanes], y [rows][kLanes].
  void addProduct(const double *x, double *y) const;

private:
  std::shared_ptr<const std::vector<float>> dense; // null if sparse
  int64_t numRows = 0, numCols = 0;
  // Sparse: row r holds entries starts[r] .. starts[r + 1] - 1.
  std::vector<size_t> starts;
  std::vector<uint32_t> columns;
  std::vector<float> values;
};

/// The weights of a program as real numbers: code * 2^-e.
std::shared_ptr<const std::vector<float>> dequantize(const Matrix &matrix);

/// What `weights` (original or compressed floats of `matrix`) become in another
/// format, with the rounding, the exponents and the treatment of zeros that the
/// quantiser was told for it: the numbers that the codes stand for. Weights
/// that the matrix does not keep stay zero unless `all` is set. Null if zeros
/// do not allow what is asked for; `encoding` is then, and else, the encoding
/// that the compiler would take.
std::shared_ptr<const std::vector<float>>
requantize(const Matrix &matrix, const std::vector<float> &weights,
           numerics::WeightFormat format, bool all,
           numerics::WeightEncoding &encoding);

} // namespace hcgs::analysis

#endif // HCGS_LIB_ANALYSIS_REALMATRIX_H

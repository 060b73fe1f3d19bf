// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view of the float weights of a layer, as ONNX stores them: the gates'
// matrices stacked, gate by gate, row-major.
//
#ifndef HCGS_COMPRESSION_MATRIX_H
#define HCGS_COMPRESSION_MATRIX_H

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
};

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_MATRIX_H

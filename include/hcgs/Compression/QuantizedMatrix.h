// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From float weights to the images of a matrix in one call: order the kept
// weights (WI-W), quantise them (A-W), pack them, and sum up what the
// accumulator proof needs (A-ACC-3). The quantiser calls it to choose
// exponents; the conversion calls it again, with the exponents that were
// recorded, to make the images.
//
#ifndef HCGS_COMPRESSION_QUANTIZEDMATRIX_H
#define HCGS_COMPRESSION_QUANTIZEDMATRIX_H

#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/Matrix.h"
#include "hcgs/Numerics/WeightQuantizer.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::compression {

struct QuantizedMatrix {
  numerics::WeightFormat format;
  std::vector<int> exponents;       // one per gate
  std::vector<uint8_t> weightImage; // WI-W-3
  /// [gates * rows]: sum of |code| over the positions of a row. An element of a
  /// circulant matrix counts in every row that uses it.
  std::vector<int64_t> rowMagnitudes;
  // Per gate, over stored weights (of a circulant matrix: used elements):
  std::vector<int64_t> zeros;     // exactly zero
  std::vector<int64_t> unchanged; // equal to the value of their code
  /// Per gate: sum of (w - value of the code)^2 over the positions of the
  /// matrix that are kept. Equal to ExponentChoice::squaredError.
  std::vector<double> squaredErrors;
  /// Codes in the order of the image, if they were asked for.
  std::vector<int16_t> codes;

  /// The rows of one gate, for numerics::ProductTerm.
  std::span<const int64_t> gateMagnitudes(int64_t gate) const {
    const size_t rows = rowMagnitudes.size() / exponents.size();
    return std::span<const int64_t>(rowMagnitudes).subspan(gate * rows, rows);
  }
};

struct QuantizeOptions {
  bool keepCodes = false;
  /// Without it only exponents, sums and errors are made.
  bool makeImage = true;
};

/// A-W-4 for every gate: the exponents of least squared error. Of a circulant
/// matrix (WI-C-4) an element counts as often as positions use it, so that the
/// error is that of the matrix, not that of its vectors.
///
/// The weights must be finite and, if the layout is circulant, obey it.
struct MatrixExponents {
  std::vector<numerics::ExponentChoice> gates;
};
MatrixExponents chooseExponents(const MatrixView &weights,
                                const WeightLayout &layout,
                                numerics::WeightFormat format);

/// Quantises with the given exponents, one per gate. An error names the first
/// kept weight that is NaN or infinite, tells how many weights outside the kept
/// blocks are not zero, or names a weight that a circulant matrix cannot have.
Result<QuantizedMatrix> quantizeMatrix(const MatrixView &weights,
                                       const WeightLayout &layout,
                                       numerics::WeightFormat format,
                                       std::span<const int> exponents,
                                       QuantizeOptions options = {});

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_QUANTIZEDMATRIX_H

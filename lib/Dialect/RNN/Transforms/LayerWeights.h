// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights of one layer in rnn-quantize: which codes they get, and whether
// the sums they add into fit the machine. One layer has one matrix (linear) or
// two that meet in the same accumulators (W and R of an LSTM); those decide
// together what the fraction of the sum is (A-W-7).
//
// Every matrix goes through these steps, the first and the third of which can
// run for all matrices at once:
//
//   chooseCodes     what grid the weights lie on; encoding and exponents
//   settleSums      fractions of the sums, exponents that suit them
//   quantizeWeights the codes, as sums of magnitudes and errors
//   proveSums       A-ACC-3, or which widths would mend it at what cost
//   reportWeights   remarks
//
#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_LAYERWEIGHTS_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_LAYERWEIGHTS_H

#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Dialect/RNN/Transforms/PassOptions.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "hcgs/Numerics/AccumulatorProof.h"
#include "hcgs/Numerics/FixedPoint.h"

#include <optional>
#include <string>
#include <vector>

namespace hcgs::rnn {

/// Shifts that instructions can encode (A-ACC-2, A-RQ-1).
inline constexpr int maxLeftShift = 15;
inline constexpr int minRequantShift = -15, maxRequantShift = 31;

/// Reports a shift that an instruction cannot hold.
mlir::LogicalResult checkShift(mlir::Operation *op, int shift,
                               const llvm::Twine &what,
                               int low = minRequantShift,
                               int high = maxRequantShift);

/// What is asked of the weights of one matrix.
struct WeightRequest {
  numerics::WeightFormat format;
  /// One for each gate; empty: those of least squared error.
  llvm::SmallVector<int> exponents;
  ZeroPolicy zeros = ZeroPolicy::Auto;
  /// The published quantiser: signmag whatever the weights, unless `zeros` asks
  /// for something else.
  bool published = false;
  GridPolicy onGrid = GridPolicy::Keep;
};

/// One weight matrix: its floats, its layout, and its quantised form.
struct Matrix {
  Matrix() = default;
  // Moved only: `view` points into `data`, which can own its elements.
  Matrix(Matrix &&) = default;
  Matrix &operator=(Matrix &&) = default;

  WeightOp weight;
  llvm::StringRef name;    // "W", "R"
  llvm::StringRef operand; // "x", "h"
  numerics::FxFormat operandFormat;
  /// What sets the operand's width: "input-bits", "act-bits of 'lstm1'".
  std::string operandOption;
  WeightRequest request;
  FloatData data;
  compression::MatrixView view;
  std::optional<compression::WeightLayout> layout;

  numerics::WeightFormat format;
  std::vector<numerics::WeightGrid> grids; // by gate
  compression::MatrixExponents best;       // of `format`, as asked for
  llvm::SmallVector<int> exponents;        // recorded
  compression::QuantizedMatrix result;     // without images
  std::string error, encodingRemark;

  int fraction(int64_t gate) const {
    return exponents[gate] + operandFormat.frac;
  }
  /// Whether the exponent of `gate` must not be lowered.
  bool isFixed(int64_t gate) const;
  /// Whether the weights of `gate` are on a grid and have the codes of it.
  bool isUnchanged(int64_t gate) const;
};

/// A layer with matrices, one or two of them, that add into the same sums.
struct LayerWeights {
  LayerWeights() = default;
  LayerWeights(LayerWeights &&) = default; // as Matrix
  LayerWeights &operator=(LayerWeights &&) = default;

  mlir::Operation *op = nullptr;
  std::vector<Matrix> matrices;
  llvm::SmallVector<double> bias; // [gates * rows], or empty
  llvm::SmallVector<int>
      requantFracs; // by gate: what the sum is requantised to
  llvm::SmallVector<int32_t> sumFracs; // by gate
  int64_t rows = 0;
};

/// The encoding and the exponents of least error, or those given (A-W-4).
void chooseCodes(Matrix &matrix);

/// A-W-7 without its proof: the fraction of every gate's sum, and the exponents
/// that suit it.
mlir::LogicalResult settleSums(LayerWeights &layer);

/// The codes with the exponents that are settled, or `matrix.error`.
void quantizeWeights(Matrix &matrix);

/// Proves all sums of a layer. Where a sum could overflow but one matrix is
/// finer than another, the finer one gives up bits (A-W-7).
mlir::LogicalResult proveSums(LayerWeights &layer);

/// Says what became of zeros and of weights on grids.
void reportWeights(const LayerWeights &layer);

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_LAYERWEIGHTS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From `rnn.weight` to the plain views and layouts that the Compression and
// Numerics libraries work on.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_WEIGHTDATA_H
#define HCGS_DIALECT_RNN_TRANSFORMS_WEIGHTDATA_H

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/Matrix.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/WeightQuantizer.h"

namespace hcgs::rnn {

/// The elements of a weight, row-major. Views the attribute's or resource's
/// bytes where they can be read in place; only splats and misaligned bytes are
/// copied. Valid as long as it and the weight's value live.
class FloatData {
public:
  llvm::ArrayRef<float> get() const {
    return owned.empty() ? view : llvm::ArrayRef<float>(owned);
  }

private:
  friend mlir::FailureOr<FloatData> getFloatData(WeightOp);
  llvm::ArrayRef<float> view;
  std::vector<float> owned;
};

/// The elements of `weight`; reports a resource without data or of another
/// size.
mlir::FailureOr<FloatData> getFloatData(WeightOp weight);

/// The matrix of a weight operand: [1, 4H, I] of a recurrent layer is four
/// gates of H x I, [O, I] of a linear layer is one of O x I.
compression::MatrixView getMatrixView(WeightOp weight, const FloatData &data);

/// The pattern of a sparsity attribute, map aside.
compression::Pattern toPattern(fx::SparsityAttr sparsity);

/// The attribute of a map.
fx::SparsityAttr toSparsityAttr(mlir::MLIRContext *context,
                                const compression::BlockMap &map);

/// The layout of a weight operand with row blocks of height `rowBlock`: dense
/// without a sparsity, else by its map. Reports a missing or malformed map and
/// circulant matrices.
mlir::FailureOr<compression::WeightLayout> getLayout(WeightOp weight,
                                                     int64_t rowBlock);

/// The weight format of an attribute, exponents aside.
numerics::WeightFormat toWeightFormat(fx::WeightsAttr weights);

/// A function with its parameters; null parameters stand for ONNX's defaults.
numerics::Activation toActivation(fx::Activation kind, mlir::FloatAttr alpha,
                                  mlir::FloatAttr beta);

/// Function `index` (0: i, o and f; 1: g; 2: tanh of the cell) of a layer with
/// one direction.
numerics::Activation getActivation(LSTMOp op, unsigned index);

/// The ONNX node that `op` comes from, or the operation's own name.
std::string getNodeName(mlir::Operation *op);

/// An error that opens with the ONNX node.
mlir::InFlightDiagnostic emitNodeError(mlir::Operation *op);

/// A remark that opens with the ONNX node.
mlir::InFlightDiagnostic emitNodeRemark(mlir::Operation *op);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_WEIGHTDATA_H

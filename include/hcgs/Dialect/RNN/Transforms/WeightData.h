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

/// The layout of a weight operand with row blocks of height `rowBlock`: dense
/// without a sparsity, else as that says. Reports blocks that are not chosen
/// and forms that do not fit the matrix.
mlir::FailureOr<compression::WeightLayout> getLayout(WeightOp weight,
                                                     int64_t rowBlock);

/// A function with its parameters; null parameters stand for ONNX's defaults.
numerics::Activation toActivation(fx::Activation kind, mlir::FloatAttr alpha,
                                  mlir::FloatAttr beta);

/// Function `index` (0: i, o and f; 1: g; 2: tanh of the cell) of a layer with
/// one direction; with samples if the layer has some (rnn.samples).
numerics::Activation getActivation(LSTMOp op, unsigned index);
/// The function of another layer, which must have one.
numerics::Activation getActivation(LinearOp op);
numerics::Activation getActivation(ActOp op);

/// The samples of a function as an attribute, or null if it has none.
mlir::DenseElementsAttr toSamplesAttr(mlir::MLIRContext *context,
                                      const numerics::Activation &function);
/// Points of tensor<Nx2xf64> as a function's samples.
numerics::Samples toSamples(mlir::DenseElementsAttr points);

/// The ONNX node that `op` comes from, or the operation's own name.
std::string getNodeName(mlir::Operation *op);

/// An error that opens with the ONNX node.
mlir::InFlightDiagnostic emitNodeError(mlir::Operation *op);

/// A remark that opens with the ONNX node.
mlir::InFlightDiagnostic emitNodeRemark(mlir::Operation *op);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_WEIGHTDATA_H

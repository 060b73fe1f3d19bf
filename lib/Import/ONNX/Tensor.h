// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values that depend on the model's inputs, and the bookkeeping of their axes.
//
// An ONNX graph around an LSTM is full of Transpose, Reshape, Squeeze and
// Unsqueeze that compute nothing. The importer therefore keeps two things
// apart: the MLIR value that was computed (the *base*), and the way the graph
// looks at it at the moment (the *axes*). Both are written in *factors*: a
// factor is one meaning (time, batch, direction, ...) with a length. An axis is
// the product of its factors, outermost first; an axis of length 1 has none.
//
// Example: the Y of a bidirectional LSTM of 8 cells. The base is
// [t][b][d,u] (rnn.lstm joins the directions), the axes are [t][d][b][u], as
// ONNX has them. Transpose(0,2,1,3) makes the axes [t][b][d][u], Reshape to
// [T,N,16] makes them [t][b][d,u], which is the base: the two nodes leave
// nothing behind. A Reshape of [t][d][b][u] to [T,N,16] instead cannot be
// written in factors (b is not next to u's d) and is refused.

#ifndef HCGS_LIB_IMPORT_ONNX_TENSOR_H
#define HCGS_LIB_IMPORT_ONNX_TENSOR_H

#include "Dim.h"

#include "mlir/IR/Value.h"

namespace hcgs::frontend {

/// One meaning of an axis. Factors of equal id count the same thing.
struct Factor {
  unsigned id;
  Dim size;
};

/// The factors of one axis, outermost first; none for an axis of length 1.
using Group = llvm::SmallVector<Factor, 2>;

/// A value of the graph. Its base is one MLIR value, or, for stacked states,
/// one value [batch, unit] per layer.
struct Tensor {
  /// The base; several for stacked states.
  llvm::SmallVector<mlir::Value, 1> parts;
  /// Axes of each part.
  llvm::SmallVector<Group> dims;
  /// What counts the parts; only if there are several.
  Factor layer{0, 1};
  /// The axes as the graph sees them.
  llvm::SmallVector<Group> axes;

  bool isStacked() const { return parts.size() > 1; }
  mlir::Value getBase() const { return parts.front(); }
  size_t getRank() const { return axes.size(); }
};

/// Length of an axis; nothing if it leaves 64 bits.
std::optional<Dim> sizeOf(llvm::ArrayRef<Factor> group);

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_TENSOR_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of operators on constants: what exporters compute shapes, zero
// states and re-ordered weights with.

#ifndef HCGS_LIB_IMPORT_ONNX_FOLD_H
#define HCGS_LIB_IMPORT_ONNX_FOLD_H

#include "Importer.h"

namespace hcgs::frontend {

mlir::LogicalResult foldArithmetic(Node &node); // Add, Sub, Mul, Div
mlir::LogicalResult foldCast(Node &node);
mlir::LogicalResult foldConcat(Node &node);
mlir::LogicalResult foldConstant(Node &node);
mlir::LogicalResult foldConstantOfShape(Node &node);
mlir::LogicalResult foldEqual(Node &node);
mlir::LogicalResult foldExpand(Node &node);
mlir::LogicalResult foldFlatten(Node &node);
mlir::LogicalResult foldGather(Node &node);
mlir::LogicalResult foldIdentity(Node &node);
mlir::LogicalResult foldRange(Node &node);
mlir::LogicalResult foldReshape(Node &node);
mlir::LogicalResult foldShape(Node &node); // of any value
mlir::LogicalResult foldSize(Node &node);  // of any value
mlir::LogicalResult foldSlice(Node &node);
mlir::LogicalResult foldSplit(Node &node);
mlir::LogicalResult foldSqueeze(Node &node);
mlir::LogicalResult foldTranspose(Node &node);
mlir::LogicalResult foldUnsqueeze(Node &node);
mlir::LogicalResult foldWhere(Node &node);

//===----------------------------------------------------------------------===//
// Shared with the handlers of the same operators on computed values
//===----------------------------------------------------------------------===//

/// Checks an axis (negative: from the end) against `rank` and makes it
/// positive.
mlir::FailureOr<int64_t> normalizeAxis(Node &node, int64_t axis, int64_t rank);

/// The permutation of a Transpose: attribute perm, or the reverse order.
mlir::FailureOr<llvm::SmallVector<int64_t>> readPermutation(Node &node,
                                                            int64_t rank);

/// The axes of an Unsqueeze for an operand of rank `rank`, sorted; they count
/// in the result.
mlir::FailureOr<llvm::SmallVector<int64_t>> readUnsqueezeAxes(Node &node,
                                                              int64_t rank);

/// The axes a Squeeze removes, rising; nothing if it names none and so removes
/// every axis of length 1.
mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
readSqueezeAxes(Node &node, int64_t rank);

/// The shape a Reshape asks for, zeros replaced by the lengths they copy from
/// an operand of `rank` axes; at most one length is open (-1). `sizeOfAxis`
/// gives the length of an axis, nothing if it leaves 64 bits.
mlir::FailureOr<llvm::SmallVector<Dim>>
readReshape(Node &node, int64_t rank,
            llvm::function_ref<std::optional<Dim>(int64_t axis)> sizeOfAxis);

/// The first axis of a Flatten's second group: 0..rank.
mlir::FailureOr<int64_t> readFlatten(Node &node, int64_t rank);

/// The lengths of the parts of a Split along an axis of length `size`.
mlir::FailureOr<llvm::SmallVector<int64_t>> readSplit(Node &node, int64_t size);

/// One axis of a Slice.
struct SliceAxis {
  int64_t axis;
  Dim start, end;
  int64_t step;
};

/// The operands or, in older opsets, attributes of a Slice. Start and end are
/// as written: negative numbers count from the end.
mlir::FailureOr<llvm::SmallVector<SliceAxis>> readSlice(Node &node,
                                                        int64_t rank);

/// Start and number of entries of `slice` on an axis of length `size`; nothing
/// if they cannot be known.
std::optional<std::pair<Dim, Dim>> resolveSlice(const SliceAxis &slice,
                                                const Dim &size);

/// The entries of an integer constant; an error unless it is one.
mlir::FailureOr<std::vector<Dim>> readInts(Node &node, size_t index,
                                           llvm::StringRef role);

/// A tensor of the entries of `in` at `offset + sum(index * stride)`, over the
/// stored lengths `stored`. Views the numbers of `in` where it can.
Constant strided(const Constant &in, llvm::ArrayRef<Dim> shape,
                 llvm::ArrayRef<int64_t> stored,
                 llvm::ArrayRef<int64_t> strides, int64_t offset);

/// Row-major strides of `shape`.
llvm::SmallVector<int64_t> rowMajor(llvm::ArrayRef<int64_t> shape);

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_FOLD_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a function of the rnn dialect, in canonical form, in float, and records
// the range of every value. Sequences go through in groups, as many as suit the
// caller; what was recorded adds up over groups. Padding does not count.

#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_FLOATEXECUTOR_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_FLOATEXECUTOR_H

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Numerics/FloatReference.h"

#include "llvm/ADT/MapVector.h"

#include <unordered_map>
#include <vector>

namespace hcgs::rnn {

/// A dense float tensor, row-major.
struct FloatTensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<float> data;

  FloatTensor() = default;
  explicit FloatTensor(llvm::ArrayRef<int64_t> shape);
  int64_t size() const { return static_cast<int64_t>(data.size()); }
};

class FloatExecutor {
public:
  /// Begins with other sequences: `lengths` holds the time steps of each batch
  /// row. All values are forgotten, their ranges are not.
  void start(std::vector<int64_t> lengths) {
    this->lengths = std::move(lengths);
    values.clear();
  }

  /// Gives a function argument its value.
  void bind(mlir::Value argument, FloatTensor value) {
    at(argument) = std::move(value);
  }

  /// Runs the operations of `block` in order. Reports operations that have no
  /// float model here.
  mlir::LogicalResult run(mlir::Block &block);

  /// Records the range of `source`, a sequence [time, batch, feature] or a
  /// value [batch, feature] that has been computed, as that of `value`.
  void record(mlir::Value value, mlir::Value source);

  /// What was recorded, in the order of first recording.
  const llvm::MapVector<mlir::Value, numerics::RangeRecorder> &
  getRanges() const {
    return ranges;
  }

private:
  mlir::LogicalResult run(mlir::Operation &op);
  mlir::LogicalResult run(LSTMOp op);
  mlir::LogicalResult run(LinearOp op);
  void run(ActOp op);
  void run(AddOp op);
  void run(ConcatOp op);
  void run(LastStepOp op);
  void rename(mlir::Operation &op);

  FloatTensor &at(mlir::Value value) {
    return values[value.getAsOpaquePointer()];
  }
  bool has(mlir::Value value) const {
    return values.contains(value.getAsOpaquePointer());
  }
  /// The value of `operand`: computed, or that of an rnn.weight.
  mlir::FailureOr<FloatTensor *> get(mlir::Value operand);
  /// The state of row `row`; zero if there is none.
  mlir::FailureOr<std::vector<float>> initialState(mlir::Value state,
                                                   int64_t row, int64_t hidden);
  /// Stores the value of a result of a layer and records its range.
  void define(mlir::Value result, FloatTensor value);

  std::vector<int64_t> lengths;
  // Node-based: references stay valid while others are added.
  std::unordered_map<void *, FloatTensor> values;
  llvm::MapVector<mlir::Value, numerics::RangeRecorder> ranges;
};

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_FLOATEXECUTOR_H

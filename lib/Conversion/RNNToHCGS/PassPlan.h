// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which time loop computes which sequence value, in which order of time.
//
// A pass visits the time steps from first to last; in step t it can use frame t
// of any stream or frame T-1-t, and what itself computed in the same step. A
// value is *reversed* if the pass computes its element T-1-t in step t, as a
// reverse LSTM does. A value is placed in the earliest pass in which all its
// operands are at hand: inputs of the model always, values of older passes
// through a stream, values of the same pass if they have the same order.
//
// Example: a bidirectional layer F0, R0 (joined to B), a linear layer on B, and
// a forward LSTM on the linear layer's result:
//
//   pass 0   F0   forward      B is joined: its halves have different orders,
//            R0   reversed     so it exists only as columns of a stream
//   pass 1   linear, LSTM      forward, reading that stream

#ifndef HCGS_LIB_CONVERSION_RNNTOHCGS_PASSPLAN_H
#define HCGS_LIB_CONVERSION_RNNTOHCGS_PASSPLAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace hcgs::tohcgs {

class PassPlan {
public:
  struct Place {
    unsigned pass = 0;
    bool reversed = false;
    /// A concat of values of different orders, or one that no operation of its
    /// own pass reads: never computed, its parts are written to columns.
    bool joined = false;
  };

  /// Places every sequence value of a function in canonical form.
  explicit PassPlan(mlir::func::FuncOp func);

  unsigned getNumPasses() const { return numPasses; }

  /// The operations of a pass in an order in which they can be computed.
  llvm::ArrayRef<mlir::Operation *> getLayers(unsigned pass) const {
    return layers[pass];
  }

  /// Where a sequence value is computed; null for inputs of the model.
  const Place *find(mlir::Value value) const {
    auto it = places.find(value);
    return it == places.end() ? nullptr : &it->second;
  }

  /// Sequence values that are read through a stream, in program order.
  llvm::ArrayRef<mlir::Value> getStreamed() const {
    return streamed.getArrayRef();
  }

private:
  void place(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Place> places;
  llvm::SetVector<mlir::Value> streamed;
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> layers;
  unsigned numPasses = 0;
};

/// True if `op` computes a sequence: a layer on [time, batch, feature].
bool isSequenceLayer(mlir::Operation *op);

/// The sequences that a layer reads, behind renamings of inputs.
llvm::SmallVector<mlir::Value> getSequenceOperands(mlir::Operation *op);

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_PASSPLAN_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One time loop as schedulers and the code generator see it: which values share
// storage, and what each operation costs on a target.
//
// Storage is shared by
//   - the values of an accumulator chain (`acc %a0`): all operations of the
//     chain write the same accumulators;
//   - a state: operand n of the hcgs.yield and block argument n, which is the
//     value of the step before.
//
#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_STEPMODEL_H
#define HCGS_DIALECT_HCGS_TRANSFORMS_STEPMODEL_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "hcgs/Schedule/MachineTiming.h"
#include "hcgs/Schedule/Scheduler.h"
#include "hcgs/Target/TargetModel.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <string>
#include <string_view>

namespace hcgs::flow {

/// The layout of a matrix with row blocks of height `rowBlock`. Reports a map
/// that does not fit the matrix.
mlir::FailureOr<compression::WeightLayout> getLayout(MatrixOp matrix,
                                                     int64_t rowBlock);

/// Segments of columns of a matrix begin and end at multiples of this, or at
/// its last column.
uint32_t columnGranule(MatrixOp matrix);

/// Checks the columns and the tile that an entry of a schedule names of a
/// product with `matrix`, and reports what is wrong. Without a target any
/// number of a tile is taken.
mlir::LogicalResult verifyProductIssue(IssueOp issue, MatrixOp matrix,
                                       const TargetModel *target);

/// A time loop as a scheduling problem, with the way back to the IR.
struct StepModel {
  schedule::Problem problem;
  /// Of every value of the body, block arguments included.
  llvm::DenseMap<mlir::Value, unsigned> storageOf;
  /// The value that names the buffer of each storage: the last one of it.
  llvm::SmallVector<mlir::Value> namedBy;
  /// Of each storage: the number of the state, or -1.
  llvm::SmallVector<int> stateOf;
  /// Of each operation of the problem.
  struct Source {
    mlir::Operation *op;
    /// Operand of an hcgs.concat.
    unsigned part;
  };
  llvm::SmallVector<Source> sources;
  /// Layers that are one row block although each of their matrices has finer
  /// row groups: the boundaries of these do not meet.
  llvm::SmallVector<mlir::FlatSymbolRefAttr> undivided;
};

/// Attribute of a scheduled program: number of the tile shape that was asked
/// for all dense products, those outside time loops included. Absent where each
/// takes the one that suits it.
inline constexpr llvm::StringLiteral kTileAttr = "hcgs.tile";

/// How dense products arrange the lanes.
struct TilePolicy {
  /// Every product takes this shape of the target and no other; without it each
  /// takes the one with the fewest cycles, and a lower one for its last rows.
  std::optional<unsigned> fixedTile;

  /// "adaptive", or the rows of the fixed shape.
  std::string name(const TargetModel &target) const;
  /// From such a name. The error lists what the target has.
  static Result<TilePolicy> parse(std::string_view name,
                                  const TargetModel &target);
};

/// Builds the model, all of the problem but `instructionLimit` and `capacity`.
/// Reports what cannot be modelled (a matrix whose map does not fit it, a kind
/// of matrix the target does not have).
mlir::FailureOr<StepModel> buildStepModel(SequenceOp sequence,
                                          const TargetModel &target,
                                          const TilePolicy &tiles = {});

} // namespace hcgs::flow

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_STEPMODEL_H

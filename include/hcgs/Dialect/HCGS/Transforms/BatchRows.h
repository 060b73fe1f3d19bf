// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs that compute several rows of a batch together
// (hcgs-replicate-streams): which operation belongs to which row, and that
// every row computes what row 0 does.
//
// The rows share layers, matrices, tables, constants and the description of the
// network. Everything else is there once a row: an operation of row k > 0 has
// the attribute `hcgs.row = k`, and its streams say of which stream of row 0
// they are the copy. A sequence has the states of row 0, then those of row 1,
// and so on.
//
#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_BATCHROWS_H
#define HCGS_DIALECT_HCGS_TRANSFORMS_BATCHROWS_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "llvm/ADT/DenseMap.h"

namespace hcgs::flow {

/// Of an hcgs.program: how many rows it computes together; absent: 1.
inline constexpr llvm::StringLiteral kRowsAttr = "hcgs.rows";
/// Of an operation: its row; absent: row 0, or shared by all.
inline constexpr llvm::StringLiteral kRowAttr = "hcgs.row";
/// Of an hcgs.stream of a row above 0: the stream of row 0.
inline constexpr llvm::StringLiteral kCopyOfAttr = "hcgs.copy_of";

int64_t getNumRows(ProgramOp program);
int64_t getRow(mlir::Operation *op);

/// Whether an operation is there once a row.
bool isReplicated(mlir::Operation *op);

/// What each operation of a row is a copy of.
class BatchRows {
public:
  /// Reports rows that do not compute what row 0 does.
  static mlir::FailureOr<BatchRows> find(ProgramOp program);

  int64_t count() const { return numRows; }
  /// The operation of row 0; `op` itself if it is of row 0 or shared.
  mlir::Operation *original(mlir::Operation *op) const {
    mlir::Operation *found = originals.lookup(op);
    return found ? found : op;
  }

private:
  int64_t numRows = 1;
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> originals;
};

} // namespace hcgs::flow

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_BATCHROWS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that verifiers of several rnn operations share.

#ifndef HCGS_LIB_DIALECT_RNN_IR_RNNVERIFY_H
#define HCGS_LIB_DIALECT_RNN_IR_RNNVERIFY_H

#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "mlir/IR/Operation.h"

namespace hcgs::rnn {

/// True if two lengths of an axis can be the same at run time.
bool compatibleDims(int64_t a, int64_t b);

/// Reports operand or result `name` of `op` unless its shape is compatible with
/// `expected`.
mlir::LogicalResult verifyShape(mlir::Operation *op, llvm::StringRef name,
                                mlir::Type type,
                                llvm::ArrayRef<int64_t> expected);

/// Reports a missing or superfluous parameter of activation `kind`.
mlir::LogicalResult verifyActivation(mlir::Operation *op, fx::Activation kind,
                                     bool hasAlpha, bool hasBeta);

/// Reports a table that is for another function than `name` computes.
mlir::LogicalResult verifyTableKind(mlir::Operation *op, fx::PwlAttr table,
                                    fx::Activation kind, llvm::StringRef name);

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_IR_RNNVERIFY_H

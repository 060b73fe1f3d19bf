// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fx dialect: fixed-point types, weight formats, piecewise-linear tables
// and block patterns, shared by the rnn and hcgs dialects.

#ifndef HCGS_DIALECT_FX_IR_FXDIALECT_H
#define HCGS_DIALECT_FX_IR_FXDIALECT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"

#include "hcgs/Dialect/FX/IR/FXDialect.h.inc"

#include "hcgs/Dialect/FX/IR/FXEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "hcgs/Dialect/FX/IR/FXTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/FX/IR/FXAttributes.h.inc"

namespace hcgs::fx {

/// True if `kind` reads the parameter alpha (beta) of ONNX.
bool usesAlpha(Activation kind);
bool usesBeta(Activation kind);

/// ONNX's default for alpha (beta) of `kind` inside a recurrent operator;
/// nothing if the function has no such parameter or no default.
std::optional<float> defaultAlpha(Activation kind);
std::optional<float> defaultBeta(Activation kind);

/// Whether points (x, y) can stand for a function: tensor<Nx2xf64>, two or
/// more, finite, x rising.
mlir::LogicalResult
verifySamples(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
              mlir::DenseElementsAttr samples);

} // namespace hcgs::fx

#endif // HCGS_DIALECT_FX_IR_FXDIALECT_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON as attributes: objects are dictionaries, lists arrays, integers i64,
// other numbers f64, text strings, and null is `unit`. So metadata and targets
// are readable inside textual IR and pass through it unchanged.
//
#ifndef HCGS_DIALECT_ISA_IR_JSONATTR_H
#define HCGS_DIALECT_ISA_IR_JSONATTR_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace hcgs::isa {

/// Parses JSON text; reports what is wrong through `emitError`.
mlir::FailureOr<mlir::Attribute>
parseJsonAttr(mlir::MLIRContext *context, llvm::StringRef text,
              llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// Compact JSON text with sorted keys. Fails, through `emitError`, for
/// attributes that JSON has no place for.
mlir::FailureOr<std::string>
printJsonAttr(mlir::Attribute attr,
              llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace hcgs::isa

#endif // HCGS_DIALECT_ISA_IR_JSONATTR_H

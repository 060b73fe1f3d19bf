// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The isa dialect to a program file and back.
//
#ifndef HCGS_CONVERSION_ISATOPROGRAM_H
#define HCGS_CONVERSION_ISATOPROGRAM_H

#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Target/ProgramFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace hcgs {

/// Encodes the instructions, counts loops, and makes metadata and debug map.
/// Reports what has no encoding at the operation. `origins`, if given, gets
/// the operation of each instruction. What the program means is not checked;
/// `verifyProgram` does that.
mlir::FailureOr<Program>
exportProgram(isa::ProgramOp op,
              llvm::SmallVectorImpl<mlir::Operation *> *origins = nullptr);

/// A module with one `isa.program @name` that holds the program; loops become
/// regions, nodes of the debug map locations. The program must be one that
/// verifyProgram accepts; errors are reported at an unknown location.
mlir::OwningOpRef<mlir::ModuleOp> importProgram(mlir::MLIRContext *context,
                                                const Program &program,
                                                llvm::StringRef name);

} // namespace hcgs

#endif // HCGS_CONVERSION_ISATOPROGRAM_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a scheduled hcgs.program to an isa.program. The pass hcgs-to-isa does it
// to a module; convertToISA is for callers that hold a target already.
//
#ifndef HCGS_CONVERSION_HCGSTOISA_HCGSTOISA_H
#define HCGS_CONVERSION_HCGSTOISA_HCGSTOISA_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Target/TargetModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace hcgs {

#define GEN_PASS_DECL
#include "hcgs/Conversion/HCGSToISA/Passes.h.inc"

/// Builds the isa.program at the builder's place; `program` stays as it is.
/// Reports why it cannot be done at the operations concerned.
mlir::FailureOr<isa::ProgramOp> convertToISA(flow::ProgramOp program,
                                             const TargetModel &target,
                                             mlir::OpBuilder &builder);

#define GEN_PASS_REGISTRATION
#include "hcgs/Conversion/HCGSToISA/Passes.h.inc"

} // namespace hcgs

#endif // HCGS_CONVERSION_HCGSTOISA_HCGSTOISA_H

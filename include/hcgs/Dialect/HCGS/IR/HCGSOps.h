// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of the hcgs dialect.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSOPS_H
#define HCGS_DIALECT_HCGS_IR_HCGSOPS_H

#include "hcgs/Dialect/HCGS/IR/HCGSDialect.h"
#include "hcgs/Numerics/PwlTable.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hcgs::flow {
class ScheduleOp;
class YieldOp;
} // namespace hcgs::flow

#define GET_OP_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSOps.h.inc"

#endif // HCGS_DIALECT_HCGS_IR_HCGSOPS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The isa dialect: instructions as operations. docs/Rationale/IR.md states the
// contract with the level above. Operations and the plain structs of
// hcgs/Target/ISA.h share a namespace and are built from one another:
//
//   isa::MvmOp::create(builder, loc, isa::Mvm{...}, {.layer = 0, .what = ...});
//
#ifndef HCGS_DIALECT_ISA_IR_ISA_H
#define HCGS_DIALECT_ISA_IR_ISA_H

#include "hcgs/Target/ISA.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include <optional>
#include <string>

namespace hcgs::isa {

/// What the debug map says about an instruction (PF-8) besides its ONNX node,
/// which is in the location.
struct InstructionNote {
  /// Index into `network.layers`.
  std::optional<int64_t> layer = std::nullopt;
  /// In words; empty = nothing to say.
  std::string what = {};

  mlir::IntegerAttr layerAttr(mlir::Builder &builder) const;
  mlir::StringAttr whatAttr(mlir::Builder &builder) const;
};

/// The operation of an instruction that is neither loop nor endloop; null for
/// those two.
mlir::Operation *createInstruction(mlir::OpBuilder &builder, mlir::Location loc,
                                   const Instruction &inst,
                                   const InstructionNote &note = {});

} // namespace hcgs::isa

#include "hcgs/Dialect/ISA/IR/ISADialect.h.inc"
#include "hcgs/Dialect/ISA/IR/ISAEnums.h.inc"
#include "hcgs/Dialect/ISA/IR/ISAInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/ISA/IR/ISAAttributes.h.inc"
#define GET_OP_CLASSES
#include "hcgs/Dialect/ISA/IR/ISAOps.h.inc"

#endif // HCGS_DIALECT_ISA_IR_ISA_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rnn dialect: recurrent models in float, on whole sequences.

#ifndef HCGS_DIALECT_RNN_IR_RNNDIALECT_H
#define HCGS_DIALECT_RNN_IR_RNNDIALECT_H

#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "hcgs/Dialect/RNN/IR/GateOrder.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h.inc"

#include "hcgs/Dialect/RNN/IR/RNNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/RNN/IR/RNNAttributes.h.inc"

#define GET_OP_CLASSES
#include "hcgs/Dialect/RNN/IR/RNNOps.h.inc"

namespace hcgs::rnn {

/// A discardable attribute of layers whose functions are given by samples
/// (numerics::Samples): a dictionary from the function's key to its points, as
/// tensor<Nx2xf64>. rnn-activation-tables makes it, rnn-quantize puts the
/// points into the tables.
inline constexpr llvm::StringLiteral kSamplesAttr = "rnn.samples";

/// The keys of an operation's functions: f (i, o and f), g and h of an LSTM, as
/// ONNX names them, y of another layer with a function.
llvm::ArrayRef<llvm::StringLiteral> getSamplesKeys(mlir::Operation *op);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_IR_RNNDIALECT_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Base classes and type constraints of rnn operations.

#ifndef HCGS_DIALECT_RNN_IR_RNNOPBASE_TD
#define HCGS_DIALECT_RNN_IR_RNNOPBASE_TD

include "hcgs/Dialect/RNN/IR/RNNAttributes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class RNN_Op<string mnemonic, list<Trait> traits = []>
    : Op<RNN_Dialect, mnemonic, traits>;

def RNN_Tensor : RankedTensorOf<[F32]>;
def RNN_Vector : TensorRankOf<[F32], [1]>;
def RNN_Matrix : TensorRankOf<[F32], [2]>;
def RNN_Cube : TensorRankOf<[F32], [3]>;
// A sequence [time, batch, feature] or a per-sequence value [batch, feature].
def RNN_Features : TensorRankOf<[F32], [2, 3]>;
def RNN_Lengths : TensorRankOf<[I32], [1]>;

#endif // HCGS_DIALECT_RNN_IR_RNNOPBASE_TD

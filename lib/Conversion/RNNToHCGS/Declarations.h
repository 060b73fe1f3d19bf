// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The declarations of a program under construction: layers, streams, tensors,
// matrices and tables, grouped by kind ahead of the dataflow, with unique
// names.

#ifndef HCGS_LIB_CONVERSION_RNNTOHCGS_DECLARATIONS_H
#define HCGS_LIB_CONVERSION_RNNTOHCGS_DECLARATIONS_H

#include "Numbers.h"
#include "Ports.h"
#include "llvm/ADT/StringSet.h"

namespace hcgs::tohcgs {

class Declarations {
public:
  explicit Declarations(flow::ProgramOp program) : program(program) {}

  /// The layer of `op`; made at first sight.
  mlir::FlatSymbolRefAttr getLayer(mlir::Operation *op, flow::LayerKind kind);

  flow::StreamOp addStream(mlir::Location loc, llvm::StringRef name,
                           flow::StreamKind kind,
                           flow::StreamDirection direction,
                           flow::VecType frame);

  void addIO(mlir::Location loc, flow::IODirection direction, const Port &port,
             llvm::ArrayRef<flow::PartAttr> parts);

  /// The matrix `role` ("W", "R") of a layer. `bias` may be empty.
  flow::MatrixOp addMatrix(mlir::Location loc, mlir::FlatSymbolRefAttr layer,
                           llvm::StringRef role, int64_t gates, int64_t rows,
                           int64_t cols, fx::WeightsAttr weights,
                           const Codes &codes, llvm::ArrayRef<int64_t> bias);

  /// The fitted table of a function, shared by all layers that use it.
  mlir::FailureOr<mlir::FlatSymbolRefAttr> getTable(mlir::Operation *layer,
                                                    fx::PwlAttr function);

private:
  enum Group { Layers, Streams, IOs, Matrices, Tables, NumGroups };

  /// A builder at the end of a group.
  mlir::OpBuilder at(Group group);
  template <typename OpT>
  OpT added(Group group, OpT op) {
    last[group] = op;
    return op;
  }

  flow::ProgramOp program;
  mlir::Operation *last[NumGroups] = {};
  llvm::DenseMap<mlir::Operation *, mlir::FlatSymbolRefAttr> layers;
  llvm::DenseMap<mlir::Attribute, mlir::FlatSymbolRefAttr> tables;
  llvm::StringSet<> names;
};

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_DECLARATIONS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the host sees of a model: its tensors, with the roles of their axes
// found by following the renaming operations between the boundary of the
// function and the values it computes with (docs/Spec/Layers.md, L-IO).

#ifndef HCGS_LIB_CONVERSION_RNNTOHCGS_PORTS_H
#define HCGS_LIB_CONVERSION_RNNTOHCGS_PORTS_H

#include "hcgs/Dialect/HCGS/IR/HCGSDialect.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"

namespace hcgs::tohcgs {

/// How a tensor holds values of the network.
enum class Form {
  Sequence, // [time, batch, feature]
  Vector,   // [batch, feature]
  Stack,    // [layer, batch, feature]
  Split,    // [time, direction, batch, feature]
};

/// An input or output tensor.
struct Port {
  llvm::StringRef name;
  /// Argument of the function, or the value behind a result before its axes
  /// are renamed (before rnn.split_directions too).
  mlir::Value value;
  /// Nothing for an input that no operation reads.
  std::optional<Form> form;
  llvm::SmallVector<flow::AxisAttr> axes;

  bool hasAxis(flow::AxisKind kind) const;
};

struct Ports {
  llvm::SmallVector<Port> inputs, outputs;
};

/// The value behind renamings of a function argument's axes.
mlir::Value getCore(mlir::Value value);

/// The name of the ONNX node that `op` came from, else of the operation.
std::string getNodeName(mlir::Operation *op);

/// An error at `op` that opens with its node's name.
mlir::InFlightDiagnostic nodeError(mlir::Operation *op);

/// Finds the ports of `func`, named by `model`. Reports an output that is an
/// input or a constant, and axes that cannot be told apart.
mlir::FailureOr<Ports> findPorts(mlir::func::FuncOp func, rnn::ModelOp model);

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_PORTS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Import of operators on computed values: one function per operator or family.

#ifndef HCGS_LIB_IMPORT_ONNX_HANDLERS_H
#define HCGS_LIB_IMPORT_ONNX_HANDLERS_H

#include "Importer.h"

namespace hcgs::frontend {

// Layers.cpp
mlir::LogicalResult importLSTM(Node &node);

// Features.cpp
mlir::LogicalResult importActivation(Node &node); // Sigmoid, Tanh, Relu, ...
mlir::LogicalResult importAdd(Node &node);
mlir::LogicalResult importConcat(Node &node);
mlir::LogicalResult importGemm(Node &node);
mlir::LogicalResult importMatMul(Node &node);

// Axes.cpp
mlir::LogicalResult importCast(Node &node);
mlir::LogicalResult importDropout(Node &node);
mlir::LogicalResult importExpand(Node &node);
mlir::LogicalResult importFlatten(Node &node);
mlir::LogicalResult importGather(Node &node);
mlir::LogicalResult importIdentity(Node &node);
mlir::LogicalResult importReshape(Node &node);
mlir::LogicalResult importSlice(Node &node);
mlir::LogicalResult importSplit(Node &node);
mlir::LogicalResult importSqueeze(Node &node);
mlir::LogicalResult importTranspose(Node &node);
mlir::LogicalResult importUnsqueeze(Node &node);

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_HANDLERS_H

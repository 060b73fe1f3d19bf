// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies for the analysis of what a program does not have: float weights, taken
// between phases, while they are there, and what was asked of codes and tables.

#ifndef HCGS_LIB_PIPELINES_FLOATLAYERS_H
#define HCGS_LIB_PIPELINES_FLOATLAYERS_H

#include "hcgs/Analysis/FloatModel.h"
#include "hcgs/Pipelines/Options.h"

#include "mlir/IR/BuiltinOps.h"

namespace hcgs {

/// The layers of a module in canonical form, weights as they are now (both
/// before and after compression).
mlir::LogicalResult copyFloatLayers(mlir::ModuleOp module,
                                    analysis::FloatModel &model);

/// Replaces the weights after compression by those of the same module now.
mlir::LogicalResult copyCompressedWeights(mlir::ModuleOp module,
                                          analysis::FloatModel &model);

/// What was asked of the codes and tables of a quantised module: by its
/// overrides, else by `options`; null if its formats were made by other options
/// than ours, then they tell what they can.
mlir::LogicalResult copyRules(mlir::ModuleOp module,
                              const CompileOptions *options,
                              analysis::FloatModel &model);

} // namespace hcgs

#endif // HCGS_LIB_PIPELINES_FLOATLAYERS_H

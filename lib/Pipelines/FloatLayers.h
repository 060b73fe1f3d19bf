// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of the float weights for the analysis, taken between phases, while
// they are there.

#ifndef HCGS_LIB_PIPELINES_FLOATLAYERS_H
#define HCGS_LIB_PIPELINES_FLOATLAYERS_H

#include "hcgs/Analysis/FloatModel.h"

#include "mlir/IR/BuiltinOps.h"

namespace hcgs {

/// The layers of a module in canonical form, weights as they are now (both
/// before and after compression).
mlir::LogicalResult copyFloatLayers(mlir::ModuleOp module,
                                    analysis::FloatModel &model);

/// Replaces the weights after compression by those of the same module now.
mlir::LogicalResult copyCompressedWeights(mlir::ModuleOp module,
                                          analysis::FloatModel &model);

} // namespace hcgs

#endif // HCGS_LIB_PIPELINES_FLOATLAYERS_H

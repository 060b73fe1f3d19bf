// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the rnn dialect and their registration.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_PASSES_H
#define HCGS_DIALECT_RNN_TRANSFORMS_PASSES_H

#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "hcgs/Dialect/RNN/Transforms/PassOptions.h"

#include "mlir/Pass/Pass.h"

namespace hcgs::rnn {

#define GEN_PASS_DECL
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"

/// The attribute that rnn-calibrate leaves on an rnn.model for the report: an
/// array with a dictionary for each value, of its name as in a configuration
/// file, what was seen (`min`, `max`), what was chosen (`low`, `high`) by which
/// `method`, and the share of values beyond that (`clipped`).
inline constexpr llvm::StringLiteral kRangesAttr = "rnn.ranges";

/// Adds the passes that bring imported IR into canonical form, the check
/// included (docs/Rationale/IR.md, "rnn and fx"). Registered as the pipeline
/// `rnn-canonical-form`.
void buildCanonicalFormPipeline(mlir::OpPassManager &pm);

/// Registers the pipelines of this folder.
void registerRNNPipelines();

#define GEN_PASS_REGISTRATION
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSES_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the hcgs dialect and their registration.

#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_H
#define HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "mlir/Pass/Pass.h"

namespace hcgs::flow {

#define GEN_PASS_DECL
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"

} // namespace hcgs::flow

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_PASSES_H

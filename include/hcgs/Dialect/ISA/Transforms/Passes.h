// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of the isa dialect.
//
#ifndef HCGS_DIALECT_ISA_TRANSFORMS_PASSES_H
#define HCGS_DIALECT_ISA_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace hcgs::isa {

#define GEN_PASS_DECL
#include "hcgs/Dialect/ISA/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "hcgs/Dialect/ISA/Transforms/Passes.h.inc"

} // namespace hcgs::isa

#endif // HCGS_DIALECT_ISA_TRANSFORMS_PASSES_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass from the rnn to the hcgs dialect.

#ifndef HCGS_CONVERSION_RNNTOHCGS_RNNTOHCGS_H
#define HCGS_CONVERSION_RNNTOHCGS_RNNTOHCGS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace hcgs {

#define GEN_PASS_DECL
#include "hcgs/Conversion/RNNToHCGS/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "hcgs/Conversion/RNNToHCGS/Passes.h.inc"

} // namespace hcgs

#endif // HCGS_CONVERSION_RNNTOHCGS_RNNTOHCGS_H

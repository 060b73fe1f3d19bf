// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All operations of the hcgs dialect: what the generators read.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSOPS_TD
#define HCGS_DIALECT_HCGS_IR_HCGSOPS_TD

include "hcgs/Dialect/HCGS/IR/HCGSFlowOps.td"
include "hcgs/Dialect/HCGS/IR/HCGSProgramOps.td"
include "hcgs/Dialect/HCGS/IR/HCGSScheduleOps.td"

#endif // HCGS_DIALECT_HCGS_IR_HCGSOPS_TD

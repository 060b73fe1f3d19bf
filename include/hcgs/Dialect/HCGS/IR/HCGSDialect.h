// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hcgs dialect, its types and attributes. The C++ namespace is hcgs::flow:
// the level is dataflow, and a namespace hcgs inside hcgs would hide the outer
// one.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSDIALECT_H
#define HCGS_DIALECT_HCGS_IR_HCGSDIALECT_H

#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"

#include "hcgs/Dialect/HCGS/IR/HCGSDialect.h.inc"

#include "hcgs/Dialect/HCGS/IR/HCGSEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSAttributes.h.inc"

#endif // HCGS_DIALECT_HCGS_IR_HCGSDIALECT_H

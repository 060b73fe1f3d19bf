// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/ISA/IR/ISA.h"

using namespace mlir;
using namespace hcgs::isa;

#include "hcgs/Dialect/ISA/IR/ISADialect.cpp.inc"

void ISADialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "hcgs/Dialect/ISA/IR/ISAOps.cpp.inc"
      >();
}

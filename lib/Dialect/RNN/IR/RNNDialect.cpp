// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rnn dialect and its enumerations.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

using namespace mlir;
using namespace hcgs::rnn;

#include "hcgs/Dialect/RNN/IR/RNNDialect.cpp.inc"

#include "hcgs/Dialect/RNN/IR/RNNEnums.cpp.inc"

void RNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "hcgs/Dialect/RNN/IR/RNNOps.cpp.inc"
      >();
  registerAttributes();
}

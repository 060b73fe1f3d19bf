// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rnn dialect and its enumerations.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "hcgs/Dialect/RNN/IR/OverrideKeys.h"

#include "llvm/ADT/StringExtras.h"

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

llvm::ArrayRef<llvm::StringLiteral> hcgs::rnn::getSamplesKeys(Operation *op) {
  static constexpr llvm::StringLiteral ofLSTM[] = {"f", "g", "h"};
  static constexpr llvm::StringLiteral ofOthers[] = {"y"};
  if (isa<LSTMOp>(op))
    return ofLSTM;
  if (isa<LinearOp, ActOp>(op))
    return ofOthers;
  return {};
}

static LogicalResult verifySamplesAttribute(Operation *op, Attribute value) {
  auto fail = [&]() -> InFlightDiagnostic {
    return op->emitOpError() << "attribute '" << kSamplesAttr << "': ";
  };
  auto dictionary = dyn_cast<DictionaryAttr>(value);
  if (!dictionary)
    return fail() << "must be a dictionary";
  llvm::ArrayRef<llvm::StringLiteral> keys = getSamplesKeys(op);
  for (NamedAttribute entry : dictionary) {
    StringRef key = entry.getName().getValue();
    if (!llvm::is_contained(keys, key))
      return fail() << "there is no function '" << key << "'; allowed "
                    << (keys.empty() ? "are none"
                                     : "are " + llvm::join(keys, ", "));
    auto samples = dyn_cast<DenseElementsAttr>(entry.getValue());
    if (!samples)
      return fail() << key << ": must be dense points (x, y)";
    if (failed(hcgs::fx::verifySamples([&] { return fail() << key << ": "; },
                                       samples)))
      return failure();
  }
  return success();
}

LogicalResult RNNDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  if (attribute.getName() == kSamplesAttr)
    return verifySamplesAttribute(op, attribute.getValue());
  if (attribute.getName() != kOverrideAttr)
    return success();
  unsigned layer = getOverrideLayer(op);
  if (!layer)
    return op->emitOpError() << "cannot have the attribute '" << kOverrideAttr
                             << "'; rnn.lstm, rnn.linear, rnn.act, rnn.add and "
                                "function arguments can";
  return verifyOverride([&] { return op->emitOpError("attribute "); },
                        attribute.getValue(), layer);
}

LogicalResult RNNDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                   unsigned argument,
                                                   NamedAttribute attribute) {
  if (attribute.getName() != kOverrideAttr)
    return success();
  return verifyOverride(
      [&] {
        return op->emitOpError() << "argument " << argument << ": attribute ";
      },
      attribute.getValue(), /*layer=*/0);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Looking up `rnn.override`.

#include "hcgs/Dialect/RNN/Transforms/Override.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

static Attribute lookup(DictionaryAttr overrides, StringRef part,
                        StringRef key) {
  if (!overrides)
    return {};
  if (auto inner = dyn_cast_or_null<DictionaryAttr>(
          part.empty() ? Attribute() : overrides.get(part)))
    if (Attribute found = inner.get(key))
      return found;
  // What the layer says must be meant for the layer.
  const OverrideKey *known = findOverrideKey(key);
  return known && known->scopes & OverrideKey::OfLayer ? overrides.get(key)
                                                       : Attribute();
}

Attribute rnn::getOverride(Operation *layer, StringRef matrix, StringRef key) {
  return lookup(layer->getAttrOfType<DictionaryAttr>(kOverrideAttr), matrix,
                key);
}

std::optional<int64_t>
rnn::getOverrideInteger(Operation *layer, StringRef matrix, StringRef key) {
  if (auto value =
          dyn_cast_or_null<IntegerAttr>(getOverride(layer, matrix, key)))
    return value.getInt();
  return std::nullopt;
}

std::optional<StringRef> rnn::getOverrideText(Operation *layer,
                                              StringRef matrix, StringRef key) {
  if (auto value =
          dyn_cast_or_null<StringAttr>(getOverride(layer, matrix, key)))
    return value.getValue();
  return std::nullopt;
}

SmallVector<int> rnn::getOverrideExponents(Operation *layer, StringRef matrix,
                                           int64_t gates) {
  auto given = dyn_cast_or_null<DenseI64ArrayAttr>(
      getOverride(layer, matrix, "exponents"));
  SmallVector<int> exponents;
  for (int64_t gate = 0; given && gate < gates; ++gate)
    exponents.push_back(static_cast<int>(given[given.size() == 1 ? 0 : gate]));
  return exponents;
}

Attribute rnn::getValueOverride(Value value, StringRef key) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast_or_null<FunctionOpInterface>(
        argument.getOwner()->getParentOp());
    if (!function || argument.getOwner() != &function.getFunctionBody().front())
      return {};
    auto overrides = function.getArgAttrOfType<DictionaryAttr>(
        argument.getArgNumber(), kOverrideAttr);
    return overrides ? overrides.get(key) : Attribute();
  }
  Operation *op = value.getDefiningOp();
  auto lstm = dyn_cast<LSTMOp>(op);
  return lookup(op->getAttrOfType<DictionaryAttr>(kOverrideAttr),
                lstm && value == lstm.getYC() ? "c" : "y", key);
}

std::optional<int64_t> rnn::getValueInteger(Value value, StringRef key) {
  if (auto found = dyn_cast_or_null<IntegerAttr>(getValueOverride(value, key)))
    return found.getInt();
  return std::nullopt;
}

std::optional<StringRef> rnn::getValueText(Value value, StringRef key) {
  if (auto found = dyn_cast_or_null<StringAttr>(getValueOverride(value, key)))
    return found.getValue();
  return std::nullopt;
}

std::optional<double> rnn::getValueReal(Value value, StringRef key) {
  if (auto found = dyn_cast_or_null<FloatAttr>(getValueOverride(value, key)))
    return found.getValueAsDouble();
  return std::nullopt;
}

std::optional<std::pair<double, double>> rnn::getValueInterval(Value value,
                                                               StringRef key) {
  if (auto found =
          dyn_cast_or_null<DenseF64ArrayAttr>(getValueOverride(value, key)))
    return std::pair(found[0], found[1]);
  return std::nullopt;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of override keys and the check of the attribute.

#include "hcgs/Dialect/RNN/IR/OverrideKeys.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace hcgs::rnn;

using Kind = OverrideKey::Kind;

static constexpr unsigned kMatrices = OverrideKey::LSTM | OverrideKey::Linear;
static constexpr unsigned kAll = OverrideKey::LSTM | OverrideKey::Linear |
                                 OverrideKey::Act | OverrideKey::Add;
static constexpr unsigned kTables =
    OverrideKey::LSTM | OverrideKey::Linear | OverrideKey::Act;
static constexpr unsigned kWeights =
    OverrideKey::OfLayer | OverrideKey::OfMatrix;
static constexpr unsigned kLayer = OverrideKey::OfLayer;
static constexpr unsigned kValue = OverrideKey::OfValue;

/// Ordered as in docs/Guides/Config.md.
static constexpr OverrideKey kKeys[] = {
    // Compression.
    {"sparsity", Kind::Choice, kWeights, kMatrices, 0, 0,
     "detect|off|impose|masks"},
    {"tiers", Kind::Text, kWeights, kMatrices},
    {"balance", Kind::Choice, kWeights, kMatrices, 0, 0,
     "any|row|column|both|none"},
    {"masks", Kind::Choice, kWeights, kMatrices, 0, 0, "shared|separate"},
    {"select", Kind::Choice, kWeights, kMatrices, 0, 0,
     "magnitude|random|guided"},
    {"seed", Kind::Integer, kWeights, kMatrices, 0, INT64_MAX},
    {"mask-file", Kind::Text, kWeights, kMatrices},
    {"circulant", Kind::Integer, kWeights, kMatrices, 2, 128},
    {"on-broken", Kind::Choice, kWeights, kMatrices, 0, 0,
     "reject|project|dense"},
    // Weights.
    {"weight-bits", Kind::Integer, kWeights, kMatrices, 2, 8},
    {"weight-encoding", Kind::Choice, kWeights, kMatrices, 0, 0,
     "signmag|twos"},
    {"rounding", Kind::Choice, kWeights, kMatrices, 0, 0, "nearest|ceil"},
    {"weight-quantizer", Kind::Choice, kWeights, kMatrices, 0, 0, "free|hcgs"},
    {"exponents", Kind::Exponents, OverrideKey::OfMatrix, kMatrices, -16, 30},
    {"zeros", Kind::Choice, kWeights, kMatrices, 0, 0, "auto|one|twos|refuse"},
    {"on-grid", Kind::Choice, kWeights, kMatrices, 0, 0, "keep|lower"},
    // Values.
    {"input-bits", Kind::Integer, kLayer, kMatrices, 8, 16},
    {"act-bits", Kind::Integer, kLayer, kAll, 8, 16},
    {"gate-bits", Kind::Integer, kLayer, OverrideKey::LSTM, 8, 16},
    {"cell-bits", Kind::Integer, kLayer, OverrideKey::LSTM, 8, 16},
    {"bits", Kind::Integer, kValue, kAll, 8, 16},
    {"frac", Kind::Integer, kValue, kAll, -16, 30},
    {"range", Kind::Interval, kValue, kAll},
    {"range-method", Kind::Choice, kLayer | kValue, kAll, 0, 0,
     "minmax|percentile|mse|kl"},
    {"percentile", Kind::Percentage, kLayer | kValue, kAll},
    // Tables.
    {"pwl-segments", Kind::Integer, kLayer, kTables, 1, 512},
    {"pwl-kind", Kind::Choice, kLayer, kTables, 0, 0, "auto|uniform|two-level"},
    {"pwl-max-error", Kind::Percentage, kLayer, kTables},
};

ArrayRef<OverrideKey> hcgs::rnn::getOverrideKeys() { return kKeys; }

const OverrideKey *hcgs::rnn::findOverrideKey(StringRef name) {
  const OverrideKey *found = llvm::find_if(
      kKeys, [&](const OverrideKey &key) { return key.name == name; });
  return found == std::end(kKeys) ? nullptr : found;
}

unsigned hcgs::rnn::getOverrideLayer(Operation *op) {
  return TypeSwitch<Operation *, unsigned>(op)
      .Case([](LSTMOp) { return OverrideKey::LSTM; })
      .Case([](LinearOp) { return OverrideKey::Linear; })
      .Case([](ActOp) { return OverrideKey::Act; })
      .Case([](AddOp) { return OverrideKey::Add; })
      .Default([](Operation *) { return 0u; });
}

std::string OverrideKey::allowed() const {
  switch (kind) {
  case Kind::Integer:
    return max == INT64_MAX ? "an integer from " + std::to_string(min)
                            : std::to_string(min) + ".." + std::to_string(max);
  case Kind::Percentage:
    return "a number above 0 up to 100";
  case Kind::Choice:
    return choices.str();
  case Kind::Text:
    return "a text";
  case Kind::Exponents:
    return "a list of one or four integers " + std::to_string(min) + ".." +
           std::to_string(max);
  case Kind::Interval:
    return "[min, max] with min < max";
  }
  llvm_unreachable("no such kind");
}

/// An attribute as messages show it: without the type of a number.
static std::string shown(Attribute value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto number = dyn_cast<IntegerAttr>(value);
      number && number.getType().isInteger(64))
    stream << number.getInt();
  else if (auto real = dyn_cast<FloatAttr>(value);
           real && real.getType().isF64())
    stream << llvm::format("%g", real.getValueAsDouble());
  else
    value.print(stream);
  return text;
}

static bool isValid(const OverrideKey &key, Attribute value) {
  auto inRange = [&](int64_t number) {
    return number >= key.min && number <= key.max;
  };
  auto integer = [&]() -> std::optional<int64_t> {
    auto attr = dyn_cast<IntegerAttr>(value);
    if (!attr || !attr.getType().isInteger(64))
      return std::nullopt;
    return attr.getInt();
  };
  switch (key.kind) {
  case Kind::Integer:
    return integer() && inRange(*integer());
  case Kind::Percentage: {
    auto attr = dyn_cast<FloatAttr>(value);
    return attr && attr.getType().isF64() && attr.getValueAsDouble() > 0.0 &&
           attr.getValueAsDouble() <= 100.0;
  }
  case Kind::Choice: {
    auto attr = dyn_cast<StringAttr>(value);
    SmallVector<StringRef> choices;
    key.choices.split(choices, '|');
    return attr && llvm::is_contained(choices, attr.getValue());
  }
  case Kind::Text: {
    auto attr = dyn_cast<StringAttr>(value);
    return attr && !attr.getValue().empty();
  }
  case Kind::Exponents: {
    auto attr = dyn_cast<DenseI64ArrayAttr>(value);
    return attr && (attr.size() == 1 || attr.size() == 4) &&
           llvm::all_of(attr.asArrayRef(), inRange);
  }
  case Kind::Interval: {
    auto attr = dyn_cast<DenseF64ArrayAttr>(value);
    return attr && attr.size() == 2 && std::isfinite(attr[0]) &&
           std::isfinite(attr[1]) && attr[0] < attr[1];
  }
  }
  llvm_unreachable("no such kind");
}

std::optional<std::string> hcgs::rnn::checkOverrideValue(const OverrideKey &key,
                                                         Attribute value) {
  if (isValid(key, value))
    return std::nullopt;
  return shown(value) + " found, allowed is " + key.allowed();
}

SmallVector<StringRef> hcgs::rnn::getOverrideParts(unsigned layer) {
  switch (layer) {
  case OverrideKey::LSTM:
    return {"W", "R", "y", "c"};
  case OverrideKey::Linear:
    return {"W", "y"};
  case OverrideKey::Act:
  case OverrideKey::Add:
    return {"y"};
  default:
    return {};
  }
}

std::optional<std::string>
hcgs::rnn::checkOverrideKey(StringRef name, unsigned scope, unsigned layer) {
  const OverrideKey *key = findOverrideKey(name);
  auto fits = [&](const OverrideKey &candidate) {
    return (candidate.scopes & scope) && (!layer || candidate.layers & layer);
  };
  if (key && fits(*key))
    return std::nullopt;
  std::string text = key ? "key '" + name.str() + "' has no meaning here"
                         : "there is no key '" + name.str() + "'";
  SmallVector<StringRef> names;
  for (const OverrideKey &candidate : kKeys)
    if (fits(candidate))
      names.push_back(candidate.name);
  if (scope == OverrideKey::OfLayer)
    llvm::append_range(names, getOverrideParts(layer));
  return text + "; allowed are " + llvm::join(names, ", ");
}

/// Checks the dictionary of one scope; `place` is "" or "W".
static LogicalResult verifyScope(function_ref<InFlightDiagnostic()> emitError,
                                 Attribute attribute, unsigned scope,
                                 unsigned layer, StringRef place) {
  auto fail = [&](const Twine &message) -> LogicalResult {
    InFlightDiagnostic diagnostic = emitError();
    diagnostic << "'" << kOverrideAttr << "'";
    if (!place.empty())
      diagnostic << ", " << place;
    return diagnostic << ": " << message;
  };
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  if (!dictionary)
    return fail("must be a dictionary");
  SmallVector<StringRef> parts;
  if (scope == OverrideKey::OfLayer)
    parts = getOverrideParts(layer);
  for (NamedAttribute entry : dictionary) {
    StringRef name = entry.getName().getValue();
    if (llvm::is_contained(parts, name)) {
      if (failed(verifyScope(emitError, entry.getValue(), getPartScope(name),
                             layer, name)))
        return failure();
      continue;
    }
    if (std::optional<std::string> problem =
            checkOverrideKey(name, scope, layer))
      return fail(*problem);
    const OverrideKey &key = *findOverrideKey(name);
    if (std::optional<std::string> problem =
            checkOverrideValue(key, entry.getValue()))
      return fail(name + ": " + *problem);
    auto exponents = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if (key.kind == Kind::Exponents && exponents.size() != 1 &&
        layer == OverrideKey::Linear)
      return fail(name + ": the matrix has one gate and takes one exponent");
  }
  return success();
}

LogicalResult
hcgs::rnn::verifyOverride(function_ref<InFlightDiagnostic()> emitError,
                          Attribute attribute, unsigned layer) {
  return verifyScope(emitError, attribute,
                     layer ? OverrideKey::OfLayer : OverrideKey::OfValue, layer,
                     "");
}

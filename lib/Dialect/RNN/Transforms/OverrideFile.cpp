// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-override: from a configuration file to `rnn.override` attributes.

#include "hcgs/Dialect/RNN/IR/OverrideKeys.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "hcgs/Support/ConfigFile.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNOVERRIDE
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using nlohmann::json;

namespace {

/// What is collected for a layer (or a function argument): the keys of its
/// own, those of its parts by "W", "c" and so on.
struct Collected {
  llvm::MapVector<StringRef, SmallVector<NamedAttribute>> byPart;

  DictionaryAttr build(MLIRContext *context) const {
    SmallVector<NamedAttribute> all;
    for (const auto &[part, entries] : byPart) {
      if (part.empty())
        llvm::append_range(all, entries);
      else
        all.emplace_back(StringAttr::get(context, part),
                         DictionaryAttr::get(context, entries));
    }
    return DictionaryAttr::get(context, all);
  }
};

struct Override : rnn::impl::RNNOverrideBase<Override> {
  using RNNOverrideBase::RNNOverrideBase;

  void runOnOperation() override;

private:
  LogicalResult fail(const Twine &place, const Twine &message) {
    return getOperation()->emitError()
           << configPlace(file, place.str()) << ": " << message;
  }
  void collectNames();
  LogicalResult readLayer(const std::string &name, const json &entry);
  LogicalResult readPart(const std::string &place, ArrayRef<Operation *> layers,
                         StringRef part, const json &entry);
  LogicalResult readValue(const std::string &name, const json &entry);
  LogicalResult readArgument(const std::string &place, BlockArgument argument,
                             const json &entry);
  FailureOr<Attribute> convert(const std::string &place, const OverrideKey &key,
                               const json &value);

  // Several operations can come from one node: the directions of a layer.
  llvm::MapVector<StringRef, SmallVector<Operation *>> layers;
  std::vector<std::string> names; // what `layers` has as keys
  llvm::MapVector<StringRef, BlockArgument> inputs;
  llvm::MapVector<Operation *, Collected> ofLayers;
  llvm::MapVector<BlockArgument, Collected> ofInputs;
};

} // namespace

void Override::collectNames() {
  layers.clear();
  inputs.clear();
  ofLayers.clear();
  ofInputs.clear();
  names.clear();
  std::vector<Operation *> found;
  getOperation()->walk([&](Operation *op) {
    if (getOverrideLayer(op)) {
      found.push_back(op);
      names.push_back(getNodeName(op));
    }
  });
  for (auto [op, name] : llvm::zip_equal(found, names))
    layers[name].push_back(op);
  getOperation()->walk([&](ModelOp model) {
    auto function = dyn_cast_or_null<FunctionOpInterface>(
        SymbolTable::lookupNearestSymbolFrom(model, model.getEntryAttr()));
    if (!function || function.isExternal())
      return;
    for (auto [argument, port] : llvm::zip(
             function.getArguments(), model.getInputs().getAsRange<PortAttr>()))
      inputs[port.getName().getValue()] = argument;
  });
}

/// "'a', 'b'", or "none".
template <typename Map>
static std::string listKeys(const Map &map) {
  std::string text;
  for (const auto &entry : map)
    text += (text.empty() ? "'" : ", '") + entry.first.str() + "'";
  return text.empty() ? "none" : text;
}

/// The attribute that a JSON value is, by the kind of its key; null if it can
/// be none.
static Attribute toAttribute(Builder &builder, OverrideKey::Kind kind,
                             const json &value) {
  using Kind = OverrideKey::Kind;
  // Numbers beyond 63 bits are none of ours.
  auto isInteger = [](const json &number) {
    return number.is_number_integer() &&
           (!number.is_number_unsigned() ||
            *number.get_ptr<const uint64_t *>() <= uint64_t(INT64_MAX));
  };
  auto toInteger = [](const json &number) {
    return number.is_number_unsigned()
               ? static_cast<int64_t>(*number.get_ptr<const uint64_t *>())
               : *number.get_ptr<const int64_t *>();
  };
  auto toReal = [&](const json &number) -> double {
    if (const double *real = number.get_ptr<const double *>())
      return *real;
    return static_cast<double>(toInteger(number));
  };
  auto isNumber = [&](const json &number) {
    return number.is_number_float() || isInteger(number);
  };
  switch (kind) {
  case Kind::Integer:
    return isInteger(value) ? builder.getI64IntegerAttr(toInteger(value))
                            : Attribute();
  case Kind::Percentage:
    return isNumber(value) ? builder.getF64FloatAttr(toReal(value))
                           : Attribute();
  case Kind::Choice:
  case Kind::Text:
    return value.is_string()
               ? builder.getStringAttr(*value.get_ptr<const std::string *>())
               : Attribute();
  case Kind::Exponents: {
    SmallVector<int64_t> numbers;
    if (isInteger(value))
      numbers.push_back(toInteger(value));
    else if (!value.is_array() || !llvm::all_of(value, isInteger))
      return {};
    else
      for (const json &number : value)
        numbers.push_back(toInteger(number));
    return builder.getDenseI64ArrayAttr(numbers);
  }
  case Kind::Interval: {
    SmallVector<double> numbers;
    if (!value.is_array() || !llvm::all_of(value, isNumber))
      return {};
    for (const json &number : value)
      numbers.push_back(toReal(number));
    return builder.getDenseF64ArrayAttr(numbers);
  }
  }
  llvm_unreachable("no such kind");
}

FailureOr<Attribute> Override::convert(const std::string &place,
                                       const OverrideKey &key,
                                       const json &value) {
  Builder builder(&getContext());
  Attribute attribute = toAttribute(builder, key.kind, value);
  if (!attribute || checkOverrideValue(key, attribute))
    return fail(place,
                shownJson(value) + " found, allowed is " + key.allowed());
  return attribute;
}

/// Reads the keys of one part ("" for the layer itself) and adds them to those
/// of `layers` that know them.
LogicalResult Override::readPart(const std::string &place,
                                 ArrayRef<Operation *> layers, StringRef part,
                                 const json &entry) {
  if (!entry.is_object())
    return fail(place, shownJson(entry) +
                           " found, allowed is an object of keys and values");
  unsigned scope =
      part.empty() ? unsigned(OverrideKey::OfLayer) : getPartScope(part);
  for (auto &[name, value] : entry.items()) {
    std::string at = place + "." + name;
    // A part of the layer: all of whose layers that have it.
    SmallVector<Operation *> having;
    for (Operation *op : layers)
      if (part.empty())
        for (StringRef inner : getOverrideParts(getOverrideLayer(op)))
          if (inner == name)
            having.push_back(op);
    if (!having.empty()) {
      SmallVector<StringRef> parts =
          getOverrideParts(getOverrideLayer(having.front()));
      StringRef inner = *llvm::find(parts, name);
      if (failed(readPart(at, having, inner, value)))
        return failure();
      continue;
    }
    std::optional<std::string> problem;
    for (Operation *op : layers) {
      auto found = checkOverrideKey(name, scope, getOverrideLayer(op));
      if (!found)
        having.push_back(op);
      else if (!problem)
        problem = found;
    }
    if (having.empty())
      return fail(place, *problem);
    const OverrideKey &key = *findOverrideKey(name);
    FailureOr<Attribute> attribute = convert(at, key, value);
    if (failed(attribute))
      return failure();
    auto exponents = dyn_cast<DenseI64ArrayAttr>(*attribute);
    for (Operation *op : having) {
      if (key.kind == OverrideKey::Kind::Exponents && exponents.size() != 1 &&
          isa<LinearOp>(op))
        return fail(at, "the matrix has one gate and takes one exponent");
      ofLayers[op].byPart[part].emplace_back(
          StringAttr::get(&getContext(), key.name), *attribute);
    }
  }
  return success();
}

LogicalResult Override::readLayer(const std::string &name, const json &entry) {
  auto found = layers.find(name);
  if (found == layers.end())
    return fail("layers", "the model has no layer '" + name +
                              "'; its layers are " + listKeys(layers));
  return readPart("layers." + name, found->second, "", entry);
}

LogicalResult Override::readArgument(const std::string &place,
                                     BlockArgument argument,
                                     const json &entry) {
  if (!entry.is_object())
    return fail(place, shownJson(entry) +
                           " found, allowed is an object of keys and values");
  for (auto &[name, value] : entry.items()) {
    if (std::optional<std::string> problem =
            checkOverrideKey(name, OverrideKey::OfValue, /*layer=*/0))
      return fail(place, *problem);
    const OverrideKey &key = *findOverrideKey(name);
    FailureOr<Attribute> attribute = convert(place + "." + name, key, value);
    if (failed(attribute))
      return failure();
    ofInputs[argument].byPart[""].emplace_back(
        StringAttr::get(&getContext(), key.name), *attribute);
  }
  return success();
}

LogicalResult Override::readValue(const std::string &name, const json &entry) {
  std::string place = "values." + name;
  auto input = inputs.find(name);
  auto layer = layers.find(name);
  if (input != inputs.end()) {
    if (layer != layers.end())
      return fail(place, "is both an input and a layer; say what is meant of "
                         "the layer under layers." +
                             name + ".y");
    return readArgument(place, input->second, entry);
  }
  StringRef part = "y";
  if (layer == layers.end() && StringRef(name).ends_with(".c")) {
    layer = layers.find(StringRef(name).drop_back(2));
    part = "c";
  }
  SmallVector<Operation *> having;
  if (layer != layers.end())
    for (Operation *op : layer->second)
      if (llvm::is_contained(getOverrideParts(getOverrideLayer(op)), part))
        having.push_back(op);
  if (having.empty())
    return fail("values", "the model has no value '" + name +
                              "'; its inputs are " + listKeys(inputs) +
                              ", its layers (h or the result) " +
                              listKeys(layers) +
                              ", and the cell of an LSTM is its name and '.c'");
  for (const auto &[op, collected] : ofLayers)
    if (llvm::is_contained(having, op) && collected.byPart.contains(part))
      return fail(place, "is also described under layers; say it in one place");
  return readPart(place, having, part, entry);
}

void Override::runOnOperation() {
  if (file.empty()) {
    getOperation()->emitError(
        "rnn-override needs the option file, a configuration file");
    return signalPassFailure();
  }
  Result<ConfigFile> config = readConfigFile(file);
  if (!config) {
    getOperation()->emitError() << config.message();
    return signalPassFailure();
  }
  collectNames();
  for (auto &[name, entry] : config->layers.items())
    if (failed(readLayer(name, entry)))
      return signalPassFailure();
  for (auto &[name, entry] : config->values.items())
    if (failed(readValue(name, entry)))
      return signalPassFailure();

  // All or nothing: what the file says replaces what its layers had.
  for (const auto &[op, collected] : ofLayers)
    op->setAttr(kOverrideAttr, collected.build(&getContext()));
  for (const auto &[argument, collected] : ofInputs)
    cast<FunctionOpInterface>(argument.getOwner()->getParentOp())
        .setArgAttr(argument.getArgNumber(), kOverrideAttr,
                    collected.build(&getContext()));
}

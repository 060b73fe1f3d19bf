// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/ISA/IR/JsonAttr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static Attribute toAttr(Builder &builder, const llvm::json::Value &value) {
  if (const llvm::json::Object *object = value.getAsObject()) {
    SmallVector<NamedAttribute> entries;
    for (const auto &[key, member] : *object)
      entries.push_back(
          builder.getNamedAttr(StringRef(key), toAttr(builder, member)));
    return builder.getDictionaryAttr(entries);
  }
  if (const llvm::json::Array *array = value.getAsArray()) {
    SmallVector<Attribute> elements;
    for (const llvm::json::Value &element : *array)
      elements.push_back(toAttr(builder, element));
    return builder.getArrayAttr(elements);
  }
  if (std::optional<StringRef> text = value.getAsString())
    return builder.getStringAttr(*text);
  if (std::optional<bool> flag = value.getAsBoolean())
    return builder.getBoolAttr(*flag);
  if (std::optional<int64_t> integer = value.getAsInteger())
    return builder.getI64IntegerAttr(*integer);
  if (std::optional<double> number = value.getAsNumber())
    return builder.getF64FloatAttr(*number);
  return builder.getUnitAttr();
}

FailureOr<Attribute>
hcgs::isa::parseJsonAttr(MLIRContext *context, StringRef text,
                         function_ref<InFlightDiagnostic()> emitError) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value) {
    emitError() << "not JSON: " << llvm::toString(value.takeError());
    return failure();
  }
  Builder builder(context);
  return toAttr(builder, *value);
}

static FailureOr<llvm::json::Value>
toJson(Attribute attr, function_ref<InFlightDiagnostic()> emitError) {
  if (auto dictionary = dyn_cast<DictionaryAttr>(attr)) {
    llvm::json::Object object;
    for (NamedAttribute entry : dictionary) {
      FailureOr<llvm::json::Value> member = toJson(entry.getValue(), emitError);
      if (failed(member))
        return failure();
      object[entry.getName().getValue()] = std::move(*member);
    }
    return llvm::json::Value(std::move(object));
  }
  if (auto array = dyn_cast<ArrayAttr>(attr)) {
    llvm::json::Array list;
    for (Attribute element : array) {
      FailureOr<llvm::json::Value> member = toJson(element, emitError);
      if (failed(member))
        return failure();
      list.push_back(std::move(*member));
    }
    return llvm::json::Value(std::move(list));
  }
  if (auto text = dyn_cast<StringAttr>(attr))
    return llvm::json::Value(llvm::json::fixUTF8(text.getValue()));
  if (auto flag = dyn_cast<BoolAttr>(attr))
    return llvm::json::Value(flag.getValue());
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    if (integer.getType().isSignlessInteger(64))
      return llvm::json::Value(integer.getInt());
  if (auto number = dyn_cast<FloatAttr>(attr))
    if (number.getType().isF64() && number.getValue().isFinite())
      return llvm::json::Value(number.getValueAsDouble());
  if (isa<UnitAttr>(attr))
    return llvm::json::Value(nullptr);
  emitError() << "attribute " << attr
              << " has no JSON form, allowed dictionary, array, string, bool, "
                 "i64, finite f64, unit";
  return failure();
}

FailureOr<std::string>
hcgs::isa::printJsonAttr(Attribute attr,
                         function_ref<InFlightDiagnostic()> emitError) {
  FailureOr<llvm::json::Value> value = toJson(attr, emitError);
  if (failed(value))
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *value;
  return text;
}

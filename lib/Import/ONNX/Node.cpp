// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Access to a node's attributes and operands.

#include "Importer.h"

using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;
using onnx::AttributeProto;

/// The node's name or, if it has none, its first output's.
static std::string nameOf(const onnx::NodeProto &proto) {
  if (!proto.name().empty())
    return proto.name();
  for (const std::string &output : proto.output())
    if (!output.empty())
      return output;
  return proto.op_type();
}

Node::Node(Importer &importer, onnx::NodeProto &proto)
    : importer(importer), proto(proto), name(nameOf(proto)),
      loc(NameLoc::get(
          StringAttr::get(importer.getBuilder().getContext(), name))) {}

InFlightDiagnostic Node::error() const {
  return emitError(loc) << importer.getFile().getPath() << ": node '" << name
                        << "' (" << proto.op_type() << "): ";
}

void Node::remark(const Twine &text) const {
  importer.remarks.emplace_back(loc,
                                (importer.getFile().getPath() + ": node '" +
                                 name + "' (" + proto.op_type() + "): " + text)
                                    .str());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool Node::hasAttr(StringRef attr) const {
  return llvm::any_of(proto.attribute(), [&](const AttributeProto &candidate) {
    return candidate.name() == attr;
  });
}

FailureOr<const AttributeProto *> Node::findAttr(StringRef attr, int type,
                                                 StringRef typeName) {
  seen.insert(attr);
  const AttributeProto *found = nullptr;
  for (const AttributeProto &candidate : proto.attribute()) {
    if (candidate.name() != attr)
      continue;
    if (found)
      return error() << "attribute '" << attr << "' is given twice";
    found = &candidate;
  }
  // Old files leave the type out.
  if (found && found->type() != AttributeProto::UNDEFINED &&
      found->type() != type)
    return error() << "attribute '" << attr << "' has type "
                   << AttributeProto::AttributeType_Name(found->type())
                   << ", expected " << typeName;
  return found;
}

FailureOr<int64_t> Node::getInt(StringRef attr, int64_t absent) {
  auto found = findAttr(attr, AttributeProto::INT, "INT");
  if (failed(found))
    return failure();
  return *found ? (*found)->i() : absent;
}

FailureOr<float> Node::getFloat(StringRef attr, float absent) {
  auto found = findAttr(attr, AttributeProto::FLOAT, "FLOAT");
  if (failed(found))
    return failure();
  return *found ? (*found)->f() : absent;
}

FailureOr<std::string> Node::getString(StringRef attr, StringRef absent) {
  auto found = findAttr(attr, AttributeProto::STRING, "STRING");
  if (failed(found))
    return failure();
  return *found ? (*found)->s() : absent.str();
}

FailureOr<std::vector<int64_t>> Node::getInts(StringRef attr) {
  auto found = findAttr(attr, AttributeProto::INTS, "INTS");
  if (failed(found))
    return failure();
  std::vector<int64_t> values;
  if (*found)
    values.assign((*found)->ints().begin(), (*found)->ints().end());
  return values;
}

FailureOr<std::vector<float>> Node::getFloats(StringRef attr) {
  auto found = findAttr(attr, AttributeProto::FLOATS, "FLOATS");
  if (failed(found))
    return failure();
  std::vector<float> values;
  if (*found)
    values.assign((*found)->floats().begin(), (*found)->floats().end());
  return values;
}

FailureOr<std::vector<std::string>> Node::getStrings(StringRef attr) {
  auto found = findAttr(attr, AttributeProto::STRINGS, "STRINGS");
  if (failed(found))
    return failure();
  std::vector<std::string> values;
  if (*found)
    values.assign((*found)->strings().begin(), (*found)->strings().end());
  return values;
}

FailureOr<onnx::TensorProto *> Node::getTensorAttr(StringRef attr) {
  auto found = findAttr(attr, AttributeProto::TENSOR, "TENSOR");
  if (failed(found))
    return failure();
  if (!*found)
    return static_cast<onnx::TensorProto *>(nullptr);
  for (AttributeProto &candidate : *proto.mutable_attribute())
    if (candidate.name() == attr)
      return candidate.mutable_t();
  return failure();
}

FailureOr<Constant> Node::readTensor(onnx::TensorProto &tensor) {
  StringRef key = proto.output_size() ? StringRef(proto.output(0)) : name;
  auto it = importer.loaded.find(key);
  if (it == importer.loaded.end()) {
    FailureOr<Constant> constant = importer.file.readTensor(
        tensor, tensor.name().empty() ? key : StringRef(tensor.name()),
        [&] { return error(); });
    if (failed(constant))
      return failure();
    it = importer.loaded.try_emplace(key, std::move(*constant)).first;
  }
  return it->second;
}

LogicalResult Node::checkAllAttrsSeen() const {
  for (const AttributeProto &attr : proto.attribute())
    if (!seen.contains(attr.name()))
      return error() << "attribute '" << attr.name()
                     << "' is not supported for " << proto.op_type();
  return success();
}

//===----------------------------------------------------------------------===//
// Operands and results
//===----------------------------------------------------------------------===//

FailureOr<const Entry *> Node::getEntry(size_t index, StringRef role) {
  if (!hasInput(index))
    return error() << "input " << role << " is missing";
  const Entry *entry = importer.lookup(getInputName(index));
  if (!entry)
    return error() << "input " << role << " ('" << getInputName(index)
                   << "') has no value that can be used here";
  return entry;
}

FailureOr<const Tensor *> Node::getTensor(size_t index, StringRef role) {
  FailureOr<const Entry *> entry = getEntry(index, role);
  if (failed(entry))
    return failure();
  if (auto *tensor = std::get_if<Tensor>(*entry))
    return tensor;
  return error() << "input " << role << " ('" << getInputName(index)
                 << "') is constant, expected a value computed from the "
                    "model's inputs";
}

FailureOr<const Constant *> Node::getConstant(size_t index, StringRef role) {
  FailureOr<const Entry *> entry = getEntry(index, role);
  if (failed(entry))
    return failure();
  if (auto *constant = std::get_if<Constant>(*entry))
    return constant;
  return error() << "input " << role << " ('" << getInputName(index)
                 << "') must be constant (an initialiser or computed from "
                    "initialisers), but depends on the model's inputs";
}

FailureOr<std::optional<std::vector<Dim>>> Node::getIntList(size_t index,
                                                            StringRef attr) {
  if (hasAttr(attr)) {
    FailureOr<std::vector<int64_t>> values = getInts(attr);
    if (failed(values))
      return failure();
    return std::optional(std::vector<Dim>(values->begin(), values->end()));
  }
  if (!hasInput(index))
    return std::optional<std::vector<Dim>>();
  FailureOr<const Constant *> constant = getConstant(index, attr);
  if (failed(constant))
    return failure();
  std::optional<std::vector<Dim>> values = (*constant)->getIntList();
  if (!values)
    return error() << "input " << attr << " ('" << getInputName(index)
                   << "') must be an integer or a list of integers";
  return values;
}

LogicalResult Node::setOutput(size_t index, Entry entry) {
  if (!wantsOutput(index))
    return success();
  return importer.define(proto.output(static_cast<int>(index)),
                         std::move(entry), [&] { return error(); });
}

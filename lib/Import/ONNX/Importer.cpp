// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The course of an import: versions, inputs, nodes in order of use, outputs.

#include "Importer.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <cmath>

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

/// Newest versions whose operators were read for this importer.
static constexpr int64_t kNewestOpset = 28;
static constexpr int64_t kNewestIR = 14;

/// From this size on a weight is a resource, in bytes.
static constexpr size_t kResourceBytes = 4096;

Importer::Importer(ModelFile &file, MLIRContext &context,
                   const ImportOptions &options)
    : file(file), context(context), options(options), builder(&context) {}

InFlightDiagnostic Importer::error() {
  return emitError(UnknownLoc::get(&context)) << file.getPath() << ": ";
}

FailureOr<OwningOpRef<ModuleOp>> Importer::run() {
  if (failed(checkVersions()) || failed(collectInitializers()))
    return failure();
  // An attempt that learns the length of a dynamic axis is given up and made
  // again; each binds another symbol, so this ends.
  LogicalResult result = failure();
  do {
    newBinding = false;
    factors.clear();
    symbols.clear();
    symbolIds.clear();
    entries.clear();
    unusableInputs.clear();
    inputs.clear();
    outputs.clear();
    remarks.clear();
    result = importModel();
  } while (failed(result) && newBinding);
  if (failed(result))
    return failure();
  if (options.remarks) {
    for (const auto &[symbol, size] : bindings)
      emitRemark(UnknownLoc::get(&context))
          << file.getPath() << ": the graph fixes the length of '" << symbol
          << "' to " << size << ", although it is declared dynamic";
    for (const auto &[loc, text] : remarks)
      emitRemark(loc) << text;
  }
  if (failed(verify(*module)))
    return failure();
  return std::move(module);
}

LogicalResult Importer::checkVersions() {
  onnx::ModelProto &model = file.getModel();
  if (model.ir_version() > kNewestIR)
    return error() << "IR version " << model.ir_version() << " is newer than "
                   << kNewestIR
                   << ", the newest known; export with an older one";
  // A file of IR version 1 or 2 need not say which opset it uses.
  opset = model.opset_import_size() == 0 ? 1 : 0;
  for (const onnx::OperatorSetIdProto &id : model.opset_import())
    if (id.domain().empty() || id.domain() == "ai.onnx")
      opset = id.version();
  if (opset < 1)
    return error() << "the model imports no opset of the domain ai.onnx";
  if (opset > kNewestOpset)
    return error() << "opset " << opset << " is newer than " << kNewestOpset
                   << ", the newest known; export with an older one";
  if (model.graph().sparse_initializer_size() > 0)
    return error() << "the graph has sparse initialisers, which are not "
                      "supported; store the weights densely";
  return success();
}

LogicalResult Importer::collectInitializers() {
  for (onnx::TensorProto &tensor :
       *file.getModel().mutable_graph()->mutable_initializer())
    if (!initializers.try_emplace(tensor.name(), &tensor).second)
      return error() << "initialiser '" << tensor.name() << "' is given twice";
  return success();
}

LogicalResult Importer::importModel() {
  onnx::ModelProto &model = file.getModel();
  Location loc = NameLoc::get(builder.getStringAttr(model.graph().name()));
  builder.clearInsertionPoint();
  module = ModuleOp::create(builder, loc);
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, loc, options.entry,
                                  builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  std::vector<onnx::NodeProto *> order;
  if (failed(importInputs()) || failed(orderNodes(order)))
    return failure();
  for (onnx::NodeProto *proto : order)
    if (failed(importNode(*proto)))
      return failure();
  for (auto &[name, type] : unusableInputs)
    return error() << "input '" << name << "' has type " << type
                   << "; inputs of the model must be floats";
  if (failed(importOutputs()))
    return failure();
  // Renamings and states that nobody wanted in the end.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.front())))
    if (isOpTriviallyDead(&op))
      op.erase();

  SmallVector<Attribute> inputPorts, outputPorts;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    auto &[name, axes] = input;
    rnn::PortAttr port = makePort(name, axes);
    inputPorts.push_back(port);
    if (function.getArgument(index).use_empty()) {
      remarks.emplace_back(loc, (file.getPath() + ": input '" + name +
                                 "' is not used by the graph")
                                    .str());
      continue;
    }
    for (auto [axis, dim] : llvm::zip_equal(port.getAxes(), port.getDims()))
      if (axis == rnn::Axis::Time && !ShapedType::isDynamic(dim))
        remarks.emplace_back(
            loc, (file.getPath() + ": input '" + name +
                  "' has a time axis of fixed length " + Twine(dim) +
                  "; export with a dynamic time axis to run other lengths")
                     .str());
  }
  for (auto &[name, axes] : outputs)
    outputPorts.push_back(makePort(name, axes));
  std::string producer = model.producer_name();
  if (!model.producer_version().empty())
    producer += " " + model.producer_version();
  builder.setInsertionPointToStart(module->getBody());
  rnn::ModelOp::create(
      builder, loc, options.entry, builder.getArrayAttr(inputPorts),
      builder.getArrayAttr(outputPorts),
      builder.getStringAttr(file.getDigest()),
      producer.empty() ? StringAttr() : builder.getStringAttr(producer),
      builder.getI64IntegerAttr(model.ir_version()),
      builder.getI64IntegerAttr(opset));
  return success();
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

unsigned Importer::symbolFor(StringRef symbolName) {
  auto [it, isNew] = symbolIds.try_emplace(symbolName, symbols.size());
  if (isNew)
    symbols.push_back(symbolName.str());
  return it->second;
}

LogicalResult Importer::importInputs() {
  for (const onnx::ValueInfoProto &input : file.getModel().graph().input()) {
    // Up to IR version 3 initialisers are inputs, too.
    if (initializers.contains(input.name()))
      continue;
    if (!input.type().has_tensor_type())
      return error() << "input '" << input.name() << "' is not a tensor";
    const auto &type = input.type().tensor_type();
    if (!isFloatType(type.elem_type())) {
      unusableInputs[input.name()] = dataTypeName(type.elem_type());
      continue;
    }
    if (!type.has_shape())
      return error() << "input '" << input.name()
                     << "' has no shape; export the model with the shapes of "
                        "its inputs";
    Tensor tensor;
    for (const auto &[index, dim] : llvm::enumerate(type.shape().dim())) {
      if (dim.has_dim_value() && dim.dim_value() < 1)
        return error() << "input '" << input.name() << "' has an axis ("
                       << index << ") of length " << dim.dim_value()
                       << "; axes have at least 1 element";
      Dim size = dim.dim_value();
      if (!dim.has_dim_value()) {
        std::string symbol =
            dim.dim_param().empty()
                ? "axis " + std::to_string(index) + " of " + input.name()
                : dim.dim_param();
        auto bound = bindings.find(symbol);
        size = bound == bindings.end() ? Dim::symbol(symbolFor(symbol))
                                       : Dim(bound->second);
      }
      tensor.dims.push_back(newGroup(size));
    }
    if (tensor.dims.empty())
      return error() << "input '" << input.name()
                     << "' is a scalar, expected a sequence or a state";
    tensor.axes = tensor.dims;
    RankedTensorType argType = typeOf(tensor.dims);
    Location loc = NameLoc::get(builder.getStringAttr(input.name()));
    if (failed(function.insertArgument(function.getNumArguments(), argType,
                                       /*argAttrs=*/{}, loc)))
      return error() << "input '" << input.name() << "' cannot be an argument";
    tensor.parts.push_back(function.getArguments().back());
    inputs.emplace_back(input.name(), tensor.axes);
    if (failed(define(input.name(), std::move(tensor), [&] {
          return error() << "input '" << input.name() << "': ";
        })))
      return failure();
  }
  return success();
}

/// Reports a declared shape that contradicts the computed one.
static LogicalResult checkDeclared(const onnx::ValueInfoProto &output,
                                   ArrayRef<int64_t> shape, Importer &importer,
                                   ArrayRef<Group> axes) {
  if (!output.type().has_tensor_type() ||
      !output.type().tensor_type().has_shape())
    return success();
  const auto &declared = output.type().tensor_type().shape();
  bool fits = declared.dim_size() == static_cast<int>(shape.size());
  for (int i = 0; fits && i < declared.dim_size(); ++i)
    fits = !declared.dim(i).has_dim_value() ||
           ShapedType::isDynamic(shape[i]) ||
           declared.dim(i).dim_value() == shape[i];
  if (fits)
    return success();
  std::string text;
  for (const auto &dim : declared.dim())
    text += (text.empty() ? "" : ", ") + (dim.has_dim_value()
                                              ? std::to_string(dim.dim_value())
                                              : dim.dim_param());
  return importer.error() << "output '" << output.name() << "' is declared as ["
                          << text << "], but the graph computes "
                          << importer.describe(axes);
}

LogicalResult Importer::importOutputs() {
  SmallVector<Value> results;
  for (const onnx::ValueInfoProto &output : file.getModel().graph().output()) {
    auto fail = [&] { return error() << "output '" << output.name() << "' "; };
    const Entry *entry = lookup(output.name());
    const Tensor *tensor = entry ? std::get_if<Tensor>(entry) : nullptr;
    if (!tensor)
      return fail() << "does not depend on the model's inputs";
    Location loc = NameLoc::get(builder.getStringAttr(output.name()));
    FailureOr<Value> value = materialize(*tensor, tensor->axes, loc, fail);
    if (failed(value))
      return failure();
    auto type = cast<RankedTensorType>(value->getType());
    if (failed(checkDeclared(output, type.getShape(), *this, tensor->axes)))
      return failure();
    results.push_back(*value);
    outputs.emplace_back(output.name(), tensor->axes);
  }
  if (results.empty())
    return error() << "the graph has no outputs";
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(builder.getFunctionType(
      function.getFunctionType().getInputs(), TypeRange(results)));
  return success();
}

rnn::PortAttr Importer::makePort(StringRef portName, ArrayRef<Group> axes) {
  using rnn::Axis;
  SmallVector<std::optional<Axis>> known;
  SmallVector<int64_t> dims;
  for (const Group &axis : axes) {
    dims.push_back(typeDim(axis));
    if (axis.size() == 1)
      known.push_back(getAxis(axis[0]));
    else if (axis.size() > 1)
      known.push_back(Axis::Feature);
    else
      known.push_back(std::nullopt);
  }
  auto has = [&](Axis axis) { return llvm::is_contained(known, axis); };
  // Axes of length 1, and those that nothing in the model tells apart, get the
  // usual meaning of their place.
  SmallVector<Axis> usual;
  if (has(Axis::Unit) && !has(Axis::Time))
    usual = {Axis::Layer, Axis::Batch, Axis::Unit};
  else if (axes.size() == 4)
    usual = {Axis::Time, Axis::Direction, Axis::Batch, Axis::Feature};
  else if (axes.size() == 3)
    usual = {Axis::Time, Axis::Batch, Axis::Feature};
  else
    usual = {has(Axis::Time) ? Axis::Time : Axis::Batch, Axis::Feature};
  SmallVector<Axis> result;
  for (std::optional<Axis> axis : known) {
    if (!axis) {
      const Axis *next = llvm::find_if(usual, [&](Axis a) { return !has(a); });
      axis = next == usual.end() ? Axis::One : *next;
      llvm::erase(usual, *axis);
    }
    result.push_back(*axis);
  }
  return rnn::PortAttr::get(&context, builder.getStringAttr(portName), result,
                            dims);
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

const Entry *Importer::lookup(StringRef valueName) const {
  auto it = entries.find(valueName);
  return it == entries.end() ? nullptr : &it->second;
}

LogicalResult Importer::define(StringRef valueName, Entry entry,
                               ErrorFn error) {
  if (!entries.try_emplace(valueName, std::move(entry)).second)
    return error() << "value '" << valueName << "' is defined twice";
  return success();
}

LogicalResult Importer::orderNodes(std::vector<onnx::NodeProto *> &order) {
  onnx::GraphProto &graph = *file.getModel().mutable_graph();
  llvm::StringMap<onnx::NodeProto *> producers;
  for (onnx::NodeProto &proto : *graph.mutable_node())
    for (const std::string &output : proto.output()) {
      if (output.empty())
        continue;
      if (!producers.try_emplace(output, &proto).second ||
          entries.contains(output) || initializers.contains(output))
        return Node(*this, proto).error()
               << "gives the value '" << output
               << "', which something else gives already";
    }

  // Depth first from the outputs, so that nodes without use are left out; with
  // a stack of its own, because graphs can be deep.
  enum class State { Open, Done };
  llvm::DenseMap<onnx::NodeProto *, State> states;
  std::vector<std::pair<onnx::NodeProto *, int>> stack;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    onnx::NodeProto *root = producers.lookup(output.name());
    if (!root && !lookup(output.name()))
      return error() << "output '" << output.name()
                     << "' is given by no node of the graph";
    if (root && states.try_emplace(root, State::Open).second)
      stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto &[proto, next] = stack.back();
      if (next == proto->input_size()) {
        states[proto] = State::Done;
        order.push_back(proto);
        stack.pop_back();
        continue;
      }
      const std::string &input = proto->input(next++);
      if (input.empty() || lookup(input) || initializers.contains(input) ||
          unusableInputs.contains(input))
        continue;
      onnx::NodeProto *producer = producers.lookup(input);
      if (!producer)
        return Node(*this, *proto).error()
               << "reads '" << input
               << "', which is no input, initialiser or node's output";
      auto [it, isNew] = states.try_emplace(producer, State::Open);
      if (isNew)
        stack.emplace_back(producer, 0);
      else if (it->second == State::Open)
        return Node(*this, *proto).error()
               << "reads '" << input << "', which depends on this node again";
    }
  }
  return success();
}

LogicalResult Importer::loadInitializer(StringRef name, ErrorFn error) {
  auto initializer = initializers.find(name);
  if (initializer == initializers.end() || entries.contains(name))
    return success();
  auto it = loaded.find(name);
  if (it == loaded.end()) {
    FailureOr<Constant> constant =
        file.readTensor(*initializer->second, name, error);
    if (failed(constant))
      return failure();
    it = loaded.try_emplace(name, std::move(*constant)).first;
  }
  entries.try_emplace(name, it->second);
  return success();
}

LogicalResult Importer::importNode(onnx::NodeProto &proto) {
  Node node(*this, proto);
  if (!proto.domain().empty() && proto.domain() != "ai.onnx")
    return node.error() << "operator of domain '" << proto.domain()
                        << "'; only operators of ai.onnx are supported";
  const OpInfo *info = llvm::find_if(getOperators(), [&](const OpInfo &row) {
    return row.name == node.getOp();
  });
  if (info == getOperators().end())
    return node.error() << "operator " << node.getOp()
                        << " is not supported; hcgs-compile "
                           "--list-supported-ops shows what is";
  bool allConstant = true;
  for (const std::string &input : proto.input()) {
    if (input.empty())
      continue;
    if (failed(loadInitializer(input, [&] { return node.error(); })))
      return failure();
    const Entry *entry = lookup(input);
    allConstant &= entry && std::holds_alternative<Constant>(*entry);
  }
  LogicalResult result = failure();
  if (info->fold && (allConstant || !info->import))
    result = info->fold(node);
  else
    result = info->import(node);
  return succeeded(result) ? node.checkAllAttrsSeen() : failure();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult Importer::checkFinite(const Constant &constant, ErrorFn error) {
  for (auto [index, value] : llvm::enumerate(constant.floats.get())) {
    if (std::isfinite(value))
      continue;
    // The index by axis, last one fastest.
    SmallVector<int64_t> position;
    int64_t rest = static_cast<int64_t>(index);
    for (int64_t dim : llvm::reverse(constant.stored)) {
      position.push_back(rest % dim);
      rest /= dim;
    }
    InFlightDiagnostic diag = error();
    diag << "tensor '" << constant.floats.name << "' has "
         << (std::isnan(value) ? "nan"
             : value > 0       ? "inf"
                               : "-inf")
         << " at index [";
    llvm::interleaveComma(llvm::reverse(position), diag);
    return diag << "]; weights must be finite";
  }
  return success();
}

FailureOr<Value> Importer::createWeight(const Constant &constant,
                                        ArrayRef<int64_t> shape, Location loc,
                                        ErrorFn error) {
  if (!constant.isFloat())
    return error() << "weights must be floats, found integers";
  if (failed(checkFinite(constant, error)))
    return failure();
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  ArrayRef<float> values = constant.floats.get();
  ElementsAttr attr;
  if (constant.isSplat() || values.size() * sizeof(float) < kResourceBytes) {
    attr = DenseElementsAttr::get(type, values);
  } else {
    auto key = std::pair(values.data(), values.size());
    auto it = resources.find(key);
    if (it == resources.end()) {
      // The blob keeps the bytes where they are, and their owner alive.
      ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                           values.size() * sizeof(float));
      AsmResourceBlob blob(
          bytes, alignof(float),
          [owner = constant.floats.owner](void *, size_t, size_t) {},
          /*dataIsMutable=*/false);
      auto resource = DenseResourceElementsAttr::get(type, constant.floats.name,
                                                     std::move(blob));
      it = resources.emplace(key, resource.getRawHandle()).first;
    }
    attr = DenseResourceElementsAttr::get(type, it->second);
  }
  return rnn::WeightOp::create(builder, loc, attr, /*sparsity=*/nullptr,
                               /*provenance=*/nullptr)
      .getResult();
}

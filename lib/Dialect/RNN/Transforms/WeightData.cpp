// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "hcgs/Dialect/FX/Utils/MatrixForms.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

FailureOr<FloatData> rnn::getFloatData(WeightOp weight) {
  FloatData data;
  size_t count = weight.getResult().getType().getNumElements();
  ArrayRef<char> bytes;
  if (auto dense = dyn_cast<DenseElementsAttr>(weight.getValue())) {
    if (dense.isSplat()) {
      data.owned.assign(count, dense.getSplatValue<float>());
      return data;
    }
    bytes = dense.getRawData();
  } else if (auto resource =
                 dyn_cast<DenseResourceElementsAttr>(weight.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return weight.emitOpError("names the resource '")
             << resource.getRawHandle().getKey() << "', which has no data";
    bytes = blob->getData();
  } else {
    return weight.emitOpError(
        "has a value that is neither dense nor a resource");
  }
  if (bytes.size() != count * sizeof(float))
    return weight.emitOpError("has ")
           << bytes.size() << " bytes of data; its type needs "
           << count * sizeof(float);
  // Data mapped from a model file lies wherever the file has it.
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) != 0) {
    data.owned.resize(count);
    std::memcpy(data.owned.data(), bytes.data(), bytes.size());
  } else {
    data.view = {reinterpret_cast<const float *>(bytes.data()), count};
  }
  return data;
}

compression::MatrixView rnn::getMatrixView(WeightOp weight,
                                           const FloatData &data) {
  ArrayRef<int64_t> shape = weight.getResult().getType().getShape();
  compression::MatrixView view;
  view.data = data.get().data();
  view.gates = shape.size() == 3 ? kNumGates : 1;
  view.rows = shape[shape.size() - 2] / view.gates;
  view.cols = shape.back();
  return view;
}

FailureOr<compression::WeightLayout> rnn::getLayout(WeightOp weight,
                                                    int64_t rowBlock) {
  compression::MatrixView shape = getMatrixView(weight, FloatData());
  auto layout = fx::makeLayout(weight.getSparsityAttr(), shape.gates,
                               shape.rows, shape.cols, rowBlock);
  if (!layout)
    return weight.emitError() << layout.message();
  return *std::move(layout);
}

numerics::Activation rnn::toActivation(fx::Activation kind, FloatAttr alpha,
                                       FloatAttr beta) {
  // Both enumerations use the same names.
  StringRef name = fx::stringifyActivation(kind);
  numerics::Activation function = numerics::Activation::of(
      *numerics::parseActivation(std::string_view(name.data(), name.size())));
  if (alpha)
    function.alpha = alpha.getValueAsDouble();
  if (beta)
    function.beta = beta.getValueAsDouble();
  return function;
}

/// Replaces `function` by the samples that `rnn.samples` has for it.
static void addSamples(Operation *op, StringRef key,
                       numerics::Activation &function) {
  auto all = op->getAttrOfType<DictionaryAttr>(kSamplesAttr);
  auto points =
      dyn_cast_or_null<DenseElementsAttr>(all ? all.get(key) : Attribute());
  if (points)
    function.samples =
        std::make_shared<const numerics::Samples>(toSamples(points));
}

numerics::Activation rnn::getActivation(LSTMOp op, unsigned index) {
  numerics::Activation function =
      toActivation(op.getActivation(0, index), {}, {});
  if (op.getActivationAlpha())
    function.alpha = (*op.getActivationAlpha())[index];
  if (op.getActivationBeta())
    function.beta = (*op.getActivationBeta())[index];
  addSamples(op, getSamplesKeys(op)[index], function);
  return function;
}

numerics::Activation rnn::getActivation(LinearOp op) {
  numerics::Activation function =
      toActivation(*op.getActivation(), op.getAlphaAttr(), op.getBetaAttr());
  addSamples(op, "y", function);
  return function;
}

numerics::Activation rnn::getActivation(ActOp op) {
  numerics::Activation function =
      toActivation(op.getKind(), op.getAlphaAttr(), op.getBetaAttr());
  addSamples(op, "y", function);
  return function;
}

numerics::Samples rnn::toSamples(DenseElementsAttr points) {
  numerics::Samples samples;
  auto values = points.getValues<double>();
  for (auto it = values.begin(); it != values.end();) {
    const double x = *it++;
    samples.push_back({x, *it++});
  }
  return samples;
}

DenseElementsAttr rnn::toSamplesAttr(MLIRContext *context,
                                     const numerics::Activation &function) {
  if (!function.samples)
    return {};
  SmallVector<double> values;
  for (const numerics::Sample &sample : *function.samples)
    llvm::append_values(values, sample.x, sample.y);
  return DenseElementsAttr::get(
      RankedTensorType::get({static_cast<int64_t>(values.size() / 2), 2},
                            Float64Type::get(context)),
      ArrayRef<double>(values));
}

static StringRef findName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return findName(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location inner : fused.getLocations())
      if (StringRef name = findName(inner); !name.empty())
        return name;
  return {};
}

std::string rnn::getNodeName(Operation *op) {
  StringRef name = findName(op->getLoc());
  return name.empty() ? op->getName().getStringRef().str() : name.str();
}

InFlightDiagnostic rnn::emitNodeError(Operation *op) {
  return op->emitError() << "node '" << getNodeName(op) << "': ";
}

InFlightDiagnostic rnn::emitNodeRemark(Operation *op) {
  return op->emitRemark() << "node '" << getNodeName(op) << "': ";
}

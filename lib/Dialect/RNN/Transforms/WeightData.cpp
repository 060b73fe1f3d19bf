// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

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

compression::Pattern rnn::toPattern(fx::SparsityAttr sparsity) {
  compression::Pattern pattern;
  for (fx::TierAttr tier : sparsity.getTiers())
    pattern.tiers.push_back(
        {static_cast<int>(tier.getRows()), static_cast<int>(tier.getCols()),
         static_cast<int>(tier.getNum()), static_cast<int>(tier.getDen()),
         tier.getBalance() == fx::Balance::Row ? compression::Balance::Row
                                               : compression::Balance::Column});
  return pattern;
}

fx::SparsityAttr rnn::toSparsityAttr(MLIRContext *context,
                                     const compression::BlockMap &map) {
  SmallVector<fx::TierAttr> tiers;
  for (const compression::Tier &tier : map.pattern().tiers)
    tiers.push_back(fx::TierAttr::get(
        context, tier.rows, tier.cols, tier.keepNum, tier.keepDen,
        tier.balance == compression::Balance::Row ? fx::Balance::Row
                                                  : fx::Balance::Column));
  return fx::SparsityAttr::getWithMap(context, tiers, map.indexImage());
}

FailureOr<compression::WeightLayout> rnn::getLayout(WeightOp weight,
                                                    int64_t rowBlock) {
  compression::MatrixView shape = getMatrixView(weight, FloatData());
  if (!weight.getSparsityAttr())
    return compression::WeightLayout::dense(shape.gates, shape.rows, shape.cols,
                                            rowBlock);
  auto sparsity = dyn_cast<fx::SparsityAttr>(weight.getSparsityAttr());
  if (!sparsity)
    return weight.emitOpError("is circulant, which is not supported yet; store "
                              "it dense with rnn-compress{mode=off}");
  if (!sparsity.hasMap())
    return weight.emitOpError("has a block pattern without map; run "
                              "rnn-compress first");
  auto map = compression::BlockMap::fromIndexImage(
      toPattern(sparsity), shape.rows, shape.cols, sparsity.getMapBytes());
  if (!map)
    return weight.emitOpError() << map.message();
  return compression::WeightLayout::sparse(
      shape.gates,
      std::make_shared<const compression::BlockMap>(*std::move(map)), rowBlock);
}

numerics::WeightFormat rnn::toWeightFormat(fx::WeightsAttr weights) {
  numerics::WeightFormat format;
  format.bits = weights.getBits();
  format.encoding = weights.getEncoding() == fx::WeightEncoding::Twos
                        ? numerics::WeightEncoding::Twos
                        : numerics::WeightEncoding::SignMag;
  format.rounding = weights.getRounding() == fx::Rounding::Nearest
                        ? numerics::WeightRounding::Nearest
                        : numerics::WeightRounding::Ceil;
  return format;
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

numerics::Activation rnn::getActivation(LSTMOp op, unsigned index) {
  numerics::Activation function =
      toActivation(op.getActivation(0, index), {}, {});
  if (op.getActivationAlpha())
    function.alpha = (*op.getActivationAlpha())[index];
  if (op.getActivationBeta())
    function.beta = (*op.getActivationBeta())[index];
  return function;
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

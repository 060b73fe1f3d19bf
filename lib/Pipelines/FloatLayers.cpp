// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FloatLayers.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Override.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs;
using analysis::FloatLayer;
using analysis::FloatMatrix;
using analysis::FloatModel;
using analysis::WeightRule;

/// The elements of a weight; none if `value` is no weight.
static FailureOr<std::vector<float>> copyWeight(Value value) {
  auto weight = value ? value.getDefiningOp<rnn::WeightOp>() : rnn::WeightOp();
  if (!weight)
    return std::vector<float>();
  FailureOr<rnn::FloatData> data = rnn::getFloatData(weight);
  if (failed(data))
    return failure();
  return std::vector<float>(data->get().begin(), data->get().end());
}

static LogicalResult copyMatrix(Value value, FloatMatrix &matrix) {
  FailureOr<std::vector<float>> weights = copyWeight(value);
  if (failed(weights))
    return failure();
  matrix.original =
      std::make_shared<const std::vector<float>>(*std::move(weights));
  matrix.compressed = matrix.original;
  return success();
}

/// The sum of `copies` vectors that lie one after the other.
static LogicalResult copyBias(Value value, size_t copies, FloatLayer &layer) {
  FailureOr<std::vector<float>> all = copyWeight(value);
  if (failed(all))
    return failure();
  layer.bias.assign(all->size() / copies, 0.0);
  for (auto [i, bias] : llvm::enumerate(*all))
    layer.bias[i % layer.bias.size()] += static_cast<double>(bias);
  return success();
}

static LogicalResult copyLayer(rnn::LSTMOp op, FloatLayer &layer) {
  layer.op = "lstm";
  layer.reverse = op.getDirection() == rnn::Direction::Reverse;
  FailureOr<std::vector<float>> h = copyWeight(op.getInitialH()),
                                c = copyWeight(op.getInitialC());
  if (failed(copyMatrix(op.getW(), layer.w)) ||
      failed(copyMatrix(op.getR(), layer.r)) ||
      failed(copyBias(op.getBias(), 2, layer)) || failed(h) || failed(c))
    return failure();
  layer.initialH = *std::move(h);
  layer.initialC = *std::move(c);
  for (unsigned index = 0; index < 3; ++index)
    layer.functions.push_back(rnn::getActivation(op, index));
  return success();
}

static LogicalResult copyLayer(rnn::LinearOp op, FloatLayer &layer) {
  layer.op = "linear";
  if (op.getActivation())
    layer.functions.push_back(rnn::getActivation(op));
  return failure(failed(copyMatrix(op.getW(), layer.w)) ||
                 failed(copyBias(op.getBias(), 1, layer)));
}

static LogicalResult copyLayer(rnn::ActOp op, FloatLayer &layer) {
  layer.op = "act";
  layer.functions.push_back(rnn::getActivation(op));
  return success();
}

static LogicalResult copyLayer(rnn::AddOp, FloatLayer &layer) {
  layer.op = "add";
  return success();
}

/// Calls visit(op) for every layer in the order of the IR.
template <typename Visitor>
static LogicalResult forEachLayer(ModuleOp module, Visitor &&visit) {
  LogicalResult result = success();
  module.walk([&](Operation *op) {
    if (isa<rnn::LSTMOp, rnn::LinearOp, rnn::ActOp, rnn::AddOp>(op) &&
        failed(visit(op))) {
      result = failure();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return result;
}

LogicalResult hcgs::copyFloatLayers(ModuleOp module, FloatModel &model) {
  model.layers.clear();
  return forEachLayer(module, [&](Operation *op) -> LogicalResult {
    FloatLayer &layer = model.layers.emplace_back();
    layer.name = rnn::getNodeName(op);
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<rnn::LSTMOp, rnn::LinearOp, rnn::ActOp, rnn::AddOp>(
            [&](auto typed) { return copyLayer(typed, layer); })
        .Default([](Operation *) { return failure(); });
  });
}

/// The weights of `value` as `matrix.compressed`, shared if nothing changed.
static LogicalResult copyCompressed(Value value, FloatMatrix &matrix) {
  FailureOr<std::vector<float>> now = copyWeight(value);
  if (failed(now))
    return failure();
  matrix.compressed =
      *now == *matrix.original
          ? matrix.original
          : std::make_shared<const std::vector<float>>(*std::move(now));
  return success();
}

LogicalResult hcgs::copyCompressedWeights(ModuleOp module, FloatModel &model) {
  size_t number = 0;
  return forEachLayer(module, [&](Operation *op) -> LogicalResult {
    if (number >= model.layers.size())
      return op->emitOpError("was not there before compression");
    FloatLayer &layer = model.layers[number++];
    if (auto lstm = dyn_cast<rnn::LSTMOp>(op))
      return failure(failed(copyCompressed(lstm.getW(), layer.w)) ||
                     failed(copyCompressed(lstm.getR(), layer.r)));
    if (auto linear = dyn_cast<rnn::LinearOp>(op))
      return copyCompressed(linear.getW(), layer.w);
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// As rnn-quantize reads them.
static WeightRule ruleOf(Operation *op, StringRef name, fx::WeightsAttr format,
                         const CompileOptions *options) {
  using Zeros = WeightRule::Zeros;
  WeightRule rule;
  rule.rounding = format.getRounding() == fx::Rounding::Nearest
                      ? numerics::WeightRounding::Nearest
                      : numerics::WeightRounding::Ceil;
  const numerics::WeightEncoding made =
      format.getEncoding() == fx::WeightEncoding::Twos
          ? numerics::WeightEncoding::Twos
          : numerics::WeightEncoding::SignMag;
  rule.encoding = rnn::getOverrideChoice<numerics::WeightEncoding>(
      op, name, "weight-encoding",
      {{"signmag", numerics::WeightEncoding::SignMag},
       {"twos", numerics::WeightEncoding::Twos}},
      options ? options->weightEncoding : made);
  rule.published =
      rnn::getOverrideChoice<rnn::WeightQuantizer>(
          op, name, "weight-quantizer",
          {{"free", rnn::WeightQuantizer::Free},
           {"hcgs", rnn::WeightQuantizer::HCGS}},
          options ? options->weightQuantizer : rnn::WeightQuantizer::Free) ==
      rnn::WeightQuantizer::HCGS;
  if (rule.published)
    rule.encoding = numerics::WeightEncoding::SignMag;
  for (int exponent : rnn::getOverrideExponents(
           op, name, static_cast<int64_t>(format.getExps().size())))
    rule.exponents.push_back(exponent);
  rnn::ZeroPolicy zeros = rnn::getOverrideChoice<rnn::ZeroPolicy>(
      op, name, "zeros",
      {{"auto", rnn::ZeroPolicy::Auto},
       {"one", rnn::ZeroPolicy::One},
       {"twos", rnn::ZeroPolicy::Twos},
       {"refuse", rnn::ZeroPolicy::Refuse}},
      options ? options->zeros : rnn::ZeroPolicy::Auto);
  rule.zeros = zeros == rnn::ZeroPolicy::One    ? Zeros::One
               : zeros == rnn::ZeroPolicy::Twos ? Zeros::Twos
               : zeros == rnn::ZeroPolicy::Auto ? Zeros::Auto
                                                : Zeros::Refuse;
  return rule;
}

static numerics::PwlRequest requestOf(fx::PwlAttr table) {
  numerics::PwlRequest request;
  request.maxEntries = static_cast<int>(table.getSegments());
  if (FloatAttr error = table.getError())
    request.maxError = error.getValueAsDouble();
  request.kind = table.getTableKind() == fx::PwlKind::Uniform
                     ? numerics::PwlChoice::Uniform
                 : table.getTableKind() == fx::PwlKind::TwoLevel
                     ? numerics::PwlChoice::TwoLevel
                     : numerics::PwlChoice::Auto;
  return request;
}

LogicalResult hcgs::copyRules(ModuleOp module, const CompileOptions *options,
                              FloatModel &model) {
  size_t number = 0;
  return forEachLayer(module, [&](Operation *op) -> LogicalResult {
    if (number >= model.layers.size())
      return op->emitOpError("was not there before quantisation");
    FloatLayer &layer = model.layers[number++];
    if (auto lstm = dyn_cast<rnn::LSTMOp>(op)) {
      if (rnn::LSTMFormatsAttr formats = lstm.getFormatsAttr()) {
        layer.w.rule = ruleOf(op, "W", formats.getW(), options);
        layer.r.rule = ruleOf(op, "R", formats.getR(), options);
        layer.tables = requestOf(formats.getCell());
      }
    } else if (auto linear = dyn_cast<rnn::LinearOp>(op)) {
      if (rnn::LinearFormatsAttr formats = linear.getFormatsAttr()) {
        layer.w.rule = ruleOf(op, "W", formats.getW(), options);
        if (formats.getAct())
          layer.tables = requestOf(formats.getAct());
      }
    } else if (auto act = dyn_cast<rnn::ActOp>(op)) {
      if (auto formats = act.getFormatsAttr(); formats && formats.getAct())
        layer.tables = requestOf(formats.getAct());
    }
    return success();
  });
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-quantize: a fixed-point format for every value, table, weight and sum,
// and the proof that the sums fit.

#include "LayerWeights.h"
#include "ValueFormats.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Override.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "hcgs/Numerics/AccumulatorProof.h"

#include "mlir/IR/Threading.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <optional>

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNQUANTIZE
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using numerics::FxFormat;

namespace {

/// A layer with matrices and the tables it needs.
struct Layer : LayerWeights {
  SmallVector<fx::PwlAttr> gates; // LSTM: tables of the gates
  fx::PwlAttr table;              // LSTM: of the cell; linear: the activation
};

struct Quantize : rnn::impl::RNNQuantizeBase<Quantize> {
  using RNNQuantizeBase::RNNQuantizeBase;

  void runOnOperation() override;

private:
  LogicalResult checkOptions();
  LogicalResult quantize(Block &block);

  FailureOr<Layer> describe(LSTMOp op, const ValueFormats &formats);
  FailureOr<Layer> describe(LinearOp op, const ValueFormats &formats);
  FailureOr<Matrix> describe(Operation *layer, StringRef name, Value weight,
                             StringRef operandName, Value operand,
                             const ValueFormats &formats);
  FailureOr<WeightRequest> getRequest(Operation *layer, StringRef name,
                                      int64_t gates);
  LogicalResult readBias(Layer &layer, Value bias, int64_t copies);
  fx::PwlAttr makeTable(Operation *layer, fx::Activation kind,
                        const numerics::Activation &full, int inFrac,
                        FxFormat out);
  fx::IntType type(FxFormat format) {
    return fx::IntType::get(&getContext(), format.bits, format.frac);
  }
  fx::WeightsAttr weightsAttr(const Matrix &matrix);

  LogicalResult finish(LSTMOp op, Layer &layer, const ValueFormats &formats);
  LogicalResult finish(LinearOp op, Layer &layer, const ValueFormats &formats);
  LogicalResult finishPointwise(Operation *op, const ValueFormats &formats);
};

} // namespace

//===----------------------------------------------------------------------===//
// What there is to quantise
//===----------------------------------------------------------------------===//

LogicalResult Quantize::checkOptions() {
  auto check = [&](StringRef name, unsigned value, unsigned low,
                   unsigned high) -> LogicalResult {
    if (value >= low && value <= high)
      return success();
    return getOperation()->emitError()
           << "option " << name << " of rnn-quantize is " << value
           << "; allowed is " << low << ".." << high;
  };
  if (failed(check("weight-bits", weightBits, 2, 8)) ||
      failed(check("input-bits", inputBits, 8, 16)) ||
      failed(check("act-bits", actBits, 8, 16)) ||
      failed(check("gate-bits", gateBits, 8, 16)) ||
      failed(check("cell-bits", cellBits, 8, 16)) ||
      failed(check("pwl-segments", pwlSegments, 1, 512)))
    return failure();
  if (!(pwlMaxError >= 0.0 && std::isfinite(pwlMaxError)))
    return getOperation()->emitError()
           << "option pwl-max-error of rnn-quantize is "
           << llvm::formatv("{0}", double(pwlMaxError)).str()
           << "; it must be a number of output LSBs, or 0 for the least error";
  for (auto [name, range] :
       {std::pair<StringRef, double>("input-range", inputRange),
        std::pair<StringRef, double>("cell-range", cellRange)})
    if (!(range > 0.0 && range <= 65536.0))
      return getOperation()->emitError()
             << "option " << name << " of rnn-quantize is "
             << llvm::formatv("{0}", range).str()
             << "; it must be above 0 and at most 65536";
  return success();
}

/// What the options and the overrides of the layer ask of matrix `name`.
FailureOr<WeightRequest> Quantize::getRequest(Operation *layer, StringRef name,
                                              int64_t gates) {
  WeightRequest request;
  request.format.bits = static_cast<int>(
      getOverrideInteger(layer, name, "weight-bits").value_or(weightBits));
  auto encoding = getOverrideChoice<fx::WeightEncoding>(
      layer, name, "weight-encoding",
      {{"signmag", fx::WeightEncoding::SignMag},
       {"twos", fx::WeightEncoding::Twos}},
      weightEncoding);
  auto round = getOverrideChoice<fx::Rounding>(
      layer, name, "rounding",
      {{"nearest", fx::Rounding::Nearest}, {"ceil", fx::Rounding::Ceil}},
      rounding);
  auto quantizer = getOverrideChoice<WeightQuantizer>(
      layer, name, "weight-quantizer",
      {{"free", WeightQuantizer::Free}, {"hcgs", WeightQuantizer::HCGS}},
      weightQuantizer);
  request.exponents = getOverrideExponents(layer, name, gates);
  if (quantizer == WeightQuantizer::HCGS) {
    // clamp to [-1, 1]; sign(w) * ceil(|w| * 2^(k-1)) / 2^(k-1).
    for (StringRef key : {"weight-encoding", "rounding", "exponents"})
      if (getOverride(layer, name, key))
        return emitNodeError(layer)
               << name << ": weight-quantizer hcgs settles the "
               << (key == "weight-encoding" ? "encoding" : key)
               << ", which is also given; leave out one of the two";
    encoding = fx::WeightEncoding::SignMag;
    round = fx::Rounding::Ceil;
    request.exponents.assign(gates, request.format.bits - 1);
  }
  request.format.encoding = encoding == fx::WeightEncoding::Twos
                                ? numerics::WeightEncoding::Twos
                                : numerics::WeightEncoding::SignMag;
  request.format.rounding = round == fx::Rounding::Nearest
                                ? numerics::WeightRounding::Nearest
                                : numerics::WeightRounding::Ceil;
  request.zeros =
      getOverrideChoice<ZeroPolicy>(layer, name, "zeros",
                                    {{"auto", ZeroPolicy::Auto},
                                     {"one", ZeroPolicy::One},
                                     {"twos", ZeroPolicy::Twos},
                                     {"refuse", ZeroPolicy::Refuse}},
                                    zeros);
  // Codes of twos are other ones: 2^(k-1), that of |w| = 1, has none.
  request.published = quantizer == WeightQuantizer::HCGS;
  if (request.published && request.zeros == ZeroPolicy::Auto)
    request.zeros = ZeroPolicy::One;
  request.onGrid = getOverrideChoice<GridPolicy>(
      layer, name, "on-grid",
      {{"keep", GridPolicy::Keep}, {"lower", GridPolicy::Lower}}, onGrid);
  return request;
}

/// What sets the width of `operand`, for messages of `layer`.
static std::string widthOption(Operation *layer, Value operand) {
  Value root = ValueFormats::getRoot(operand);
  Operation *producer = root.getDefiningOp();
  if (!producer || isa<WeightOp>(producer))
    return "input-bits";
  return producer == layer ? "act-bits"
                           : "act-bits of '" + getNodeName(producer) + "'";
}

FailureOr<Matrix> Quantize::describe(Operation *layer, StringRef name,
                                     Value weight, StringRef operandName,
                                     Value operand,
                                     const ValueFormats &formats) {
  auto op = weight.getDefiningOp<WeightOp>();
  if (!op)
    return mlir::emitError(weight.getLoc())
           << name << " must be an rnn.weight; run rnn-canonical-form";
  Matrix matrix;
  matrix.weight = op;
  matrix.name = name;
  matrix.operand = operandName;
  matrix.operandFormat = formats.getFormat(operand);
  matrix.operandOption = widthOption(layer, operand);
  FailureOr<FloatData> data = getFloatData(op);
  if (failed(data))
    return failure();
  matrix.data = *std::move(data);
  matrix.view = getMatrixView(op, matrix.data);
  // The height of row blocks does not matter to codes and sums.
  FailureOr<compression::WeightLayout> layout = getLayout(op, matrix.view.rows);
  if (failed(layout))
    return failure();
  matrix.layout = *std::move(layout);
  FailureOr<WeightRequest> request = getRequest(layer, name, matrix.view.gates);
  if (failed(request))
    return failure();
  matrix.request = *std::move(request);
  return matrix;
}

/// Reads `copies` vectors of biases and adds them up (A-W-6).
LogicalResult Quantize::readBias(Layer &layer, Value bias, int64_t copies) {
  if (!bias)
    return success();
  auto op = bias.getDefiningOp<WeightOp>();
  if (!op)
    return layer.op->emitOpError("bias must be an rnn.weight; run "
                                 "rnn-canonical-form");
  FailureOr<FloatData> data = getFloatData(op);
  if (failed(data))
    return failure();
  size_t count = data->get().size() / copies;
  layer.bias.assign(count, 0.0);
  for (auto [i, value] : llvm::enumerate(data->get())) {
    if (!std::isfinite(value))
      return emitNodeError(layer.op)
             << "the bias holds " << value << " at element " << i
             << "; only finite numbers can be quantised";
    layer.bias[i % count] += static_cast<double>(value);
  }
  return success();
}

fx::PwlAttr Quantize::makeTable(Operation *layer, fx::Activation kind,
                                const numerics::Activation &full, int inFrac,
                                FxFormat out) {
  Builder builder(&getContext());
  auto segments = static_cast<unsigned>(
      getOverrideInteger(layer, "", "pwl-segments").value_or(pwlSegments));
  fx::PwlKind tableKind =
      getOverrideChoice<fx::PwlKind>(layer, "", "pwl-kind",
                                     {{"auto", fx::PwlKind::Auto},
                                      {"uniform", fx::PwlKind::Uniform},
                                      {"two-level", fx::PwlKind::TwoLevel}},
                                     pwlKind);
  FloatAttr error =
      dyn_cast_or_null<FloatAttr>(getOverride(layer, "", "pwl-max-error"));
  if (!error && pwlMaxError > 0.0)
    error = builder.getF64FloatAttr(pwlMaxError);
  FloatAttr alpha, beta;
  DenseElementsAttr samples = toSamplesAttr(&getContext(), full);
  if (fx::usesAlpha(kind) && !samples)
    alpha = builder.getF32FloatAttr(static_cast<float>(full.alpha));
  if (fx::usesBeta(kind) && !samples)
    beta = builder.getF32FloatAttr(static_cast<float>(full.beta));
  return fx::PwlAttr::get(kind, type({16, inFrac}), type(out), segments,
                          tableKind, error, alpha, beta, samples);
}

FailureOr<Layer> Quantize::describe(LSTMOp op, const ValueFormats &formats) {
  if (op.getNumDirections() != 1 || op.getLayout() != 0)
    return op.emitOpError("is not in canonical form; run rnn-canonical-form");
  Layer layer;
  layer.op = op;
  layer.rows = op.getHiddenSize();
  FailureOr<Matrix> w = describe(op, "W", op.getW(), "x", op.getX(), formats);
  FailureOr<Matrix> r = describe(op, "R", op.getR(), "h", op.getY(), formats);
  if (failed(w) || failed(r) || failed(readBias(layer, op.getBias(), 2)))
    return failure();
  layer.matrices.push_back(*std::move(w));
  layer.matrices.push_back(*std::move(r));

  for (unsigned gate = 0; gate < kNumGates; ++gate) {
    unsigned index = gate == GateG ? 1 : 0;
    numerics::Activation function = rnn::getActivation(op, index);
    FailureOr<Range> reach = formats.gateReach(op, gate);
    if (failed(reach))
      return failure();
    // The format of a bounded function does not depend on that of z.
    int frac = tableInputFrac(function, *reach,
                              formats.gateFormat(op, function, /*inFrac=*/0));
    FxFormat out = formats.gateFormat(op, function, frac);
    if (failed(checkSamples(op, function, *reach, out)))
      return failure();
    layer.gates.push_back(
        makeTable(op, op.getActivation(0, index), function, frac, out));
    layer.requantFracs.push_back(frac);
  }
  numerics::Activation output = rnn::getActivation(op, 2);
  Range cell = formats.getRange(op.getYC());
  int frac = tableInputFrac(output, cell,
                            formats.gateFormat(op, output, /*inFrac=*/0));
  if (failed(
          checkSamples(op, output, cell, formats.gateFormat(op, output, frac))))
    return failure();
  layer.table = makeTable(op, op.getActivation(0, 2), output, frac,
                          formats.gateFormat(op, output, frac));
  return layer;
}

FailureOr<Layer> Quantize::describe(LinearOp op, const ValueFormats &formats) {
  Layer layer;
  layer.op = op;
  layer.rows = op.getW().getType().getDimSize(0);
  FailureOr<Matrix> w = describe(op, "W", op.getW(), "x", op.getX(), formats);
  if (failed(w) || failed(readBias(layer, op.getBias(), 1)))
    return failure();
  layer.matrices.push_back(*std::move(w));
  FxFormat y = formats.getFormat(op.getY());
  if (!op.getActivation() || *op.getActivation() == fx::Activation::Identity) {
    layer.requantFracs = {y.frac};
    return layer;
  }
  numerics::Activation function = rnn::getActivation(op);
  FailureOr<Range> reach = formats.linearReach(op);
  if (failed(reach) || failed(checkSamples(op, function, *reach, y)))
    return failure();
  int frac = tableInputFrac(function, *reach, y);
  layer.table = makeTable(op, *op.getActivation(), function, frac, y);
  layer.requantFracs = {frac};
  return layer;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

fx::WeightsAttr Quantize::weightsAttr(const Matrix &matrix) {
  SmallVector<int32_t> exponents(matrix.exponents.begin(),
                                 matrix.exponents.end());
  return fx::WeightsAttr::get(
      &getContext(), matrix.format.bits,
      matrix.format.encoding == numerics::WeightEncoding::Twos
          ? fx::WeightEncoding::Twos
          : fx::WeightEncoding::SignMag,
      matrix.format.rounding == numerics::WeightRounding::Nearest
          ? fx::Rounding::Nearest
          : fx::Rounding::Ceil,
      exponents);
}

static FxFormat toFormat(fx::IntType type) {
  return {static_cast<int>(type.getWidth()), type.getFraction()};
}

LogicalResult Quantize::finish(LSTMOp op, Layer &layer,
                               const ValueFormats &formats) {
  FxFormat h = formats.getFormat(op.getY()), c = formats.getFormat(op.getYC());
  FxFormat i = toFormat(layer.gates[GateI].getOut());
  FxFormat o = toFormat(layer.gates[GateO].getOut());
  FxFormat f = toFormat(layer.gates[GateF].getOut());
  FxFormat g = toFormat(layer.gates[GateG].getOut());
  FxFormat q = toFormat(layer.table.getOut());

  // c' = f*c + i*g at the finer fraction of the two; h = o * q.
  int fc = f.frac + c.frac, ig = i.frac + g.frac, cell = std::max(fc, ig);
  if (failed(checkShift(op, cell - fc, "f*c in the cell", 0, maxLeftShift)) ||
      failed(checkShift(op, cell - ig, "i*g in the cell", 0, maxLeftShift)) ||
      failed(checkShift(op, cell - c.frac, "the cell state")) ||
      failed(checkShift(op, cell - layer.table.getIn().getFraction(),
                        "the function of the cell")) ||
      failed(checkShift(op, o.frac + q.frac - h.frac, "h")))
    return failure();
  std::string where = "node '" + getNodeName(op) + "'";
  auto cellProof = numerics::proveElements(
      where + ", cell",
      std::vector<numerics::ElementTerm>{
          {"f*c", f.bits, c.bits, cell - fc, "gate-bits", ""},
          {"i*g", i.bits, g.bits, cell - ig, "gate-bits", ""}});
  if (!cellProof)
    return op.emitError() << cellProof.message();
  auto hProof = numerics::proveElements(
      where + ", h", std::vector<numerics::ElementTerm>{
                         {"o*q", o.bits, q.bits, 0, "gate-bits", ""}});
  if (!hProof)
    return op.emitError() << hProof.message();

  op.setFormatsAttr(LSTMFormatsAttr::get(
      &getContext(), type(formats.getFormat(op.getX())), type(h), type(c),
      layer.gates, layer.table, weightsAttr(layer.matrices[0]),
      weightsAttr(layer.matrices[1]), layer.sumFracs, cell));
  return success();
}

LogicalResult Quantize::finish(LinearOp op, Layer &layer,
                               const ValueFormats &formats) {
  op.setFormatsAttr(LinearFormatsAttr::get(
      &getContext(), type(formats.getFormat(op.getX())),
      type(formats.getFormat(op.getY())), weightsAttr(layer.matrices[0]),
      layer.sumFracs[0], layer.table));
  return success();
}

/// rnn.act, rnn.add and rnn.concat: operands meet in a sum at the finest of
/// their fractions.
LogicalResult Quantize::finishPointwise(Operation *op,
                                        const ValueFormats &formats) {
  SmallVector<fx::IntType> ins;
  int finest = formats.getFormat(op->getOperand(0)).frac;
  for (Value operand : op->getOperands()) {
    FxFormat format = formats.getFormat(operand);
    ins.push_back(type(format));
    finest = std::max(finest, format.frac);
  }
  FxFormat y = formats.getFormat(op->getResult(0));
  int result = y.frac;
  fx::PwlAttr table;
  auto act = dyn_cast<ActOp>(op);
  if (act && act.getKind() != fx::Activation::Identity) {
    numerics::Activation function = rnn::getActivation(act);
    Range reach = formats.getRange(act.getX());
    if (failed(checkSamples(act, function, reach, y)))
      return failure();
    result = tableInputFrac(function, reach, y);
    table = makeTable(act, act.getKind(), function, result, y);
  }
  if (!isa<ConcatOp>(op)) {
    std::vector<numerics::ElementTerm> terms;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      FxFormat format = formats.getFormat(operand);
      int shift = finest - format.frac;
      if (failed(checkShift(op, shift, "operand " + Twine(i), 0, maxLeftShift)))
        return failure();
      terms.push_back({"operand " + std::to_string(i), format.bits, 0, shift,
                       "act-bits", ""});
    }
    auto proof =
        numerics::proveElements("node '" + getNodeName(op) + "'", terms);
    if (!proof)
      return op->emitError() << proof.message();
    if (failed(checkShift(op, finest - result, "the sum")))
      return failure();
  }
  auto attr =
      PointwiseFormatsAttr::get(&getContext(), ins, type(y), finest, table);
  if (act)
    act.setFormatsAttr(attr);
  else if (auto add = dyn_cast<AddOp>(op))
    add.setFormatsAttr(attr);
  else
    cast<ConcatOp>(op).setFormatsAttr(attr);
  return success();
}

/// True if every layer has its formats and nothing new is known of ranges.
static bool isQuantized(Block &block) {
  if (!block.getOps<RangeOp>().empty())
    return false;
  return llvm::all_of(block, [](Operation &op) {
    return !isa<LSTMOp, LinearOp, ActOp, AddOp, ConcatOp>(op) ||
           op.hasAttr("formats");
  });
}

LogicalResult Quantize::quantize(Block &block) {
  if (isQuantized(block))
    return success();
  ValueFormats formats({static_cast<int>(inputBits), static_cast<int>(actBits),
                        static_cast<int>(gateBits), static_cast<int>(cellBits),
                        inputRange, cellRange});
  if (failed(formats.analyse(block)))
    return failure();
  if (formats.hasAssumedRanges())
    mlir::emitRemark(block.getParentOp()->getLoc())
        << "without calibration data, inputs are taken to lie in +-"
        << llvm::formatv("{0}, cell states in +-{1}", double(inputRange),
                         double(cellRange))
               .str()
        << " and results of layers as far as their weights can reach";

  std::vector<Layer> layers;
  for (Operation &op : block) {
    FailureOr<Layer> layer = failure();
    if (auto lstm = dyn_cast<LSTMOp>(op))
      layer = describe(lstm, formats);
    else if (auto linear = dyn_cast<LinearOp>(op))
      layer = describe(linear, formats);
    else
      continue;
    if (failed(layer))
      return failure();
    layers.push_back(*std::move(layer));
  }

  // The heavy work, matrix by matrix on all cores: exponents, then, once the
  // matrices of each layer have met, codes.
  SmallVector<Matrix *> matrices;
  for (Layer &layer : layers)
    for (Matrix &matrix : layer.matrices)
      matrices.push_back(&matrix);
  auto reportErrors = [&]() -> LogicalResult {
    for (const Layer &layer : layers)
      for (const Matrix &matrix : layer.matrices)
        if (!matrix.error.empty())
          return emitNodeError(layer.op) << matrix.name << ": " << matrix.error;
    return success();
  };
  parallelForEach(&getContext(), matrices,
                  [&](Matrix *matrix) { chooseCodes(*matrix); });
  if (failed(reportErrors()))
    return failure();
  for (Layer &layer : layers)
    if (failed(settleSums(layer)))
      return failure();
  parallelForEach(&getContext(), matrices,
                  [&](Matrix *matrix) { quantizeWeights(*matrix); });
  if (failed(reportErrors()))
    return failure();

  bool ok = true;
  for (Layer &layer : layers) {
    ok &= succeeded(proveSums(layer));
    if (!ok)
      continue;
    reportWeights(layer);
    if (auto lstm = dyn_cast<LSTMOp>(layer.op))
      ok &= succeeded(finish(lstm, layer, formats));
    else
      ok &= succeeded(finish(cast<LinearOp>(layer.op), layer, formats));
  }
  for (Operation &op : block)
    if (isa<ActOp, AddOp, ConcatOp>(op))
      ok &= succeeded(finishPointwise(&op, formats));
  if (!ok)
    return failure();
  SmallVector<RangeOp> consumed(block.getOps<RangeOp>());
  for (RangeOp range : consumed)
    range.erase();
  return success();
}

void Quantize::runOnOperation() {
  if (failed(checkOptions()))
    return signalPassFailure();
  // Functions that compute with the rnn dialect; others are not ours.
  SmallVector<Block *> blocks;
  getOperation()->walk([&](Operation *op) {
    if (isa<LSTMOp, LinearOp, ActOp, AddOp, ConcatOp>(op) &&
        !llvm::is_contained(blocks, op->getBlock()))
      blocks.push_back(op->getBlock());
  });
  for (Block *block : blocks)
    if (failed(quantize(*block)))
      return signalPassFailure();
}

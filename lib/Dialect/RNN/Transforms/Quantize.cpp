// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-quantize: a fixed-point format for every value, table, weight and sum,
// and the proof that the sums fit.

#include "ValueFormats.h"

#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
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

/// Shifts that instructions can encode (A-ACC-2, A-RQ-1), and the fraction of a
/// bias's accumulator at which it takes at most half of it (A-W-7).
static constexpr int maxLeftShift = 15;
static constexpr int minRequantShift = -15, maxRequantShift = 31;

namespace {

/// One weight matrix: its floats, its layout, and its quantised form.
struct Matrix {
  WeightOp weight;
  StringRef name; // "W", "R"
  FxFormat operand;
  StringRef operandOption; // the option that sets the operand's width
  FloatData data;
  compression::MatrixView view;
  std::optional<compression::WeightLayout> layout;
  numerics::WeightFormat format;
  compression::MatrixExponents best;   // of least squared error
  SmallVector<int> exponents;          // recorded
  compression::QuantizedMatrix result; // without images
  std::string error;
  bool fellBackToTwos = false;

  int fraction(int64_t gate) const { return exponents[gate] + operand.frac; }
};

/// A layer with matrices, one or two of them, that add into the same sums.
struct Layer {
  Operation *op;
  std::vector<Matrix> matrices;
  SmallVector<double> bias;       // [gates * rows], or empty
  SmallVector<int> requantFracs;  // by gate: of what the sum is requantised to
  SmallVector<int32_t> sumFracs;  // by gate
  SmallVector<fx::PwlAttr> gates; // LSTM: tables of the gates
  fx::PwlAttr table;              // LSTM: of the cell; linear: the activation
  int64_t rows = 0;
};

struct Quantize : rnn::impl::RNNQuantizeBase<Quantize> {
  using RNNQuantizeBase::RNNQuantizeBase;

  void runOnOperation() override;

private:
  LogicalResult checkOptions();
  LogicalResult quantize(Block &block);

  FailureOr<Layer> describe(LSTMOp op, const ValueFormats &formats);
  FailureOr<Layer> describe(LinearOp op, const ValueFormats &formats);
  FailureOr<Matrix> describe(Value weight, StringRef name, FxFormat operand,
                             StringRef operandOption);
  LogicalResult readBias(Layer &layer, Value bias, int64_t copies);
  fx::PwlAttr makeTable(fx::Activation kind, const numerics::Activation &full,
                        int inFrac, FxFormat out);
  fx::IntType type(FxFormat format) {
    return fx::IntType::get(&getContext(), format.bits, format.frac);
  }
  fx::WeightsAttr weightsAttr(const Matrix &matrix);

  void choose(Matrix &matrix) const;
  LogicalResult settle(Layer &layer) const;
  void quantizeWeights(Matrix &matrix) const;
  LogicalResult prove(Layer &layer) const;
  LogicalResult reportZeros(const Layer &layer) const;
  LogicalResult finish(LSTMOp op, Layer &layer, const ValueFormats &formats);
  LogicalResult finish(LinearOp op, Layer &layer, const ValueFormats &formats);
  LogicalResult finishPointwise(Operation *op, const ValueFormats &formats);
};

} // namespace

static std::string gateText(const Layer &layer, int64_t gate) {
  return isa<LSTMOp>(layer.op)
             ? std::string(", gate ") + gateName(static_cast<unsigned>(gate))
             : std::string();
}

/// Reports a shift that an instruction cannot hold.
static LogicalResult checkShift(Operation *op, int shift, const Twine &what,
                                int low = minRequantShift,
                                int high = maxRequantShift) {
  if (shift >= low && shift <= high)
    return success();
  return emitNodeError(op) << what << " needs a shift by " << shift
                           << "; instructions have " << low << ".." << high
                           << "; the scales of its values are too far apart";
}

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
  if (!llvm::isPowerOf2_32(pwlSegments))
    return getOperation()->emitError()
           << "option pwl-segments of rnn-quantize is "
           << static_cast<unsigned>(pwlSegments) << "; it must be a power of "
           << "two up to 512";
  for (auto [name, range] :
       {std::pair<StringRef, double>("input-range", inputRange),
        std::pair<StringRef, double>("cell-range", cellRange)})
    if (!(range > 0.0 && std::isfinite(range)))
      return getOperation()->emitError()
             << "option " << name << " of rnn-quantize is " << range
             << "; it must be a positive number";
  return success();
}

FailureOr<Matrix> Quantize::describe(Value weight, StringRef name,
                                     FxFormat operand,
                                     StringRef operandOption) {
  auto op = weight.getDefiningOp<WeightOp>();
  if (!op)
    return mlir::emitError(weight.getLoc())
           << name << " must be an rnn.weight; run rnn-canonical-form";
  Matrix matrix;
  matrix.weight = op;
  matrix.name = name;
  matrix.operand = operand;
  matrix.operandOption = operandOption;
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
  matrix.format.bits = static_cast<int>(weightBits);
  matrix.format.encoding = weightEncoding == fx::WeightEncoding::Twos
                               ? numerics::WeightEncoding::Twos
                               : numerics::WeightEncoding::SignMag;
  matrix.format.rounding = rounding == fx::Rounding::Nearest
                               ? numerics::WeightRounding::Nearest
                               : numerics::WeightRounding::Ceil;
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

fx::PwlAttr Quantize::makeTable(fx::Activation kind,
                                const numerics::Activation &full, int inFrac,
                                FxFormat out) {
  Builder builder(&getContext());
  FloatAttr alpha, beta;
  if (fx::usesAlpha(kind))
    alpha = builder.getF32FloatAttr(static_cast<float>(full.alpha));
  if (fx::usesBeta(kind))
    beta = builder.getF32FloatAttr(static_cast<float>(full.beta));
  return fx::PwlAttr::get(kind, type({16, inFrac}), type(out), pwlSegments,
                          alpha, beta);
}

FailureOr<Layer> Quantize::describe(LSTMOp op, const ValueFormats &formats) {
  if (op.getNumDirections() != 1 || op.getLayout() != 0)
    return op.emitOpError("is not in canonical form; run rnn-canonical-form");
  Layer layer;
  layer.op = op;
  layer.rows = op.getHiddenSize();
  bool fromInput = isa<BlockArgument>(op.getX());
  FailureOr<Matrix> w = describe(op.getW(), "W", formats.getFormat(op.getX()),
                                 fromInput ? "input-bits" : "act-bits");
  FailureOr<Matrix> r =
      describe(op.getR(), "R", formats.getFormat(op.getY()), "act-bits");
  if (failed(w) || failed(r) || failed(readBias(layer, op.getBias(), 2)))
    return failure();
  layer.matrices.push_back(*std::move(w));
  layer.matrices.push_back(*std::move(r));

  for (unsigned gate = 0; gate < kNumGates; ++gate) {
    unsigned index = gate == GateG ? 1 : 0;
    numerics::Activation function = rnn::getActivation(op, index);
    Range reach{-8.0, 8.0};
    if (!numerics::isBoundedByOne(function)) {
      FailureOr<Range> found = formats.gateReach(op, gate);
      if (failed(found))
        return failure();
      reach = *found;
    }
    int frac = tableInputFrac(function, reach);
    layer.gates.push_back(makeTable(op.getActivation(0, index), function, frac,
                                    formats.gateFormat(function, frac)));
    layer.requantFracs.push_back(frac);
  }
  numerics::Activation output = rnn::getActivation(op, 2);
  int frac = tableInputFrac(output, formats.getRange(op.getYC()));
  layer.table = makeTable(op.getActivation(0, 2), output, frac,
                          formats.gateFormat(output, frac));
  return layer;
}

FailureOr<Layer> Quantize::describe(LinearOp op, const ValueFormats &formats) {
  Layer layer;
  layer.op = op;
  layer.rows = op.getW().getType().getDimSize(0);
  FailureOr<Matrix> w =
      describe(op.getW(), "W", formats.getFormat(op.getX()),
               isa<BlockArgument>(op.getX()) ? "input-bits" : "act-bits");
  if (failed(w) || failed(readBias(layer, op.getBias(), 1)))
    return failure();
  layer.matrices.push_back(*std::move(w));
  FxFormat y = formats.getFormat(op.getY());
  if (!op.getActivation() || *op.getActivation() == fx::Activation::Identity) {
    layer.requantFracs = {y.frac};
    return layer;
  }
  numerics::Activation function =
      toActivation(*op.getActivation(), op.getAlphaAttr(), op.getBetaAttr());
  FailureOr<Range> reach = formats.linearReach(op);
  if (failed(reach))
    return failure();
  int frac = tableInputFrac(function, *reach);
  layer.table = makeTable(*op.getActivation(), function, frac, y);
  layer.requantFracs = {frac};
  return layer;
}

//===----------------------------------------------------------------------===//
// Weights and their sums
//===----------------------------------------------------------------------===//

/// The exponents of least squared error (A-W-4).
void Quantize::choose(Matrix &matrix) const {
  auto search = [&] {
    matrix.best = compression::chooseExponents(matrix.view, *matrix.layout,
                                               matrix.format);
  };
  search();
  // Signmag has no zero: a gate without any other weight would become noise.
  bool zeroGate = llvm::any_of(matrix.best.gates,
                               [](const auto &gate) { return gate.allZero; });
  if (zeroGate && matrix.format.encoding == numerics::WeightEncoding::SignMag) {
    matrix.format.encoding = numerics::WeightEncoding::Twos;
    matrix.fellBackToTwos = true;
    search();
  }
  for (const auto &gate : matrix.best.gates)
    matrix.exponents.push_back(gate.exponent);
}

/// Lowers the fraction of a gate's sum to `frac`, and with it the exponents of
/// the matrices that are finer.
static void setFraction(Layer &layer, size_t gate, int frac) {
  layer.sumFracs[gate] = frac;
  for (Matrix &matrix : layer.matrices)
    matrix.exponents[gate] -= std::max(0, matrix.fraction(gate) - frac);
}

/// A-W-7 without its proof: the fraction of every gate's sum, and the exponents
/// that suit it.
LogicalResult Quantize::settle(Layer &layer) const {
  layer.sumFracs.resize(layer.requantFracs.size());
  for (size_t gate = 0; gate < layer.requantFracs.size(); ++gate) {
    int finest = layer.matrices[0].fraction(gate), coarsest = finest;
    for (const Matrix &matrix : layer.matrices) {
      finest = std::max(finest, matrix.fraction(gate));
      coarsest = std::min(coarsest, matrix.fraction(gate));
    }
    int frac = std::min({finest, coarsest + maxLeftShift,
                         layer.requantFracs[gate] + maxRequantShift});
    double bias = 0.0;
    for (int64_t row = 0; row < layer.rows && !layer.bias.empty(); ++row)
      bias = std::max(bias, std::fabs(layer.bias[gate * layer.rows + row]));
    if (bias > 0.0)
      frac = std::min(frac, 30 - static_cast<int>(std::ceil(std::log2(bias))));
    setFraction(layer, gate, frac);
    for (const Matrix &matrix : layer.matrices)
      if (matrix.exponents[gate] < numerics::minWeightExponent)
        return emitNodeError(layer.op)
               << matrix.name << gateText(layer, gate)
               << ": weights and biases are of such different size that the "
                  "weights would need the exponent "
               << matrix.exponents[gate] << "; the least is "
               << numerics::minWeightExponent << "; scale the layer";
    if (failed(checkShift(layer.op, frac - layer.requantFracs[gate],
                          "the sum" + gateText(layer, gate))))
      return failure();
  }
  return success();
}

/// The codes with the exponents that are settled, or an error.
void Quantize::quantizeWeights(Matrix &matrix) const {
  compression::QuantizeOptions options;
  options.makeImage = false;
  auto result = compression::quantizeMatrix(
      matrix.view, *matrix.layout, matrix.format, matrix.exponents, options);
  if (result)
    matrix.result = *std::move(result);
  else
    matrix.error = result.message();
}

/// A-ACC-3 for the sums of products of one gate.
static Result<numerics::AccumulatorBound> proveGate(const Layer &layer,
                                                    size_t gate) {
  std::vector<int64_t> start;
  for (int64_t row = 0; row < layer.rows && !layer.bias.empty(); ++row) {
    double code = numerics::roundHalfAway(
        std::ldexp(layer.bias[gate * layer.rows + row], layer.sumFracs[gate]));
    start.push_back(static_cast<int64_t>(code));
  }
  std::vector<numerics::ProductTerm> terms;
  for (const Matrix &matrix : layer.matrices)
    terms.push_back({matrix.name.str(), matrix.result.gateMagnitudes(gate),
                     matrix.operand.bits, matrix.operandOption.str(),
                     layer.sumFracs[gate] - matrix.fraction(gate),
                     matrix.format.bits});
  return numerics::proveRows("node '" + getNodeName(layer.op) + "'" +
                                 gateText(layer, gate),
                             start, terms);
}

/// Proves all sums of a layer. Where a sum could overflow but one matrix is
/// finer than another, the finer one gives up bits (A-W-7).
LogicalResult Quantize::prove(Layer &layer) const {
  for (size_t gate = 0; gate < layer.sumFracs.size(); ++gate) {
    auto proof = proveGate(layer, gate);
    while (!proof) {
      int coarsest = layer.matrices[0].fraction(gate);
      for (const Matrix &matrix : layer.matrices)
        coarsest = std::min(coarsest, matrix.fraction(gate));
      if (layer.sumFracs[gate] == coarsest)
        return layer.op->emitError() << proof.message();
      setFraction(layer, gate, layer.sumFracs[gate] - 1);
      for (Matrix &matrix : layer.matrices)
        quantizeWeights(matrix);
      if (failed(checkShift(layer.op,
                            layer.sumFracs[gate] - layer.requantFracs[gate],
                            "the sum" + gateText(layer, gate))))
        return failure();
      proof = proveGate(layer, gate);
    }
  }
  return success();
}

LogicalResult Quantize::reportZeros(const Layer &layer) const {
  for (const Matrix &matrix : layer.matrices) {
    if (matrix.fellBackToTwos)
      emitNodeRemark(layer.op)
          << matrix.name << ": a gate has only zero weights, which signmag "
          << "cannot hold; the matrix is stored as twos";
    if (matrix.format.encoding == numerics::WeightEncoding::Twos)
      continue;
    int64_t zeros = 0;
    for (int64_t count : matrix.result.zeros)
      zeros += count;
    if (zeros == 0)
      continue;
    if (refuseZeros)
      return emitNodeError(layer.op)
             << matrix.name << ": " << zeros
             << " weights in kept positions are zero, which signmag cannot "
                "hold; use weight-encoding=twos, or leave out refuse-zeros to "
                "store them as +1";
    emitNodeRemark(layer.op) << matrix.name << ": " << zeros
                             << " weights in kept positions are zero and "
                                "become +1 in signmag";
  }
  return success();
}

fx::WeightsAttr Quantize::weightsAttr(const Matrix &matrix) {
  SmallVector<int32_t> exponents(matrix.exponents.begin(),
                                 matrix.exponents.end());
  return fx::WeightsAttr::get(&getContext(), matrix.format.bits,
                              matrix.format.encoding ==
                                      numerics::WeightEncoding::Twos
                                  ? fx::WeightEncoding::Twos
                                  : fx::WeightEncoding::SignMag,
                              rounding, exponents);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

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
    numerics::Activation function =
        toActivation(act.getKind(), act.getAlphaAttr(), act.getBetaAttr());
    result = tableInputFrac(function, formats.getRange(act.getX()));
    table = makeTable(act.getKind(), function, result, y);
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
  parallelForEach(&getContext(), matrices,
                  [&](Matrix *matrix) { choose(*matrix); });
  for (Layer &layer : layers)
    if (failed(settle(layer)))
      return failure();
  parallelForEach(&getContext(), matrices,
                  [&](Matrix *matrix) { quantizeWeights(*matrix); });

  bool ok = true;
  for (Layer &layer : layers) {
    for (const Matrix &matrix : layer.matrices)
      if (!matrix.error.empty()) {
        emitNodeError(layer.op) << matrix.name << ": " << matrix.error;
        return failure();
      }
    ok &= succeeded(prove(layer)) && succeeded(reportZeros(layer));
    if (!ok)
      continue;
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

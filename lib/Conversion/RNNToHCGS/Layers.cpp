// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers as fixed-point dataflow: the shifts that follow from the formats, and
// the proof that no accumulator can overflow (docs/Spec/Layers.md).

#include "Lowering.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;
using numerics::ElementTerm;
using numerics::ProductTerm;

/// `shift` if the machine has it, else an error that says where it comes from.
static FailureOr<int64_t> checkShift(Operation *layer, const Twine &what,
                                     int64_t shift, int64_t least,
                                     int64_t most) {
  if (shift >= least && shift <= most)
    return shift;
  return nodeError(layer) << what << " needs a shift of " << shift
                          << ", the machine has " << least << ".." << most
                          << "; choose formats that lie closer together";
}

/// Left shifts that bring products of `weights` and `input` to the fractions of
/// the accumulators.
static FailureOr<SmallVector<int64_t>>
getProductShifts(Operation *layer, StringRef name, fx::WeightsAttr weights,
                 fx::IntType input, ArrayRef<int32_t> fractions) {
  SmallVector<int64_t> shifts;
  for (auto [gate, fraction] : llvm::enumerate(fractions)) {
    FailureOr<int64_t> shift = checkShift(
        layer, "the product with " + name + " of gate " + Twine(gate),
        int64_t(fraction) - weights.getExps()[gate] - input.getFraction(), 0,
        15);
    if (failed(shift))
      return failure();
    shifts.push_back(*shift);
  }
  return shifts;
}

static std::string getWhere(Operation *layer, StringRef what) {
  return "node '" + getNodeName(layer) + "', " + what.str();
}

template <typename T>
static std::span<const T> toSpan(ArrayRef<T> array) {
  return {array.data(), array.size()};
}

/// Reports the error of a proof at the layer.
template <typename T>
static LogicalResult report(Operation *layer, const Result<T> &proved) {
  if (proved)
    return success();
  return emitError(layer->getLoc()) << proved.message();
}

LogicalResult Lowering::lowerLSTM(rnn::LSTMOp lstm, Value x, Value h, Value c,
                                  Value &nextH, Value &nextC) {
  Location loc = lstm.getLoc();
  rnn::LSTMFormatsAttr f = lstm.getFormatsAttr();
  const int64_t hidden = lstm.getHiddenSize(), inputs = lstm.getInputSize();
  constexpr unsigned gates = rnn::kNumGates;
  if (f.getAcc().size() != gates || f.getGates().size() != gates)
    return nodeError(lstm) << "has formats of " << f.getAcc().size()
                           << " gates; an LSTM has 4";
  FlatSymbolRefAttr layer = declarations.getLayer(lstm, flow::LayerKind::LSTM);

  // W x + b, then R h.
  auto wOp = lstm.getW().getDefiningOp<rnn::WeightOp>();
  auto rOp = lstm.getR().getDefiningOp<rnn::WeightOp>();
  StringRef name = layer.getValue();
  FailureOr<Codes> w = quantize(lstm, (name + ".W").str(), wOp, f.getW());
  if (failed(w))
    return failure();
  FailureOr<Codes> r = quantize(lstm, (name + ".R").str(), rOp, f.getR());
  if (failed(r))
    return failure();
  FailureOr<SmallVector<int64_t>> wShifts =
      getProductShifts(lstm, "W", f.getW(), f.getX(), f.getAcc());
  if (failed(wShifts))
    return failure();
  FailureOr<SmallVector<int64_t>> rShifts =
      getProductShifts(lstm, "R", f.getR(), f.getH(), f.getAcc());
  if (failed(rShifts))
    return failure();
  std::vector<int64_t> bias;
  if (lstm.getBias()) {
    FailureOr<std::vector<int64_t>> rounded =
        roundBias(lstm, lstm.getBias().getDefiningOp<rnn::WeightOp>(),
                  f.getAcc(), hidden);
    if (failed(rounded))
      return failure();
    bias = std::move(*rounded);
  }
  ProvedSum sum;
  for (unsigned g = 0; g < gates; ++g) {
    ArrayRef<int64_t> start;
    if (!bias.empty())
      start = ArrayRef(bias).slice(g * hidden, hidden);
    ProductTerm terms[] = {{"W", toSpan(w->getMagnitudes(g, hidden)),
                            static_cast<int>(f.getX().getWidth()), "act-bits",
                            static_cast<int>((*wShifts)[g]),
                            static_cast<int>(f.getW().getBits())},
                           {"R", toSpan(r->getMagnitudes(g, hidden)),
                            static_cast<int>(f.getH().getWidth()), "act-bits",
                            static_cast<int>((*rShifts)[g]),
                            static_cast<int>(f.getR().getBits())}};
    std::string where = getWhere(lstm, std::string("gate ") + rnn::gateName(g));
    auto proved = numerics::proveRows(where, toSpan(start), terms);
    if (failed(report(lstm, proved)))
      return failure();
    sum.add(*proved, g);
  }
  sum.note(*w);
  sum.note(*r);
  flow::MatrixOp wMatrix = declarations.addMatrix(
      loc, layer, "W", gates, hidden, inputs, f.getW(), *w, bias);
  flow::MatrixOp rMatrix = declarations.addMatrix(
      loc, layer, "R", gates, hidden, hidden, f.getR(), *r, {});
  auto accType =
      flow::AccType::get(builder.getContext(), gates, hidden, f.getAcc());
  Value wx = flow::MvmOp::create(
      builder, loc, accType, FlatSymbolRefAttr::get(wMatrix), x, Value(),
      biased(!bias.empty()), builder.getDenseI64ArrayAttr(*wShifts), layer);
  Value a = flow::MvmOp::create(
      builder, loc, accType, FlatSymbolRefAttr::get(rMatrix), h, wx, UnitAttr(),
      builder.getDenseI64ArrayAttr(*rShifts), layer);

  // The gates.
  Value gate[gates];
  for (unsigned g = 0; g < gates; ++g) {
    fx::PwlAttr table = f.getGates()[g];
    FailureOr<Value> value = finish(lstm, layer, a, g, table, table.getOut());
    if (failed(value))
      return failure();
    gate[g] = *value;
  }

  // s = f*c + i*g.
  auto fraction = [&](Value value) -> int64_t {
    return cast<flow::VecType>(value.getType()).getFraction();
  };
  auto bits = [&](Value value) -> int {
    return cast<flow::VecType>(value.getType()).getBits();
  };
  FailureOr<int64_t> fcShift = checkShift(
      lstm, "f*c", f.getCellAcc() - fraction(gate[rnn::GateF]) - fraction(c), 0,
      15);
  if (failed(fcShift))
    return failure();
  FailureOr<int64_t> igShift = checkShift(
      lstm, "i*g",
      f.getCellAcc() - fraction(gate[rnn::GateI]) - fraction(gate[rnn::GateG]),
      0, 15);
  if (failed(igShift))
    return failure();
  ElementTerm cellTerms[] = {
      {"f*c", bits(gate[rnn::GateF]), bits(c), static_cast<int>(*fcShift),
       "gate-bits", "cell-bits"},
      {"i*g", bits(gate[rnn::GateI]), bits(gate[rnn::GateG]),
       static_cast<int>(*igShift), "gate-bits", "gate-bits"}};
  if (failed(report(
          lstm, numerics::proveElements(getWhere(lstm, "cell"), cellTerms))))
    return failure();
  auto cellType =
      flow::AccType::get(builder.getContext(), 1, hidden, {f.getCellAcc()});
  Value fc = flow::VmacOp::create(builder, loc, cellType, gate[rnn::GateF], c,
                                  Value(), i64(*fcShift), layer);
  Value s = flow::VmacOp::create(builder, loc, cellType, gate[rnn::GateI],
                                 gate[rnn::GateG], fc, i64(*igShift), layer);
  FailureOr<Value> cell = finish(lstm, layer, s, 0, {}, f.getC());
  if (failed(cell))
    return failure();
  FailureOr<Value> q =
      finish(lstm, layer, s, 0, f.getCell(), f.getCell().getOut());
  if (failed(q))
    return failure();

  // h = o * tanh(s).
  ElementTerm outTerms[] = {{"o*tanh(c)", bits(gate[rnn::GateO]), bits(*q), 0,
                             "gate-bits", "gate-bits"}};
  if (failed(report(
          lstm, numerics::proveElements(getWhere(lstm, "output"), outTerms))))
    return failure();
  auto outType = flow::AccType::get(
      builder.getContext(), 1, hidden,
      {static_cast<int32_t>(fraction(gate[rnn::GateO]) + fraction(*q))});
  Value m = flow::VmacOp::create(builder, loc, outType, gate[rnn::GateO], *q,
                                 Value(), i64(0), layer);
  FailureOr<Value> out = finish(lstm, layer, m, 0, {}, f.getH());
  if (failed(out))
    return failure();
  nextH = *out;
  nextC = *cell;
  return success();
}

/// What ends a sum: a table, or requantisation to `y` (L-RES-1).
FailureOr<Value> Lowering::finish(Operation *op, FlatSymbolRefAttr layer,
                                  Value acc, unsigned gate, fx::PwlAttr act,
                                  fx::IntType y) {
  auto accType = cast<flow::AccType>(acc.getType());
  int32_t target = act ? act.getIn().getFraction() : y.getFraction();
  FailureOr<int64_t> shift =
      checkShift(op, "requantising gate " + Twine(gate) + " of a sum",
                 int64_t(accType.getFractions()[gate]) - target, -15, 31);
  if (failed(shift))
    return failure();
  auto type = flow::VecType::get(accType.getRows(), y);
  if (!act)
    return flow::RequantOp::create(builder, op->getLoc(), type, acc, i64(gate),
                                   i64(*shift), layer)
        .getResult();
  FailureOr<FlatSymbolRefAttr> table = declarations.getTable(op, act);
  if (failed(table))
    return failure();
  return flow::ActOp::create(builder, op->getLoc(), type, acc, i64(gate),
                             *table, i64(*shift), layer)
      .getResult();
}

FailureOr<Value> Lowering::lowerLinear(rnn::LinearOp linear, Value x) {
  rnn::LinearFormatsAttr f = linear.getFormatsAttr();
  FlatSymbolRefAttr layer =
      declarations.getLayer(linear, flow::LayerKind::Linear);
  auto type = cast<RankedTensorType>(linear.getW().getType());
  const int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  FailureOr<Codes> w =
      quantize(linear, (layer.getValue() + ".W").str(),
               linear.getW().getDefiningOp<rnn::WeightOp>(), f.getW());
  if (failed(w))
    return failure();
  FailureOr<SmallVector<int64_t>> shifts =
      getProductShifts(linear, "W", f.getW(), f.getX(), {f.getAcc()});
  if (failed(shifts))
    return failure();
  std::vector<int64_t> bias;
  if (linear.getBias()) {
    FailureOr<std::vector<int64_t>> rounded =
        roundBias(linear, linear.getBias().getDefiningOp<rnn::WeightOp>(),
                  {f.getAcc()}, rows);
    if (failed(rounded))
      return failure();
    bias = std::move(*rounded);
  }
  ProductTerm terms[] = {{"W", toSpan(w->getMagnitudes(0, rows)),
                          static_cast<int>(f.getX().getWidth()), "act-bits",
                          static_cast<int>(shifts->front()),
                          static_cast<int>(f.getW().getBits())}};
  auto proved = numerics::proveRows(getWhere(linear, "the sum"),
                                    toSpan(ArrayRef<int64_t>(bias)), terms);
  if (failed(report(linear, proved)))
    return failure();
  ProvedSum sum;
  sum.add(*proved, 0);
  sum.note(*w);
  flow::MatrixOp matrix = declarations.addMatrix(
      linear.getLoc(), layer, "W", 1, rows, cols, f.getW(), *w, bias);
  Value acc = flow::MvmOp::create(
      builder, linear.getLoc(),
      flow::AccType::get(builder.getContext(), 1, rows, {f.getAcc()}),
      FlatSymbolRefAttr::get(matrix), x, Value(), biased(!bias.empty()),
      builder.getDenseI64ArrayAttr(*shifts), layer);
  return finish(linear, layer, acc, 0, f.getAct(), f.getY());
}

FailureOr<Value> Lowering::lowerSum(Operation *op,
                                    rnn::PointwiseFormatsAttr formats,
                                    ValueRange inputs) {
  FlatSymbolRefAttr layer = declarations.getLayer(
      op, isa<rnn::AddOp>(op) ? flow::LayerKind::Add : flow::LayerKind::Act);
  auto first = cast<flow::VecType>(inputs.front().getType());
  auto type = flow::AccType::get(builder.getContext(), 1, first.getSize(),
                                 {formats.getAcc()});
  SmallVector<ElementTerm> terms;
  Value acc;
  for (Value input : inputs) {
    auto vec = cast<flow::VecType>(input.getType());
    FailureOr<int64_t> shift =
        checkShift(op, "adding an input",
                   int64_t(formats.getAcc()) - vec.getFraction(), 0, 15);
    if (failed(shift))
      return failure();
    terms.push_back({"input", static_cast<int>(vec.getBits()), 0,
                     static_cast<int>(*shift), "act-bits", ""});
    acc = flow::VaccOp::create(builder, op->getLoc(), type, input, acc,
                               i64(*shift), layer);
  }
  if (failed(
          report(op, numerics::proveElements(getWhere(op, "the sum"),
                                             std::span<const ElementTerm>(
                                                 terms.data(), terms.size())))))
    return failure();
  return finish(op, layer, acc, 0, formats.getAct(), formats.getY());
}

FailureOr<Value> Lowering::lowerLayer(Operation *op, ValueRange inputs) {
  if (auto linear = dyn_cast<rnn::LinearOp>(op))
    return lowerLinear(linear, inputs.front());
  if (auto act = dyn_cast<rnn::ActOp>(op)) {
    if (!act.getFormatsAttr().getAct())
      return nodeError(op) << "has formats without a table; quantise the model "
                              "again";
    return lowerSum(op, act.getFormatsAttr(), inputs);
  }
  if (auto add = dyn_cast<rnn::AddOp>(op))
    return lowerSum(op, add.getFormatsAttr(), inputs);
  auto concat = cast<rnn::ConcatOp>(op);
  FlatSymbolRefAttr layer = declarations.getLayer(op, flow::LayerKind::Concat);
  int64_t size = 0;
  for (Value input : inputs)
    size += cast<flow::VecType>(input.getType()).getSize();
  return flow::ConcatOp::create(
             builder, op->getLoc(),
             flow::VecType::get(size, concat.getFormatsAttr().getY()), inputs,
             layer)
      .getResult();
}

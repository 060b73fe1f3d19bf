// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ValueFormats.h"

#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using numerics::Activation;
using numerics::FxFormat;

/// Tables see values of 16 bits; bounded functions see +-8 of them.
static constexpr int tableBits = 16;
static constexpr int boundedTableFrac = 12;

Range rnn::imageOf(const Activation &function, Range domain) {
  // All functions are monotone but for a dip or a jump; a fine scan finds what
  // the ends do not.
  constexpr int points = 4096;
  Range image{function(domain.min), function(domain.min)};
  for (int i = 1; i <= points; ++i) {
    double x = domain.min + (domain.max - domain.min) * i / points;
    double y = function(x);
    image.min = std::min(image.min, y);
    image.max = std::max(image.max, y);
  }
  return image;
}

int rnn::tableInputFrac(const Activation &function, Range domain) {
  if (numerics::isBoundedByOne(function))
    return boundedTableFrac;
  return numerics::largestFrac(domain.min, domain.max, tableBits);
}

ValueFormats::Key ValueFormats::getKey(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<TransposeOp, SqueezeOp, UnsqueezeOp, SplitDirectionsOp, LastStepOp>(
            op)) {
      value = op->getOperand(0);
      continue;
    }
    if (auto lstm = dyn_cast<LSTMOp>(op)) {
      if (value == lstm.getYH())
        value = lstm.getY();
      break;
    }
    auto unstack = dyn_cast<UnstackOp>(op);
    if (!unstack)
      break;
    Value source = unstack.getSource();
    if (auto stack = source.getDefiningOp<StackOp>()) {
      value = stack.getIns()[unstack.getIndex()];
      continue;
    }
    if (source.getDefiningOp<LSTMOp>()) {
      value = source; // one direction: entry 0 is all there is
      continue;
    }
    return {getKey(source).first, static_cast<int64_t>(unstack.getIndex())};
  }
  return {value.getAsOpaquePointer(), -1};
}

std::optional<Range> ValueFormats::recorded(Value value) const {
  auto found = ranges.find(value);
  if (found == ranges.end())
    return std::nullopt;
  return found->second;
}

void ValueFormats::add(Value value, int bits, Range range, Fit fit) {
  Key key = getKey(value);
  classes.insert(key);
  members.insert({key, {bits, range, fit}});
}

/// The most that a row of weights makes of operands up to `operand`.
static double rowReach(ArrayRef<float> row, double operand) {
  double sum = 0.0;
  for (float w : row)
    sum += std::fabs(static_cast<double>(w));
  return sum * operand;
}

FailureOr<Range> ValueFormats::linearReach(LinearOp op) const {
  auto wOp = op.getW().getDefiningOp<WeightOp>();
  if (!wOp)
    return op.emitOpError("w must be an rnn.weight; run rnn-canonical-form");
  FailureOr<FloatData> w = getFloatData(wOp), bias = FloatData();
  if (op.getBias())
    if (auto biasOp = op.getBias().getDefiningOp<WeightOp>())
      bias = getFloatData(biasOp);
  if (failed(w) || failed(bias))
    return failure();
  int64_t cols = wOp.getResult().getType().getShape().back();
  double x = getRange(op.getX()).magnitude(), most = 0.0;
  for (int64_t row = 0, rows = w->get().size() / cols; row < rows; ++row) {
    double reach = rowReach(w->get().slice(row * cols, cols), x);
    if (!bias->get().empty())
      reach += std::fabs(static_cast<double>(bias->get()[row]));
    most = std::max(most, reach);
  }
  return Range{-most, most};
}

FailureOr<Range> ValueFormats::gateReach(LSTMOp op, unsigned gate) const {
  auto wOp = op.getW().getDefiningOp<WeightOp>();
  auto rOp = op.getR().getDefiningOp<WeightOp>();
  if (!wOp || !rOp)
    return op.emitOpError("w and r must be rnn.weight; run "
                          "rnn-canonical-form");
  FailureOr<FloatData> w = getFloatData(wOp), r = getFloatData(rOp),
                       bias = FloatData();
  if (op.getBias())
    if (auto biasOp = op.getBias().getDefiningOp<WeightOp>())
      bias = getFloatData(biasOp);
  if (failed(w) || failed(r) || failed(bias))
    return failure();
  int64_t hidden = op.getHiddenSize(), inputs = op.getInputSize();
  double x = getRange(op.getX()).magnitude();
  double h = getRange(op.getY()).magnitude(), most = 0.0;
  for (int64_t row = gate * hidden; row < (gate + 1) * hidden; ++row) {
    double reach = rowReach(w->get().slice(row * inputs, inputs), x) +
                   rowReach(r->get().slice(row * hidden, hidden), h);
    if (!bias->get().empty())
      reach +=
          std::fabs(static_cast<double>(bias->get()[row])) +
          std::fabs(static_cast<double>(bias->get()[kNumGates * hidden + row]));
    most = std::max(most, reach);
  }
  return Range{-most, most};
}

void ValueFormats::analyse(LSTMOp op) {
  Activation gate = rnn::getActivation(op, 0);
  Activation output = rnn::getActivation(op, 2);
  std::optional<Range> cell = recorded(op.getYC());
  Range c = cell.value_or(Range{-options.cellRange, options.cellRange});
  add(op.getYC(), options.cellBits, c, cell ? Fit::Closed : Fit::HalfOpen);
  assumed |= !cell;

  if (numerics::isBoundedByOne(gate) && numerics::isBoundedByOne(output)) {
    add(op.getY(), options.actBits, {-1.0, 1.0}, Fit::Unit);
    return;
  }
  std::optional<Range> h = recorded(op.getY());
  if (!h) {
    // |h| is at most |o| * |q|, of which an unbounded o is taken at +-8.
    double o = numerics::isBoundedByOne(gate)
                   ? 1.0
                   : imageOf(gate, {-8.0, 8.0}).magnitude();
    double q = imageOf(output, c).magnitude();
    h = Range{-o * q, o * q};
    assumed = true;
  }
  add(op.getY(), options.actBits, *h);
}

LogicalResult ValueFormats::analyse(LinearOp op) {
  Activation function = op.getActivation()
                            ? toActivation(*op.getActivation(),
                                           op.getAlphaAttr(), op.getBetaAttr())
                            : Activation();
  if (numerics::isBoundedByOne(function)) {
    add(op.getY(), options.actBits, {-1.0, 1.0}, Fit::Unit);
    return success();
  }
  std::optional<Range> range = recorded(op.getY());
  if (!range) {
    FailureOr<Range> reach = linearReach(op);
    if (failed(reach))
      return failure();
    range = imageOf(function, *reach);
    assumed = true;
  }
  add(op.getY(), options.actBits, *range);
  return success();
}

void ValueFormats::analyse(ConcatOp op) {
  Key joined = getKey(op.getY());
  classes.insert(joined);
  Range all = getRange(op.getIns().front());
  for (Value in : op.getIns()) {
    Range part = getRange(in);
    all = {std::min(all.min, part.min), std::max(all.max, part.max)};
    classes.unionSets(joined, getKey(in));
  }
  members.insert({joined, {0, all, Fit::Passive}});
}

/// What a layer reads and no layer computes: inputs of the model, constants.
LogicalResult ValueFormats::analyseOperands(Operation &op) {
  if (!isa<LSTMOp, LinearOp, ActOp, AddOp, ConcatOp>(op))
    return success();
  auto lstm = dyn_cast<LSTMOp>(op);
  auto linear = dyn_cast<LinearOp>(op);
  for (Value operand : op.getOperands()) {
    // Matrices have formats of their own, states those of h and c.
    if ((lstm && operand != lstm.getX()) ||
        (linear && operand != linear.getX()))
      continue;
    Key key = getKey(operand);
    if (members.count(key))
      continue;
    Value root = Value::getFromOpaquePointer(key.first);
    std::optional<Range> range = recorded(root);
    if (auto constant = root.getDefiningOp<WeightOp>()) {
      FailureOr<FloatData> data = getFloatData(constant);
      if (failed(data))
        return failure();
      auto [least, most] =
          std::minmax_element(data->get().begin(), data->get().end());
      range = Range{*least, *most};
    }
    assumed |= !range;
    add(operand, options.inputBits,
        range.value_or(Range{-options.inputRange, options.inputRange}),
        range ? Fit::Closed : Fit::HalfOpen);
  }
  return success();
}

LogicalResult ValueFormats::analyse(Operation &op) {
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](LSTMOp lstm) {
        analyse(lstm);
        return success();
      })
      .Case([&](LinearOp linear) { return analyse(linear); })
      .Case([&](ActOp act) {
        Activation function =
            toActivation(act.getKind(), act.getAlphaAttr(), act.getBetaAttr());
        std::optional<Range> range = recorded(act.getY());
        if (numerics::isBoundedByOne(function))
          add(act.getY(), options.actBits, {-1.0, 1.0}, Fit::Unit);
        else
          add(act.getY(), options.actBits,
              range ? *range : imageOf(function, getRange(act.getX())));
        return success();
      })
      .Case([&](AddOp sum) {
        Range a = getRange(sum.getLhs()), b = getRange(sum.getRhs());
        add(sum.getY(), options.actBits,
            recorded(sum.getY()).value_or(Range{a.min + b.min, a.max + b.max}));
        return success();
      })
      .Case([&](ConcatOp concat) {
        analyse(concat);
        return success();
      })
      .Default([](Operation *) { return success(); });
}

LogicalResult ValueFormats::analyse(Block &block) {
  for (RangeOp range : block.getOps<RangeOp>())
    ranges[range.getX()] = {range.getMin().convertToDouble(),
                            range.getMax().convertToDouble()};
  for (Operation &op : block)
    if (failed(analyseOperands(op)) || failed(analyse(op)))
      return failure();

  // A class is as wide as its widest member and has as many integer bits as
  // any of them needs.
  llvm::DenseMap<Key, int> integerBits;
  for (const auto &[key, member] : members) {
    if (member.fit == Fit::Passive)
      continue;
    int frac = member.bits - 1;
    if (member.fit != Fit::Unit)
      frac = numerics::largestFrac(
          member.range.min,
          member.fit == Fit::HalfOpen ? 0.0 : member.range.max, member.bits);
    Key leader = classes.getLeaderValue(key);
    auto [format, newClass] =
        formats.insert({leader, FxFormat{member.bits, 0}});
    format->second.bits = std::max(format->second.bits, member.bits);
    auto [most, newMost] = integerBits.insert({leader, member.bits - frac});
    most->second = std::max(most->second, member.bits - frac);
  }
  for (auto &[leader, format] : formats)
    format.frac = format.bits - integerBits.lookup(leader);
  return success();
}

FxFormat ValueFormats::getFormat(Value value) const {
  Key key = getKey(value);
  if (!members.count(key))
    return {};
  return formats.lookup(classes.getLeaderValue(key));
}

Range ValueFormats::getRange(Value value) const {
  auto found = members.find(getKey(value));
  return found == members.end() ? Range() : found->second.range;
}

FxFormat ValueFormats::gateFormat(const Activation &function,
                                  int inFrac) const {
  int bits = options.gateBits;
  if (numerics::isBoundedByOne(function))
    return {bits, bits - 1};
  FxFormat z{tableBits, inFrac};
  Range image = imageOf(function, {numerics::toValue(z.minCode(), z),
                                   numerics::toValue(z.maxCode(), z)});
  return {bits, numerics::largestFrac(image.min, image.max, bits)};
}

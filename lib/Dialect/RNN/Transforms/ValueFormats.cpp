// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ValueFormats.h"

#include "hcgs/Dialect/RNN/Transforms/Override.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using numerics::Activation;
using numerics::FxFormat;

/// Tables see values of 16 bits, of bounded functions at least +-8.
static constexpr int tableBits = 16;
static constexpr int boundedTableFrac = 12;
/// What largestFrac ends at.
static constexpr int minFrac = -16;

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

LogicalResult rnn::checkSamples(Operation *op, const Activation &function,
                                Range domain, FxFormat out) {
  if (!function.samples)
    return success();
  const numerics::Samples &points = *function.samples;
  const double first = points.front().x, last = points.back().x;
  // Flat is what straight on would stay within one output LSB.
  const double flat = std::ldexp(1.0, -out.frac);
  auto leaves = [&](const numerics::Sample &end, const numerics::Sample &inner,
                    double reach) {
    const double slope = (end.y - inner.y) / (end.x - inner.x);
    return std::fabs(slope * (reach - end.x)) > flat;
  };
  const bool below =
      domain.min < first && leaves(points[0], points[1], domain.min);
  const bool above =
      domain.max > last &&
      leaves(points.back(), points[points.size() - 2], domain.max);
  if (!below && !above)
    return success();
  return emitNodeError(op)
         << "the samples of " << function.str() << " cover "
         << llvm::formatv("{0}..{1}, but its input can lie in {2}..{3}", first,
                          last, domain.min, domain.max)
                .str()
         << "; give points up to there, or two last ones of the same value";
}

/// How far, in LSBs of `out`, a monotone function is from its values at the
/// ends of `z` when the input lies in `domain` and saturates there. Both count
/// as the codes that `out` has can tell them.
static double errorOfSaturation(const Activation &function, Range domain,
                                FxFormat z, FxFormat out) {
  auto limited = [&](double x) {
    return std::clamp(std::ldexp(function(x), out.frac),
                      static_cast<double>(out.minCode()),
                      static_cast<double>(out.maxCode()));
  };
  auto error = [&](double edge, double reach) {
    return std::fabs(numerics::roundHalfAway(limited(edge)) - limited(reach));
  };
  const double low = numerics::toValue(z.minCode(), z);
  const double high = numerics::toValue(z.maxCode(), z);
  return std::max(domain.min < low ? error(low, domain.min) : 0.0,
                  domain.max > high ? error(high, domain.max) : 0.0);
}

int rnn::tableInputFrac(const Activation &function, Range domain,
                        FxFormat out) {
  // Outside its points a function is constant: no code need tell inputs there
  // apart.
  if (function.samples) {
    const double first = std::max(domain.min, function.samples->front().x);
    const double last = std::min(domain.max, function.samples->back().x);
    // The upper end itself needs no code.
    return numerics::largestFrac(-std::max(std::fabs(first), std::fabs(last)),
                                 0.0, tableBits);
  }
  if (numerics::isBoundedByOne(function)) {
    // A wider range costs resolution near 0, so no wider than it takes.
    int frac = boundedTableFrac;
    while (frac > minFrac &&
           errorOfSaturation(function, domain, {tableBits, frac}, out) > 1.0)
      --frac;
    return frac;
  }
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

int ValueFormats::widthOf(Value value, StringRef key, int standard) {
  if (std::optional<int64_t> bits = getValueInteger(value, "bits"))
    return static_cast<int>(*bits);
  return static_cast<int>(
      getOverrideInteger(value.getDefiningOp(), "", key).value_or(standard));
}

void ValueFormats::add(Value value, int bits, Range range, Fit fit) {
  Key key = getKey(value);
  Value root = getRoot(value);
  Member member{bits, range, fit, std::nullopt};
  if (auto given = getValueInterval(root, "range")) {
    member.range = {given->first, given->second};
    member.fit = Fit::HalfOpen;
  } else if (fit == Fit::Unit && getValueOverride(root, "range-method")) {
    // Who asks for a method wants its answer, also where 1 bounds the value.
    if (std::optional<Range> seen = recorded(root)) {
      member.range = *seen;
      member.fit = Fit::Closed;
    }
  }
  if (auto frac = getValueInteger(root, "frac"))
    member.frac = static_cast<int>(*frac);
  classes.insert(key);
  members.insert({key, member});
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
  add(op.getYC(), widthOf(op.getYC(), "cell-bits", options.cellBits), c,
      cell ? Fit::Closed : Fit::HalfOpen);
  c = getRange(op.getYC());
  assumed |= !cell && !getValueOverride(op.getYC(), "range");
  const int bits = widthOf(op.getY(), "act-bits", options.actBits);

  if (numerics::isBoundedByOne(gate) && numerics::isBoundedByOne(output)) {
    add(op.getY(), bits, {-1.0, 1.0}, Fit::Unit);
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
  add(op.getY(), bits, *h);
}

LogicalResult ValueFormats::analyse(LinearOp op) {
  Activation function =
      op.getActivation() ? rnn::getActivation(op) : Activation();
  const int bits = widthOf(op.getY(), "act-bits", options.actBits);
  if (numerics::isBoundedByOne(function)) {
    add(op.getY(), bits, {-1.0, 1.0}, Fit::Unit);
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
  add(op.getY(), bits, *range);
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
  members.insert({joined, {0, all, Fit::Passive, std::nullopt}});
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
    int bits = options.inputBits;
    if (auto given = getValueInteger(root, "bits"))
      bits = static_cast<int>(*given);
    else if (auto asked = inputWidths.find(key); asked != inputWidths.end())
      bits = asked->second.first;
    if (auto constant = root.getDefiningOp<WeightOp>()) {
      FailureOr<FloatData> data = getFloatData(constant);
      if (failed(data))
        return failure();
      auto [least, most] =
          std::minmax_element(data->get().begin(), data->get().end());
      range = Range{*least, *most};
    }
    assumed |= !range && !getValueOverride(root, "range");
    add(operand, bits,
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
        Activation function = rnn::getActivation(act);
        std::optional<Range> range = recorded(act.getY());
        const int bits = widthOf(act.getY(), "act-bits", options.actBits);
        if (numerics::isBoundedByOne(function))
          add(act.getY(), bits, {-1.0, 1.0}, Fit::Unit);
        else
          add(act.getY(), bits,
              range ? *range : imageOf(function, getRange(act.getX())));
        return success();
      })
      .Case([&](AddOp sum) {
        Range a = getRange(sum.getLhs()), b = getRange(sum.getRhs());
        add(sum.getY(), widthOf(sum.getY(), "act-bits", options.actBits),
            recorded(sum.getY()).value_or(Range{a.min + b.min, a.max + b.max}));
        return success();
      })
      .Case([&](ConcatOp concat) {
        analyse(concat);
        return success();
      })
      .Default([](Operation *) { return success(); });
}

/// How messages call a value: "'lstm1'", "the cell of 'lstm1'", "input 0".
static std::string nameOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return "input " + std::to_string(argument.getArgNumber());
  auto lstm = value.getDefiningOp<LSTMOp>();
  return (lstm && value == lstm.getYC() ? "the cell of '" : "'") +
         getNodeName(value.getDefiningOp()) + "'";
}

LogicalResult ValueFormats::readInputWidths(Block &block) {
  for (Operation &op : block) {
    auto bits = getOverrideInteger(&op, "", "input-bits");
    if (!bits)
      continue;
    Value x = op.getOperand(0), root = getRoot(x);
    Operation *producer = root.getDefiningOp();
    if (producer && !isa<WeightOp>(producer))
      return emitNodeError(&op)
             << "input-bits is given, but the layer reads the result of '"
             << getNodeName(producer)
             << "'; give act-bits for that layer instead";
    auto [entry, added] = inputWidths.try_emplace(
        getKey(x), std::pair(static_cast<int>(*bits), &op));
    if (!added && entry->second.first != *bits)
      return emitNodeError(&op)
             << "input-bits is " << *bits << ", but '"
             << getNodeName(entry->second.second)
             << "' reads the same input and asks for " << entry->second.first
             << "; give one width for both";
  }
  return success();
}

LogicalResult ValueFormats::analyse(Block &block) {
  for (RangeOp range : block.getOps<RangeOp>())
    ranges[range.getX()] = {range.getMin().convertToDouble(),
                            range.getMax().convertToDouble()};
  if (failed(readInputWidths(block)))
    return failure();
  for (Operation &op : block)
    if (failed(analyseOperands(op)) || failed(analyse(op)))
      return failure();
  return settleFormats();
}

/// "1e+30": short, whatever the size.
static std::string shown(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

/// A class is as wide as its widest member and has as many integer bits as any
/// of them needs, or the fraction that is given for one of them.
LogicalResult ValueFormats::settleFormats() {
  llvm::DenseMap<Key, int> integerBits;
  llvm::DenseMap<Key, std::pair<int, Value>> given;
  for (const auto &[key, member] : members) {
    if (member.fit == Fit::Passive)
      continue;
    int frac = member.bits - 1;
    if (member.fit == Fit::HalfOpen)
      frac = numerics::largestFrac(
          -std::max(-member.range.min, member.range.max), 0.0, member.bits);
    else if (member.fit == Fit::Closed)
      frac = numerics::largestFrac(member.range.min, member.range.max,
                                   member.bits);
    const double reach = member.range.magnitude();
    const double most = std::ldexp(1.0, member.bits - 1 - minFrac);
    if (member.fit != Fit::Unit && !member.frac && std::isfinite(reach) &&
        reach > most) {
      Value value = Value::getFromOpaquePointer(key.first);
      return mlir::emitError(value.getLoc())
             << "the range of " << nameOf(value) << " is "
             << llvm::formatv("{0}..{1}", shown(member.range.min),
                              shown(member.range.max))
                    .str()
             << ", but no format of " << member.bits << " bits goes beyond +-"
             << shown(most) << "; give a smaller range, or scale the model";
    }
    Key leader = classes.getLeaderValue(key);
    auto [format, newClass] =
        formats.insert({leader, FxFormat{member.bits, 0}});
    format->second.bits = std::max(format->second.bits, member.bits);
    auto [integer, newInteger] =
        integerBits.insert({leader, member.bits - frac});
    integer->second = std::max(integer->second, member.bits - frac);
    if (!member.frac)
      continue;
    Value value = Value::getFromOpaquePointer(key.first);
    auto [first, only] = given.insert({leader, {*member.frac, value}});
    if (!only && first->second.first != *member.frac)
      return mlir::emitError(value.getLoc())
             << "frac " << *member.frac << " is given for " << nameOf(value)
             << " and frac " << first->second.first << " for "
             << nameOf(first->second.second)
             << ", but the two are joined and have one format; give one "
                "fraction for both";
  }
  for (auto &[leader, format] : formats) {
    format.frac = format.bits - integerBits.lookup(leader);
    if (auto found = given.find(leader); found != given.end())
      format.frac = found->second.first;
  }
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

FxFormat ValueFormats::gateFormat(LSTMOp op, const Activation &function,
                                  int inFrac) const {
  int bits = static_cast<int>(
      getOverrideInteger(op, "", "gate-bits").value_or(options.gateBits));
  if (numerics::isBoundedByOne(function))
    return {bits, bits - 1};
  FxFormat z{tableBits, inFrac};
  Range image = imageOf(function, {numerics::toValue(z.minCode(), z),
                                   numerics::toValue(z.maxCode(), z)});
  return {bits, numerics::largestFrac(image.min, image.max, bits)};
}

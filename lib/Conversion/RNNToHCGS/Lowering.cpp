// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formats, streams and time loops.

#include "Lowering.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

Lowering::Key Lowering::getKey(Value value) const {
  value = getCore(value);
  if (auto unstack = value.getDefiningOp<rnn::UnstackOp>()) {
    Value source = getCore(unstack.getSource());
    if (auto stack = source.getDefiningOp<rnn::StackOp>())
      return getKey(stack.getIns()[unstack.getIndex()]);
    return {source, unstack.getIndex()};
  }
  // A state handed over whole: [1, batch, unit].
  if (auto stack = value.getDefiningOp<rnn::StackOp>())
    if (stack.getIns().size() == 1)
      return getKey(stack.getIns()[0]);
  return {value, 0};
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

LogicalResult Lowering::setFormat(Operation *layer, Key key,
                                  fx::IntType format) {
  if (auto last = key.first.getDefiningOp<rnn::LastStepOp>())
    return setFormat(layer, getKey(last.getX()), format);
  SmallVector<fx::IntType, 1> &known = formats[getId(key)];
  if (llvm::is_contained(known, format))
    return success();
  if (!known.empty() && !isa<BlockArgument>(key.first))
    return nodeError(layer) << "has a value in the format " << format
                            << " that another layer has in " << known.front()
                            << "; a value has one format, quantise again";
  known.push_back(format);
  return success();
}

FailureOr<fx::IntType> Lowering::getFormat(Key key) {
  if (auto last = key.first.getDefiningOp<rnn::LastStepOp>())
    return getFormat(getKey(last.getX()));
  auto it = formats.find(getId(key));
  if (it != formats.end())
    return it->second.front();
  return emitError(func.getLoc(),
                   "a value that is returned has no format; quantise the "
                   "model first (rnn-quantize)");
}

FailureOr<flow::VecType> Lowering::getVecType(Value value) {
  FailureOr<fx::IntType> format = getFormat(getKey(value));
  if (failed(format))
    return failure();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return flow::VecType::get(shape.back(), *format);
}

/// The format in which a layer reads its operand `index`.
static fx::IntType getOperandFormat(Operation *op, unsigned index) {
  if (auto lstm = dyn_cast<rnn::LSTMOp>(op))
    return lstm.getFormatsAttr().getX();
  if (auto linear = dyn_cast<rnn::LinearOp>(op))
    return linear.getFormatsAttr().getX();
  return op->getAttrOfType<rnn::PointwiseFormatsAttr>("formats")
      .getIns()[index];
}

LogicalResult Lowering::collectFormats() {
  for (Operation &op : func.getBody().front()) {
    SmallVector<std::pair<Value, fx::IntType>> known;
    bool quantised = true;
    if (auto lstm = dyn_cast<rnn::LSTMOp>(op)) {
      rnn::LSTMFormatsAttr f = lstm.getFormatsAttr();
      quantised = static_cast<bool>(f);
      if (f) {
        known = {{lstm.getX(), f.getX()},
                 {lstm.getY(), f.getH()},
                 {lstm.getYH(), f.getH()},
                 {lstm.getYC(), f.getC()}};
        for (auto [state, format] : {std::pair(lstm.getInitialH(), f.getH()),
                                     std::pair(lstm.getInitialC(), f.getC())})
          if (state && !state.getDefiningOp<rnn::WeightOp>())
            known.emplace_back(state, format);
      }
    } else if (auto linear = dyn_cast<rnn::LinearOp>(op)) {
      rnn::LinearFormatsAttr f = linear.getFormatsAttr();
      quantised = static_cast<bool>(f);
      if (f)
        known = {{linear.getX(), f.getX()}, {linear.getY(), f.getY()}};
    } else if (isa<rnn::ActOp, rnn::AddOp, rnn::ConcatOp>(op)) {
      auto f = op.getAttrOfType<rnn::PointwiseFormatsAttr>("formats");
      quantised = static_cast<bool>(f);
      if (f) {
        if (f.getIns().size() != op.getNumOperands())
          return nodeError(&op) << "has formats for " << f.getIns().size()
                                << " inputs, but " << op.getNumOperands();
        for (auto [in, format] : llvm::zip(op.getOperands(), f.getIns()))
          known.emplace_back(in, format);
        known.emplace_back(op.getResult(0), f.getY());
      }
      if (f && isa<rnn::ConcatOp>(op))
        for (fx::IntType in : f.getIns())
          if (in != f.getY())
            return nodeError(&op)
                   << "joins values of the formats " << in << " and "
                   << f.getY() << "; joined values have one format";
    }
    if (!quantised)
      return nodeError(&op)
             << "has no formats; quantise the model first (rnn-quantize)";
    for (auto [value, format] : known)
      if (failed(setFormat(&op, getKey(value), format)))
        return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Boundary
//===----------------------------------------------------------------------===//

void Lowering::declareInputs() {
  for (Port &port : ports.inputs) {
    SmallVector<flow::PartAttr> parts;
    int64_t size = 0, count = 1; // an input that is read has a feature axis
    for (flow::AxisAttr axis : port.axes) {
      if (axis.getKind() == flow::AxisKind::Feature)
        size = axis.getSize();
      if (axis.getKind() == flow::AxisKind::Layer)
        count = axis.getSize();
    }
    auto addParts = [&](Key key, flow::StreamKind kind, StringRef name,
                        int64_t index) {
      for (fx::IntType format : formats[getId(key)]) {
        flow::StreamOp stream = declarations.addStream(
            func.getLoc(), name, kind, flow::StreamDirection::In,
            flow::VecType::get(size, format));
        inputs[getId(key)].push_back(stream);
        parts.push_back(flow::PartAttr::get(
            func.getContext(), FlatSymbolRefAttr::get(stream), index));
      }
    };

    if (port.form == Form::Stack) {
      // A stream for each state that some layer reads.
      bool layered = port.hasAxis(flow::AxisKind::Layer);
      for (int64_t i = 0; i < count; ++i)
        addParts({port.value, i}, flow::StreamKind::Sequence,
                 count > 1 ? port.name.str() + "." + std::to_string(i)
                           : port.name.str(),
                 layered ? i : -1);
    } else if (port.form) {
      addParts({port.value, 0},
               port.form == Form::Sequence ? flow::StreamKind::Step
                                           : flow::StreamKind::Sequence,
               port.name, -1);
    }
    declarations.addIO(func.getLoc(), flow::IODirection::Input, port, parts);
  }
}

void Lowering::getLeaves(Value value, SmallVectorImpl<Value> &leaves) {
  const PassPlan::Place *place = plan.find(value);
  if (!place || !place->joined) {
    leaves.push_back(value);
    return;
  }
  for (Value part : getSequenceOperands(value.getDefiningOp()))
    getLeaves(part, leaves);
}

void Lowering::writeTo(flow::StreamOp stream, Value value) {
  SmallVector<Value> leaves;
  getLeaves(value, leaves);
  int64_t at = 0;
  for (Value leaf : leaves) {
    const PassPlan::Place *place = plan.find(leaf);
    unsigned pass = place ? place->pass : 0;
    if (loopWrites.size() <= pass)
      loopWrites.resize(pass + 1);
    loopWrites[pass].push_back({stream, at, leaf});
    at += cast<RankedTensorType>(leaf.getType()).getShape().back();
  }
}

LogicalResult Lowering::makeReadable(Value value) {
  flow::StreamOp &stream = readable[value.getAsOpaquePointer()];
  if (stream)
    return success(); // an output holds it
  FailureOr<flow::VecType> frame = getVecType(value);
  if (failed(frame))
    return failure();
  Operation *layer = value.getDefiningOp();
  stream =
      declarations.addStream(layer->getLoc(), "scratch", flow::StreamKind::Step,
                             flow::StreamDirection::Scratch, *frame);
  writeTo(stream, value);
  return success();
}

LogicalResult Lowering::declareOutputs() {
  for (Port &port : ports.outputs) {
    SmallVector<flow::PartAttr> parts;
    Operation *layer = port.value.getDefiningOp();
    // The parts of the tensor, and whether they are slices of an axis.
    SmallVector<Value> slices{port.value};
    bool step = port.form == Form::Sequence || port.form == Form::Split;
    if (port.form == Form::Split) {
      int64_t directions = 1;
      for (flow::AxisAttr axis : port.axes)
        if (axis.getKind() == flow::AxisKind::Direction)
          directions = axis.getSize();
      if (directions > 1) {
        auto concat = dyn_cast<rnn::ConcatOp>(layer);
        if (!concat ||
            static_cast<int64_t>(concat.getIns().size()) != directions)
          return nodeError(layer)
                 << "output '" << port.name << "' splits a value into "
                 << directions
                 << " directions that were not joined from as many layers";
        slices = getSequenceOperands(concat);
      }
    } else if (auto stack = dyn_cast<rnn::StackOp>(layer)) {
      slices.assign(stack.getIns().begin(), stack.getIns().end());
    }

    bool sliced = port.hasAxis(flow::AxisKind::Layer) ||
                  port.hasAxis(flow::AxisKind::Direction);
    if (!sliced && slices.size() > 1)
      return nodeError(layer) << "output '" << port.name << "' has lost the "
                              << "axis of its " << slices.size() << " parts";
    for (auto [i, slice] : llvm::enumerate(slices)) {
      if (isa<BlockArgument>(getKey(slice).first))
        return nodeError(layer) << "part " << i << " of output '" << port.name
                                << "' is an input as it is; remove the output";
      FailureOr<flow::VecType> frame = getVecType(slice);
      if (failed(frame))
        return failure();
      std::string name = port.name.str();
      if (slices.size() > 1)
        name += "." + std::to_string(i);
      flow::StreamOp stream = declarations.addStream(
          layer->getLoc(), name,
          step ? flow::StreamKind::Step : flow::StreamKind::Sequence,
          flow::StreamDirection::Out, *frame);
      parts.push_back(flow::PartAttr::get(
          func.getContext(), FlatSymbolRefAttr::get(stream), sliced ? i : -1));
      if (step) {
        readable.try_emplace(slice.getAsOpaquePointer(), stream);
        writeTo(stream, slice);
      } else {
        finalWrites.push_back({stream, 0, slice});
      }
    }
    declarations.addIO(layer->getLoc(), flow::IODirection::Output, port, parts);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Time loops
//===----------------------------------------------------------------------===//

FailureOr<Value> Lowering::getInitialState(rnn::LSTMOp lstm, Value state,
                                           fx::IntType format) {
  int64_t size = lstm.getHiddenSize();
  auto type = flow::VecType::get(size, format);
  if (!state)
    return flow::ConstantOp::create(builder, lstm.getLoc(), type,
                                    DenseI16ArrayAttr())
        .getResult();
  if (auto weight = state.getDefiningOp<rnn::WeightOp>()) {
    FailureOr<SmallVector<int16_t>> codes =
        roundState(lstm, weight, size, format);
    if (failed(codes))
      return failure();
    bool zero = llvm::all_of(*codes, [](int16_t code) { return code == 0; });
    return flow::ConstantOp::create(builder, lstm.getLoc(), type,
                                    zero ? DenseI16ArrayAttr()
                                         : builder.getDenseI16ArrayAttr(*codes))
        .getResult();
  }
  Key key = getKey(state);
  if (auto it = inputs.find(getId(key)); it != inputs.end())
    for (flow::StreamOp stream : it->second)
      if (stream.getFrameType().getElement() == format)
        return readFrame(lstm.getLoc(), stream, flow::Frames::Forward);
  return nodeError(lstm) << "has an initial state that is neither a constant "
                            "nor an input of the model";
}

Value Lowering::readFrame(Location loc, flow::StreamOp stream,
                          flow::Frames which) {
  return flow::ReadOp::create(builder, loc, stream.getFrameType(),
                              FlatSymbolRefAttr::get(stream), frames(which));
}

FailureOr<flow::StreamOp> Lowering::getReadable(Value value,
                                                fx::IntType format) {
  if (auto it = readable.find(value.getAsOpaquePointer()); it != readable.end())
    return it->second;
  if (auto it = inputs.find(getId({value, 0})); it != inputs.end())
    for (flow::StreamOp stream : it->second)
      if (stream.getFrameType().getElement() == format)
        return stream;
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<rnn::WeightOp>(op))
    op = *op->user_begin();
  return nodeError(op ? op : func)
         << "reads a sequence that is constant; sequences are inputs or "
            "computed by layers";
}

FailureOr<Value> Lowering::getInLoop(Value value, bool reversed,
                                     fx::IntType format) {
  if (auto it = inLoop.find({value.getAsOpaquePointer(), reversed});
      it != inLoop.end())
    return it->second;
  FailureOr<flow::StreamOp> stream = getReadable(value, format);
  if (failed(stream))
    return failure();
  Value &known = inLoop[{stream->getOperation(), reversed}];
  if (!known)
    known =
        readFrame(stream->getLoc(), *stream,
                  reversed ? flow::Frames::Reversed : flow::Frames::Forward);
  return known;
}

LogicalResult Lowering::lowerPass(unsigned pass) {
  ArrayRef<Operation *> layers = plan.getLayers(pass);
  SmallVector<Value> initial;
  for (Operation *op : layers) {
    auto lstm = dyn_cast<rnn::LSTMOp>(op);
    if (!lstm)
      continue;
    rnn::LSTMFormatsAttr f = lstm.getFormatsAttr();
    FailureOr<Value> h = getInitialState(lstm, lstm.getInitialH(), f.getH());
    if (failed(h))
      return failure();
    FailureOr<Value> c = getInitialState(lstm, lstm.getInitialC(), f.getC());
    if (failed(c))
      return failure();
    initial.append({*h, *c});
  }

  auto loop = flow::SequenceOp::create(builder, func.getLoc(),
                                       TypeRange(ValueRange(initial)), initial);
  Block &body = loop.getBody().emplaceBlock();
  for (Value state : initial)
    body.addArgument(state.getType(), state.getLoc());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&body);
  inLoop.clear();

  SmallVector<Value> next;
  for (Operation *op : layers) {
    bool reversed = plan.find(op->getResult(0))->reversed;
    SmallVector<Value> inputs;
    for (auto [i, operand] : llvm::enumerate(getSequenceOperands(op))) {
      FailureOr<Value> input =
          getInLoop(operand, reversed, getOperandFormat(op, i));
      if (failed(input))
        return failure();
      inputs.push_back(*input);
    }
    Value result;
    if (auto lstm = dyn_cast<rnn::LSTMOp>(op)) {
      unsigned state = next.size();
      next.resize(state + 2);
      if (failed(lowerLSTM(lstm, inputs[0], body.getArgument(state),
                           body.getArgument(state + 1), next[state],
                           next[state + 1])))
        return failure();
      finals[lstm.getYH()] = loop.getResult(state);
      finals[lstm.getYC()] = loop.getResult(state + 1);
      result = next[state];
    } else {
      FailureOr<Value> value = lowerLayer(op, inputs);
      if (failed(value))
        return failure();
      result = *value;
    }
    inLoop[{op->getResult(0).getAsOpaquePointer(), reversed}] = result;
  }

  if (pass < loopWrites.size())
    for (Write &write : loopWrites[pass]) {
      const PassPlan::Place *place = plan.find(write.value);
      bool reversed = place && place->reversed;
      FailureOr<Value> value = getInLoop(
          write.value, reversed, write.stream.getFrameType().getElement());
      if (failed(value))
        return failure();
      flow::WriteOp::create(builder, write.stream.getLoc(), *value,
                            FlatSymbolRefAttr::get(write.stream), i64(write.at),
                            frames(reversed));
    }
  flow::YieldOp::create(builder, func.getLoc(), next);
  return success();
}

//===----------------------------------------------------------------------===//
// Once a run
//===----------------------------------------------------------------------===//

FailureOr<Value> Lowering::getVector(Value value, fx::IntType format) {
  Key key = getKey(value);
  if (auto it = finals.find(key.first); it != finals.end())
    return it->second;
  auto last = key.first.getDefiningOp<rnn::LastStepOp>();
  if (last || isa<BlockArgument>(key.first)) {
    // Read once for each stream, that is for each format of an input.
    flow::StreamOp stream;
    if (last) {
      FailureOr<flow::StreamOp> sequence =
          getReadable(getCore(last.getX()), format);
      if (failed(sequence))
        return failure();
      stream = *sequence;
    } else {
      for (flow::StreamOp candidate : inputs[getId(key)])
        if (candidate.getFrameType().getElement() == format)
          stream = candidate;
    }
    Value &known = reads[stream];
    if (!known)
      known = readFrame(last ? last.getLoc() : stream.getLoc(), stream,
                        last ? flow::Frames::Last : flow::Frames::Forward);
    return known;
  }
  if (Value known = vectors.lookup(key.first))
    return known;

  Operation *op = key.first.getDefiningOp();
  if (!isa<rnn::LinearOp, rnn::ActOp, rnn::AddOp, rnn::ConcatOp>(op))
    return nodeError(op) << "a per-sequence value is neither a state, an "
                            "input nor computed by a layer";
  SmallVector<Value> operands;
  unsigned count = isa<rnn::LinearOp>(op) ? 1 : op->getNumOperands();
  for (auto [i, operand] :
       llvm::enumerate(op->getOperands().take_front(count))) {
    FailureOr<Value> input = getVector(operand, getOperandFormat(op, i));
    if (failed(input))
      return failure();
    operands.push_back(*input);
  }
  FailureOr<Value> computed = lowerLayer(op, operands);
  if (failed(computed))
    return failure();
  return vectors[key.first] = *computed;
}

LogicalResult Lowering::run() {
  if (failed(collectFormats()))
    return failure();
  declareInputs();
  if (failed(declareOutputs()))
    return failure();
  for (Value value : plan.getStreamed())
    if (failed(makeReadable(value)))
      return failure();

  builder.setInsertionPointToEnd(&program.getBody().front());
  for (unsigned pass = 0; pass < plan.getNumPasses(); ++pass)
    if (failed(lowerPass(pass)))
      return failure();
  for (Write &write : finalWrites) {
    FailureOr<Value> value =
        getVector(write.value, write.stream.getFrameType().getElement());
    if (failed(value))
      return failure();
    flow::WriteOp::create(builder, write.stream.getLoc(), *value,
                          FlatSymbolRefAttr::get(write.stream), i64(write.at),
                          frames(flow::Frames::Forward));
  }
  return success();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The network in the words of docs/Spec/Layers.md.

#include "Network.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

int64_t Network::addValue(const Twine &name, int64_t width, unsigned bits,
                          int64_t fraction, bool isSequence, Attribute codes) {
  SmallVector<Json::Member> members = {
      {"name", json.text(name.str())},
      {"width", json.number(width)},
      {"bits", json.number(bits)},
      {"frac", json.number(fraction)},
      {"kind", json.text(isSequence ? "sequence" : "vector")}};
  if (codes)
    members.push_back({"codes", codes});
  values.push_back(json.object(members));
  return values.size() - 1;
}

int64_t Network::addValue(const Twine &name, VecType type, bool isSequence) {
  return addValue(name, type.getSize(), type.getBits(), type.getFraction(),
                  isSequence);
}

int64_t Network::valueOf(Value value) {
  auto it = valueNumbers.find(value);
  if (it != valueNumbers.end())
    return it->second;
  // Constants become values where they are used.
  if (auto constant = value.getDefiningOp<ConstantOp>()) {
    VecType type = constant.getResult().getType();
    SmallVector<int64_t> codes(type.getSize(), 0);
    if (constant.getCodes())
      codes.assign(constant.getCodes()->begin(), constant.getCodes()->end());
    int64_t number = addValue("constant" + Twine(values.size()), type.getSize(),
                              type.getBits(), type.getFraction(), false,
                              json.numbers(codes));
    valueNumbers[value] = number;
    return number;
  }
  return -1;
}

FailureOr<int64_t> Network::valueOfStream(StringRef name, Operation *user) {
  int64_t value = streamValues[layout.streamNumber(name)];
  if (value < 0)
    return user->emitOpError("reads the stream '")
           << name << "', of which not all elements are written before";
  return value;
}

int Network::stateNumber(SequenceOp sequence, Value value) {
  if (!sequence)
    return -1;
  for (auto [number, state] : llvm::enumerate(sequence.getYield().getStates()))
    if (state == value)
      return number;
  return -1;
}

//===----------------------------------------------------------------------===//
// Reads and writes
//===----------------------------------------------------------------------===//

LogicalResult Network::addRead(ReadOp read) {
  unsigned number = layout.streamNumber(read.getStream());
  StreamOp stream = (layout.streams.begin() + number)->second;
  if (stream.getDirection() == StreamDirection::In && streamValues[number] < 0)
    streamValues[number] = addValue(stream.getSymName(), stream.getFrameType(),
                                    stream.getKind() == StreamKind::Step);
  FailureOr<int64_t> value = valueOfStream(read.getStream(), read);
  if (failed(value))
    return failure();
  if (read.getFrames() == Frames::Last) {
    int64_t last = addValue(stream.getSymName() + ".last",
                            read.getResult().getType(), false);
    addLayer("last", stream.getSymName(),
             {{"input", json.number(*value)}, {"output", json.number(last)}});
    value = last;
  }
  valueNumbers[read.getResult()] = *value;
  return success();
}

LogicalResult Network::addWrite(WriteOp write) {
  auto direction = directions.find(write.getValue());
  if (direction != directions.end() &&
      direction->second.first != write.getFrames()) {
    InFlightDiagnostic diag = write.emitOpError("writes '")
                              << stringifyFrames(write.getFrames())
                              << "' what was made from frames read '"
                              << stringifyFrames(direction->second.first)
                              << "'";
    diag.attachNote(direction->second.second->getLoc()) << "they are read here";
    return diag;
  }
  unsigned number = layout.streamNumber(write.getStream());
  StreamOp stream = (layout.streams.begin() + number)->second;
  auto &parts = written[number];
  parts[write.getAt()] = write;
  int64_t end = 0;
  for (auto &[at, part] : parts) {
    if (at != end)
      return success(); // the rest comes later
    end += part.getValue().getType().getSize();
  }
  if (end != stream.getFrameType().getSize())
    return success();
  SmallVector<int64_t> inputs;
  for (auto &[at, part] : parts) {
    inputs.push_back(valueOf(part.getValue()));
    if (inputs.back() < 0)
      return part.emitOpError("writes a value that is not the result of a "
                              "layer");
  }
  if (inputs.size() == 1) {
    streamValues[number] = inputs.front();
    return success();
  }
  int64_t joined = addValue(stream.getSymName(), stream.getFrameType(),
                            stream.getKind() == StreamKind::Step);
  addLayer("concat", stream.getSymName(),
           {{"inputs", json.numbers(inputs)}, {"output", json.number(joined)}});
  streamValues[number] = joined;
  return success();
}

/// Results of a loop inherit the order of the frames they are made from.
LogicalResult Network::noteDirection(Operation *op) {
  if (!llvm::isa<SequenceOp>(op->getParentOp()) || op->getNumResults() != 1)
    return success();
  if (auto read = dyn_cast<ReadOp>(op)) {
    directions[read.getResult()] = {read.getFrames(), op};
    return success();
  }
  Value result = op->getResult(0);
  for (Value operand : op->getOperands()) {
    auto from = directions.find(operand);
    if (from == directions.end())
      continue;
    auto known = directions.find(result);
    if (known == directions.end()) {
      auto copy = from->second;
      directions[result] = copy;
    } else if (known->second.first != from->second.first) {
      InFlightDiagnostic diag =
          op->emitOpError("mixes frames read forward and reversed");
      diag.attachNote(known->second.second->getLoc()) << "read here";
      diag.attachNote(from->second.second->getLoc()) << "and here";
      return diag;
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

void Network::addLayer(StringRef op, StringRef name,
                       SmallVector<Json::Member> members) {
  members.push_back({"op", json.text(op)});
  members.push_back({"name", json.text(name)});
  layerList.push_back(json.object(members));
}

FailureOr<Attribute> Network::resultRule(Operation *op) {
  if (auto requant = dyn_cast<RequantOp>(op))
    return Attribute(json.object(
        {{"kind", json.text("requant")},
         {"shift", json.number(requant.getShift())},
         {"bits", json.number(requant.getResult().getType().getBits())}}));
  auto act = dyn_cast<ActOp>(op);
  if (!act)
    return op->emitOpError("cannot be the result of a layer");
  return Attribute(json.object(
      {{"kind", json.text("act")},
       {"shift", json.number(act.getShift())},
       {"table", json.number(layout.tableNumber(act.getTable()))}}));
}

Attribute Network::matrixRule(MvmOp mvm) {
  return json.object(
      {{"desc", json.number(layout.matrixNumber(mvm.getMatrix()))},
       {"shifts", json.numbers(mvm.getShifts())}});
}

/// -1: zero codes.
FailureOr<int64_t> Network::initialState(LayerOps &layer, Value state) {
  Value initial =
      layer.sequence.getInitial()[stateNumber(layer.sequence, state)];
  if (auto constant = initial.getDefiningOp<ConstantOp>())
    if (!constant.getCodes())
      return int64_t(-1);
  int64_t value = valueOf(initial);
  if (value < 0)
    return layer.sequence.emitOpError(
        "starts with a value that is not the result of a layer");
  return value;
}

int64_t Network::finalState(LayerOps &layer, Value state, StringRef name) {
  Value result = layer.sequence.getFinal()[stateNumber(layer.sequence, state)];
  if (result.use_empty())
    return -1;
  int64_t value = addValue(layer.layer.getNode() + "." + name,
                           cast<VecType>(result.getType()), false);
  valueNumbers[result] = value;
  return value;
}

/// The operation of a layer that makes a value, if it is of this kind.
template <typename OpT>
static OpT definedBy(Value value, FlatSymbolRefAttr layer) {
  auto op = value ? value.getDefiningOp<OpT>() : OpT();
  return op && op.getLayerAttr() == layer ? op : OpT();
}

LogicalResult Network::addLstm(LayerOps &layer) {
  auto name = FlatSymbolRefAttr::get(layer.layer.getSymNameAttr());
  auto wrong = [&](Operation *op, const Twine &what) {
    InFlightDiagnostic diag = op->emitOpError() << "in an lstm layer, " << what;
    diag.attachNote(layer.layer.getLoc()) << "the layer is here";
    return diag;
  };
  // Walk from h back to the operands: h = rq(o * q), q = act(s),
  // s = f*c + i*g, c = rq(s).
  RequantOp h, c;
  for (Operation *op : layer.ops)
    if (auto requant = dyn_cast<RequantOp>(op)) {
      auto sum = requant.getAcc().getDefiningOp<VmacOp>();
      if (!sum)
        return wrong(op, "a requantised value is not a sum of products");
      (sum.getAcc() ? c : h) = requant;
    }
  if (!h || !c)
    return wrong(layer.ops.front(), "there is no h or no c");
  int hState = stateNumber(layer.sequence, h.getResult());
  int cState = stateNumber(layer.sequence, c.getResult());
  if (hState < 0 || cState < 0)
    return wrong(h, "h and c are not states");
  Value oldC = layer.sequence.getBody().getArgument(cState);
  Value oldH = layer.sequence.getBody().getArgument(hState);

  VmacOp m = definedBy<VmacOp>(h.getAcc(), name);
  VmacOp second = definedBy<VmacOp>(c.getAcc(), name);
  VmacOp first = second ? definedBy<VmacOp>(second.getAcc(), name) : VmacOp();
  if (!m || !second || !first || first.getAcc())
    return wrong(c, "c is not the sum of two products");
  bool forgetFirst = first.getA() == oldC || first.getB() == oldC;
  VmacOp fc = forgetFirst ? first : second, ig = forgetFirst ? second : first;
  Value fValue = fc.getB() == oldC ? fc.getA() : fc.getB();
  if (fc.getA() != oldC && fc.getB() != oldC)
    return wrong(fc, "no product has the old c");
  ActOp f = definedBy<ActOp>(fValue, name);
  ActOp i = definedBy<ActOp>(ig.getA(), name);
  ActOp g = definedBy<ActOp>(ig.getB(), name);
  ActOp o = definedBy<ActOp>(m.getA(), name);
  ActOp q = definedBy<ActOp>(m.getB(), name);
  if (q && q.getAcc() != c.getAcc())
    std::swap(o, q);
  if (i && i.getGate() != 0)
    std::swap(i, g);
  if (!f || !i || !g || !o || !q || q.getAcc() != c.getAcc())
    return wrong(m, "the products are not those of gates");
  ActOp gates[4] = {i, o, f, g};
  MvmOp products[2];
  products[1] = definedBy<MvmOp>(i.getAcc(), name);
  products[0] =
      products[1] ? definedBy<MvmOp>(products[1].getAcc(), name) : MvmOp();
  if (!products[0] || products[0].getAcc())
    return wrong(i, "the gates are not those of two matrix products");
  if (products[0].getInput() == oldH)
    std::swap(products[0], products[1]);
  MvmOp w = products[0], r = products[1];
  if (r.getInput() != oldH)
    return wrong(r, "no matrix product has the old h");
  for (auto [gate, act] : llvm::enumerate(gates))
    if (act.getAcc() != i.getAcc() || act.getGate() != gate)
      return wrong(act, "gates are mixed up");
  size_t expected = 2 + 4 + 2 + 1 + 1 + 1 + 1;
  if (layer.ops.size() != expected)
    return wrong(layer.ops.back(), "there are " + Twine(layer.ops.size()) +
                                       " operations, expected " +
                                       Twine(expected));

  int64_t input = valueOf(w.getInput());
  if (input < 0)
    return wrong(w, "the input is not the result of a layer");
  FailureOr<int64_t> initialH = initialState(layer, h.getResult());
  FailureOr<int64_t> initialC = initialState(layer, c.getResult());
  if (failed(initialH) || failed(initialC))
    return failure();
  StringRef node = layer.layer.getNode();
  int64_t output = addValue(node + ".h", h.getResult().getType(), true);
  valueNumbers[h.getResult()] = output;
  auto direction = directions.find(w.getInput());
  bool reverse = direction != directions.end() &&
                 direction->second.first == Frames::Reversed;

  SmallVector<Attribute> gateRules;
  for (ActOp act : gates)
    gateRules.push_back(json.object(
        {{"shift", json.number(act.getShift())},
         {"table", json.number(layout.tableNumber(act.getTable()))}}));
  Attribute cell =
      json.object({{"fc_lshift", json.number(fc.getShl())},
                   {"ig_lshift", json.number(ig.getShl())},
                   {"c_shift", json.number(c.getShift())},
                   {"c_bits", json.number(c.getResult().getType().getBits())},
                   {"tanh_shift", json.number(q.getShift())},
                   {"table", json.number(layout.tableNumber(q.getTable()))},
                   {"h_lshift", json.number(m.getShl())},
                   {"h_shift", json.number(h.getShift())},
                   {"h_bits", json.number(h.getResult().getType().getBits())}});
  int64_t number = layerList.size();
  int64_t finalH = finalState(layer, h.getResult(), "final_h");
  int64_t finalC = finalState(layer, c.getResult(), "final_c");
  addLayer("lstm", node,
           {{"direction", json.text(reverse ? "reverse" : "forward")},
            {"input", json.number(input)},
            {"hidden", json.number(h.getResult().getType().getSize())},
            {"output", json.number(output)},
            {"final_h", json.numberOrNull(finalH)},
            {"final_c", json.numberOrNull(finalC)},
            {"initial_h", json.numberOrNull(*initialH)},
            {"initial_c", json.numberOrNull(*initialC)},
            {"W", matrixRule(w)},
            {"R", matrixRule(r)},
            {"gates", json.list(gateRules)},
            {"cell", cell}});

  roles[w] = {number, "W"};
  roles[r] = {number, "R"};
  for (auto [gate, act] : llvm::enumerate(gates))
    roles[act] = {number, std::string("gate ") + isa::kGateLetters[gate]};
  roles[fc] = {number, "f * c"};
  roles[ig] = {number, "i * g"};
  roles[c] = {number, "c"};
  roles[q] = {number, "tanh of the cell"};
  roles[m] = {number, "o * tanh of the cell"};
  roles[h] = {number, "h"};
  matrixUses[layout.matrixNumber(w.getMatrix())] = {'W', number, w};
  matrixUses[layout.matrixNumber(r.getMatrix())] = {'R', number, r};
  return success();
}

LogicalResult Network::addLinear(LayerOps &layer) {
  auto mvm = dyn_cast<MvmOp>(layer.ops.front());
  if (!mvm || layer.ops.size() != 2 || mvm.getAcc() ||
      mvm.getResult().getType().getGates() != 1 ||
      layer.ops[1]->getOperand(0) != mvm.getResult())
    return layer.ops.front()->emitOpError(
        "in a linear layer, expected one matrix product and its result");
  FailureOr<Attribute> rule = resultRule(layer.ops[1]);
  if (failed(rule))
    return failure();
  int64_t input = valueOf(mvm.getInput());
  if (input < 0)
    return mvm.emitOpError("reads a value that is not the result of a layer");
  Value result = layer.ops[1]->getResult(0);
  StringRef node = layer.layer.getNode();
  int64_t output =
      addValue(node, cast<VecType>(result.getType()), bool(layer.sequence));
  valueNumbers[result] = output;
  int64_t number = layerList.size();
  addLayer("linear", node,
           {{"input", json.number(input)},
            {"output", json.number(output)},
            {"W", matrixRule(mvm)},
            {"result", *rule}});
  roles[mvm] = {number, "W"};
  roles[layer.ops[1]] = {number, "result"};
  matrixUses[layout.matrixNumber(mvm.getMatrix())] = {'W', number, mvm};
  return success();
}

LogicalResult Network::addPointwise(LayerOps &layer) {
  SmallVector<int64_t> inputs, shifts;
  Value sum;
  for (Operation *op : ArrayRef(layer.ops).drop_back()) {
    auto vacc = dyn_cast<VaccOp>(op);
    if (!vacc || vacc.getAcc() != sum)
      return op->emitOpError("in a pointwise layer, expected a chain of "
                             "hcgs.vacc and its result");
    sum = vacc.getResult();
    inputs.push_back(valueOf(vacc.getInput()));
    shifts.push_back(vacc.getShl());
    if (inputs.back() < 0)
      return op->emitOpError("reads a value that is not the result of a layer");
  }
  Operation *last = layer.ops.back();
  bool isAct = layer.layer.getKind() == LayerKind::Act;
  if (!sum || last->getOperand(0) != sum || (isAct && inputs.size() != 1))
    return last->emitOpError("in a pointwise layer, expected a chain of "
                             "hcgs.vacc and its result");
  FailureOr<Attribute> rule = resultRule(last);
  if (failed(rule))
    return failure();
  Value result = last->getResult(0);
  StringRef node = layer.layer.getNode();
  int64_t output =
      addValue(node, cast<VecType>(result.getType()), bool(layer.sequence));
  valueNumbers[result] = output;
  int64_t number = layerList.size();
  addLayer(isAct ? "act" : "add", node,
           {{"inputs", json.numbers(inputs)},
            {"lshifts", json.numbers(shifts)},
            {"output", json.number(output)},
            {"result", *rule}});
  for (auto [position, op] : llvm::enumerate(layer.ops))
    roles[op] = {number, op == last ? std::string("result")
                                    : "operand " + std::to_string(position)};
  return success();
}

LogicalResult Network::addConcat(LayerOps &layer) {
  auto concat = dyn_cast<ConcatOp>(layer.ops.front());
  if (!concat || layer.ops.size() != 1)
    return layer.ops.front()->emitOpError(
        "in a concat layer, expected one hcgs.concat");
  SmallVector<int64_t> inputs;
  for (Value input : concat.getInputs()) {
    inputs.push_back(valueOf(input));
    if (inputs.back() < 0)
      return concat.emitOpError(
          "reads a value that is not the result of a layer");
  }
  StringRef node = layer.layer.getNode();
  int64_t output =
      addValue(node, concat.getResult().getType(), bool(layer.sequence));
  valueNumbers[concat.getResult()] = output;
  roles[concat] = {int64_t(layerList.size()), "operand"};
  addLayer("concat", node,
           {{"inputs", json.numbers(inputs)}, {"output", json.number(output)}});
  return success();
}

LogicalResult Network::finishLayer(LayerOps &layer) {
  switch (layer.layer.getKind()) {
  case LayerKind::LSTM:
    if (!layer.sequence)
      return layer.ops.front()->emitOpError(
          "in an lstm layer, but outside time loops");
    return addLstm(layer);
  case LayerKind::Linear:
    return addLinear(layer);
  case LayerKind::Add:
  case LayerKind::Act:
    return addPointwise(layer);
  case LayerKind::Concat:
    return addConcat(layer);
  }
  llvm_unreachable("all kinds of layers are handled");
}

//===----------------------------------------------------------------------===//
// Everything
//===----------------------------------------------------------------------===//

LogicalResult Network::visit(Operation *op) {
  if (getRow(op))
    return success(); // as in row 0
  if (failed(noteDirection(op)))
    return failure();
  if (auto read = dyn_cast<ReadOp>(op))
    return addRead(read);
  if (auto write = dyn_cast<WriteOp>(op))
    return addWrite(write);
  auto name = op->getAttrOfType<FlatSymbolRefAttr>("layer");
  if (!name)
    return success();
  LayerOps &layer = layerOps[name];
  if (!layer.ops.empty() && layer.ops.back() == op)
    return finishLayer(layer);
  return success();
}

void Network::describeStreams() {
  SmallVector<Attribute> list;
  for (auto [number, entry] : llvm::enumerate(layout.streams)) {
    StreamOp stream = entry.second;
    auto original = cast<StreamOp>(batchRows.original(stream));
    unsigned first = layout.streamNumber(original.getSymName());
    SmallVector<Json::Member> members = {
        {"name", json.text(stream.getSymName())},
        {"kind", json.text(stringifyStreamKind(stream.getKind()))},
        {"direction",
         json.text(stringifyStreamDirection(stream.getDirection()))},
        {"elements", json.number(stream.getFrameType().getSize())},
        {"value", json.numberOrNull(streamValues[first])}};
    if (original != stream) {
      members.push_back({"row", json.number(getRow(stream))});
      members.push_back({"of", json.number(first)});
    }
    list.push_back(json.object(members));
  }
  if (layout.spill.any()) {
    int64_t bytes = 0;
    for (const WeightPart &part : layout.spill.parts)
      bytes = std::max(bytes, layout.spill.offsets[part.matrix] +
                                  part.firstByte + part.bytes);
    list.push_back(json.object({{"name", json.text("weights")},
                                {"kind", json.text("weights")},
                                {"direction", json.text("in")},
                                {"elements", json.number((bytes + 1) / 2)},
                                {"value", json.null()}}));
  }
  streams = json.list(list);
}

LogicalResult Network::describeTensors(Attribute &inputs, Attribute &outputs) {
  SmallVector<Attribute> lists[2];
  ProgramOp program = layout.program;
  for (auto io : program.getBody().front().getOps<IOOp>()) {
    SmallVector<Attribute> dims, parts;
    for (AxisAttr axis : io.getDims().getAsRange<AxisAttr>()) {
      int64_t size = axis.getSize();
      dims.push_back(
          json.object({{"axis", json.text(stringifyAxisKind(axis.getKind()))},
                       {"size", size ? json.number(size) : json.null()}}));
      if (axis.getKind() != AxisKind::Time || !size)
        continue;
      if (fixedSteps >= 0 && fixedSteps != size)
        return io.emitOpError("has a time axis of ")
               << size << ", another tensor one of " << fixedSteps;
      fixedSteps = size;
    }
    for (PartAttr part : io.getParts().getAsRange<PartAttr>()) {
      unsigned stream = layout.streamNumber(part.getStream().getValue());
      if (streamValues[stream] < 0)
        return io.emitOpError("lies in the stream ")
               << part.getStream()
               << ", of which not all elements are read or written";
      parts.push_back(
          json.object({{"value", json.number(streamValues[stream])},
                       {"stream", json.number(stream)},
                       {"index", json.numberOrNull(part.getIndex())}}));
    }
    lists[io.getDirection() == IODirection::Output].push_back(
        json.object({{"name", json.text(io.getName())},
                     {"dims", json.list(dims)},
                     {"parts", json.list(parts)}}));
  }
  inputs = json.list(lists[0]);
  outputs = json.list(lists[1]);
  return success();
}

LogicalResult Network::run() {
  ProgramOp program = layout.program;
  streamValues.assign(layout.streams.size(), -1);
  written.resize(layout.streams.size());
  matrixUses.resize(layout.matrices.size());

  // The operations of each layer. What comes last stands for the layer, so
  // that layers come in dependence order.
  LogicalResult result = success();
  program.walk([&](Operation *op) {
    auto name = op->getAttrOfType<FlatSymbolRefAttr>("layer");
    if (!name || getRow(op))
      return;
    LayerOps &layer = layerOps[name];
    auto sequence = dyn_cast<SequenceOp>(op->getParentOp());
    if (!layer.layer) {
      auto it = layout.layers.find(name.getAttr());
      if (it == layout.layers.end()) {
        result = op->emitOpError("names ")
                 << name << ", which is not an hcgs.layer";
        return;
      }
      layer.layer = it->second;
      layer.sequence = sequence;
    } else if (layer.sequence != sequence) {
      result = op->emitOpError("names a layer that another loop computes");
    }
    layer.ops.push_back(op);
  });
  if (failed(result))
    return failure();
  for (Operation &op : program.getBody().front()) {
    if (auto sequence = dyn_cast<SequenceOp>(op)) {
      for (Operation &inner : sequence.getBody().front())
        if (failed(visit(&inner)))
          return failure();
      // The final states of row 0 come first.
      for (Value final :
           ValueRange(sequence.getFinal())
               .take_front(sequence.getNumResults() / batchRows.count()))
        if (!final.use_empty() && !valueNumbers.contains(final))
          return sequence.emitOpError(
              "has a final state that is no state of an lstm layer");
      continue;
    }
    if (failed(visit(&op)))
      return failure();
  }
  program.walk([&](Operation *op) {
    auto role = roles.find(batchRows.original(op));
    if (getRow(op) && role != roles.end()) {
      Role copy = role->second;
      roles[op] = copy;
    }
  });
  describeStreams();
  Attribute inputs, outputs;
  if (failed(describeTensors(inputs, outputs)))
    return failure();
  network = json.object({{"values", json.list(values)},
                         {"layers", json.list(layerList)},
                         {"inputs", inputs},
                         {"outputs", outputs}});
  time = json.numberOrNull(fixedSteps);
  return success();
}

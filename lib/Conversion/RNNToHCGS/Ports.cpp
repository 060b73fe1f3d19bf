// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Input and output tensors and their axes.

#include "Ports.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;
using flow::AxisAttr;
using flow::AxisKind;

bool Port::hasAxis(AxisKind kind) const {
  return llvm::any_of(axes,
                      [&](AxisAttr axis) { return axis.getKind() == kind; });
}

static bool isRenaming(Operation *op) {
  return isa_and_nonnull<rnn::TransposeOp, rnn::SqueezeOp, rnn::UnsqueezeOp>(
      op);
}

Value tohcgs::getCore(Value value) {
  while (isRenaming(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

static StringRef findName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location inner : fused.getLocations())
      if (StringRef name = findName(inner); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return findName(call.getCallee());
  return {};
}

std::string tohcgs::getNodeName(Operation *op) {
  StringRef name = findName(op->getLoc());
  return name.empty() ? op->getName().getStringRef().str() : name.str();
}

InFlightDiagnostic tohcgs::nodeError(Operation *op) {
  return emitError(op->getLoc()) << "node '" << getNodeName(op) << "': ";
}

static ArrayRef<AxisKind> getAxisKinds(Form form) {
  static constexpr AxisKind sequence[] = {AxisKind::Time, AxisKind::Batch,
                                          AxisKind::Feature};
  static constexpr AxisKind stack[] = {AxisKind::Layer, AxisKind::Batch,
                                       AxisKind::Feature};
  static constexpr AxisKind split[] = {AxisKind::Time, AxisKind::Direction,
                                       AxisKind::Batch, AxisKind::Feature};
  switch (form) {
  case Form::Sequence:
    return sequence;
  case Form::Vector:
    return ArrayRef(sequence).drop_front();
  case Form::Stack:
    return stack;
  case Form::Split:
    return split;
  }
  llvm_unreachable("unknown form");
}

static AxisKind getAxisKind(rnn::Axis axis) {
  switch (axis) {
  case rnn::Axis::Time:
    return AxisKind::Time;
  case rnn::Axis::Batch:
    return AxisKind::Batch;
  case rnn::Axis::Feature:
  case rnn::Axis::Unit:
    return AxisKind::Feature;
  case rnn::Axis::Layer:
    return AxisKind::Layer;
  case rnn::Axis::Direction:
    return AxisKind::Direction;
  case rnn::Axis::One:
    return AxisKind::One;
  }
  llvm_unreachable("unknown axis");
}

/// What the operand of a computing operation is to it.
static Form getOperandForm(OpOperand &use) {
  Operation *user = use.getOwner();
  if (isa<rnn::UnstackOp>(user))
    return Form::Stack;
  if (isa<rnn::LSTMOp>(user)) // x comes first; the others are states
    return use.getOperandNumber() == 0 ? Form::Sequence : Form::Stack;
  return cast<RankedTensorType>(use.get().getType()).getRank() == 3
             ? Form::Sequence
             : Form::Vector;
}

/// Applies one renaming to a list of labels; `inserted` labels a new axis.
template <typename T>
static void rename(Operation *op, SmallVectorImpl<T> &labels, T inserted) {
  if (auto transpose = dyn_cast<rnn::TransposeOp>(op)) {
    SmallVector<T> old(labels.begin(), labels.end());
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      labels[i] = old[from];
  } else if (auto squeeze = dyn_cast<rnn::SqueezeOp>(op)) {
    labels.erase(labels.begin() + squeeze.getAxis());
  } else {
    labels.insert(labels.begin() + cast<rnn::UnsqueezeOp>(op).getAxis(),
                  inserted);
  }
}

static int64_t getSize(RankedTensorType type, unsigned axis) {
  return type.isDynamicDim(axis) ? 0 : type.getDimSize(axis);
}

namespace {
/// Follows an argument through renamings to the operations that compute with
/// it, and labels its axes by what they are there.
class InputFinder {
public:
  InputFinder(Port &port, rnn::PortAttr attr, func::FuncOp func)
      : port(port), attr(attr), func(func) {}

  LogicalResult find() {
    auto type = dyn_cast<RankedTensorType>(port.value.getType());
    if (!type)
      return emitError(func.getLoc())
             << "input '" << port.name << "' has type " << port.value.getType()
             << "; a ranked tensor is needed";
    SmallVector<int> ids;
    for (int i = 0; i < type.getRank(); ++i)
      ids.push_back(i);
    kinds.assign(type.getRank(), AxisKind::One);
    if (failed(follow(port.value, ids)))
      return failure();
    for (auto [i, kind] : llvm::enumerate(kinds)) {
      int64_t size = getSize(type, i);
      if (!port.form) { // what nothing reads is what the model says it is
        kind = getAxisKind(attr.getAxes()[i]);
        // ... but for a fixed length that would bind all other time axes.
        if (kind == AxisKind::Time && size != 0)
          kind = AxisKind::Layer;
      }
      if (port.form && kind == AxisKind::Feature && size == 0)
        return emitError(func.getLoc())
               << "the feature axis of input '" << port.name
               << "' has a free length or none; export the model with a fixed "
                  "number of features";
      if (kind == AxisKind::One && size != 1)
        return emitError(func.getLoc())
               << "axis " << i << " of input '" << port.name
               << "' has no role in the model and a length other than 1";
      port.axes.push_back(AxisAttr::get(type.getContext(), kind, size));
    }
    return success();
  }

private:
  LogicalResult follow(Value value, ArrayRef<int> ids) {
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isRenaming(user)) {
        SmallVector<int> renamed(ids);
        rename(user, renamed, -1);
        if (failed(follow(user->getResult(0), renamed)))
          return failure();
        continue;
      }
      if (isa<func::ReturnOp>(user))
        return emitError(func.getLoc())
               << "input '" << port.name
               << "' is returned as it is; an output must be "
                  "computed by a layer, remove it from the "
                  "outputs";
      Form form = getOperandForm(use);
      ArrayRef<AxisKind> roles = getAxisKinds(form);
      if (port.form && (*port.form != form || labelled != ids))
        return nodeError(user) << "reads input '" << port.name
                               << "' with its axes in other roles than an "
                                  "earlier layer; give it an input of its own";
      port.form = form;
      labelled.assign(ids.begin(), ids.end());
      for (auto [id, role] : llvm::zip_equal(ids, roles)) {
        if (id >= 0)
          kinds[id] = role;
        else if (role == AxisKind::Time || role == AxisKind::Feature)
          return nodeError(user) << "input '" << port.name << "' has no "
                                 << stringifyAxisKind(role)
                                 << " axis; export the model with one";
      }
    }
    return success();
  }

  Port &port;
  rnn::PortAttr attr;
  func::FuncOp func;
  SmallVector<AxisKind> kinds;
  SmallVector<int> labelled;
};
} // namespace

/// How the value behind an output holds values.
static Form getResultForm(OpResult result) {
  Operation *op = result.getOwner();
  if (isa<rnn::StackOp>(op) ||
      (isa<rnn::LSTMOp>(op) && result.getResultNumber() > 0))
    return Form::Stack;
  return cast<RankedTensorType>(result.getType()).getRank() == 3
             ? Form::Sequence
             : Form::Vector;
}

static LogicalResult findOutput(Port &port, Value returned, func::FuncOp func) {
  SmallVector<Operation *> renamings;
  Value core = returned;
  while (isRenaming(core.getDefiningOp())) {
    renamings.push_back(core.getDefiningOp());
    core = core.getDefiningOp()->getOperand(0);
  }
  auto split = core.getDefiningOp<rnn::SplitDirectionsOp>();
  if (split)
    core = split.getX();
  auto result = dyn_cast<OpResult>(core);
  if (!result || isa<rnn::WeightOp>(result.getOwner()))
    return emitError(func.getLoc())
           << "output '" << port.name << "' is "
           << (result ? "a constant" : "an input as it is")
           << "; an output must be computed by a layer, "
              "remove it from the outputs";
  port.value = core;
  port.form = split ? Form::Split : getResultForm(result);

  SmallVector<AxisKind> kinds(getAxisKinds(*port.form));
  for (Operation *op : llvm::reverse(renamings))
    rename(op, kinds, AxisKind::One);
  auto type = cast<RankedTensorType>(returned.getType());
  for (auto [i, kind] : llvm::enumerate(kinds)) {
    int64_t size = getSize(type, i);
    port.axes.push_back(AxisAttr::get(type.getContext(), kind, size));
  }
  bool step = *port.form == Form::Sequence || *port.form == Form::Split;
  if (step && !port.hasAxis(AxisKind::Time))
    return emitError(func.getLoc())
           << "output '" << port.name
           << "' has lost its time axis (length 1); export "
              "the model with a time axis";
  return success();
}

FailureOr<Ports> tohcgs::findPorts(func::FuncOp func, rnn::ModelOp model) {
  Ports ports;
  auto returnOp = cast<func::ReturnOp>(func.getBody().front().getTerminator());
  for (auto [attr, arg] :
       llvm::zip_equal(model.getInputs().getAsRange<rnn::PortAttr>(),
                       func.getArguments())) {
    Port &port = ports.inputs.emplace_back();
    port.name = attr.getName();
    port.value = arg;
    if (failed(InputFinder(port, attr, func).find()))
      return failure();
  }
  for (auto [attr, value] :
       llvm::zip_equal(model.getOutputs().getAsRange<rnn::PortAttr>(),
                       returnOp.getOperands())) {
    Port &port = ports.outputs.emplace_back();
    port.name = attr.getName();
    if (failed(findOutput(port, value, func)))
      return failure();
  }
  return ports;
}

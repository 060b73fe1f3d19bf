// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FloatExecutor.h"

#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

FloatTensor::FloatTensor(ArrayRef<int64_t> shape)
    : shape(shape.begin(), shape.end()) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  data.resize(static_cast<size_t>(count));
}

/// What stands for the operations that the integer machine does not have yet,
/// which therefore need no ranges.
static LogicalResult refuseExtras(LSTMOp op) {
  auto refuse = [&](StringRef what) {
    return emitNodeError(op) << "calibration does not model " << what
                             << " of an LSTM; export the model without";
  };
  if (op.getSequenceLens())
    return refuse("sequence_lens");
  if (op.getPeepholes())
    return refuse("peepholes");
  if (op.getClip())
    return refuse("clip");
  if (op.getInputForget())
    return refuse("input_forget");
  return success();
}

FailureOr<FloatTensor *> FloatExecutor::get(Value operand) {
  if (has(operand))
    return &at(operand);
  auto weight = operand.getDefiningOp<WeightOp>();
  if (!weight)
    return failure();
  FailureOr<FloatData> data = getFloatData(weight);
  if (failed(data))
    return failure();
  FloatTensor tensor(weight.getResult().getType().getShape());
  llvm::copy(data->get(), tensor.data.begin());
  return &(at(operand) = std::move(tensor));
}

void FloatExecutor::record(Value value, Value source) {
  const FloatTensor &tensor = at(source);
  numerics::RangeRecorder &range = ranges[value];
  size_t rank = tensor.shape.size();
  int64_t features = tensor.shape[rank - 1], rows = tensor.shape[rank - 2];
  int64_t steps = rank == 3 ? tensor.shape[0] : 1;
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t n = 0; n < rows; ++n)
      if (rank != 3 || t < lengths[n])
        range.add({tensor.data.data() + (t * rows + n) * features,
                   static_cast<size_t>(features)});
}

void FloatExecutor::define(Value result, FloatTensor value) {
  at(result) = std::move(value);
  record(result, result);
}

FailureOr<std::vector<float>>
FloatExecutor::initialState(Value state, int64_t row, int64_t hidden) {
  std::vector<float> result(static_cast<size_t>(hidden));
  if (!state)
    return result;
  FailureOr<FloatTensor *> tensor = get(state);
  if (failed(tensor))
    return failure();
  // [1, N, H], or one state for all rows.
  int64_t from = (*tensor)->shape[1] == 1 ? 0 : row;
  std::copy_n((*tensor)->data.begin() + from * hidden, hidden, result.begin());
  return result;
}

LogicalResult FloatExecutor::run(LSTMOp op) {
  if (failed(refuseExtras(op)))
    return failure();
  FailureOr<FloatTensor *> xValue = get(op.getX());
  auto wOp = op.getW().getDefiningOp<WeightOp>();
  auto rOp = op.getR().getDefiningOp<WeightOp>();
  WeightOp biasOp;
  if (op.getBias())
    biasOp = op.getBias().getDefiningOp<WeightOp>();
  if (failed(xValue) || !wOp || !rOp || (op.getBias() && !biasOp) ||
      op.getNumDirections() != 1 || op.getLayout() != 0)
    return op.emitOpError("is not in canonical form; run rnn-canonical-form");
  FailureOr<FloatData> w = getFloatData(wOp), r = getFloatData(rOp);
  if (failed(w) || failed(r))
    return failure();

  numerics::LstmParameters parameters;
  parameters.hidden = op.getHiddenSize();
  parameters.inputs = op.getInputSize();
  parameters.w = w->get();
  parameters.r = r->get();
  std::vector<float> bias;
  if (biasOp) {
    FailureOr<FloatData> both = getFloatData(biasOp);
    if (failed(both))
      return failure();
    ArrayRef<float> halves = both->get();
    for (size_t i = 0; i < halves.size() / 2; ++i)
      bias.push_back(halves[i] + halves[halves.size() / 2 + i]);
  }
  parameters.bias = bias;
  parameters.gate = getActivation(op, 0);
  parameters.cell = getActivation(op, 1);
  parameters.output = getActivation(op, 2);
  parameters.reverse = op.getDirection() == Direction::Reverse;

  const FloatTensor &x = **xValue;
  int64_t hidden = parameters.hidden, inputs = parameters.inputs;
  int64_t rows = x.shape[1];
  FloatTensor y({x.shape[0], rows, hidden});
  FloatTensor yH({1, rows, hidden}), yC({1, rows, hidden});
  // Both are there before either is pointed to.
  (void)ranges[op.getY()];
  (void)ranges[op.getYC()];
  numerics::RangeRecorder &hRange = ranges[op.getY()];
  numerics::RangeRecorder &cRange = ranges[op.getYC()];
  numerics::LstmObserver observer;
  observer.h = &hRange;
  observer.c = &cRange;
  for (int64_t n = 0; n < rows; ++n) {
    int64_t steps = lengths[n];
    FailureOr<std::vector<float>> h = initialState(op.getInitialH(), n, hidden);
    FailureOr<std::vector<float>> c = initialState(op.getInitialC(), n, hidden);
    if (failed(h) || failed(c))
      return op.emitOpError("has an initial state that is not in canonical "
                            "form; run rnn-canonical-form");
    hRange.add(*h);
    cRange.add(*c);
    std::vector<float> row(static_cast<size_t>(steps * inputs));
    std::vector<float> out(static_cast<size_t>(steps * hidden));
    for (int64_t t = 0; t < steps; ++t)
      std::copy_n(x.data.begin() + (t * rows + n) * inputs, inputs,
                  row.begin() + t * inputs);
    numerics::runLstm(parameters, row, steps, *h, *c, out, observer);
    for (int64_t t = 0; t < steps; ++t)
      std::copy_n(out.begin() + t * hidden, hidden,
                  y.data.begin() + (t * rows + n) * hidden);
    llvm::copy(*h, yH.data.begin() + n * hidden);
    llvm::copy(*c, yC.data.begin() + n * hidden);
  }
  at(op.getY()) = std::move(y);
  at(op.getYH()) = std::move(yH);
  at(op.getYC()) = std::move(yC);
  return success();
}

LogicalResult FloatExecutor::run(LinearOp op) {
  FailureOr<FloatTensor *> xValue = get(op.getX());
  auto wOp = op.getW().getDefiningOp<WeightOp>();
  if (failed(xValue) || !wOp)
    return op.emitOpError("is not in canonical form; run rnn-canonical-form");
  FailureOr<FloatData> w = getFloatData(wOp);
  FloatData bias;
  if (op.getBias()) {
    auto biasOp = op.getBias().getDefiningOp<WeightOp>();
    if (!biasOp)
      return op.emitOpError("is not in canonical form; run "
                            "rnn-canonical-form");
    FailureOr<FloatData> found = getFloatData(biasOp);
    if (failed(found))
      return failure();
    bias = *std::move(found);
  }
  if (failed(w))
    return failure();
  const FloatTensor &x = **xValue;
  ArrayRef<int64_t> shape = wOp.getResult().getType().getShape();
  SmallVector<int64_t> result(x.shape);
  result.back() = shape[0];
  FloatTensor y(result);
  numerics::runLinear(w->get(), bias.get(), shape[0], shape[1], x.data,
                      x.size() / shape[1], y.data);
  if (op.getActivation()) {
    numerics::Activation function = rnn::getActivation(op);
    for (float &value : y.data)
      value = static_cast<float>(function(value));
  }
  define(op.getY(), std::move(y));
  return success();
}

void FloatExecutor::run(ActOp op) {
  FloatTensor y = at(op.getX());
  numerics::Activation function = rnn::getActivation(op);
  for (float &value : y.data)
    value = static_cast<float>(function(value));
  define(op.getY(), std::move(y));
}

void FloatExecutor::run(AddOp op) {
  FloatTensor y = at(op.getLhs());
  for (auto [sum, other] : llvm::zip_equal(y.data, at(op.getRhs()).data))
    sum += other;
  define(op.getY(), std::move(y));
}

void FloatExecutor::run(ConcatOp op) {
  SmallVector<int64_t> shape(at(op.getIns().front()).shape);
  shape.back() = op.getY().getType().getShape().back();
  FloatTensor y(shape);
  int64_t rows = y.size() / shape.back(), offset = 0;
  for (Value in : op.getIns()) {
    const FloatTensor &part = at(in);
    int64_t width = part.shape.back();
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(part.data.begin() + row * width, width,
                  y.data.begin() + row * shape.back() + offset);
    offset += width;
  }
  define(op.getY(), std::move(y));
}

void FloatExecutor::run(LastStepOp op) {
  const FloatTensor &x = at(op.getX());
  int64_t rows = x.shape[1], features = x.shape[2];
  FloatTensor y({rows, features});
  for (int64_t n = 0; n < rows; ++n)
    std::copy_n(x.data.begin() + ((lengths[n] - 1) * rows + n) * features,
                features, y.data.begin() + n * features);
  at(op.getY()) = std::move(y);
}

void FloatExecutor::rename(Operation &op) {
  FloatTensor value = at(op.getOperand(0));
  if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    value.shape.erase(value.shape.begin() + squeeze.getAxis());
  } else if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op)) {
    value.shape.insert(value.shape.begin() + unsqueeze.getAxis(), 1);
  } else {
    ArrayRef<int64_t> permutation = cast<TransposeOp>(op).getPermutation();
    SmallVector<int64_t> shape, strides(value.shape.size(), 1);
    for (size_t i = value.shape.size() - 1; i > 0; --i)
      strides[i - 1] = strides[i] * value.shape[i];
    for (int64_t axis : permutation)
      shape.push_back(value.shape[axis]);
    FloatTensor result(shape);
    SmallVector<int64_t> index(shape.size(), 0);
    for (float &element : result.data) {
      int64_t from = 0;
      for (auto [i, axis] : llvm::enumerate(permutation))
        from += index[i] * strides[axis];
      element = value.data[from];
      for (size_t i = index.size(); i-- > 0;) {
        if (++index[i] < shape[i])
          break;
        index[i] = 0;
      }
    }
    value = std::move(result);
  }
  at(op.getResult(0)) = std::move(value);
}

LogicalResult FloatExecutor::run(Operation &op) {
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<LSTMOp, LinearOp>([&](auto layer) { return run(layer); })
      .Case<ActOp, AddOp, ConcatOp, LastStepOp>([&](auto layer) {
        run(layer);
        return success();
      })
      .Case<TransposeOp, SqueezeOp, UnsqueezeOp>([&](auto renaming) {
        rename(*renaming.getOperation());
        return success();
      })
      .Case([&](UnstackOp unstack) {
        const FloatTensor &source = at(unstack.getSource());
        FloatTensor entry(ArrayRef<int64_t>(source.shape).drop_front());
        std::copy_n(source.data.begin() + unstack.getIndex() * entry.size(),
                    entry.size(), entry.data.begin());
        at(unstack.getResult()) = std::move(entry);
        return success();
      })
      .Case([&](StackOp stack) {
        SmallVector<int64_t> shape(at(stack.getIns().front()).shape);
        shape.insert(shape.begin(), stack.getIns().size());
        FloatTensor all(shape);
        auto to = all.data.begin();
        for (Value in : stack.getIns())
          to = llvm::copy(at(in).data, to);
        at(stack.getResult()) = std::move(all);
        return success();
      })
      .Default([](Operation *other) -> LogicalResult {
        if (other->hasTrait<OpTrait::IsTerminator>())
          return success();
        return emitNodeError(other) << "calibration has no float model of "
                                    << other->getName().getStringRef();
      });
}

LogicalResult FloatExecutor::run(Block &block) {
  for (Operation &op : block) {
    if (isa<SplitDirectionsOp, WeightOp, RangeOp>(op))
      continue;
    // What an operation reads has a value, unless only the return reads it.
    // The weights of layers are read in place; other constants are loaded.
    bool layer = isa<LSTMOp, LinearOp>(op), known = true;
    for (Value operand : op.getOperands()) {
      bool weight = operand.getDefiningOp<WeightOp>() != nullptr;
      known &= has(operand) || weight;
      if (weight && !layer && failed(get(operand)))
        return failure();
    }
    if (known && failed(run(op)))
      return failure();
  }
  return success();
}

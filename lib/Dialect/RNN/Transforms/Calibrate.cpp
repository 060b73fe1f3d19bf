// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-calibrate: the ranges that values take on real data.

#include "FloatExecutor.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "hcgs/Support/Npy.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

#include <algorithm>
#include <cmath>

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNCALIBRATE
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

namespace {

/// An input of the model and the array for it.
struct Input {
  BlockArgument argument;
  PortAttr port;
  bool isState = false;
  int batchAxis = -1, timeAxis = -1;
  const NpyArray *array = nullptr; // null: a state that is zero
  bool addBatch = false;           // the array is one row without batch axis
};

struct Calibrate : rnn::impl::RNNCalibrateBase<Calibrate> {
  using RNNCalibrateBase::RNNCalibrateBase;

  void runOnOperation() override;

private:
  InFlightDiagnostic error() {
    return getOperation()->emitError() << "calibration data '" << file << "': ";
  }
  LogicalResult findInputs(ModelOp model, FunctionOpInterface function);
  LogicalResult matchArrays(const NpzArrays &arrays);
  LogicalResult checkShape(Input &input);
  LogicalResult readLengths(const NpzArrays &arrays);
  FailureOr<FloatTensor> makeTensor(const Input &input);
  LogicalResult leaveRanges(const FloatExecutor &executor);

  std::vector<Input> inputs;
  int64_t rows = 0, steps = 0; // 0: not known yet
  std::vector<int64_t> lengths;
};

} // namespace

static bool isRenaming(Operation *op) {
  return isa<TransposeOp, SqueezeOp, UnsqueezeOp>(op);
}

/// Follows a value through renamings to whatever computes with it, keeping
/// track of the axes' places: `axes[i]` is the place of axis i of the argument
/// in `value`, or -1. Calls visit(use, axes).
template <typename Visitor>
static void followAxes(Value value, ArrayRef<int64_t> axes, Visitor &&visit) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (!isRenaming(user)) {
      visit(use, axes);
      continue;
    }
    SmallVector<int64_t> renamed(axes);
    for (int64_t &axis : renamed) {
      if (axis < 0)
        continue;
      if (auto transpose = dyn_cast<TransposeOp>(user)) {
        ArrayRef<int64_t> from = transpose.getPermutation();
        axis = llvm::find(from, axis) - from.begin();
      } else if (auto squeeze = dyn_cast<SqueezeOp>(user)) {
        int64_t gone = squeeze.getAxis();
        axis = axis == gone ? -1 : axis - (axis > gone);
      } else {
        int64_t added = cast<UnsqueezeOp>(user).getAxis();
        axis += axis >= added;
      }
    }
    followAxes(user->getResult(0), renamed, visit);
  }
}

LogicalResult Calibrate::findInputs(ModelOp model,
                                    FunctionOpInterface function) {
  inputs.clear();
  for (auto [argument, port] : llvm::zip_equal(
           function.getArguments(), model.getInputs().getAsRange<PortAttr>())) {
    Input input;
    input.argument = argument;
    input.port = port;
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !type.getElementType().isF32())
      return function.emitError()
             << "input '" << port.getName().getValue() << "' is no f32 tensor; "
             << "calibration cannot feed it";
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    // The roles of the axes follow from what reads the input: sequences are
    // [time, batch, feature], states [layer, batch, unit], others
    // [batch, feature].
    followAxes(argument, axes, [&](OpOperand &use, ArrayRef<int64_t> places) {
      auto lstm = dyn_cast<LSTMOp>(use.getOwner());
      bool state =
          isa<UnstackOp>(use.getOwner()) || (lstm && use.get() != lstm.getX());
      int64_t rank = cast<ShapedType>(use.get().getType()).getRank();
      input.isState |= state;
      for (auto [axis, place] : llvm::enumerate(places)) {
        if (place == rank - 2)
          input.batchAxis = static_cast<int>(axis);
        if (place == 0 && rank == 3 && !state)
          input.timeAxis = static_cast<int>(axis);
      }
    });
    inputs.push_back(input);
  }
  return success();
}

LogicalResult Calibrate::matchArrays(const NpzArrays &arrays) {
  auto find = [&](StringRef name) -> const NpyArray * {
    for (const auto &[key, array] : arrays)
      if (key == name)
        return &array;
    return nullptr;
  };
  int64_t sequences =
      llvm::count_if(inputs, [](const Input &input) { return !input.isState; });
  for (Input &input : inputs) {
    StringRef name = input.port.getName().getValue();
    input.array = find(name);
    // A single sequence input may go by x, or be the one array of a .npy.
    if (!input.array && !input.isState && sequences == 1) {
      input.array = find("x");
      if (!input.array)
        input.array = find("");
    }
    if (input.array || input.isState)
      continue;
    InFlightDiagnostic diagnostic = error() << "no array for input '" << name
                                            << "'; found ";
    if (arrays.empty())
      return diagnostic << "none";
    if (arrays.size() == 1 && arrays[0].first.empty())
      return diagnostic << "a .npy, which holds one array; use a .npz with "
                        << "one for each input";
    llvm::interleaveComma(arrays, diagnostic, [&](const auto &entry) {
      diagnostic << "'" << entry.first << "'";
    });
    return diagnostic;
  }
  return success();
}

LogicalResult Calibrate::checkShape(Input &input) {
  if (!input.array)
    return success();
  StringRef name = input.port.getName().getValue();
  auto type = cast<RankedTensorType>(input.argument.getType());
  std::vector<int64_t> shape = input.array->shape;
  input.addBatch = input.batchAxis >= 0 &&
                   static_cast<int64_t>(shape.size()) + 1 == type.getRank();
  if (input.addBatch)
    shape.insert(shape.begin() + input.batchAxis, 1);
  std::string wanted = "[";
  for (auto [i, dim] : llvm::enumerate(type.getShape())) {
    bool free =
        ShapedType::isDynamic(dim) || static_cast<int>(i) == input.batchAxis;
    wanted += i ? ", " : "";
    wanted += static_cast<int>(i) == input.batchAxis          ? "batch"
              : static_cast<int>(i) == input.timeAxis && free ? "time"
              : free ? "any"
                     : std::to_string(dim);
  }
  wanted += "]";
  bool fits = static_cast<int64_t>(shape.size()) == type.getRank();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = ShapedType::isDynamic(type.getDimSize(i)) ||
           static_cast<int>(i) == input.batchAxis ||
           shape[i] == type.getDimSize(i);
  if (!fits)
    return error() << "the array for input '" << name << "' has shape "
                   << describeShape(input.array->shape) << "; the model takes "
                   << wanted
                   << (input.batchAxis >= 0 ? ", the batch axis may be left out"
                                            : "");
  if (input.array->elements() == 0)
    return error() << "the array for input '" << name << "' is empty (shape "
                   << describeShape(input.array->shape) << ")";

  auto agree = [&](int axis, int64_t &common, StringRef what) -> LogicalResult {
    if (axis < 0)
      return success();
    if (common == 0)
      common = shape[axis];
    if (common == shape[axis])
      return success();
    return error() << "the array for input '" << name << "' has " << shape[axis]
                   << " " << what << ", an earlier one " << common
                   << "; all inputs of a run belong together";
  };
  if (failed(agree(input.batchAxis, rows, "batch rows")) ||
      failed(agree(input.timeAxis, steps, "time steps")))
    return failure();
  return success();
}

LogicalResult Calibrate::readLengths(const NpzArrays &arrays) {
  lengths.assign(static_cast<size_t>(rows), steps);
  for (const auto &[name, array] : arrays) {
    if (name != "lengths" || llvm::any_of(inputs, [](const Input &input) {
          return input.port.getName().getValue() == "lengths";
        }))
      continue;
    if (isFloat(array.dtype) || array.shape.size() != 1 ||
        array.shape[0] != rows)
      return error() << "'lengths' is " << array.describe()
                     << "; it must hold one integer for each of the " << rows
                     << " batch rows";
    for (int64_t row = 0; row < rows; ++row) {
      lengths[row] = array.integer(row);
      if (lengths[row] < 1 || lengths[row] > steps)
        return error() << "'lengths' says " << lengths[row] << " steps for row "
                       << row << "; the arrays have 1 to " << steps;
    }
  }
  return success();
}

FailureOr<FloatTensor> Calibrate::makeTensor(const Input &input) {
  auto type = cast<RankedTensorType>(input.argument.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (!input.array) {
    for (auto [i, dim] : llvm::enumerate(shape))
      if (static_cast<int>(i) == input.batchAxis || ShapedType::isDynamic(dim))
        dim = rows;
    return FloatTensor(shape);
  }
  shape.assign(input.array->shape.begin(), input.array->shape.end());
  if (input.addBatch)
    shape.insert(shape.begin() + input.batchAxis, 1);
  FloatTensor tensor(shape);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = input.array->number(i);
    if (!std::isfinite(value) || std::fabs(value) > 3.0e38)
      return error() << "the array for input '"
                     << input.port.getName().getValue() << "' holds " << value
                     << " at element " << i
                     << "; only finite numbers can be calibrated with";
    tensor.data[i] = static_cast<float>(value);
  }
  return tensor;
}

LogicalResult Calibrate::leaveRanges(const FloatExecutor &executor) {
  for (const auto &[value, recorder] : executor.getRanges()) {
    Operation *op = value.getDefiningOp();
    double min = recorder.min(), max = recorder.max();
    if (recorder.sawNaN() || !std::isfinite(min) || !std::isfinite(max)) {
      InFlightDiagnostic diagnostic = op ? emitNodeError(op) : error();
      return diagnostic << "values overflow on the calibration data; its scale "
                           "does not suit the model";
    }
    if (method == RangeMethod::Percentile) {
      double limit = recorder.magnitudePercentile(percentile);
      min = std::clamp(min, -limit, limit);
      max = std::clamp(max, -limit, limit);
    }
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(value);
    RangeOp::create(builder, op ? op->getLoc() : value.getLoc(), value,
                    builder.getF64FloatAttr(min), builder.getF64FloatAttr(max));
  }
  return success();
}

void Calibrate::runOnOperation() {
  auto run = [&]() -> LogicalResult {
    if (file.empty())
      return getOperation()->emitError(
          "rnn-calibrate needs the option file, a .npy or .npz of calibration "
          "data");
    if (!(percentile > 0.0 && percentile <= 100.0))
      return getOperation()->emitError()
             << "option percentile of rnn-calibrate is " << percentile
             << "; it must be above 0 and at most 100";
    ModelOp model;
    getOperation()->walk([&](ModelOp op) { model = op; });
    auto function = model ? dyn_cast_or_null<FunctionOpInterface>(
                                SymbolTable::lookupNearestSymbolFrom(
                                    model, model.getEntryAttr()))
                          : FunctionOpInterface();
    if (!function || function.isExternal())
      return getOperation()->emitError(
          "there is no rnn.model with a function to calibrate");

    auto arrays = readNpyOrNpz(file);
    if (!arrays)
      return getOperation()->emitError()
             << "calibration data: " << arrays.message();
    rows = steps = 0;
    if (failed(findInputs(model, function)) || failed(matchArrays(*arrays)))
      return failure();
    for (Input &input : inputs)
      if (failed(checkShape(input)))
        return failure();
    // A model without batch axis has one row; without sequence, one step.
    rows = std::max<int64_t>(rows, 1);
    steps = std::max<int64_t>(steps, 1);
    if (failed(readLengths(*arrays)))
      return failure();

    FloatExecutor executor(lengths);
    for (const Input &input : inputs) {
      FailureOr<FloatTensor> tensor = makeTensor(input);
      if (failed(tensor))
        return failure();
      executor.bind(input.argument, *std::move(tensor));
    }
    Block &body = function.getFunctionBody().front();
    if (failed(executor.run(body)))
      return failure();
    // The range of an input is that of the sequence the layers see, where
    // padding can be told from data.
    for (const Input &input : inputs) {
      Value seen;
      followAxes(input.argument, {},
                 [&](OpOperand &use, ArrayRef<int64_t>) { seen = use.get(); });
      if (seen && !input.isState)
        executor.record(input.argument, seen);
    }
    SmallVector<RangeOp> old(body.getOps<RangeOp>());
    for (RangeOp range : old)
      range.erase();
    return leaveRanges(executor);
  };
  if (failed(run()))
    signalPassFailure();
}

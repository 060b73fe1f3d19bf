// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-calibrate: the ranges that values take on real data.

#include "CalibrationData.h"
#include "FloatExecutor.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Override.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/Format.h"

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

/// An input of the model and the array of the current file for it.
struct Input {
  BlockArgument argument;
  PortAttr port;
  bool isState = false;
  int batchAxis = -1, timeAxis = -1;
  const ArrayReader *array = nullptr; // null: a state that is zero
  bool addBatch = false;              // the array is one row without batch axis
};

struct Calibrate : rnn::impl::RNNCalibrateBase<Calibrate> {
  using RNNCalibrateBase::RNNCalibrateBase;

  void runOnOperation() override;

private:
  InFlightDiagnostic error() {
    return getOperation()->emitError()
           << "calibration data '" << current << "': ";
  }
  LogicalResult calibrate();
  LogicalResult findInputs(ModelOp model, FunctionOpInterface function);
  LogicalResult runFile(Block &body, FloatExecutor &executor);
  LogicalResult matchArrays(const CalibrationBatch &batch);
  LogicalResult checkShape(Input &input);
  LogicalResult readLengths(const CalibrationBatch &batch);
  int64_t groupSize(Block &body) const;
  FailureOr<FloatTensor> makeTensor(const Input &input, int64_t first,
                                    int64_t count);
  LogicalResult refuseConstants(const FloatExecutor &executor);
  LogicalResult leaveRanges(ModelOp model, const FloatExecutor &executor);

  std::string current; // the file that is being read
  std::vector<Input> inputs;
  int64_t rows = 0, steps = 0; // of the current file; 0: not known yet
  std::vector<int64_t> lengths;
};

/// Widths that the quantiser will use.
struct FormatWidths {
  int input, act, cell;
};

/// A range for a value, and how it came about.
struct Choice {
  RangeMethod method;
  double min, max;
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

LogicalResult Calibrate::matchArrays(const CalibrationBatch &batch) {
  const auto &arrays = batch.arrays();
  int64_t sequences =
      llvm::count_if(inputs, [](const Input &input) { return !input.isState; });
  for (Input &input : inputs) {
    StringRef name = input.port.getName().getValue();
    input.array = batch.find(std::string_view(name));
    // A single sequence input may go by x, or be the one array of a .npy.
    if (!input.array && !input.isState && sequences == 1) {
      input.array = batch.find("x");
      if (!input.array)
        input.array = batch.find("");
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
  std::vector<int64_t> shape = input.array->shape();
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
                   << describeShape(input.array->shape())
                   << "; the model takes " << wanted
                   << (input.batchAxis >= 0 ? ", the batch axis may be left out"
                                            : "");
  if (input.array->elements() == 0)
    return error() << "the array for input '" << name << "' is empty (shape "
                   << describeShape(input.array->shape()) << ")";

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

LogicalResult Calibrate::readLengths(const CalibrationBatch &batch) {
  lengths.assign(static_cast<size_t>(rows), steps);
  for (const auto &[name, array] : batch.arrays()) {
    if (name != "lengths" || llvm::any_of(inputs, [](const Input &input) {
          return input.port.getName().getValue() == "lengths";
        }))
      continue;
    if (isFloat(array.dtype()) || array.shape().size() != 1 ||
        array.shape()[0] != rows)
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

/// How many sequences go through the model at a time: all their values take at
/// most 64 MiB, unless one sequence takes more.
int64_t Calibrate::groupSize(Block &body) const {
  constexpr int64_t mostElements = int64_t(1) << 24;
  int64_t features = 0;
  const auto count = [&](Value value) {
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      if (type.getRank() > 0 && !type.isDynamicDim(type.getRank() - 1))
        features += type.getShape().back();
  };
  for (BlockArgument argument : body.getArguments())
    count(argument);
  for (Operation &op : body)
    if (!isa<WeightOp>(op))
      for (Value result : op.getResults())
        count(result);
  return std::max<int64_t>(1, mostElements /
                                  std::max<int64_t>(1, features * steps));
}

/// Four significant digits.
static std::string shown(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.4g", number);
  return text;
}

/// Rows [first, first + count) of an input.
FailureOr<FloatTensor> Calibrate::makeTensor(const Input &input, int64_t first,
                                             int64_t count) {
  auto type = cast<RankedTensorType>(input.argument.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (!input.array) {
    for (auto [i, dim] : llvm::enumerate(shape))
      if (static_cast<int>(i) == input.batchAxis || ShapedType::isDynamic(dim))
        dim = count;
    return FloatTensor(shape);
  }
  const std::vector<int64_t> &given = input.array->shape();
  shape.assign(given.begin(), given.end());
  if (input.addBatch)
    shape.insert(shape.begin() + input.batchAxis, 1);
  // [outer, rows, inner]; an input without batch axis has one row.
  int64_t outer = 1, inner = 1, total = 1;
  for (auto [axis, dim] : llvm::enumerate(shape)) {
    int place = static_cast<int>(axis);
    (place < input.batchAxis                           ? outer
     : place > input.batchAxis && input.batchAxis >= 0 ? inner
     : input.batchAxis >= 0                            ? total
                                                       : inner) *= dim;
  }
  if (input.batchAxis < 0) {
    first = 0;
    count = 1;
  } else {
    shape[input.batchAxis] = count;
  }
  FloatTensor tensor(shape);
  auto to = tensor.data.begin();
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t from = (o * total + first) * inner;
    for (int64_t i = from; i < from + count * inner; ++i) {
      double value = input.array->number(i);
      if (!std::isfinite(value) || std::fabs(value) > 3.0e38)
        return error() << "the array for input '"
                       << input.port.getName().getValue() << "' holds "
                       << shown(value) << " at element " << i
                       << "; only finite numbers can be calibrated with";
      *to++ = static_cast<float>(value);
    }
  }
  return tensor;
}

LogicalResult Calibrate::runFile(Block &body, FloatExecutor &executor) {
  auto batch = CalibrationBatch::open(current);
  if (!batch)
    return getOperation()->emitError()
           << "calibration data: " << batch.message();
  rows = steps = 0;
  if (failed(matchArrays(*batch)))
    return failure();
  for (Input &input : inputs)
    if (failed(checkShape(input)))
      return failure();
  // A model without batch axis has one row; without sequence, one step.
  rows = std::max<int64_t>(rows, 1);
  steps = std::max<int64_t>(steps, 1);
  if (failed(readLengths(*batch)))
    return failure();
  const int64_t group = groupSize(body);
  for (int64_t first = 0; first < rows; first += group) {
    const int64_t count = std::min(group, rows - first);
    executor.start({lengths.begin() + first, lengths.begin() + first + count});
    for (const Input &input : inputs) {
      FailureOr<FloatTensor> tensor = makeTensor(input, first, count);
      if (failed(tensor))
        return failure();
      executor.bind(input.argument, *std::move(tensor));
    }
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
  }
  return success();
}

/// A sequence without any variation is no sample of anything: a wrong array, or
/// one that was never filled.
LogicalResult Calibrate::refuseConstants(const FloatExecutor &executor) {
  current = file;
  for (const Input &input : inputs) {
    auto found = executor.getRanges().find(input.argument);
    if (input.isState || found == executor.getRanges().end())
      continue;
    const numerics::RangeRecorder &seen = found->second;
    if (seen.min() == seen.max())
      return error() << "input '" << input.port.getName().getValue() << "' is "
                     << shown(seen.min()) << " everywhere (" << seen.count()
                     << (seen.count() == 1 ? " value" : " values")
                     << "); ranges cannot be told from constant data";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// From what was seen to ranges
//===----------------------------------------------------------------------===//

static StringRef methodName(RangeMethod method) {
  switch (method) {
  case RangeMethod::MinMax:
    return "minmax";
  case RangeMethod::Percentile:
    return "percentile";
  case RangeMethod::MSE:
    return "mse";
  case RangeMethod::KL:
    return "kl";
  }
  llvm_unreachable("no such method");
}

/// The width a value will have, as far as it is known before joined values
/// meet.
static int widthOf(Value value, const FormatWidths &widths) {
  if (std::optional<int64_t> bits = getValueInteger(value, "bits"))
    return static_cast<int>(*bits);
  Operation *op = value.getDefiningOp();
  if (!op) {
    // What the layers that read an input ask for.
    std::optional<int64_t> asked;
    followAxes(value, {}, [&](OpOperand &use, ArrayRef<int64_t>) {
      if (auto bits = getOverrideInteger(use.getOwner(), "", "input-bits"))
        asked = bits;
    });
    return static_cast<int>(asked.value_or(widths.input));
  }
  auto lstm = dyn_cast<LSTMOp>(op);
  bool cell = lstm && value == lstm.getYC();
  return static_cast<int>(
      getOverrideInteger(op, "", cell ? "cell-bits" : "act-bits")
          .value_or(cell ? widths.cell : widths.act));
}

/// The range of [-2^limit, 2^limit) in `bits` bits that the values need.
static Choice cutAt(RangeMethod method, int limit, int bits,
                    const numerics::RangeRecorder &seen) {
  const double end = std::ldexp(1.0, limit);
  const double step = std::ldexp(1.0, limit - (bits - 1));
  return {method, std::max(seen.min(), -end), std::min(seen.max(), end - step)};
}

static Choice chooseRange(const numerics::RangeRecorder &seen,
                          RangeMethod method, double percentile, int bits) {
  switch (method) {
  case RangeMethod::MinMax:
    break;
  case RangeMethod::Percentile: {
    double limit = seen.magnitudePercentile(percentile);
    return {method, std::clamp(seen.min(), -limit, limit),
            std::clamp(seen.max(), -limit, limit)};
  }
  case RangeMethod::MSE:
    return cutAt(method, seen.leastSquaresLimit(bits), bits, seen);
  case RangeMethod::KL:
    return cutAt(method, seen.divergenceLimit(bits), bits, seen);
  }
  return {method, seen.min(), seen.max()};
}

LogicalResult Calibrate::leaveRanges(ModelOp model,
                                     const FloatExecutor &executor) {
  const FormatWidths widths{static_cast<int>(inputBits),
                            static_cast<int>(actBits),
                            static_cast<int>(cellBits)};
  Builder attributes(&getContext());
  SmallVector<Attribute> list;
  for (const auto &[value, recorder] : executor.getRanges()) {
    Operation *op = value.getDefiningOp();
    if (recorder.sawNonFinite()) {
      InFlightDiagnostic diagnostic = op ? emitNodeError(op) : error();
      return diagnostic << "values overflow on the calibration data; its scale "
                           "does not suit the model";
    }
    // What a configuration file calls the value.
    auto lstm = dyn_cast_or_null<LSTMOp>(op);
    std::string name = op ? getNodeName(op) : std::string();
    if (lstm && value == lstm.getYC())
      name += ".c";
    for (const Input &input : inputs)
      if (input.argument == value)
        name = input.port.getName().getValue().str();

    RangeMethod how = method;
    if (std::optional<StringRef> given = getValueText(value, "range-method"))
      for (RangeMethod candidate :
           {RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::MSE,
            RangeMethod::KL})
        if (methodName(candidate) == *given)
          how = candidate;
    Choice choice = chooseRange(
        recorder, how, getValueReal(value, "percentile").value_or(percentile),
        widthOf(value, widths));
    const double clipped = recorder.shareAbove(
        std::max(std::fabs(choice.min), std::fabs(choice.max)));

    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(value);
    RangeOp::create(builder, op ? op->getLoc() : value.getLoc(), value,
                    builder.getF64FloatAttr(choice.min),
                    builder.getF64FloatAttr(choice.max));
    mlir::emitRemark(op ? op->getLoc() : value.getLoc())
        << "range of '" << name << "': seen " << shown(recorder.min()) << " to "
        << shown(recorder.max()) << ", taken " << shown(choice.min) << " to "
        << shown(choice.max) << " by " << methodName(how) << ", "
        << shown(100.0 * clipped) << " % clipped";
    list.push_back(attributes.getDictionaryAttr(
        {attributes.getNamedAttr("value", attributes.getStringAttr(name)),
         attributes.getNamedAttr("min",
                                 attributes.getF64FloatAttr(recorder.min())),
         attributes.getNamedAttr("max",
                                 attributes.getF64FloatAttr(recorder.max())),
         attributes.getNamedAttr("low", attributes.getF64FloatAttr(choice.min)),
         attributes.getNamedAttr("high",
                                 attributes.getF64FloatAttr(choice.max)),
         attributes.getNamedAttr("method",
                                 attributes.getStringAttr(methodName(how))),
         attributes.getNamedAttr("clipped",
                                 attributes.getF64FloatAttr(clipped))}));
  }
  model->setAttr(kRangesAttr, attributes.getArrayAttr(list));
  return success();
}

LogicalResult Calibrate::calibrate() {
  if (file.empty())
    return getOperation()->emitError(
        "rnn-calibrate needs the option file, .npy or .npz files of "
        "calibration data");
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
  auto files = listCalibrationFiles(file);
  if (!files)
    return getOperation()->emitError()
           << "calibration data: " << files.message();
  if (failed(findInputs(model, function)))
    return failure();
  Block &body = function.getFunctionBody().front();
  FloatExecutor executor;
  for (const std::string &name : *files) {
    current = name;
    if (failed(runFile(body, executor)))
      return failure();
  }
  if (failed(refuseConstants(executor)))
    return failure();
  SmallVector<RangeOp> old(body.getOps<RangeOp>());
  for (RangeOp range : old)
    range.erase();
  return leaveRanges(model, executor);
}

void Calibrate::runOnOperation() {
  if (failed(calibrate()))
    signalPassFailure();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Import of LSTM.

#include "Fold.h"
#include "Handlers.h"

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

namespace {

/// Where ONNX puts the operands of LSTM.
enum Operand : size_t {
  X = 0,
  W = 1,
  R = 2,
  B = 3,
  SequenceLens = 4,
  InitialH = 5,
  InitialC = 6,
  P = 7
};

/// One LSTM node on its way into the dialect.
class LSTMImport {
public:
  explicit LSTMImport(Node &node) : node(node), importer(node.getImporter()) {}

  LogicalResult run();

private:
  LogicalResult readAttributes();
  LogicalResult refuseUnsupported();
  LogicalResult checkActivations();
  LogicalResult readWeights();
  LogicalResult readInput();

  /// Weight operand `index`, which must have the shape `shape`.
  FailureOr<Value> readWeight(size_t index, StringRef role,
                              ArrayRef<int64_t> shape);
  /// Initial state `index`; null if absent or zero.
  FailureOr<Value> readState(size_t index, StringRef role);
  FailureOr<Value> constantState(const Constant &constant, StringRef role);
  FailureOr<Value> computedState(const Tensor &tensor, StringRef role);

  LogicalResult defineOutputs(rnn::LSTMOp op);
  LogicalResult defineState(size_t output, Value states);

  auto fail() {
    return [this] { return node.error(); };
  }

  Node &node;
  Importer &importer;
  rnn::Direction direction = rnn::Direction::Forward;
  int64_t dirs = 1, hidden = 0, inputs = 0, layout = 0;
  Value x, w, r, bias;
  Group time, batch, features;
};

} // namespace

LogicalResult LSTMImport::run() {
  if (failed(readAttributes()) || failed(refuseUnsupported()) ||
      failed(readInput()) || failed(readWeights()))
    return failure();
  FailureOr<Value> h = readState(InitialH, "initial_h");
  if (failed(h))
    return failure();
  FailureOr<Value> c = readState(InitialC, "initial_c");
  if (failed(c))
    return failure();
  OpBuilder &builder = importer.getBuilder();
  int64_t t = Importer::typeDim(time), n = Importer::typeDim(batch);
  auto typeOf = [&](ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, builder.getF32Type());
  };
  auto op = rnn::LSTMOp::create(
      builder, node.getLoc(),
      TypeRange{typeOf({t, n, dirs * hidden}), typeOf({dirs, n, hidden}),
                typeOf({dirs, n, hidden})},
      x, w, r, bias, /*sequence_lens=*/Value(), *h, *c, /*peepholes=*/Value(),
      direction, hidden, /*activations=*/ArrayAttr(),
      /*activation_alpha=*/DenseF32ArrayAttr(),
      /*activation_beta=*/DenseF32ArrayAttr(), /*clip=*/FloatAttr(),
      /*input_forget=*/false, /*layout=*/0, /*formats=*/nullptr);
  return defineOutputs(op);
}

LogicalResult LSTMImport::readAttributes() {
  FailureOr<std::string> name = node.getString("direction", "forward");
  if (failed(name))
    return failure();
  std::optional<rnn::Direction> known = rnn::symbolizeDirection(*name);
  if (!known)
    return node.error() << "attribute 'direction' is '" << *name
                        << "'; allowed are forward, reverse and bidirectional";
  direction = *known;
  dirs = direction == rnn::Direction::Bidirectional ? 2 : 1;
  FailureOr<int64_t> layoutAttr = node.getInt("layout", 0);
  if (failed(layoutAttr))
    return failure();
  layout = *layoutAttr;
  if (layout != 0 && layout != 1)
    return node.error() << "attribute 'layout' is " << layout
                        << "; allowed are 0 and 1";
  if (node.hasAttr("hidden_size")) {
    FailureOr<int64_t> size = node.getInt("hidden_size", 0);
    if (failed(size))
      return failure();
    if (*size < 1)
      return node.error() << "attribute 'hidden_size' is " << *size
                          << "; a layer has at least 1 cell";
    hidden = *size;
  }
  // Before opset 7, an output that is not wanted was said so here.
  if (importer.getOpset() < 7)
    node.ignoreAttr("output_sequence");
  return success();
}

LogicalResult LSTMImport::checkActivations() {
  FailureOr<std::vector<std::string>> names = node.getStrings("activations");
  if (failed(names))
    return failure();
  if (node.hasAttr("activations")) {
    if (static_cast<int64_t>(names->size()) != 3 * dirs)
      return node.error() << "attribute 'activations' has " << names->size()
                          << " entries, expected " << 3 * dirs
                          << ", three per direction";
    for (auto [index, name] : llvm::enumerate(*names)) {
      StringRef expected = index % 3 == 0 ? "Sigmoid" : "Tanh";
      if (!StringRef(name).equals_insensitive(expected))
        return node.error()
               << "attribute 'activations' has " << name << " at place "
               << index << "; supported are Sigmoid, Tanh, Tanh";
    }
  }
  for (StringRef attr : {"activation_alpha", "activation_beta"}) {
    FailureOr<std::vector<float>> values = node.getFloats(attr);
    if (failed(values))
      return failure();
    if (!values->empty())
      return node.error() << "attribute '" << attr << "' has the value "
                          << formatNumber(values->front())
                          << ", but Sigmoid and Tanh take no parameters";
  }
  return success();
}

LogicalResult LSTMImport::refuseUnsupported() {
  if (failed(checkActivations()))
    return failure();
  if (node.hasAttr("clip")) {
    FailureOr<float> clip = node.getFloat("clip", 0);
    if (failed(clip))
      return failure();
    return node.error() << "attribute 'clip' is " << formatNumber(*clip)
                        << "; clipping is not supported, export without it";
  }
  FailureOr<int64_t> inputForget = node.getInt("input_forget", 0);
  if (failed(inputForget))
    return failure();
  if (*inputForget != 0)
    return node.error() << "attribute 'input_forget' is " << *inputForget
                        << "; coupled gates are not supported, only 0 is";
  if (node.hasInput(SequenceLens))
    return node.error() << "input sequence_lens ('"
                        << node.getInputName(SequenceLens)
                        << "') is not supported; run each sequence at its own "
                           "length instead";
  if (node.hasInput(P))
    return node.error() << "input P ('" << node.getInputName(P)
                        << "'), peepholes, is not supported; export without it";
  return success();
}

LogicalResult LSTMImport::readInput() {
  FailureOr<const Tensor *> in = node.getTensor(X, "X");
  if (failed(in))
    return failure();
  if ((*in)->getRank() != 3)
    return node.error() << "input X ('" << node.getInputName(X)
                        << "') has rank " << (*in)->getRank() << ", expected 3";
  time = (*in)->axes[layout == 1 ? 1 : 0];
  batch = (*in)->axes[layout == 1 ? 0 : 1];
  features = (*in)->axes[2];
  inputs = Importer::typeDim(features);
  if (ShapedType::isDynamic(inputs))
    return node.error() << "input X ('" << node.getInputName(X)
                        << "') has shape " << importer.describe((*in)->axes)
                        << ", but the number of features must be constant";
  if (time.size() > 1 || batch.size() > 1)
    return node.error() << "input X ('" << node.getInputName(X)
                        << "') joins several axes to one of time or batch";
  if (failed(importer.setAxis(time, rnn::Axis::Time, fail())) ||
      failed(importer.setAxis(batch, rnn::Axis::Batch, fail())))
    return failure();
  for (const Factor &factor : features)
    if (!importer.getAxis(factor) &&
        failed(importer.setAxis({factor}, rnn::Axis::Feature, fail())))
      return failure();
  FailureOr<Value> value = importer.materialize(**in, {time, batch, features},
                                                node.getLoc(), fail());
  if (failed(value))
    return failure();
  x = *value;
  return success();
}

FailureOr<Value> LSTMImport::readWeight(size_t index, StringRef role,
                                        ArrayRef<int64_t> shape) {
  FailureOr<const Constant *> constant = node.getConstant(index, role);
  if (failed(constant))
    return failure();
  SmallVector<Dim> expected(shape.begin(), shape.end());
  if ((*constant)->shape != expected)
    return node.error() << "input " << role << " ('" << node.getInputName(index)
                        << "') has shape "
                        << importer.describe((*constant)->shape)
                        << ", expected " << importer.describe(expected)
                        << " for " << dirs << " directions, hidden_size "
                        << hidden << " and " << inputs << " inputs";
  return importer.createWeight(**constant, shape, node.getLoc(), fail());
}

LogicalResult LSTMImport::readWeights() {
  // R says how many cells there are if no attribute does.
  FailureOr<const Constant *> recurrent = node.getConstant(R, "R");
  if (failed(recurrent))
    return failure();
  ArrayRef<Dim> shape = (*recurrent)->shape;
  if (shape.size() != 3)
    return node.error() << "input R ('" << node.getInputName(R)
                        << "') has rank " << shape.size() << ", expected 3";
  if (hidden == 0)
    hidden = shape[2].getCoefficient();
  if (hidden < 1)
    return node.error() << "input R ('" << node.getInputName(R)
                        << "') has shape " << importer.describe(shape)
                        << "; a layer has at least 1 cell";
  // Beyond this, rows of the stacked gates cannot be counted.
  if (hidden > INT32_MAX / 8)
    return node.error() << "hidden_size " << hidden << " is not within 1.."
                        << INT32_MAX / 8;
  if (!shape[2].isStatic(hidden))
    return node.error() << "attribute 'hidden_size' is " << hidden
                        << ", but input R ('" << node.getInputName(R)
                        << "') has shape " << importer.describe(shape);
  FailureOr<Value> value = readWeight(W, "W", {dirs, 4 * hidden, inputs});
  if (failed(value))
    return failure();
  w = *value;
  value = readWeight(R, "R", {dirs, 4 * hidden, hidden});
  if (failed(value))
    return failure();
  r = *value;
  if (!node.hasInput(B))
    return success();
  value = readWeight(B, "B", {dirs, 8 * hidden});
  if (failed(value))
    return failure();
  bias = *value;
  return success();
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

FailureOr<Value> LSTMImport::readState(size_t index, StringRef role) {
  if (!node.hasInput(index))
    return Value();
  FailureOr<const Entry *> entry = node.getEntry(index, role);
  if (failed(entry))
    return failure();
  if (auto *constant = std::get_if<Constant>(*entry))
    return constantState(*constant, role);
  return computedState(std::get<Tensor>(**entry), role);
}

FailureOr<Value> LSTMImport::constantState(const Constant &constant,
                                           StringRef role) {
  if (constant.getRank() != 3)
    return node.error() << "input " << role << " has rank "
                        << constant.getRank() << ", expected 3";
  // As [directions, batch, unit], whatever the layout.
  SmallVector<int64_t> strides = rowMajor(constant.stored),
                       stored(constant.stored);
  SmallVector<Dim> shape(constant.shape);
  if (layout == 1) {
    std::swap(strides[0], strides[1]);
    std::swap(stored[0], stored[1]);
    std::swap(shape[0], shape[1]);
  }
  Constant state = strided(constant, shape, stored, strides, 0);
  std::optional<Dim> rows = sizeOf(batch);
  if (!shape[0].isStatic(dirs) || !shape[2].isStatic(hidden))
    return node.error() << "input " << role << " has shape "
                        << importer.describe(constant.shape) << ", expected "
                        << dirs << " directions and " << hidden << " cells";
  if (!rows || shape[1] != *rows) {
    std::optional<unsigned> symbol = rows ? rows->asSymbol() : std::nullopt;
    if (symbol && shape[1].isStatic() && !shape[1].isStatic(0))
      return importer.bind(*symbol, shape[1].getCoefficient());
    return node.error() << "input " << role << " is for "
                        << importer.describe(shape[1])
                        << " sequences, but X has "
                        << importer.describe(rows.value_or(Dim(0)));
  }
  if (state.isZero())
    return Value();

  // Axes of which one entry is stored are written out, but for the batch.
  int64_t kept = stored[1];
  ArrayRef<float> numbers = state.floats.get();
  std::vector<float> values;
  SmallVector<int64_t> from = rowMajor(stored);
  for (int64_t d = 0; d < dirs; ++d)
    for (int64_t n = 0; n < kept; ++n)
      for (int64_t u = 0; u < hidden; ++u)
        values.push_back(numbers[(stored[0] == 1 ? 0 : d * from[0]) +
                                 n * from[1] + (stored[2] == 1 ? 0 : u)]);
  return importer.createWeight(
      Constant::fromFloats(
          FloatBuffer::own(std::move(values), constant.floats.name),
          {dirs, kept, hidden}),
      {dirs, kept, hidden}, node.getLoc(), fail());
}

FailureOr<Value> LSTMImport::computedState(const Tensor &tensor,
                                           StringRef role) {
  auto stateError = [&]() -> InFlightDiagnostic {
    InFlightDiagnostic diag = node.error();
    diag << "input " << role << " ";
    return diag;
  };
  if (tensor.getRank() != 3)
    return stateError() << "has rank " << tensor.getRank() << ", expected 3";
  Tensor turned = tensor;
  if (layout == 1)
    std::swap(turned.axes[0], turned.axes[1]);
  if (Importer::typeDim(turned.axes[0]) != dirs ||
      Importer::typeDim(turned.axes[2]) != hidden)
    return stateError() << "has shape " << importer.describe(tensor.axes)
                        << ", expected " << dirs << " directions and " << hidden
                        << " cells";
  if (failed(importer.unify(turned.axes[1], batch, stateError)) ||
      failed(importer.setAxis(turned.axes[0], rnn::Axis::Layer, stateError)) ||
      failed(importer.setAxis(turned.axes[2], rnn::Axis::Unit, stateError)))
    return failure();
  FailureOr<Tensor> stacked =
      importer.toStacked(turned, node.getLoc(), stateError);
  if (failed(stacked))
    return failure();
  SmallVector<int64_t> shape{dirs, Importer::typeDim(batch), hidden};
  OpBuilder &builder = importer.getBuilder();
  return rnn::StackOp::create(
             builder, node.getLoc(),
             RankedTensorType::get(shape, builder.getF32Type()), stacked->parts)
      .getResult();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

LogicalResult LSTMImport::defineState(size_t output, Value states) {
  if (!node.wantsOutput(output))
    return success();
  Tensor tensor;
  Group unit = importer.newGroup(hidden), layer = importer.newGroup(dirs);
  tensor.dims = {batch, unit};
  if (!layer.empty())
    tensor.layer = layer.front();
  for (int64_t i = 0; i < dirs; ++i)
    tensor.parts.push_back(
        rnn::UnstackOp::create(importer.getBuilder(), node.getLoc(),
                               importer.typeOf(tensor.dims), states, i));
  tensor.axes = {layer, batch, unit};
  if (layout == 1)
    tensor.axes = {batch, layer, unit};
  if (failed(importer.setAxis(unit, rnn::Axis::Unit, fail())) ||
      failed(importer.setAxis(layer, rnn::Axis::Layer, fail())))
    return failure();
  return node.setOutput(output, std::move(tensor));
}

LogicalResult LSTMImport::defineOutputs(rnn::LSTMOp op) {
  if (node.wantsOutput(0)) {
    Tensor y;
    Group dir = importer.newGroup(dirs), unit = importer.newGroup(hidden);
    Group joined(dir);
    llvm::append_range(joined, unit);
    y.parts.push_back(op.getY());
    y.dims = {time, batch, joined};
    y.axes = {time, dir, batch, unit};
    if (layout == 1)
      y.axes = {batch, time, dir, unit};
    if (failed(importer.setAxis(dir, rnn::Axis::Direction, fail())) ||
        failed(importer.setAxis(unit, rnn::Axis::Feature, fail())) ||
        failed(node.setOutput(0, std::move(y))))
      return failure();
  }
  if (failed(defineState(1, op.getYH())))
    return failure();
  return defineState(2, op.getYC());
}

LogicalResult hcgs::frontend::importLSTM(Node &node) {
  return LSTMImport(node).run();
}

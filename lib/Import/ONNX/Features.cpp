// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Import of operators that work on features: linear layers, activations,
// residual connections and concatenation.

#include "Fold.h"
#include "Handlers.h"

#include "mlir/IR/IRMapping.h"

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;
using hcgs::fx::Activation;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

/// `matrix` [I,O] as [O,I] (or as it is if `isOutputFirst`), times `scale`.
static Constant toOutputFirst(const Constant &matrix, bool isOutputFirst,
                              float scale, StringRef name) {
  SmallVector<Dim> shape(matrix.shape);
  SmallVector<int64_t> stored(matrix.stored), strides = rowMajor(stored);
  if (!isOutputFirst) {
    std::swap(shape[0], shape[1]);
    std::swap(stored[0], stored[1]);
    std::swap(strides[0], strides[1]);
  }
  Constant result = strided(matrix, shape, stored, strides, 0);
  if (scale == 1.0f)
    return result;
  std::vector<float> values(result.floats.get());
  for (float &value : values)
    value *= scale;
  result.floats = FloatBuffer::own(std::move(values), name.str());
  return result;
}

/// Imports y = x * w^T + bias; `w` is [O,I], `bias` null or [O].
static LogicalResult createLinear(Node &node, const Tensor &x,
                                  const Constant &w, const Constant *bias) {
  Importer &importer = node.getImporter();
  OpBuilder &builder = importer.getBuilder();
  auto error = [&] { return node.error(); };
  FailureOr<Tensor> in = importer.withFeaturesLast(x, node.getLoc(), error);
  if (failed(in))
    return failure();
  int64_t outputs = w.getStaticShape()[0], inputs = w.getStaticShape()[1];
  const Group &features = in->dims.back();
  if (Importer::typeDim(features) != inputs)
    return node.error() << "the weights take " << inputs
                        << " inputs, but the value has shape "
                        << importer.describe(x.axes);
  for (const Factor &factor : features) {
    if (std::optional<rnn::Axis> axis = importer.getAxis(factor);
        axis == rnn::Axis::Time || axis == rnn::Axis::Batch)
      return node.error() << "multiplies over the axis that counts "
                          << rnn::stringifyAxis(*axis)
                          << "; only features can be multiplied";
    if (!importer.getAxis(factor) &&
        failed(importer.setAxis({factor}, rnn::Axis::Feature, error)))
      return failure();
  }
  FailureOr<Value> weight =
      importer.createWeight(w, {outputs, inputs}, node.getLoc(), error);
  if (failed(weight))
    return failure();
  Value biasValue;
  if (bias) {
    FailureOr<Value> value =
        importer.createWeight(*bias, {outputs}, node.getLoc(), error);
    if (failed(value))
      return failure();
    biasValue = *value;
  }
  Tensor out = *in;
  out.dims.back() = importer.newGroup(outputs);
  out.axes.back() = out.dims.back();
  if (failed(importer.setAxis(out.dims.back(), rnn::Axis::Feature, error)))
    return failure();
  out.parts.front() = rnn::LinearOp::create(
      builder, node.getLoc(), importer.typeOf(out.dims), in->getBase(), *weight,
      biasValue, /*activation=*/nullptr, /*alpha=*/FloatAttr(),
      /*beta=*/FloatAttr(), /*formats=*/nullptr);
  return node.setOutput(0, std::move(out));
}

/// Refuses weights that are not stored in full or not floats, of another rank,
/// or without elements.
static LogicalResult checkMatrix(Node &node, const Constant &matrix,
                                 StringRef role, size_t rank) {
  if (!matrix.isFloat() || !matrix.isFullyStored())
    return node.error() << "input " << role << " must be a matrix of floats";
  if (matrix.getRank() != rank)
    return node.error() << "input " << role << " has rank " << matrix.getRank()
                        << ", expected " << rank;
  if (matrix.getNumStored() == 0)
    return node.error() << "input " << role << " has shape "
                        << node.getImporter().describe(matrix.shape)
                        << "; axes have at least 1 element";
  return node.getImporter().checkFinite(matrix, [&] { return node.error(); });
}

/// `constant` as a bias [O], times `scale`: all axes but the last have length
/// 1, the last has length 1 or O. Nothing (without a message) if it has not
/// this form.
static std::optional<Constant> toBias(const Constant &constant, int64_t outputs,
                                      float scale) {
  if (!constant.isFloat() || constant.getNumStored() == 0)
    return std::nullopt;
  for (const Dim &dim :
       ArrayRef<Dim>(constant.shape).drop_back(constant.shape.empty() ? 0 : 1))
    if (!dim.isStatic(1))
      return std::nullopt;
  if (!constant.shape.empty() && !constant.shape.back().isStatic(1) &&
      !constant.shape.back().isStatic(outputs))
    return std::nullopt;
  std::vector<float> values;
  for (int64_t i = 0; i < outputs; ++i)
    values.push_back(scale * constant.floats.data[constant.isSplat() ? 0 : i]);
  return Constant::fromFloats(
      FloatBuffer::own(std::move(values), constant.floats.name), {outputs});
}

LogicalResult hcgs::frontend::importMatMul(Node &node) {
  FailureOr<const Entry *> first = node.getEntry(0, "A");
  if (failed(first))
    return failure();
  if (std::holds_alternative<Constant>(**first))
    return node.error() << "input A is constant; the weights of a linear layer "
                           "must be the second operand";
  FailureOr<const Tensor *> x = node.getTensor(0, "A");
  FailureOr<const Constant *> matrix = node.getConstant(1, "B");
  if (failed(x) || failed(matrix))
    return failure();
  // A stack of one matrix is that matrix.
  Constant w = **matrix;
  while (w.getRank() > 2 && w.shape.front().isStatic(1)) {
    w.shape.erase(w.shape.begin());
    w.stored.erase(w.stored.begin());
  }
  if ((*x)->getRank() < 2)
    return node.error() << "input A has rank " << (*x)->getRank()
                        << ", expected 2 or more";
  if (failed(checkMatrix(node, w, "B", 2)))
    return failure();
  return createLinear(
      node, **x, toOutputFirst(w, /*isOutputFirst=*/false, 1.0f, w.floats.name),
      /*bias=*/nullptr);
}

LogicalResult hcgs::frontend::importGemm(Node &node) {
  FailureOr<const Tensor *> a = node.getTensor(0, "A");
  FailureOr<const Constant *> b = node.getConstant(1, "B");
  FailureOr<int64_t> transA = node.getInt("transA", 0),
                     transB = node.getInt("transB", 0);
  FailureOr<float> alpha = node.getFloat("alpha", 1.0f),
                   beta = node.getFloat("beta", 1.0f);
  // Before opset 7 the third operand was spread on demand; it always may be.
  if (node.getImporter().getOpset() < 7)
    node.ignoreAttr("broadcast");
  if (failed(a) || failed(b) || failed(transA) || failed(transB) ||
      failed(alpha) || failed(beta))
    return failure();
  if ((*a)->getRank() != 2)
    return node.error() << "input A has rank " << (*a)->getRank()
                        << ", expected 2";
  if (failed(checkMatrix(node, **b, "B", 2)))
    return failure();
  Tensor x = **a;
  if (*transA != 0)
    std::swap(x.axes[0], x.axes[1]);
  Constant w = toOutputFirst(**b, *transB != 0, *alpha, (*b)->floats.name);
  if (!node.hasInput(2))
    return createLinear(node, x, w, /*bias=*/nullptr);
  FailureOr<const Constant *> c = node.getConstant(2, "C");
  if (failed(c))
    return failure();
  std::optional<Constant> bias = toBias(**c, w.getStaticShape()[0], *beta);
  if (!bias)
    return node.error() << "input C has shape "
                        << node.getImporter().describe((*c)->shape)
                        << ", expected one number for each of the "
                        << w.getStaticShape()[0] << " outputs";
  return createLinear(node, x, w, &*bias);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Adds a constant: the bias of a linear layer.
static LogicalResult addBias(Node &node, const Tensor &x,
                             const Constant &constant) {
  Importer &importer = node.getImporter();
  auto linear = x.isStacked() ? rnn::LinearOp()
                              : x.getBase().getDefiningOp<rnn::LinearOp>();
  bool last =
      !x.axes.empty() && importer.sameAxis(x.axes.back(), x.dims.back());
  std::optional<Constant> bias;
  if (linear && !linear.getBias() && last)
    bias = toBias(constant, linear.getW().getType().getDimSize(0), 1.0f);
  if (!bias)
    return node.error() << "adds a constant of shape "
                        << importer.describe(constant.shape)
                        << "; supported is a bias, one number per output, "
                           "right behind MatMul";
  OpBuilder &builder = importer.getBuilder();
  FailureOr<Value> value =
      importer.createWeight(*bias, bias->getStaticShape(), node.getLoc(),
                            [&] { return node.error(); });
  if (failed(value))
    return failure();
  // The layer without bias may have other users; if not, it goes away.
  auto weight = linear.getW().getDefiningOp<rnn::WeightOp>();
  Value w = builder.clone(*weight)->getResult(0);
  Tensor out = x;
  out.parts.front() = rnn::LinearOp::create(
      builder, builder.getFusedLoc({linear.getLoc(), node.getLoc()}),
      linear.getType(), linear.getX(), w, *value, /*activation=*/nullptr,
      /*alpha=*/FloatAttr(), /*beta=*/FloatAttr(), /*formats=*/nullptr);
  while (out.axes.size() < constant.getRank())
    out.axes.insert(out.axes.begin(), Group());
  return node.setOutput(0, std::move(out));
}

/// Brings values whose axes, but for the last, count the same things to bases
/// of the same form. Their last axes keep their own factors.
static LogicalResult alignBases(Node &node, MutableArrayRef<Tensor> values) {
  Importer &importer = node.getImporter();
  auto error = [&] { return node.error(); };
  for (Tensor &value : values) {
    FailureOr<Tensor> last =
        importer.withFeaturesLast(value, node.getLoc(), error);
    if (failed(last))
      return failure();
    value = std::move(*last);
  }
  // Most axes first, then time first: what a layer has or wants.
  auto rank = [&](const Tensor &value) {
    const Group &first = value.dims.front();
    bool time =
        first.size() == 1 && importer.getAxis(first[0]) == rnn::Axis::Time;
    return std::pair(value.dims.size(), time);
  };
  const Tensor *best = &values.front();
  for (const Tensor &value : values)
    if (rank(value) > rank(*best))
      best = &value;
  SmallVector<Group> form(best->dims);
  for (Tensor &value : values) {
    form.back() = value.dims.back();
    FailureOr<Value> base =
        importer.materialize(value, form, node.getLoc(), error);
    if (failed(base))
      return failure();
    value.parts.assign({*base});
    value.dims = form;
  }
  return success();
}

/// Makes all axes of `values` but the last count the same things.
static LogicalResult unifyOuter(Node &node, ArrayRef<Tensor> values) {
  for (const Tensor &value : values.drop_front())
    for (size_t i = 0; i + 1 < value.getRank(); ++i)
      if (failed(node.getImporter().unify(values.front().axes[i], value.axes[i],
                                          [&] { return node.error(); })))
        return failure();
  return success();
}

LogicalResult hcgs::frontend::importAdd(Node &node) {
  FailureOr<const Entry *> a = node.getEntry(0, "A"), b = node.getEntry(1, "B");
  if (failed(a) || failed(b))
    return failure();
  if (auto *constant = std::get_if<Constant>(*a))
    return addBias(node, std::get<Tensor>(**b), *constant);
  if (auto *constant = std::get_if<Constant>(*b))
    return addBias(node, std::get<Tensor>(**a), *constant);

  Importer &importer = node.getImporter();
  Tensor values[2] = {std::get<Tensor>(**a), std::get<Tensor>(**b)};
  size_t rank = std::max(values[0].getRank(), values[1].getRank());
  for (Tensor &value : values)
    while (value.axes.size() < rank)
      value.axes.insert(value.axes.begin(), Group());
  int64_t features[2];
  for (int i : {0, 1}) {
    if (values[i].axes.empty())
      return node.error() << "adds scalars; values have at least one axis";
    features[i] = Importer::typeDim(values[i].axes.back());
  }
  if (features[0] != features[1])
    return node.error() << "adds values of shapes "
                        << importer.describe(values[0].axes) << " and "
                        << importer.describe(values[1].axes)
                        << "; they must have the same features";
  if (failed(unifyOuter(node, values)) || failed(alignBases(node, values)))
    return failure();
  Tensor out = values[0];
  out.dims.back() = importer.newGroup(features[0]);
  out.axes.back() = out.dims.back();
  if (failed(importer.setAxis(out.dims.back(), rnn::Axis::Feature,
                              [&] { return node.error(); })))
    return failure();
  out.parts.front() = rnn::AddOp::create(
      importer.getBuilder(), node.getLoc(), importer.typeOf(out.dims),
      values[0].getBase(), values[1].getBase(), /*formats=*/nullptr);
  return node.setOutput(0, std::move(out));
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Joins features.
static LogicalResult concatFeatures(Node &node,
                                    MutableArrayRef<Tensor> values) {
  Importer &importer = node.getImporter();
  if (failed(unifyOuter(node, values)) || failed(alignBases(node, values)))
    return failure();
  int64_t features = 0;
  SmallVector<Value> bases;
  for (const Tensor &value : values) {
    int64_t own = Importer::typeDim(value.dims.back());
    if (ShapedType::isDynamic(own))
      return node.error() << "joins features of dynamic number";
    features += own;
    bases.push_back(value.getBase());
  }
  Tensor out = values.front();
  out.dims.back() = importer.newGroup(features);
  out.axes.back() = out.dims.back();
  if (failed(importer.setAxis(out.dims.back(), rnn::Axis::Feature,
                              [&] { return node.error(); })))
    return failure();
  out.parts.front() = rnn::ConcatOp::create(
      importer.getBuilder(), node.getLoc(), importer.typeOf(out.dims), bases,
      /*formats=*/nullptr);
  return node.setOutput(0, std::move(out));
}

/// Joins states of several layers on axis `axis`.
static LogicalResult concatStates(Node &node, ArrayRef<Tensor> values,
                                  int64_t axis) {
  Importer &importer = node.getImporter();
  auto error = [&] { return node.error(); };
  Tensor out;
  for (const Tensor &value : values) {
    for (const Factor &factor : value.axes[axis])
      if (std::optional<rnn::Axis> known = importer.getAxis(factor);
          known == rnn::Axis::Time || known == rnn::Axis::Batch)
        return node.error() << "joins values on the axis that counts "
                            << rnn::stringifyAxis(*known)
                            << "; supported are features and states";
    Tensor turned = value;
    std::rotate(turned.axes.begin(), turned.axes.begin() + axis,
                turned.axes.begin() + axis + 1);
    FailureOr<Tensor> stacked =
        importer.toStacked(turned, node.getLoc(), error);
    if (failed(stacked))
      return failure();
    if (out.parts.empty()) {
      out = std::move(*stacked);
      continue;
    }
    if (failed(importer.unify(out.dims[0], stacked->dims[0], error)))
      return failure();
    if (Importer::typeDim(out.dims[1]) != Importer::typeDim(stacked->dims[1]))
      return node.error() << "joins states of "
                          << Importer::typeDim(out.dims[1]) << " and "
                          << Importer::typeDim(stacked->dims[1]) << " cells";
    llvm::append_range(out.parts, stacked->parts);
  }
  Group layers = importer.newGroup(static_cast<int64_t>(out.parts.size()));
  if (failed(importer.setAxis(layers, rnn::Axis::Layer, error)))
    return failure();
  if (!layers.empty())
    out.layer = layers.front();
  out.axes = {layers, out.dims[0], out.dims[1]};
  std::rotate(out.axes.begin(), out.axes.begin() + 1,
              out.axes.begin() + axis + 1);
  return node.setOutput(0, std::move(out));
}

LogicalResult hcgs::frontend::importConcat(Node &node) {
  std::vector<Tensor> values;
  for (size_t i = 0; i < node.getNumInputs(); ++i) {
    FailureOr<const Tensor *> value = node.getTensor(i, "inputs");
    if (failed(value))
      return failure();
    values.push_back(**value);
    if (values.back().getRank() != values.front().getRank())
      return node.error() << "joins values of rank " << values.front().getRank()
                          << " and " << values.back().getRank();
  }
  FailureOr<int64_t> axis = node.getInt("axis", 1);
  if (failed(axis))
    return failure();
  int64_t rank = static_cast<int64_t>(values.front().getRank());
  if (failed(axis = normalizeAxis(node, *axis, rank)))
    return failure();
  return *axis == rank - 1 ? concatFeatures(node, values)
                           : concatStates(node, values, *axis);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// ONNX's name of an activation and its parameters' defaults as an operator.
namespace {
struct ActivationOp {
  const char *name;
  Activation kind;
  float alpha, beta;
};
} // namespace

static constexpr ActivationOp kActivations[] = {
    {"Elu", Activation::Elu, 1.0f, 0.0f},
    {"HardSigmoid", Activation::HardSigmoid, 0.2f, 0.5f},
    {"LeakyRelu", Activation::LeakyRelu, 0.01f, 0.0f},
    {"Relu", Activation::Relu, 0.0f, 0.0f},
    {"Sigmoid", Activation::Sigmoid, 0.0f, 0.0f},
    {"Softplus", Activation::Softplus, 0.0f, 0.0f},
    {"Softsign", Activation::Softsign, 0.0f, 0.0f},
    {"Tanh", Activation::Tanh, 0.0f, 0.0f},
    {"ThresholdedRelu", Activation::ThresholdedRelu, 1.0f, 0.0f},
};

LogicalResult hcgs::frontend::importActivation(Node &node) {
  const ActivationOp *op =
      llvm::find_if(kActivations, [&](const ActivationOp &row) {
        return row.name == node.getOp();
      });
  FailureOr<const Tensor *> x = node.getTensor(0, "X");
  if (failed(x))
    return failure();
  Importer &importer = node.getImporter();
  OpBuilder &builder = importer.getBuilder();
  // Up to opset 5 this hinted at in-place computation.
  if (importer.getOpset() < 6)
    node.ignoreAttr("consumed_inputs");
  FloatAttr alpha, beta;
  if (fx::usesAlpha(op->kind)) {
    FailureOr<float> value = node.getFloat("alpha", op->alpha);
    if (failed(value))
      return failure();
    alpha = builder.getF32FloatAttr(*value);
  }
  if (fx::usesBeta(op->kind)) {
    FailureOr<float> value = node.getFloat("beta", op->beta);
    if (failed(value))
      return failure();
    beta = builder.getF32FloatAttr(*value);
  }
  FailureOr<Tensor> in = importer.withFeaturesLast(
      **x, node.getLoc(), [&] { return node.error(); });
  if (failed(in))
    return failure();
  Tensor out = *in;
  out.parts.front() = rnn::ActOp::create(
      builder, node.getLoc(), in->getBase().getType(), op->kind, in->getBase(),
      alpha, beta, /*formats=*/nullptr);
  return node.setOutput(0, std::move(out));
}

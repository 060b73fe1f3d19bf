// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the operations with weights.

#include "RNNVerify.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

using namespace mlir;
using namespace hcgs::rnn;
using hcgs::fx::Activation;

//===----------------------------------------------------------------------===//
// Shared checks (RNNVerify.h)
//===----------------------------------------------------------------------===//

static void printShape(InFlightDiagnostic &diag, ArrayRef<int64_t> shape) {
  diag << "[";
  llvm::interleave(
      shape,
      [&](int64_t dim) {
        if (ShapedType::isDynamic(dim))
          diag << "?";
        else
          diag << dim;
      },
      [&] { diag << ", "; });
  diag << "]";
}

bool hcgs::rnn::compatibleDims(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

LogicalResult hcgs::rnn::verifyShape(Operation *op, StringRef name, Type type,
                                     ArrayRef<int64_t> expected) {
  ArrayRef<int64_t> found = cast<ShapedType>(type).getShape();
  bool same = found.size() == expected.size();
  for (size_t i = 0; same && i < found.size(); ++i)
    same = compatibleDims(found[i], expected[i]);
  if (same)
    return success();
  InFlightDiagnostic diag = op->emitOpError();
  diag << name << " has shape ";
  printShape(diag, found);
  diag << ", expected ";
  printShape(diag, expected);
  return diag;
}

LogicalResult hcgs::rnn::verifyActivation(Operation *op, Activation kind,
                                          bool hasAlpha, bool hasBeta) {
  auto check = [&](bool uses, bool has, StringRef name) -> LogicalResult {
    if (uses && !has)
      return op->emitOpError()
             << fx::stringifyActivation(kind) << " needs " << name;
    if (!uses && has)
      return op->emitOpError()
             << fx::stringifyActivation(kind) << " takes no " << name;
    return success();
  };
  if (failed(check(fx::usesAlpha(kind), hasAlpha, "alpha")) ||
      failed(check(fx::usesBeta(kind), hasBeta, "beta")))
    return failure();
  return success();
}

LogicalResult hcgs::rnn::verifyTableKind(Operation *op, fx::PwlAttr table,
                                         Activation kind, StringRef name) {
  if (table.getKind() != kind)
    return op->emitOpError()
           << "formats give " << name << " the table of "
           << fx::stringifyActivation(table.getKind()) << ", but it computes "
           << fx::stringifyActivation(kind);
  return success();
}

//===----------------------------------------------------------------------===//
// WeightOp
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  ShapedType type = getResult().getType();
  if (!type.hasStaticShape())
    return emitOpError("must have a static shape, found ") << type;
  if (type.getNumElements() == 0)
    return emitOpError("has no elements: ") << type;
  if (!getSparsityAttr())
    return success();
  if (type.getRank() < 2)
    return emitOpError("a block pattern needs a matrix, found ") << type;
  const int64_t gates = type.getRank() == 3 ? kNumGates : 1;
  const int64_t rows = type.getDimSize(type.getRank() - 2) / gates;
  const int64_t cols = type.getDimSize(type.getRank() - 1);
  if (auto circulant = dyn_cast<fx::CirculantAttr>(getSparsityAttr())) {
    if (circulant.getBlock() > std::max(rows, cols))
      return emitOpError("has circulant blocks of ")
             << circulant.getBlock() << ", which are larger than the matrix of "
             << rows << " x " << cols;
    return success();
  }
  auto blocks = cast<fx::SparsityAttr>(getSparsityAttr());
  if (blocks.getSeparate() && blocks.hasMap() &&
      static_cast<int64_t>(blocks.getMaps().size()) != gates)
    return emitOpError("has ")
           << blocks.getMaps().size() << " separate maps for " << gates
           << (gates == 1 ? " gate" : " gates");
  return success();
}

//===----------------------------------------------------------------------===//
// LSTMOp
//===----------------------------------------------------------------------===//

void LSTMOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getY(), "y");
  setName(getYH(), "y_h");
  setName(getYC(), "y_c");
}

Activation LSTMOp::getActivation(unsigned direction, unsigned index) {
  if (std::optional<ArrayAttr> list = getActivations())
    return cast<fx::ActivationAttr>((*list)[3 * direction + index]).getValue();
  return index == 0 ? Activation::Sigmoid : Activation::Tanh;
}

LogicalResult LSTMOp::verify() {
  int64_t dirs = getNumDirections(), hidden = getHiddenSize();
  int64_t inputs = getInputSize();
  if (ShapedType::isDynamic(inputs))
    return emitOpError("the feature axis of x must be static");
  bool batchFirst = getLayout() == 1;
  int64_t time = getX().getType().getDimSize(batchFirst ? 1 : 0);
  int64_t batch = getX().getType().getDimSize(batchFirst ? 0 : 1);
  auto ordered = [&](int64_t first, int64_t second, int64_t last) {
    return batchFirst ? SmallVector<int64_t>{second, first, last}
                      : SmallVector<int64_t>{first, second, last};
  };
  auto check = [&](StringRef name, Value value,
                   ArrayRef<int64_t> expected) -> LogicalResult {
    return value ? verifyShape(*this, name, value.getType(), expected)
                 : success();
  };
  if (failed(check("w", getW(), {dirs, 4 * hidden, inputs})) ||
      failed(check("r", getR(), {dirs, 4 * hidden, hidden})) ||
      failed(check("bias", getBias(), {dirs, 8 * hidden})) ||
      failed(check("sequence_lens", getSequenceLens(), {batch})) ||
      failed(check("peepholes", getPeepholes(), {dirs, 3 * hidden})))
    return failure();
  for (auto [name, state] : {std::pair("initial_h", getInitialH()),
                             std::pair("initial_c", getInitialC())}) {
    if (!state)
      continue;
    // One state may serve all sequences of the batch.
    int64_t rows =
        cast<ShapedType>(state.getType()).getDimSize(batchFirst ? 0 : 1);
    if (failed(
            check(name, state, ordered(dirs, rows == 1 ? 1 : batch, hidden))))
      return failure();
  }
  if (failed(check("y", getY(), ordered(time, batch, dirs * hidden))) ||
      failed(check("y_h", getYH(), ordered(dirs, batch, hidden))) ||
      failed(check("y_c", getYC(), ordered(dirs, batch, hidden))))
    return failure();

  size_t functions = 3 * dirs;
  if (getActivations() && getActivations()->size() != functions)
    return emitOpError("expected ")
           << functions << " activations, three per direction, found "
           << getActivations()->size();
  auto parameters = [&](std::optional<ArrayRef<float>> values,
                        StringRef name) -> LogicalResult {
    if (values && values->size() != functions)
      return emitOpError() << name << " has " << values->size()
                           << " entries, expected " << functions
                           << ", one per activation";
    return success();
  };
  if (failed(parameters(getActivationAlpha(), "activation_alpha")) ||
      failed(parameters(getActivationBeta(), "activation_beta")))
    return failure();
  if (getClip() && !(getClip()->convertToFloat() > 0.0f))
    return emitOpError("clip must be positive, found ")
           << getClip()->convertToFloat();

  if (std::optional<LSTMFormatsAttr> formats = getFormats()) {
    if (dirs != 1)
      return emitOpError("formats describe one direction; split the layer with "
                         "--rnn-split-directions first");
    for (auto [gate, table] : llvm::enumerate(formats->getGates()))
      if (failed(verifyTableKind(*this, table,
                                 getActivation(0, gate == GateG ? 1 : 0),
                                 (Twine("gate ") + gateName(gate)).str())))
        return failure();
    if (failed(verifyTableKind(*this, formats->getCell(), getActivation(0, 2),
                               "the cell")))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  ShapedType x = getX().getType(), w = getW().getType();
  int64_t inputs = x.getShape().back(), outputs = w.getDimSize(0);
  if (ShapedType::isDynamic(inputs))
    return emitOpError("the feature axis of x must be static");
  if (failed(verifyShape(*this, "w", w, {outputs, inputs})))
    return failure();
  if (getBias() &&
      failed(verifyShape(*this, "bias", getBias().getType(), {outputs})))
    return failure();
  SmallVector<int64_t> expected(x.getShape());
  expected.back() = outputs;
  if (failed(verifyShape(*this, "y", getY().getType(), expected)))
    return failure();
  Activation kind = getActivation().value_or(Activation::Identity);
  if (failed(verifyActivation(*this, kind, getAlpha().has_value(),
                              getBeta().has_value())))
    return failure();
  if (getFormats() && getFormats()->getAct())
    return verifyTableKind(*this, getFormats()->getAct(), kind, "y");
  if (getFormats() && kind != Activation::Identity)
    return emitOpError("formats lack the table of ")
           << fx::stringifyActivation(kind);
  return success();
}

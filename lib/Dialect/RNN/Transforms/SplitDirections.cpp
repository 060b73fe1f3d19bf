// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-split-directions: one layer per direction of time.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/PatternMatch.h"

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNSPLITDIRECTIONS
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs::rnn;

/// Part `index` of `value`, cut into two equal halves on its first axis. A
/// resource's half is a view of the same bytes.
static FailureOr<ElementsAttr> halve(Operation *op, ElementsAttr value,
                                     unsigned index) {
  ShapedType type = value.getShapedType();
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  auto half = RankedTensorType::get(shape, type.getElementType());
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    if (dense.isSplat())
      return ElementsAttr(
          DenseElementsAttr::getFromRawBuffer(half, dense.getRawData()));
    size_t bytes = dense.getRawData().size() / 2;
    return ElementsAttr(DenseElementsAttr::getFromRawBuffer(
        half, dense.getRawData().slice(index * bytes, bytes)));
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  if (!resource)
    return op->emitOpError("has a value that is neither dense nor a resource");
  DenseResourceElementsHandle handle = resource.getRawHandle();
  AsmResourceBlob *blob = handle.getBlob();
  if (!blob)
    return op->emitOpError("names the resource '")
           << handle.getKey() << "', which has no data";
  size_t bytes = blob->getData().size() / 2;
  // The whole blob stays registered with the dialect for as long as the
  // context lives, so a view of it cannot dangle.
  auto deleter = [](void *, size_t, size_t) {};
  AsmResourceBlob view(blob->getData().slice(index * bytes, bytes),
                       blob->getDataAlignment(), deleter,
                       /*dataIsMutable=*/false);
  return ElementsAttr(DenseResourceElementsAttr::get(
      half, (handle.getKey() + (index ? ".reverse" : ".forward")).str(),
      std::move(view)));
}

namespace {

struct SplitDirections
    : hcgs::rnn::impl::RNNSplitDirectionsBase<SplitDirections> {
  using RNNSplitDirectionsBase::RNNSplitDirectionsBase;

  void runOnOperation() override {
    SmallVector<LSTMOp> layers;
    getOperation()->walk([&](LSTMOp op) {
      if (op.getDirection() == Direction::Bidirectional)
        layers.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (LSTMOp op : layers)
      if (failed(split(op, rewriter)))
        return signalPassFailure();
  }

private:
  LogicalResult split(LSTMOp op, IRRewriter &rewriter);

  /// The weight of direction `index`; null stays null.
  static FailureOr<Value> halfWeight(LSTMOp op, Value weight, StringRef name,
                                     unsigned index, IRRewriter &rewriter);

  /// The initial state of direction `index`; null stays null.
  static FailureOr<Value> halfState(LSTMOp op, Value state, unsigned index,
                                    IRRewriter &rewriter);
};

} // namespace

FailureOr<Value> SplitDirections::halfWeight(LSTMOp op, Value weight,
                                             StringRef name, unsigned index,
                                             IRRewriter &rewriter) {
  if (!weight)
    return weight;
  auto constant = weight.getDefiningOp<WeightOp>();
  if (!constant)
    return op.emitOpError() << name
                            << " must be an rnn.weight to be split by "
                               "direction";
  auto pattern =
      dyn_cast_or_null<hcgs::fx::SparsityAttr>(constant.getSparsityAttr());
  if (pattern && pattern.hasMap())
    return op.emitOpError() << name
                            << " has a block map, which describes one "
                               "direction; split directions before blocks are "
                               "chosen";
  FailureOr<ElementsAttr> value = halve(constant, constant.getValue(), index);
  if (failed(value))
    return failure();
  return WeightOp::create(rewriter, constant.getLoc(), *value,
                          constant.getSparsityAttr(),
                          constant.getProvenanceAttr())
      .getResult();
}

FailureOr<Value> SplitDirections::halfState(LSTMOp op, Value state,
                                            unsigned index,
                                            IRRewriter &rewriter) {
  if (!state)
    return state;
  if (state.getDefiningOp<WeightOp>())
    return halfWeight(op, state, "an initial state", index, rewriter);
  auto type = cast<RankedTensorType>(state.getType());
  auto one = RankedTensorType::get(type.getShape().drop_front(),
                                   type.getElementType());
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  Value entry = UnstackOp::create(rewriter, op.getLoc(), one, state, index);
  return StackOp::create(rewriter, op.getLoc(),
                         RankedTensorType::get(shape, type.getElementType()),
                         ValueRange(entry))
      .getResult();
}

LogicalResult SplitDirections::split(LSTMOp op, IRRewriter &rewriter) {
  if (op.getLayout() != 0)
    return op.emitOpError("has layout 1; transpose it to layout 0 before its "
                          "directions are split");
  rewriter.setInsertionPoint(op);
  auto sliced = [](Type type, unsigned axis, int64_t dim) {
    auto tensor = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape(tensor.getShape());
    shape[axis] = dim;
    return RankedTensorType::get(shape, tensor.getElementType());
  };
  Type yType = sliced(op.getY().getType(), 2, op.getHiddenSize());
  Type hType = sliced(op.getYH().getType(), 0, 1);
  Type cType = sliced(op.getYC().getType(), 0, 1);

  SmallVector<LSTMOp> halves;
  for (unsigned index : {0u, 1u}) {
    FailureOr<Value> w = halfWeight(op, op.getW(), "w", index, rewriter);
    FailureOr<Value> r = halfWeight(op, op.getR(), "r", index, rewriter);
    FailureOr<Value> b = halfWeight(op, op.getBias(), "bias", index, rewriter);
    FailureOr<Value> p =
        halfWeight(op, op.getPeepholes(), "peepholes", index, rewriter);
    FailureOr<Value> h = halfState(op, op.getInitialH(), index, rewriter);
    FailureOr<Value> c = halfState(op, op.getInitialC(), index, rewriter);
    if (failed(w) || failed(r) || failed(b) || failed(p) || failed(h) ||
        failed(c))
      return failure();
    ArrayAttr activations;
    if (op.getActivations())
      activations = rewriter.getArrayAttr(
          op.getActivations()->getValue().slice(3 * index, 3));
    auto parameters = [&](std::optional<ArrayRef<float>> values) {
      return values ? rewriter.getDenseF32ArrayAttr(values->slice(3 * index, 3))
                    : DenseF32ArrayAttr();
    };
    halves.push_back(LSTMOp::create(
        rewriter, op.getLoc(), TypeRange{yType, hType, cType}, op.getX(), *w,
        *r, *b, op.getSequenceLens(), *h, *c, *p,
        index ? Direction::Reverse : Direction::Forward, op.getHiddenSize(),
        activations, parameters(op.getActivationAlpha()),
        parameters(op.getActivationBeta()), op.getClipAttr(),
        op.getInputForget(), /*layout=*/0, /*formats=*/nullptr));
  }

  Value y = ConcatOp::create(rewriter, op.getLoc(), op.getY().getType(),
                             ValueRange{halves[0].getY(), halves[1].getY()},
                             /*formats=*/nullptr);
  auto join = [&](Value first, Value second, Type type) -> Value {
    auto entryType = cast<RankedTensorType>(first.getType());
    auto one = RankedTensorType::get(entryType.getShape().drop_front(),
                                     entryType.getElementType());
    Value a = UnstackOp::create(rewriter, op.getLoc(), one, first, 0);
    Value b = UnstackOp::create(rewriter, op.getLoc(), one, second, 0);
    return StackOp::create(rewriter, op.getLoc(), type, ValueRange{a, b});
  };
  Value yH = join(halves[0].getYH(), halves[1].getYH(), op.getYH().getType());
  Value yC = join(halves[0].getYC(), halves[1].getYC(), op.getYC().getType());
  SmallVector<Operation *> weights;
  for (Value operand : op->getOperands())
    if (auto weight = operand.getDefiningOp<WeightOp>())
      weights.push_back(weight);
  rewriter.replaceOp(op, {y, yH, yC});
  for (Operation *weight :
       llvm::SetVector<Operation *>(weights.begin(), weights.end()))
    if (weight->use_empty())
      rewriter.eraseOp(weight);
  return success();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonicalisation patterns of the rnn dialect. They serve the canonical form
// of docs/Rationale/IR.md: renaming of axes moves to the function's arguments
// or to its return, activations move into linear layers, and the last step of a
// layer becomes its final state.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace hcgs::rnn;
using hcgs::fx::Activation;

/// Number of leading operands of `op` that are values (not weights) if `op`
/// works on single elements or on the last axis only, else 0. Such an operation
/// commutes with everything that leaves the last axis alone.
static size_t numFeatureOperands(Operation *op) {
  if (isa_and_nonnull<ActOp, LinearOp>(op))
    return 1;
  if (isa_and_nonnull<AddOp, ConcatOp>(op))
    return op->getNumOperands();
  return 0;
}

/// True if `value` is computed from function arguments without a layer in
/// between that knows which axis is time.
static bool comesFromArguments(Value value) {
  if (isa<BlockArgument>(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (isa<TransposeOp, SqueezeOp, UnsqueezeOp>(op))
    return comesFromArguments(op->getOperand(0));
  size_t count = numFeatureOperands(op);
  return count > 0 &&
         llvm::all_of(op->getOperands().take_front(count), comesFromArguments);
}

/// `type` with the axes of a renaming applied (transpose, unsqueeze) or, for
/// last_step, the first axis dropped.
static RankedTensorType renamed(Operation *renaming, RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  if (auto transpose = dyn_cast<TransposeOp>(renaming)) {
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
      shape[to] = type.getDimSize(from);
  } else if (auto unsqueeze = dyn_cast<UnsqueezeOp>(renaming)) {
    shape.insert(shape.begin() + unsqueeze.getAxis(), 1);
  } else {
    shape.erase(shape.begin());
  }
  return RankedTensorType::get(shape, type.getElementType());
}

/// True if `renaming` leaves the last axis the last.
static bool keepsLastAxis(TransposeOp renaming) {
  ArrayRef<int64_t> permutation = renaming.getPermutation();
  return !permutation.empty() &&
         permutation.back() == static_cast<int64_t>(permutation.size()) - 1;
}
static bool keepsLastAxis(UnsqueezeOp renaming) {
  return static_cast<int64_t>(renaming.getAxis()) <
         renaming.getY().getType().getRank() - 1;
}

/// renaming(f(a, ...)) -> f(renaming(a), ...): replaces `renaming`, whose
/// operand `producer` computes from `count` values.
static void moveAbove(Operation *renaming, Operation *producer, size_t count,
                      PatternRewriter &rewriter) {
  IRMapping operands;
  for (Value in : producer->getOperands().take_front(count)) {
    if (operands.contains(in))
      continue;
    IRMapping source;
    source.map(renaming->getOperand(0), in);
    Operation *moved = rewriter.clone(*renaming, source);
    moved->getResult(0).setType(
        renamed(renaming, cast<RankedTensorType>(in.getType())));
    operands.map(in, moved->getResult(0));
  }
  Operation *computed = rewriter.clone(*producer, operands);
  computed->getResult(0).setType(renaming->getResult(0).getType());
  rewriter.replaceOp(renaming, computed->getResults());
}

/// True if operations on features exist for values of this rank.
static bool hasFeatureRank(Type type) {
  int64_t rank = cast<RankedTensorType>(type).getRank();
  return rank == 2 || rank == 3;
}

namespace {

/// A renaming that comes from function arguments moves up to them.
template <typename RenamingOp>
struct HoistRenaming : OpRewritePattern<RenamingOp> {
  using OpRewritePattern<RenamingOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(RenamingOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getX().getDefiningOp();
    size_t count = numFeatureOperands(producer);
    // With another user the producer would have to stay as well.
    if (count == 0 || !producer->hasOneUse() || !keepsLastAxis(op) ||
        !hasFeatureRank(op.getY().getType()) || !comesFromArguments(op.getX()))
      return failure();
    moveAbove(op, producer, count, rewriter);
    return success();
  }
};

/// A transpose of a layer's output moves down to the return:
/// f(transpose(a), ...) -> transpose(f(a, ...)), all operands renamed alike.
struct SinkTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!keepsLastAxis(op) || !op->hasOneUse() || comesFromArguments(op.getX()))
      return failure();
    Operation *user = *op->user_begin();
    size_t count = numFeatureOperands(user);
    if (count == 0)
      return failure();
    IRMapping operands;
    for (Value in : user->getOperands().take_front(count)) {
      auto transpose = in.getDefiningOp<TransposeOp>();
      if (!transpose || transpose.getPermutation() != op.getPermutation())
        return failure();
      operands.map(in, transpose.getX());
    }
    auto type = cast<RankedTensorType>(user->getResult(0).getType());
    SmallVector<int64_t> shape(type.getRank());
    for (auto [to, from] : llvm::enumerate(op.getPermutation()))
      shape[from] = type.getDimSize(to);
    rewriter.setInsertionPoint(user);
    Operation *computed = rewriter.clone(*user, operands);
    computed->getResult(0).setType(
        RankedTensorType::get(shape, type.getElementType()));
    rewriter.replaceOpWithNewOp<TransposeOp>(user, type, computed->getResult(0),
                                             op.getPermutation());
    return success();
  }
};

/// transpose(transpose(x)) -> transpose(x).
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> permutation;
    for (int64_t axis : op.getPermutation())
      permutation.push_back(inner.getPermutation()[axis]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getX(),
                                             permutation);
    return success();
  }
};

/// The last step of a forward layer is its final state.
struct LastStepIsFinalState : OpRewritePattern<LastStepOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LastStepOp op,
                                PatternRewriter &rewriter) const override {
    auto lstm = op.getX().getDefiningOp<LSTMOp>();
    if (!lstm || op.getX() != lstm.getY() ||
        lstm.getDirection() != Direction::Forward || lstm.getLayout() != 0 ||
        lstm.getSequenceLens())
      return failure();
    rewriter.replaceOpWithNewOp<UnstackOp>(op, op.getType(), lstm.getYH(), 0);
    return success();
  }
};

/// last_step(f(x)) -> f(last_step(x)): less work, and nearer to the layer.
struct HoistLastStep : OpRewritePattern<LastStepOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LastStepOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getX().getDefiningOp();
    size_t count = numFeatureOperands(producer);
    if (count == 0 || !producer->hasOneUse())
      return failure();
    moveAbove(op, producer, count, rewriter);
    return success();
  }
};

/// act(linear(x)) -> linear with the activation.
struct FuseActivation : OpRewritePattern<ActOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ActOp op,
                                PatternRewriter &rewriter) const override {
    auto linear = op.getX().getDefiningOp<LinearOp>();
    if (!linear || !linear->hasOneUse() || linear.getActivation() ||
        linear.getFormats() || op.getFormats())
      return failure();
    auto fused = LinearOp::create(
        rewriter, rewriter.getFusedLoc({linear.getLoc(), op.getLoc()}),
        op.getType(), linear.getX(), linear.getW(), linear.getBias(),
        op.getKindAttr(), op.getAlphaAttr(), op.getBetaAttr(),
        /*formats=*/nullptr);
    rewriter.replaceOp(op, fused);
    return success();
  }
};

/// concat(a, concat(b, c)) -> concat(a, b, c).
struct FlattenConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getFormats())
      return failure();
    SmallVector<Value> ins;
    for (Value in : op.getIns()) {
      auto inner = in.getDefiningOp<ConcatOp>();
      if (inner && !inner.getFormats() && inner->hasOneUse())
        llvm::append_range(ins, inner.getIns());
      else
        ins.push_back(in);
    }
    if (ins.size() == op.getIns().size())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getInsMutable().assign(ins); });
    return success();
  }
};

} // namespace

void ActOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<FuseActivation>(context);
}

void ConcatOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FlattenConcat>(context);
}

void LastStepOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<LastStepIsFinalState, HoistLastStep>(context);
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeTransposes, HoistRenaming<TransposeOp>, SinkTranspose>(
      context);
}

void UnsqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<HoistRenaming<UnsqueezeOp>>(context);
}

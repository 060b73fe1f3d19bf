// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-verify-canonical: the invariant between import and compression. The rules
// are numbered as in the pass description and docs/Rationale/IR.md.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNVERIFYCANONICAL
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs::rnn;

/// True if `op` renames axes.
static bool isRenaming(Operation *op) {
  return isa<TransposeOp, SqueezeOp, UnsqueezeOp, SplitDirectionsOp>(op);
}

/// True if only renamings stand between a function argument and `value`.
static bool isRenamedArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isRenaming(op))
      return false;
    value = op->getOperand(0);
  }
  return true;
}

/// True if `value` reaches nothing but the return, through renamings.
static bool isRenamedResult(Value value) {
  return llvm::all_of(value.getUsers(), [](Operation *user) {
    return user->hasTrait<OpTrait::IsTerminator>() ||
           (isRenaming(user) && isRenamedResult(user->getResult(0)));
  });
}

/// Rule 1.
static LogicalResult verifyLayer(LSTMOp op) {
  if (op.getDirection() == Direction::Bidirectional)
    return op.emitOpError("is bidirectional; run --rnn-split-directions first");
  if (op.getLayout() != 0)
    return op.emitOpError("has layout ")
           << op.getLayout() << "; the canonical form has layout 0, with "
           << "rnn.transpose at the boundary of the function";
  return success();
}

/// Rule 2.
static LogicalResult verifyRenaming(Operation *op) {
  bool before = isRenamedArgument(op->getOperand(0));
  if (isRenamedResult(op->getResult(0)) ||
      (before && !isa<SplitDirectionsOp>(op)))
    return success();
  return op->emitOpError("renames axes inside the model; it may only stand "
                         "directly behind a function argument or directly "
                         "before the return");
}

/// Rule 3.
static LogicalResult verifyLastStep(LastStepOp op) {
  auto lstm = op.getX().getDefiningOp<LSTMOp>();
  if (lstm && lstm.getDirection() == Direction::Forward &&
      !lstm.getSequenceLens())
    return op.emitOpError("reads the output of a forward layer; canonicalize "
                          "it to the final state");
  return success();
}

/// Rule 4.
static LogicalResult verifyActivation(ActOp op) {
  auto linear = op.getX().getDefiningOp<LinearOp>();
  if (linear && linear->hasOneUse() && !linear.getActivation())
    return op.emitOpError("stands behind a linear layer that could take it in; "
                          "canonicalize first");
  return success();
}

/// Rule 5.
static LogicalResult verifyWeight(Operation *op, Value weight, StringRef name) {
  if (weight && !weight.getDefiningOp<WeightOp>())
    return op->emitOpError() << name << " must be an rnn.weight";
  return success();
}

/// Rule 6.
static LogicalResult verifyState(LSTMOp op, Value state, StringRef name) {
  if (!state || state.getDefiningOp<WeightOp>())
    return success();
  if (auto stack = state.getDefiningOp<StackOp>();
      stack && stack.getIns().size() == 1)
    if (auto unstack = stack.getIns()[0].getDefiningOp<UnstackOp>())
      if (isRenamedArgument(unstack.getSource()))
        return success();
  // A single state needs not be taken apart.
  if (isRenamedArgument(state))
    return success();
  return op.emitOpError() << name
                          << " must be absent, an rnn.weight or an entry of a "
                             "function argument";
}

namespace {

struct VerifyCanonical
    : hcgs::rnn::impl::RNNVerifyCanonicalBase<VerifyCanonical> {
  using RNNVerifyCanonicalBase::RNNVerifyCanonicalBase;

  void runOnOperation() override {
    bool ok = true;
    auto check = [&](LogicalResult result) { ok &= succeeded(result); };
    getOperation()->walk([&](Operation *op) {
      if (auto lstm = dyn_cast<LSTMOp>(op)) {
        check(verifyLayer(lstm));
        check(verifyWeight(op, lstm.getW(), "w"));
        check(verifyWeight(op, lstm.getR(), "r"));
        check(verifyWeight(op, lstm.getBias(), "bias"));
        check(verifyWeight(op, lstm.getPeepholes(), "peepholes"));
        check(verifyState(lstm, lstm.getInitialH(), "initial_h"));
        check(verifyState(lstm, lstm.getInitialC(), "initial_c"));
      } else if (auto linear = dyn_cast<LinearOp>(op)) {
        check(verifyWeight(op, linear.getW(), "w"));
        check(verifyWeight(op, linear.getBias(), "bias"));
      } else if (auto weight = dyn_cast<WeightOp>(op)) {
        if (!weight->use_empty() && !weight->hasOneUse())
          check(op->emitOpError("has several users; give each its own"));
      } else if (auto lastStep = dyn_cast<LastStepOp>(op)) {
        check(verifyLastStep(lastStep));
      } else if (auto act = dyn_cast<ActOp>(op)) {
        check(verifyActivation(act));
      } else if (isRenaming(op)) {
        check(verifyRenaming(op));
      }
    });
    markAllAnalysesPreserved();
    if (!ok)
      signalPassFailure();
  }
};

} // namespace

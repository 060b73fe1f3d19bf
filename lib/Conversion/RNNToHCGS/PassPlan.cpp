// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which time loop computes which sequence value.

#include "PassPlan.h"
#include "Ports.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

bool tohcgs::isSequenceLayer(Operation *op) {
  return isa<rnn::LSTMOp>(op) ||
         (isa<rnn::LinearOp, rnn::ActOp, rnn::AddOp, rnn::ConcatOp>(op) &&
          cast<RankedTensorType>(op->getResult(0).getType()).getRank() == 3);
}

SmallVector<Value> tohcgs::getSequenceOperands(Operation *op) {
  SmallVector<Value> operands;
  if (auto lstm = dyn_cast<rnn::LSTMOp>(op))
    operands.push_back(getCore(lstm.getX()));
  else if (auto linear = dyn_cast<rnn::LinearOp>(op))
    operands.push_back(getCore(linear.getX()));
  else
    for (Value operand : op->getOperands())
      operands.push_back(getCore(operand));
  return operands;
}

PassPlan::PassPlan(func::FuncOp func) {
  SmallVector<Operation *> order;
  for (Operation &op : func.getBody().front())
    if (isSequenceLayer(&op)) {
      place(&op);
      order.push_back(&op);
    }

  // A concat is computed only if an operation of its pass reads the result;
  // readers come later in program order, so that of a reader is known.
  DenseSet<Value> read;
  for (Operation *op : llvm::reverse(order)) {
    Place &place = places[op->getResult(0)];
    if (isa<rnn::ConcatOp>(op) && !read.contains(op->getResult(0)))
      place.joined = true;
    if (place.joined)
      continue;
    for (Value operand : getSequenceOperands(op))
      if (const Place *made = find(operand))
        if (made->pass == place.pass)
          read.insert(operand);
  }

  layers.resize(numPasses);
  for (Operation *op : order) {
    const Place &place = places[op->getResult(0)];
    if (place.joined)
      continue; // what reads it reads columns of a stream
    layers[place.pass].push_back(op);
    for (Value operand : getSequenceOperands(op))
      if (const Place *made = find(operand))
        if (made->pass != place.pass)
          streamed.insert(operand);
  }
  for (auto last : func.getBody().front().getOps<rnn::LastStepOp>())
    if (Value operand = getCore(last.getX()); find(operand))
      streamed.insert(operand);
}

void PassPlan::place(Operation *op) {
  SmallVector<const Place *> made;
  Place place;
  for (Value operand : getSequenceOperands(op))
    if (const Place *from = find(operand)) {
      made.push_back(from);
      place.pass = std::max(place.pass, from->pass + (from->joined ? 1 : 0));
    }

  // The orders of the operands that this pass computes.
  bool forward = false, reversed = false;
  for (const Place *from : made)
    if (from->pass == place.pass && !from->joined)
      (from->reversed ? reversed : forward) = true;

  if (auto lstm = dyn_cast<rnn::LSTMOp>(op)) {
    place.reversed = lstm.getDirection() == rnn::Direction::Reverse;
    if (place.reversed ? forward : reversed)
      ++place.pass;
  } else if (forward && reversed) {
    if (isa<rnn::ConcatOp>(op))
      place.joined = true;
    else
      ++place.pass;
  } else {
    place.reversed = reversed;
  }
  numPasses = std::max(numPasses, place.pass + 1);
  places[op->getResult(0)] = place;
}

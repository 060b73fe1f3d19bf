// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules of the dataflow: shapes, formats and the symbols it names.

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

/// Looks `name` up as a declaration of kind OpT.
template <typename OpT>
static FailureOr<OpT> lookup(Operation *op, SymbolTableCollection &symbols,
                             FlatSymbolRefAttr name, StringRef kind) {
  if (auto decl = symbols.lookupNearestSymbolFrom<OpT>(op, name))
    return decl;
  return op->emitOpError("names ") << name << ", which is not an " << kind;
}

static LogicalResult verifyLayer(Operation *op, SymbolTableCollection &symbols,
                                 FlatSymbolRefAttr layer) {
  return lookup<LayerOp>(op, symbols, layer, "hcgs.layer");
}

/// An error about `op` with a note at the declaration it is measured against.
static LogicalResult mismatch(InFlightDiagnostic diag, Operation *decl) {
  diag.attachNote(decl->getLoc()) << "declared here";
  return diag;
}

//===----------------------------------------------------------------------===//
// ConstantOp
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::verify() {
  if (!getCodes())
    return success();
  VecType type = getResult().getType();
  if (static_cast<int64_t>(getCodes()->size()) != type.getSize())
    return emitOpError("has ")
           << getCodes()->size() << " codes, its type " << type.getSize();
  for (int64_t code : *getCodes())
    if (code < type.getElement().getMinCode() ||
        code > type.getElement().getMaxCode())
      return emitOpError("has the code ")
             << code << ", which does not fit " << type.getElement();
  return success();
}

/// Codes that are all zero are written `zero`.
LogicalResult ConstantOp::canonicalize(ConstantOp op,
                                       PatternRewriter &rewriter) {
  if (!op.getCodes() ||
      llvm::any_of(*op.getCodes(), [](int16_t code) { return code != 0; }))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.removeCodesAttr(); });
  return success();
}

//===----------------------------------------------------------------------===//
// ReadOp, WriteOp
//===----------------------------------------------------------------------===//

/// A step stream is read and written in the time loop (or outside it at its
/// last frame), a sequence stream outside.
static LogicalResult verifyFrames(Operation *op, StreamOp stream,
                                  Frames frames) {
  bool inLoop = isa<SequenceOp>(op->getParentOp());
  bool step = stream.getKind() == StreamKind::Step;
  if (inLoop && !step)
    return mismatch(op->emitOpError("is in a time loop, but ")
                        << SymbolRefAttr::get(stream)
                        << " has one frame a run; move it out of the loop",
                    stream);
  if (inLoop && frames == Frames::Last)
    return op->emitOpError("the last frame is only known outside time loops");
  if (!inLoop && step && frames != Frames::Last)
    return mismatch(op->emitOpError("is outside time loops, but ")
                        << SymbolRefAttr::get(stream)
                        << " has a frame a step; only its 'last' is meant "
                           "here",
                    stream);
  if (!step && frames != Frames::Forward)
    return mismatch(op->emitOpError("asks for a frame '")
                        << stringifyFrames(frames) << "' of "
                        << SymbolRefAttr::get(stream)
                        << ", which has one frame",
                    stream);
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<StreamOp> stream =
      lookup<StreamOp>(*this, symbols, getStreamAttr(), "hcgs.stream");
  if (failed(stream))
    return failure();
  if (getResult().getType() != stream->getFrameType())
    return mismatch(emitOpError("reads ")
                        << getResult().getType() << ", but frames are "
                        << stream->getFrameType(),
                    *stream);
  return verifyFrames(*this, *stream, getFrames());
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<StreamOp> stream =
      lookup<StreamOp>(*this, symbols, getStreamAttr(), "hcgs.stream");
  if (failed(stream))
    return failure();
  if (stream->getDirection() == StreamDirection::In)
    return mismatch(emitOpError("writes a stream that the host fills"),
                    *stream);
  VecType value = getValue().getType(), frame = stream->getFrameType();
  if (value.getElement() != frame.getElement())
    return mismatch(emitOpError("writes ")
                        << value.getElement() << " into a stream of "
                        << frame.getElement(),
                    *stream);
  int64_t end = getAt() + value.getSize();
  if (end > frame.getSize())
    return mismatch(emitOpError("writes elements ")
                        << getAt() << " to " << end - 1 << " of frames of "
                        << frame.getSize(),
                    *stream);
  if (getFrames() == Frames::Last)
    return emitOpError("cannot write the last frame alone");
  return verifyFrames(*this, *stream, getFrames());
}

//===----------------------------------------------------------------------===//
// MvmOp, VmacOp, VaccOp
//===----------------------------------------------------------------------===//

LogicalResult MvmOp::verify() {
  if (getBias() && getAcc())
    return emitOpError("starts with a bias and an accumulator; the bias "
                       "belongs to the product that comes first");
  if (getAcc() && getAcc().getType() != getResult().getType())
    return emitOpError("continues ")
           << getAcc().getType() << " as " << getResult().getType();
  for (int64_t shift : getShifts())
    if (shift < 0 || shift > 15)
      return emitOpError("left shift ") << shift << " is not within 0..15";
  return success();
}

LogicalResult MvmOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<MatrixOp> matrix =
      lookup<MatrixOp>(*this, symbols, getMatrixAttr(), "hcgs.matrix");
  if (failed(matrix) || failed(verifyLayer(*this, symbols, getLayerAttr())))
    return failure();
  VecType input = getInput().getType();
  AccType acc = getResult().getType();
  int64_t gates = matrix->getGates(), rows = matrix->getRows(),
          cols = matrix->getCols();
  if (input.getSize() != cols)
    return mismatch(emitOpError("multiplies a vector of ")
                        << input.getSize() << " with a matrix of " << cols
                        << " columns",
                    *matrix);
  if (acc.getGates() != gates || acc.getRows() != rows)
    return mismatch(emitOpError("gives ")
                        << acc.getGates() << "x" << acc.getRows()
                        << " accumulators from a matrix of " << gates
                        << " gates and " << rows << " rows",
                    *matrix);
  if (static_cast<int64_t>(getShifts().size()) != gates)
    return emitOpError("has ")
           << getShifts().size() << " shifts for " << gates << " gates";
  for (int64_t g = 0; g < gates; ++g) {
    int64_t fraction = matrix->getWeights().getExps()[g] + input.getFraction() +
                       getShifts()[g];
    if (fraction != acc.getFractions()[g])
      return mismatch(
          emitOpError("gate ")
              << g << ": exponent " << matrix->getWeights().getExps()[g]
              << " + input fraction " << input.getFraction() << " + shift "
              << getShifts()[g] << " is " << fraction
              << ", but the accumulator has fraction " << acc.getFractions()[g],
          *matrix);
  }
  if (getBias() && !matrix->getBias())
    return mismatch(emitOpError("starts with a bias that ")
                        << getMatrixAttr() << " does not have",
                    *matrix);
  return success();
}

/// The result of an element operation: one gate of `size` rows with
/// `fraction`, the type of the accumulator it continues.
static LogicalResult verifyElements(Operation *op, Value acc, AccType result,
                                    int64_t size, int64_t fraction) {
  if (result.getGates() != 1 || result.getRows() != size)
    return op->emitOpError("gives ")
           << result.getGates() << "x" << result.getRows()
           << " accumulators from vectors of " << size;
  if (result.getFractions()[0] != fraction)
    return op->emitOpError("gives fraction ")
           << fraction << ", but the accumulator has "
           << result.getFractions()[0];
  if (acc && acc.getType() != result)
    return op->emitOpError("continues ") << acc.getType() << " as " << result;
  return success();
}

LogicalResult VmacOp::verify() {
  VecType a = getA().getType(), b = getB().getType();
  if (a.getSize() != b.getSize())
    return emitOpError("multiplies vectors of ")
           << a.getSize() << " and " << b.getSize() << " elements";
  return verifyElements(*this, getAcc(), getResult().getType(), a.getSize(),
                        a.getFraction() + b.getFraction() +
                            static_cast<int64_t>(getShl()));
}

LogicalResult VmacOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyLayer(*this, symbols, getLayerAttr());
}

LogicalResult VaccOp::verify() {
  VecType in = getInput().getType();
  return verifyElements(*this, getAcc(), getResult().getType(), in.getSize(),
                        in.getFraction() + static_cast<int64_t>(getShl()));
}

LogicalResult VaccOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyLayer(*this, symbols, getLayerAttr());
}

//===----------------------------------------------------------------------===//
// ActOp, RequantOp
//===----------------------------------------------------------------------===//

static LogicalResult verifyGate(Operation *op, AccType acc, int64_t gate,
                                VecType result) {
  if (gate >= acc.getGates())
    return op->emitOpError("reads gate ")
           << gate << " of accumulators of " << acc.getGates() << " gates";
  if (acc.getRows() != result.getSize())
    return op->emitOpError("makes a vector of ")
           << result.getSize() << " from " << acc.getRows() << " rows";
  return success();
}

LogicalResult ActOp::verify() {
  return verifyGate(*this, getAcc().getType(), getGate(),
                    getResult().getType());
}

LogicalResult ActOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<TableOp> table =
      lookup<TableOp>(*this, symbols, getTableAttr(), "hcgs.table");
  if (failed(table) || failed(verifyLayer(*this, symbols, getLayerAttr())))
    return failure();
  fx::PwlAttr function = table->getFunction();
  int64_t fraction = getAcc().getType().getFractions()[getGate()] - getShift();
  if (fraction != function.getIn().getFraction())
    return mismatch(emitOpError("gives the table fraction ")
                        << fraction << ", but it takes " << function.getIn(),
                    *table);
  if (getResult().getType().getElement() != function.getOut())
    return mismatch(emitOpError("makes ")
                        << getResult().getType().getElement()
                        << ", but the table gives " << function.getOut(),
                    *table);
  return success();
}

LogicalResult RequantOp::verify() {
  VecType result = getResult().getType();
  if (failed(verifyGate(*this, getAcc().getType(), getGate(), result)))
    return failure();
  int64_t fraction = getAcc().getType().getFractions()[getGate()] - getShift();
  if (fraction != result.getFraction())
    return emitOpError("gives fraction ")
           << fraction << ", but the result is " << result.getElement();
  return success();
}

LogicalResult RequantOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyLayer(*this, symbols, getLayerAttr());
}

//===----------------------------------------------------------------------===//
// ConcatOp
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::verify() {
  if (getInputs().empty())
    return emitOpError("joins no vectors");
  int64_t size = 0;
  for (Value input : getInputs()) {
    auto type = cast<VecType>(input.getType());
    if (type.getElement() != getResult().getType().getElement())
      return emitOpError("joins ")
             << type.getElement() << " into "
             << getResult().getType().getElement()
             << "; all inputs and the result have one format";
    size += type.getSize();
  }
  if (size != getResult().getType().getSize())
    return emitOpError("joins ") << size << " elements into a vector of "
                                 << getResult().getType().getSize();
  return success();
}

LogicalResult ConcatOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyLayer(*this, symbols, getLayerAttr());
}

/// Inner joins that nothing else reads become part of the outer one.
LogicalResult ConcatOp::canonicalize(ConcatOp op, PatternRewriter &rewriter) {
  SmallVector<Value> inputs;
  for (Value input : op.getInputs()) {
    auto inner = input.getDefiningOp<ConcatOp>();
    if (inner && inner.getResult().hasOneUse())
      llvm::append_range(inputs, inner.getInputs());
    else
      inputs.push_back(input);
  }
  if (inputs.size() == op.getInputs().size())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(inputs); });
  return success();
}

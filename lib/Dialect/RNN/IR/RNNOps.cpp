// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, folders and syntax of the operations without weights.

#include "RNNVerify.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace hcgs::rnn;
using hcgs::fx::Activation;

#define GET_OP_CLASSES
#include "hcgs/Dialect/RNN/IR/RNNOps.cpp.inc"

/// Reports formats with another number of operand formats than `count`.
static LogicalResult verifyFormats(Operation *op,
                                   std::optional<PointwiseFormatsAttr> formats,
                                   size_t count) {
  if (formats && formats->getIns().size() != count)
    return op->emitOpError() << "formats name " << formats->getIns().size()
                             << " operands, but the operation has " << count;
  return success();
}

/// As verifyFormats, for an operation without a table.
static LogicalResult
verifyPlainFormats(Operation *op, std::optional<PointwiseFormatsAttr> formats,
                   size_t count) {
  if (formats && formats->getAct())
    return op->emitOpError("formats name a table, but the operation computes "
                           "no function");
  return verifyFormats(op, formats, count);
}

//===----------------------------------------------------------------------===//
// ModelOp
//===----------------------------------------------------------------------===//

LogicalResult ModelOp::verify() {
  if (std::optional<StringRef> hash = getSha256())
    if (hash->size() != 64 ||
        hash->find_first_not_of("0123456789abcdef") != StringRef::npos)
      return emitOpError("sha256 must be 64 lower-case hex digits, found \"")
             << *hash << "\"";
  return success();
}

/// Reports ports that do not describe `types`.
static LogicalResult verifyPorts(ModelOp op, ArrayAttr ports,
                                 ArrayRef<Type> types, StringRef what) {
  if (ports.size() != types.size())
    return op.emitOpError()
           << "names " << ports.size() << " " << what << "s, but @"
           << op.getEntry() << " has " << types.size();
  for (auto [port, type] : llvm::zip_equal(ports.getAsRange<PortAttr>(), types))
    if (auto shaped = dyn_cast<RankedTensorType>(type))
      if (failed(verifyShape(op, (what + " " + port.getName().getValue()).str(),
                             shaped, port.getDims())))
        return failure();
  return success();
}

LogicalResult ModelOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  Operation *entry = symbolTable.lookupNearestSymbolFrom(*this, getEntryAttr());
  if (!entry)
    return emitOpError("entry @") << getEntry() << " does not exist";
  // Lower levels may have replaced the function by something of their own.
  auto function = dyn_cast<FunctionOpInterface>(entry);
  if (!function)
    return success();
  if (failed(verifyPorts(*this, getInputs(), function.getArgumentTypes(),
                         "input")))
    return failure();
  return verifyPorts(*this, getOutputs(), function.getResultTypes(), "output");
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

LogicalResult ActOp::verify() {
  if (failed(verifyActivation(*this, getKind(), getAlpha().has_value(),
                              getBeta().has_value())) ||
      failed(verifyFormats(*this, getFormats(), 1)))
    return failure();
  if (!getFormats())
    return success();
  if (getFormats()->getAct())
    return verifyTableKind(*this, getFormats()->getAct(), getKind(), "y");
  if (getKind() != Activation::Identity)
    return emitOpError("formats lack the table of ")
           << fx::stringifyActivation(getKind());
  return success();
}

OpFoldResult ActOp::fold(FoldAdaptor) {
  if (getKind() == Activation::Identity && !getFormats())
    return getX();
  return {};
}

LogicalResult AddOp::verify() {
  return verifyPlainFormats(*this, getFormats(), 2);
}

LogicalResult ConcatOp::verify() {
  if (getIns().empty())
    return emitOpError("needs at least one operand");
  ShapedType result = getY().getType();
  int64_t features = 0;
  for (Value in : getIns()) {
    auto type = cast<ShapedType>(in.getType());
    int64_t last = type.getShape().back();
    if (ShapedType::isDynamic(last))
      return emitOpError("the feature axis of every operand must be static, "
                         "found ")
             << type;
    SmallVector<int64_t> expected(result.getShape());
    expected.back() = last;
    if (failed(verifyShape(*this, "an operand", type, expected)))
      return failure();
    features += last;
  }
  if (result.getShape().back() != features)
    return emitOpError("joins ") << features << " features, but its result has "
                                 << result.getShape().back();
  return verifyPlainFormats(*this, getFormats(), getIns().size());
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getIns().size() == 1 && getIns()[0].getType() == getType() &&
      !getFormats())
    return getIns()[0];
  return {};
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

LogicalResult UnstackOp::verify() {
  ShapedType source = getSource().getType();
  int64_t layers = source.getDimSize(0), index = getIndex();
  if (index < 0 || (!ShapedType::isDynamic(layers) && index >= layers))
    return emitOpError("index ") << index << " is not within 0.." << layers - 1;
  return verifyShape(*this, "the result", getType(),
                     source.getShape().drop_front());
}

OpFoldResult UnstackOp::fold(FoldAdaptor) {
  auto stack = getSource().getDefiningOp<StackOp>();
  if (!stack)
    return {};
  Value state = stack.getIns()[getIndex()];
  return state.getType() == getType() ? OpFoldResult(state) : OpFoldResult();
}

LogicalResult StackOp::verify() {
  if (getIns().empty())
    return emitOpError("needs at least one operand");
  SmallVector<int64_t> expected{static_cast<int64_t>(getIns().size())};
  llvm::append_range(expected,
                     cast<ShapedType>(getIns()[0].getType()).getShape());
  return verifyShape(*this, "the result", getType(), expected);
}

OpFoldResult StackOp::fold(FoldAdaptor) {
  // All the entries of one value, in order, are that value.
  Value source;
  for (auto [index, in] : llvm::enumerate(getIns())) {
    auto unstack = in.getDefiningOp<UnstackOp>();
    if (!unstack || unstack.getIndex() != index ||
        (source && unstack.getSource() != source))
      return {};
    source = unstack.getSource();
  }
  return source && source.getType() == getType() ? OpFoldResult(source)
                                                 : OpFoldResult();
}

ParseResult StackOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SMLoc loc = parser.getCurrentLocation();
  Type type, resultType;
  if (parser.parseOperandList(operands) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(type) || parser.parseArrow() ||
      parser.parseType(resultType))
    return failure();
  SmallVector<Type> types(operands.size(), type);
  result.addTypes(resultType);
  return parser.resolveOperands(operands, types, loc, result.operands);
}

void StackOp::print(OpAsmPrinter &printer) {
  printer << " " << getIns();
  printer.printOptionalAttrDict((*this)->getAttrs());
  printer << " : " << getIns().front().getType() << " -> " << getType();
}

LogicalResult LastStepOp::verify() {
  return verifyShape(*this, "y", getY().getType(),
                     getX().getType().getShape().drop_front());
}

//===----------------------------------------------------------------------===//
// Renaming of axes
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::verify() {
  ArrayRef<int64_t> permutation = getPermutation();
  ShapedType x = getX().getType();
  int64_t rank = x.getRank();
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  bool ok = static_cast<int64_t>(sorted.size()) == rank;
  for (int64_t i = 0; ok && i < rank; ++i)
    ok = sorted[i] == i;
  if (!ok)
    return emitOpError("permutation must name each of the ")
           << rank << " axes once";
  SmallVector<int64_t> expected;
  for (int64_t axis : permutation)
    expected.push_back(x.getDimSize(axis));
  return verifyShape(*this, "y", getY().getType(), expected);
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::is_sorted(getPermutation()) && getX().getType() == getType())
    return getX();
  return {};
}

/// Checks an axis of length 1 of `longer` whose removal gives `shorter`.
static LogicalResult verifyUnitAxis(Operation *op, int64_t axis,
                                    ShapedType longer, ShapedType shorter,
                                    StringRef shorterName) {
  if (axis < 0 || axis >= longer.getRank())
    return op->emitOpError()
           << "axis " << axis << " is not within 0.." << longer.getRank() - 1;
  if (longer.getDimSize(axis) != 1) {
    InFlightDiagnostic diag = op->emitOpError();
    diag << "axis " << axis << " must have length 1, found ";
    if (longer.isDynamicDim(axis))
      return diag << "a dynamic length";
    return diag << longer.getDimSize(axis);
  }
  SmallVector<int64_t> expected(longer.getShape());
  expected.erase(expected.begin() + axis);
  return verifyShape(op, shorterName, shorter, expected);
}

LogicalResult SqueezeOp::verify() {
  return verifyUnitAxis(*this, getAxis(), getX().getType(), getY().getType(),
                        "y");
}

OpFoldResult SqueezeOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<UnsqueezeOp>();
  if (inner && inner.getAxis() == getAxis() &&
      inner.getX().getType() == getType())
    return inner.getX();
  return {};
}

LogicalResult UnsqueezeOp::verify() {
  return verifyUnitAxis(*this, getAxis(), getY().getType(), getX().getType(),
                        "x");
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<SqueezeOp>();
  if (inner && inner.getAxis() == getAxis() &&
      inner.getX().getType() == getType())
    return inner.getX();
  return {};
}

LogicalResult SplitDirectionsOp::verify() {
  ArrayRef<int64_t> x = getX().getType().getShape();
  ShapedType y = getY().getType();
  int64_t dirs = y.getDimSize(1), hidden = y.getDimSize(3);
  if (ShapedType::isDynamic(dirs) || ShapedType::isDynamic(hidden) ||
      (dirs != 1 && dirs != 2))
    return emitOpError("y must be [time, directions, batch, unit] with 1 or 2 "
                       "directions and a static unit axis, found ")
           << y;
  if (x[2] != dirs * hidden)
    return emitOpError("splits ") << x[2] << " features into " << dirs
                                  << " directions of " << hidden << " units";
  return verifyShape(*this, "y", y, {x[0], dirs, x[1], hidden});
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

LogicalResult RangeOp::verify() {
  if (!getMin().isFinite() || !getMax().isFinite() || getMin() > getMax())
    return emitOpError("needs finite bounds in rising order, found ")
           << getMin().convertToDouble() << " to "
           << getMax().convertToDouble();
  return success();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and syntax of programs, their declarations and their time loops.

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

//===----------------------------------------------------------------------===//
// ProgramOp
//===----------------------------------------------------------------------===//

void ProgramOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                      ModelAttr model) {
  state.addAttribute(getSymNameAttrName(state.name),
                     builder.getStringAttr(name));
  if (model)
    state.addAttribute(getModelAttrName(state.name), model);
  state.addRegion()->emplaceBlock();
}

/// An accumulator is storage that the op continuing it takes over: who else
/// would read the accumulator itself must have done so before.
static LogicalResult verifyAccumulators(Operation *op) {
  for (Value result : op->getResults()) {
    if (!isa<AccType>(result.getType()))
      continue;
    Operation *owner = nullptr;
    for (OpOperand &use : result.getUses()) {
      Operation *user = use.getOwner();
      if (!isa<MvmOp, VmacOp, VaccOp>(user))
        continue;
      if (owner) {
        if (user->isBeforeInBlock(owner))
          std::swap(user, owner);
        InFlightDiagnostic diag =
            user->emitOpError("continues an accumulator that another "
                              "operation continues as well");
        diag.attachNote(owner->getLoc()) << "the other operation is here";
        diag.attachNote(op->getLoc()) << "the accumulator is made here";
        return diag;
      }
      owner = user;
    }
    if (!owner)
      continue;
    for (OpOperand &use : result.getUses()) {
      Operation *user = use.getOwner();
      if (isa<ActOp, RequantOp>(user) && owner->isBeforeInBlock(user)) {
        InFlightDiagnostic diag = user->emitOpError(
            "reads an accumulator after another operation has continued it");
        diag.attachNote(owner->getLoc()) << "it is continued here";
        return diag;
      }
    }
  }
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  // Writes that hit the same elements of a frame, in whatever order they run.
  struct Span {
    int64_t first, last;
    WriteOp op;
  };
  DenseMap<StringAttr, SmallVector<Span>> spans;
  WalkResult result = walk([&](Operation *op) {
    if (failed(verifyAccumulators(op)))
      return WalkResult::interrupt();
    auto write = dyn_cast<WriteOp>(op);
    if (!write)
      return WalkResult::advance();
    Span span{static_cast<int64_t>(write.getAt()),
              static_cast<int64_t>(write.getAt()) +
                  write.getValue().getType().getSize(),
              write};
    auto &others = spans[write.getStreamAttr().getAttr()];
    for (Span &other : others)
      if (span.first < other.last && other.first < span.last) {
        InFlightDiagnostic diag = write.emitOpError("writes elements ")
                                  << std::max(span.first, other.first) << " to "
                                  << std::min(span.last, other.last) - 1
                                  << " of " << write.getStreamAttr()
                                  << " a second time";
        diag.attachNote(other.op.getLoc()) << "they are written here first";
        return WalkResult::interrupt();
      }
    others.push_back(span);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// StreamOp, IOOp
//===----------------------------------------------------------------------===//

LogicalResult StreamOp::verify() {
  if (getDirection() == StreamDirection::Scratch &&
      getKind() != StreamKind::Step)
    return emitOpError("scratch streams are step streams");
  return success();
}

LogicalResult IOOp::verify() {
  llvm::SmallSet<AxisKind, 4> seen;
  int64_t slices = -1; // size of the axis that parts are slices of
  for (AxisAttr axis : getDims().getAsRange<AxisAttr>()) {
    AxisKind kind = axis.getKind();
    if (kind == AxisKind::One)
      continue;
    if (!seen.insert(kind).second)
      return emitOpError("has two axes of kind '")
             << stringifyAxisKind(kind) << "'";
    if (kind == AxisKind::Layer || kind == AxisKind::Direction) {
      if (slices != -1)
        return emitOpError("has both a layer and a direction axis; parts are "
                           "slices along one of them");
      slices = axis.getSize();
      if (slices == 0)
        return emitOpError("has a ")
               << stringifyAxisKind(kind) << " axis of free size";
    }
  }
  if (getParts().empty() && getDirection() == IODirection::Output)
    return emitOpError("has no part; an output lies in at least one stream");
  // A slice of an input may be read in several formats (L-IO-2).
  bool output = getDirection() == IODirection::Output;
  if (output && slices == -1 && getParts().size() > 1)
    return emitOpError("has ")
           << getParts().size()
           << " parts but no layer or direction axis to tell them apart";
  llvm::SmallSet<int64_t, 8> indices;
  for (PartAttr part : getParts().getAsRange<PartAttr>()) {
    int64_t index = part.getIndex();
    if (slices == -1 ? index != -1 : index < 0 || index >= slices)
      return emitOpError("part ")
             << part.getStream() << " has index " << index << ", expected "
             << (slices == -1 ? std::string("-1 (no layer or direction axis)")
                              : "0.." + std::to_string(slices - 1));
    if (!indices.insert(index).second && output)
      return emitOpError("has two parts at index ") << index;
  }
  return success();
}

LogicalResult IOOp::verifySymbolUses(SymbolTableCollection &symbols) {
  bool input = getDirection() == IODirection::Input;
  for (PartAttr part : getParts().getAsRange<PartAttr>()) {
    auto stream =
        symbols.lookupNearestSymbolFrom<StreamOp>(*this, part.getStream());
    if (!stream)
      return emitOpError("part names ")
             << part.getStream() << ", which is not an hcgs.stream";
    if (stream.getDirection() !=
        (input ? StreamDirection::In : StreamDirection::Out)) {
      InFlightDiagnostic diag =
          emitOpError() << "an " << stringifyIODirection(getDirection())
                        << " tensor cannot lie in " << part.getStream()
                        << ", a stream of direction '"
                        << stringifyStreamDirection(stream.getDirection())
                        << "'";
      diag.attachNote(stream.getLoc()) << "the stream is declared here";
      return diag;
    }
    bool step = false;
    for (AxisAttr axis : getDims().getAsRange<AxisAttr>()) {
      step |= axis.getKind() == AxisKind::Time;
      if (axis.getKind() == AxisKind::Feature &&
          axis.getSize() != stream.getFrameType().getSize())
        return emitOpError("has a feature axis of size ")
               << axis.getSize() << ", but frames of " << part.getStream()
               << " have " << stream.getFrameType().getSize() << " elements";
    }
    if (step != (stream.getKind() == StreamKind::Step))
      return emitOpError() << (step ? "has" : "has no") << " time axis, but "
                           << part.getStream() << " is a "
                           << stringifyStreamKind(stream.getKind())
                           << " stream";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// MatrixOp, TableOp
//===----------------------------------------------------------------------===//

/// The codes as they are stored, one byte each; a splat has one byte.
static ArrayRef<int8_t> getStoredCodes(ElementsAttr codes) {
  if (auto resource = dyn_cast<DenseI8ResourceElementsAttr>(codes))
    return resource.tryGetAsArrayRef().value_or(ArrayRef<int8_t>());
  if (auto dense = dyn_cast<DenseIntElementsAttr>(codes)) {
    ArrayRef<char> raw = dense.getRawData();
    return {reinterpret_cast<const int8_t *>(raw.data()), raw.size()};
  }
  return {};
}

/// +128 of 8-bit signmag is stored as 0.
static int16_t getCode(int8_t stored, fx::WeightsAttr weights) {
  if (stored == 0 && weights.getBits() == 8 &&
      weights.getEncoding() == fx::WeightEncoding::SignMag)
    return 128;
  return stored;
}

int64_t MatrixOp::getNumCodes() {
  return getCodes().getShapedType().getNumElements();
}

std::vector<int16_t> MatrixOp::getCodeValues() {
  ArrayRef<int8_t> stored = getStoredCodes(getCodes());
  std::vector<int16_t> values;
  if (stored.empty())
    return values;
  values.resize(getNumCodes());
  if (stored.size() != values.size()) { // a splat
    llvm::fill(values, getCode(stored.front(), getWeights()));
    return values;
  }
  for (auto [value, code] : llvm::zip(values, stored))
    value = getCode(code, getWeights());
  return values;
}

SmallVector<int32_t> MatrixOp::getBiasValues() {
  SmallVector<int32_t> values;
  if (std::optional<DenseIntElementsAttr> bias = getBias())
    llvm::append_range(values, bias->getValues<int32_t>());
  return values;
}

LogicalResult MatrixOp::verify() {
  int64_t gates = getGates(), rows = getRows(), cols = getCols();
  if (gates > 4)
    return emitOpError("has ") << gates << " gates; a matrix has 1 to 4";
  if (rows > VecType::kMaxSize || cols > VecType::kMaxSize)
    return emitOpError("is larger than ")
           << VecType::kMaxSize << " rows or columns";
  if (static_cast<int64_t>(getWeights().getExps().size()) != gates)
    return emitOpError("has ") << gates << " gates but "
                               << getWeights().getExps().size() << " exponents";

  auto codesType = dyn_cast<RankedTensorType>(getCodes().getShapedType());
  if (!codesType || !codesType.getElementType().isSignlessInteger(8))
    return emitOpError("codes must be a tensor of i8, found ")
           << getCodes().getShapedType();
  if (isDense() && codesType.getShape() != ArrayRef<int64_t>{gates, rows, cols})
    return emitOpError("codes of a dense matrix must be a tensor of ")
           << gates << "x" << rows << "x" << cols << ", found " << codesType;
  if (!isDense() && codesType.getRank() != 1)
    return emitOpError("codes of ")
           << (getBlocks() ? "an hcgs" : "a circulant")
           << " matrix must be a one-dimensional tensor of the "
           << (getBlocks() ? "kept weights" : "first rows of its blocks")
           << ", found " << codesType;
  if (fx::SparsityAttr blocks = getBlocks()) {
    if (!blocks.hasMap())
      return emitOpError("sparsity has no map; it says which blocks are kept");
    if (blocks.getSeparate() &&
        static_cast<int64_t>(blocks.getMaps().size()) != gates)
      return emitOpError("has ")
             << gates << " gates but " << blocks.getMaps().size() << " maps";
  }
  if (fx::CirculantAttr circulant = getCirculant()) {
    const int64_t block = circulant.getBlock();
    if (block > std::max(rows, cols))
      return emitOpError("has circulant blocks of ")
             << block << ", which are larger than the matrix of " << rows
             << " x " << cols;
    const int64_t words = gates * llvm::divideCeil(rows, block) *
                          llvm::divideCeil(cols, block) * block;
    if (codesType.getNumElements() != words)
      return emitOpError("has ")
             << codesType.getNumElements() << " codes; circulant blocks of "
             << block << " need " << words;
  }
  if (auto resource = dyn_cast<DenseI8ResourceElementsAttr>(getCodes())) {
    // A handle whose blob is absent is legal while parsing text whose resource
    // section comes last; a blob of the wrong size is not.
    std::optional<ArrayRef<int8_t>> data = resource.tryGetAsArrayRef();
    if (data &&
        static_cast<int64_t>(data->size()) != codesType.getNumElements())
      return emitOpError("codes resource has ")
             << data->size() << " bytes, its type says "
             << codesType.getNumElements();
  } else if (!isa<DenseIntElementsAttr>(getCodes())) {
    return emitOpError("codes must be dense or a dense_resource");
  }

  if (std::optional<DenseIntElementsAttr> bias = getBias())
    if (bias->getType().getShape() != ArrayRef<int64_t>{gates, rows})
      return emitOpError("bias must be a tensor of ")
             << gates << "x" << rows << ", found " << bias->getType();

  unsigned bits = getWeights().getBits();
  bool twos = getWeights().getEncoding() == fx::WeightEncoding::Twos;
  int limit = twos ? (1 << (bits - 1)) - 1 : 1 << (bits - 1);
  for (int8_t stored : getStoredCodes(getCodes())) {
    int code = getCode(stored, getWeights());
    if (code > limit || code < -limit || (!twos && code == 0))
      return emitOpError("has the code ")
             << code << ", which is none of " << bits << "-bit "
             << stringifyWeightEncoding(getWeights().getEncoding());
  }
  return success();
}

numerics::PwlTable TableOp::getTable() {
  numerics::PwlTable table;
  table.s = static_cast<int>(getS());
  table.b = static_cast<int>(getFunction().getOut().getWidth());
  table.lo = static_cast<int16_t>(getLo());
  table.hi = static_cast<int16_t>(getHi());
  table.inFrac = getFunction().getIn().getFraction();
  table.outFrac = getFunction().getOut().getFraction();
  if (std::optional<fx::DirectoryAttr> directory = getDirectory()) {
    table.kind = numerics::PwlKind::TwoLevel;
    table.w = static_cast<int>(getK());
    table.p = static_cast<int>(directory->getFrac());
    table.origin = directory->getOrigin();
    table.centre = directory->getCentre();
    for (auto [first, bits] :
         llvm::zip(directory->getFirst(), directory->getBits()))
      table.directory.push_back(
          {static_cast<uint16_t>(first), static_cast<uint8_t>(bits)});
  } else {
    table.k = static_cast<int>(getK());
    table.n = static_cast<int>(getN());
  }
  for (auto [base, slope] : llvm::zip(getBases(), getSlopes()))
    table.entries.push_back({base, slope});
  return table;
}

LogicalResult TableOp::verify() {
  if (getBases().size() != getSlopes().size())
    return emitOpError("has ")
           << getBases().size() << " bases and " << getSlopes().size()
           << " slopes, expected equally many";
  // What the narrower fields of a table would cut off.
  auto check = [&](StringRef name, int64_t value, int64_t low,
                   int64_t high) -> LogicalResult {
    if (value >= low && value <= high)
      return success();
    return emitOpError("field ")
           << name << " is " << value << "; allowed is " << low << ".." << high;
  };
  if (failed(check("k", getK(), 0, 16)) || failed(check("n", getN(), 0, 64)) ||
      failed(check("s", getS(), 0, 31)) ||
      failed(check("lo", getLo(), INT16_MIN, INT16_MAX)) ||
      failed(check("hi", getHi(), INT16_MIN, INT16_MAX)))
    return failure();
  if (std::optional<fx::DirectoryAttr> directory = getDirectory()) {
    if (failed(check("n", getN(), directory->getFirst().size(),
                     directory->getFirst().size())) ||
        failed(check("frac", directory->getFrac(), 0, 15)))
      return failure();
    for (auto [first, bits] :
         llvm::zip(directory->getFirst(), directory->getBits()))
      if (failed(check("first", first, 0, numerics::maxPwlEntries - 1)) ||
          failed(check("bits", bits, 0, 9)))
        return failure();
  }
  if (Result<void> valid = numerics::verify(getTable()); !valid)
    return emitOpError() << valid.message();
  return success();
}

//===----------------------------------------------------------------------===//
// SequenceOp
//===----------------------------------------------------------------------===//

YieldOp SequenceOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

ScheduleOp SequenceOp::getSchedule() {
  auto schedules = getBody().front().getOps<ScheduleOp>();
  return schedules.empty() ? ScheduleOp() : *schedules.begin();
}

/// sequence ::= `states` `(` (arg `=` init)* `)` (`:` type-list)? region attrs
ParseResult SequenceOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  SmallVector<Type> types;
  SMLoc loc;
  if (parser.parseKeyword("states") || parser.getCurrentLocation(&loc) ||
      parser.parseAssignmentList(args, inits))
    return failure();
  if (succeeded(parser.parseOptionalColon()) && parser.parseTypeList(types))
    return failure();
  if (types.size() != args.size())
    return parser.emitError(loc, "expected one type per state, ")
           << args.size() << ", found " << types.size();
  for (auto [arg, type] : llvm::zip(args, types))
    arg.type = type;
  if (parser.parseRegion(*result.addRegion(), args) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.resolveOperands(inits, types, loc, result.operands))
    return failure();
  result.addTypes(types);
  return success();
}

void SequenceOp::print(OpAsmPrinter &printer) {
  printer << " states(";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInitial()),
                        printer, [&](auto pair) {
                          printer << std::get<0>(pair) << " = "
                                  << std::get<1>(pair);
                        });
  printer << ") ";
  if (!getInitial().empty())
    printer << ": " << getInitial().getTypes() << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/true);
  printer.printOptionalAttrDict((*this)->getAttrs());
}

LogicalResult SequenceOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.empty() || !isa<YieldOp>(block.back()))
    return emitOpError("body must end with hcgs.yield");
  YieldOp yield = getYield();
  auto states = getInitial().getTypes();
  if (block.getArgumentTypes() != states || getFinal().getTypes() != states)
    return emitOpError("initial states, block arguments and results must have "
                       "the same types");
  if (yield.getStates().getTypes() != states) {
    InFlightDiagnostic diag =
        emitOpError("yields values of other types than its states");
    diag.attachNote(yield.getLoc()) << "yielded here";
    return diag;
  }
  llvm::SmallPtrSet<Value, 8> seen;
  for (Value state : yield.getStates()) {
    if (isa<BlockArgument>(state))
      return yield.emitOpError("yields a state of the step before; a state is "
                               "made by an operation of the body");
    if (!seen.insert(state).second)
      return yield.emitOpError("yields one value as two states");
  }
  if (std::distance(block.getOps<ScheduleOp>().begin(),
                    block.getOps<ScheduleOp>().end()) > 1)
    return emitOpError("has more than one hcgs.schedule");
  return success();
}

namespace {
/// Drops states that nothing reads: neither the next step nor anyone after the
/// last one.
struct DropUnusedStates : OpRewritePattern<SequenceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SequenceOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getSchedule())
      return failure(); // the schedule counts on the states as they are
    Block &block = op.getBody().front();
    llvm::BitVector unused(op.getNumResults());
    for (unsigned i = 0, e = op.getNumResults(); i < e; ++i)
      if (op.getResult(i).use_empty() && block.getArgument(i).use_empty())
        unused.set(i);
    if (unused.none())
      return failure();

    SmallVector<Value> initial;
    for (unsigned i = 0, e = op.getNumResults(); i < e; ++i)
      if (!unused[i])
        initial.push_back(op.getInitial()[i]);
    YieldOp yield = op.getYield();
    rewriter.modifyOpInPlace(yield, [&] { yield->eraseOperands(unused); });
    auto smaller = SequenceOp::create(rewriter, op.getLoc(),
                                      TypeRange(ValueRange(initial)), initial);
    rewriter.inlineRegionBefore(op.getBody(), smaller.getBody(),
                                smaller.getBody().end());
    smaller.getBody().front().eraseArguments(unused);
    unsigned next = 0;
    for (unsigned i = 0, e = op.getNumResults(); i < e; ++i)
      if (!unused[i])
        rewriter.replaceAllUsesWith(op.getResult(i), smaller.getResult(next++));
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void SequenceOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<DropUnusedStates>(context);
}

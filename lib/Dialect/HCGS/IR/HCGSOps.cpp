// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generated classes of the operations, the syntax that their assembly
// formats refer to, and the rules of the schedule.

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace hcgs::flow;

//===----------------------------------------------------------------------===//
// Syntax shared by declarations
//===----------------------------------------------------------------------===//

/// List of attributes whose mnemonic is implied: `[<a>, <b>]`.
template <typename AttrT>
static ParseResult parseAttrList(OpAsmParser &parser, ArrayAttr &list) {
  SmallVector<Attribute> elements;
  if (parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square, [&]() -> ParseResult {
            auto element =
                dyn_cast_or_null<AttrT>(AttrT::parse(parser, Type()));
            if (!element)
              return failure();
            elements.push_back(element);
            return success();
          }))
    return failure();
  list = parser.getBuilder().getArrayAttr(elements);
  return success();
}

template <typename AttrT>
static void printAttrList(OpAsmPrinter &printer, ArrayAttr list) {
  printer << "[";
  llvm::interleaveComma(list.getAsRange<AttrT>(), printer,
                        [&](AttrT element) { element.print(printer); });
  printer << "]";
}

static ParseResult parseAxes(OpAsmParser &parser, ArrayAttr &axes) {
  return parseAttrList<AxisAttr>(parser, axes);
}
static void printAxes(OpAsmPrinter &printer, Operation *, ArrayAttr axes) {
  printAttrList<AxisAttr>(printer, axes);
}
static ParseResult parseParts(OpAsmParser &parser, ArrayAttr &parts) {
  return parseAttrList<PartAttr>(parser, parts);
}
static void printParts(OpAsmPrinter &printer, Operation *, ArrayAttr parts) {
  printAttrList<PartAttr>(printer, parts);
}

/// shape ::= gates `x` rows `x` cols
static ParseResult parseShape(OpAsmParser &parser, IntegerAttr &gates,
                              IntegerAttr &rows, IntegerAttr &cols) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> dims;
  if (parser.parseDimensionList(dims, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (dims.size() != 3)
    return parser.emitError(loc, "expected gates x rows x columns such as "
                                 "4x128x12");
  Builder &builder = parser.getBuilder();
  gates = builder.getI64IntegerAttr(dims[0]);
  rows = builder.getI64IntegerAttr(dims[1]);
  cols = builder.getI64IntegerAttr(dims[2]);
  return success();
}
static void printShape(OpAsmPrinter &printer, Operation *, IntegerAttr gates,
                       IntegerAttr rows, IntegerAttr cols) {
  printer << gates.getInt() << "x" << rows.getInt() << "x" << cols.getInt();
}

/// codes ::= `zero` | `[` integer (`,` integer)* `]`
static ParseResult parseCodes(OpAsmParser &parser, DenseI16ArrayAttr &codes) {
  if (succeeded(parser.parseOptionalKeyword("zero")))
    return success();
  codes = dyn_cast_or_null<DenseI16ArrayAttr>(
      DenseI16ArrayAttr::parse(parser, Type()));
  return success(static_cast<bool>(codes));
}
static void printCodes(OpAsmPrinter &printer, Operation *,
                       DenseI16ArrayAttr codes) {
  if (codes)
    codes.print(printer);
  else
    printer << "zero";
}

/// frames ::= (`reversed` | `last`)?
static ParseResult parseFrames(OpAsmParser &parser, FramesAttr &frames) {
  Frames value = Frames::Forward;
  if (succeeded(parser.parseOptionalKeyword("reversed")))
    value = Frames::Reversed;
  else if (succeeded(parser.parseOptionalKeyword("last")))
    value = Frames::Last;
  frames = FramesAttr::get(parser.getContext(), value);
  return success();
}
static void printFrames(OpAsmPrinter &printer, Operation *, FramesAttr frames) {
  if (frames && frames.getValue() != Frames::Forward)
    printer << " " << stringifyFrames(frames.getValue());
}

#define GET_OP_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

/// The value of an entry belongs to the body of the time loop, and an
/// operation of it makes it.
static LogicalResult verifyScheduled(Operation *entry, Value value,
                                     Block *body) {
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != body)
    return entry->emitOpError(
        "names a value that no operation of the time loop makes");
  return success();
}

LogicalResult ScheduleOp::verifyRegions() {
  Block *parent = (*this)->getBlock();
  for (Operation &op : getBody().front()) {
    int64_t step = 0;
    Value value;
    if (auto issue = dyn_cast<IssueOp>(op)) {
      step = issue.getStep();
      value = issue.getValue();
    } else if (auto issue = dyn_cast<IssueWriteOp>(op)) {
      step = issue.getStep();
      value = issue.getValue();
    } else if (auto buffer = dyn_cast<BufferOp>(op)) {
      value = buffer.getValue();
    } else {
      return op.emitOpError("does not belong into a schedule; it holds "
                            "hcgs.buffer, hcgs.issue and hcgs.issue_write");
    }
    if (failed(verifyScheduled(&op, value, parent)))
      return failure();
    if (step > static_cast<int64_t>(getDepth()))
      return op.emitOpError("issues step ")
             << step << " of a schedule of depth " << getDepth();
  }
  return success();
}

unsigned IssueOp::getGateMask() {
  unsigned mask = 0;
  if (std::optional<ArrayRef<int64_t>> gates = getGates())
    for (int64_t gate : *gates)
      mask |= 1u << gate;
  return mask;
}

LogicalResult IssueOp::verify() {
  auto checkRange = [&](StringRef what, std::optional<int64_t> begin,
                        std::optional<int64_t> end) -> LogicalResult {
    if (begin.has_value() != end.has_value())
      return emitOpError("gives only one end of its ") << what;
    if (begin && (*begin < 0 || *begin >= *end))
      return emitOpError("issues ")
             << what << " " << *begin << " to " << *end << ", which are none";
    return success();
  };
  if (failed(checkRange("blocks", getFirst(), getLast())) ||
      failed(checkRange("columns", getColBegin(), getColEnd())))
    return failure();
  if (getRetile() && !getTile())
    return emitOpError("says 'retile' without a tile");

  // What only a product has.
  auto mvm = getValue().getDefiningOp<MvmOp>();
  if (!mvm && (getGates() || getColBegin() || getTile()))
    return emitOpError("names gates, columns or a tile, but only an hcgs.mvm "
                       "has them");
  if (!getGates())
    return success();
  int64_t count = mvm.getResult().getType().getGates(), before = -1;
  if (getGates()->empty())
    return emitOpError("names no gate; leave the gates out to issue all");
  for (int64_t gate : *getGates()) {
    if (gate < 0 || gate >= count)
      return emitOpError("issues gate ")
             << gate << ", but gates are 0 to " << count - 1;
    if (gate <= before)
      return emitOpError("names gates out of order; list each once, rising");
    before = gate;
  }
  return success();
}

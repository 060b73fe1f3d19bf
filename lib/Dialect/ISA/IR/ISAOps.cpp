// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/ISA/IR/ISA.h"

using namespace mlir;
using namespace hcgs::isa;

IntegerAttr InstructionNote::layerAttr(Builder &builder) const {
  return layer ? builder.getI64IntegerAttr(*layer) : IntegerAttr();
}

StringAttr InstructionNote::whatAttr(Builder &builder) const {
  return what.empty() ? StringAttr() : builder.getStringAttr(what);
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static ParseResult parseRegister(OpAsmParser &parser, IntegerAttr &reg) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  unsigned number;
  if (parser.parseKeyword(&name))
    return failure();
  if (!name.consume_front("a") || name.getAsInteger(10, number))
    return parser.emitError(loc, "expected an address register a1..a31");
  reg = parser.getBuilder().getI64IntegerAttr(number);
  return success();
}

static void printRegister(OpAsmPrinter &printer, Operation *, IntegerAttr reg) {
  printer << 'a' << reg.getInt();
}

static DenseI64ArrayAttr makeShifts(OpBuilder &builder, const Shifts &shifts) {
  return builder.getDenseI64ArrayAttr(
      SmallVector<int64_t>(shifts.begin(), shifts.end()));
}

static LogicalResult verifyShiftCount(Operation *op, size_t count) {
  if (count == Shifts().size())
    return success();
  return op->emitOpError() << "field 'shifts' has " << count
                           << " numbers, allowed " << Shifts().size()
                           << ", one a gate";
}

/// `field` means something only if `decider` is not 0.
static LogicalResult verifyPresent(Operation *op, StringRef field,
                                   int64_t value, StringRef decider,
                                   int64_t decision) {
  if (decision != 0 || value == 0)
    return success();
  return op->emitOpError() << "field '" << field << "' is " << value
                           << ", allowed 0 where field '" << decider
                           << "' is 0";
}

/// The assembler's own checks.
static LogicalResult verifyParts(Operation *op, const RawInstruction &raw) {
  if (std::optional<FieldError> error = validate(raw))
    return op->emitOpError() << error->message();
  return success();
}

#include "hcgs/Dialect/ISA/IR/ISAInstructions.cpp.inc"

/// Blocks of programs and loops hold nothing but the dialect's operations.
static LogicalResult verifyBody(Block &block) {
  for (Operation &op : block)
    if (!isa_and_present<EntryOp, LoopOp, InstructionOpInterface>(&op))
      return op.emitOpError() << "is no instruction; an 'isa.program' holds "
                                 "operations of the isa dialect";
  return success();
}

//===----------------------------------------------------------------------===//
// LoopOp
//===----------------------------------------------------------------------===//

void LoopOp::build(OpBuilder &builder, OperationState &state,
                   const Trips &trips, uint32_t cap,
                   const InstructionNote &note) {
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.trips = TripsAttr::get(builder.getContext(), trips.seq, trips.imm);
  properties.cap = builder.getI64IntegerAttr(cap);
  properties.layer = note.layerAttr(builder);
  properties.what = note.whatAttr(builder);
  state.addRegion()->emplaceBlock();
}

RawInstruction LoopOp::getRaw(uint64_t length) {
  return {Opcode::Loop,
          {getTrips().getSeq(), getTrips().getImm(), int64_t(getCap()),
           int64_t(length)}};
}

LogicalResult LoopOp::verify() {
  // The length is not known here, and at least that of the endloop.
  if (failed(verifyParts(*this, getRaw(1))))
    return failure();
  unsigned depth = 1;
  for (auto outer = (*this)->getParentOfType<LoopOp>(); outer;
       outer = outer->getParentOfType<LoopOp>())
    ++depth;
  if (depth > kLoopDepth)
    return emitOpError() << "is nested " << depth << " deep, allowed "
                         << kLoopDepth;
  return success();
}

LogicalResult LoopOp::verifyRegions() { return verifyBody(*getBody().begin()); }

//===----------------------------------------------------------------------===//
// ProgramOp
//===----------------------------------------------------------------------===//

void ProgramOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                      DictionaryAttr target, DictionaryAttr meta) {
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.target = target;
  properties.meta = meta;
  state.addRegion()->emplaceBlock();
}

LogicalResult ProgramOp::verify() {
  auto check = [&](StringRef name,
                   std::optional<ElementsAttr> image) -> LogicalResult {
    if (!image)
      return success();
    ShapedType type = image->getShapedType();
    if (type.getRank() != 1 || !type.getElementType().isInteger(8))
      return emitOpError() << "image '" << name << "' is " << type
                           << ", allowed tensor<Nxi8>, the section's bytes";
    return success();
  };
  return success(succeeded(check("descriptors", getDescriptors())) &&
                 succeeded(check("weights", getWeights())) &&
                 succeeded(check("index", getIndex())) &&
                 succeeded(check("bias", getBias())) &&
                 succeeded(check("tables", getTables())) &&
                 succeeded(check("vinit", getVinit())) &&
                 succeeded(check("spill", getSpill())));
}

LogicalResult ProgramOp::verifyRegions() {
  std::array<EntryOp, 3> entries;
  if (failed(verifyBody(*getBody().begin())))
    return failure();
  for (Operation &op : *getBody().begin()) {
    auto entry = dyn_cast<EntryOp>(op);
    if (!entry)
      continue;
    EntryOp &first = entries[unsigned(entry.getEntry())];
    if (first) {
      InFlightDiagnostic diag = entry.emitOpError()
                                << "'" << stringifyEntryKind(entry.getEntry())
                                << "' occurs twice";
      diag.attachNote(first.getLoc()) << "first here";
      return diag;
    }
    first = entry;
  }
  if (!entries[unsigned(EntryKind::Run)])
    return emitOpError() << "has no 'isa.entry run'";
  return success();
}

#include "hcgs/Dialect/ISA/IR/ISAInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "hcgs/Dialect/ISA/IR/ISAOps.cpp.inc"

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the rnn dialect: ports and formats.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs::rnn;
using hcgs::fx::IntType;
using hcgs::fx::PwlAttr;
using hcgs::fx::WeightsAttr;

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/RNN/IR/RNNAttributes.cpp.inc"

void RNNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "hcgs/Dialect/RNN/IR/RNNAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// PortAttr
//===----------------------------------------------------------------------===//

LogicalResult PortAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringAttr name, ArrayRef<Axis> axes,
                               ArrayRef<int64_t> dims) {
  if (axes.size() != dims.size())
    return emitError() << "port has " << axes.size() << " axes but "
                       << dims.size() << " lengths";
  for (int64_t dim : dims)
    if (dim != ShapedType::kDynamic && dim < 1)
      return emitError() << "axis of length " << dim
                         << "; an axis has at least 1 element";
  return success();
}

/// port ::= `<` name `,` `[` (axis `=` (`?` | int)),* `]` `>`
Attribute PortAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  std::string name;
  SmallVector<Axis> axes;
  SmallVector<int64_t> dims;
  auto parseAxis = [&]() -> ParseResult {
    FailureOr<Axis> axis = FieldParser<Axis>::parse(parser);
    if (failed(axis) || parser.parseEqual())
      return failure();
    int64_t dim = ShapedType::kDynamic;
    if (failed(parser.parseOptionalQuestion()) && parser.parseInteger(dim))
      return failure();
    axes.push_back(*axis);
    dims.push_back(dim);
    return success();
  };
  if (parser.parseLess() || parser.parseString(&name) || parser.parseComma() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseAxis) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<PortAttr>(loc, parser.getContext(),
                                     StringAttr::get(parser.getContext(), name),
                                     axes, dims);
}

void PortAttr::print(AsmPrinter &printer) const {
  printer << "<" << getName() << ", [";
  llvm::interleaveComma(llvm::zip(getAxes(), getDims()), printer,
                        [&](auto pair) {
                          auto [axis, dim] = pair;
                          printer << stringifyAxis(axis) << " = ";
                          if (ShapedType::isDynamic(dim))
                            printer << "?";
                          else
                            printer << dim;
                        });
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

/// Widest vector element of the machine.
static constexpr unsigned kMaxVectorWidth = 16;

static LogicalResult
verifyVectorWidth(function_ref<InFlightDiagnostic()> emitError, IntType type,
                  StringRef name) {
  if (type.getWidth() > kMaxVectorWidth)
    return emitError() << "format " << type << " of " << name
                       << " is wider than " << kMaxVectorWidth << " bits";
  return success();
}

LogicalResult
LSTMFormatsAttr::verify(function_ref<InFlightDiagnostic()> emitError, IntType x,
                        IntType h, IntType c, ArrayRef<PwlAttr> gates,
                        PwlAttr cell, WeightsAttr w, WeightsAttr r,
                        ArrayRef<int32_t> acc, int32_t cellAcc) {
  if (failed(verifyVectorWidth(emitError, x, "x")) ||
      failed(verifyVectorWidth(emitError, h, "h")) ||
      failed(verifyVectorWidth(emitError, c, "c")))
    return failure();
  auto perGate = [&](size_t found, StringRef what) -> LogicalResult {
    if (found != kNumGates)
      return emitError() << "expected " << kNumGates << " " << what
                         << ", one per gate, found " << found;
    return success();
  };
  if (failed(perGate(gates.size(), "gate tables")) ||
      failed(perGate(w.getExps().size(), "exponents of w")) ||
      failed(perGate(r.getExps().size(), "exponents of r")) ||
      failed(perGate(acc.size(), "accumulator fractions")))
    return failure();
  return success();
}

/// A table's output must be the format the value has.
static LogicalResult verifyTable(function_ref<InFlightDiagnostic()> emitError,
                                 PwlAttr act, IntType y) {
  if (act && act.getOut() != y)
    return emitError() << "the table gives " << act.getOut()
                       << " but the format of y is " << y;
  return success();
}

LogicalResult
LinearFormatsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          IntType x, IntType y, WeightsAttr w, int32_t acc,
                          PwlAttr act) {
  if (failed(verifyVectorWidth(emitError, x, "x")) ||
      failed(verifyVectorWidth(emitError, y, "y")))
    return failure();
  if (w.getExps().size() != 1)
    return emitError() << "a linear layer has one weight exponent, found "
                       << w.getExps().size();
  return verifyTable(emitError, act, y);
}

LogicalResult
PointwiseFormatsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                             ArrayRef<IntType> ins, IntType y, int32_t acc,
                             PwlAttr act) {
  for (IntType in : ins)
    if (failed(verifyVectorWidth(emitError, in, "an operand")))
      return failure();
  if (failed(verifyVectorWidth(emitError, y, "y")))
    return failure();
  return verifyTable(emitError, act, y);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hcgs dialect, its types and attributes.

#include "hcgs/Dialect/HCGS/IR/HCGSDialect.h"
#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs::flow;

#include "hcgs/Dialect/HCGS/IR/HCGSDialect.cpp.inc"

#include "hcgs/Dialect/HCGS/IR/HCGSEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/HCGS/IR/HCGSAttributes.cpp.inc"

void HCGSDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "hcgs/Dialect/HCGS/IR/HCGSOps.cpp.inc"
      >();
}

void HCGSDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "hcgs/Dialect/HCGS/IR/HCGSTypes.cpp.inc"
      >();
}

void HCGSDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "hcgs/Dialect/HCGS/IR/HCGSAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult VecType::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t size, fx::IntType element) {
  if (size < 1 || size > kMaxSize)
    return emitError() << "vector size " << size << " is not within 1.."
                       << kMaxSize;
  if (element.getWidth() > 16)
    return emitError() << "vector element " << element
                       << " is wider than the 16 bits of vmem";
  return success();
}

LogicalResult AccType::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t gates, int64_t rows,
                              ArrayRef<int32_t> fractions) {
  if (gates < 1 || gates > 4)
    return emitError() << "number of gates " << gates << " is not within 1..4";
  if (rows < 1 || rows > VecType::kMaxSize)
    return emitError() << "number of rows " << rows << " is not within 1.."
                       << VecType::kMaxSize;
  if (static_cast<int64_t>(fractions.size()) != gates)
    return emitError() << "expected one fraction per gate, " << gates
                       << ", found " << fractions.size();
  return success();
}

/// acc ::= `<` gates `x` rows `,` `[` fraction (`,` fraction)* `]` `>`
Type AccType::parse(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> dims;
  SmallVector<int32_t> fractions;
  if (parser.parseLess() ||
      parser.parseDimensionList(dims, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return {};
  if (dims.size() != 2) {
    parser.emitError(loc, "expected gates x rows such as 4x128");
    return {};
  }
  if (parser.parseComma() ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square,
          [&] { return parser.parseInteger(fractions.emplace_back()); }) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<AccType>(loc, parser.getContext(), dims[0], dims[1],
                                    fractions);
}

void AccType::print(AsmPrinter &printer) const {
  printer << "<" << getGates() << "x" << getRows() << ", [";
  llvm::interleaveComma(getFractions(), printer);
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult AxisAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               AxisKind kind, int64_t size) {
  if (size < 0)
    return emitError() << "axis size " << size
                       << " is negative; 0 stands for a free size";
  if (kind == AxisKind::One && size != 1)
    return emitError() << "an axis of kind 'one' has size 1, found " << size;
  return success();
}

LogicalResult PartAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               FlatSymbolRefAttr stream, int64_t index) {
  if (index < -1)
    return emitError() << "part index " << index
                       << " is negative; -1 stands for no index";
  return success();
}

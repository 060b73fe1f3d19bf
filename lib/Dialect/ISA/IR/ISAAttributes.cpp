// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes that print as in assembly.
//
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs::isa;

#include "hcgs/Dialect/ISA/IR/ISAEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/ISA/IR/ISAAttributes.cpp.inc"

void ISADialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "hcgs/Dialect/ISA/IR/ISAAttributes.cpp.inc"
      >();
}

/// ` + 3`, ` - 3` or nothing behind a register or T.
static void printDisplacement(AsmPrinter &printer, int64_t value) {
  if (value > 0)
    printer << " + " << value;
  else if (value < 0)
    printer << " - " << -uint64_t(value);
}

/// The lexer has no way to ask for a minus sign alone: a number that follows
/// without `+` must bring its own.
static ParseResult parseDisplacement(AsmParser &parser, int64_t &value) {
  value = 0;
  if (succeeded(parser.parseOptionalPlus()))
    return parser.parseInteger(value);
  SMLoc loc = parser.getCurrentLocation();
  OptionalParseResult parsed = parser.parseOptionalInteger(value);
  if (parsed.has_value() && succeeded(*parsed) && value >= 0)
    return parser.emitError(loc, "expected '+' or '-' before a displacement");
  return parsed.has_value() ? *parsed : ParseResult::success();
}

//===----------------------------------------------------------------------===//
// AddrAttr
//===----------------------------------------------------------------------===//

Attribute AddrAttr::parse(AsmParser &parser, Type) {
  uint32_t reg = 0;
  int64_t off = 0;
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseLSquare())
    return {};
  if (succeeded(parser.parseOptionalKeyword(&name))) {
    if (!name.consume_front("a") || name.getAsInteger(10, reg)) {
      parser.emitError(loc, "expected an address register a0..a31");
      return {};
    }
    if (parseDisplacement(parser, off))
      return {};
  } else if (parser.parseInteger(off)) {
    return {};
  }
  if (parser.parseRSquare())
    return {};
  return get(parser.getContext(), reg, off);
}

void AddrAttr::print(AsmPrinter &printer) const {
  printer << '[';
  if (getReg() == 0) {
    printer << getOff();
  } else {
    printer << 'a' << getReg();
    printDisplacement(printer, getOff());
  }
  printer << ']';
}

//===----------------------------------------------------------------------===//
// TripsAttr
//===----------------------------------------------------------------------===//

Attribute TripsAttr::parse(AsmParser &parser, Type) {
  bool seq = succeeded(parser.parseOptionalKeyword("T"));
  int64_t imm = 0;
  if (seq ? parseDisplacement(parser, imm) : parser.parseInteger(imm))
    return {};
  return get(parser.getContext(), seq, imm);
}

void TripsAttr::print(AsmPrinter &printer) const {
  printer << ' ';
  if (!getSeq()) {
    printer << getImm();
    return;
  }
  printer << 'T';
  printDisplacement(printer, getImm());
}

//===----------------------------------------------------------------------===//
// GatesAttr
//===----------------------------------------------------------------------===//

Attribute GatesAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef letters;
  if (parser.parseKeyword(&letters))
    return {};
  std::optional<Gates> gates = parseGates({letters.data(), letters.size()});
  if (!gates) {
    parser.emitError(loc) << "expected gates, some of 'iofg' in this order, "
                             "found '"
                          << letters << "'";
    return {};
  }
  return get(parser.getContext(), gates->mask);
}

void GatesAttr::print(AsmPrinter &printer) const {
  printer << ' ' << printGates(Gates{uint8_t(getMask())});
}

//===----------------------------------------------------------------------===//
// InitAttr
//===----------------------------------------------------------------------===//

Attribute InitAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return {};
  std::optional<Init> init = parseInit({word.data(), word.size()});
  if (!init) {
    parser.emitError(loc) << "expected acc, zero or bias, found '" << word
                          << "'";
    return {};
  }
  return get(parser.getContext(), *init);
}

void InitAttr::print(AsmPrinter &printer) const {
  printer << ' ' << StringRef(getName(getValue()));
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the fx dialect: their syntax and their rules.

#include "hcgs/Dialect/FX/IR/FXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hcgs::fx;

/// tiers ::= tier (`,` tier)*, each without its mnemonic and brackets.
static ParseResult parseTiers(AsmParser &parser, SmallVector<TierAttr> &tiers);
static void printTiers(AsmPrinter &printer, ArrayRef<TierAttr> tiers);

#define GET_ATTRDEF_CLASSES
#include "hcgs/Dialect/FX/IR/FXAttributes.cpp.inc"

void FXDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "hcgs/Dialect/FX/IR/FXAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// WeightsAttr
//===----------------------------------------------------------------------===//

LogicalResult WeightsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  unsigned bits, WeightEncoding encoding,
                                  Rounding rounding, ArrayRef<int32_t> exps) {
  if (bits < 2 || bits > 8)
    return emitError() << "weight width " << bits << " is not within 2..8";
  if (exps.empty() || exps.size() > 4)
    return emitError() << "expected one exponent per gate, 1 to 4, found "
                       << exps.size();
  for (int32_t exp : exps)
    if (exp < -16 || exp > 30)
      return emitError() << "weight exponent " << exp
                         << " is not within -16..30";
  return success();
}

//===----------------------------------------------------------------------===//
// PwlAttr
//===----------------------------------------------------------------------===//

LogicalResult PwlAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              Activation kind, IntType in, IntType out,
                              unsigned segments, FloatAttr alpha,
                              FloatAttr beta) {
  if (in.getWidth() > 16)
    return emitError() << "table input " << in
                       << " is wider than the 16 bits of A-PWL-1";
  if (out.getWidth() > 16)
    return emitError() << "table output " << out << " is wider than 16 bits";
  if (!llvm::isPowerOf2_32(segments) || segments > 512)
    return emitError() << "number of segments " << segments
                       << " is not a power of two within 1..512";
  auto check = [&](FloatAttr value, bool used,
                   StringRef name) -> LogicalResult {
    if (used && !value)
      return emitError() << stringifyActivation(kind) << " needs " << name;
    if (!used && value)
      return emitError() << stringifyActivation(kind) << " takes no " << name;
    if (value && !value.getType().isF32())
      return emitError() << name << " must be of type f32, found "
                         << value.getType();
    return success();
  };
  if (failed(check(alpha, usesAlpha(kind), "alpha")) ||
      failed(check(beta, usesBeta(kind), "beta")))
    return failure();
  return success();
}

Attribute PwlAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  FailureOr<Activation> kind;
  Type in, out;
  unsigned segments = 0;
  FloatAttr alpha, beta;
  if (parser.parseLess() ||
      failed(kind = FieldParser<Activation>::parse(parser)) ||
      parser.parseComma() || parser.parseKeyword("in") || parser.parseEqual() ||
      parser.parseType(in) || parser.parseComma() ||
      parser.parseKeyword("out") || parser.parseEqual() ||
      parser.parseType(out) || parser.parseComma() ||
      parser.parseKeyword("segments") || parser.parseEqual() ||
      parser.parseInteger(segments))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    StringRef key;
    SMLoc keyLoc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key))
      return {};
    FloatAttr *field = key == "alpha"  ? &alpha
                       : key == "beta" ? &beta
                                       : nullptr;
    if (!field || *field) {
      parser.emitError(keyLoc, "expected 'alpha' or 'beta', each once");
      return {};
    }
    if (parser.parseEqual() || parser.parseAttribute(*field))
      return {};
  }
  if (parser.parseGreater())
    return {};
  auto inInt = dyn_cast<IntType>(in), outInt = dyn_cast<IntType>(out);
  if (!inInt || !outInt) {
    parser.emitError(loc, "table formats must be of type !fx.int");
    return {};
  }
  return parser.getChecked<PwlAttr>(loc, parser.getContext(), *kind, inInt,
                                    outInt, segments, alpha, beta);
}

void PwlAttr::print(AsmPrinter &printer) const {
  printer << "<" << stringifyActivation(getKind()) << ", in = " << getIn()
          << ", out = " << getOut() << ", segments = " << getSegments();
  if (getAlpha())
    printer << ", alpha = " << getAlpha();
  if (getBeta())
    printer << ", beta = " << getBeta();
  printer << ">";
}

//===----------------------------------------------------------------------===//
// TierAttr
//===----------------------------------------------------------------------===//

LogicalResult TierAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               unsigned rows, unsigned cols, unsigned num,
                               unsigned den, Balance balance) {
  if (rows == 0 || cols == 0 || rows > kMaxField || cols > kMaxField)
    return emitError() << "block of " << rows << "x" << cols
                       << ": both sides must be within 1.." << kMaxField;
  if (num == 0 || num > den || den > kMaxField)
    return emitError() << "keep fraction " << num << "/" << den
                       << " is not within (0, 1] with terms up to "
                       << kMaxField;
  return success();
}

/// tier ::= rows `x` cols `keep` num `/` den (`row` | `column`)
static FailureOr<TierAttr> parseTierBody(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> dims;
  unsigned num = 0, den = 0;
  FailureOr<Balance> balance;
  if (parser.parseDimensionList(dims, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (dims.size() != 2) {
    parser.emitError(loc, "expected a block size such as 32x32");
    return failure();
  }
  if (parser.parseKeyword("keep") || parser.parseInteger(num) ||
      parser.parseSlash() || parser.parseInteger(den) ||
      failed(balance = FieldParser<Balance>::parse(parser)))
    return failure();
  auto field = [](int64_t v) {
    return static_cast<unsigned>(std::min<int64_t>(v, UINT32_MAX));
  };
  TierAttr tier =
      parser.getChecked<TierAttr>(loc, parser.getContext(), field(dims[0]),
                                  field(dims[1]), num, den, *balance);
  if (!tier)
    return failure();
  return tier;
}

static void printTierBody(AsmPrinter &printer, TierAttr tier) {
  printer << tier.getRows() << "x" << tier.getCols() << " keep "
          << tier.getNum() << "/" << tier.getDen() << " "
          << stringifyBalance(tier.getBalance());
}

Attribute TierAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<TierAttr> tier = parseTierBody(parser);
  if (failed(tier) || parser.parseGreater())
    return {};
  return *tier;
}

void TierAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printTierBody(printer, *this);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// SparsityAttr
//===----------------------------------------------------------------------===//

static ParseResult parseTiers(AsmParser &parser, SmallVector<TierAttr> &tiers) {
  return parser.parseCommaSeparatedList([&]() -> ParseResult {
    FailureOr<TierAttr> tier = parseTierBody(parser);
    if (failed(tier))
      return failure();
    tiers.push_back(*tier);
    return success();
  });
}

static void printTiers(AsmPrinter &printer, ArrayRef<TierAttr> tiers) {
  llvm::interleaveComma(tiers, printer,
                        [&](TierAttr tier) { printTierBody(printer, tier); });
}

LogicalResult SparsityAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<TierAttr> tiers, StringAttr map) {
  if (tiers.empty() || tiers.size() > kMaxTiers)
    return emitError() << "a block pattern has 1 to " << kMaxTiers
                       << " tiers, found " << tiers.size();
  for (size_t i = 1; i < tiers.size(); ++i)
    if (tiers[i].getRows() > tiers[i - 1].getRows() ||
        tiers[i].getCols() > tiers[i - 1].getCols())
      return emitError() << "tier " << i + 1 << " of " << tiers[i].getRows()
                         << "x" << tiers[i].getCols()
                         << " does not fit into the blocks of "
                         << tiers[i - 1].getRows() << "x"
                         << tiers[i - 1].getCols() << " of tier " << i;
  if (!map)
    return success();
  StringRef hex = map.getValue();
  if (hex.size() % 2 != 0)
    return emitError() << "the map has an odd number of hex digits ("
                       << hex.size() << ")";
  size_t bad = hex.find_first_not_of("0123456789abcdef");
  if (bad != StringRef::npos)
    return emitError() << "the map has '" << hex.substr(bad, 1)
                       << "' at position " << bad
                       << "; it takes lower-case hex digits only";
  return success();
}

SparsityAttr SparsityAttr::getWithMap(MLIRContext *context,
                                      ArrayRef<TierAttr> tiers,
                                      ArrayRef<uint8_t> bytes) {
  return get(context, tiers,
             StringAttr::get(context, llvm::toHex(bytes, /*LowerCase=*/true)));
}

SmallVector<uint8_t> SparsityAttr::getMapBytes() const {
  SmallVector<uint8_t> bytes;
  if (!getMap())
    return bytes;
  std::string raw = llvm::fromHex(getMap().getValue());
  bytes.assign(raw.begin(), raw.end());
  return bytes;
}

//===----------------------------------------------------------------------===//
// CirculantAttr
//===----------------------------------------------------------------------===//

LogicalResult
CirculantAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      unsigned block) {
  if (block == 0)
    return emitError() << "a circulant block has at least one row";
  return success();
}

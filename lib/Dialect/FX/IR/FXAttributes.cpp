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

#include <cmath>
#include <cstdio>
#include <limits>

using namespace mlir;
using namespace hcgs::fx;

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
                              unsigned segments, PwlKind tableKind,
                              FloatAttr error, FloatAttr alpha, FloatAttr beta,
                              DenseElementsAttr samples) {
  if (in.getWidth() > 16)
    return emitError() << "table input " << in
                       << " is wider than the 16 bits of A-PWL-1";
  if (out.getWidth() > 16)
    return emitError() << "table output " << out << " is wider than 16 bits";
  if (segments < 1 || segments > kMaxSegments)
    return emitError() << "number of segments " << segments
                       << " is not within 1.." << kMaxSegments;
  if (error && !error.getType().isF64())
    return emitError() << "error must be of type f64, found "
                       << error.getType();
  if (error && !(error.getValueAsDouble() > 0.0 && error.getValue().isFinite()))
    return emitError() << "error of a table must be a number of output LSBs "
                          "above 0, found "
                       << error.getValueAsDouble();
  auto check = [&](FloatAttr value, bool used,
                   StringRef name) -> LogicalResult {
    if (used && !value)
      return emitError() << stringifyActivation(kind) << " needs " << name;
    if (!used && value)
      return emitError() << stringifyActivation(kind)
                         << (samples ? " given by samples takes no "
                                     : " takes no ")
                         << name;
    if (value && !value.getType().isF32())
      return emitError() << name << " must be of type f32, found "
                         << value.getType();
    return success();
  };
  if (failed(check(alpha, usesAlpha(kind) && !samples, "alpha")) ||
      failed(check(beta, usesBeta(kind) && !samples, "beta")))
    return failure();
  if (samples)
    return verifySamples(emitError, samples);
  return success();
}

/// A number with no more digits than it needs.
static std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

LogicalResult
hcgs::fx::verifySamples(function_ref<InFlightDiagnostic()> emitError,
                        DenseElementsAttr samples) {
  ShapedType type = samples.getType();
  if (!type.getElementType().isF64() || type.getRank() != 2 ||
      type.getDimSize(0) < 2 || type.getDimSize(1) != 2)
    return emitError() << "samples must be points (x, y), at least two, as "
                          "tensor<Nx2xf64>, found "
                       << type;
  double last = -std::numeric_limits<double>::infinity();
  for (auto [i, value] : llvm::enumerate(samples.getValues<double>())) {
    if (!std::isfinite(value))
      return emitError() << "samples hold " << shown(value) << " at point "
                         << i / 2 << "; only finite numbers are allowed";
    if (i % 2 != 0)
      continue;
    if (value <= last)
      return emitError() << "x of samples must rise, found " << shown(value)
                         << " after " << shown(last) << " at point " << i / 2;
    last = value;
  }
  return success();
}

Attribute PwlAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  FailureOr<Activation> kind;
  FailureOr<PwlKind> tableKind = PwlKind::Auto;
  Type in, out;
  unsigned segments = 0;
  FloatAttr error, alpha, beta;
  DenseElementsAttr samples;
  if (parser.parseLess() ||
      failed(kind = FieldParser<Activation>::parse(parser)) ||
      parser.parseComma() || parser.parseKeyword("in") || parser.parseEqual() ||
      parser.parseType(in) || parser.parseComma() ||
      parser.parseKeyword("out") || parser.parseEqual() ||
      parser.parseType(out) || parser.parseComma() ||
      parser.parseKeyword("segments") || parser.parseEqual() ||
      parser.parseInteger(segments))
    return {};
  SmallVector<StringRef> seen;
  while (succeeded(parser.parseOptionalComma())) {
    StringRef key;
    SMLoc keyLoc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key))
      return {};
    bool known =
        llvm::is_contained({"kind", "error", "alpha", "beta", "samples"}, key);
    if (!known || llvm::is_contained(seen, key)) {
      parser.emitError(keyLoc, "expected 'kind', 'error', 'alpha', 'beta' or "
                               "'samples', each once");
      return {};
    }
    seen.push_back(key);
    if (parser.parseEqual())
      return {};
    if (key == "kind") {
      if (failed(tableKind = FieldParser<PwlKind>::parse(parser)))
        return {};
    } else if (key == "samples") {
      if (parser.parseAttribute(samples))
        return {};
    } else {
      FloatAttr &field = key == "error" ? error : key == "alpha" ? alpha : beta;
      if (parser.parseAttribute(field))
        return {};
    }
  }
  if (parser.parseGreater())
    return {};
  auto inInt = dyn_cast<IntType>(in), outInt = dyn_cast<IntType>(out);
  if (!inInt || !outInt) {
    parser.emitError(loc, "table formats must be of type !fx.int");
    return {};
  }
  return parser.getChecked<PwlAttr>(loc, parser.getContext(), *kind, inInt,
                                    outInt, segments, *tableKind, error, alpha,
                                    beta, samples);
}

void PwlAttr::print(AsmPrinter &printer) const {
  printer << "<" << stringifyActivation(getKind()) << ", in = " << getIn()
          << ", out = " << getOut() << ", segments = " << getSegments();
  if (getTableKind() != PwlKind::Auto)
    printer << ", kind = " << stringifyPwlKind(getTableKind());
  if (getError())
    printer << ", error = " << getError();
  if (getAlpha())
    printer << ", alpha = " << getAlpha();
  if (getBeta())
    printer << ", beta = " << getBeta();
  if (getSamples())
    printer << ", samples = " << getSamples();
  printer << ">";
}

//===----------------------------------------------------------------------===//
// DirectoryAttr
//===----------------------------------------------------------------------===//

LogicalResult
DirectoryAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      int32_t origin, unsigned frac, ArrayRef<int32_t> first,
                      ArrayRef<int32_t> bits, std::optional<int32_t> centre) {
  if (first.empty() || first.size() > 64 || first.size() != bits.size())
    return emitError() << "a directory has 1..64 regions, each with first and "
                          "bits, found "
                       << first.size() << " and " << bits.size();
  return success();
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

/// tier ::= rows `x` cols `keep` num `/` den
///          (`row` | `column` | `both` | `none`)
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

LogicalResult SparsityAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<TierAttr> tiers, bool separate,
                                   ArrayRef<StringAttr> maps) {
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
  if (!separate && maps.size() > 1)
    return emitError() << "shared blocks have one map, found " << maps.size();
  if (maps.size() > 4)
    return emitError() << "separate blocks have one map per gate, 1 to 4, "
                          "found "
                       << maps.size();
  for (auto [gate, map] : llvm::enumerate(maps)) {
    StringRef hex = map.getValue();
    std::string which = separate ? "map " + std::to_string(gate) : "the map";
    if (hex.size() % 2 != 0)
      return emitError() << which << " has an odd number of hex digits ("
                         << hex.size() << ")";
    size_t bad = hex.find_first_not_of("0123456789abcdef");
    if (bad != StringRef::npos)
      return emitError() << which << " has '" << hex.substr(bad, 1)
                         << "' at position " << bad
                         << "; it takes lower-case hex digits only";
  }
  return success();
}

/// sparsity ::= `<` `tiers` `=` `[` tier (`,` tier)* `]`
///              (`,` `separate`)?
///              (`,` (`map` `=` string | `maps` `=` `[` string* `]`))? `>`
/// The tiers come without mnemonic and brackets; `maps` goes with `separate`.
Attribute SparsityAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<TierAttr> tiers;
  SmallVector<StringAttr> maps;
  bool separate = false;
  auto parseTier = [&]() -> ParseResult {
    FailureOr<TierAttr> tier = parseTierBody(parser);
    if (failed(tier))
      return failure();
    tiers.push_back(*tier);
    return success();
  };
  auto parseMap = [&]() -> ParseResult {
    return parser.parseAttribute(maps.emplace_back());
  };
  if (parser.parseLess() || parser.parseKeyword("tiers") ||
      parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseTier))
    return {};
  bool more = succeeded(parser.parseOptionalComma());
  if (more && succeeded(parser.parseOptionalKeyword("separate"))) {
    separate = true;
    more = succeeded(parser.parseOptionalComma());
  }
  if (more && separate &&
      (parser.parseKeyword("maps") || parser.parseEqual() ||
       parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseMap)))
    return {};
  if (more && !separate &&
      (parser.parseKeyword("map") || parser.parseEqual() || parseMap()))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SparsityAttr>(loc, parser.getContext(), tiers,
                                         separate, maps);
}

void SparsityAttr::print(AsmPrinter &printer) const {
  printer << "<tiers = [";
  llvm::interleaveComma(getTiers(), printer,
                        [&](TierAttr tier) { printTierBody(printer, tier); });
  printer << "]";
  if (getSeparate())
    printer << ", separate";
  if (hasMap() && !getSeparate()) {
    printer << ", map = " << getMaps().front();
  } else if (hasMap()) {
    printer << ", maps = [";
    llvm::interleaveComma(getMaps(), printer);
    printer << "]";
  }
  printer << ">";
}

static StringAttr toHexAttr(MLIRContext *context, ArrayRef<uint8_t> bytes) {
  return StringAttr::get(context, llvm::toHex(bytes, /*LowerCase=*/true));
}

SparsityAttr SparsityAttr::getShared(MLIRContext *context,
                                     ArrayRef<TierAttr> tiers,
                                     ArrayRef<uint8_t> image) {
  return get(context, tiers, /*separate=*/false, toHexAttr(context, image));
}

SparsityAttr SparsityAttr::getSeparate(MLIRContext *context,
                                       ArrayRef<TierAttr> tiers,
                                       ArrayRef<std::vector<uint8_t>> images) {
  SmallVector<StringAttr> maps;
  for (const std::vector<uint8_t> &image : images)
    maps.push_back(toHexAttr(context, image));
  return get(context, tiers, /*separate=*/true, maps);
}

std::vector<uint8_t> SparsityAttr::getMapBytes(unsigned gate) const {
  std::string raw =
      llvm::fromHex(getMaps()[getSeparate() ? gate : 0].getValue());
  return {raw.begin(), raw.end()};
}

std::vector<uint8_t> SparsityAttr::getIndexImage() const {
  std::vector<uint8_t> image;
  for (unsigned gate = 0; gate < getMaps().size(); ++gate)
    llvm::append_range(image, getMapBytes(gate));
  return image;
}

//===----------------------------------------------------------------------===//
// CirculantAttr
//===----------------------------------------------------------------------===//

LogicalResult
CirculantAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      unsigned block) {
  if (block < kMinBlock || block > kMaxBlock)
    return emitError() << "circulant block size " << block << " is not within "
                       << kMinBlock << ".." << kMaxBlock;
  return success();
}

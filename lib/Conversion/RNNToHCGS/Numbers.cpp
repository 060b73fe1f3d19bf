// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weight codes, biases, tables and constant states.

#include "Numbers.h"
#include "Ports.h"

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Layout.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

/// Matrices of more codes than this are resources: text that a person reads
/// keeps the small ones in place.
static constexpr size_t kInlineCodes = 64;

FailureOr<Floats> Floats::of(rnn::WeightOp weight) {
  Floats floats;
  ElementsAttr value = weight.getValue();
  if (auto resource = dyn_cast<DenseF32ResourceElementsAttr>(value)) {
    std::optional<ArrayRef<float>> data = resource.tryGetAsArrayRef();
    if (!data || static_cast<int64_t>(data->size()) !=
                     value.getShapedType().getNumElements())
      return nodeError(weight) << "the bytes of the weights are missing";
    floats.view = *data;
    return floats;
  }
  auto dense = dyn_cast<DenseFPElementsAttr>(value);
  if (!dense)
    return nodeError(weight) << "weights must be dense or a dense_resource";
  if (dense.isSplat()) {
    floats.copy.assign(dense.getNumElements(), dense.getSplatValue<float>());
  } else {
    ArrayRef<char> raw = dense.getRawData();
    floats.view = {reinterpret_cast<const float *>(raw.data()),
                   raw.size() / sizeof(float)};
  }
  return floats;
}

/// The pattern of a sparsity attribute.
static compression::Pattern getPattern(fx::SparsityAttr sparsity) {
  compression::Pattern pattern;
  for (fx::TierAttr tier : sparsity.getTiers())
    pattern.tiers.push_back(
        {static_cast<int>(tier.getRows()), static_cast<int>(tier.getCols()),
         static_cast<int>(tier.getNum()), static_cast<int>(tier.getDen()),
         tier.getBalance() == fx::Balance::Row ? compression::Balance::Row
                                               : compression::Balance::Column});
  return pattern;
}

static numerics::WeightFormat getFormat(fx::WeightsAttr weights) {
  numerics::WeightFormat format;
  format.bits = weights.getBits();
  format.encoding = weights.getEncoding() == fx::WeightEncoding::Twos
                        ? numerics::WeightEncoding::Twos
                        : numerics::WeightEncoding::SignMag;
  format.rounding = weights.getRounding() == fx::Rounding::Nearest
                        ? numerics::WeightRounding::Nearest
                        : numerics::WeightRounding::Ceil;
  return format;
}

/// The codes as an attribute: in place if they are few, else a resource that
/// owns them.
static ElementsAttr makeCodes(MLIRContext *context, StringRef name,
                              ArrayRef<int64_t> shape,
                              std::vector<int8_t> codes) {
  auto type = RankedTensorType::get(shape, IntegerType::get(context, 8));
  if (codes.size() <= kInlineCodes)
    return DenseElementsAttr::get(type, ArrayRef<int8_t>(codes));
  auto *owned = new std::vector<int8_t>(std::move(codes));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(owned->data()),
                       owned->size());
  AsmResourceBlob blob(
      bytes, alignof(int8_t), [owned](void *, size_t, size_t) { delete owned; },
      /*dataIsMutable=*/false);
  return cast<ElementsAttr>(
      Attribute(DenseI8ResourceElementsAttr::get(type, name, std::move(blob))));
}

FailureOr<Codes> tohcgs::quantize(Operation *layer, StringRef name,
                                  rnn::WeightOp weight, int64_t gates,
                                  int64_t rows, int64_t cols,
                                  fx::WeightsAttr format) {
  FailureOr<Floats> floats = Floats::of(weight);
  if (failed(floats))
    return failure();
  if (static_cast<int64_t>(format.getExps().size()) != gates)
    return nodeError(layer) << name << " has " << format.getExps().size()
                            << " exponents, " << gates << " are needed";

  Codes result;
  std::optional<compression::WeightLayout> layout;
  if (Attribute pattern = weight.getSparsityAttr()) {
    result.sparsity = dyn_cast<fx::SparsityAttr>(pattern);
    if (!result.sparsity)
      return nodeError(layer)
             << name << " has the pattern " << pattern
             << ", which the machine of this version does not have; use "
                "#fx.sparsity";
    if (!result.sparsity.hasMap())
      return nodeError(layer) << name
                              << " has a pattern without map; choose the "
                                 "blocks first (rnn-compress)";
    Result<compression::BlockMap> map = compression::BlockMap::fromIndexImage(
        getPattern(result.sparsity), rows, cols, result.sparsity.getMapBytes());
    if (!map)
      return nodeError(layer) << name << ": " << map.message();
    layout = compression::WeightLayout::sparse(
        gates, std::make_shared<const compression::BlockMap>(std::move(*map)),
        rows);
  } else {
    // One row block: gate, row, column.
    layout = compression::WeightLayout::dense(gates, rows, cols, rows);
  }

  compression::MatrixView view{floats->get().data(), gates, rows, cols};
  SmallVector<int> exponents(format.getExps());
  Result<compression::QuantizedMatrix> quantized =
      compression::quantizeMatrix(view, *layout, getFormat(format), exponents,
                                  {/*keepCodes=*/true, /*makeImage=*/false});
  if (!quantized)
    return nodeError(layer) << name << ": " << quantized.message();
  result.rowMagnitudes = std::move(quantized->rowMagnitudes);

  std::vector<int8_t> codes(quantized->codes.size());
  // +128 of 8-bit signmag is stored as 0 (hcgs.matrix).
  for (auto [stored, code] : llvm::zip(codes, quantized->codes))
    stored = static_cast<int8_t>(code == 128 ? 0 : code);
  SmallVector<int64_t> shape = {gates, rows, cols};
  if (result.sparsity)
    shape = {static_cast<int64_t>(codes.size())};
  result.codes = makeCodes(layer->getContext(), name, shape, std::move(codes));
  return result;
}

FailureOr<std::vector<int64_t>> tohcgs::roundBias(Operation *layer,
                                                  rnn::WeightOp bias,
                                                  ArrayRef<int32_t> fractions,
                                                  int64_t rows) {
  FailureOr<Floats> floats = Floats::of(bias);
  if (failed(floats))
    return failure();
  ArrayRef<float> values = floats->get();
  const size_t count = fractions.size() * rows;
  std::vector<int64_t> codes(count);
  for (size_t i = 0; i < count; ++i) {
    double sum = values[i];
    if (values.size() == 2 * count)
      sum += static_cast<double>(values[count + i]);
    int32_t fraction = fractions[i / rows];
    double code = numerics::roundHalfAway(std::ldexp(sum, fraction));
    if (!(std::fabs(code) < 2147483648.0)) // NaN fails too
      return nodeError(layer)
             << "bias " << sum << " of row " << i % rows << " of gate "
             << i / rows << " does not fit the 32-bit accumulator with "
             << fraction
             << " fractional bits; use fewer weight or activation bits";
    codes[i] = static_cast<int64_t>(code);
  }
  return codes;
}

FailureOr<SmallVector<int16_t>> tohcgs::roundState(Operation *layer,
                                                   rnn::WeightOp state,
                                                   int64_t size,
                                                   fx::IntType format) {
  FailureOr<Floats> floats = Floats::of(state);
  if (failed(floats))
    return failure();
  ArrayRef<float> values = floats->get();
  SmallVector<int16_t> codes(size);
  for (auto [i, value] : llvm::enumerate(values)) {
    if (i >= static_cast<size_t>(size)) {
      if (value == values[i % size])
        continue;
      return nodeError(layer)
             << "the constant initial state differs between the rows of the "
                "batch (row "
             << i / size << ", unit " << i % size
             << "); every row runs the same program, make the state an input";
    }
    Result<int64_t> code = numerics::checkedCode(
        value, {static_cast<int>(format.getWidth()), format.getFraction()});
    if (!code)
      return nodeError(layer) << "initial state: " << code.message();
    codes[i] = static_cast<int16_t>(*code);
  }
  return codes;
}

FailureOr<FittedTable> tohcgs::fitTable(Operation *layer,
                                        fx::PwlAttr function) {
  if (function.getIn().getWidth() != 16)
    return nodeError(layer)
           << "table " << function << " takes an input of other than 16 bits";
  StringRef name = fx::stringifyActivation(function.getKind());
  std::optional<numerics::ActivationKind> kind =
      numerics::parseActivation(std::string_view(name.data(), name.size()));
  if (!kind)
    return nodeError(layer) << "no table can be fitted for '" << name << "'";
  numerics::Activation activation = numerics::Activation::of(*kind);
  if (FloatAttr alpha = function.getAlpha())
    activation.alpha = alpha.getValueAsDouble();
  if (FloatAttr beta = function.getBeta())
    activation.beta = beta.getValueAsDouble();

  fx::IntType out = function.getOut();
  numerics::PwlOptions options;
  options.segmentsLog2 = llvm::Log2_32(function.getSegments());
  std::optional<FittedTable> best;
  // Smaller domains have finer segments, but saturate where the function may
  // not be flat yet.
  for (int k = 15; k >= 11 && options.segmentsLog2 <= k + 1; --k) {
    options.domainLog2 = k;
    Result<numerics::PwlTable> table = numerics::fitPwl(
        activation, function.getIn().getFraction(),
        {static_cast<int>(out.getWidth()), out.getFraction()}, options);
    if (!table)
      return nodeError(layer)
             << "table " << function << ": " << table.message();
    double error = numerics::worstError(*table, activation).worst;
    if (best && error >= best->error)
      break; // it only gets worse from here
    best = FittedTable{std::move(*table), error};
  }
  return *best;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weight codes, biases, tables and constant states.

#include "Numbers.h"
#include "Ports.h"

#include "hcgs/Dialect/FX/Utils/MatrixForms.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

/// Matrices of more codes than this are resources: text that a person reads
/// keeps the small ones in place.
static constexpr size_t kInlineCodes = 64;

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

/// What came of the weights: how the matrix was compressed, and what rounding
/// did to each gate.
static DictionaryAttr
describeRounding(rnn::WeightOp weight, const compression::MatrixView &view,
                 const compression::QuantizedMatrix &quantized) {
  Builder builder(weight.getContext());
  NamedAttrList entries;
  if (DictionaryAttr before = weight.getProvenanceAttr())
    entries.append(before.getValue());
  SmallVector<Attribute> errors, ratios;
  bool exact = true;
  for (int64_t gate = 0; gate < view.gates; ++gate) {
    const double error = quantized.squaredErrors[gate];
    double signal = 0.0;
    const float *values = view.row(gate, 0);
    for (int64_t i = 0; i < view.rows * view.cols; ++i)
      signal += static_cast<double>(values[i]) * values[i];
    exact &= error == 0.0;
    errors.push_back(builder.getF64FloatAttr(error));
    // Null where the ratio is infinite.
    ratios.push_back(error > 0.0 && signal > 0.0
                         ? Attribute(builder.getF64FloatAttr(
                               10.0 * std::log10(signal / error)))
                         : Attribute(builder.getUnitAttr()));
  }
  entries.set("on_grid", builder.getBoolAttr(exact));
  entries.set("squared_error", builder.getArrayAttr(errors));
  entries.set("sqnr_db", builder.getArrayAttr(ratios));
  return entries.getDictionary(weight.getContext());
}

FailureOr<Codes> tohcgs::quantize(Operation *layer, StringRef name,
                                  rnn::WeightOp weight,
                                  fx::WeightsAttr format) {
  FailureOr<rnn::FloatData> floats = rnn::getFloatData(weight);
  if (failed(floats))
    return failure();
  const compression::MatrixView view = rnn::getMatrixView(weight, *floats);
  if (static_cast<int64_t>(format.getExps().size()) != view.gates)
    return nodeError(layer) << name << " has " << format.getExps().size()
                            << " exponents, " << view.gates << " are needed";

  Codes result;
  result.sparsity = weight.getSparsityAttr();
  // One row block: a dense matrix goes gate, row, column.
  Result<compression::WeightLayout> layout = fx::makeLayout(
      result.sparsity, view.gates, view.rows, view.cols, view.rows);
  if (!layout)
    return nodeError(layer) << name << ": " << layout.message();

  SmallVector<int> exponents(format.getExps());
  Result<compression::QuantizedMatrix> quantized = compression::quantizeMatrix(
      view, *layout, fx::toWeightFormat(format), exponents,
      {/*keepCodes=*/true, /*makeImage=*/false});
  if (!quantized)
    return nodeError(layer) << name << ": " << quantized.message();
  result.rowMagnitudes = std::move(quantized->rowMagnitudes);
  result.provenance = describeRounding(weight, view, *quantized);

  std::vector<int8_t> codes(quantized->codes.size());
  // +128 of 8-bit signmag is stored as 0 (hcgs.matrix).
  for (auto [stored, code] : llvm::zip(codes, quantized->codes))
    stored = static_cast<int8_t>(code == 128 ? 0 : code);
  SmallVector<int64_t> shape = {view.gates, view.rows, view.cols};
  if (result.sparsity)
    shape = {static_cast<int64_t>(codes.size())};
  result.codes = makeCodes(layer->getContext(), name, shape, std::move(codes));
  return result;
}

void ProvedSum::add(const numerics::AccumulatorBound &other, int64_t ofGate) {
  if (other.magnitude <= bound.magnitude)
    return;
  bound = other;
  gate = ofGate;
}

void ProvedSum::note(Codes &codes) const {
  Builder builder(codes.provenance.getContext());
  NamedAttrList entries(codes.provenance);
  entries.set("acc_bound", builder.getI64IntegerAttr(bound.magnitude));
  entries.set("acc_gate", builder.getI64IntegerAttr(gate));
  entries.set("acc_row", builder.getI64IntegerAttr(bound.row));
  entries.set("acc_spare_bits", builder.getI64IntegerAttr(32 - bound.bits()));
  codes.provenance = entries.getDictionary(builder.getContext());
}

FailureOr<std::vector<int64_t>> tohcgs::roundBias(Operation *layer,
                                                  rnn::WeightOp bias,
                                                  ArrayRef<int32_t> fractions,
                                                  int64_t rows) {
  FailureOr<rnn::FloatData> floats = rnn::getFloatData(bias);
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
  FailureOr<rnn::FloatData> floats = rnn::getFloatData(state);
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

FailureOr<numerics::FittedPwl> tohcgs::fitTable(Operation *layer,
                                                fx::PwlAttr function) {
  if (function.getIn().getWidth() != 16)
    return nodeError(layer)
           << "table " << function << " takes an input of other than 16 bits";
  numerics::Activation activation = rnn::toActivation(
      function.getKind(), function.getAlpha(), function.getBeta());
  if (DenseElementsAttr samples = function.getSamples())
    activation.samples =
        std::make_shared<const numerics::Samples>(rnn::toSamples(samples));

  numerics::PwlRequest request;
  request.maxEntries = static_cast<int>(function.getSegments());
  if (FloatAttr error = function.getError())
    request.maxError = error.getValueAsDouble();
  switch (function.getTableKind()) {
  case fx::PwlKind::Auto:
    request.kind = numerics::PwlChoice::Auto;
    break;
  case fx::PwlKind::Uniform:
    request.kind = numerics::PwlChoice::Uniform;
    break;
  case fx::PwlKind::TwoLevel:
    request.kind = numerics::PwlChoice::TwoLevel;
    break;
  }
  fx::IntType out = function.getOut();
  Result<numerics::FittedPwl> fitted = numerics::choosePwl(
      activation, function.getIn().getFraction(),
      {static_cast<int>(out.getWidth()), out.getFraction()}, request);
  if (!fitted)
    return nodeError(layer) << fitted.message();
  return *std::move(fitted);
}

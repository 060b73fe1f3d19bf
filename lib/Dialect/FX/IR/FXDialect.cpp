// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fx dialect, its types and its enumerations.

#include "hcgs/Dialect/FX/IR/FXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs::fx;

#include "hcgs/Dialect/FX/IR/FXDialect.cpp.inc"

#include "hcgs/Dialect/FX/IR/FXEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "hcgs/Dialect/FX/IR/FXTypes.cpp.inc"

void FXDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "hcgs/Dialect/FX/IR/FXTypes.cpp.inc"
      >();
  registerAttributes();
}

LogicalResult IntType::verify(function_ref<InFlightDiagnostic()> emitError,
                              unsigned width, int32_t fraction) {
  if (width < kMinWidth || width > kMaxWidth)
    return emitError() << "fixed-point width " << width << " is not within "
                       << kMinWidth << ".." << kMaxWidth;
  if (fraction < -kMaxFraction || fraction > kMaxFraction)
    return emitError() << "fixed-point fraction " << fraction
                       << " is not within -" << kMaxFraction << ".."
                       << kMaxFraction;
  return success();
}

bool hcgs::fx::usesAlpha(Activation kind) {
  switch (kind) {
  case Activation::LeakyRelu:
  case Activation::ThresholdedRelu:
  case Activation::ScaledTanh:
  case Activation::HardSigmoid:
  case Activation::Elu:
  case Activation::Affine:
    return true;
  default:
    return false;
  }
}

bool hcgs::fx::usesBeta(Activation kind) {
  return kind == Activation::ScaledTanh || kind == Activation::HardSigmoid ||
         kind == Activation::Affine;
}

std::optional<float> hcgs::fx::defaultAlpha(Activation kind) {
  switch (kind) {
  case Activation::LeakyRelu:
    return 0.01f;
  case Activation::ThresholdedRelu:
  case Activation::Elu:
    return 1.0f;
  case Activation::HardSigmoid:
    return 0.2f;
  default:
    return std::nullopt;
  }
}

std::optional<float> hcgs::fx::defaultBeta(Activation kind) {
  if (kind == Activation::HardSigmoid)
    return 0.5f;
  return std::nullopt;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading `rnn.override` (IR/OverrideKeys.h): what was said about one layer,
// matrix or value in place of a pass's option. A pass asks for the override
// and falls back to its option:
//
//   unsigned bits = getOverrideInteger(op, "W", "weight-bits")
//                       .value_or(weightBits);
//
// Values were checked by the verifier of the attribute, so that a reader needs
// no errors of its own.
//
#ifndef HCGS_DIALECT_RNN_TRANSFORMS_OVERRIDE_H
#define HCGS_DIALECT_RNN_TRANSFORMS_OVERRIDE_H

#include "hcgs/Dialect/RNN/IR/OverrideKeys.h"

#include <optional>
#include <utility>

namespace hcgs::rnn {

/// What is said about matrix `matrix` ("W" or "R") of `layer`, or else about
/// the whole layer; with an empty `matrix` only the latter. Null if nothing is.
mlir::Attribute getOverride(mlir::Operation *layer, llvm::StringRef matrix,
                            llvm::StringRef key);

/// The same as a number or a text.
std::optional<int64_t> getOverrideInteger(mlir::Operation *layer,
                                          llvm::StringRef matrix,
                                          llvm::StringRef key);
std::optional<llvm::StringRef> getOverrideText(mlir::Operation *layer,
                                               llvm::StringRef matrix,
                                               llvm::StringRef key);

/// A choice as an enumeration: `names` pairs the texts of the table of keys
/// with their meaning; `otherwise` if nothing is said.
template <typename T>
T getOverrideChoice(
    mlir::Operation *layer, llvm::StringRef matrix, llvm::StringRef key,
    std::initializer_list<std::pair<llvm::StringLiteral, T>> names,
    T otherwise) {
  if (std::optional<llvm::StringRef> text = getOverrideText(layer, matrix, key))
    for (const auto &[name, value] : names)
      if (*text == name)
        return value;
  return otherwise;
}

/// Exponents given for a matrix, one for each of `gates`; empty if none are.
llvm::SmallVector<int> getOverrideExponents(mlir::Operation *layer,
                                            llvm::StringRef matrix,
                                            int64_t gates);

/// What is said about a value: the result of a layer (`y`), the cell state of
/// an LSTM (its result y_c, `c`) or a function argument; for keys that layers
/// have too, also what is said about the layer. Null if nothing is.
mlir::Attribute getValueOverride(mlir::Value value, llvm::StringRef key);
std::optional<int64_t> getValueInteger(mlir::Value value, llvm::StringRef key);
std::optional<llvm::StringRef> getValueText(mlir::Value value,
                                            llvm::StringRef key);
std::optional<double> getValueReal(mlir::Value value, llvm::StringRef key);
/// An interval.
std::optional<std::pair<double, double>> getValueInterval(mlir::Value value,
                                                          llvm::StringRef key);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_OVERRIDE_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may be said about a single layer, matrix or value in place of the
// options of a compilation. It is kept in the discardable attribute
// `rnn.override` of layers and of function arguments:
//
//   rnn.override = {"act-bits" = 12 : i64, W = {"weight-bits" = 4 : i64},
//                   c = {range = array<f64: -4.0, 4.0>}}
//
// Keys are those of the options, where there is one of the same meaning. On a
// layer, `W` and `R` hold keys for one matrix, `y` and `c` for the result (h of
// an LSTM) and the cell state; what is said there wins over the layer. On a
// function argument the dictionary is that of the value.
//
// The table here is the one place that knows the keys: the verifier of the
// attribute, the reader of `--config` and its messages come from it.
//
#ifndef HCGS_DIALECT_RNN_IR_OVERRIDEKEYS_H
#define HCGS_DIALECT_RNN_IR_OVERRIDEKEYS_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace hcgs::rnn {

inline constexpr llvm::StringLiteral kOverrideAttr = "rnn.override";

/// One key.
struct OverrideKey {
  /// What the value is, and the attribute that holds it.
  enum class Kind {
    Integer,    // IntegerAttr i64, min..max
    Percentage, // FloatAttr f64, above 0 up to 100
    Choice,     // StringAttr, one of `choices`
    Text,       // StringAttr, not empty
    Exponents,  // DenseI64ArrayAttr, one for each gate, min..max each
    Interval    // DenseF64ArrayAttr of two, the first less than the second
  };
  /// Where it may stand, as a sum.
  enum Scope : unsigned { OfLayer = 1, OfMatrix = 2, OfValue = 4 };
  /// Layers it may stand at (and at whose matrices), as a sum.
  enum Layers : unsigned { LSTM = 1, Linear = 2, Act = 4, Add = 8 };

  llvm::StringLiteral name;
  Kind kind;
  unsigned scopes;
  unsigned layers;
  int64_t min = 0, max = 0;
  /// "nearest|ceil"
  llvm::StringLiteral choices = "";

  /// "2..8", "nearest|ceil", "[min, max]": what stands for the value in help.
  std::string allowed() const;
};

llvm::ArrayRef<OverrideKey> getOverrideKeys();

/// Null if there is no such key.
const OverrideKey *findOverrideKey(llvm::StringRef name);

/// The kind of layer that `op` is, as in OverrideKey::layers; 0 if it is none
/// whose numbers can be chosen.
unsigned getOverrideLayer(mlir::Operation *op);

/// Why `value` cannot be the value of `key`: "9 found, allowed is 2..8".
/// Nothing if it can.
std::optional<std::string> checkOverrideValue(const OverrideKey &key,
                                              mlir::Attribute value);

/// Why `key` cannot stand at `scope` of a layer (`layer` as of
/// getOverrideLayer, 0 for function arguments): there is no such key, or it is
/// of something else. Nothing if it can.
std::optional<std::string> checkOverrideKey(llvm::StringRef key, unsigned scope,
                                            unsigned layer);

/// The names of sub-dictionaries that layers of this kind have: "W", "y", ...
llvm::SmallVector<llvm::StringRef> getOverrideParts(unsigned layer);

/// The scope of a sub-dictionary.
inline unsigned getPartScope(llvm::StringRef part) {
  return part == "W" || part == "R" ? OverrideKey::OfMatrix
                                    : OverrideKey::OfValue;
}

/// Checks a whole attribute: that of an operation, or with `layer` 0 that of a
/// function argument. `emitError` starts the message.
mlir::LogicalResult
verifyOverride(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
               mlir::Attribute attribute, unsigned layer);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_IR_OVERRIDEKEYS_H

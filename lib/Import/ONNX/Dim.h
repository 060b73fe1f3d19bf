// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A length or an integer that may depend on dynamic axes: a constant times a
// product of symbols. Exporters compute shapes from shapes (Shape, Slice, Mul,
// Concat, Reshape); with these numbers the importer computes them, too, without
// knowing how long a sequence will be.

#ifndef HCGS_LIB_IMPORT_ONNX_DIM_H
#define HCGS_LIB_IMPORT_ONNX_DIM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>

namespace hcgs::frontend {

/// `coefficient * symbol * symbol * ...`. Symbols stand for lengths of dynamic
/// axes, so they are at least 1 (a sequence of no steps does not exist).
class Dim {
public:
  Dim(int64_t value = 0) : coefficient(value) {}

  /// The length of the dynamic axis that symbol `id` stands for.
  static Dim symbol(unsigned id) {
    Dim dim(1);
    dim.symbols.push_back(id);
    return dim;
  }

  bool isStatic() const { return symbols.empty(); }
  bool isStatic(int64_t value) const {
    return isStatic() && coefficient == value;
  }
  int64_t getCoefficient() const { return coefficient; }
  llvm::ArrayRef<unsigned> getSymbols() const { return symbols; }

  /// The symbol, if this is nothing else.
  std::optional<unsigned> asSymbol() const {
    if (coefficient == 1 && symbols.size() == 1)
      return symbols.front();
    return std::nullopt;
  }

  /// True if the number is certainly below `bound` <= 1.
  bool isCertainlyBelow(int64_t bound) const {
    return isStatic() ? coefficient < bound : coefficient < 0;
  }

  friend bool operator==(const Dim &a, const Dim &b) {
    return a.coefficient == b.coefficient && a.symbols == b.symbols;
  }
  friend bool operator!=(const Dim &a, const Dim &b) { return !(a == b); }

  /// The product; nothing if it leaves 64 bits.
  friend std::optional<Dim> multiply(const Dim &a, const Dim &b) {
    Dim result;
    if (__builtin_mul_overflow(a.coefficient, b.coefficient,
                               &result.coefficient))
      return std::nullopt;
    if (result.coefficient != 0) {
      result.symbols.append(a.symbols);
      result.symbols.append(b.symbols);
      llvm::sort(result.symbols);
    }
    return result;
  }

  /// The sum, where it can be written in this form.
  friend std::optional<Dim> add(const Dim &a, const Dim &b) {
    if (a.isStatic(0))
      return b;
    if (b.isStatic(0))
      return a;
    if (a.symbols != b.symbols)
      return std::nullopt;
    Dim result = a;
    if (__builtin_add_overflow(a.coefficient, b.coefficient,
                               &result.coefficient))
      return std::nullopt;
    if (result.coefficient == 0)
      result.symbols.clear();
    return result;
  }

  /// The quotient, where it is exact for every length, or both are constants
  /// (then truncated as ONNX's Div does).
  friend std::optional<Dim> divide(const Dim &a, const Dim &b) {
    if (b.coefficient == 0 ||
        (a.coefficient == INT64_MIN && b.coefficient == -1))
      return std::nullopt;
    if (a.isStatic() && b.isStatic())
      return Dim(a.coefficient / b.coefficient);
    if (a.coefficient % b.coefficient != 0)
      return std::nullopt;
    Dim result(a.coefficient / b.coefficient);
    result.symbols = a.symbols;
    for (unsigned symbol : b.symbols) {
      auto *it = llvm::find(result.symbols, symbol);
      if (it == result.symbols.end())
        return std::nullopt;
      result.symbols.erase(it);
    }
    return result;
  }

private:
  int64_t coefficient;
  llvm::SmallVector<unsigned, 2> symbols; // sorted
};

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_DIM_H

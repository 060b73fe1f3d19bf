// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The proof that no accumulator can leave 32 bits, whatever the inputs and
// whatever the order of additions: docs/Spec/Arithmetic.md, A-ACC-3. For each
// row,
//
//   |start value| + sum over the terms of sum|w| * X * 2^shift  <  2^31,
//
// X = 2^(bits-1) being the largest magnitude of a term's operand. Since all
// terms are counted by magnitude, every partial sum is covered too.
//
#ifndef HCGS_NUMERICS_ACCUMULATORPROOF_H
#define HCGS_NUMERICS_ACCUMULATORPROOF_H

#include "hcgs/Support/Result.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hcgs::numerics {

/// One matrix product that adds into a range of accumulators.
struct ProductTerm {
  /// "W", "R": as messages shall call it.
  std::string name;
  /// For each row the sum of the magnitudes of its weight codes.
  std::span<const int64_t> rowMagnitudes;
  /// Width of the codes it is multiplied with.
  int operandBits = 16;
  /// The option that sets that width, for messages: "act-bits".
  std::string operandOption;
  /// Left shift of the products, 0..15.
  int shift = 0;
  /// Width of the weights, for messages.
  int weightBits = 8;
};

/// The largest bound found and where.
struct AccumulatorBound {
  /// Upper bound of the magnitude; saturates at 2^62.
  int64_t magnitude = 0;
  /// Row of it.
  int64_t row = 0;
  /// Bits of two's complement that hold it.
  int bits() const;
  /// Bits of the machine's 32 that are never used; negative if it does not fit.
  int spareBits() const { return 32 - bits(); }
  bool fits() const { return spareBits() >= 0; }
};

/// The bound of the accumulators of one gate (or of a linear layer). `start`
/// holds each row's start value (bias code), or is empty for zero.
AccumulatorBound boundRows(std::span<const int64_t> start,
                           std::span<const ProductTerm> terms);

/// What the bound of a row is made of: "start 12 + W 69000 * 2^15 << 0".
std::string describeRow(std::span<const int64_t> start,
                        std::span<const ProductTerm> terms, int64_t row);

/// The term that makes up most of the bound of a row; there is at least one.
const ProductTerm &largestTerm(std::span<const ProductTerm> terms, int64_t row);

/// Proves that bound to fit. `where` opens the
/// message: "node 'lstm1', gate f". The error says which row, the bits it
/// needs, what each part contributes, and the widths with which it would fit.
Result<AccumulatorBound> proveRows(const std::string &where,
                                   std::span<const int64_t> start,
                                   std::span<const ProductTerm> terms);

/// One element product or vector added into an accumulator: (a*b) << shift, or
/// v << shift with bBits = 0.
struct ElementTerm {
  std::string name; // "f*c"
  int aBits = 16;
  int bBits = 0;
  int shift = 0;
  /// Options that set the widths and would, alone, shrink the whole sum; empty
  /// if there are none.
  std::string aOption, bOption;
};

/// Proves a sum of element products (cell sums, adds): the same for all rows.
Result<AccumulatorBound> proveElements(const std::string &where,
                                       std::span<const ElementTerm> terms);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_ACCUMULATORPROOF_H

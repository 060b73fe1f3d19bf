// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lengths of the parts of a description, in bits (docs/Rationale/Detection.md,
// section "The length of a description"). None is a code that is ever written,
// so lengths need not be whole numbers.
//
#ifndef HCGS_LIB_COMPRESSION_DETECTCODE_H
#define HCGS_LIB_COMPRESSION_DETECTCODE_H

#include "hcgs/Compression/Pattern.h"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace hcgs::compression {

/// log2 of the number of ways to choose k of n, 0 <= k <= n.
double log2Binomial(int64_t n, int64_t k);

/// A number that is small more often than not, n >= 1: Elias' gamma code.
double smallNumberBits(int64_t n);

/// Which `count` of `positions`, `count` included.
double subsetBits(int64_t positions, int64_t count);

/// The sizes of a block in a matrix of `rows` x `cols`. Squares, powers of two
/// and whole extents have short names.
double sizeBits(int64_t height, int64_t width, int64_t rows, int64_t cols);

/// A balance, on its own or if all tiers of a pattern have it.
double balanceBits(Balance balance);
double sharedBalanceBits(Balance balance);
/// What a pattern whose tiers differ in balance pays beside each tier's.
inline constexpr double mixedBalanceBits = 5.0;
/// One more tier follows, or none.
inline constexpr double tierBits = 2.0;

//===----------------------------------------------------------------------===//
// Lines and the fraction they keep
//===----------------------------------------------------------------------===//

/// (blocks in a line, occupied ones) -> number of such lines.
using LineHistogram = std::map<std::pair<int64_t, int64_t>, int64_t>;

struct Fraction {
  int64_t num = 1, den = 1;
};

/// Lines whose occupied blocks are more than kept(n), or fewer; and by how many
/// blocks in all.
struct Mismatch {
  int64_t breaking = 0, filled = 0;
  int64_t excess = 0, deficit = 0;
  bool betterThan(const Mismatch &other) const {
    const int64_t all = breaking + filled,
                  others = other.breaking + other.filled;
    return all != others ? all < others : breaking < other.breaking;
  }
};

Mismatch mismatch(const LineHistogram &lines, Fraction fraction);

/// The fraction with the least mismatch; of equal ones the simplest. With
/// `unbroken`, of those that no line breaks; with `allowed`, of those that it
/// is true for (1/1 it must be).
Fraction bestFraction(const LineHistogram &lines, bool unbroken = false,
                      const std::function<bool(Fraction)> &allowed = {});

/// A simple fraction close to part / whole, 0 < part <= whole.
Fraction roughFraction(int64_t part, int64_t whole);

double fractionBits(Fraction fraction);

/// Which blocks of each line are occupied, given the fraction: the choice in
/// each line, and which lines deviate.
double linesBits(const LineHistogram &lines, Fraction fraction);

/// (rows of blocks, columns of blocks) -> number of such parents.
using ParentShapes = std::map<std::pair<int64_t, int64_t>, int64_t>;

/// The same for balance both: rows and columns restrict each other.
double bothBits(const ParentShapes &parents, const LineHistogram &rows,
                const LineHistogram &columns, Fraction fraction);

/// Whether every parent can keep the fraction in rows and in columns (WI-P-5).
bool bothIsLegal(const ParentShapes &parents, Fraction fraction);

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_DETECTCODE_H

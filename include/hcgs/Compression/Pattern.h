// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block patterns: how a matrix is cut into blocks, tier by tier, and how many
// are kept (docs/Spec/WeightImage.md, WI-P). Which ones are kept is in a
// BlockMap.
//
#ifndef HCGS_COMPRESSION_PATTERN_H
#define HCGS_COMPRESSION_PATTERN_H

#include "hcgs/Support/Result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::compression {

/// WI-P-3: the same number of blocks in every block-row, or in every
/// block-column, of the parent. The values are those of the descriptor.
enum class Balance : uint8_t { Row = 0, Column = 1 };

/// WI-P-1: one tier of a pattern; all numbers are 1..65535, keepNum <= keepDen.
struct Tier {
  int rows = 0;
  int cols = 0;
  int keepNum = 1;
  int keepDen = 1;
  Balance balance = Balance::Row;

  /// "32x32:1/4".
  std::string str() const;
  friend bool operator==(const Tier &, const Tier &) = default;
};

/// One to four tiers, from coarse to fine.
struct Pattern {
  std::vector<Tier> tiers;

  /// "32x32:1/4,4x4:1/4 row", the balance once if all tiers share it.
  std::string str() const;
  friend bool operator==(const Pattern &, const Pattern &) = default;
};

inline constexpr int maxTiers = 4;
inline constexpr int maxTierField = 65535;

/// WI-P-3: max(1, round_half_even(n * num / den)), for n >= 1.
int64_t keptCount(int64_t n, int64_t num, int64_t den);

/// WI-P-1: 1..4 tiers, fields in range, fractions in (0, 1], no tier larger
/// than the one before it in either direction.
Result<void> verify(const Pattern &pattern);

/// Reads "32x32:25%,4x4:1/4": sizes rows x columns, each with a fraction to
/// keep written as percentage (up to four decimals) or as a quotient. All tiers
/// get `balance`. Checked by verify.
Result<Pattern> parseTiers(std::string_view text, Balance balance);

/// Block sizes without fractions ("32x32,4x4"), as rnn-compress takes them to
/// detect with. Fractions may be there, for all tiers or for none (keepNum = 0
/// then stands for "to be found").
Result<std::vector<Tier>> parseTierSizes(std::string_view text,
                                         Balance balance);

const char *balanceName(Balance balance);

/// ceil(a / b).
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// WI-I-3: bits of an index that names one of n: ceil(log2(n)).
int indexBits(int64_t n);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_PATTERN_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block patterns: how a matrix is cut into blocks, tier by tier, and how many
// are kept (docs/Spec/WeightImage.md, WI-P). Which ones are kept is in a
// BlockMap.
//
// Text form of a pattern, one item a tier, coarse to fine:
//
//   32x32:25%,4x4:1/4            fractions of the blocks of a line
//   32x32:25%:column,4x4:1/4:row each tier with its own balance
//   32x32:4blocks,4x4:1/2        a count: 4 blocks of each line of a parent of
//                                nominal size, whatever their number
//
#ifndef HCGS_COMPRESSION_PATTERN_H
#define HCGS_COMPRESSION_PATTERN_H

#include "hcgs/Support/Result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::compression {

/// WI-P-3: what the kept blocks of a parent have in common: the same number in
/// every block-row, in every block-column, in both, or nothing. The values are
/// those of the descriptor.
enum class Balance : uint8_t { Row = 0, Column = 1, Both = 2, None = 3 };

/// Whether the lines of a tier are block-columns of the parent (else its
/// block-rows). They are what the index image lists (WI-I-3, WI-I-5).
constexpr bool listsColumns(Balance balance) {
  return balance == Balance::Column;
}

/// WI-P-1: one tier of a pattern; all numbers are 1..65535, keepNum <= keepDen.
/// keepDen = 0 in a pattern that was read from text stands for a count of
/// keepNum blocks, to be made a fraction by resolveCounts.
struct Tier {
  int rows = 0;
  int cols = 0;
  int keepNum = 1;
  int keepDen = 1;
  Balance balance = Balance::Row;

  /// "32x32:1/4", or "32x32:4blocks".
  std::string str() const;
  friend bool operator==(const Tier &, const Tier &) = default;
};

/// One to eight tiers, from coarse to fine.
struct Pattern {
  std::vector<Tier> tiers;

  /// "32x32:1/4,4x4:1/4 row", the balance once if all tiers share it, else
  /// "32x32:1/4:column,4x4:1/4:row".
  std::string str() const;
  friend bool operator==(const Pattern &, const Pattern &) = default;
};

inline constexpr int maxTiers = 8;
inline constexpr int maxTierField = 65535;

/// WI-P-3: max(1, round_half_even(n * num / den)), for n >= 1.
int64_t keptCount(int64_t n, int64_t num, int64_t den);

/// WI-P-1: 1..8 tiers, fields in range, fractions in (0, 1], no tier larger
/// than the one before it in either direction.
Result<void> verify(const Pattern &pattern);

/// WI-P-5: whether tiers of balance both can keep their counts in a matrix of
/// `rows` x `cols`. The pattern must be valid. The error gives the counts of
/// the first parent size that cannot, and what to do.
Result<void> verifyShape(const Pattern &pattern, int64_t rows, int64_t cols);

/// Reads "32x32:25%,4x4:1/4:row": sizes rows x columns, each with what to keep,
/// written as percentage (up to four decimals), as a quotient or as a count of
/// blocks, and its balance (row, column, both, none) if that is not `balance`.
/// Checked by verify; a pattern with counts must go through resolveCounts
/// before use.
Result<Pattern> parseTiers(std::string_view text, Balance balance);

/// Turns counts into fractions of the blocks that a line of a parent of nominal
/// size has in a matrix of `rows` x `cols` (balance none: that the parent has).
/// Without counts the pattern stays as it is. A count above the number of
/// blocks is an error.
Result<Pattern> resolveCounts(const Pattern &pattern, int64_t rows,
                              int64_t cols);

/// Tiers as they were written, for detection.
struct TierText {
  std::vector<Tier> tiers; // keepNum = 0: to be found
  /// Whether the text gives the balance, of every tier or of none.
  bool ownBalance = false;
};

/// Reads block sizes without fractions ("32x32,4x4", "32x32:row,4x4:column").
/// Fractions may be there, for all tiers or for none; likewise balances.
/// Counts may not.
Result<TierText> parseTierText(std::string_view text, Balance balance);

/// The tiers of parseTierText.
Result<std::vector<Tier>> parseTierSizes(std::string_view text,
                                         Balance balance);

/// "row", "column", "both", "none".
const char *balanceName(Balance balance);
std::optional<Balance> balanceOfName(std::string_view name);

/// ceil(a / b).
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// WI-I-3: bits of an index that names one of n: ceil(log2(n)).
int indexBits(int64_t n);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_PATTERN_H

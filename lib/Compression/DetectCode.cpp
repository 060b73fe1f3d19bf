// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DetectCode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// log2(n!): a table, then Stirling's series, which is good to 1e-10 there.
double log2Factorial(int64_t n) {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> logs{};
    for (size_t i = 1; i < logs.size(); ++i)
      logs[i] = logs[i - 1] + std::log2(static_cast<double>(i));
    return logs;
  }();
  if (n < static_cast<int64_t>(table.size()))
    return table[n];
  const double x = static_cast<double>(n);
  return ((x + 0.5) * std::log(x) - x + 0.5 * std::log(2.0 * std::numbers::pi) +
          1.0 / (12.0 * x) - 1.0 / (360.0 * x * x * x)) *
         std::numbers::log2e;
}

/// Which of `lines` deviate, by `blocks` in all: how many, and how they spread
/// over the lines.
double deviationBits(int64_t lines, int64_t blocks) {
  return smallNumberBits(blocks + 1) +
         (blocks > 0 ? log2Binomial(lines + blocks - 1, blocks) : 0.0);
}

/// What it takes to say that a block is no square. Four lines that keep one of
/// four blocks each keep the same one in 1 of 64 cases, and then look like one
/// line of long blocks, which saves 6 bits and the name of a side: that must
/// not be enough.
constexpr double rectangleBits = 10.0;

double sideBits(int64_t side, int64_t whole) {
  if (side >= whole)
    return 2.0;
  if (std::has_single_bit(static_cast<uint64_t>(side)))
    return 1.0 + smallNumberBits(std::bit_width(static_cast<uint64_t>(side)));
  return 2.0 + smallNumberBits(side);
}

/// Fractions in the order in which equally good ones are preferred.
const std::vector<Fraction> &simpleFractions() {
  static const std::vector<Fraction> fractions = [] {
    std::vector<Fraction> list = {{1, 1}};
    for (int64_t den = 2; den <= 16; den *= 2)
      for (int64_t num = 1; num < den; num += 2)
        list.push_back({num, den});
    for (int64_t den = 3; den <= 32; ++den)
      for (int64_t num = 1; num < den; ++num)
        if (std::gcd(num, den) == 1 &&
            (den > 16 || !std::has_single_bit(uint64_t(den))))
          list.push_back({num, den});
    return list;
  }();
  return fractions;
}

int64_t lineCount(const LineHistogram &lines) {
  int64_t all = 0;
  for (const auto &[line, number] : lines)
    all += number;
  return all;
}

} // namespace

double compression::log2Binomial(int64_t n, int64_t k) {
  return k <= 0 || k >= n
             ? 0.0
             : log2Factorial(n) - log2Factorial(k) - log2Factorial(n - k);
}

double compression::smallNumberBits(int64_t n) {
  return 2.0 * std::bit_width(static_cast<uint64_t>(n)) - 1.0;
}

double compression::subsetBits(int64_t positions, int64_t count) {
  // The count by the shorter of two codes.
  const double uniform = std::log2(static_cast<double>(positions) + 1.0);
  return 1.0 + std::min(uniform, smallNumberBits(count + 1)) +
         log2Binomial(positions, count);
}

double compression::sizeBits(int64_t height, int64_t width, int64_t rows,
                             int64_t cols) {
  if (height == width)
    return 1.0 + sideBits(height, std::max(rows, cols));
  return rectangleBits + sideBits(height, rows) + sideBits(width, cols);
}

double compression::balanceBits(Balance balance) {
  return balance == Balance::Row || balance == Balance::Column ? 2.0 : 3.0;
}

double compression::sharedBalanceBits(Balance balance) {
  return 1.0 + balanceBits(balance);
}

Mismatch compression::mismatch(const LineHistogram &lines, Fraction fraction) {
  Mismatch result;
  for (const auto &[line, number] : lines) {
    const int64_t kept = keptCount(line.first, fraction.num, fraction.den);
    if (line.second > kept) {
      result.breaking += number;
      result.excess += number * (line.second - kept);
    } else if (line.second < kept) {
      result.filled += number;
      result.deficit += number * (kept - line.second);
    }
  }
  return result;
}

Fraction
compression::bestFraction(const LineHistogram &lines, bool unbroken,
                          const std::function<bool(Fraction)> &allowed) {
  Fraction best;
  Mismatch least = mismatch(lines, best);
  // Counts the lines that do not fit, and gives up when there are too many.
  const auto consider = [&](Fraction fraction) {
    Mismatch now;
    for (const auto &[line, number] : lines) {
      const int64_t kept = keptCount(line.first, fraction.num, fraction.den);
      if (line.second > kept)
        now.breaking += number;
      else if (line.second < kept)
        now.filled += number;
      if (now.breaking + now.filled > least.breaking + least.filled ||
          (unbroken && now.breaking > 0))
        return;
    }
    if (now.betterThan(least) && (!allowed || allowed(fraction))) {
      least = now;
      best = fraction;
    }
  };
  for (const Fraction fraction : simpleFractions()) {
    if (least.breaking + least.filled == 0)
      return best;
    consider(fraction);
  }
  // Long lines can have counts between the simple fractions.
  for (const auto &[line, number] : lines) {
    const int64_t common = std::gcd(line.first, line.second);
    if (line.second > 0 && line.first / common <= maxTierField)
      consider({line.second / common, line.first / common});
  }
  return best;
}

Fraction compression::roughFraction(int64_t part, int64_t whole) {
  const double share = static_cast<double>(part) / static_cast<double>(whole);
  const auto error = [&](Fraction f) {
    return std::fabs(static_cast<double>(f.num) / static_cast<double>(f.den) -
                     share);
  };
  Fraction best;
  for (const Fraction fraction : simpleFractions()) {
    if (error(fraction) <= 0.005)
      return fraction;
    if (error(fraction) < error(best))
      best = fraction;
  }
  return best;
}

double compression::fractionBits(Fraction fraction) {
  const std::vector<Fraction> &simple = simpleFractions();
  for (size_t i = 0; i < simple.size(); ++i)
    if (simple[i].num == fraction.num && simple[i].den == fraction.den)
      return smallNumberBits(static_cast<int64_t>(i) + 1);
  return smallNumberBits(static_cast<int64_t>(simple.size()) + 1) +
         smallNumberBits(fraction.den) +
         std::log2(static_cast<double>(fraction.den));
}

double compression::linesBits(const LineHistogram &lines, Fraction fraction) {
  const Mismatch wrong = mismatch(lines, fraction);
  const int64_t all = lineCount(lines);
  double bits =
      deviationBits(all, wrong.deficit) + deviationBits(all, wrong.excess);
  for (const auto &[line, number] : lines)
    bits += static_cast<double>(number) * log2Binomial(line.first, line.second);
  return bits;
}

double compression::bothBits(const ParentShapes &parents,
                             const LineHistogram &rows,
                             const LineHistogram &columns, Fraction fraction) {
  // The number of 0/1 matrices of m rows of k ones and n columns of l ones is
  // close to C(n,k)^m C(m,l)^n / C(mn, mk): Good and Crook, "The enumeration of
  // arrays and a generalization related to contingency tables" (1977).
  double bits = 0.0;
  int64_t kept = 0, all = 0;
  for (const auto &[shape, number] : parents) {
    const auto [m, n] = shape;
    const int64_t k = keptCount(n, fraction.num, fraction.den);
    const int64_t l = keptCount(m, fraction.num, fraction.den);
    const double one = static_cast<double>(m) * log2Binomial(n, k) +
                       static_cast<double>(n) * log2Binomial(m, l) -
                       log2Binomial(m * n, m * k);
    bits += static_cast<double>(number) * std::max(0.0, one);
    kept += number * m * k;
    all += number * m * n;
  }
  const Mismatch byRow = mismatch(rows, fraction);
  const Mismatch byColumn = mismatch(columns, fraction);
  // Blocks to take out of such a matrix, and to put into it, until rows and
  // columns have what they have.
  return bits +
         subsetBits(kept,
                    std::min(kept, std::max(byRow.deficit, byColumn.deficit))) +
         subsetBits(all,
                    std::min(all, std::max(byRow.excess, byColumn.excess)));
}

bool compression::bothIsLegal(const ParentShapes &parents, Fraction fraction) {
  return std::all_of(parents.begin(), parents.end(), [&](const auto &entry) {
    const auto [m, n] = entry.first;
    return m * keptCount(n, fraction.num, fraction.den) ==
           n * keptCount(m, fraction.num, fraction.den);
  });
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A slow model of block patterns, index and weight images, written from
// docs/Spec/WeightImage.md alone and sharing no code with the library: masks
// are nested loops over blocks, images are vectors of single bits.
//
#ifndef HCGS_UNITTESTS_COMPRESSION_NAIVEMODEL_H
#define HCGS_UNITTESTS_COMPRESSION_NAIVEMODEL_H

#include "hcgs/Compression/Pattern.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

namespace naive {

using hcgs::compression::Balance;
using hcgs::compression::Pattern;
using hcgs::compression::Tier;

inline int64_t up(int64_t a, int64_t b) { return a / b + (a % b ? 1 : 0); }

/// WI-P-3 in floating point; n * num / den is exact enough for small n.
inline int64_t kept(int64_t n, const Tier &tier) {
  const double exact = double(n) * tier.keepNum / tier.keepDen;
  double rounded = std::floor(exact + 0.5);
  if (std::fabs(exact - std::floor(exact) - 0.5) < 1e-9)
    rounded = 2.0 * std::floor(std::floor(exact + 0.5) / 2.0);
  return std::max<int64_t>(1, static_cast<int64_t>(rounded));
}

struct Rect {
  int64_t row, col, height, width;
  friend bool operator<(const Rect &a, const Rect &b) {
    return std::tie(a.row, a.col) < std::tie(b.row, b.col);
  }
};

/// A choice of kept blocks: for each tier the kept blocks of each kept parent,
/// parents and children by (row, column).
struct Choice {
  Pattern pattern;
  int64_t rows = 0, cols = 0;
  std::vector<std::vector<std::vector<Rect>>> tiers; // [tier][parent]
  std::vector<Rect> parentsOf(size_t tier) const {
    if (tier == 0)
      return {{0, 0, rows, cols}};
    std::vector<Rect> all;
    for (const auto &children : tiers[tier - 1])
      all.insert(all.end(), children.begin(), children.end());
    return all;
  }
  bool keeps(int64_t row, int64_t col) const {
    for (const auto &children : tiers.back())
      for (const Rect &r : children)
        if (row >= r.row && row < r.row + r.height && col >= r.col &&
            col < r.col + r.width)
          return true;
    return false;
  }
};

/// Which of `down` x `across` blocks a tier keeps: a random choice that obeys
/// its balance (WI-P-3).
inline std::vector<std::pair<int64_t, int64_t>>
chooseBlocks(const Tier &tier, int64_t down, int64_t across,
             std::mt19937_64 &random) {
  const auto shuffled = [&](int64_t n) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < n; ++i)
      numbers.push_back(i);
    std::shuffle(numbers.begin(), numbers.end(), random);
    return numbers;
  };
  std::vector<std::pair<int64_t, int64_t>> blocks;
  switch (tier.balance) {
  case Balance::Row:
    for (int64_t i = 0; i < down; ++i) {
      const auto order = shuffled(across);
      for (int64_t k = 0; k < kept(across, tier); ++k)
        blocks.push_back({i, order[k]});
    }
    break;
  case Balance::Column:
    for (int64_t j = 0; j < across; ++j) {
      const auto order = shuffled(down);
      for (int64_t k = 0; k < kept(down, tier); ++k)
        blocks.push_back({order[k], j});
    }
    break;
  case Balance::Both: {
    // Rows one after the other take the next columns, round and round, so that
    // columns stay equal; then both are renamed.
    const auto rowNames = shuffled(down), colNames = shuffled(across);
    int64_t next = 0;
    for (int64_t i = 0; i < down; ++i)
      for (int64_t k = 0; k < kept(across, tier); ++k, ++next)
        blocks.push_back({rowNames[i], colNames[next % across]});
    break;
  }
  case Balance::None: {
    // Any number at all, 0 too.
    const auto order = shuffled(down * across);
    const int64_t count = static_cast<int64_t>(random() % (down * across + 1));
    for (int64_t k = 0; k < count; ++k)
      blocks.push_back({order[k] / across, order[k] % across});
    break;
  }
  }
  return blocks;
}

/// Keeps random blocks, with std::shuffle.
inline Choice choose(const Pattern &pattern, int64_t rows, int64_t cols,
                     std::mt19937_64 &random) {
  Choice choice{pattern, rows, cols, {}};
  for (size_t t = 0; t < pattern.tiers.size(); ++t) {
    const Tier &tier = pattern.tiers[t];
    std::vector<std::vector<Rect>> kept_;
    for (const Rect &parent : choice.parentsOf(t)) {
      std::vector<Rect> children;
      for (const auto &[i, j] :
           chooseBlocks(tier, up(parent.height, tier.rows),
                        up(parent.width, tier.cols), random)) {
        Rect block{parent.row + i * tier.rows, parent.col + j * tier.cols, 0,
                   0};
        block.height = std::min<int64_t>(tier.rows, parent.row + parent.height -
                                                        block.row);
        block.width =
            std::min<int64_t>(tier.cols, parent.col + parent.width - block.col);
        children.push_back(block);
      }
      std::sort(children.begin(), children.end());
      kept_.push_back(children);
    }
    choice.tiers.push_back(kept_);
  }
  return choice;
}

/// WI-P-5, by going through every block of every tier, kept or not.
inline bool legal(const Pattern &pattern, int64_t rows, int64_t cols,
                  size_t first = 0) {
  if (first == pattern.tiers.size())
    return true;
  const Tier &tier = pattern.tiers[first];
  const int64_t down = up(rows, tier.rows), across = up(cols, tier.cols);
  if (tier.balance == Balance::Both &&
      down * kept(across, tier) != across * kept(down, tier))
    return false;
  for (int64_t i = 0; i < down; ++i)
    for (int64_t j = 0; j < across; ++j)
      if (!legal(pattern, std::min<int64_t>(tier.rows, rows - i * tier.rows),
                 std::min<int64_t>(tier.cols, cols - j * tier.cols), first + 1))
        return false;
  return true;
}

inline void putBits(std::vector<bool> &bits, uint64_t value, int count) {
  for (int i = 0; i < count; ++i)
    bits.push_back((value >> i) & 1);
}

inline std::vector<uint8_t> toBytes(const std::vector<bool> &bits) {
  std::vector<uint8_t> bytes((bits.size() + 7) / 8);
  for (size_t i = 0; i < bits.size(); ++i)
    bytes[i / 8] |= static_cast<uint8_t>(bits[i] << (i % 8));
  return bytes;
}

/// ceil(log2(n)).
inline int bitsFor(int64_t n) {
  int bits = 0;
  while ((int64_t(1) << bits) < n)
    ++bits;
  return bits;
}

/// WI-I.
inline std::vector<uint8_t> indexImage(const Choice &choice) {
  std::vector<bool> bits;
  for (size_t t = 0; t < choice.pattern.tiers.size(); ++t) {
    const Tier &tier = choice.pattern.tiers[t];
    const bool byColumn = tier.balance == Balance::Column;
    const int64_t nominal =
        byColumn
            ? up(t ? choice.pattern.tiers[t - 1].rows : choice.rows, tier.rows)
            : up(t ? choice.pattern.tiers[t - 1].cols : choice.cols, tier.cols);
    const std::vector<Rect> parents = choice.parentsOf(t);
    for (size_t p = 0; p < parents.size(); ++p) {
      const int64_t lines = byColumn ? up(parents[p].width, tier.cols)
                                     : up(parents[p].height, tier.rows);
      for (int64_t line = 0; line < lines; ++line) {
        std::vector<int64_t> numbers;
        for (const Rect &r : choice.tiers[t][p]) {
          const int64_t i = (r.row - parents[p].row) / tier.rows;
          const int64_t j = (r.col - parents[p].col) / tier.cols;
          if ((byColumn ? j : i) == line)
            numbers.push_back(byColumn ? i : j);
        }
        std::sort(numbers.begin(), numbers.end());
        if (tier.balance == Balance::None)
          putBits(bits, numbers.size(), bitsFor(nominal + 1));
        for (const int64_t number : numbers)
          putBits(bits, static_cast<uint64_t>(number), bitsFor(nominal));
      }
    }
  }
  return toBytes(bits);
}

using Position = std::tuple<int64_t, int64_t, int64_t>; // gate, row, column

/// WI-W-1: `choices` is one for all gates or one for each.
inline std::vector<Position> sparseOrder(const std::vector<Choice> &choices,
                                         int64_t gates) {
  std::vector<Position> order;
  const Pattern &pattern = choices[0].pattern;
  std::function<void(size_t, int64_t, int64_t)> strip =
      [&](size_t t, int64_t first, int64_t height) {
        if (t < pattern.tiers.size()) {
          const int64_t step = pattern.tiers[t].rows;
          for (int64_t r = 0; r < height; r += step)
            strip(t + 1, first + r, std::min(step, height - r));
          return;
        }
        for (int64_t g = 0; g < gates; ++g) {
          std::vector<Rect> blocks;
          for (const auto &children :
               choices[choices.size() == 1 ? 0 : g].tiers.back())
            for (const Rect &block : children)
              if (block.row == first)
                blocks.push_back(block);
          std::sort(blocks.begin(), blocks.end());
          for (const Rect &block : blocks)
            for (int64_t r = 0; r < block.height; ++r)
              for (int64_t c = 0; c < block.width; ++c)
                order.push_back({g, block.row + r, block.col + c});
        }
      };
  strip(0, 0, choices[0].rows);
  return order;
}

inline std::vector<Position> sparseOrder(const Choice &choice, int64_t gates) {
  return sparseOrder(std::vector<Choice>{choice}, gates);
}

/// WI-W-2.
inline std::vector<Position> denseOrder(int64_t gates, int64_t rows,
                                        int64_t cols, int64_t rowBlock) {
  std::vector<Position> order;
  for (int64_t first = 0; first < rows; first += rowBlock)
    for (int64_t g = 0; g < gates; ++g)
      for (int64_t r = first; r < std::min(first + rowBlock, rows); ++r)
        for (int64_t c = 0; c < cols; ++c)
          order.push_back({g, r, c});
  return order;
}

/// A valid pattern of 1 to 4 tiers, balanced by row or column.
inline Pattern randomPattern(std::mt19937_64 &random) {
  Pattern pattern;
  int rows = 1 + static_cast<int>(random() % 24);
  int cols = 1 + static_cast<int>(random() % 24);
  const int count = 1 + static_cast<int>(random() % 4);
  for (int t = 0; t < count; ++t) {
    const int den = 1 + static_cast<int>(random() % 9);
    const int num = 1 + static_cast<int>(random() % den);
    pattern.tiers.push_back(
        {rows, cols, num, den, random() % 2 ? Balance::Row : Balance::Column});
    rows = 1 + static_cast<int>(random() % rows);
    cols = 1 + static_cast<int>(random() % cols);
  }
  return pattern;
}

/// A pattern of 1 to 8 tiers of every balance that is legal for the shape.
inline Pattern randomPattern(std::mt19937_64 &random, int64_t rows,
                             int64_t cols) {
  Pattern pattern;
  int64_t height = 1 + random() % 40, width = 1 + random() % 40;
  const int count = 1 + static_cast<int>(random() % 8);
  const bool square = random() % 2; // makes balance both likelier
  for (int t = 0; t < count; ++t) {
    const int den = 1 + static_cast<int>(random() % 9);
    const int num = den - static_cast<int>(random() % (den + 1) / 2);
    Tier tier{static_cast<int>(height), static_cast<int>(width), num, den,
              static_cast<Balance>(random() % 4)};
    if (square)
      tier.cols = tier.rows = std::min(tier.rows, tier.cols);
    pattern.tiers.push_back(tier);
    if (!legal(pattern, rows, cols))
      pattern.tiers.back().balance =
          random() % 2 ? Balance::Row : Balance::Column;
    // Falls slowly, so that eight tiers do not end at 1x1 after three.
    height = std::max<int64_t>(1, tier.rows - random() % (tier.rows / 2 + 1));
    width = std::max<int64_t>(1, tier.cols - random() % (tier.cols / 2 + 1));
  }
  return pattern;
}

} // namespace naive

#endif // HCGS_UNITTESTS_COMPRESSION_NAIVEMODEL_H

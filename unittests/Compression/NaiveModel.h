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

/// Keeps random blocks, with std::shuffle.
inline Choice choose(const Pattern &pattern, int64_t rows, int64_t cols,
                     std::mt19937_64 &random) {
  Choice choice{pattern, rows, cols, {}};
  for (size_t t = 0; t < pattern.tiers.size(); ++t) {
    const Tier &tier = pattern.tiers[t];
    std::vector<std::vector<Rect>> kept_;
    for (const Rect &parent : choice.parentsOf(t)) {
      const int64_t down = up(parent.height, tier.rows);
      const int64_t across = up(parent.width, tier.cols);
      std::vector<Rect> children;
      const bool byRow = tier.balance == Balance::Row;
      for (int64_t line = 0; line < (byRow ? down : across); ++line) {
        std::vector<int64_t> positions;
        for (int64_t i = 0; i < (byRow ? across : down); ++i)
          positions.push_back(i);
        std::shuffle(positions.begin(), positions.end(), random);
        positions.resize(
            static_cast<size_t>(kept(byRow ? across : down, tier)));
        for (const int64_t i : positions) {
          const int64_t r = byRow ? line : i, c = byRow ? i : line;
          Rect block{parent.row + r * tier.rows, parent.col + c * tier.cols, 0,
                     0};
          block.height = std::min<int64_t>(
              tier.rows, parent.row + parent.height - block.row);
          block.width = std::min<int64_t>(tier.cols, parent.col + parent.width -
                                                         block.col);
          children.push_back(block);
        }
      }
      std::sort(children.begin(), children.end());
      kept_.push_back(children);
    }
    choice.tiers.push_back(kept_);
  }
  return choice;
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

/// WI-I.
inline std::vector<uint8_t> indexImage(const Choice &choice) {
  std::vector<bool> bits;
  for (size_t t = 0; t < choice.pattern.tiers.size(); ++t) {
    const Tier &tier = choice.pattern.tiers[t];
    const bool byRow = tier.balance == Balance::Row;
    const int64_t nominal =
        t == 0
            ? (byRow ? up(choice.cols, tier.cols) : up(choice.rows, tier.rows))
        : byRow ? up(choice.pattern.tiers[t - 1].cols, tier.cols)
                : up(choice.pattern.tiers[t - 1].rows, tier.rows);
    const int width = static_cast<int>(std::ceil(std::log2(double(nominal))));
    const std::vector<Rect> parents = choice.parentsOf(t);
    for (size_t p = 0; p < parents.size(); ++p) {
      std::vector<std::pair<int64_t, int64_t>> numbers; // (line, position)
      for (const Rect &r : choice.tiers[t][p]) {
        const int64_t i = (r.row - parents[p].row) / tier.rows;
        const int64_t j = (r.col - parents[p].col) / tier.cols;
        numbers.push_back(byRow ? std::pair{i, j} : std::pair{j, i});
      }
      std::sort(numbers.begin(), numbers.end());
      for (const auto &[line, position] : numbers)
        putBits(bits, static_cast<uint64_t>(position), width);
    }
  }
  return toBytes(bits);
}

using Position = std::tuple<int64_t, int64_t, int64_t>; // gate, row, column

/// WI-W-1.
inline std::vector<Position> sparseOrder(const Choice &choice, int64_t gates) {
  std::vector<Position> order;
  std::function<void(size_t, int64_t, int64_t)> strip =
      [&](size_t t, int64_t first, int64_t height) {
        if (t < choice.pattern.tiers.size()) {
          const int64_t step = choice.pattern.tiers[t].rows;
          for (int64_t r = 0; r < height; r += step)
            strip(t + 1, first + r, std::min(step, height - r));
          return;
        }
        std::vector<Rect> blocks;
        for (const auto &children : choice.tiers.back())
          for (const Rect &block : children)
            if (block.row == first)
              blocks.push_back(block);
        std::sort(blocks.begin(), blocks.end());
        for (int64_t g = 0; g < gates; ++g)
          for (const Rect &block : blocks)
            for (int64_t r = 0; r < block.height; ++r)
              for (int64_t c = 0; c < block.width; ++c)
                order.push_back({g, block.row + r, block.col + c});
      };
  strip(0, 0, choice.rows);
  return order;
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

/// A valid pattern of 1 to 4 tiers.
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

} // namespace naive

#endif // HCGS_UNITTESTS_COMPRESSION_NAIVEMODEL_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Select.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// Mean |w| of a block over all gates. The order of additions is fixed: four
/// partial sums by column modulo 4, gate by gate and row by row.
double meanMagnitude(const MatrixView &weights, const Block &block) {
  double sums[4] = {};
  for (int64_t gate = 0; gate < weights.gates; ++gate)
    for (int64_t row = block.row; row < block.row + block.height; ++row) {
      const float *from = weights.row(gate, row) + block.col;
      int64_t c = 0;
      for (; c + 4 <= block.width; c += 4)
        for (int lane = 0; lane < 4; ++lane)
          sums[lane] += std::fabs(static_cast<double>(from[c + lane]));
      for (int lane = 0; c < block.width; ++c, ++lane)
        sums[lane] += std::fabs(static_cast<double>(from[c]));
    }
  const double count = static_cast<double>(weights.gates) *
                       static_cast<double>(block.height) *
                       static_cast<double>(block.width);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) / count;
}

} // namespace

Result<BlockMap> compression::selectByMagnitude(const Pattern &pattern,
                                                const MatrixView &weights) {
  std::vector<double> scores;
  std::vector<int32_t> order;
  return BlockMap::build(
      pattern, weights.rows, weights.cols,
      [&](const BlockMap::Line &line, std::span<int32_t> kept) -> Result<void> {
        scores.clear();
        for (const Block &block : line.choices)
          scores.push_back(meanMagnitude(weights, block));
        order.resize(scores.size());
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + line.keep, order.end(),
                          [&](int32_t a, int32_t b) {
                            return scores[a] != scores[b]
                                       ? scores[a] > scores[b]
                                       : a < b;
                          });
        std::copy_n(order.begin(), line.keep, kept.begin());
        std::sort(kept.begin(), kept.end());
        return {};
      });
}

Result<BlockMap> compression::selectRandom(const Pattern &pattern, int64_t rows,
                                           int64_t cols, uint64_t seed) {
  // The standard fixes this generator's numbers; its distributions it does not.
  std::mt19937_64 generator(seed);
  const auto below = [&](uint64_t m) {
    // 2^64 mod m numbers too many for equal shares: those at the top.
    const uint64_t excess = (0 - m) % m;
    uint64_t number = generator();
    while (excess != 0 && number >= 0 - excess)
      number = generator();
    return number % m;
  };
  std::vector<int32_t> order;
  return BlockMap::build(
      pattern, rows, cols,
      [&](const BlockMap::Line &line, std::span<int32_t> kept) -> Result<void> {
        order.resize(line.choices.size());
        std::iota(order.begin(), order.end(), 0);
        for (int64_t i = 0; i < line.keep; ++i)
          std::swap(order[i], order[i + below(order.size() - i)]);
        std::copy_n(order.begin(), line.keep, kept.begin());
        std::sort(kept.begin(), kept.end());
        return {};
      });
}

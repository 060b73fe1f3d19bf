// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Pattern.h"

#include "Finite.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// One block: its gate, corner and true size.
struct Place {
  int64_t gate, row, col, height, width;
};

/// Calls visit(place) for every block in the order of the image; stops when it
/// returns false.
template <typename Visitor>
void forEachBlock(int64_t gates, int64_t rows, int64_t cols, int64_t block,
                  Visitor &&visit) {
  for (int64_t row = 0; row < rows; row += block)
    for (int64_t gate = 0; gate < gates; ++gate)
      for (int64_t col = 0; col < cols; col += block)
        if (!visit(Place{gate, row, col, std::min(block, rows - row),
                         std::min(block, cols - col)}))
          return;
}

/// The element of a block's row `r` in its first column.
int64_t firstElement(int64_t block, int64_t r) {
  return r == 0 ? 0 : block - r;
}

/// Elements of one block of a matrix that should be circulant, each taken from
/// the first row that has it; false if a later row differs, at `broken`.
struct ExactBlock {
  std::array<float, maxCirculantBlock> elements;
  std::array<bool, maxCirculantBlock> known;

  bool read(const MatrixView &weights, const Place &place, int64_t block,
            std::pair<int64_t, int64_t> &broken) {
    std::fill_n(elements.begin(), block, 0.0f);
    std::fill_n(known.begin(), block, false);
    for (int64_t r = 0; r < place.height; ++r) {
      const float *from = weights.row(place.gate, place.row + r) + place.col;
      int64_t j = firstElement(block, r);
      for (int64_t c = 0; c < place.width; ++c) {
        if (!known[j]) {
          known[j] = true;
          elements[j] = from[c];
        } else if (!(elements[j] == from[c])) {
          broken = {place.row + r, place.col + c};
          return false;
        }
        j = j + 1 == block ? 0 : j + 1;
      }
    }
    return true;
  }
};

} // namespace

Result<void> compression::verifyCirculant(int64_t rows, int64_t cols,
                                          int64_t block) {
  const int64_t most =
      std::min<int64_t>(maxCirculantBlock, std::max(rows, cols));
  if (block >= minCirculantBlock && block <= most)
    return {};
  const std::string shape =
      "a matrix of " + std::to_string(rows) + " x " + std::to_string(cols);
  if (most < minCirculantBlock)
    return Error{shape + " cannot be circulant; it has one weight"};
  return Error{"circulant block size " + std::to_string(block) +
               " is not allowed for " + shape + "; allowed are " +
               std::to_string(minCirculantBlock) + " to " +
               std::to_string(most)};
}

int64_t compression::circulantWords(int64_t gates, int64_t rows, int64_t cols,
                                    int64_t block) {
  return gates * ceilDiv(rows, block) * ceilDiv(cols, block) * block;
}

int64_t compression::circulantUses(int64_t block, int64_t height, int64_t width,
                                   int64_t element) {
  // Row r has the element in column (element + r) mod block. As r grows from 0,
  // the column runs from `element` up to block - 1 and, from r = block -
  // element on, from 0 up; it counts while below `width`.
  const int64_t before = std::min(height, block - element);
  const int64_t after = height - before;
  return std::clamp<int64_t>(width - element, 0, before) +
         std::min(width, after);
}

Result<CirculantProjection>
compression::projectCirculant(const MatrixView &weights, int64_t block) {
  if (auto finite = checkFinite(weights, "made circulant"); !finite)
    return finite.takeError();
  CirculantProjection result;
  result.elements.reserve(static_cast<size_t>(
      circulantWords(weights.gates, weights.rows, weights.cols, block)));
  std::array<double, maxCirculantBlock> sums;
  forEachBlock(
      weights.gates, weights.rows, weights.cols, block,
      [&](const Place &place) {
        // Calls visit(weight, element) by rows.
        const auto forEachWeight = [&](auto &&visit) {
          for (int64_t r = 0; r < place.height; ++r) {
            const float *from =
                weights.row(place.gate, place.row + r) + place.col;
            int64_t j = firstElement(block, r);
            for (int64_t c = 0; c < place.width; ++c) {
              visit(static_cast<double>(from[c]), j);
              j = j + 1 == block ? 0 : j + 1;
            }
          }
        };
        sums.fill(0.0);
        forEachWeight([&](double weight, int64_t j) { sums[j] += weight; });
        const size_t first = result.elements.size();
        for (int64_t j = 0; j < block; ++j) {
          const int64_t uses =
              circulantUses(block, place.height, place.width, j);
          result.elements.push_back(
              uses == 0
                  ? 0.0f
                  : static_cast<float>(sums[j] / static_cast<double>(uses)));
        }
        const float *elements = result.elements.data() + first;
        forEachWeight([&](double weight, int64_t j) {
          const double difference = weight - static_cast<double>(elements[j]);
          result.loss.removed += difference * difference;
          result.loss.total += weight * weight;
        });
        return true;
      });
  return result;
}

Result<std::vector<float>> compression::readCirculant(const MatrixView &weights,
                                                      int64_t block) {
  std::vector<float> elements;
  elements.reserve(static_cast<size_t>(
      circulantWords(weights.gates, weights.rows, weights.cols, block)));
  ExactBlock exact;
  std::string error;
  forEachBlock(weights.gates, weights.rows, weights.cols, block,
               [&](const Place &place) {
                 std::pair<int64_t, int64_t> broken;
                 if (!exact.read(weights, place, block, broken)) {
                   error = weightName(place.gate, broken.first, broken.second);
                   return false;
                 }
                 elements.insert(elements.end(), exact.elements.begin(),
                                 exact.elements.begin() + block);
                 return true;
               });
  if (!error.empty())
    return Error{error +
                 " differs from others of its wrapped diagonal; the "
                 "matrix is not circulant with blocks of " +
                 std::to_string(block)};
  return elements;
}

void compression::expandCirculant(std::span<const float> elements,
                                  int64_t gates, int64_t rows, int64_t cols,
                                  int64_t block, std::span<float> weights) {
  const float *vector = elements.data();
  forEachBlock(gates, rows, cols, block, [&](const Place &place) {
    for (int64_t r = 0; r < place.height; ++r) {
      float *to = weights.data() + (place.gate * rows + place.row + r) * cols +
                  place.col;
      int64_t j = firstElement(block, r);
      for (int64_t c = 0; c < place.width; ++c) {
        to[c] = vector[j];
        j = j + 1 == block ? 0 : j + 1;
      }
    }
    vector += block;
    return true;
  });
}

int64_t compression::detectCirculant(const MatrixView &weights,
                                     std::span<const int64_t> candidates) {
  std::vector<int64_t> blocks(candidates.begin(), candidates.end());
  std::sort(blocks.rbegin(), blocks.rend());
  ExactBlock exact;
  for (const int64_t block : blocks) {
    if (!verifyCirculant(weights.rows, weights.cols, block) ||
        circulantWords(weights.gates, weights.rows, weights.cols, block) >=
            weights.size())
      continue;
    bool fits = true;
    forEachBlock(weights.gates, weights.rows, weights.cols, block,
                 [&](const Place &place) {
                   std::pair<int64_t, int64_t> broken;
                   return fits = exact.read(weights, place, block, broken);
                 });
    if (fits)
      return block;
  }
  return 0;
}

std::span<const int64_t> compression::allCirculantBlocks() {
  static const std::vector<int64_t> blocks = [] {
    std::vector<int64_t> all(maxCirculantBlock - minCirculantBlock + 1);
    std::iota(all.begin(), all.end(), minCirculantBlock);
    return all;
  }();
  return blocks;
}

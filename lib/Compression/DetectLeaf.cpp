// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DetectLeaf.h"

#include "DetectCode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

constexpr size_t sidesTried = 5;   // heights and widths that are combined
constexpr size_t leavesTried = 4;  // beside single weights
constexpr double maxStrays = 0.02; // of the nonzero weights
constexpr double fullShare = 0.97;
constexpr double minFill = 0.1; // of occupied blocks, to look for strays

/// Heights worth a look; those of large blocks are round.
std::vector<int64_t> lengths(int64_t whole) {
  std::vector<int64_t> result;
  for (int64_t length = 1; length <= whole; ++length)
    if (length <= 64 || (length <= 128 && length % 4 == 0) ||
        (length <= 512 && length % 16 == 0) ||
        std::has_single_bit(static_cast<uint64_t>(length)))
      result.push_back(length);
  return result;
}

class LeafFinder {
public:
  LeafFinder(const std::vector<BitGrid> &gates, const BitGrid &any,
             bool separate)
      : gates(gates), separate(separate), rows(any.rows()), cols(any.cols()),
        gatesPerMask(separate ? 1 : static_cast<int64_t>(gates.size())) {
    if (separate)
      masks = gates;
    else
      masks = {any};
    for (const BitGrid &gate : gates)
      nonzero += gate.count();
  }

  std::vector<Leaf> run() const;

private:
  struct Size {
    double bits;
    int64_t height, width;
    int64_t inside; // positions in occupied blocks
  };
  std::vector<BitGrid> calmMasks() const;
  std::vector<Size> bestSizes(const std::vector<BitGrid> &masks) const;
  /// The best sides of segments one weight wide, and 1.
  std::vector<int64_t> bestSides(const std::vector<BitGrid> &grids) const;
  Leaf makeLeaf(int64_t height, int64_t width) const;
  double insideBits(const Leaf &leaf, int64_t inside) const;
  int64_t coveredWeights(const Leaf &leaf) const;
  bool dropStrays(Leaf &leaf, int64_t inside) const;

  const std::vector<BitGrid> &gates;
  const bool separate;
  const int64_t rows, cols;
  const int64_t gatesPerMask;
  std::vector<BitGrid> masks;
  int64_t nonzero = 0;
};

std::vector<int64_t>
LeafFinder::bestSides(const std::vector<BitGrid> &grids) const {
  std::vector<std::pair<double, int64_t>> costs;
  const int64_t whole = grids.front().rows(), lines = grids.front().cols();
  for (const int64_t side : lengths(whole)) {
    int64_t occupied = 0;
    for (const BitGrid &grid : grids)
      occupied += grid.countJoined(side);
    const int64_t segments =
        static_cast<int64_t>(grids.size()) * lines * ceilDiv(whole, side);
    const int64_t inside = std::max(
        nonzero, std::min(occupied * side,
                          static_cast<int64_t>(grids.size()) * lines * whole) *
                     gatesPerMask);
    costs.emplace_back(
        subsetBits(segments, occupied) + subsetBits(inside, nonzero), side);
  }
  std::sort(costs.begin(), costs.end());
  std::vector<int64_t> best;
  for (size_t i = 0; i < std::min(sidesTried, costs.size()); ++i)
    best.push_back(costs[i].second);
  if (std::find(best.begin(), best.end(), 1) == best.end())
    best.push_back(1);
  return best;
}

Leaf LeafFinder::makeLeaf(int64_t height, int64_t width) const {
  Leaf leaf;
  leaf.height = height;
  leaf.width = width;
  for (const BitGrid &mask : masks)
    leaf.cells.push_back(mask.joined(height, width));
  return leaf;
}

int64_t LeafFinder::coveredWeights(const Leaf &leaf) const {
  int64_t covered = 0;
  for (const BitGrid &cells : leaf.cells)
    covered += coveredPositions(cells, leaf.height, leaf.width, rows, cols);
  return covered * gatesPerMask;
}

double LeafFinder::insideBits(const Leaf &leaf, int64_t inside) const {
  const int64_t all = static_cast<int64_t>(gates.size()) * rows * cols;
  return subsetBits(inside, inside - (nonzero - leaf.strays)) +
         (leaf.strays > 0 ? subsetBits(all - inside, leaf.strays) : 0.0) +
         (gates.size() > 1 ? 1.0 : 0.0); // shared or not
}

/// Takes out occupied blocks whose weights are cheaper named one by one. False
/// if there are none, or too many to be strays.
bool LeafFinder::dropStrays(Leaf &leaf, int64_t inside) const {
  if (inside == nonzero || leaf.height * leaf.width * gatesPerMask < 4 ||
      static_cast<double>(nonzero) < minFill * static_cast<double>(inside))
    return false;
  struct Cell {
    size_t mask;
    int64_t row, col;
    int64_t ones, weights;
  };
  std::vector<Cell> occupied;
  std::vector<int64_t> ones;
  for (size_t m = 0; m < masks.size(); ++m) {
    const BitGrid &cells = leaf.cells[m];
    for (int64_t i = 0; i < cells.rows(); ++i) {
      ones.assign(static_cast<size_t>(cells.cols()), 0);
      const int64_t height = std::min(leaf.height, rows - i * leaf.height);
      for (size_t g = 0; g < gates.size(); ++g) {
        if (separate && g != m)
          continue;
        for (int64_t r = i * leaf.height; r < i * leaf.height + height; ++r)
          for (int64_t j = 0; j < cells.cols(); ++j)
            if (cells.at(i, j))
              ones[j] += gates[g].count(r, j * leaf.width,
                                        std::min((j + 1) * leaf.width, cols));
      }
      for (int64_t j = 0; j < cells.cols(); ++j)
        if (cells.at(i, j)) {
          const int64_t width = std::min(leaf.width, cols - j * leaf.width);
          occupied.push_back({m, i, j, ones[j], height * width * gatesPerMask});
        }
    }
  }
  // The density of blocks that are no strays by any measure.
  int64_t full = 0, room = 0;
  for (const Cell &cell : occupied)
    if (4 * cell.ones > cell.weights) {
      full += cell.ones;
      room += cell.weights;
    }
  if (room == 0)
    return false;
  const double atLeast = 1.0 / static_cast<double>(room + 2);
  const double density =
      std::clamp(static_cast<double>(full) / static_cast<double>(room), atLeast,
                 1.0 - atLeast);
  const double one = -std::log2(density), zero = -std::log2(1.0 - density);
  const double stray =
      std::log2(static_cast<double>(gates.size()) * static_cast<double>(rows) *
                static_cast<double>(cols));
  int64_t strays = 0;
  for (const Cell &cell : occupied)
    if (static_cast<double>(cell.ones) * stray <
        static_cast<double>(cell.ones) * one +
            static_cast<double>(cell.weights - cell.ones) * zero) {
      leaf.cells[cell.mask].clear(cell.row, cell.col);
      strays += cell.ones;
    }
  leaf.strays = strays;
  return strays > 0 && static_cast<double>(strays) <=
                           maxStrays * static_cast<double>(nonzero);
}

/// The masks without positions that stand alone: those in no square of 2 x 2
/// occupied ones; or, where these are too many to be strays (blocks one weight
/// wide, or full of zeros), those with no occupied neighbour. Empty if there
/// are none, or too many.
///
/// A stray weight makes an otherwise empty block look occupied and full of
/// zeros, which costs the more the larger the block is. By that measure slivers
/// of the true blocks are the best sizes as soon as there is one stray. So the
/// sizes are also ranked with the lone positions left out; what the strays cost
/// is settled afterwards, by dropStrays.
std::vector<BitGrid> LeafFinder::calmMasks() const {
  for (const bool squares : {true, false}) {
    std::vector<BitGrid> calm = masks;
    int64_t positions = 0, alone = 0;
    for (size_t m = 0; m < masks.size(); ++m) {
      const auto at = [&](int64_t r, int64_t c) {
        return r >= 0 && c >= 0 && r < rows && c < cols && masks[m].at(r, c);
      };
      const auto isAlone = [&](int64_t r, int64_t c) {
        if (!squares)
          return !at(r - 1, c) && !at(r + 1, c) && !at(r, c - 1) &&
                 !at(r, c + 1);
        for (const int64_t down : {-1, 1})
          for (const int64_t right : {-1, 1})
            if (at(r + down, c) && at(r, c + right) && at(r + down, c + right))
              return false;
        return true;
      };
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c) {
          if (!at(r, c))
            continue;
          ++positions;
          if (!isAlone(r, c))
            continue;
          ++alone;
          calm[m].clear(r, c);
        }
    }
    if (alone > 0 && static_cast<double>(alone) <=
                         maxStrays * static_cast<double>(positions))
      return calm;
  }
  return {};
}

/// The sizes of smallest blocks that tell best where `masks` are occupied.
std::vector<LeafFinder::Size>
LeafFinder::bestSizes(const std::vector<BitGrid> &masks) const {
  std::vector<BitGrid> turned;
  for (const BitGrid &mask : masks)
    turned.push_back(mask.transposed());
  const std::vector<int64_t> heights = bestSides(masks);
  const std::vector<int64_t> widths = bestSides(turned);
  std::vector<Size> sizes;
  int64_t positions = 0;
  for (const BitGrid &mask : masks)
    positions += mask.count();
  const int64_t count = static_cast<int64_t>(masks.size());
  for (const int64_t height : heights) {
    std::vector<BitGrid> joined;
    for (const BitGrid &mask : masks)
      joined.push_back(mask.joinRows(height).transposed());
    for (const int64_t width : widths) {
      if (height * width == 1)
        continue;
      int64_t occupied = 0, inside = 0;
      for (const BitGrid &grid : joined) {
        const BitGrid cells = grid.joinRows(width);
        occupied += cells.count();
        inside += coveredPositions(cells, width, height, cols, rows);
      }
      const int64_t blocks =
          count * ceilDiv(rows, height) * ceilDiv(cols, width);
      sizes.push_back(
          {subsetBits(blocks, occupied) +
               subsetBits(std::max(inside * gatesPerMask, nonzero), nonzero) +
               sizeBits(height, width, rows, cols),
           height, width, inside});
    }
  }
  std::sort(sizes.begin(), sizes.end(), [](const Size &a, const Size &b) {
    return std::tie(a.bits, a.height, a.width) <
           std::tie(b.bits, b.height, b.width);
  });
  // A block that is occupied in the same places as a better one that it divides
  // would be a tier that keeps all.
  std::vector<Size> best;
  for (const Size &size : sizes)
    if (best.size() < leavesTried &&
        std::none_of(best.begin(), best.end(), [&](const Size &better) {
          return better.inside == size.inside &&
                 better.height % size.height == 0 &&
                 better.width % size.width == 0;
        }))
      best.push_back(size);
  // Single weights can only be lines of their own (2 of 4) where positions of
  // the smallest blocks are empty.
  if (std::none_of(best.begin(), best.end(), [&](const Size &size) {
        return static_cast<double>(positions) >=
               fullShare * static_cast<double>(size.inside);
      }))
    best.push_back({0.0, 1, 1, positions});
  return best;
}

std::vector<Leaf> LeafFinder::run() const {
  std::vector<Size> best = bestSizes(masks);
  if (const std::vector<BitGrid> calm = calmMasks(); !calm.empty())
    for (const Size &size : bestSizes(calm))
      if (std::none_of(best.begin(), best.end(), [&](const Size &known) {
            return known.height == size.height && known.width == size.width;
          }))
        best.push_back(size);

  std::vector<Leaf> leaves;
  for (const Size &size : best) {
    Leaf leaf = makeLeaf(size.height, size.width);
    const int64_t inside = coveredWeights(leaf);
    leaf.bits = insideBits(leaf, inside);
    Leaf cleaned = leaf;
    if (dropStrays(cleaned, inside)) {
      cleaned.bits = insideBits(cleaned, coveredWeights(cleaned));
      leaves.push_back(std::move(cleaned));
    }
    leaves.push_back(std::move(leaf));
  }
  return leaves;
}

} // namespace

std::vector<Leaf> compression::findLeaves(const std::vector<BitGrid> &gates,
                                          const BitGrid &any, bool separate) {
  return LeafFinder(gates, any, separate).run();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DetectSearch.h"

#include "DetectCode.h"
#include "DetectLeaf.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

constexpr size_t maxInnerNodes = 12; // block sizes between matrix and leaf
constexpr size_t pathsPerNode = 8;
constexpr double shorterThanDense = 0.98;
constexpr double tooLong = 1.25;        // times the shortest, at a first look
constexpr double maxDeficitShare = 0.1; // of a balanced tier's kept blocks
constexpr double minModalShare = 0.4;   // of its lines have the same count
constexpr double sameGroupShare = 0.97; // of groups, to look like N of M

//===----------------------------------------------------------------------===//
// Counting lines
//===----------------------------------------------------------------------===//

/// Whether most rows have the same number of ones.
bool mostRowsEqual(const BitGrid &grid) {
  std::vector<int64_t> numbers(static_cast<size_t>(grid.cols()) + 1);
  for (int64_t r = 0; r < grid.rows(); ++r)
    ++numbers[grid.count(r, 0, grid.cols())];
  return 2 * *std::max_element(numbers.begin(), numbers.end()) >= grid.rows();
}

/// Builds a LineHistogram; almost all lines have one of two lengths.
class LineCounter {
public:
  void add(int64_t blocks, int64_t occupied) {
    if (last >= lengths.size() || lengths[last].blocks != blocks) {
      last = 0;
      while (last < lengths.size() && lengths[last].blocks != blocks)
        ++last;
      if (last == lengths.size())
        lengths.push_back(
            {blocks, std::vector<int64_t>(static_cast<size_t>(blocks) + 1)});
    }
    ++lengths[last].numbers[occupied];
  }

  LineHistogram take() const {
    LineHistogram lines;
    for (const Length &length : lengths)
      for (int64_t i = 0; i <= length.blocks; ++i)
        if (length.numbers[i] > 0)
          lines[{length.blocks, i}] = length.numbers[i];
    return lines;
  }

private:
  struct Length {
    int64_t blocks;
    std::vector<int64_t> numbers;
  };
  std::vector<Length> lengths;
  size_t last = 0;
};

/// Blocks of one size: what is occupied, for each mask, and the same
/// transposed.
struct Node {
  int64_t down = 1, across = 1; // in smallest blocks
  bool group = false; // in which always the same number may be occupied
  std::vector<BitGrid> grids, turned;
};

/// How the blocks of one node lie in the occupied blocks of a coarser one.
struct Lines {
  LineHistogram rows, columns, parents;
  ParentShapes shapes;
  int64_t blocks = 0, occupied = 0;
};

/// Lines along the rows of `cells` inside the occupied `parents`, of
/// `down` x `across` cells each. `whole`, if not null, gets each parent.
void countLines(const BitGrid &parents, const BitGrid &cells, int64_t down,
                int64_t across, LineCounter &lines, Lines *whole,
                LineCounter *wholeLines) {
  std::vector<int64_t> occupied(static_cast<size_t>(parents.cols()));
  for (int64_t i = 0; i < parents.rows(); ++i) {
    const int64_t firstRow = i * down;
    const int64_t height = std::min(down, cells.rows() - firstRow);
    std::fill(occupied.begin(), occupied.end(), 0);
    for (int64_t r = firstRow; r < firstRow + height; ++r)
      for (int64_t j = 0; j < parents.cols(); ++j)
        if (parents.at(i, j)) {
          const int64_t first = j * across;
          const int64_t last = std::min(first + across, cells.cols());
          const int64_t ones = cells.count(r, first, last);
          lines.add(last - first, ones);
          occupied[j] += ones;
        }
    if (!whole)
      continue;
    for (int64_t j = 0; j < parents.cols(); ++j)
      if (parents.at(i, j)) {
        const int64_t width = std::min(across, cells.cols() - j * across);
        ++whole->shapes[{height, width}];
        whole->blocks += height * width;
        whole->occupied += occupied[j];
        if (wholeLines)
          wholeLines->add(height * width, occupied[j]);
      }
  }
}

Lines linesBetween(const Node &coarse, const Node &fine) {
  Lines result;
  LineCounter rows, columns, parents;
  const int64_t down = ceilDiv(coarse.down, fine.down);
  const int64_t across = ceilDiv(coarse.across, fine.across);
  for (size_t m = 0; m < coarse.grids.size(); ++m) {
    countLines(coarse.grids[m], fine.grids[m], down, across, rows, &result,
               &parents);
    countLines(coarse.turned[m], fine.turned[m], across, down, columns, nullptr,
               nullptr);
  }
  result.rows = rows.take();
  result.columns = columns.take();
  result.parents = parents.take();
  return result;
}

//===----------------------------------------------------------------------===//
// One tier: from a node to a finer one
//===----------------------------------------------------------------------===//

/// A balance and fraction of a tier; `bits` without the name of the balance.
struct TierChoice {
  Balance balance = Balance::Row;
  Fraction fraction;
  double bits = 0.0;
  bool breaks = false;
};

/// Of each line length, the most occupied blocks; and how many lines have the
/// most frequent count.
bool looksBalanced(const LineHistogram &lines) {
  int64_t all = 0, modal = 0, most = 0, missing = 0;
  for (auto it = lines.begin(); it != lines.end();) {
    const int64_t length = it->first.first;
    int64_t number = 0, sum = 0, frequent = 0, largest = 0;
    for (; it != lines.end() && it->first.first == length; ++it) {
      number += it->second;
      sum += it->second * it->first.second;
      frequent = std::max(frequent, it->second);
      largest = it->first.second;
    }
    all += number;
    modal += frequent;
    most += largest * number;
    missing += largest * number - sum;
  }
  return static_cast<double>(modal) >=
             minModalShare * static_cast<double>(all) ||
         static_cast<double>(missing) <=
             maxDeficitShare * static_cast<double>(most);
}

void addBalanced(const LineHistogram &lines, Balance balance,
                 std::vector<TierChoice> &choices) {
  if (!looksBalanced(lines))
    return;
  const auto add = [&](Fraction fraction) {
    choices.push_back({balance, fraction,
                       fractionBits(fraction) + linesBits(lines, fraction),
                       mismatch(lines, fraction).breaking > 0});
  };
  add(bestFraction(lines));
  if (choices.back().breaks)
    add(bestFraction(lines, /*unbroken=*/true));
}

void addBoth(const Lines &lines, std::vector<TierChoice> &choices) {
  if (!looksBalanced(lines.rows) || !looksBalanced(lines.columns))
    return;
  LineHistogram together = lines.rows;
  for (const auto &[line, number] : lines.columns)
    together[line] += number;
  const Fraction fraction =
      bestFraction(together, /*unbroken=*/false,
                   [&](Fraction f) { return bothIsLegal(lines.shapes, f); });
  choices.push_back({Balance::Both, fraction,
                     fractionBits(fraction) + bothBits(lines.shapes, lines.rows,
                                                       lines.columns, fraction),
                     mismatch(together, fraction).breaking > 0});
}

void addNone(const Lines &lines, std::vector<TierChoice> &choices) {
  TierChoice choice{Balance::None, roughFraction(lines.occupied, lines.blocks),
                    subsetBits(lines.blocks, lines.occupied), false};
  // Parents of a size that keep the same number each need not have it told.
  bool same = true;
  for (auto it = lines.parents.begin(), next = it;
       it != lines.parents.end() && ++next != lines.parents.end(); it = next)
    same &= it->first.first != next->first.first;
  if (same) {
    const Fraction exact = bestFraction(lines.parents);
    const Mismatch wrong = mismatch(lines.parents, exact);
    if (wrong.breaking + wrong.filled == 0) {
      choice.fraction = exact;
      choice.bits = std::min(choice.bits, fractionBits(exact) +
                                              linesBits(lines.parents, exact));
    }
  }
  choices.push_back(choice);
}

//===----------------------------------------------------------------------===//
// Tiers above one smallest block
//===----------------------------------------------------------------------===//

/// Sides worth trying, in smallest blocks, up to `whole`: dense where small,
/// and `whole` itself.
std::vector<int64_t> sides(int64_t whole) {
  std::vector<int64_t> result;
  for (int64_t side = 1; side < whole; ++side)
    if (side <= 32 || (side <= 64 && side % 2 == 0) ||
        (side <= 128 && side % 8 == 0) || (side <= 1024 && side % 32 == 0) ||
        std::has_single_bit(static_cast<uint64_t>(side)))
      result.push_back(side);
  result.push_back(whole);
  return result;
}

/// Bits to choose k of n, short of log terms; quick.
double entropyBits(double n, double k) {
  if (k <= 0.0 || k >= n)
    return 0.0;
  return k * std::log2(n / k) + (n - k) * std::log2(n / (n - k));
}

class LeafSearch {
public:
  LeafSearch(const Leaf &leaf, int64_t rows, int64_t cols, bool separate,
             std::optional<Balance> balance, double dense, double limit,
             std::vector<Description> &found)
      : leaf(leaf), rows(rows), cols(cols), separate(separate),
        balance(balance), dense(dense), limit(limit), found(found),
        cells(leaf.cells), downs(sides(cells.front().rows())),
        acrosses(sides(cells.front().cols())) {}

  void run() {
    if (downs.size() == 1 && acrosses.size() == 1)
      return; // one block is the whole matrix
    if (leaf.bits > limit)
      return;
    Sizes groups, sizes;
    addGroups(groups);
    if (leaf.height * leaf.width > 1 || !groups.empty() || linesAreEqual()) {
      const double bits = leaf.bits + chooseSizes(sizes);
      if (bits > limit)
        return;
      // If free choice is no shorter than zeros anywhere, only the same count
      // in every line or group can be, and that needs no tiers between.
      if (bits > shorterThanDense * dense)
        sizes.clear();
      addNodes(std::move(sizes), groups);
    } else {
      return; // single weights anywhere are no blocks
    }
    measureTiers();
    for (const bool unbroken : {false, true}) {
      for (const Balance shared :
           {Balance::Row, Balance::Column, Balance::Both, Balance::None})
        if (!balance || *balance == shared)
          findPaths(shared, unbroken);
      if (!balance)
        findPaths(std::nullopt, unbroken);
    }
  }

private:
  double nodeBits(size_t i, size_t j) const {
    return sizeBits(std::min(downs[i] * leaf.height, rows),
                    std::min(acrosses[j] * leaf.width, cols), rows, cols) +
           tierBits;
  }

  /// For each side the sides of `all` that are multiples of it, itself and the
  /// whole included.
  static std::vector<std::vector<size_t>>
  multiples(const std::vector<int64_t> &all) {
    std::vector<std::vector<size_t>> result(all.size());
    for (size_t fine = 0; fine < all.size(); ++fine)
      for (size_t coarse = fine; coarse < all.size(); ++coarse)
        if (coarse + 1 == all.size() || all[coarse] % all[fine] == 0)
          result[fine].push_back(coarse);
    return result;
  }

  using Sizes = std::vector<std::pair<int64_t, int64_t>>; // down, across
  bool linesAreEqual() const;
  double chooseSizes(Sizes &sizes) const;
  void addSquares(Sizes &sizes) const;
  void addGroups(Sizes &sizes) const;
  void addNodes(Sizes sizes, const Sizes &groups);
  void addNode(int64_t down, int64_t across);
  void measureTiers();
  void findPaths(std::optional<Balance> shared, bool unbroken);

  const Leaf &leaf;
  const int64_t rows, cols;
  const bool separate;
  const std::optional<Balance> balance;
  const double dense; // a description without blocks
  const double limit; // longer paths need not be looked at closely
  std::vector<Description> &found;
  const std::vector<BitGrid> &cells;
  const std::vector<int64_t> downs, acrosses; // ascending

  std::vector<Node> nodes; // coarse to fine; the matrix, ..., the leaf
  std::vector<std::vector<std::vector<TierChoice>>> tiers; // [coarse][fine]
};

/// Picks the block sizes that may be tiers. How many blocks of each size are
/// occupied is known quickly for all sizes; taking every tier as chosen freely
/// among the blocks inside the occupied ones of the tier before, the shortest
/// path from the matrix to the leaf through each size follows. The best are
/// looked at closely later. Returns the length of the shortest path.
double LeafSearch::chooseSizes(Sizes &sizes) const {
  const size_t m = downs.size(), n = acrosses.size();
  // Of each size the occupied blocks, and the smallest blocks in them.
  std::vector<double> occupied(m * n), covered(m * n);
  const int64_t down = downs.back(), across = acrosses.back();
  for (size_t i = 0; i < m; ++i)
    for (const BitGrid &grid : cells) {
      const BitGrid joined = grid.joinRows(downs[i]).transposed();
      for (size_t j = 0; j < n; ++j) {
        int64_t ones = 0, inside = 0;
        if (down % downs[i] == 0 && across % acrosses[j] == 0) {
          ones = joined.countJoined(acrosses[j]);
          inside = ones * downs[i] * acrosses[j];
        } else {
          const BitGrid blocks = joined.joinRows(acrosses[j]);
          ones = blocks.count();
          inside =
              coveredPositions(blocks, acrosses[j], downs[i], across, down);
        }
        occupied[i * n + j] += static_cast<double>(ones);
        covered[i * n + j] += static_cast<double>(inside);
      }
    }
  const auto bitsBetween = [&](size_t ci, size_t cj, size_t fi, size_t fj) {
    const double ones = occupied[fi * n + fj];
    const double blocks =
        covered[ci * n + cj] / static_cast<double>(downs[fi] * acrosses[fj]);
    return entropyBits(std::max(blocks, ones), ones);
  };

  // Shortest paths from the matrix, and to the leaf. Sizes are numbered so that
  // those inside a block have lower numbers.
  const std::vector<std::vector<size_t>> tall = multiples(downs);
  const std::vector<std::vector<size_t>> wide = multiples(acrosses);
  struct Step {
    size_t coarse, fine;
    double bits;
  };
  std::vector<Step> steps; // by falling `fine`
  std::vector<double> from(m * n, INFINITY), to(m * n, INFINITY);
  from[m * n - 1] = 0.0;
  for (size_t at = m * n - 1; at-- > 0;) {
    const size_t i = at / n, j = at % n;
    const double name = nodeBits(i, j);
    for (const size_t ci : tall[i])
      for (const size_t cj : wide[j])
        if (const size_t coarse = ci * n + cj; coarse != at) {
          const double bits = bitsBetween(ci, cj, i, j) + name;
          steps.push_back({coarse, at, bits});
          from[at] = std::min(from[at], from[coarse] + bits);
        }
  }
  to[0] = 0.0;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step)
    to[step->coarse] = std::min(to[step->coarse], step->bits + to[step->fine]);
  std::vector<size_t> order;
  for (size_t at = 1; at + 1 < m * n; ++at)
    order.push_back(at);
  const size_t count = std::min(maxInnerNodes, order.size());
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](size_t a, size_t b) {
                      const double x = from[a] + to[a], y = from[b] + to[b];
                      return x != y ? x < y : a < b;
                    });
  for (size_t k = 0; k < count; ++k)
    sizes.emplace_back(downs[order[k] / n], acrosses[order[k] % n]);
  addSquares(sizes);
  return from[0];
}

/// Whether most rows, or most columns, have the same number of occupied blocks.
bool LeafSearch::linesAreEqual() const {
  return mostRowsEqual(cells.front()) ||
         mostRowsEqual(cells.front().transposed());
}

/// Rows or columns of blocks may agree by chance where there are few of them,
/// so that longer blocks look better until names and balance count. So the
/// squares of the best sizes' sides are looked at too.
void LeafSearch::addSquares(Sizes &sizes) const {
  constexpr size_t best = 4;
  const auto add = [&](int64_t side) {
    if (side % leaf.height == 0 && side % leaf.width == 0 && side < rows &&
        side < cols && side > std::max(leaf.height, leaf.width))
      sizes.emplace_back(side / leaf.height, side / leaf.width);
  };
  for (size_t i = 0, count = std::min(best, sizes.size()); i < count; ++i) {
    const auto [down, across] = sizes[i];
    add(down * leaf.height);
    add(across * leaf.width);
  }
}

/// Groups of M blocks side by side of which always N are occupied ("2 of 4")
/// save nothing until the balance is known: free choice inside full groups
/// costs as much as without groups. So they are looked for directly.
void LeafSearch::addGroups(Sizes &sizes) const {
  constexpr int64_t sample = 2048;
  const auto search = [&](const BitGrid &grid, bool turned) {
    for (int64_t group = 2; group <= 16 && group < grid.cols(); ++group) {
      std::vector<int64_t> numbers(static_cast<size_t>(group) + 1);
      int64_t seen = 0;
      for (int64_t r = 0; r < grid.rows() && seen < sample; ++r)
        for (int64_t c = 0; c + group <= grid.cols() && seen < sample;
             c += group)
          if (const int64_t ones = grid.count(r, c, c + group); ones > 0) {
            ++numbers[ones];
            ++seen;
          }
      const auto most = std::max_element(numbers.begin(), numbers.end());
      if (seen == 0 || most + 1 == numbers.end() ||
          static_cast<double>(*most) <
              sameGroupShare * static_cast<double>(seen))
        continue;
      if (turned)
        sizes.emplace_back(group, 1);
      else
        sizes.emplace_back(1, group);
    }
  };
  search(cells.front(), false);
  search(cells.front().transposed(), true);
}

/// The matrix, the sizes and groups from coarse to fine, and the leaf.
void LeafSearch::addNodes(Sizes sizes, const Sizes &groups) {
  sizes.insert(sizes.end(), groups.begin(), groups.end());
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  addNode(downs.back(), acrosses.back());
  for (const auto &size : sizes) {
    addNode(size.first, size.second);
    nodes.back().group =
        std::find(groups.begin(), groups.end(), size) != groups.end();
  }
  addNode(1, 1);
}

void LeafSearch::addNode(int64_t down, int64_t across) {
  Node &node = nodes.emplace_back();
  node.down = down;
  node.across = across;
  for (const BitGrid &grid : cells) {
    BitGrid turned = grid.joinRows(down).transposed().joinRows(across);
    node.grids.push_back(turned.transposed());
    node.turned.push_back(std::move(turned));
  }
}

void LeafSearch::measureTiers() {
  tiers.assign(nodes.size(),
               std::vector<std::vector<TierChoice>>(nodes.size()));
  const auto fits = [](int64_t fine, int64_t coarse, int64_t whole) {
    return coarse == whole || (fine <= coarse && coarse % fine == 0);
  };
  for (size_t a = 0; a < nodes.size(); ++a)
    for (size_t b = a + 1; b < nodes.size(); ++b) {
      const Node &coarse = nodes[a], &fine = nodes[b];
      if (!fits(fine.down, coarse.down, downs.back()) ||
          !fits(fine.across, coarse.across, acrosses.back()))
        continue;
      const Lines lines = linesBetween(coarse, fine);
      std::vector<TierChoice> &choices = tiers[a][b];
      const bool anywhere = !balance;
      if (anywhere || *balance == Balance::Row)
        addBalanced(lines.rows, Balance::Row, choices);
      if (anywhere || *balance == Balance::Column)
        addBalanced(lines.columns, Balance::Column, choices);
      if (anywhere || *balance == Balance::Both)
        addBoth(lines, choices);
      // Single weights anywhere in their parents are no blocks.
      const bool single =
          leaf.height * leaf.width == 1 && b + 1 == nodes.size();
      if ((anywhere || *balance == Balance::None) && !single)
        addNone(lines, choices);
      // A tier that keeps all says nothing unless it groups blocks.
      if (!fine.group)
        std::erase_if(choices, [](const TierChoice &choice) {
          return choice.fraction.num == choice.fraction.den;
        });
      const double name =
          tierBits + sizeBits(std::min(fine.down * leaf.height, rows),
                              std::min(fine.across * leaf.width, cols), rows,
                              cols);
      for (TierChoice &choice : choices)
        choice.bits += name;
    }
}

/// The shortest paths from the matrix to the leaf, all of whose tiers have the
/// balance `shared`, or any; with `unbroken`, only tiers that nothing breaks.
void LeafSearch::findPaths(std::optional<Balance> shared, bool unbroken) {
  struct Path {
    double bits;
    bool breaks;
    size_t from, fromPath; // node, and which of its paths
    const TierChoice *choice;
    int length;
  };
  std::vector<std::vector<Path>> paths(nodes.size());
  paths[0].push_back({shared ? sharedBalanceBits(*shared) : mixedBalanceBits,
                      leaf.strays > 0, 0, 0, nullptr, 0});
  if (unbroken && leaf.strays > 0)
    return;
  for (size_t b = 1; b < nodes.size(); ++b) {
    std::vector<Path> &here = paths[b];
    for (size_t a = 0; a < b; ++a)
      for (const TierChoice &choice : tiers[a][b]) {
        if (shared ? choice.balance != *shared
                   : choice.fraction.num == choice.fraction.den &&
                         choice.balance != Balance::Row) // all say the same
          continue;
        if (unbroken && choice.breaks)
          continue;
        for (size_t p = 0; p < paths[a].size(); ++p) {
          const Path &path = paths[a][p];
          if (path.length < maxTiers)
            here.push_back({path.bits + choice.bits +
                                (shared ? 0.0 : balanceBits(choice.balance)),
                            path.breaks || choice.breaks, a, p, &choice,
                            path.length + 1});
        }
      }
    std::sort(here.begin(), here.end(), [](const Path &x, const Path &y) {
      return std::tie(x.bits, x.from, x.fromPath, x.choice->balance) <
             std::tie(y.bits, y.from, y.fromPath, y.choice->balance);
    });
    if (here.size() > pathsPerNode)
      here.resize(pathsPerNode);
  }
  for (const Path &path : paths.back()) {
    Description description;
    description.separate = separate;
    description.breaks = path.breaks;
    description.bits = path.bits + leaf.bits;
    const Path *at = &path;
    for (size_t node = nodes.size() - 1; node != 0;) {
      Tier tier;
      tier.rows =
          static_cast<int>(std::min(nodes[node].down * leaf.height, rows));
      tier.cols =
          static_cast<int>(std::min(nodes[node].across * leaf.width, cols));
      tier.keepNum = static_cast<int>(at->choice->fraction.num);
      tier.keepDen = static_cast<int>(at->choice->fraction.den);
      tier.balance = at->choice->balance;
      description.pattern.tiers.push_back(tier);
      node = at->from;
      at = &paths[node][at->fromPath];
    }
    std::reverse(description.pattern.tiers.begin(),
                 description.pattern.tiers.end());
    if (verify(description.pattern))
      found.push_back(std::move(description));
  }
}

} // namespace

void compression::sortByBits(std::vector<Description> &descriptions) {
  std::sort(descriptions.begin(), descriptions.end(),
            [](const Description &a, const Description &b) {
              if (a.bits != b.bits)
                return a.bits < b.bits;
              if (a.separate != b.separate)
                return b.separate;
              return a.pattern.str() < b.pattern.str();
            });
}

double compression::unstructuredBits(const std::vector<BitGrid> &gates,
                                     const BitGrid &any) {
  int64_t nonzero = 0;
  for (const BitGrid &gate : gates)
    nonzero += gate.count();
  const int64_t positions = any.rows() * any.cols();
  const int64_t occupied = any.count();
  const int64_t masks = static_cast<int64_t>(gates.size());
  return tierBits + std::min(subsetBits(masks * positions, nonzero),
                             subsetBits(positions, occupied) +
                                 subsetBits(masks * occupied, nonzero));
}

bool compression::gatesDiffer(const std::vector<BitGrid> &gates,
                              const BitGrid &any) {
  // In 2 x 2 positions that are not empty in all gates, how often is a gate
  // empty, and how often would it be if zeros fell independently?
  const double pairs = static_cast<double>(gates.size()) *
                       static_cast<double>(any.joined(2, 2).count());
  double nonempty = 0.0, nonzero = 0.0;
  for (const BitGrid &gate : gates) {
    if (mostRowsEqual(gate) || mostRowsEqual(gate.transposed()))
      return true;
    nonempty += static_cast<double>(gate.joined(2, 2).count());
    nonzero += static_cast<double>(gate.count());
  }
  if (pairs == 0.0)
    return false;
  const double empty = 1.0 - nonempty / pairs;
  const double expected = std::pow(1.0 - nonzero / (4.0 * pairs), 4);
  return std::fabs(empty - expected) > 0.3 * expected + 0.003;
}

std::vector<Description>
compression::findDescriptions(const std::vector<BitGrid> &gates,
                              const BitGrid &any, bool separate,
                              std::optional<Balance> balance) {
  std::vector<Description> found;
  // The shortest so far, of all and of those that nothing breaks.
  const double dense = unstructuredBits(gates, any);
  double shortest = dense, unbroken = dense;
  for (const Leaf &leaf : findLeaves(gates, any, separate)) {
    const double limit = tooLong * (leaf.strays > 0 ? shortest : unbroken);
    LeafSearch(leaf, any.rows(), any.cols(), separate, balance, dense, limit,
               found)
        .run();
    for (const Description &one : found) {
      shortest = std::min(shortest, one.bits);
      if (!one.breaks)
        unbroken = std::min(unbroken, one.bits);
    }
  }
  // The same pattern may come from several leaves and searches.
  sortByBits(found);
  std::vector<Description> result;
  for (Description &one : found)
    if (std::none_of(result.begin(), result.end(), [&](const Description &o) {
          return o.pattern == one.pattern && o.breaks == one.breaks;
        }))
      result.push_back(std::move(one));
  return result;
}

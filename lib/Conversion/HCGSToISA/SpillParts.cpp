// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where matrices can be cut into parts that are loaded one by one.

#include "Spill.h"

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Dialect/FX/Utils/MatrixForms.h"

#include <algorithm>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

/// An instruction counts bytes in 24 bits.
static constexpr int64_t kMostBytes = (int64_t(1) << 24) - 1;

/// Of a dense matrix: row blocks, or runs of rows of one gate; nothing if they
/// cannot begin and end at bytes.
static std::optional<std::vector<WeightPart>>
cutDense(unsigned number, MatrixOp matrix, uint32_t rowBlock, int64_t limit) {
  const int64_t gates = matrix.getGates(), rows = matrix.getRows();
  const int64_t rowBits = matrix.getCols() * matrix.getWeights().getBits();
  std::vector<WeightPart> parts;
  auto add = [&](int64_t begin, int64_t end, int gate) {
    const int64_t first = compression::WeightLayout::accumulatorIndex(
                              std::max(gate, 0), begin, gates, rows, rowBlock) *
                          rowBits;
    const int64_t bits = (end - begin) * (gate < 0 ? gates : 1) * rowBits;
    // The filler of the last byte of the image is the end's own.
    const bool last = first + bits == gates * rows * rowBits;
    if (first % 8 != 0 || (bits % 8 != 0 && !last))
      return false;
    parts.push_back({.matrix = number,
                     .begin = uint32_t(begin),
                     .end = uint32_t(end),
                     .gate = gate,
                     .firstByte = first / 8,
                     .bytes = (bits + 7) / 8});
    return true;
  };
  // Eight rows end at a byte, however wide.
  const int64_t strip = std::max<int64_t>(limit * 8 / rowBits / 8 * 8, 8);
  for (int64_t begin = 0; begin < rows; begin += rowBlock) {
    const int64_t end = std::min<int64_t>(begin + rowBlock, rows);
    if ((end - begin) * gates * rowBits <= limit * 8) {
      if (!add(begin, end, -1))
        return std::nullopt;
      continue;
    }
    // Where its gates do not end at bytes, it can be one part only.
    const size_t before = parts.size();
    bool isCut = true;
    for (int64_t gate = 0; gate < gates; ++gate)
      for (int64_t row = begin; row < end; row += strip)
        isCut = isCut && add(row, std::min(row + strip, end), gate);
    if (isCut)
      continue;
    parts.resize(before);
    if (!add(begin, end, -1))
      return std::nullopt;
  }
  return parts;
}

namespace {
/// Where the rows of a block-sparse or circulant matrix can be cut.
class CompressedCutter {
public:
  CompressedCutter(const compression::WeightLayout &layout, int64_t bits)
      : layout(layout), bits(bits),
        step(layout.isCirculant()
                 ? layout.block()
                 : layout.map(0).pattern().tiers.front().rows) {}

  /// Edges of the fewest row blocks each that can be a matrix of their own;
  /// empty if not even all of them can.
  std::vector<int64_t> cutAtRowBlocks() const;
  /// Edges from `begin` to `end`, both edges, with parts of at most `limit`
  /// bytes where there is such a cut. Keeps to no row blocks.
  std::vector<int64_t> cutAnywhere(int64_t begin, int64_t end,
                                   int64_t limit) const;
  int64_t firstByte(int64_t row) const {
    return (layout.firstWordOf(row) * bits + 7) / 8;
  }
  int64_t bytes(int64_t begin, int64_t end) const {
    return firstByte(end) - firstByte(begin);
  }

private:
  /// Whether a part can begin at a row: blocks of tier 1 and circulant ones
  /// stay whole, and codes begin at a byte.
  bool isEdge(int64_t row) const {
    return row % step == 0 && layout.firstWordOf(row) * bits % 8 == 0;
  }
  /// A part without weights is nothing to load, and the last rows of a
  /// circulant matrix can be fewer than its blocks need (WI-C-1).
  bool isMatrix(int64_t begin, int64_t end) const {
    return layout.firstWordOf(end) > layout.firstWordOf(begin) &&
           (!layout.isCirculant() ||
            compression::verifyCirculant(end - begin, layout.cols(),
                                         layout.block()));
  }

  const compression::WeightLayout &layout;
  const int64_t bits, step;
};
} // namespace

std::vector<int64_t> CompressedCutter::cutAtRowBlocks() const {
  const int64_t rows = layout.rows();
  std::vector<int64_t> edges = {0};
  for (int64_t row = layout.rowBlock(); row < rows; row += layout.rowBlock())
    if (isEdge(row) && isMatrix(edges.back(), row))
      edges.push_back(row);
  while (edges.size() > 1 && !isMatrix(edges.back(), rows))
    edges.pop_back();
  if (!isMatrix(edges.back(), rows))
    return {};
  edges.push_back(rows);
  return edges;
}

std::vector<int64_t> CompressedCutter::cutAnywhere(int64_t begin, int64_t end,
                                                   int64_t limit) const {
  std::vector<int64_t> edges = {begin};
  // Where the part that begins at the last edge can end.
  int64_t last = begin;
  auto endBefore = [&](int64_t row) {
    if (last == edges.back() || bytes(edges.back(), row) <= limit)
      return;
    edges.push_back(last);
  };
  for (int64_t row = (begin / step + 1) * step; row < end; row += step) {
    if (!isEdge(row) || !isMatrix(row, end))
      continue;
    endBefore(row);
    if (isMatrix(edges.back(), row))
      last = row;
  }
  endBefore(end);
  edges.push_back(end);
  return edges;
}

static std::optional<std::vector<WeightPart>> cutCompressed(unsigned number,
                                                            MatrixOp matrix,
                                                            uint32_t rowBlock,
                                                            int64_t limit) {
  auto layout = fx::makeLayout(matrix.getSparsityAttr(), matrix.getGates(),
                               matrix.getRows(), matrix.getCols(), rowBlock);
  // What is wrong with it is reported where its image is made.
  if (!layout || !compression::verifyRowBlock(*layout))
    return std::nullopt;
  const CompressedCutter cutter(*layout, matrix.getWeights().getBits());
  const std::vector<int64_t> blocks = cutter.cutAtRowBlocks();
  std::vector<WeightPart> parts;
  for (size_t i = 0; i + 1 < blocks.size(); ++i) {
    std::vector<int64_t> edges = {blocks[i], blocks[i + 1]};
    // Row blocks that can only be had together stay together, though there may
    // be edges inside them: a part is whole row blocks or rows of one.
    if (edges[1] - edges[0] <= rowBlock)
      edges = cutter.cutAnywhere(edges[0], edges[1], limit);
    for (size_t j = 0; j + 1 < edges.size(); ++j)
      parts.push_back({.matrix = number,
                       .begin = uint32_t(edges[j]),
                       .end = uint32_t(edges[j + 1]),
                       .gate = -1,
                       .firstByte = cutter.firstByte(edges[j]),
                       .bytes = cutter.bytes(edges[j], edges[j + 1]),
                       .byGate = edges.size() > 2 && matrix.getGates() > 1});
  }
  if (parts.empty())
    return std::nullopt;
  return parts;
}

std::optional<std::vector<WeightPart>> toisa::cutMatrix(unsigned number,
                                                        MatrixOp matrix,
                                                        uint32_t rowBlock,
                                                        int64_t limit) {
  limit = std::min(limit, kMostBytes);
  auto parts = matrix.isDense()
                   ? cutDense(number, matrix, rowBlock, limit)
                   : cutCompressed(number, matrix, rowBlock, limit);
  if (parts && llvm::any_of(*parts, [](const WeightPart &part) {
        return part.bytes > kMostBytes;
      }))
    return std::nullopt;
  return parts;
}

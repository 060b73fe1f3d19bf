// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/PackedMatrix.h"

#include <algorithm>
#include <limits>

using namespace hcgs;
using namespace hcgs::sim;
using compression::BlockMap;
using compression::ColRange;
using compression::WeightLayout;

namespace {
/// Rows of some gates with the same kept columns, before packing.
struct RowGroup {
  int64_t row = 0, height = 0;
  int64_t firstGate = 0, gates = 0;
  std::span<const ColRange> ranges;
  int64_t keptCols = 0;
  int64_t firstWord = 0; // of the first gate
  /// Size of the blocks of a circulant matrix, of which the group is one
  /// block-row; else 0.
  int64_t block = 0;

  /// Stored words of one gate.
  int64_t words() const {
    return block ? (keptCols + block - 1) / block * block : height * keptCols;
  }

  /// The word of the weight in row `r` of the group and column `col` of the
  /// range that begins after `before` kept columns and is `width` wide. In a
  /// dense row (WI-W-2), which is one range, the order is that of WI-W-1.
  int64_t wordAt(int64_t gate, int64_t r, int64_t before, int64_t width,
                 int64_t col) const {
    const int64_t start = firstWord + (gate - firstGate) * words();
    if (!block)
      return start + before * height + r * width + col;
    // WI-C-1, WI-C-2
    const int64_t turned = col % block - r;
    return start + col / block * block + (turned < 0 ? turned + block : turned);
  }
};
} // namespace

/// All row groups in the order of the image: small block-rows (of each gate by
/// itself if the masks are separate), block-rows of a circulant matrix, or row
/// blocks of a dense one.
static std::vector<RowGroup> rowGroups(const WeightLayout &layout,
                                       const ColRange &allColumns) {
  std::vector<RowGroup> groups;
  int64_t word = 0;
  auto add = [&](RowGroup group) {
    group.firstWord = word;
    word += group.words() * group.gates;
    groups.push_back(group);
  };
  if (!layout.isDense() && !layout.isCirculant()) {
    const int64_t masks = layout.isSeparate() ? layout.gates() : 1;
    const int64_t gates = layout.isSeparate() ? 1 : layout.gates();
    const size_t count = layout.maps().front()->smallRows().size();
    for (size_t i = 0; i < count; ++i)
      for (int64_t mask = 0; mask < masks; ++mask) {
        const BlockMap &map = layout.map(mask);
        const BlockMap::SmallRow &small = map.smallRows()[i];
        add({.row = small.row,
             .height = small.height,
             .firstGate = mask,
             .gates = gates,
             .ranges = map.ranges(small),
             .keptCols = small.keptCols});
      }
    return groups;
  }
  const int64_t step =
      layout.isCirculant() ? layout.block() : layout.rowBlock();
  for (int64_t row = 0; row < layout.rows(); row += step)
    add({.row = row,
         .height = std::min(step, layout.rows() - row),
         .gates = layout.gates(),
         .ranges = std::span(&allColumns, 1),
         .keptCols = layout.cols(),
         .block = layout.block()});
  return groups;
}

static uint32_t paddedLanes(int64_t lanes) {
  return lanes <= 4 ? 4 : lanes <= 8 ? 8 : lanes <= 16 ? 16 : 32;
}

uint32_t PackedMatrix::internShape(Shape shape) {
  auto same = [&](const Shape &other) {
    return other.lanes == shape.lanes &&
           std::equal(other.pieces.begin(), other.pieces.end(),
                      shape.pieces.begin(), shape.pieces.end(),
                      [](const Piece &a, const Piece &b) {
                        return a.lane == b.lane && a.offset == b.offset &&
                               a.count == b.count && a.gate == b.gate;
                      });
  };
  // Neighbours mostly have the same shape, so look from the back.
  for (size_t i = theShapes.size(); i-- > 0;)
    if (same(theShapes[i]))
      return static_cast<uint32_t>(i);
  uint32_t used = 0;
  shape.contiguous = shape.quads = true;
  for (const Piece &piece : shape.pieces) {
    shape.contiguous &= piece.offset == shape.pieces[0].offset + piece.lane;
    shape.quads &= piece.count % 4 == 0 && piece.lane % 4 == 0;
    used += piece.count;
  }
  shape.contiguous &= used == shape.lanes && shape.pieces[0].offset == 0;
  shape.quads &= used == shape.lanes;
  if (shape.quads)
    for (const Piece &piece : shape.pieces)
      for (uint32_t i = 0; i < piece.count; i += 4)
        shape.quadOffsets[(piece.lane + i) / 4] = piece.offset + i;
  theShapes.push_back(std::move(shape));
  return static_cast<uint32_t>(theShapes.size() - 1);
}

PackedMatrix::PackedMatrix(const WeightLayout &layout,
                           std::span<const int16_t> codes, unsigned gateMask,
                           compression::ColumnSpan columns) {
  const ColRange allColumns{0, static_cast<int32_t>(layout.cols())};
  const std::vector<RowGroup> rows = rowGroups(layout, allColumns);
  // Where the columns of a range that are packed begin and end inside it.
  auto beginOf = [&](const ColRange &range) {
    return std::max<int64_t>(0, columns.begin - range.col);
  };
  auto endOf = [&](const ColRange &range) {
    return std::min<int64_t>(range.width, columns.end - range.col);
  };
  // Four columns an entry unless that means much padding (narrow blocks).
  int64_t kept = 0, padded = 0;
  for (const RowGroup &group : rows)
    for (const ColRange &range : group.ranges) {
      const int64_t width = endOf(range) - beginOf(range);
      if (width <= 0)
        continue;
      kept += width;
      padded += (width + 3) / 4 * 4;
    }
  theEntryColumns = padded * 7 <= kept * 8 ? 4 : 2;
  const int64_t step = theEntryColumns;

  const bool bytes = std::all_of(codes.begin(), codes.end(), [](int16_t code) {
    return code >= std::numeric_limits<int8_t>::min() &&
           code <= std::numeric_limits<int8_t>::max();
  });
  auto push = [&](int16_t code) {
    if (bytes)
      narrow.push_back(static_cast<int8_t>(code));
    else
      wide.push_back(code);
  };

  const int64_t rowBlock = layout.rowBlock();
  for (const RowGroup &group : rows) {
    if (group.row == rowBlock * static_cast<int64_t>(blockStart.size()))
      blockStart.push_back(theGroups.size());
    std::vector<int64_t> gates;
    for (int64_t gate = 0; gate < group.gates; ++gate)
      if (gateMask >> (group.firstGate + gate) & 1)
        gates.push_back(group.firstGate + gate);
    if (gates.empty())
      continue;
    const int64_t blockRow = group.row / rowBlock * rowBlock;
    const int64_t blockHeight = std::min(rowBlock, layout.rows() - blockRow);
    const int64_t lanes = static_cast<int64_t>(gates.size()) * group.height;
    const uint32_t firstEntry = static_cast<uint32_t>(theEntries.size());
    for (const ColRange &range : group.ranges)
      for (int64_t c = beginOf(range); c < endOf(range); c += step)
        theEntries.push_back(
            static_cast<uint32_t>(range.col + c - columns.begin));
    const uint32_t entries =
        static_cast<uint32_t>(theEntries.size()) - firstEntry;

    for (int64_t first = 0; first < lanes;
         first += static_cast<int64_t>(kMaxLanes)) {
      const int64_t count = std::min<int64_t>(lanes - first, kMaxLanes);
      Shape shape;
      shape.lanes = paddedLanes(count);
      Group packed;
      packed.entry = firstEntry;
      packed.entries = entries;
      packed.weight = bytes ? narrow.size() : wide.size();
      for (int64_t lane = 0; lane < count;) {
        const int64_t gate = gates[(first + lane) / group.height];
        const int64_t r = (first + lane) % group.height;
        const int64_t run = std::min(count - lane, group.height - r);
        const int64_t place = blockRow * layout.gates() + gate * blockHeight +
                              (group.row - blockRow) + r;
        if (lane == 0)
          packed.base = static_cast<uint32_t>(place);
        shape.pieces.push_back({static_cast<uint32_t>(lane),
                                static_cast<uint32_t>(place) - packed.base,
                                static_cast<uint32_t>(run),
                                static_cast<uint32_t>(gate)});
        lane += run;
      }
      int64_t before = 0;
      for (const ColRange &range : group.ranges) {
        for (int64_t c = beginOf(range); c < endOf(range); c += step)
          for (int64_t pair = c; pair < c + step; pair += 2)
            for (int64_t lane = 0; lane < shape.lanes; ++lane)
              for (int64_t col = pair; col < pair + 2; ++col) {
                if (lane >= count || col >= endOf(range)) {
                  push(0);
                  continue;
                }
                const int64_t gate = gates[(first + lane) / group.height];
                const int64_t r = (first + lane) % group.height;
                push(codes[group.wordAt(gate, r, before, range.width, col)]);
              }
        before += range.width;
      }
      packed.shape = internShape(std::move(shape));
      theGroups.push_back(packed);
    }
  }
  blockStart.push_back(theGroups.size());
}

std::vector<int32_t>
PackedMatrix::laneShifts(const std::array<uint8_t, 4> &shifts) const {
  std::vector<int32_t> result(theShapes.size() * kMaxLanes, 0);
  for (size_t i = 0; i < theShapes.size(); ++i)
    for (const Piece &piece : theShapes[i].pieces)
      std::fill_n(result.begin() + i * kMaxLanes + piece.lane, piece.count,
                  shifts[piece.gate]);
  return result;
}

size_t PackedMatrix::footprint() const {
  return narrow.size() + wide.size() * sizeof(int16_t) +
         theEntries.size() * sizeof(uint32_t);
}

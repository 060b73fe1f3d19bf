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
/// Rows with the same kept columns, before packing.
struct RowGroup {
  int64_t row, height;
  std::span<const ColRange> ranges;
  int64_t firstWord; // of gate 0
  int64_t keptCols;
};
} // namespace

/// All row groups from top to bottom: small block-rows, or the row blocks of a
/// dense matrix.
static std::vector<RowGroup> rowGroups(const WeightLayout &layout,
                                       const ColRange &allColumns) {
  std::vector<RowGroup> groups;
  int64_t word = 0;
  auto add = [&](int64_t row, int64_t height, std::span<const ColRange> ranges,
                 int64_t keptCols) {
    groups.push_back({row, height, ranges, word, keptCols});
    word += height * keptCols * layout.gates();
  };
  if (layout.isDense())
    for (int64_t row = 0; row < layout.rows(); row += layout.rowBlock())
      add(row, std::min(layout.rowBlock(), layout.rows() - row),
          std::span(&allColumns, 1), layout.cols());
  else
    for (const BlockMap::SmallRow &small : layout.map()->smallRows())
      add(small.row, small.height, layout.map()->ranges(small), small.keptCols);
  return groups;
}

/// The word of row `r` of the group, gate `gate`, at the start of range `i`
/// whose columns come after `before` kept columns (WI-W-1, WI-W-2): a dense row
/// is one range, so both orders are the same formula.
static int64_t wordAt(const RowGroup &group, int64_t gate, int64_t r,
                      int64_t before, int64_t width) {
  return group.firstWord + gate * group.height * group.keptCols +
         before * group.height + r * width;
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
                           std::span<const int16_t> codes, unsigned gateMask) {
  const ColRange allColumns{0, static_cast<int32_t>(layout.cols())};
  const std::vector<RowGroup> rows = rowGroups(layout, allColumns);
  std::vector<int64_t> gates;
  for (int64_t gate = 0; gate < layout.gates(); ++gate)
    if (gateMask >> gate & 1)
      gates.push_back(gate);

  // Four columns an entry unless that means much padding (narrow blocks).
  int64_t kept = 0, padded = 0;
  for (const RowGroup &group : rows)
    for (const ColRange &range : group.ranges) {
      kept += range.width;
      padded += (range.width + 3) / 4 * 4;
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
    if (group.row % rowBlock == 0)
      blockStart.push_back(theGroups.size());
    const int64_t blockRow = group.row / rowBlock * rowBlock;
    const int64_t blockHeight = std::min(rowBlock, layout.rows() - blockRow);
    const int64_t lanes = static_cast<int64_t>(gates.size()) * group.height;
    const uint32_t firstEntry = static_cast<uint32_t>(theEntries.size());
    for (const ColRange &range : group.ranges)
      for (int64_t c = 0; c < range.width; c += step)
        theEntries.push_back(static_cast<uint32_t>(range.col + c));
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
        for (int64_t c = 0; c < range.width; c += step)
          for (int64_t pair = c; pair < c + step; pair += 2)
            for (int64_t lane = 0; lane < shape.lanes; ++lane)
              for (int64_t col = pair; col < pair + 2; ++col) {
                if (lane >= count || col >= range.width) {
                  push(0);
                  continue;
                }
                const int64_t gate = gates[(first + lane) / group.height];
                const int64_t r = (first + lane) % group.height;
                push(codes[wordAt(group, gate, r, before, range.width) + col]);
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

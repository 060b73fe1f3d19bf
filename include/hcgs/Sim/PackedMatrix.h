// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix rearranged for the host's vector units.
//
// The rows of one small block-row have the same kept columns, for all gates: a
// *group*. So the natural vector runs over rows: one lane for each row of each
// chosen gate, and one input element, broadcast, for each kept column. Two
// columns at a time make the dot-product instruction that every processor has
// (two 16-bit products added into 32 bits). The usual case, 4x4 blocks of four
// gates, is 16 lanes by 4 columns: 64 weights a block, read in order.
//
//   lanes     gate 0: row 0 1 2 3 | gate 1: row 0 1 2 3 | ...     (P of them)
//   weights   P pairs for columns c, c+1; P pairs for columns c+2, c+3; ...
//   entries   the column c of each run of kEntryColumns columns
//
// Of a view only the runs inside its columns are packed.
//
// A dense matrix is the same with whole row blocks as groups. So is a circulant
// one with its block-rows: each vector is expanded to the rows it stands for,
// which costs the host memory the machine saves, but no other kernel. With
// separate masks the gates have different columns, and each is a group of its
// own. Groups of more than kMaxLanes lanes are cut; lanes are padded to 4, 8,
// 16 or 32 with zero weights, runs of columns to whole entries.
//
// Where lanes go: accumulators are laid out row block, gate, row (WI-A-1), so a
// group's lanes fall into one piece a gate, the same way for all groups of one
// *shape*.
//
#ifndef HCGS_SIM_PACKEDMATRIX_H
#define HCGS_SIM_PACKEDMATRIX_H

#include "hcgs/Compression/Layout.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::sim {

/// Most lanes of a group.
inline constexpr size_t kMaxLanes = 32;
/// Elements past its end up to which an input vector must be readable.
inline constexpr size_t kColumnPadding = 8;

class PackedMatrix {
public:
  /// Consecutive lanes that are consecutive accumulators.
  struct Piece {
    uint32_t lane = 0;   // the first
    uint32_t offset = 0; // its accumulator, from the group's base
    uint32_t count = 0;
    uint32_t gate = 0;
  };
  struct Shape {
    uint32_t lanes = 0;      // padded: 4, 8, 16 or 32
    bool contiguous = false; // one run of `lanes` accumulators, none padded
    bool quads = false;      // pieces of multiples of 4, none padded
    /// With quads: the accumulator of lane 4 i, from the group's base.
    std::array<uint32_t, kMaxLanes / 4> quadOffsets{};
    std::vector<Piece> pieces;
  };
  struct Group {
    uint32_t shape = 0;
    uint32_t base = 0;  // accumulator, in the layout of the whole matrix
    uint32_t entry = 0; // first entry
    uint32_t entries = 0;
    size_t weight = 0; // first weight
  };

  /// Packs the gates chosen by `gateMask` (not 0) of a matrix whose codes are
  /// `codes`, in the order of the weight image. Only `columns` of it (WI-D-3),
  /// the first of which is column 0 of the entries.
  PackedMatrix(const compression::WeightLayout &layout,
               std::span<const int16_t> codes, unsigned gateMask,
               compression::ColumnSpan columns);
  PackedMatrix(const compression::WeightLayout &layout,
               std::span<const int16_t> codes, unsigned gateMask)
      : PackedMatrix(layout, codes, gateMask, {0, layout.cols()}) {}

  std::span<const Group> groups() const { return theGroups; }
  std::span<const Shape> shapes() const { return theShapes; }
  std::span<const uint32_t> entries() const { return theEntries; }
  /// Columns of one entry: 2 or 4.
  unsigned entryColumns() const { return theEntryColumns; }
  /// Weights are kept as bytes if all of them fit.
  bool isNarrow() const { return wide.empty(); }
  const int8_t *narrowWeights() const { return narrow.data(); }
  const int16_t *wideWeights() const { return wide.data(); }

  /// Groups of row blocks `first` .. `first + count - 1`: [first, second).
  std::pair<size_t, size_t> groupsOf(uint32_t first, uint32_t count) const {
    return {blockStart[first], blockStart[first + count]};
  }

  /// The left shift of every lane of every shape (kMaxLanes apart) for an
  /// instruction with these shifts.
  std::vector<int32_t> laneShifts(const std::array<uint8_t, 4> &shifts) const;

  /// Bytes of weights and entries: what a pass over the matrix reads.
  size_t footprint() const;

private:
  uint32_t internShape(Shape shape);

  std::vector<Group> theGroups;
  std::vector<Shape> theShapes;
  std::vector<uint32_t> theEntries;
  std::vector<size_t> blockStart; // first group of each row block, and the end
  std::vector<int8_t> narrow;
  std::vector<int16_t> wide;
  unsigned theEntryColumns = 4;
};

} // namespace hcgs::sim

#endif // HCGS_SIM_PACKEDMATRIX_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of weights in memory, and of accumulators (docs/Spec/
// WeightImage.md, WI-W and WI-A).
//
// Why this order. The matrix unit takes one small block-row of all gates at a
// time: the inputs a small block-row needs are the same for its four gates, and
// a kept 4x4 block of four gates is 64 products, a full row of lanes. So the
// codes lie in the order in which the unit multiplies: one stream from the
// first word to the last, without pointers; where a small block-row starts
// follows from the counts of the map.
//
//   hcgs       small block-row, gate, kept block of the gate (rising column),
//              row, column
//   dense      row block of height B, gate, row, column
//   circulant  block-row, gate, block-column, element of the block's first row
//
// Codes have k bits each and are packed from the least significant bit up,
// without padding; only a matrix as a whole starts at a byte.
//
// Worked example (a unit test repeats it): one gate pair, 4 x 6, tier 2x2 keep
// 1/3 row-balanced; block-row 0 keeps block-column 0, block-row 1 keeps 2.
//
//   gate 0   1  2  .  .  .  .      gate 1   9 10  .  .  .  .
//            3  4  .  .  .  .              11 12  .  .  .  .
//            .  .  .  .  5  6               .  .  .  . 13 14
//            .  .  .  .  7  8               .  .  .  . 15 16
//
//   small block-row 0: gate 0: 1 2 3 4, gate 1: 9 10 11 12
//   small block-row 1: gate 0: 5 6 7 8, gate 1: 13 14 15 16
//
//   As 6-bit signmag, a positive code m is the pattern m - 1:
//   0 1 2 3 8 9 10 11 4 5 6 7 12 13 14 15, so the bytes begin
//   0 | 1<<6 -> 0x40, (1>>2) | 2<<4 -> 0x20, (2>>4) | 3<<2 -> 0x0c, ...
//   16 codes * 6 bits = 12 bytes. The index image is 0, 2 in two bits each:
//   0x08.
//
//   Word 5 is gate 1, row 0, column 1, value 10: describe(5) says so.
//
// Accumulators of a matrix, or of the pair W and R, are ordered row block,
// gate, row (WI-A-1): with B = 2 above, (gate 1, row 3) is at 2*2 + 1*2 + 1
// = 7.
//
#ifndef HCGS_COMPRESSION_LAYOUT_H
#define HCGS_COMPRESSION_LAYOUT_H

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Numerics/WeightQuantizer.h"
#include "hcgs/Support/Result.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hcgs::compression {

/// Where one stored word belongs.
struct WordInfo {
  int64_t gate = 0;
  int64_t row = 0; // within the gate
  int64_t col = 0;
  friend bool operator==(const WordInfo &, const WordInfo &) = default;
};

/// WI-K-1. The values are those of the descriptor.
enum class MatrixKind : uint8_t { Dense = 0, Hcgs = 1, Circulant = 2 };

/// "dense", "hcgs", "circulant".
const char *matrixKindName(MatrixKind kind);

/// Columns begin .. end - 1 of a matrix.
struct ColumnSpan {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
  friend bool operator==(const ColumnSpan &, const ColumnSpan &) = default;
};

/// The layout of one matrix: kind, shape, masks and row block height.
class WeightLayout {
public:
  /// A run of consecutive words that are one row of one kept block: word
  /// `word` is column `col` of `row` of `gate`, and so on for `count` columns.
  struct Run {
    int64_t word = 0;
    int64_t gate = 0, row = 0, col = 0, count = 0;
  };

  /// One stored vector of a circulant matrix: words word .. word + block - 1
  /// are the first row of the block at (row, col), which has `height` x `width`
  /// true positions.
  struct Vector {
    int64_t word = 0;
    int64_t gate = 0, row = 0, col = 0, height = 0, width = 0;
  };

  /// WI-W-4: rows [row, row + height) and the products of some gates in them.
  struct RowGroup {
    int64_t row = 0, height = 0;
    int64_t macs = 0;
  };

  /// Dense: all positions kept. `rowBlock` >= 1.
  static WeightLayout dense(int64_t gates, int64_t rows, int64_t cols,
                            int64_t rowBlock);
  /// Of a map that all gates share. WI-A-2 is checked by verifyRowBlock.
  static WeightLayout sparse(int64_t gates, std::shared_ptr<const BlockMap> map,
                             int64_t rowBlock);
  /// Of separate masks, one for each gate; of one map, for one gate. All have
  /// the same pattern and shape.
  static WeightLayout sparse(BlockMaps maps, int64_t rowBlock);
  /// Circulant; the block is valid (verifyCirculant).
  static WeightLayout circulant(int64_t gates, int64_t rows, int64_t cols,
                                int64_t block, int64_t rowBlock);

  MatrixKind kind() const { return theKind; }
  bool isDense() const { return theKind == MatrixKind::Dense; }
  bool isCirculant() const { return theKind == MatrixKind::Circulant; }
  /// Whether each gate has its own mask.
  bool isSeparate() const { return theMaps.size() > 1; }
  /// The map of a shared mask; null if there is none (dense, circulant,
  /// separate).
  const BlockMap *map() const {
    return theMaps.size() == 1 ? theMaps.front().get() : nullptr;
  }
  /// The map of a gate, its own or the shared one. Only of kind hcgs.
  const BlockMap &map(int64_t gate) const {
    return *theMaps[isSeparate() ? gate : 0];
  }
  /// One map, or one for each gate; none unless of kind hcgs.
  const BlockMaps &maps() const { return theMaps; }
  /// Block size if circulant, else 0.
  int64_t block() const { return theBlock; }
  int64_t gates() const { return theGates; }
  int64_t rows() const { return theRows; }
  int64_t cols() const { return theCols; }
  int64_t rowBlock() const { return theRowBlock; }

  /// Stored words of all gates: kept weights, or elements of a circulant
  /// matrix, unused ones too.
  int64_t words() const { return theWords; }
  /// Stored words of one gate.
  int64_t words(int64_t gate) const;
  /// Bytes of the weight image at `bits` bits a word.
  int64_t bytes(int bits) const { return (theWords * bits + 7) / 8; }
  /// Bits of the weight image that hold no weight: unused elements and the
  /// filler of the last byte.
  int64_t paddingBits(int bits) const;
  /// Weights that are not zero by structure, of all gates: all of a dense or
  /// circulant matrix. What a product of the whole matrix multiplies.
  int64_t macs() const;

  /// Calls visit(const Run &) for every run in the order of the image. Not for
  /// circulant matrices.
  template <typename Visitor>
  void forEachRun(Visitor &&visit) const;
  /// Calls visit(const Vector &) for every vector of a circulant matrix in the
  /// order of the image.
  template <typename Visitor>
  void forEachVector(Visitor &&visit) const;

  /// The first word of the rows from `row` on, which is a boundary of row
  /// blocks; of `rows()`: words(). Row blocks follow one another in the image,
  /// whatever the kind.
  int64_t firstWordOf(int64_t row) const;

  /// The place of word `word` (0 <= word < words()), in logarithmic time. Of a
  /// circulant matrix: gate, first row of the block-row, and column of the
  /// element in the block's first row, which can lie outside the matrix.
  WordInfo describe(int64_t word) const;
  /// The word that stores a weight; -1 if it is not kept. The positions of a
  /// wrapped diagonal of a circulant matrix share one.
  int64_t wordOf(int64_t gate, int64_t row, int64_t col) const;

  /// WI-W-4: the row groups from top to bottom, with the products of the gates
  /// in `gateMask` (bit g: gate g). Of a dense matrix, whose cycles do not
  /// depend on row groups: its row blocks. The one place from which the
  /// compiler takes what the matrix unit does at a time.
  std::vector<RowGroup> rowGroups(unsigned gateMask) const {
    return rowGroups(gateMask, {0, theCols});
  }
  /// The same with the products of some columns only, as of a view (WI-D-3).
  /// `columns` lies inside the matrix.
  std::vector<RowGroup> rowGroups(unsigned gateMask, ColumnSpan columns) const;

  /// WI-I-6: the index image; empty unless of kind hcgs.
  std::vector<uint8_t> indexImage() const { return indexImageOf(theMaps); }

  /// WI-A-1: index of the accumulator of a gate's row.
  int64_t accumulatorOf(int64_t gate, int64_t row) const {
    return accumulatorIndex(gate, row, theGates, theRows, theRowBlock);
  }
  static int64_t accumulatorIndex(int64_t gate, int64_t row, int64_t gates,
                                  int64_t rows, int64_t rowBlock) {
    const int64_t first = row / rowBlock * rowBlock;
    const int64_t height = rowBlock < rows - first ? rowBlock : rows - first;
    return first * gates + gate * height + (row - first);
  }

private:
  WeightLayout() = default;

  /// Sets firstWord and theWords from the maps.
  void placeSmallRows();
  /// The small block-row that has row `row`.
  int64_t smallRowOf(int64_t row) const;

  MatrixKind theKind = MatrixKind::Dense;
  BlockMaps theMaps;
  int64_t theGates = 1, theRows = 0, theCols = 0, theRowBlock = 1;
  int64_t theBlock = 0;
  int64_t theWords = 0;
  /// Of each small block-row and gate, [small block-row * gates + gate], and
  /// the end; empty unless of kind hcgs.
  std::vector<int64_t> firstWord;
};

/// WI-A-2: every row block boundary is a boundary of row groups.
Result<void> verifyRowBlock(const WeightLayout &layout);

/// Weights outside the kept blocks that are not zero (countStrayWeights); of a
/// dense matrix 0. Not for circulant matrices.
int64_t countStrayWeights(const MatrixView &weights,
                          const WeightLayout &layout);

/// WI-W-3: packs codes, given in the order of the image, at format.bits each.
std::vector<uint8_t> packCodes(std::span<const int16_t> codes,
                               numerics::WeightFormat format);

/// Reads `words` codes of a weight image; an error if the length is wrong, a
/// filler bit is set or a pattern does not exist (A-W-1).
Result<std::vector<int16_t>> unpackCodes(std::span<const uint8_t> image,
                                         int64_t words,
                                         numerics::WeightFormat format);

//===----------------------------------------------------------------------===//

template <typename Visitor>
void WeightLayout::forEachRun(Visitor &&visit) const {
  Run run;
  if (isDense()) {
    for (int64_t first = 0; first < theRows; first += theRowBlock) {
      const int64_t last = std::min(first + theRowBlock, theRows);
      for (run.gate = 0; run.gate < theGates; ++run.gate)
        for (run.row = first; run.row < last; ++run.row) {
          run.col = 0;
          run.count = theCols;
          visit(static_cast<const Run &>(run));
          run.word += theCols;
        }
    }
    return;
  }
  if (theKind != MatrixKind::Hcgs)
    return;
  const size_t smallRows = theMaps.front()->smallRows().size();
  for (size_t i = 0; i < smallRows; ++i)
    for (run.gate = 0; run.gate < theGates; ++run.gate) {
      const BlockMap &own = map(run.gate);
      const BlockMap::SmallRow &small = own.smallRows()[i];
      for (const ColRange &range : own.ranges(small))
        for (run.row = small.row; run.row < small.row + small.height;
             ++run.row) {
          run.col = range.col;
          run.count = range.width;
          visit(static_cast<const Run &>(run));
          run.word += range.width;
        }
    }
}

template <typename Visitor>
void WeightLayout::forEachVector(Visitor &&visit) const {
  if (theKind != MatrixKind::Circulant)
    return;
  Vector vector;
  for (vector.row = 0; vector.row < theRows; vector.row += theBlock) {
    vector.height = std::min(theBlock, theRows - vector.row);
    for (vector.gate = 0; vector.gate < theGates; ++vector.gate)
      for (vector.col = 0; vector.col < theCols; vector.col += theBlock) {
        vector.width = std::min(theBlock, theCols - vector.col);
        visit(static_cast<const Vector &>(vector));
        vector.word += theBlock;
      }
  }
}

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_LAYOUT_H

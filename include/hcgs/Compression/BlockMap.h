// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block maps: which blocks of a pattern a matrix keeps.
//
// A map is a tree of kept blocks. Tier 1 cuts the matrix into blocks and keeps
// some; tier 2 cuts each kept block, from that block's own corner; and so on.
// The map stores every tier's kept blocks in *canonical order* (WI-I-2):
// by parent, then block-row, then block-column. All of selection, detection and
// the index image work tier by tier in this order. Rows and columns of blocks
// of one parent can depend on each other (balance both), so a map is built by
// choosing the blocks of a whole parent at a time.
//
// Weights are stored in another order, by *small block-row*: the rows of the
// smallest blocks, over the whole width of the matrix (WI-W-1). Blocks of one
// tier-1 block-row have the same rows whatever their column, so small
// block-rows nest. A map gives them ready-made, each with its kept column
// ranges.
//
//   8 x 8, tiers 4x4 keep 1/2 row, 2x2 keep 1/2 row
//
//     A A . . | . . . .     tier 1: block-row 0 keeps column 0,
//     A A . . | . . . .             block-row 1 keeps column 1
//     . . A A | . . . .     tier 2: in (0,0) rows keep columns 0, 1;
//     . . A A | . . . .             in (1,1) rows keep columns 1, 1
//     --------+--------
//     . . . . | . . A A     small block-rows: rows 0-1 {cols 0-1},
//     . . . . | . . A A       rows 2-3 {cols 2-3}, rows 4-5 {cols 6-7},
//     . . . . | . . A A       rows 6-7 {cols 6-7}
//     . . . . | . . A A     index image: 0 1 | 0 1 1 1 (one bit each) = 0x3a
//
#ifndef HCGS_COMPRESSION_BLOCKMAP_H
#define HCGS_COMPRESSION_BLOCKMAP_H

#include "hcgs/Compression/Matrix.h"
#include "hcgs/Compression/Pattern.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace hcgs::compression {

/// A block by its true extents, in weights of the whole matrix.
struct Block {
  int32_t row = 0, col = 0;
  int32_t height = 0, width = 0;
  friend bool operator==(const Block &, const Block &) = default;
};

/// Kept columns [col, col + width) of a small block-row.
struct ColRange {
  int32_t col = 0, width = 0;
};

class BlockMap {
public:
  /// One small block-row: rows [row, row + height) and their kept blocks.
  struct SmallRow {
    int32_t row = 0, height = 0;
    int64_t firstRange = 0; // into ranges()
    int32_t ranges = 0;
    int64_t keptCols = 0; // kept weights in each row, of one gate
  };

  /// A kept block of the tier before (for tier 1: the matrix), whose blocks are
  /// to be chosen.
  struct Parent {
    int tier = 0;       // of the blocks to choose; 0 for tier 1
    int64_t parent = 0; // in canonical order
    Block block;        // its own extents
    int64_t blockRows = 0, blockCols = 0;
    /// WI-P-3: blocks to keep in every block-row and in every block-column; 0
    /// where the balance does not say.
    int64_t keepPerRow = 0, keepPerCol = 0;
    /// Blocks to keep in all. With balance none a proposal.
    int64_t keep = 0;
    const Tier *shape = nullptr;

    /// The block at block-row `i`, block-column `j`, by true extents.
    Block at(int64_t i, int64_t j) const;
  };

  /// Sets kept[i * blockCols + j] to 1 for the blocks to keep; all are 0
  /// before.
  using ParentChooser =
      std::function<Result<void>(const Parent &, std::span<uint8_t> kept)>;

  /// Builds a map by asking `chooser` parent by parent, in canonical order,
  /// tier by tier. Fails with the chooser's error, if the pattern is invalid or
  /// illegal for the shape (WI-P-5), or if the choice breaks the balance.
  static Result<BlockMap> buildByParent(const Pattern &pattern, int64_t rows,
                                        int64_t cols,
                                        const ParentChooser &chooser);

  /// Which blocks of one line to keep, asked in the order of the index image. A
  /// line is a block-row of the parent (balance row or both), a block-column
  /// (column) or, with balance none, all blocks of the parent, row by row.
  /// `choices` are the line's blocks; the answer is `keep` rising positions
  /// among them.
  struct Line {
    int tier = 0;       // 0 for tier 1
    int64_t parent = 0; // in canonical order
    std::span<const Block> choices;
    int64_t keep = 0;
  };

  /// Fills `kept` (line.keep long) with rising positions among line.choices.
  using Chooser =
      std::function<Result<void>(const Line &line, std::span<int32_t> kept)>;

  /// Builds a map by asking `chooser` line by line. Fails as buildByParent, and
  /// if the chooser's positions are out of range or not rising. With balance
  /// both the choices of all lines together must keep the block-columns'
  /// counts.
  static Result<BlockMap> build(const Pattern &pattern, int64_t rows,
                                int64_t cols, const Chooser &chooser);

  /// WI-I: reads an index image of a matrix of `rows` x `cols`. Checks all of
  /// WI-I-4 and the length.
  static Result<BlockMap> fromIndexImage(const Pattern &pattern, int64_t rows,
                                         int64_t cols,
                                         std::span<const uint8_t> image);

  /// The same of an image at the beginning of `images`, of which it takes
  /// `used` bytes.
  static Result<BlockMap> readIndexImage(const Pattern &pattern, int64_t rows,
                                         int64_t cols,
                                         std::span<const uint8_t> images,
                                         size_t &used);

  /// WI-I: the index image.
  std::vector<uint8_t> indexImage() const;
  /// Its length in bits, before rounding up to bytes.
  int64_t indexBitCount() const;

  /// WI-I-3: bits of each number of a tier.
  static int indexBitsOf(const Pattern &pattern, int tier, int64_t rows,
                         int64_t cols);
  /// WI-I-5: bits of each count of a tier; 0 unless its balance is none.
  static int countBitsOf(const Pattern &pattern, int tier, int64_t cols);

  const Pattern &pattern() const { return thePattern; }
  int64_t rows() const { return theRows; }
  int64_t cols() const { return theCols; }

  /// Kept blocks of tier `tier` (0 = tier 1) in canonical order.
  std::span<const Block> blocks(int tier) const { return tiers[tier].blocks; }
  /// The kept blocks of `tier` whose parent is block `parent` of the tier
  /// before (0 for tier 1): the range [first, second) in blocks(tier).
  std::pair<int64_t, int64_t> children(int tier, int64_t parent) const {
    return {tiers[tier].firstChild[parent], tiers[tier].firstChild[parent + 1]};
  }
  /// Kept parents of `tier`: 1 for tier 1, else the blocks of the tier before.
  int64_t parentCount(int tier) const {
    return static_cast<int64_t>(tiers[tier].firstChild.size()) - 1;
  }
  /// A kept parent of `tier`.
  Block parent(int tier, int64_t parent) const;

  /// All small block-rows from top to bottom; together they cover all rows.
  std::span<const SmallRow> smallRows() const { return theSmallRows; }
  /// Kept column ranges of a small block-row, rising.
  std::span<const ColRange> ranges(const SmallRow &row) const {
    return std::span<const ColRange>(theRanges).subspan(row.firstRange,
                                                        row.ranges);
  }

  /// Kept weights of one gate.
  int64_t keptWeights() const { return theKeptWeights; }

  bool isKept(int64_t row, int64_t col) const;

  /// Same pattern, same shape, same blocks.
  friend bool operator==(const BlockMap &a, const BlockMap &b);

private:
  struct TierBlocks {
    std::vector<Block> blocks;
    std::vector<int64_t> firstChild; // one more than parents
  };

  /// Appends positions of blocks to keep, by rows (i * blockCols + j), each at
  /// most once; rising unless the tier lists columns. Takes no room for blocks
  /// that are not kept, so that a malformed image of a vast matrix is harmless.
  using PositionChooser =
      std::function<Result<void>(const Parent &, std::vector<int64_t> &kept)>;
  static Result<BlockMap> buildFrom(const Pattern &pattern, int64_t rows,
                                    int64_t cols,
                                    const PositionChooser &chooser);

  BlockMap() = default;
  void finish(); // small block-rows from the last tier

  Pattern thePattern;
  int64_t theRows = 0, theCols = 0;
  std::vector<TierBlocks> tiers;
  std::vector<SmallRow> theSmallRows;
  std::vector<ColRange> theRanges;
  int64_t theKeptWeights = 0;
};

/// The masks of a matrix: one map that all gates share, or one for each gate,
/// all of the same pattern and shape (WI-P-6).
using BlockMaps = std::vector<std::shared_ptr<const BlockMap>>;

/// WI-I-6: the index images of the masks, one after the other.
std::vector<uint8_t> indexImageOf(const BlockMaps &masks);

/// Reads the index images of `masks` masks (1 if shared, else the gates).
/// Errors name the gate if there are several.
Result<BlockMaps> readIndexImages(const Pattern &pattern, int64_t rows,
                                  int64_t cols, int64_t masks,
                                  std::span<const uint8_t> image);

/// Counts weights outside the kept blocks that are not zero; 0 means that the
/// matrix obeys the map. NaN counts as not zero.
int64_t countStrayWeights(const MatrixView &weights, const BlockMap &map);
int64_t countStrayWeights(const MatrixView &weights, const BlockMaps &masks);

/// Sets every weight outside the kept blocks to +0. `weights` is laid out like
/// a MatrixView of `gates` gates with the map's rows and columns. Returns what
/// that took away: with the kept weights as they are, this is the least squares
/// approximation by a matrix that obeys the map.
EnergyLoss zeroDropped(std::span<float> weights, int64_t gates,
                       const BlockMap &map);
EnergyLoss zeroDropped(std::span<float> weights, int64_t gates,
                       const BlockMaps &masks);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_BLOCKMAP_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block-circulant matrices (docs/Spec/WeightImage.md, WI-C): each b x b block
// is given by its first row v, and the row r below it is v turned right by r:
// weight (r, c) of the block is v[(c - r) mod b]. This is the structure of
// Wang, Lin and Wang, "Accelerating Recurrent Neural Networks: A
// Memory-Efficient Approach" (IEEE TVLSI, 2017), who train matrices so and
// store a b-th of the weights.
//
//   b = 3, v = (1, 2, 3)     1 2 3      cut off to 2 x 2:   1 2
//                            3 1 2                          3 1
//                            2 3 1      (2 is used once, 1 twice, 3 once)
//
// The positions of a block that have the same element form a *wrapped
// diagonal*. Of a block cut off by the matrix's edge only the true positions
// count; an element may have none.
//
// A dense matrix becomes circulant by least squares: the sum of (w - v)^2 over
// a wrapped diagonal is least if v is the mean of the diagonal's true
// positions, and diagonals do not share positions, so these means are the
// nearest circulant matrix. The residual is orthogonal to it; its energy is
// what the projection removes.
//
#ifndef HCGS_COMPRESSION_CIRCULANT_H
#define HCGS_COMPRESSION_CIRCULANT_H

#include "hcgs/Compression/Matrix.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::compression {

inline constexpr int minCirculantBlock = 2;
inline constexpr int maxCirculantBlock = 128;

/// WI-C-1: 2 <= block <= 128 and block <= max(rows, cols).
Result<void> verifyCirculant(int64_t rows, int64_t cols, int64_t block);

/// WI-C-2: stored elements of all gates.
int64_t circulantWords(int64_t gates, int64_t rows, int64_t cols,
                       int64_t block);

/// WI-C-4: how many positions of a block of true size `height` x `width`
/// (1..block each) use element `element`. With w = block - width,
/// element j is missing from the rows r with (j + r) mod block >= width.
int64_t circulantUses(int64_t block, int64_t height, int64_t width,
                      int64_t element);

/// A circulant approximation.
struct CirculantProjection {
  /// The elements in the order of the image (WI-C-2): block-row, gate,
  /// block-column, element. Unused elements are 0.
  std::vector<float> elements;
  /// Of the weights that the elements, rounded to float, do not give back.
  EnergyLoss loss;
};

/// The nearest circulant matrix by least squares. Means are formed in double
/// precision over the rows from top to bottom and rounded to float. The block
/// must be valid (verifyCirculant); a weight that is NaN or infinite is an
/// error that names it.
Result<CirculantProjection> projectCirculant(const MatrixView &weights,
                                             int64_t block);

/// The elements of a matrix that is circulant exactly (all positions of each
/// wrapped diagonal are equal; +0 and -0 are) in the order of the image. The
/// error names the first weight that differs from the one above it.
Result<std::vector<float>> readCirculant(const MatrixView &weights,
                                         int64_t block);

/// Writes the matrix with these elements. `weights` is laid out like a
/// MatrixView of `gates` x `rows` x `cols`.
void expandCirculant(std::span<const float> elements, int64_t gates,
                     int64_t rows, int64_t cols, int64_t block,
                     std::span<float> weights);

/// The largest of `candidates` (in any order; those that are not valid for the
/// shape are passed over) by which the matrix is exactly circulant and takes
/// fewer words than all its weights; 0 if there is none. Time is linear in the
/// positions that are looked at; of a matrix that is not circulant these are
/// few.
int64_t detectCirculant(const MatrixView &weights,
                        std::span<const int64_t> candidates);

/// All block sizes, 2 to 128, as candidates.
std::span<const int64_t> allCirculantBlocks();

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_CIRCULANT_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the attributes that say how a matrix is stored to the plain code that
// works with matrices, and back: the one place where the enumerations of the fx
// dialect meet those of Compression and Numerics.
//
#ifndef HCGS_DIALECT_FX_UTILS_MATRIXFORMS_H
#define HCGS_DIALECT_FX_UTILS_MATRIXFORMS_H

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "hcgs/Numerics/WeightQuantizer.h"

namespace hcgs::fx {

/// The pattern of a sparsity attribute, maps aside.
compression::Pattern toPattern(SparsityAttr sparsity);

/// The attribute of chosen blocks: of one map that all gates share, or of one
/// for each gate.
SparsityAttr toSparsityAttr(mlir::MLIRContext *context,
                            const compression::BlockMaps &maps, bool separate);

/// The layout of a matrix of `gates` times `rows` x `cols` with row blocks of
/// height `rowBlock`: dense without `sparsity`, else as the attribute says. An
/// error if the blocks are not chosen, or if attribute and shape do not fit.
Result<compression::WeightLayout> makeLayout(mlir::Attribute sparsity,
                                             int64_t gates, int64_t rows,
                                             int64_t cols, int64_t rowBlock);

/// Height of the finest rows of blocks at multiples of which row blocks may
/// begin (WI-A-2): 1 if dense, the block of a circulant matrix, and for kept
/// blocks the height of the last tier down to which every tier's height is a
/// multiple of the next one's; below it small block-rows are irregular.
uint32_t rowGranule(mlir::Attribute sparsity);

/// The weight format of an attribute, exponents aside.
numerics::WeightFormat toWeightFormat(WeightsAttr weights);

} // namespace hcgs::fx

#endif // HCGS_DIALECT_FX_UTILS_MATRIXFORMS_H

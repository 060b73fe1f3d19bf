// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Dialect/FX/Utils/MatrixForms.h"

using namespace mlir;
using namespace hcgs;

static compression::Balance toBalance(fx::Balance balance) {
  switch (balance) {
  case fx::Balance::Row:
    return compression::Balance::Row;
  case fx::Balance::Column:
    return compression::Balance::Column;
  case fx::Balance::Both:
    return compression::Balance::Both;
  case fx::Balance::None:
    return compression::Balance::None;
  }
  llvm_unreachable("no such balance");
}

static fx::Balance toBalance(compression::Balance balance) {
  switch (balance) {
  case compression::Balance::Row:
    return fx::Balance::Row;
  case compression::Balance::Column:
    return fx::Balance::Column;
  case compression::Balance::Both:
    return fx::Balance::Both;
  case compression::Balance::None:
    return fx::Balance::None;
  }
  llvm_unreachable("no such balance");
}

compression::Pattern fx::toPattern(SparsityAttr sparsity) {
  compression::Pattern pattern;
  for (TierAttr tier : sparsity.getTiers())
    pattern.tiers.push_back(
        {static_cast<int>(tier.getRows()), static_cast<int>(tier.getCols()),
         static_cast<int>(tier.getNum()), static_cast<int>(tier.getDen()),
         toBalance(tier.getBalance())});
  return pattern;
}

fx::SparsityAttr fx::toSparsityAttr(MLIRContext *context,
                                    const compression::BlockMaps &maps,
                                    bool separate) {
  SmallVector<TierAttr> tiers;
  for (const compression::Tier &tier : maps.front()->pattern().tiers)
    tiers.push_back(TierAttr::get(context, tier.rows, tier.cols, tier.keepNum,
                                  tier.keepDen, toBalance(tier.balance)));
  if (!separate)
    return SparsityAttr::getShared(context, tiers, maps.front()->indexImage());
  SmallVector<std::vector<uint8_t>> images;
  for (const auto &map : maps)
    images.push_back(map->indexImage());
  return SparsityAttr::getSeparate(context, tiers, images);
}

Result<compression::WeightLayout> fx::makeLayout(Attribute sparsity,
                                                 int64_t gates, int64_t rows,
                                                 int64_t cols,
                                                 int64_t rowBlock) {
  using compression::WeightLayout;
  if (!sparsity)
    return WeightLayout::dense(gates, rows, cols, rowBlock);
  if (auto circulant = dyn_cast<CirculantAttr>(sparsity)) {
    const int64_t block = circulant.getBlock();
    if (Result<void> fits = compression::verifyCirculant(rows, cols, block);
        !fits)
      return fits.takeError();
    return WeightLayout::circulant(gates, rows, cols, block, rowBlock);
  }
  auto blocks = cast<SparsityAttr>(sparsity);
  if (!blocks.hasMap())
    return Error{"the block pattern has no map; run rnn-compress first"};
  const bool separate = blocks.getSeparate();
  if (separate && static_cast<int64_t>(blocks.getMaps().size()) != gates)
    return Error{"there are " + std::to_string(blocks.getMaps().size()) +
                 " separate maps for " + std::to_string(gates) + " gates"};
  Result<compression::BlockMaps> maps = compression::readIndexImages(
      toPattern(blocks), rows, cols, separate ? gates : 1,
      blocks.getIndexImage());
  if (!maps)
    return maps.takeError();
  if (!separate)
    return WeightLayout::sparse(gates, maps->front(), rowBlock);
  return WeightLayout::sparse(*std::move(maps), rowBlock);
}

uint32_t fx::rowGranule(Attribute sparsity) {
  if (!sparsity)
    return 1;
  if (auto circulant = dyn_cast<CirculantAttr>(sparsity))
    return circulant.getBlock();
  uint32_t granule = 0;
  for (TierAttr tier : cast<SparsityAttr>(sparsity).getTiers()) {
    if (granule && granule % tier.getRows() != 0)
      break;
    granule = tier.getRows();
  }
  return granule;
}

numerics::WeightFormat fx::toWeightFormat(WeightsAttr weights) {
  numerics::WeightFormat format;
  format.bits = weights.getBits();
  format.encoding = weights.getEncoding() == WeightEncoding::Twos
                        ? numerics::WeightEncoding::Twos
                        : numerics::WeightEncoding::SignMag;
  format.rounding = weights.getRounding() == Rounding::Nearest
                        ? numerics::WeightRounding::Nearest
                        : numerics::WeightRounding::Ceil;
  return format;
}

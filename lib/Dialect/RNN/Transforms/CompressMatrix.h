// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How one weight matrix is compressed: from what was asked to which blocks
// stay, without changing anything yet. Matrices of a model do not depend on
// each other, so rnn-compress decides them concurrently and applies the
// decisions in order.
//
#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_COMPRESSMATRIX_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_COMPRESSMATRIX_H

#include "MaskFile.h"

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Detect.h"
#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "hcgs/Dialect/RNN/Transforms/PassOptions.h"

#include <functional>
#include <optional>
#include <string>

namespace hcgs::rnn {

/// What is asked of one matrix: the options of rnn-compress with the overrides
/// of the layer.
struct CompressSettings {
  CompressionMode mode = CompressionMode::Detect;
  std::string tiers;
  BalanceChoice balance = BalanceChoice::Any;
  MaskSharing masks = MaskSharing::Shared;
  BlockSelection select = BlockSelection::Magnitude;
  uint64_t seed = 0;
  std::string maskFile;
  unsigned circulant = 0; // 0: not asked for
  BrokenPattern onBroken = BrokenPattern::Reject;
  /// The `sparsity` that the weight has already: blocks without map, or
  /// circulant; or null.
  mlir::Attribute asked;
};

/// What was decided for one matrix.
struct CompressDecision {
  /// Why it cannot be; the rest is void then.
  std::string error;

  /// Kept blocks, if not empty.
  compression::BlockMaps maps;
  bool separate = false;
  /// Side of circulant blocks, if not 0.
  int64_t circulant = 0;
  // Neither: dense.

  /// Changes the weights, if they have to; they are laid out like the view that
  /// was decided on. Returns what that takes away.
  std::function<compression::EnergyLoss(std::span<float>)> change;

  /// What to tell the user, without what the change takes away; empty if the
  /// matrix is dense because nothing else was asked for.
  std::string remark;
  /// "detected", "imposed", "masked", "circulant", "off".
  const char *how = "off";
  /// What detection found, if it was asked.
  std::optional<compression::Detection> detection;
};

/// Decides. `mask` is what the mask file has for the matrix, or null.
CompressDecision compressMatrix(const compression::MatrixView &weights,
                                const CompressSettings &settings,
                                const Mask *mask);

/// "removes 1.25 % of the energy (-19.0 dB)"; "removes nothing".
std::string describeLoss(const compression::EnergyLoss &loss);

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_COMPRESSMATRIX_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enumerations that passes on the rnn dialect take as options.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H
#define HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H

namespace hcgs::rnn {

/// What rnn-compress does.
enum class CompressionMode { Detect, Impose, Masks, Off };

/// Which balance a pattern has (WI-P-3). `Any`: whichever fits when detecting,
/// row when imposing.
enum class BalanceChoice { Any, Row, Column, Both, None };

/// Whether the gates of an imposed pattern keep the same blocks.
enum class MaskSharing { Shared, Separate };

/// How blocks to keep are chosen (Compression/Select.h).
enum class BlockSelection { Magnitude, Guided, Random };

/// What becomes of a matrix whose weights break their pattern.
enum class BrokenPattern { Reject, Project, Dense };

/// How rnn-calibrate turns values into ranges.
/// (docs/Rationale/Quantization.md).
enum class RangeMethod { MinMax, Percentile, MSE, KL };

/// Where weight codes come from: encoding, rounding and least squared error, or
/// the quantiser that HCGS networks were published with.
enum class WeightQuantizer { Free, HCGS };

/// What rnn-quantize does with zeros in kept positions where signmag was asked
/// for, which has no zero.
enum class ZeroPolicy { Auto, One, Twos, Refuse };

/// What rnn-quantize does where A-W-7 would change weights that lie on a grid.
enum class GridPolicy { Keep, Lower };

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enumerations that passes on the rnn dialect take as options.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H
#define HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H

namespace hcgs::rnn {

/// What rnn-compress does.
enum class CompressionMode { Detect, Impose, Off };

/// Which balance a pattern has (WI-P-3). `Any`: whichever fits when detecting,
/// row when imposing.
enum class BalanceChoice { Any, Row, Column };

/// How blocks to keep are chosen.
enum class BlockSelection { Magnitude, Random };

/// How rnn-calibrate turns values into ranges.
enum class RangeMethod { MinMax, Percentile };

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSOPTIONS_H

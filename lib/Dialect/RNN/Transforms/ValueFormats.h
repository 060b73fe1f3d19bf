// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which format every value of a model gets, for rnn-quantize. Several SSA
// values can be one value of the machine (Y and Y_h of a layer, a state and its
// stacked form, renamed axes), and values that are joined must share a format;
// both are classes of a union-find, and a class has one format.
//
// Widths come from the options or from the overrides of layers and values
// (Override.h), ranges from rnn.range or worst cases; both may be given for a
// value instead, and so may its fraction.

#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_VALUEFORMATS_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_VALUEFORMATS_H

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/FixedPoint.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

#include <optional>

namespace hcgs::rnn {

/// A closed interval of real numbers.
struct Range {
  double min = 0.0, max = 0.0;
  double magnitude() const { return std::max(std::fabs(min), std::fabs(max)); }
};

/// The values a function takes on an interval of real numbers.
Range imageOf(const numerics::Activation &function, Range domain);

/// Fractional bits of z, the 16-bit input of the table of `function`, when z
/// lies in `domain` and the result has the format `out`. Functions bounded by 1
/// get 12 (z in +-8), or as many less as it takes for z to cover the domain, or
/// to saturate only where the function, rounded to `out`, has at most one LSB
/// left to go. For others the domain is covered, and `out` does not matter.
int tableInputFrac(const numerics::Activation &function, Range domain,
                   numerics::FxFormat out);

/// Reports a function given by samples that z in `domain` can leave where it is
/// not flat to one LSB of `out`: what it goes on with is not known.
mlir::LogicalResult checkSamples(mlir::Operation *op,
                                 const numerics::Activation &function,
                                 Range domain, numerics::FxFormat out);

struct FormatOptions {
  int inputBits, actBits, gateBits, cellBits;
  double inputRange, cellRange;
};

class ValueFormats {
public:
  explicit ValueFormats(const FormatOptions &options) : options(options) {}

  /// Looks at every operation of `block` and settles the formats of all
  /// values. Reports weights that cannot be read.
  mlir::LogicalResult analyse(mlir::Block &block);

  /// The format of a value, and the range it is known or taken to have.
  numerics::FxFormat getFormat(mlir::Value value) const;
  Range getRange(mlir::Value value) const;

  /// The format of a gate (or of tanh(c)) of `op` computed by `function` from a
  /// z with `inFrac` fractional bits.
  numerics::FxFormat gateFormat(LSTMOp op, const numerics::Activation &function,
                                int inFrac) const;

  /// The value that `value` is another name of: the result of a layer, a
  /// function argument, or a constant.
  static mlir::Value getRoot(mlir::Value value) {
    return mlir::Value::getFromOpaquePointer(getKey(value).first);
  }

  /// The worst that a linear layer can compute from the range of its input,
  /// before its activation.
  mlir::FailureOr<Range> linearReach(LinearOp op) const;
  /// The same for gate `gate` of an LSTM.
  mlir::FailureOr<Range> gateReach(LSTMOp op, unsigned gate) const;

  /// Whether some range had to be assumed for want of calibration data.
  bool hasAssumedRanges() const { return assumed; }

private:
  /// A value of the machine: an SSA value, or entry `index` of a function
  /// argument that stacks states (else -1).
  using Key = std::pair<void *, int64_t>;

  /// How the format of a member follows from its range.
  enum class Fit {
    Closed,   // both ends have codes
    HalfOpen, // [-max, max): the upper end needs none
    Unit,     // frac = bits - 1: bounded by 1, or nearly so
    Passive,  // asks for nothing: its parts do
  };
  struct Member {
    int bits;
    Range range;
    Fit fit;
    std::optional<int> frac; // given for this value
  };

  static Key getKey(mlir::Value value);
  /// The width of a layer's result or cell: what is said of the value, then of
  /// the layer, then the option.
  static int widthOf(mlir::Value value, llvm::StringRef key, int standard);
  /// Widths that layers ask of the model's inputs they read.
  mlir::LogicalResult readInputWidths(mlir::Block &block);
  mlir::LogicalResult settleFormats();
  void add(mlir::Value value, int bits, Range range, Fit fit = Fit::Closed);
  std::optional<Range> recorded(mlir::Value value) const;
  mlir::LogicalResult analyseOperands(mlir::Operation &op);
  mlir::LogicalResult analyse(mlir::Operation &op);
  void analyse(LSTMOp op);
  mlir::LogicalResult analyse(LinearOp op);
  void analyse(ConcatOp op);

  FormatOptions options;
  bool assumed = false;
  llvm::EquivalenceClasses<Key> classes;
  llvm::MapVector<Key, Member> members;
  llvm::DenseMap<mlir::Value, Range> ranges; // of rnn.range
  llvm::DenseMap<Key, std::pair<int, mlir::Operation *>> inputWidths;
  llvm::DenseMap<Key, numerics::FxFormat> formats; // by leader
};

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_VALUEFORMATS_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of a program: weight codes, biases, tables, constant states, and
// the proof that accumulators hold. Thin glue between attributes and the plain
// code of Compression and Numerics.

#ifndef HCGS_LIB_CONVERSION_RNNTOHCGS_NUMBERS_H
#define HCGS_LIB_CONVERSION_RNNTOHCGS_NUMBERS_H

#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Numerics/AccumulatorProof.h"
#include "hcgs/Numerics/PwlTable.h"

namespace hcgs::tohcgs {

/// The floats of a constant: a view of its bytes where they lie as floats, else
/// a copy.
class Floats {
public:
  /// Reports a resource whose bytes are missing.
  static mlir::FailureOr<Floats> of(rnn::WeightOp weight);

  llvm::ArrayRef<float> get() const {
    return copy.empty() ? view : llvm::ArrayRef<float>(copy);
  }

private:
  llvm::ArrayRef<float> view;
  std::vector<float> copy;
};

/// A matrix as codes, with what the proof needs.
struct Codes {
  mlir::ElementsAttr codes;           // as hcgs.matrix wants them
  fx::SparsityAttr sparsity;          // null if dense
  std::vector<int64_t> rowMagnitudes; // [gates * rows]

  llvm::ArrayRef<int64_t> getMagnitudes(int64_t gate, int64_t rows) const {
    return llvm::ArrayRef(rowMagnitudes).slice(gate * rows, rows);
  }
};

/// Quantises the weights of `gates` matrices of `rows` x `cols` with the
/// exponents of `format` (A-W-3). `layer` is named in errors, `name` names the
/// resource of a large matrix.
mlir::FailureOr<Codes> quantize(mlir::Operation *layer, llvm::StringRef name,
                                rnn::WeightOp weight, int64_t gates,
                                int64_t rows, int64_t cols,
                                fx::WeightsAttr format);

/// Rounds biases, summed in double precision, at the accumulator's fraction of
/// their gate (A-W-6). `bias` holds gates * rows values, doubled for an LSTM
/// (Wb, then Rb).
mlir::FailureOr<std::vector<int64_t>>
roundBias(mlir::Operation *layer, rnn::WeightOp bias,
          llvm::ArrayRef<int32_t> fractions, int64_t rows);

/// Codes of a constant state of `size` units (A-FX-3). A state given for each
/// row of a batch must be the same for all.
mlir::FailureOr<llvm::SmallVector<int16_t>> roundState(mlir::Operation *layer,
                                                       rnn::WeightOp state,
                                                       int64_t size,
                                                       fx::IntType format);

/// A fitted table and its worst error in LSBs of the output.
struct FittedTable {
  numerics::PwlTable table;
  double error = 0;
};

/// Fits `function` on the domain, of those with up to 2^15 codes on either
/// side, with the least worst error.
mlir::FailureOr<FittedTable> fitTable(mlir::Operation *layer,
                                      fx::PwlAttr function);

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_NUMBERS_H

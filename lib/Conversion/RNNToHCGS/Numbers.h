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
#include "hcgs/Numerics/PwlFit.h"

namespace hcgs::tohcgs {

/// A matrix as codes, with what the proof needs.
struct Codes {
  mlir::ElementsAttr codes;           // as hcgs.matrix wants them
  mlir::Attribute sparsity;           // null if dense
  mlir::DictionaryAttr provenance;    // as hcgs.matrix keeps it
  std::vector<int64_t> rowMagnitudes; // [gates * rows]

  llvm::ArrayRef<int64_t> getMagnitudes(int64_t gate, int64_t rows) const {
    return llvm::ArrayRef(rowMagnitudes).slice(gate * rows, rows);
  }
};

/// Quantises the weights of a matrix with the exponents of `format` (A-W-3).
/// `layer` is named in errors, `name` names the resource of a large matrix.
mlir::FailureOr<Codes> quantize(mlir::Operation *layer, llvm::StringRef name,
                                rnn::WeightOp weight, fx::WeightsAttr format);

/// The largest bound of a layer's accumulators, for the report.
struct ProvedSum {
  numerics::AccumulatorBound bound;
  int64_t gate = 0;

  void add(const numerics::AccumulatorBound &other, int64_t ofGate);
  /// Notes it in the provenance of a matrix that the sum is made of.
  void note(Codes &codes) const;
};

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

/// The table that `function` asks for.
mlir::FailureOr<numerics::FittedPwl> fitTable(mlir::Operation *layer,
                                              fx::PwlAttr function);

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_NUMBERS_H

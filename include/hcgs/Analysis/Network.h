// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The network of a program (docs/Spec/Layers.md) with everything the analysis
// needs to run it in between floats and integers: codes and float weights of
// each matrix side by side, formats instead of shifts, tables with the
// functions they stand for.
//
#ifndef HCGS_ANALYSIS_NETWORK_H
#define HCGS_ANALYSIS_NETWORK_H

#include "hcgs/Analysis/FloatModel.h"
#include "hcgs/Numerics/FixedPoint.h"
#include "hcgs/Numerics/PwlTable.h"
#include "hcgs/Numerics/WeightQuantizer.h"
#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// L-VAL-1 to L-VAL-3.
struct Value {
  std::string name;
  int64_t width = 0;
  bool sequence = false;
  numerics::FxFormat format;
  /// Of a constant: its codes, and the floats they come from (empty if the IR
  /// has none).
  std::vector<int32_t> codes;
  std::vector<float> floats;
};

/// A matrix of all gates, dense: weight (g, r, c) is at (g * rows + r) * cols
/// + c.
struct Matrix {
  int64_t gates = 1, rows = 0, cols = 0;
  numerics::WeightFormat format;
  std::vector<int> exponents; // one per gate
  std::vector<int> accFracs;  // one per gate
  std::vector<int16_t> codes; // 0 where nothing is stored
  /// 1 where a weight is stored; empty: everywhere.
  std::vector<uint8_t> kept;
  int64_t storedWords = 0;
  FloatMatrix floats;
};

enum class LayerOp : uint8_t { LSTM, Linear, Add, Act, Concat, Last };
/// "lstm", ...
std::string_view getName(LayerOp op);

/// What values are rounded to, LSTM: gates in the order i, o, f, g.
struct LayerFormats {
  /// Fraction of the 16-bit input of the table of a gate; of other layers the
  /// first, if the result passes a table.
  std::array<int, 4> preFracs{};
  std::array<numerics::FxFormat, 4> gates;
  numerics::FxFormat c;
  int qPreFrac = 0;
  numerics::FxFormat q;
  /// h, or the result of other layers.
  numerics::FxFormat y;
};

struct Layer {
  LayerOp op = LayerOp::Linear;
  std::string name;
  bool reverse = false;
  std::vector<int> inputs;
  int output = -1, finalH = -1, finalC = -1, initialH = -1, initialC = -1;
  /// Elements of h or of the result.
  int64_t width = 0;
  /// A frame each time step, or one a run.
  bool sequence = true;
  std::optional<Matrix> w, r;
  /// In floats and in the program, [gates * rows]; empty: none.
  std::vector<double> bias;
  std::vector<int32_t> biasCodes;
  LayerFormats formats;
  /// Numbers of tables: of the gates and of the cell; -1: none. Other layers
  /// use the first.
  std::array<int, 5> tables{-1, -1, -1, -1, -1};
  /// The functions they stand for, and how tables of them are fitted.
  std::array<numerics::Activation, 5> functions;
  numerics::PwlRequest request;
};

/// L-IO-2: the value that a slice of a tensor goes to or comes from.
struct TensorPlace {
  int value = 0;
  int64_t index = 0;
};

struct Network {
  std::string modelName, modelDigest;
  std::vector<Value> values;
  std::vector<Layer> layers;
  /// By tensor, in the order of the program's inputs and outputs: the parts.
  std::vector<std::vector<TensorPlace>> inputs, outputs;
  std::vector<numerics::PwlTable> tables;
};

/// Puts a program and the floats it was made from together. The error says
/// which layer has no floats, or which part of the metadata is not understood.
Result<Network> makeNetwork(const Program &program, const FloatModel &floats);

} // namespace hcgs::analysis

#endif // HCGS_ANALYSIS_NETWORK_H

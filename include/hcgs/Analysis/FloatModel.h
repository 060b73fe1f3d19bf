// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program does not know any more and the analysis must: the float
// weights of each layer, before and after compression, its biases, and the
// real functions behind its tables; and what the quantiser was asked for, so
// that a change is measured with the same rules. Taken from the IR while they
// are there.
//
#ifndef HCGS_ANALYSIS_FLOATMODEL_H
#define HCGS_ANALYSIS_FLOATMODEL_H

#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/PwlFit.h"
#include "hcgs/Numerics/WeightQuantizer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// What was asked of the codes of one matrix.
struct WeightRule {
  /// As asked for; zeros may have made it twos in the program.
  numerics::WeightEncoding encoding = numerics::WeightEncoding::SignMag;
  numerics::WeightRounding rounding = numerics::WeightRounding::Nearest;
  /// The published quantiser: exponents are one less than the width.
  bool published = false;
  /// Given exponents, one for each gate; empty: those of least squared error.
  std::vector<int> exponents;
  /// What becomes of zeros that signmag cannot hold: as --zeros.
  enum class Zeros : uint8_t { Auto, One, Twos, Refuse } zeros = Zeros::Auto;
};

/// Weights of all gates, [gates][rows][cols]; both are the same object if
/// compression changed nothing.
struct FloatMatrix {
  std::shared_ptr<const std::vector<float>> original, compressed;
  WeightRule rule = {};
};

struct FloatLayer {
  /// "lstm", "linear", "add", "act": as in network.layers
  /// (docs/Spec/Layers.md).
  std::string op;
  /// The ONNX node.
  std::string name;
  bool reverse = false;
  FloatMatrix w, r; // null: none
  /// [gates * rows], an LSTM's two biases added up; empty: none.
  std::vector<double> bias;
  /// LSTM: of i, o and f; of g; of the cell. Others: one, or none.
  std::vector<numerics::Activation> functions;
  /// How their tables are fitted.
  numerics::PwlRequest tables;
  /// Initial states that are constants; empty if they are not.
  std::vector<float> initialH, initialC;
};

/// The layers in the order of the IR.
struct FloatModel {
  std::vector<FloatLayer> layers;
  /// Whether `compressed` is all there was.
  bool startsCompressed = false;
};

} // namespace hcgs::analysis

#endif // HCGS_ANALYSIS_FLOATMODEL_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The real functions that PWL tables approximate, in double precision: by name,
// with the formulas and default parameters of the ONNX operators of the same
// names, or given by samples.
//
#ifndef HCGS_NUMERICS_ACTIVATIONFUNCTION_H
#define HCGS_NUMERICS_ACTIVATIONFUNCTION_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::numerics {

enum class ActivationKind : uint8_t {
  Identity,
  Sigmoid,
  Tanh,
  Relu,
  Affine,          // alpha * x + beta
  LeakyRelu,       // x < 0 ? alpha * x : x
  ThresholdedRelu, // x > alpha ? x : 0
  ScaledTanh,      // alpha * tanh(beta * x)
  HardSigmoid,     // clip(alpha * x + beta, 0, 1)
  Elu,             // x < 0 ? alpha * (e^x - 1) : x
  Selu,            // beta * (x < 0 ? alpha * (e^x - 1) : x)
  Celu,            // max(0, x) + min(0, alpha * (e^(x / alpha) - 1))
  Softsign,        // x / (1 + |x|)
  Softplus,        // log(1 + e^x)
  Silu,            // x * sigmoid(alpha * x)
  HardSwish,       // x * clip(x / 6 + 1/2, 0, 1)
  Gelu,            // x * (1 + erf(x / sqrt 2)) / 2
  Mish,            // x * tanh(softplus(x))
};

/// A point of a function's graph.
struct Sample {
  double x = 0.0, y = 0.0;
  friend bool operator==(const Sample &, const Sample &) = default;
};
/// Two or more points, x rising, all finite.
using Samples = std::vector<Sample>;

/// A function with its parameters; those a kind does not use are ignored.
struct Activation {
  ActivationKind kind = ActivationKind::Identity;
  double alpha = 0.0;
  double beta = 0.0;
  /// If set, the function is not that of `kind`, which keeps its name only, but
  /// straight lines between these points, and constant outside them.
  std::shared_ptr<const Samples> samples;

  /// The kind with ONNX's default parameters.
  static Activation of(ActivationKind kind);

  /// The function's value in double precision; infinities give the limit.
  double operator()(double x) const;

  /// "sigmoid", "leaky_relu(0.01)", "affine(2, 0.5)", "tanh by 9 samples".
  std::string str() const;

  friend bool operator==(const Activation &a, const Activation &b) {
    const bool same = a.samples && b.samples ? *a.samples == *b.samples
                                             : a.samples == b.samples;
    return same && a.kind == b.kind && a.alpha == b.alpha && a.beta == b.beta;
  }
};

/// The number of parameters a kind uses: 0, 1 (alpha) or 2 (alpha, beta).
int parameterCount(ActivationKind kind);

/// "sigmoid", "leaky_relu", ...: lower case with underscores.
std::string_view activationName(ActivationKind kind);

/// The kind of a name, whatever its case and underscores ("LeakyRelu",
/// "leaky_relu"); nothing if there is none.
std::optional<ActivationKind> parseActivation(std::string_view name);

/// All kinds' names, for messages.
std::vector<std::string_view> activationNames();

/// Whether values of the function lie in [-1, 1] whatever its input, so that
/// `frac = bits - 1` is the natural output format.
bool isBoundedByOne(const Activation &function);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_ACTIVATIONFUNCTION_H

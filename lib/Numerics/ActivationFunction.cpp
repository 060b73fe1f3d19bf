// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/ActivationFunction.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

using namespace hcgs;
using namespace hcgs::numerics;

namespace {

struct Properties {
  ActivationKind kind;
  std::string_view name;
  int parameters;
  double alpha, beta; // ONNX's defaults
};

constexpr std::array<Properties, 18> table = {{
    {ActivationKind::Identity, "identity", 0, 0, 0},
    {ActivationKind::Sigmoid, "sigmoid", 0, 0, 0},
    {ActivationKind::Tanh, "tanh", 0, 0, 0},
    {ActivationKind::Relu, "relu", 0, 0, 0},
    {ActivationKind::Affine, "affine", 2, 1.0, 0.0},
    {ActivationKind::LeakyRelu, "leaky_relu", 1, 0.01, 0},
    {ActivationKind::ThresholdedRelu, "thresholded_relu", 1, 1.0, 0},
    {ActivationKind::ScaledTanh, "scaled_tanh", 2, 1.0, 1.0},
    {ActivationKind::HardSigmoid, "hard_sigmoid", 2, 0.2, 0.5},
    {ActivationKind::Elu, "elu", 1, 1.0, 0},
    {ActivationKind::Selu, "selu", 2, 1.67326319217681884765625,
     1.05070102214813232421875},
    {ActivationKind::Celu, "celu", 1, 1.0, 0},
    {ActivationKind::Softsign, "softsign", 0, 0, 0},
    {ActivationKind::Softplus, "softplus", 0, 0, 0},
    {ActivationKind::Silu, "silu", 1, 1.0, 0},
    {ActivationKind::HardSwish, "hard_swish", 0, 0, 0},
    {ActivationKind::Gelu, "gelu", 0, 0, 0},
    {ActivationKind::Mish, "mish", 0, 0, 0},
}};

const Properties &properties(ActivationKind kind) {
  return table[static_cast<size_t>(kind)];
}

// Each without overflow for large arguments of either sign.
double sigmoid(double x) {
  if (x >= 0.0)
    return 1.0 / (1.0 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1.0 + e);
}

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

/// x * y, where a factor y of 0 wins over an infinite x: the limit of the
/// products used here.
double gated(double x, double y) { return y == 0.0 ? 0.0 : x * y; }

std::string squeezed(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != '_')
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

} // namespace

/// Between the points; outside them the value of the nearer end.
static double interpolate(const Samples &samples, double x) {
  const auto right =
      std::upper_bound(samples.begin(), samples.end(), x,
                       [](double x, const Sample &s) { return x < s.x; });
  if (right == samples.begin())
    return samples.front().y;
  if (right == samples.end())
    return samples.back().y;
  const Sample &a = right[-1], &b = right[0];
  return a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x));
}

Activation Activation::of(ActivationKind kind) {
  const Properties &p = properties(kind);
  return {kind, p.alpha, p.beta, nullptr};
}

double Activation::operator()(double x) const {
  if (samples)
    return interpolate(*samples, x);
  switch (kind) {
  case ActivationKind::Identity:
    return x;
  case ActivationKind::Sigmoid:
    return sigmoid(x);
  case ActivationKind::Tanh:
    return std::tanh(x);
  case ActivationKind::Relu:
    return std::max(x, 0.0);
  case ActivationKind::Affine:
    return gated(x, alpha) + beta;
  case ActivationKind::LeakyRelu:
    return x < 0.0 ? gated(x, alpha) : x;
  case ActivationKind::ThresholdedRelu:
    return x > alpha ? x : 0.0;
  case ActivationKind::ScaledTanh:
    return alpha * std::tanh(gated(x, beta));
  case ActivationKind::HardSigmoid:
    return std::clamp(gated(x, alpha) + beta, 0.0, 1.0);
  case ActivationKind::Elu:
    return x < 0.0 ? alpha * std::expm1(x) : x;
  case ActivationKind::Selu:
    return beta * (x < 0.0 ? alpha * std::expm1(x) : x);
  case ActivationKind::Celu:
    return x < 0.0 ? alpha * std::expm1(x / alpha) : x;
  case ActivationKind::Softsign:
    return std::isinf(x) ? std::copysign(1.0, x) : x / (1.0 + std::fabs(x));
  case ActivationKind::Softplus:
    return softplus(x);
  case ActivationKind::Silu:
    return gated(x, sigmoid(gated(x, alpha)));
  case ActivationKind::HardSwish:
    return gated(x, std::clamp(x / 6.0 + 0.5, 0.0, 1.0));
  case ActivationKind::Gelu:
    return gated(x, 0.5 * std::erfc(-x * std::sqrt(0.5)));
  case ActivationKind::Mish:
    return gated(x, std::tanh(softplus(x)));
  }
  return x;
}

std::string Activation::str() const {
  std::string text(activationName(kind));
  if (samples)
    return text + " by " + std::to_string(samples->size()) + " samples";
  const int count = parameterCount(kind);
  if (count == 0)
    return text;
  char buffer[64];
  if (count == 1)
    std::snprintf(buffer, sizeof(buffer), "(%g)", alpha);
  else
    std::snprintf(buffer, sizeof(buffer), "(%g, %g)", alpha, beta);
  return text + buffer;
}

int numerics::parameterCount(ActivationKind kind) {
  return properties(kind).parameters;
}

std::string_view numerics::activationName(ActivationKind kind) {
  return properties(kind).name;
}

std::optional<ActivationKind> numerics::parseActivation(std::string_view name) {
  const std::string wanted = squeezed(name);
  for (const Properties &p : table)
    if (squeezed(p.name) == wanted)
      return p.kind;
  return std::nullopt;
}

std::vector<std::string_view> numerics::activationNames() {
  std::vector<std::string_view> names;
  for (const Properties &p : table)
    names.push_back(p.name);
  return names;
}

bool numerics::isBoundedByOne(const Activation &function) {
  if (function.samples)
    return std::all_of(
        function.samples->begin(), function.samples->end(),
        [](const Sample &sample) { return std::fabs(sample.y) <= 1.0; });
  switch (function.kind) {
  case ActivationKind::Sigmoid:
  case ActivationKind::Tanh:
  case ActivationKind::HardSigmoid:
  case ActivationKind::Softsign:
    return true;
  case ActivationKind::ScaledTanh:
    return std::fabs(function.alpha) <= 1.0;
  default:
    return false;
  }
}

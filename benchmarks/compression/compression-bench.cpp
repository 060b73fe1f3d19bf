// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Speed of what compilation does with weights: reading or choosing the pattern,
// choosing exponents, quantising and packing; and of table fitting and of the
// float reference that calibration runs. Items are weights of the dense matrix
// (for the reference: multiplications), so that "items/s" compares across
// patterns. The matrix is the R of a layer of 1024 cells: 4 x 1024 x 1024.
//
//   cmake --preset release -DHCGS_ENABLE_BENCHMARKS=ON
//   ninja -C build/release compression-bench
//   build/release/bin/compression-bench

#include "hcgs/Compression/Detect.h"
#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Compression/Select.h"
#include "hcgs/Numerics/FloatReference.h"
#include "hcgs/Numerics/PwlFit.h"

#include <benchmark/benchmark.h>
#include <random>

using namespace hcgs::compression;
using namespace hcgs::numerics;

namespace {

constexpr int64_t gates = 4, side = 1024;
const WeightFormat sixBits{6, WeightEncoding::SignMag};

std::vector<float> randomWeights() {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0.0f, 0.1f);
  std::vector<float> weights(gates * side * side);
  for (float &w : weights)
    w = normal(random);
  return weights;
}

Pattern usual() { return *parseTiers("32x32:25%,4x4:25%", Balance::Row); }

MatrixView viewOf(const std::vector<float> &weights) {
  return {weights.data(), gates, side, side};
}

/// Sparse if state.range(0), else dense.
WeightLayout layoutOf(const benchmark::State &state,
                      std::vector<float> &weights) {
  if (!state.range(0))
    return WeightLayout::dense(gates, side, side, 32);
  auto map =
      std::make_shared<const BlockMap>(*selectRandom(usual(), side, side, 1));
  zeroDropped(weights, gates, *map);
  return WeightLayout::sparse(gates, map, 32);
}

void countWeights(benchmark::State &state) {
  state.SetItemsProcessed(state.iterations() * gates * side * side);
}

void detectPattern(benchmark::State &state) {
  std::vector<float> weights = randomWeights();
  layoutOf(state, weights);
  for (auto _ : state)
    benchmark::DoNotOptimize(detect(viewOf(weights)));
  countWeights(state);
}
BENCHMARK(detectPattern)
    ->ArgName("sparse")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void selectByKept(benchmark::State &state) {
  const std::vector<float> weights = randomWeights();
  for (auto _ : state)
    benchmark::DoNotOptimize(selectByMagnitude(usual(), viewOf(weights)));
  countWeights(state);
}
BENCHMARK(selectByKept)->Unit(benchmark::kMillisecond);

void selectLargest(benchmark::State &state) {
  const std::vector<float> weights = randomWeights();
  for (auto _ : state)
    benchmark::DoNotOptimize(selectGuided(usual(), viewOf(weights)));
  countWeights(state);
}
BENCHMARK(selectLargest)->Unit(benchmark::kMillisecond);

void exponents(benchmark::State &state) {
  std::vector<float> weights = randomWeights();
  const WeightLayout layout = layoutOf(state, weights);
  for (auto _ : state)
    benchmark::DoNotOptimize(chooseExponents(viewOf(weights), layout, sixBits));
  countWeights(state);
}
BENCHMARK(exponents)->ArgName("sparse")->Arg(0)->Arg(1)->Unit(
    benchmark::kMillisecond);

void quantizeAndPack(benchmark::State &state) {
  std::vector<float> weights = randomWeights();
  const WeightLayout layout = layoutOf(state, weights);
  const int chosen[] = {7, 7, 7, 7};
  for (auto _ : state)
    benchmark::DoNotOptimize(
        quantizeMatrix(viewOf(weights), layout, sixBits, chosen));
  countWeights(state);
}
BENCHMARK(quantizeAndPack)
    ->ArgName("sparse")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

/// Blocks in a parent's side.
void selectBoth(benchmark::State &state) {
  const std::vector<float> weights = randomWeights();
  const int block = static_cast<int>(side / state.range(0));
  const Pattern pattern{{{block, block, 1, 4, Balance::Both}}};
  for (auto _ : state)
    benchmark::DoNotOptimize(selectGuided(pattern, viewOf(weights)));
  countWeights(state);
}
BENCHMARK(selectBoth)
    ->ArgName("blocks")
    ->Arg(32)
    ->Arg(64)
    ->Arg(128)
    ->Arg(256)
    ->Unit(benchmark::kMillisecond);

void fitTanh(benchmark::State &state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(
        fitPwl(Activation::of(ActivationKind::Tanh), 12, {13, 12}));
}
BENCHMARK(fitTanh)->Unit(benchmark::kMillisecond);

void floatLstm(benchmark::State &state) {
  const std::vector<float> weights = randomWeights();
  const int64_t steps = 20;
  LstmParameters parameters;
  parameters.hidden = parameters.inputs = side;
  parameters.w = parameters.r = weights;
  const std::vector<float> x(steps * side, 0.5f);
  std::vector<float> h(side), c(side), y(steps * side);
  for (auto _ : state)
    runLstm(parameters, x, steps, h, c, y);
  state.SetItemsProcessed(state.iterations() * steps * 2 * gates * side * side);
}
BENCHMARK(floatLstm)->Unit(benchmark::kMillisecond);

} // namespace

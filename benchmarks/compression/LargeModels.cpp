// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mapping, packing and quantising whole models of 10, 25 and 100 million
// weights: three layers, each with a W and an R of four gates, of random
// weights. Mapping chooses the blocks (guided, 32x32 25 %, 4x4 25 %) and drops
// the others, projects to circulant blocks, or finds the blocks from the zeros
// of weights that have them; then exponents are chosen, and weights quantised
// to six bits and packed. Two threads take the matrices in turn, as the
// compiler's passes do; the images do not depend on that.
//
//   build/release/bin/compression-bench --benchmark_filter=compressModel
//
// Counters: `weights` of the model; `image_bytes` of weights and indices;
// `extra`, the most memory that was allocated at any time beyond the weights
// themselves, images included, divided by the weights' bytes (fp32).

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Detect.h"
#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Compression/Select.h"

#include <algorithm>
#include <atomic>
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <random>
#include <thread>

using namespace hcgs::compression;
using hcgs::numerics::WeightEncoding;
using hcgs::numerics::WeightFormat;

//===----------------------------------------------------------------------===//
// Allocated memory
//===----------------------------------------------------------------------===//

namespace {
std::atomic<int64_t> allocated = 0, mostAllocated = 0;
} // namespace

void *operator new(size_t size) {
  void *pointer = std::malloc(size);
  if (!pointer)
    std::abort();
  const int64_t now = allocated +=
      static_cast<int64_t>(malloc_usable_size(pointer));
  int64_t most = mostAllocated;
  while (now > most && !mostAllocated.compare_exchange_weak(most, now))
    ;
  return pointer;
}

void operator delete(void *pointer) noexcept {
  if (pointer)
    allocated -= static_cast<int64_t>(malloc_usable_size(pointer));
  std::free(pointer);
}

void operator delete(void *pointer, size_t) noexcept {
  operator delete(pointer);
}

//===----------------------------------------------------------------------===//
// The models
//===----------------------------------------------------------------------===//

namespace {

enum Kind { Dense, Shared, Separate, Both, Circulant16, Detected };

constexpr int64_t gates = 4, matrices = 6, threads = 2;
const WeightFormat sixBits{6, WeightEncoding::SignMag};

const char *kindName(int64_t kind) {
  constexpr const char *names[] = {"dense",         "row, shared",
                                   "row, separate", "both, shared",
                                   "circulant 16",  "row, shared, detected"};
  return names[kind];
}

struct Images {
  std::vector<uint8_t> weights, index;
};

Images compress(Kind kind, std::span<float> weights, int64_t side) {
  const MatrixView view{weights.data(), gates, side, side};
  const Pattern pattern = *parseTiers(
      "32x32:25%,4x4:25%", kind == Both ? Balance::Both : Balance::Row);
  WeightLayout layout = WeightLayout::dense(gates, side, side, 32);
  if (kind == Circulant16) {
    layout = WeightLayout::circulant(gates, side, side, 16, 32);
    const auto projection = projectCirculant(view, 16);
    expandCirculant(projection->elements, gates, side, side, 16, weights);
  } else if (kind == Detected) {
    layout = WeightLayout::sparse(gates, detect(view)->masks.front(), 32);
  } else if (kind != Dense) {
    const BlockMaps maps =
        *selectBlocks(pattern, view, {Selection::Guided, 0, kind == Separate});
    zeroDropped(weights, gates, maps);
    layout = kind == Separate ? WeightLayout::sparse(maps, 32)
                              : WeightLayout::sparse(gates, maps[0], 32);
  }
  std::vector<int> exponents;
  for (const auto &choice : chooseExponents(view, layout, sixBits).gates)
    exponents.push_back(choice.exponent);
  QuantizedMatrix matrix = *quantizeMatrix(view, layout, sixBits, exponents);
  return {std::move(matrix.weightImage), layout.indexImage()};
}

void compressModel(benchmark::State &state) {
  const Kind kind = static_cast<Kind>(state.range(0));
  // Sides that are multiples of 32, as close to the size as that allows.
  const int64_t millions = state.range(1);
  const int64_t side = millions == 10 ? 640 : millions == 25 ? 1024 : 2048;
  const size_t size = static_cast<size_t>(gates * side * side);
  std::vector<float> fresh(size);
  std::mt19937 random(1);
  for (float &w : fresh)
    w = static_cast<float>(random()) * 0x1p-32f - 0.5f;
  if (kind == Detected) // weights that have their zeros already
    zeroDropped(fresh, gates,
                *selectRandom(*parseTiers("32x32:25%,4x4:25%", Balance::Row),
                              side, side, 1));
  std::vector<std::vector<float>> model(matrices);
  std::vector<Images> images(matrices);
  double extra = 0.0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::vector<float> &weights : model)
      weights = fresh;
    images.assign(matrices, {});
    const int64_t before = allocated;
    mostAllocated = before;
    state.ResumeTiming();
    std::atomic<size_t> next = 0;
    const auto work = [&] {
      for (size_t i; (i = next++) < model.size();)
        images[i] = compress(kind, model[i], side);
    };
    std::vector<std::thread> workers;
    for (int64_t i = 1; i < threads; ++i)
      workers.emplace_back(work);
    work();
    for (std::thread &worker : workers)
      worker.join();
    extra = std::max(extra, static_cast<double>(mostAllocated - before));
  }
  size_t bytes = 0;
  for (const Images &matrix : images)
    bytes += matrix.weights.size() + matrix.index.size();
  const double weights = static_cast<double>(matrices * gates * side * side);
  state.SetLabel(kindName(kind));
  state.counters["weights"] = weights;
  state.counters["image_bytes"] = static_cast<double>(bytes);
  state.counters["extra"] = extra / (4.0 * weights);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(weights));
}
BENCHMARK(compressModel)
    ->ArgNames({"kind", "millions"})
    ->ArgsProduct({{Dense, Shared, Separate, Both, Circulant16, Detected},
                   {10, 25, 100}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

} // namespace

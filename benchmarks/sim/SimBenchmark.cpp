// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the simulator's time goes: kernels by themselves, and whole programs.
//
//   hcgs-sim-benchmark                          kernels at the design point
//   hcgs-sim-benchmark --program=FILE [...]     also that program, a frame
//
// Times of programs are for 400 frames; the counter "us_per_frame" is one
// frame. "functional" executes, "timing" replays the clock without the cache,
// "run" is what a user waits for: tensors in, tensors and counters out.
//
#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Numerics/PwlFit.h"
#include "hcgs/Sim/Kernels.h"
#include "hcgs/Sim/Runner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include <benchmark/benchmark.h>

using namespace hcgs;
using namespace hcgs::sim;
using compression::Balance;
using compression::BlockMap;
using compression::WeightLayout;

static constexpr int64_t kFrames = 400;

static std::vector<int16_t> randomCodes(size_t n, int most) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> code(-most, most);
  std::vector<int16_t> codes(n);
  for (int16_t &value : codes)
    value = static_cast<int16_t>(code(random));
  return codes;
}

/// 512 rows of four gates, `cols` columns, 32x32 and 4x4 blocks at 16x.
static WeightLayout designPoint(int64_t cols, int64_t rowBlock) {
  compression::Pattern pattern;
  pattern.tiers.push_back({32, 32, 1, 4, Balance::Column});
  pattern.tiers.push_back({4, 4, 1, 4, Balance::Column});
  std::mt19937 random(1);
  Result<BlockMap> map = BlockMap::build(
      pattern, 512, cols,
      [&](const BlockMap::Line &line, std::span<int> kept) -> Result<void> {
        std::vector<int> all(line.choices.size());
        std::iota(all.begin(), all.end(), 0);
        std::shuffle(all.begin(), all.end(), random);
        std::copy_n(all.begin(), kept.size(), kept.begin());
        std::sort(kept.begin(), kept.end());
        return {};
      });
  return WeightLayout::sparse(
      4, std::make_shared<const BlockMap>(std::move(*map)), rowBlock);
}

static void mvmDesignPoint(benchmark::State &state) {
  const WeightLayout layout = designPoint(512, state.range(0));
  const std::vector<int16_t> codes =
      randomCodes(static_cast<size_t>(layout.words()), 31);
  const PackedMatrix matrix(layout, codes, 15);
  const std::vector<int16_t> x = randomCodes(512 + kColumnPadding, 4095);
  std::vector<int32_t> out(2048);
  const std::vector<int32_t> shifts = matrix.laneShifts({0, 1, 2, 3});
  for (auto _ : state) {
    Kernels::best().mvm(matrix, 0, matrix.groups().size(), x.data(), out.data(),
                        out.data(), shifts.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * layout.words());
  state.SetLabel(Kernels::best().name);
}
BENCHMARK(mvmDesignPoint)->Arg(4)->Arg(16)->Arg(64);

static void mvmDense(benchmark::State &state) {
  const WeightLayout layout = WeightLayout::dense(4, 128, 128, 128);
  const std::vector<int16_t> codes =
      randomCodes(static_cast<size_t>(layout.words()), 31);
  const PackedMatrix matrix(layout, codes, 15);
  const std::vector<int16_t> x = randomCodes(128 + kColumnPadding, 4095);
  std::vector<int32_t> out(512);
  const std::vector<int32_t> shifts = matrix.laneShifts({0, 0, 0, 0});
  for (auto _ : state) {
    Kernels::best().mvm(matrix, 0, matrix.groups().size(), x.data(), out.data(),
                        out.data(), shifts.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * layout.words());
}
BENCHMARK(mvmDense);

static void act(benchmark::State &state) {
  Result<numerics::FittedPwl> table = numerics::choosePwl(
      [](double z) { return 1 / (1 + std::exp(-z)); }, 12, {13, 12}, {});
  if (!table) {
    state.SkipWithError(table.message().c_str());
    return;
  }
  const ActTable expanded(table->table);
  std::mt19937 random(1);
  std::normal_distribution<double> z(0, 1.5 * (1 << 18));
  std::vector<int32_t> in(4096);
  for (int32_t &sum : in)
    sum = static_cast<int32_t>(z(random));
  std::vector<int16_t> out(static_cast<size_t>(state.range(0)));
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Kernels::best().act(out.data(), in.data() + at,
                                                 out.size(), 6, expanded));
    at = (at + out.size()) % in.size();
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(act)->Arg(16)->Arg(512);

static void requant(benchmark::State &state) {
  std::vector<int32_t> in(512, 12345);
  std::vector<int16_t> out(512);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Kernels::best().requant(out.data(), in.data(), 512, 7, 13));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 512);
}
BENCHMARK(requant);

//===----------------------------------------------------------------------===//
// Whole programs
//===----------------------------------------------------------------------===//

static void perFrame(benchmark::State &state) {
  state.counters["us_per_frame"] = benchmark::Counter(
      static_cast<double>(state.iterations() * kFrames) / 1e6,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

static void functional(benchmark::State &state, LoadedProgram::Ptr program) {
  Machine machine(*program);
  for (auto _ : state) {
    machine.clear();
    Result<void> ready = machine.prepare(kFrames);
    Result<void> ran = ready ? machine.execute(Entry::Run) : ready;
    if (!ran) {
      state.SkipWithError(ran.message().c_str());
      return;
    }
  }
  perFrame(state);
}

static void timing(benchmark::State &state, LoadedProgram::Ptr program) {
  Result<StreamLayout> layout = program->layoutStreams(kFrames);
  if (!layout) {
    state.SkipWithError(layout.message().c_str());
    return;
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(
        computeTiming(*program, Entry::Run, kFrames, Registers(), *layout));
  perFrame(state);
}

static void run(benchmark::State &state, LoadedProgram::Ptr program) {
  NpzArrays inputs;
  for (const TensorInfo &tensor : program->inputs()) {
    std::vector<int64_t> shape;
    for (const Axis &axis : tensor.dims)
      shape.push_back(axis.kind == AxisKind::Time ? kFrames
                                                  : axis.size.value_or(1));
    inputs.emplace_back(tensor.name, NpyArray(shape, DType::F32));
    std::mt19937 random(1);
    std::uniform_real_distribution<float> value(-1, 1);
    for (float &element : inputs.back().second.as<float>())
      element = value(random);
  }
  Runner runner(program);
  for (auto _ : state) {
    Result<RunResult> result = runner.run(inputs);
    if (!result) {
      state.SkipWithError(result.message().c_str());
      return;
    }
    benchmark::DoNotOptimize(result->outputs.front().second.data.data());
  }
  perFrame(state);
}

int main(int argc, char **argv) {
  std::vector<char *> rest;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--program=")) {
      rest.push_back(argv[i]);
      continue;
    }
    const std::string path(argument.substr(argument.find('=') + 1));
    Result<LoadedProgram::Ptr> program = LoadedProgram::load(path);
    if (!program) {
      std::fprintf(stderr, "error: %s\n", program.message().c_str());
      return 1;
    }
    benchmark::RegisterBenchmark("functional", functional, *program)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("timing", timing, *program)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("run", run, *program)
        ->Unit(benchmark::kMillisecond);
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data()))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

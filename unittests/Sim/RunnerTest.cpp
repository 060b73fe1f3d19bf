// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors in and out (L-IO), batches, lengths, chunks, counters.
//
#include "hcgs/Sim/Runner.h"
#include "TestProgram.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

/// y(t) = y(t-1) + x(t), starting from h; x and y are [time, batch, feature 3],
/// h is [layer 2, batch, feature 3] (the sum starts with h[0] + 2 h[1]).
static ProgramBuilder accumulator() {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 3)
      .stream("y", "step", "out", 3)
      .stream("h0", "sequence", "in", 3)
      .stream("h1", "sequence", "in", 3)
      .stream("last", "sequence", "out", 3);
  const char *begin = "astream a3, stream 2\n astream a4, stream 3\n"
                      "load v[0], x[a3], n 3\n load v[3], x[a4], n 3\n"
                      "vacc a[0], v[0], n 3, lshift 0, init zero\n"
                      "vacc a[0], v[3], n 3, lshift 1, init acc\n";
  const char *frames = "astream a1, stream 0\n astream a2, stream 1\n"
                       "astream a5, stream 4\n"
                       "loop T\n"
                       "  load v[6], x[a1], n 3\n"
                       "  vacc a[0], v[6], n 3, lshift 0, init acc\n"
                       "  requant v[9], a[0], n 3, shift 0, bits 8\n"
                       "  store x[a2], v[9], n 3\n"
                       "  aadd a1, 6\n aadd a2, 6\n"
                       "endloop\n"
                       "store x[a5], v[9], n 3\n";
  builder.entry("run").code(begin).code(frames).code("halt");
  builder.entry("step").code(frames).code("halt");
  builder.entry("reset").code(begin).code("halt");
  auto value = [](const char *kind) {
    return json{
        {"name", "v"}, {"width", 3}, {"bits", 8}, {"frac", 2}, {"kind", kind}};
  };
  auto axis = [](const char *name, json size) {
    return json{{"axis", name}, {"size", size}};
  };
  auto part = [](int value, int stream, json index) {
    return json{{"value", value}, {"stream", stream}, {"index", index}};
  };
  const json sequence = {axis("time", nullptr), axis("batch", nullptr),
                         axis("feature", 3)};
  builder.meta["network"] = {
      {"values",
       {value("sequence"), value("sequence"), value("vector"), value("vector"),
        value("vector")}},
      {"inputs",
       {{{"name", "x"}, {"dims", sequence}, {"parts", {part(0, 0, nullptr)}}},
        {{"name", "h"},
         {"dims",
          {axis("layer", 2), axis("batch", nullptr), axis("feature", 3)}},
         {"parts", {part(2, 2, 0), part(3, 3, 1)}}}}},
      {"outputs",
       {{{"name", "y"}, {"dims", sequence}, {"parts", {part(1, 1, nullptr)}}},
        {{"name", "last"},
         {"dims", {axis("one", 1), axis("batch", nullptr), axis("feature", 3)}},
         {"parts", {part(4, 4, nullptr)}}}}},
      {"layers", json::array()}};
  return builder;
}

/// Values k / 4 that count up, of this shape.
static NpyArray counting(std::vector<int64_t> shape) {
  NpyArray array(shape, DType::F32);
  for (int64_t i = 0; i < array.elements(); ++i)
    array.as<float>()[i] = static_cast<float>(i % 7) / 4;
  return array;
}

static float at(const NpyArray &array, int64_t i, int64_t j, int64_t k) {
  return array.as<float>()[(i * array.shape[1] + j) * array.shape[2] + k];
}

static const NpyArray &output(const RunResult &result, std::string_view name) {
  for (const auto &[key, array] : result.outputs)
    if (key == name)
      return array;
  ADD_FAILURE() << "no output " << name;
  static NpyArray none;
  return none;
}

TEST(RunnerTest, RunsABatchOfRaggedRows) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  const NpzArrays inputs = {{"h", counting({2, 4, 3})},
                            {"x", counting({5, 4, 3})}};
  for (unsigned threads : {1u, 3u}) {
    Runner runner(program);
    RunOptions options;
    options.threads = threads;
    options.lengths = {5, 1, 3, 5};
    Result<RunResult> result = runner.run(inputs, options);
    ASSERT_TRUE(result) << result.message();
    const NpyArray &y = output(*result, "y"), &last = output(*result, "last");
    EXPECT_EQ(y.shape, (std::vector<int64_t>{5, 4, 3}));
    EXPECT_EQ(last.shape, (std::vector<int64_t>{1, 4, 3}));
    for (int64_t b = 0; b < 4; ++b)
      for (int64_t f = 0; f < 3; ++f) {
        float sum =
            at(inputs[0].second, 0, b, f) + 2 * at(inputs[0].second, 1, b, f);
        for (int64_t t = 0; t < 5; ++t) {
          if (t >= options.lengths[b]) {
            EXPECT_EQ(at(y, t, b, f), 0.0f); // L-IO-3
            continue;
          }
          sum += at(inputs[1].second, t, b, f);
          EXPECT_EQ(at(y, t, b, f), sum);
        }
        EXPECT_EQ(at(last, 0, b, f), sum);
      }
    EXPECT_EQ(result->statistics.frames(), 14u);
    EXPECT_EQ(result->statistics.rowCycles().size(), 4u);
    EXPECT_EQ(result->statistics.rowCycles()[0],
              result->statistics.rowCycles()[3]);
  }
}

TEST(RunnerTest, StepsInChunksEqualARun) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  const NpyArray x = counting({7, 2, 3}), h = counting({2, 2, 3});
  Runner whole(program);
  Result<RunResult> want = whole.run({{"x", x}, {"h", h}});
  ASSERT_TRUE(want) << want.message();
  for (int64_t chunk = 1; chunk <= 7; ++chunk) {
    Runner runner(program);
    for (int64_t first = 0; first < 7; first += chunk) {
      const int64_t count = std::min(chunk, 7 - first);
      NpyArray part({count, 2, 3}, DType::F32);
      std::copy_n(x.as<float>().data() + first * 6, count * 6,
                  part.as<float>().data());
      NpzArrays inputs = {{"x", part}};
      if (first == 0)
        inputs.emplace_back("h", h);
      // Through bytes and another runner each time.
      Runner next(program);
      ASSERT_TRUE(next.restoreState(runner.saveState()));
      Result<RunResult> got = next.step(inputs);
      ASSERT_TRUE(got) << got.message();
      const NpyArray &y = output(*got, "y");
      for (int64_t i = 0; i < count * 6; ++i)
        EXPECT_EQ(y.as<float>()[i],
                  output(*want, "y").as<float>()[first * 6 + i]);
      runner = std::move(next);
    }
  }
}

TEST(RunnerTest, ResetsWithInitialStates) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  Runner runner(program);
  ASSERT_TRUE(
      runner.step({{"x", counting({2, 1, 3})}, {"h", counting({2, 1, 3})}}));
  EXPECT_EQ(runner.rows(), 1u);
  Result<Statistics> reset = runner.reset({{"h", counting({2, 5, 3})}});
  ASSERT_TRUE(reset) << reset.message();
  EXPECT_EQ(runner.rows(), 5u);
  Result<RunResult> wrong = runner.step({{"x", counting({2, 1, 3})}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.message(),
            "the inputs have 1 row, the state was made by 5; give as many "
            "rows, or reset first");
  EXPECT_TRUE(runner.step({{"x", counting({2, 5, 3})}}));
  EXPECT_TRUE(runner.reset());
  EXPECT_EQ(runner.rows(), 0u);
  // Without a state, step needs the initial states again.
  Result<RunResult> missing = runner.step({{"x", counting({2, 5, 3})}});
  ASSERT_FALSE(missing);
  EXPECT_CONTAINS(missing.message(), "input 'h' is missing");
}

TEST(RunnerTest, CodesGoInAndOut) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  NpyArray x({1, 1, 3}, DType::I64), h({2, 1, 3}, DType::I8);
  x.as<int64_t>()[0] = 100;
  x.as<int64_t>()[1] = -128;
  h.as<int8_t>()[0] = 100;
  RunOptions options;
  options.codes = true;
  Runner runner(program);
  Result<RunResult> result = runner.run({{"x", x}, {"h", h}}, options);
  ASSERT_TRUE(result) << result.message();
  const NpyArray &y = output(*result, "y");
  ASSERT_EQ(y.dtype, DType::I16);
  EXPECT_EQ(y.as<int16_t>()[0], 127); // saturated at 8 bits
  EXPECT_EQ(y.as<int16_t>()[1], -128);
  const json stats = result->statistics.toJson();
  EXPECT_EQ(stats["saturations"], 1);
  ASSERT_EQ(stats["saturated_instructions"].size(), 1u);
  EXPECT_EQ(stats["saturated_instructions"][0]["pc"], 12);

  x.as<int64_t>()[2] = 128;
  Result<RunResult> wide = runner.run({{"x", x}, {"h", h}}, options);
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.message(), "input 'x', row 0, frame 0, feature 2: code 128 "
                            "found, allowed are -128..127");
  options.codes = false;
  Result<RunResult> integers = runner.run({{"x", x}, {"h", h}}, options);
  ASSERT_FALSE(integers);
  EXPECT_CONTAINS(integers.message(), "input 'x': element type int64 found");
}

TEST(RunnerTest, RefusesWhatDoesNotFit) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  Runner runner(program);
  const NpyArray h = counting({2, 1, 3});
  auto message = [&](const NpzArrays &inputs, RunOptions options = {}) {
    Result<RunResult> result = runner.run(inputs, options);
    return result ? std::string("accepted") : result.message();
  };
  EXPECT_EQ(message({{"x", counting({2, 1, 4})}, {"h", h}}),
            "input 'x': shape [2, 1, 4] does not fit [time, batch, feature 3]");
  EXPECT_CONTAINS(message({{"x", counting({2, 3})}, {"h", h}}), "does not fit");
  EXPECT_CONTAINS(message({{"x", counting({0, 1, 3})}, {"h", h}}), "empty");
  EXPECT_CONTAINS(message({{"x", counting({2, 4, 3})}, {"h", h}}),
                  "they must agree");
  EXPECT_EQ(message({{"x", counting({2, 1, 3})}}),
            "input 'h' is missing; give a tensor [layer 2, batch, feature 3]");
  EXPECT_CONTAINS(
      message({{"x", counting({2, 1, 3})}, {"h", h}, {"q", h}}),
      "array 'q' is no input of the program; its inputs are 'x', 'h'");
  NpyArray nan = counting({2, 1, 3});
  nan.as<float>()[4] = NAN;
  EXPECT_EQ(
      message({{"x", nan}, {"h", h}}),
      "input 'x', row 0, frame 1, feature 1: is NaN; values must be finite");
  RunOptions options;
  options.lengths = {3};
  EXPECT_EQ(
      message({{"x", counting({2, 1, 3})}, {"h", h}}, options),
      "the length of row 0 is 3, allowed are 1..2: the inputs have 2 time "
      "steps");
  options.lengths = {1, 1};
  EXPECT_CONTAINS(
      message({{"x", counting({2, 1, 3})}, {"h", h}}, options),
      "2 lengths found, the inputs have 1 row; give one length a row");
}

// L-IO-2: a slice of an input that is read in two formats, and one that nothing
// reads; each value must be quantised for its own reader.
TEST(RunnerTest, SlicesOfInputsHaveAnyNumberOfParts) {
  ProgramBuilder builder = accumulator();
  json &h = builder.meta["network"]["inputs"][1];
  h["parts"][1]["index"] = 0;
  builder.meta["network"]["values"][3]["frac"] = 1;
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  NpyArray states({2, 1, 3}, DType::F32), x({1, 1, 3}, DType::F32);
  states.as<float>()[0] = 1.25f; // code 5 at 2 bits, 3 (2.5 rounded) at 1 bit
  states.as<float>()[3] = 100;   // nobody's
  Runner runner(program);
  Result<RunResult> result = runner.run({{"x", x}, {"h", states}});
  ASSERT_TRUE(result) << result.message();
  EXPECT_EQ(output(*result, "y").as<float>()[0], (5 + 2 * 3) / 4.0f);

  // An output has exactly one part for each slice.
  builder.meta["network"]["outputs"][0]["parts"] = json::array();
  Result<LoadedProgram::Ptr> wrong =
      LoadedProgram::fromBytes(builder.bytes(), "p.hcgs");
  ASSERT_FALSE(wrong);
  EXPECT_CONTAINS(wrong.message(), "at least one part");
}

TEST(RunnerTest, SaysWhyThereIsNoStep) {
  ProgramBuilder builder;
  builder.entry("run").code("halt");
  builder.meta["no_step"] = "layer 'r' is reverse";
  builder.meta["entries"]["no_step"] = "layer 'r' is reverse";
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  Runner runner(program);
  Result<RunResult> result = runner.step({});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.message(),
            "the program has no entry 'step': layer 'r' is reverse");
}

TEST(StatisticsTest, AddUp) {
  LoadedProgram::Ptr program = accumulator().load();
  ASSERT_TRUE(program);
  Runner runner(program);
  Result<RunResult> result =
      runner.run({{"x", counting({9, 2, 3})}, {"h", counting({2, 2, 3})}});
  ASSERT_TRUE(result) << result.message();
  const Statistics &statistics = result->statistics;
  const json stats = statistics.toJson();
  const uint64_t cycles = stats["cycles"];
  EXPECT_GT(cycles, 0u);
  EXPECT_EQ(stats["version"], 2);
  for (const auto &[unit, counts] : stats["units"].items()) {
    uint64_t sum = 0;
    for (const auto &[cause, count] : counts.items())
      sum += count.get<uint64_t>();
    EXPECT_EQ(sum, cycles) << unit;
    // T-C-5: the same by layer and by instruction.
    json byLayer = json::object(), byInstruction = json::object();
    for (const json &layer : stats["layers"])
      for (const auto &[cause, count] : layer["units"][unit].items())
        byLayer[cause] =
            byLayer.value(cause, uint64_t(0)) + count.get<uint64_t>();
    for (const json &one : stats["instruction_cycles"])
      if (one["unit"] == unit)
        for (const auto &[cause, count] : one["cycles"].items()) {
          EXPECT_GT(count, 0);
          byInstruction[cause] =
              byInstruction.value(cause, uint64_t(0)) + count.get<uint64_t>();
        }
    for (const auto &[cause, count] : counts.items()) {
      const bool ofNone = cause == "drain" || cause == "unused";
      EXPECT_EQ(byLayer.value(cause, uint64_t(0)), ofNone ? json(0) : count)
          << unit << ' ' << cause;
      EXPECT_EQ(byInstruction.value(cause, uint64_t(0)),
                ofNone ? json(0) : count)
          << unit << ' ' << cause;
    }
  }
  EXPECT_EQ(stats["frames"], 18);
  EXPECT_EQ(stats["instructions"]["load"], 2 * (9 + 2));
  EXPECT_EQ(stats["instructions"]["halt"], 2);
  // Three elements of 16 bits a load or store.
  EXPECT_EQ(stats["traffic_bits"]["ext"]["read"], 2 * (9 + 2) * 48);
  EXPECT_EQ(stats["traffic_bits"]["ext"]["write"], 2 * (9 + 1) * 48);
  EXPECT_EQ(stats["macs"], 0);
  EXPECT_TRUE(stats["energy_joules"].is_null());
  EXPECT_EQ(stats["row_cycles"].size(), 2u);
  RunOptions quiet;
  quiet.timing = false;
  Result<RunResult> untimed = runner.run(
      {{"x", counting({9, 2, 3})}, {"h", counting({2, 2, 3})}}, quiet);
  ASSERT_TRUE(untimed);
  EXPECT_TRUE(untimed->statistics.toJson()["cycles"].is_null());
}

TEST(StatisticsTest, CountsMatrixWorkAndEnergy) {
  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({4, 4, 1, 2, compression::Balance::Row});
  pattern.tiers.push_back({2, 2, 1, 2, compression::Balance::Row});
  ProgramBuilder builder;
  builder.matrix(makeHcgs(random, 4, 8, 8, 4, pattern, {6}));
  builder.set("/nominal_volts", 1.0)
      .set("/energies/accumulate", 0.25)
      .set("/energies/wmem_read_bit", 0.5);
  builder.entry("run").code(
      "fill v[0], 1, n 8\n"
      "mvm a[0], v[0], desc 0, blocks 0 + 2, gates iofg, init zero, shifts [0, "
      "0, 0, 0], tile 0\n"
      "mvm a[0], v[0], desc 0, blocks 1 + 1, gates i, init acc, shifts [0, 0, "
      "0, 0], tile 0\n halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  Runner runner(program);
  Result<RunResult> result = runner.run({});
  ASSERT_TRUE(result) << result.message();
  const json stats = result->statistics.toJson();
  // 16 of 64 weights are kept; the second takes half the rows of one gate.
  EXPECT_EQ(stats["macs"], 4 * 16 + 8);
  EXPECT_EQ(stats["traffic_bits"]["wmem"]["read"], 6 * (4 * 16 + 8));
  // Tier 1: a bit for each of 2 block-rows; tier 2: a bit for each of 4 small
  // block-rows.
  EXPECT_EQ(stats["traffic_bits"]["imem"]["read"], (2 + 4) + (1 + 2));
  EXPECT_EQ(stats["traffic_bits"]["amem"]["read"], 4 * 32);
  EXPECT_EQ(stats["traffic_bits"]["amem"]["write"], (32 + 4) * 32);
  EXPECT_DOUBLE_EQ(stats["energy_joules"], 72 * 0.25 + 432 * 0.5);
  EXPECT_DOUBLE_EQ(stats["mac_utilization"],
                   72.0 / (4.0 * stats["cycles"].get<double>()));
}

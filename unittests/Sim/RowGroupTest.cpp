// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs that compute several batch rows together (PF-6 `rows`): how rows
// come to machines, and metadata that do not fit.
//
#include "TestProgram.h"
#include "hcgs/Sim/Runner.h"

#include <gtest/gtest.h>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

/// Row 0 sums x up in y, row 1 sums up 2 x (which no compiler would write, but
/// shows in which place a row was); x and y are [time, batch, feature 2].
static ProgramBuilder sums() {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 2)
      .stream("x_row1", "step", "in", 2)
      .stream("y", "step", "out", 2)
      .stream("y_row1", "step", "out", 2);
  builder.meta["rows"] = 2;
  for (int copy : {1, 3}) {
    builder.meta["streams"][copy]["row"] = 1;
    builder.meta["streams"][copy]["of"] = copy - 1;
  }
  const char *begin = "fill v[20], 0, n 2\n"
                      "vacc a[0], v[20], n 2, lshift 0, init zero\n"
                      "vacc a[2], v[20], n 2, lshift 0, init zero\n";
  const char *frames = "astream a1, stream 0\n astream a2, stream 1\n"
                       "astream a3, stream 2\n astream a4, stream 3\n"
                       "loop T\n"
                       "  load v[0], x[a1], n 2\n"
                       "  load v[2], x[a2], n 2\n"
                       "  vacc a[0], v[0], n 2, lshift 0, init acc\n"
                       "  vacc a[2], v[2], n 2, lshift 1, init acc\n"
                       "  requant v[4], a[0], n 2, shift 0, bits 16\n"
                       "  requant v[6], a[2], n 2, shift 0, bits 16\n"
                       "  store x[a3], v[4], n 2\n"
                       "  store x[a4], v[6], n 2\n"
                       "  aadd a1, 4\n aadd a2, 4\n aadd a3, 4\n aadd a4, 4\n"
                       "endloop\n";
  builder.entry("run").code(begin).code(frames).code("halt");
  builder.entry("step").code(frames).code("halt");
  builder.entry("reset").code(begin).code("halt");
  const json value = {{"name", "v"},
                      {"width", 2},
                      {"bits", 16},
                      {"frac", 0},
                      {"kind", "sequence"}};
  const json dims = {{{"axis", "time"}, {"size", nullptr}},
                     {{"axis", "batch"}, {"size", nullptr}},
                     {{"axis", "feature"}, {"size", 2}}};
  auto tensor = [&](const char *name, int value, int stream) {
    return json{{"name", name},
                {"dims", dims},
                {"parts",
                 {{{"value", value}, {"stream", stream}, {"index", nullptr}}}}};
  };
  builder.meta["network"] = {{"values", {value, value}},
                             {"inputs", {tensor("x", 0, 0)}},
                             {"outputs", {tensor("y", 1, 2)}},
                             {"layers", json::array()}};
  return builder;
}

/// x(t, b, f) = 1 + b.
static NpyArray ones(int64_t steps, int64_t rows) {
  NpyArray array({steps, rows, 2}, DType::F32);
  for (int64_t i = 0; i < array.elements(); ++i)
    array.as<float>()[i] = static_cast<float>(1 + i / 2 % rows);
  return array;
}

static float at(const RunResult &result, int64_t t, int64_t row) {
  const NpyArray &y = result.outputs.front().second;
  return y.as<float>()[(t * y.shape[1] + row) * 2];
}

TEST(RowGroupTest, RowsOfOneLengthShareACall) {
  LoadedProgram::Ptr program = sums().load();
  ASSERT_TRUE(program);
  EXPECT_EQ(program->rows(), 2u);
  for (unsigned threads : {1u, 4u}) {
    Runner runner(program);
    RunOptions options;
    options.threads = threads;
    // Groups {0, 2}, {1, 4}, {3}: row 2 and row 4 are in place 1.
    options.lengths = {3, 2, 3, 3, 2};
    size_t done = 0;
    if (threads == 1)
      options.rowDone = [&] { ++done; };
    Result<RunResult> result = runner.run({{"x", ones(3, 5)}}, options);
    ASSERT_TRUE(result) << result.message();
    const int scale[] = {1, 1, 2, 1, 2};
    for (int64_t row = 0; row < 5; ++row)
      for (int64_t t = 0; t < 3; ++t)
        EXPECT_EQ(at(*result, t, row),
                  t < options.lengths[row]
                      ? float((t + 1) * (row + 1) * scale[row])
                      : 0.0f)
            << t << " " << row;
    EXPECT_EQ(result->statistics.frames(), 13u);
    EXPECT_EQ(result->statistics.rowCycles().size(), 3u);
    EXPECT_EQ(done, threads == 1 ? 5u : 0u);
  }
}

TEST(RowGroupTest, RowsOfDifferentLengthsPartInSteps) {
  LoadedProgram::Ptr program = sums().load();
  ASSERT_TRUE(program);
  Runner runner(program);
  RunOptions options;
  auto step = [&](std::vector<int64_t> lengths) {
    options.lengths = std::move(lengths);
    Result<RunResult> result = runner.step({{"x", ones(4, 2)}}, options);
    EXPECT_TRUE(result) << result.message();
    // Through bytes: who is where is part of the state.
    EXPECT_TRUE(runner.restoreState(runner.saveState()));
    return result ? std::move(*result) : RunResult();
  };
  RunResult first = step({4, 4});
  EXPECT_EQ(first.statistics.rowCycles().size(), 1u);
  EXPECT_EQ(at(first, 3, 0), 4.0f);
  EXPECT_EQ(at(first, 3, 1), 16.0f);
  RunResult second = step({1, 3});
  EXPECT_EQ(second.statistics.rowCycles().size(), 2u);
  EXPECT_EQ(at(second, 0, 0), 5.0f);
  EXPECT_EQ(at(second, 1, 0), 0.0f);
  EXPECT_EQ(at(second, 2, 1), 28.0f);
  EXPECT_EQ(runner.rows(), 2u);
  RunResult third = step({2, 2});
  EXPECT_EQ(at(third, 1, 0), 7.0f);
  EXPECT_EQ(at(third, 1, 1), 36.0f);
}

TEST(RowGroupTest, RefusesDamagedStates) {
  LoadedProgram::Ptr program = sums().load();
  ASSERT_TRUE(program);
  Runner runner(program);
  ASSERT_TRUE(runner.step({{"x", ones(1, 3)}}));
  const std::string state = runner.saveState();
  // Magic, number of machines, then the first machine's rows.
  auto withRow = [&](size_t place, char row) {
    std::string other = state;
    other[16 + 8 * place] = row;
    return other;
  };
  Result<void> twice = runner.restoreState(withRow(1, 0));
  ASSERT_FALSE(twice);
  EXPECT_CONTAINS(twice.message(), "a row occurs twice");
  Result<void> missing = runner.restoreState(withRow(1, 7));
  ASSERT_FALSE(missing);
  EXPECT_CONTAINS(missing.message(), "a row is missing");
  for (size_t size = 0; size < state.size(); size += 7)
    EXPECT_FALSE(runner.restoreState(state.substr(0, size))) << size;
  EXPECT_TRUE(runner.restoreState(state));
}

TEST(RowGroupTest, RefusesRowsWithoutStreams) {
  auto message = [](ProgramBuilder builder) {
    Result<LoadedProgram::Ptr> program =
        LoadedProgram::fromBytes(builder.bytes(), "p.hcgs");
    return program ? std::string() : program.message();
  };
  EXPECT_EQ(message(sums()), "");
  ProgramBuilder more = sums();
  more.meta["rows"] = 3;
  EXPECT_CONTAINS(message(more), "a copy for each of 3 rows");
  ProgramBuilder many = sums();
  many.meta["rows"] = 65;
  EXPECT_CONTAINS(message(many), "an integer 1..64");
  ProgramBuilder beyond = sums();
  beyond.meta["streams"][1]["row"] = 2;
  EXPECT_CONTAINS(message(beyond), "an integer 1..1");
  ProgramBuilder shared = sums();
  for (int stream : {1, 3})
    for (const char *key : {"row", "of"})
      shared.meta["streams"][stream].erase(key);
  EXPECT_CONTAINS(message(shared), "a stream with a copy for each row");
  ProgramBuilder wide = sums();
  wide.meta["streams"][1]["elements"] = 4;
  EXPECT_CONTAINS(message(wide),
                  "one copy, for each row, of a stream of row 0");
  ProgramBuilder ofCopy = sums();
  ofCopy.meta["streams"][1]["of"] = 3;
  EXPECT_CONTAINS(message(ofCopy),
                  "one copy, for each row, of a stream of row 0");
}

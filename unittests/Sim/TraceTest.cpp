// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Traces against the log of the timing, and against the rules of the trace
// event format: what begins ends, slices of a track do not overlap, arrows have
// two ends that lie in slices.
//
#include "hcgs/Sim/Trace.h"
#include "TestProgram.h"
#include "hcgs/Sim/Timing.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <zlib.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

/// Three steps of a pipelined loop: a prologue, T - 1 trips, an epilogue.
static LoadedProgram::Ptr pipelined() {
  std::mt19937 random(1);
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 8).stream("y", "step", "out", 8);
  builder.matrix(makeDense(random, 1, 8, 8, 8, {6}));
  builder.meta["network"] = {{"inputs", json::array()},
                             {"outputs", json::array()},
                             {"values", json::array()}};
  builder.meta["network"]["layers"] = {{{"name", "/net/one/LSTM"}},
                                       {{"name", "/net/two/LSTM"}}};
  builder.set("/queues/load", 1);
  builder.entry("run").code(R"(
    astream a1, stream 0
    astream a2, stream 1
    load v[0], x[a1], n 8
    loop T - 1
      mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
      load v[0], x[a1 + 16], n 8
      load v[100], x[a1 + 16], n 8
      requant v[16], a[0], n 8, shift 1, bits 8
      store x[a2], v[16], n 8
      aadd a1, 16
      aadd a2, 16
    endloop
    mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
    requant v[16], a[0], n 8, shift 1, bits 8
    barrier
    store x[a2], v[16], n 8
    halt
  )");
  builder.debug(4, "node", 0, "W rows 0..7, step t")
      .debug(5, "graph", -1, "load x, step t+1")
      .debug(7, "node", 1, "\"y\" rows 0..7, step t")
      .debug(12, "node", 0, "W rows 0..7, step T-1");
  return builder.load();
}

static json parsed(const Trace &trace) {
  json result = json::parse(trace.bytes, nullptr, false);
  EXPECT_TRUE(result.is_object()) << trace.bytes;
  return result;
}

static json traced(const LoadedProgram &program, int64_t steps,
                   TraceOptions options = {}) {
  Result<Trace> trace = traceRun(program, steps, options);
  EXPECT_TRUE(trace) << trace.message();
  return trace ? parsed(*trace) : json();
}

static std::vector<json> eventsOf(const json &trace, std::string_view phase,
                                  int track = 0) {
  std::vector<json> found;
  for (const json &event : trace["traceEvents"])
    if (event["ph"] == phase && (!track || event["tid"] == track))
      found.push_back(event);
  return found;
}

/// The rules that every trace keeps.
static void checkRules(const json &trace) {
  std::map<int, std::vector<std::pair<uint64_t, uint64_t>>> tracks;
  std::set<int> named;
  std::map<int, std::vector<json>> arrows;
  for (const json &event : trace["traceEvents"]) {
    ASSERT_TRUE(event["pid"] == 1) << event;
    const std::string phase = event["ph"];
    if (phase == "M") {
      if (event["name"] == "thread_name")
        named.insert(event["tid"].get<int>());
      continue;
    }
    ASSERT_TRUE(named.count(event["tid"].get<int>())) << event;
    if (phase == "X") {
      const uint64_t begin = event["ts"], duration = event["dur"];
      EXPECT_GE(duration, 1u) << event;
      EXPECT_FALSE(event["name"].get<std::string>().empty());
      tracks[event["tid"]].push_back({begin, begin + duration});
      continue;
    }
    ASSERT_TRUE(phase == "s" || phase == "f") << event;
    arrows[event["id"]].push_back(event);
  }
  for (auto &[track, slices] : tracks) {
    std::sort(slices.begin(), slices.end());
    for (size_t i = 1; i < slices.size(); ++i)
      EXPECT_LE(slices[i - 1].second, slices[i].first) << "track " << track;
  }
  auto inSlice = [&](const json &event) {
    for (auto [begin, end] : tracks[event["tid"]])
      if (begin <= event["ts"] && event["ts"] < end)
        return true;
    return false;
  };
  for (const auto &[id, ends] : arrows) {
    ASSERT_EQ(ends.size(), 2u) << id;
    EXPECT_EQ(ends[0]["ph"], "s");
    EXPECT_EQ(ends[1]["ph"], "f");
    EXPECT_EQ(ends[1]["bp"], "e");
    EXPECT_EQ(ends[0]["name"], ends[1]["name"]);
    EXPECT_EQ(ends[0]["cat"], ends[1]["cat"]);
    EXPECT_LT(ends[0]["ts"], ends[1]["ts"]);
    EXPECT_TRUE(inSlice(ends[0])) << ends[0];
    EXPECT_TRUE(inSlice(ends[1])) << ends[1];
  }
}

TEST(TraceTest, HasEverySliceOfTheLog) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  const int64_t steps = 3;
  const json trace = traced(*program, steps);
  checkRules(trace);

  std::vector<InstructionTimes> log;
  const TimingResult timing =
      computeTiming(*program, Entry::Run, steps, Registers(),
                    *program->layoutStreams(steps), &log);
  EXPECT_EQ(trace["otherData"]["cycles"], timing.cycles);
  EXPECT_EQ(trace["otherData"]["steps"], steps);

  // Track, pc, begin and duration of each slice that belongs to a unit.
  using Slice = std::tuple<int, size_t, uint64_t, uint64_t>;
  std::vector<Slice> want, found;
  size_t blocked = 0;
  for (const InstructionTimes &times : log) {
    const DecodedInstruction &inst = program->instructions()[times.pc];
    want.push_back({2, times.pc, times.d, 1});
    blocked += times.blockedBy != kNotBlocked;
    if (inst.unit != isa::Unit::Control)
      want.push_back(
          {2 + static_cast<int>(inst.unit), times.pc, times.s, inst.occ});
  }
  for (const json &event : eventsOf(trace, "X"))
    if (event["cat"] != "wait" && event["cat"] != "step")
      found.push_back(
          {event["tid"], event["args"]["pc"], event["ts"], event["dur"]});
  std::sort(want.begin(), want.end());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, want);
  EXPECT_GT(blocked, 0u);
  EXPECT_EQ(eventsOf(trace, "s").size(), blocked);
}

TEST(TraceTest, NamesSlicesByLayerAndStep) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  const json trace = traced(*program, 3);
  const std::vector<json> matrix = eventsOf(trace, "X", 4);
  ASSERT_EQ(matrix.size(), 3u);
  for (size_t step = 0; step < 3; ++step) {
    EXPECT_EQ(matrix[step]["name"], "one/LSTM: W rows 0..7");
    EXPECT_EQ(matrix[step]["cat"], "one/LSTM");
    EXPECT_EQ(matrix[step]["args"]["layer"], "/net/one/LSTM");
    EXPECT_EQ(matrix[step]["args"]["step"], step); // t, t, T-1
  }
  const std::vector<json> vector = eventsOf(trace, "X", 5);
  EXPECT_EQ(vector.at(0)["name"], "two/LSTM: \"y\" rows 0..7");
  // Without a layer, and without a line of the debug map.
  const std::vector<json> load = eventsOf(trace, "X", 3);
  EXPECT_EQ(load.at(1)["name"], "load x");
  EXPECT_EQ(load.at(1)["args"]["step"], 1);
  EXPECT_EQ(load.at(2)["name"], "load");
  EXPECT_FALSE(load.at(2)["args"].contains("step"));
}

TEST(TraceTest, SaysWhatWaitsForWhom) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  const json trace = traced(*program, 3);
  // The last requant reads what the mvm before it writes.
  const json requant = eventsOf(trace, "X", 5).at(2);
  EXPECT_EQ(requant["args"]["blocker"], "one/LSTM: W rows 0..7");
  EXPECT_EQ(requant["args"]["blocker_pc"], 12);
  EXPECT_EQ(requant["args"]["cause"], "raw");
  EXPECT_EQ(requant["args"]["waited"], 19); // occ 16 + fill 3
  EXPECT_EQ(requant["args"]["idle"], 21);
  // The second load of a trip finds the queue of one full; the last store
  // stands behind a barrier.
  size_t queue = 0, barrier = 0;
  for (const json &event : eventsOf(trace, "X", 2)) {
    queue += event["name"] == "queue full: load";
    barrier += event["name"] == "barrier" && event["cat"] == "wait";
  }
  EXPECT_EQ(queue, 2u);
  EXPECT_EQ(barrier, 2u); // barrier and halt
}

TEST(TraceTest, KeepsTheTripsAskedFor) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  const json whole = traced(*program, 6);
  auto select = [&](std::string_view which) {
    Result<TraceSteps> steps = parseTraceSteps(which);
    EXPECT_TRUE(steps);
    const json part = traced(*program, 6, {.steps = *steps});
    checkRules(part);
    std::vector<std::string> names;
    for (const json &slice : eventsOf(part, "X", 1))
      names.push_back(slice["name"]);
    // Slices are those of the whole trace, in the cycles of the whole run.
    for (const json &slice : eventsOf(part, "X"))
      EXPECT_NE(std::find(whole["traceEvents"].begin(),
                          whole["traceEvents"].end(), slice),
                whole["traceEvents"].end())
          << slice;
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(select("2:4"), (Names{"step 2", "step 3"}));
  EXPECT_EQ(select("4:"), (Names{"step 4", "step 5"}));
  EXPECT_EQ(select(":1"), (Names{"step 0"}));
  EXPECT_EQ(select("3"), (Names{"step 3"}));
  EXPECT_EQ(select("5:100"), (Names{"step 5"}));
  // The prologue goes with the first trip, the epilogue is the last.
  EXPECT_EQ(eventsOf(traced(*program, 6, {.steps = {0, 1}}), "X", 3).size(),
            3u);
  EXPECT_EQ(eventsOf(traced(*program, 6, {.steps = {5, 6}}), "X", 4).size(),
            1u);
}

TEST(TraceTest, EndsAfterAWholeTripAtTheLimit) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  // Trips of 8 instructions, the first with the 4 before the loop.
  Result<Trace> trace = traceRun(*program, 10, {.steps = {}, .limit = 29});
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->first, 0);
  EXPECT_EQ(trace->end, 3);
  EXPECT_EQ(trace->leftOut, "holds time steps 0..2 of 0..9: a trace has at "
                            "most 29 instructions; the rest begins at 3:");
  EXPECT_EQ(parsed(*trace)["otherData"]["left_out"], trace->leftOut);
  checkRules(parsed(*trace));
  // Not even one.
  trace = traceRun(*program, 10, {.steps = {4, {}}, .limit = 5});
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->leftOut,
            "holds the beginning of time step 4 of 0..9: a trace has at most "
            "5 instructions");
  EXPECT_EQ(eventsOf(parsed(*trace), "X", 2).size(), 6u); // one after a wait
  checkRules(parsed(*trace));
  // All that was asked for.
  trace = traceRun(*program, 10, {.steps = {4, 5}, .limit = 8});
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->leftOut, "");
}

TEST(TraceTest, WritesTablesAndCompressedEvents) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  Result<Trace> plain = traceRun(*program, 4, {});
  Result<Trace> packed = traceRun(*program, 4, {.form = TraceForm::JsonGz});
  ASSERT_TRUE(plain && packed);
  std::string text(plain->bytes.size(), '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef *>(packed->bytes.data());
  stream.avail_in = static_cast<uInt>(packed->bytes.size());
  stream.next_out = reinterpret_cast<Bytef *>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  EXPECT_EQ(text, plain->bytes);

  Result<Trace> table =
      traceRun(*program, 4, {.form = TraceForm::Text, .steps = {1, 2}});
  ASSERT_TRUE(table);
  EXPECT_EQ(std::count(table->bytes.begin(), table->bytes.end(), '\n'), 9);
  EXPECT_NE(table->bytes.find("     -          -     11  endloop\n"),
            std::string::npos)
      << table->bytes;
}

TEST(TraceTest, StatesTheClockOfTheOperatingPoint) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  const json other =
      traced(*program, 4,
             {.point = OperatingPoint{"slow", 8'000'000, 0.5}})["otherData"];
  EXPECT_EQ(other["clock_hz"], 8'000'000);
  EXPECT_EQ(other["operating_point"], "slow");
  EXPECT_EQ(other["cycle"], "1 us here is 1 cycle, 125 ns at 8 MHz");
  const json usual = traced(*program, 4)["otherData"];
  EXPECT_EQ(usual["clock_hz"], program->target().clockHz);
  EXPECT_FALSE(usual.contains("operating_point"));
}

TEST(TraceTest, RefusesWhatItCannotDo) {
  LoadedProgram::Ptr program = pipelined();
  ASSERT_TRUE(program);
  EXPECT_EQ(traceRun(*program, 4, {.steps = {4, {}}}).message(),
            "time steps '4:': the run has steps 0..3");
  EXPECT_EQ(traceRun(*program, 4, {.steps = {9, 12}}).message(),
            "time steps '9:12': the run has steps 0..3");
  EXPECT_EQ(traceFormOf("a/b.csv").message(),
            "'a/b.csv': a trace ends in .json, .json.gz (Chrome trace events, "
            "for the Perfetto UI) or .txt (a table)");
  EXPECT_EQ(*traceFormOf("-"), TraceForm::Text);
  EXPECT_EQ(*traceFormOf("x.txt"), TraceForm::Text);
  EXPECT_EQ(*traceFormOf("x.json"), TraceForm::Json);
  EXPECT_EQ(*traceFormOf("x.json.gz"), TraceForm::JsonGz);
  for (const char *bad : {"", ":", "a", "1:b", "-1:2", "1-2", "1:2:3", " 1",
                          "99999999999999999999", "9223372036854775807"})
    EXPECT_NE(parseTraceSteps(bad).message().find("write A:B"),
              std::string::npos)
        << bad;
  EXPECT_EQ(parseTraceSteps("7:7").message(),
            "time steps '7:7': there is no step from 7 to before 7; the second "
            "number must be the larger one");
}

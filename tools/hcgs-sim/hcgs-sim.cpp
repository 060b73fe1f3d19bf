// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-sim: runs a program file on the simulated machine.
//
// Exit status: 0 success, 1 bad input or a trap, 2 wrong usage. Output files
// are written last, all or none.
//
#include "hcgs/Sim/Runner.h"
#include "hcgs/Sim/Summary.h"
#include "hcgs/Sim/Trace.h"
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/CommandLine.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/Progress.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;

namespace {
struct Options {
  std::string program, input, output, entry = "run";
  std::optional<std::string> lengths;
  std::string stats, stateIn, stateOut, trace;
  std::optional<std::string> operatingPoint;
  std::optional<std::string> traceSteps;
  TraceOptions tracing; // what the two above mean
  unsigned threads = 1;
  int64_t chunk = 0, steps = 0; // 0: neither is asked for
  bool checked = false, codes = false, summary = false;
};
} // namespace

/// The elements of an array of lengths; `name` says which.
static Result<std::vector<int64_t>> lengthsOf(const NpyArray &array,
                                              const std::string &name) {
  if (isFloat(array.dtype) || array.shape.size() != 1)
    return Error{fmt::format("{}: {} found, lengths must be integers in one "
                             "dimension, one for each row",
                             name, array.describe())};
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < array.elements(); ++i)
    lengths.push_back(array.integer(i));
  if (lengths.empty())
    return Error{
        fmt::format("{}: no lengths found, allowed is one for each row", name)};
  return lengths;
}

/// "7,12,9", or an .npy file with integers.
static Result<std::vector<int64_t>> parseLengths(const std::string &text) {
  std::vector<int64_t> lengths;
  if (text.ends_with(".npy")) {
    Result<NpyArray> array = readNpy(text);
    if (!array)
      return array.takeError();
    return lengthsOf(*array, fmt::format("--lengths '{}'", text));
  }
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    int64_t length = 0;
    auto [last, error] =
        std::from_chars(text.data() + at, text.data() + end, length);
    if (error == std::errc::result_out_of_range)
      return Error{fmt::format("--lengths: {} is more than 64 bits hold",
                               text.substr(at, end - at))};
    if (error != std::errc() || last != text.data() + end)
      return Error{fmt::format("--lengths: '{}' is no number; write numbers "
                               "with commas between them, or an .npy file",
                               text.substr(at, end - at))};
    lengths.push_back(length);
    at = end + 1;
  }
  return lengths;
}

/// The array 'lengths' of an .npz, unless the program has an input of that
/// name.
static Result<std::vector<int64_t>> takeLengths(const LoadedProgram &program,
                                                NpzArrays &inputs,
                                                const std::string &path) {
  for (const TensorInfo &tensor : program.inputs())
    if (tensor.name == "lengths")
      return std::vector<int64_t>();
  auto it = std::find_if(inputs.begin(), inputs.end(), [](const auto &entry) {
    return entry.first == "lengths";
  });
  if (it == inputs.end())
    return std::vector<int64_t>();
  Result<std::vector<int64_t>> lengths =
      lengthsOf(it->second, fmt::format("'{}': array 'lengths'", path));
  inputs.erase(it);
  return lengths;
}

//===----------------------------------------------------------------------===//
// Chunks of a sequence
//===----------------------------------------------------------------------===//

/// Steps [first, first + count) of a tensor along its axis `axis`.
static NpyArray sliceOf(const NpyArray &array, size_t axis, int64_t first,
                        int64_t count) {
  std::vector<int64_t> shape = array.shape;
  shape[axis] = count;
  NpyArray slice(shape, array.dtype);
  size_t inner = sizeOf(array.dtype), outer = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i)
    inner *= static_cast<size_t>(shape[i]);
  for (size_t i = 0; i < axis; ++i)
    outer *= static_cast<size_t>(shape[i]);
  for (size_t i = 0; i < outer; ++i)
    std::memcpy(slice.data.data() + i * count * inner,
                array.data.data() + (i * array.shape[axis] + first) * inner,
                count * inner);
  return slice;
}

/// Puts `slice` into `array` at step `first` along `axis`.
static void putSlice(NpyArray &array, const NpyArray &slice, size_t axis,
                     int64_t first) {
  size_t inner = sizeOf(array.dtype), outer = 1;
  for (size_t i = axis + 1; i < array.shape.size(); ++i)
    inner *= static_cast<size_t>(array.shape[i]);
  for (size_t i = 0; i < axis; ++i)
    outer *= static_cast<size_t>(array.shape[i]);
  const size_t count = static_cast<size_t>(slice.shape[axis]);
  for (size_t i = 0; i < outer; ++i)
    std::memcpy(array.data.data() + (i * array.shape[axis] + first) * inner,
                slice.data.data() + i * count * inner, count * inner);
}

/// Feeds `step` with chunks of `chunk` frames and joins the outputs along time;
/// an output without a time axis is that of the last chunk.
static Result<RunResult> stepInChunks(Runner &runner, const NpzArrays &inputs,
                                      const RunOptions &options,
                                      int64_t chunk) {
  const LoadedProgram &program = runner.program();
  const bool single = program.inputs().size() == 1 && inputs.size() == 1 &&
                      inputs.front().first.empty();
  // The time axis of each array, by its position; and the number of steps.
  std::vector<std::optional<size_t>> axes;
  int64_t steps = 0;
  for (const auto &[name, array] : inputs) {
    axes.emplace_back();
    for (const TensorInfo &tensor : program.inputs())
      if (single || tensor.name == name)
        axes.back() = tensor.find(AxisKind::Time);
    if (axes.back() && *axes.back() >= array.shape.size())
      return Error{fmt::format("input '{}': shape {} has no time axis", name,
                               describeShape(array.shape))};
    if (axes.back())
      steps = std::max(steps, array.shape[*axes.back()]);
  }
  if (steps == 0 || chunk >= steps)
    return runner.step(inputs, options);
  if (!options.lengths.empty())
    return Error{"--chunk and lengths exclude each other: all rows of a chunk "
                 "must have its frames"};

  RunResult result;
  for (int64_t first = 0; first < steps; first += chunk) {
    const int64_t count = std::min(chunk, steps - first);
    NpzArrays part;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto &[name, array] = inputs[i];
      if (!axes[i]) {
        part.emplace_back(name, array);
        continue;
      }
      if (array.shape[*axes[i]] != steps)
        return Error{fmt::format("input '{}' has {} time steps, another {}",
                                 name, array.shape[*axes[i]], steps)};
      part.emplace_back(name, sliceOf(array, *axes[i], first, count));
    }
    Result<RunResult> done = runner.step(part, options);
    if (!done)
      return done.takeError().at(
          fmt::format("frames {}..{}", first, first + count - 1));
    result.statistics += done->statistics;
    if (result.outputs.empty())
      for (const auto &[name, array] : done->outputs)
        result.outputs.emplace_back(name, array);
    for (size_t i = 0; i < done->outputs.size(); ++i) {
      auto &[name, whole] = result.outputs[i];
      const NpyArray &piece = done->outputs[i].second;
      std::optional<size_t> axis;
      for (const TensorInfo &tensor : program.outputs())
        if (tensor.name == name)
          axis = tensor.find(AxisKind::Time);
      if (!axis) {
        whole = piece;
        continue;
      }
      if (first == 0) {
        std::vector<int64_t> shape = piece.shape;
        shape[*axis] = steps;
        whole = NpyArray(shape, piece.dtype);
      }
      putSlice(whole, piece, *axis, first);
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static Result<std::string> encodeOutputs(const NpzArrays &outputs,
                                         const std::string &path) {
  if (path.ends_with(".npz"))
    return encodeNpz(outputs);
  if (outputs.size() == 1)
    return encodeNpy(outputs.front().second);
  std::string names;
  for (const auto &output : outputs)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", output.first);
  return Error{fmt::format("'{}': the program has {} outputs ({}); write to an "
                           ".npz file",
                           path, outputs.size(), names)};
}

/// An error if one of the files could not be written, found out before a long
/// run instead of after it. Leaves nothing behind.
static Result<void> checkWritable(const std::vector<std::string> &paths) {
  AtomicFileGroup probe;
  for (const std::string &path : paths)
    if (!path.empty() && path != "-")
      if (Result<void> staged = probe.stage(path, ""); !staged)
        return staged;
  return {};
}

/// Time steps of the first row; nothing if the inputs are none that a run
/// takes: it says what is wrong with them.
static std::optional<int64_t> firstRowSteps(const LoadedProgram &program,
                                            const NpzArrays &inputs,
                                            const RunOptions &run) {
  int64_t steps = program.fixedTime().value_or(1);
  bool found = false;
  for (const TensorInfo &tensor : program.inputs())
    if (std::optional<size_t> axis = tensor.find(AxisKind::Time))
      for (const auto &[name, array] : inputs)
        if (!found && (name == tensor.name || name.empty())) {
          if (*axis >= array.shape.size())
            return std::nullopt;
          steps = array.shape[*axis];
          found = true;
        }
  if (run.lengths.empty())
    return steps;
  const int64_t length = run.lengths.front();
  return length >= 0 && length <= steps ? std::optional(length) : std::nullopt;
}

/// The trace of the run that is about to be, which depends on the lengths of
/// its inputs only: what cannot be traced is known before a long run. With
/// `timed` there are no inputs, but so many steps.
static Result<Trace> traceAhead(const LoadedProgram &program,
                                const NpzArrays &inputs, const RunOptions &run,
                                int64_t timed, const TraceOptions &tracing) {
  const std::optional<int64_t> steps =
      timed > 0 ? timed : firstRowSteps(program, inputs, run);
  if (!steps || !program.hasEntry(Entry::Run) ||
      *steps != program.fixedTime().value_or(*steps))
    return Trace(); // the run will be refused
  Result<Trace> trace = traceRun(program, *steps, tracing);
  if (!trace)
    return trace.takeError().at("--trace");
  return trace;
}

static Result<void> simulate(const Options &options) {
  const std::vector<std::string> written = {options.output, options.stats,
                                            options.trace, options.stateOut};
  if (Result<void> checked = checkOutputPaths(
          written, {options.program, options.input,
                    options.lengths.value_or(""), options.stateIn});
      !checked)
    return checked;
  Result<LoadedProgram::Ptr> program = LoadedProgram::load(options.program);
  if (!program)
    return program.takeError();
  Result<OperatingPoint> point =
      chooseOperatingPoint((*program)->target(), options.operatingPoint);
  if (!point)
    return point.takeError().at("--operating-point");

  NpzArrays inputs;
  RunOptions run;
  if (!options.input.empty()) {
    Result<NpzArrays> read = readNpyOrNpz(options.input);
    if (!read)
      return read.takeError();
    inputs = std::move(*read);
    Result<std::vector<int64_t>> lengths =
        takeLengths(**program, inputs, options.input);
    if (!lengths)
      return lengths.takeError();
    if (!lengths->empty() && options.lengths)
      return Error{fmt::format("'{}' has an array 'lengths' and --lengths is "
                               "given; allowed is one of them",
                               options.input)};
    run.lengths = std::move(*lengths);
  }
  if (options.lengths) {
    Result<std::vector<int64_t>> lengths = parseLengths(*options.lengths);
    if (!lengths)
      return lengths.takeError();
    run.lengths = std::move(*lengths);
  }
  if (Result<void> checked = checkWritable(written); !checked)
    return checked;
  run.codes = options.codes;
  run.checked = options.checked;
  run.threads = options.threads;
  Progress progress("rows", 0);
  run.rowDone = [&] { progress.advance(); };

  Runner runner(*program);
  if (!options.stateIn.empty()) {
    Result<MappedFile> state = MappedFile::open(options.stateIn);
    if (!state)
      return state.takeError();
    if (Result<void> restored = runner.restoreState(state->bytes()); !restored)
      return restored.takeError().at(fmt::format("'{}'", options.stateIn));
  }

  Trace trace;
  if (!options.trace.empty()) {
    TraceOptions tracing = options.tracing;
    tracing.point = *point;
    Result<Trace> made =
        traceAhead(**program, inputs, run, options.steps, tracing);
    if (!made)
      return made.takeError();
    trace = std::move(*made);
  }

  RunResult result;
  if (options.steps > 0) {
    Result<Statistics> done = timeRun(*program, options.steps);
    if (!done)
      return done.takeError().at("--steps");
    result.statistics = std::move(*done);
  } else if (options.entry == "reset") {
    Result<Statistics> done = runner.reset(inputs, run);
    if (!done)
      return done.takeError();
    result.statistics = std::move(*done);
  } else {
    Result<RunResult> done =
        options.entry == "run" ? runner.run(inputs, run)
        : options.chunk > 0 ? stepInChunks(runner, inputs, run, options.chunk)
                            : runner.step(inputs, run);
    if (!done)
      return done.takeError();
    result = std::move(*done);
  }

  if (Result<void> set = result.statistics.setOperatingPoint(point->name); !set)
    return set;

  AtomicFileGroup files;
  if (!options.output.empty()) {
    Result<std::string> bytes = encodeOutputs(result.outputs, options.output);
    if (!bytes)
      return bytes.takeError();
    if (Result<void> staged = files.stage(options.output, *bytes); !staged)
      return staged;
  }
  if (!options.stateOut.empty())
    if (Result<void> staged = files.stage(options.stateOut, runner.saveState());
        !staged)
      return staged;
  std::string stats;
  if (!options.stats.empty())
    stats = result.statistics.toJson().dump(2) + "\n";
  if (!options.stats.empty() && options.stats != "-")
    if (Result<void> staged = files.stage(options.stats, stats); !staged)
      return staged;
  if (!options.trace.empty() && options.trace != "-")
    if (Result<void> staged = files.stage(options.trace, trace.bytes); !staged)
      return staged;
  if (Result<void> done = files.commit(); !done)
    return done;
  if (!trace.leftOut.empty())
    fmt::print(stderr, "hcgs-sim: note: '{}' {}\n", options.trace,
               trace.leftOut);
  if (options.summary)
    if (Result<void> done =
            writeStandardOutput(summaryText(**program, result.statistics));
        !done)
      return done;
  if (options.stats == "-")
    if (Result<void> done = writeStandardOutput(stats); !done)
      return done;
  if (options.trace == "-")
    return writeStandardOutput(trace.bytes);
  return {};
}

/// Refuses what would have no effect, rather than pass over it.
static void checkUsage(const Options &options, const CLI::App &app) {
  auto refuse = [](std::string message) {
    throw CLI::ValidationError(std::move(message));
  };
  if (options.entry == "run" &&
      (!options.stateIn.empty() || !options.stateOut.empty()))
    refuse("--entry run has no state to go on from; use --entry step with "
           "--state-in and --state-out");
  if (options.chunk > 0 && options.entry != "step")
    refuse("--chunk needs --entry step");
  if (!options.trace.empty() && options.entry != "run")
    refuse("--trace needs --entry run");
  if (options.traceSteps && options.trace.empty())
    refuse("--trace-steps needs --trace");
  if (options.summary + (options.stats == "-") + (options.trace == "-") > 1)
    refuse("--summary, --stats - and --trace - all go to standard output; name "
           "a file for all but one");
  if (options.entry == "reset") {
    for (const char *name :
         {"--output", "--lengths", "--threads", "--state-in", "--steps"})
      if (app.count(name) > 0)
        refuse(fmt::format("{} has no effect with --entry reset, which takes "
                           "no frames and forgets the state",
                           name));
    if (options.stateOut.empty() && options.stats.empty() && !options.summary)
      refuse("--entry reset has no effect without --state-out or --stats");
    return;
  }
  if (options.steps > 0)
    for (const char *name :
         {"--input", "--output", "--lengths", "--codes", "--checked",
          "--threads", "--chunk", "--state-in", "--state-out"})
      if (app.count(name) > 0)
        refuse(fmt::format("{} has no effect with --steps, which counts the "
                           "cycles of a run without data; leave one of them "
                           "out",
                           name));
  if (options.steps > 0 && options.entry != "run")
    refuse("--steps needs --entry run");
  if (options.steps > 0 && options.stats.empty() && options.trace.empty() &&
      !options.summary)
    refuse("--steps has no effect without --summary, --stats or --trace");
  for (const char *name : {"--input", "--output", "--stats", "--trace",
                           "--state-in", "--state-out"})
    if (app.count(name) > 0 && app.get_option(name)->as<std::string>().empty())
      refuse(fmt::format("{}: the name of the file is empty", name));
  if (options.output.empty() && options.stats.empty() &&
      options.trace.empty() && options.stateOut.empty() && !options.summary)
    refuse("--output is missing; say where the outputs go, or ask for "
           "--summary or --stats");
}

/// What the name of the trace's file and --trace-steps ask for.
static void readTraceOptions(Options &options) {
  auto refuse = [](std::string message) {
    throw CLI::ValidationError(std::move(message));
  };
  if (options.trace.empty())
    return;
  Result<TraceForm> form = traceFormOf(options.trace);
  if (!form)
    refuse("--trace: " + form.message());
  options.tracing.form = *form;
  if (!options.traceSteps)
    return;
  Result<TraceSteps> steps = parseTraceSteps(*options.traceSteps);
  if (!steps)
    refuse("--trace-steps: " + steps.message());
  options.tracing.steps = *steps;
}

/// Accepts whole numbers from `least` to `most`; `called` is how the help shows
/// that.
static CLI::Validator wholeNumber(int64_t least, std::optional<int64_t> most,
                                  std::string called) {
  auto check = [=](const std::string &text) -> std::string {
    int64_t number = 0;
    const char *end = text.data() + text.size();
    auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || last != end)
      return fmt::format("'{}' found; a whole number is allowed", text);
    if (number >= least && (!most || number <= *most))
      return "";
    return most
               ? fmt::format("{} found; {} to {} are allowed", number, least,
                             *most)
               : fmt::format("{} found; at least {} is allowed", number, least);
  };
  return CLI::Validator(check, std::move(called));
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Runs an hcgs program file on the simulated machine: bit-exact "
               "results, exact cycles.",
               "hcgs-sim");
  app.set_version_flag("--version", "hcgs-sim " HCGS_VERSION);
  app.footer(
      "Files: an .npy holds the one tensor of a program that has one; an .npz "
      "holds\ntensors by their ONNX names, and may hold 'lengths', the time "
      "steps of each row.\nValues must be finite; those outside the format of "
      "an input saturate.\n\nExit status: 0 success, 1 bad input or a trap, 2 "
      "wrong usage.");
  app.add_option("program", options.program, "Program file")
      ->required()
      ->type_name("PROGRAM");
  app.add_option("--input", options.input, "Input tensors")
      ->type_name("FILE.npy|npz");
  app.add_option("--output", options.output, "Where the outputs go")
      ->type_name("FILE.npy|npz");
  app.add_option("--entry", options.entry,
                 "run: whole sequences from initial states; step: go on from "
                 "the state; reset: only set the initial states")
      ->check(CLI::IsMember({"run", "step", "reset"}))
      ->type_name("ENTRY")
      ->capture_default_str();
  app.add_option("--lengths", options.lengths,
                 "Time steps of each row: numbers with commas between them, or "
                 "integers in a file")
      ->type_name("N,...|FILE.npy");
  app.add_option("--steps", options.steps,
                 "Count the cycles of a run of N time steps, which do not "
                 "depend on data, instead of computing one: for --summary, "
                 "--stats and --trace without --input")
      ->check(wholeNumber(1, std::nullopt, "POSITIVE"))
      ->type_name("N");
  app.add_option("--chunk", options.chunk,
                 "With --entry step: feed so many frames a call")
      ->check(wholeNumber(1, std::nullopt, "POSITIVE"))
      ->type_name("N");
  app.add_flag("--codes", options.codes,
               "Integer codes in and out instead of floats");
  app.add_flag("--checked", options.checked,
               "Trap reads of what nothing has written and sums that leave 32 "
               "bits");
  app.add_option("--stats", options.stats,
                 "Write cycles, stalls, traffic and saturations as JSON; - is "
                 "standard output")
      ->type_name("FILE.json");
  app.add_flag("--summary", options.summary,
               "Print tables: cycles and where they went, by unit and layer, "
               "and which part of the machine bounds them");
  app.add_option(
         "--operating-point", options.operatingPoint,
         "Times, traces and energies at this clock and voltage of the target "
         "instead of its first")
      ->type_name("NAME");
  app.add_option("--threads", options.threads, "Rows run side by side")
      ->check(wholeNumber(1, 1024, "INT in [1 - 1024]"))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--state-in", options.stateIn,
                 "With --entry step: a state to go on from")
      ->type_name("FILE");
  app.add_option("--state-out", options.stateOut,
                 "With --entry step or reset: where the state goes")
      ->type_name("FILE");
  app.add_option(
         "--trace", options.trace,
         "With --entry run: write when each instruction of the first "
         "row is dispatched, taken and finished, and what it waits for: "
         "as Chrome trace events for the Perfetto UI, or as a table; - "
         "is the table on standard output")
      ->type_name("FILE.json|json.gz|txt");
  app.add_option("--trace-steps", options.traceSteps,
                 "With --trace: only the trips A to B-1 through the loop over "
                 "time steps; A: goes on to the end, A is one")
      ->type_name("A:B");
  try {
    app.parse(commandLine(app, argc, argv));
    checkUsage(options, app);
    readTraceOptions(options);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    fmt::print(stderr, "hcgs-sim: error: {}\n", error.what());
    fmt::print(stderr, "run hcgs-sim --help for the options\n");
    return 2;
  }
  try {
    if (Result<void> done = simulate(options); !done) {
      fmt::print(stderr, "hcgs-sim: error: {}\n", done.message());
      return 1;
    }
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "hcgs-sim: error: '{}': there is not enough memory\n",
               options.program);
    return 1;
  }
  return 0;
}

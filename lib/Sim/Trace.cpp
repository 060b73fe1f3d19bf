// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The events are written as text one after the other; nothing but the log of
// the timing, the text itself and a few strings an instruction is held.
//
#include "hcgs/Sim/Trace.h"
#include "LayerNames.h"
#include "hcgs/Sim/Statistics.h"
#include "hcgs/Sim/Timing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include <zlib.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

/// The log of a run takes 56 bytes an executed instruction.
static constexpr uint64_t kMostLogged = 20'000'000;

//===----------------------------------------------------------------------===//
// What is asked for
//===----------------------------------------------------------------------===//

Result<TraceForm> sim::traceFormOf(std::string_view path) {
  if (path == "-" || path.ends_with(".txt"))
    return TraceForm::Text;
  if (path.ends_with(".json"))
    return TraceForm::Json;
  if (path.ends_with(".json.gz"))
    return TraceForm::JsonGz;
  return Error{
      fmt::format("'{}': a trace ends in .json, .json.gz (Chrome trace "
                  "events, for the Perfetto UI) or .txt (a table)",
                  path)};
}

Result<TraceSteps> sim::parseTraceSteps(std::string_view text) {
  const Error bad{fmt::format(
      "time steps '{}': write A:B for the time steps A to B-1, A: for all "
      "from A on, :B for those before B, or A for one",
      text)};
  auto number = [&](std::string_view digits) -> std::optional<int64_t> {
    int64_t value = 0;
    auto [last, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || last != digits.data() + digits.size() ||
        value < 0)
      return std::nullopt;
    return value;
  };
  TraceSteps steps;
  const size_t colon = text.find(':');
  const std::string_view first = text.substr(0, colon);
  if (colon == std::string_view::npos) {
    std::optional<int64_t> only = number(first);
    if (!only || *only == std::numeric_limits<int64_t>::max())
      return bad;
    return TraceSteps{*only, *only + 1};
  }
  if (!first.empty()) {
    std::optional<int64_t> begin = number(first);
    if (!begin)
      return bad;
    steps.first = *begin;
  }
  if (colon + 1 < text.size()) {
    steps.end = number(text.substr(colon + 1));
    if (!steps.end)
      return bad;
    if (*steps.end <= steps.first)
      return Error{fmt::format("time steps '{}': there is no step from {} to "
                               "before {}; the second number must be the "
                               "larger one",
                               text, steps.first, *steps.end)};
  } else if (first.empty()) {
    return bad;
  }
  return steps;
}

//===----------------------------------------------------------------------===//
// Trips through the loop over time
//===----------------------------------------------------------------------===//

/// The trip of each executed instruction. A loop over time is an outermost one
/// whose trips depend on the length, without a cap. What stands before it
/// counts as its first trip. Behind a pipelined one stands what its last trips
/// would have been, had there been frames for all they do: each in a loop that
/// runs once if T > k, which is trip T - 1 - k, and the last one in no loop.
static std::vector<uint32_t> tripsOf(const LoadedProgram &program,
                                     const std::vector<InstructionTimes> &log,
                                     int64_t steps) {
  std::vector<uint32_t> trips(log.size());
  const int64_t last = std::max<int64_t>(1, steps) - 1;
  size_t depth = 0;
  bool inside = false, behind = false; // a loop over time
  int64_t trip = 0;
  for (size_t i = 0; i < log.size(); ++i) {
    const DecodedInstruction &inst = program.instructions()[log[i].pc];
    // A body is never empty: falling through enters a loop or leaves it.
    const bool falls = i + 1 < log.size() && log[i + 1].pc == log[i].pc + 1;
    if (inst.opcode == isa::Opcode::Loop && depth == 0 && inst.seq) {
      if (inst.lo == 0) {
        trip = 0;
        inside = falls;
        behind = !falls;
      } else if (behind && falls) {
        trip = std::max<int64_t>(trip, last + inst.value);
      }
    }
    trips[i] = static_cast<uint32_t>(std::min(trip, last));
    if (inst.opcode == isa::Opcode::Loop) {
      depth += falls;
    } else if (inst.opcode == isa::Opcode::EndLoop) {
      if (depth == 1 && (inside || (behind && falls)))
        ++trip;
      if (falls && --depth == 0 && inside) {
        inside = false;
        behind = true;
      }
    }
  }
  return trips;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {
/// What is the same each time that an instruction is executed, as JSON.
struct Words {
  std::string name;     // of the slice, with quotes
  std::string category; // with quotes
  std::string args;     // "pc":1,"asm":"...","layer":"..."
  /// The time step in the debug map: a number after `origin`, where 't' is the
  /// trip, 'T' the length, '0' nothing.
  std::optional<char> origin;
  int64_t offset = 0;
};
} // namespace

static std::string quoted(const std::string &text) {
  return json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                         json::error_handler_t::replace);
}

/// Takes ", step t+1" from the end of `what`.
static void splitStep(std::string &what, Words &words) {
  static constexpr std::string_view kMark = ", step ";
  const size_t at = what.rfind(kMark);
  if (at == std::string::npos)
    return;
  std::string_view step = std::string_view(what).substr(at + kMark.size());
  char origin = '0';
  if (step.starts_with('t') || step.starts_with('T')) {
    origin = step.front();
    step.remove_prefix(1);
    if (step.starts_with('+'))
      step.remove_prefix(1);
  } else if (step.empty()) {
    return;
  }
  int64_t offset = 0;
  auto [last, error] =
      std::from_chars(step.data(), step.data() + step.size(), offset);
  if (!step.empty() &&
      (error != std::errc() || last != step.data() + step.size()))
    return;
  words.origin = origin;
  words.offset = offset;
  what.resize(at);
}

static std::vector<Words> wordsOf(const LoadedProgram &program) {
  const LayerNames layers(program);
  std::vector<Words> result(program.instructions().size());
  for (size_t pc = 0; pc < result.size(); ++pc) {
    Words &words = result[pc];
    DebugInfo info = program.debug(pc);
    splitStep(info.what, words);
    std::string name = info.what;
    if (name.empty())
      name = isa::getInfo(program.instructions()[pc].opcode).mnemonic;
    const std::string brief = layers.brief(info.layer);
    words.name = quoted(brief.empty() ? name : brief + ": " + name);
    words.category = quoted(brief.empty() ? "network" : brief);
    words.args =
        fmt::format("\"pc\":{},\"asm\":{}", pc, quoted(program.text(pc)));
    if (!brief.empty())
      words.args +=
          fmt::format(",\"layer\":{}", quoted(layers.full(info.layer)));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

namespace {
constexpr int kProcess = 1;
enum Track { kSteps = 1, kDispatch = 2, kFirstUnit = 3 };

/// Writes the trace event format: one object with the list `traceEvents`.
class EventWriter {
public:
  EventWriter(const LoadedProgram &program, OperatingPoint point, int64_t steps,
              uint64_t cycles)
      : program(program), point(std::move(point)), words(wordsOf(program)),
        steps(steps), cycles(cycles) {}

  std::string write(const std::vector<InstructionTimes> &log,
                    const std::vector<uint32_t> &trips,
                    const std::vector<bool> &kept, const Trace &trace);

private:
  void begin(const Trace &trace);
  void nameTrack(int track, std::string_view name);
  void dispatched(const InstructionTimes &times, uint64_t previous);
  void occupied(const InstructionTimes &times, uint32_t trip, uint64_t free,
                const InstructionTimes *blocker);
  void arrow(const InstructionTimes &from, const InstructionTimes &to);

  int trackOf(size_t pc) const {
    return kFirstUnit + static_cast<int>(program.instructions()[pc].unit) - 1;
  }
  /// Begins a new event with this text.
  template <typename... Args>
  void event(fmt::format_string<Args...> format, Args &&...args) {
    text += first ? "\n" : ",\n";
    first = false;
    add(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(text), format,
                   std::forward<Args>(args)...);
  }

  const LoadedProgram &program;
  OperatingPoint point;
  std::vector<Words> words;
  int64_t steps;
  uint64_t cycles;
  std::string text;
  bool first = true;
  uint64_t arrows = 0;
};
} // namespace

static std::string hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

void EventWriter::nameTrack(int track, std::string_view name) {
  event("{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{},\"tid\":{},"
        "\"args\":{{\"name\":\"{}\"}}}}",
        kProcess, track, name);
  event("{{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":{},\"tid\":{},"
        "\"args\":{{\"sort_index\":{}}}}}",
        kProcess, track, track);
}

void EventWriter::begin(const Trace &trace) {
  const TargetModel &target = program.target();
  const double nanoseconds = point.hz ? 1e9 / static_cast<double>(point.hz) : 0;
  const std::string cycle =
      fmt::format("1 us here is 1 cycle, {:.6g} ns at {:.6g} MHz", nanoseconds,
                  static_cast<double>(point.hz) / 1e6);
  json other = {{"program", hex(program.digest())},
                {"target", target.name},
                {"clock_hz", point.hz},
                {"cycle", cycle},
                {"steps", steps},
                {"cycles", cycles},
                {"first_step", trace.first},
                {"end_step", trace.end}};
  if (!point.name.empty())
    other["operating_point"] = point.name;
  if (!trace.leftOut.empty())
    other["left_out"] = trace.leftOut;
  text = "{\"displayTimeUnit\":\"ns\",\"otherData\":" +
         other.dump(-1, ' ', false, json::error_handler_t::replace) +
         ",\n\"traceEvents\":[";
  std::string model = "program";
  const json &metadata = program.metadata();
  if (auto it = metadata.find("model"); it != metadata.end() && it->is_object())
    if (auto name = it->find("name"); name != it->end() && name->is_string() &&
                                      !name->get<std::string>().empty())
      model = name->get<std::string>();
  event("{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{},\"tid\":0,"
        "\"args\":{{\"name\":{}}}}}",
        kProcess,
        quoted(fmt::format("{} on {} ({})", model, target.name, cycle)));
  nameTrack(kSteps, "time steps");
  nameTrack(kDispatch, "dispatch");
  for (size_t u = 0; u < kNumUnits; ++u)
    nameTrack(kFirstUnit + static_cast<int>(u), unitName(u));
}

/// One cycle on the track of dispatch, after what it waited for. `previous` is
/// the first cycle in which it could have been dispatched.
void EventWriter::dispatched(const InstructionTimes &times, uint64_t previous) {
  const DecodedInstruction &inst = program.instructions()[times.pc];
  const bool control = inst.unit == isa::Unit::Control;
  if (times.d > previous)
    event("{{\"ph\":\"X\",\"name\":\"{}\",\"cat\":\"wait\",\"pid\":{},"
          "\"tid\":{},\"ts\":{},\"dur\":{},\"args\":{{\"pc\":{}}}}}",
          control ? std::string("barrier")
                  : fmt::format("queue full: {}",
                                unitName(static_cast<size_t>(inst.unit) - 1)),
          kProcess, static_cast<int>(kDispatch), previous, times.d - previous,
          times.pc);
  event("{{\"ph\":\"X\",\"name\":\"{}\",\"cat\":\"dispatch\",\"pid\":{},"
        "\"tid\":{},\"ts\":{},\"dur\":1,\"args\":{{{}}}}}",
        isa::getInfo(inst.opcode).mnemonic, kProcess,
        static_cast<int>(kDispatch), times.d,
        control ? words[times.pc].args : fmt::format("\"pc\":{}", times.pc));
}

/// A slice of a unit whose last occupation ended in cycle `free`.
void EventWriter::occupied(const InstructionTimes &times, uint32_t trip,
                           uint64_t free, const InstructionTimes *blocker) {
  const Words &word = words[times.pc];
  event("{{\"ph\":\"X\",\"name\":{},\"cat\":{},\"pid\":{},\"tid\":{},"
        "\"ts\":{},\"dur\":{},\"args\":{{{}",
        word.name, word.category, kProcess, trackOf(times.pc), times.s,
        program.instructions()[times.pc].occ, word.args);
  if (word.origin)
    add(",\"step\":{}", word.offset + (*word.origin == 't'   ? trip
                                       : *word.origin == 'T' ? steps
                                                             : 0));
  add(",\"dispatched\":{},\"taken\":{},\"finished\":{}", times.d, times.s,
      times.finish);
  if (times.s > free)
    add(",\"idle\":{},\"cause\":\"{}\"", times.s - free,
        infoOf(times.cause).name);
  if (blocker)
    add(",\"waited\":{},\"blocker\":{},\"blocker_pc\":{}",
        times.s - std::max(free, times.d + 1), words[blocker->pc].name,
        blocker->pc);
  text += "}}";
}

/// From the last cycle of a unit's slice to the first of what waited for it:
/// the slice of another instruction, or of a barrier's dispatch.
void EventWriter::arrow(const InstructionTimes &from,
                        const InstructionTimes &to) {
  const bool control = program.instructions()[to.pc].unit == isa::Unit::Control;
  const uint64_t number = ++arrows;
  event("{{\"ph\":\"s\",\"name\":\"waits\",\"cat\":\"dependence\","
        "\"id\":{},\"pid\":{},\"tid\":{},\"ts\":{}}}",
        number, kProcess, trackOf(from.pc),
        from.s + std::max<uint64_t>(1, program.instructions()[from.pc].occ) -
            1);
  event("{{\"ph\":\"f\",\"bp\":\"e\",\"name\":\"waits\","
        "\"cat\":\"dependence\",\"id\":{},\"pid\":{},\"tid\":{},"
        "\"ts\":{}}}",
        number, kProcess,
        control ? static_cast<int>(kDispatch) : trackOf(to.pc),
        control ? to.d : to.s);
}

std::string EventWriter::write(const std::vector<InstructionTimes> &log,
                               const std::vector<uint32_t> &trips,
                               const std::vector<bool> &kept,
                               const Trace &trace) {
  begin(trace);
  for (size_t i = 0; i < log.size();) {
    size_t next = i + 1;
    while (next < log.size() && trips[next] == trips[i])
      ++next;
    const uint64_t end = next < log.size() ? log[next].d : cycles;
    if (kept[i])
      event("{{\"ph\":\"X\",\"name\":\"step {}\",\"cat\":\"step\",\"pid\":{},"
            "\"tid\":{},\"ts\":{},\"dur\":{}}}",
            trips[i], kProcess, static_cast<int>(kSteps), log[i].d,
            end - log[i].d);
    i = next;
  }
  std::array<uint64_t, kNumUnits> free{}; // end of the unit's occupation
  for (size_t i = 0; i < log.size(); ++i) {
    const InstructionTimes &times = log[i];
    const DecodedInstruction &inst = program.instructions()[times.pc];
    const InstructionTimes *blocker =
        times.blockedBy < i ? &log[times.blockedBy] : nullptr;
    if (kept[i])
      dispatched(times, i ? log[i - 1].d + 1 : 0);
    if (inst.unit != isa::Unit::Control) {
      uint64_t &unitFree = free[static_cast<size_t>(inst.unit) - 1];
      if (kept[i])
        occupied(times, trips[i], unitFree, blocker);
      unitFree = times.s + inst.occ;
    }
    if (kept[i] && blocker && kept[times.blockedBy])
      arrow(*blocker, times);
  }
  text += "\n]}\n";
  return std::move(text);
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

static std::string writeTable(const LoadedProgram &program,
                              const std::vector<InstructionTimes> &log,
                              const std::vector<bool> &kept) {
  std::string text = fmt::format("{:>10} {:>10} {:>10} {:>6}  {}\n", "dispatch",
                                 "take", "finish", "pc", "instruction");
  for (size_t i = 0; i < log.size(); ++i) {
    const InstructionTimes &times = log[i];
    if (!kept[i])
      continue;
    const bool control =
        program.instructions()[times.pc].unit == isa::Unit::Control;
    text += control ? fmt::format("{:>10} {:>10} {:>10} {:>6}  {}\n", times.d,
                                  "-", "-", times.pc, program.text(times.pc))
                    : fmt::format("{:>10} {:>10} {:>10} {:>6}  {}\n", times.d,
                                  times.s, times.finish, times.pc,
                                  program.text(times.pc));
  }
  return text;
}

/// A gzip file without a name or a time, so that equal traces are equal files.
static Result<std::string> gzip(const std::string &text) {
  z_stream stream{};
  static constexpr size_t kMost = std::numeric_limits<uInt>::max();
  const Error tooLong{fmt::format(
      "the trace has {} bytes, too many to compress at once; trace fewer steps",
      text.size())};
  if (text.size() > kMost)
    return tooLong;
  static constexpr int kGzip = 15 + 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return Error{"the trace cannot be compressed: out of memory"};
  // What does not fit the bound of such a length does not end below.
  std::string packed(
      std::min<size_t>(deflateBound(&stream, text.size()), kMost), '\0');
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef *>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int done = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END)
    return tooLong;
  return packed;
}

/// Marks the instructions to keep and fills in what `trace` says of them.
static std::vector<bool> chooseKept(const std::vector<uint32_t> &trips,
                                    int64_t steps, const TraceOptions &options,
                                    Trace &trace) {
  trace.first = options.steps.first;
  const int64_t wanted = std::min(options.steps.end.value_or(steps), steps);
  std::vector<size_t> counts(static_cast<size_t>(std::max<int64_t>(1, steps)));
  for (uint32_t trip : trips)
    ++counts[trip];
  size_t sum = 0;
  trace.end = trace.first;
  while (trace.end < wanted &&
         sum + counts[static_cast<size_t>(trace.end)] <= options.limit)
    sum += counts[static_cast<size_t>(trace.end++)];
  const bool cut = trace.end == trace.first;
  if (cut)
    ++trace.end;

  std::vector<bool> kept(trips.size());
  size_t left = options.limit;
  for (size_t i = 0; i < trips.size(); ++i)
    if (trips[i] >= trace.first && trips[i] < trace.end && left > 0) {
      kept[i] = true;
      --left;
    }
  const std::string most =
      fmt::format("a trace has at most {} instructions", options.limit);
  if (cut)
    trace.leftOut = fmt::format("holds the beginning of time step {} of 0..{}: "
                                "{}",
                                trace.first, steps - 1, most);
  else if (trace.end < wanted)
    trace.leftOut = fmt::format(
        "holds time steps {}..{} of 0..{}: {}; the rest begins at {}:",
        trace.first, trace.end - 1, steps - 1, most, trace.end);
  return kept;
}

Result<Trace> sim::traceRun(const LoadedProgram &program, int64_t steps,
                            const TraceOptions &options) {
  if (options.steps.first >= std::max<int64_t>(1, steps))
    return Error{fmt::format(
        "time steps '{}:{}': the run has steps 0..{}", options.steps.first,
        options.steps.end ? std::to_string(*options.steps.end) : "",
        steps - 1)};
  Result<StreamLayout> layout = layoutRun(program, steps);
  if (!layout)
    return layout.takeError();
  // Counting is quick, however long the run; the log is not.
  uint64_t executed = 0;
  for (uint64_t count :
       program.timing(Entry::Run, steps, Registers(), *layout)->executed)
    executed += count;
  if (executed > kMostLogged)
    return Error{fmt::format(
        "the run executes {} instructions, more than the {} of which a trace "
        "can be made; trace a shorter sequence: the steady state "
        "is the same",
        executed, kMostLogged)};
  std::vector<InstructionTimes> log;
  const TimingResult timing =
      computeTiming(program, Entry::Run, steps, Registers(), *layout, &log);
  Trace trace;
  const std::vector<uint32_t> trips = tripsOf(program, log, steps);
  const std::vector<bool> kept = chooseKept(trips, steps, options, trace);
  if (options.form == TraceForm::Text) {
    trace.bytes = writeTable(program, log, kept);
    return trace;
  }
  trace.bytes =
      EventWriter(program,
                  options.point ? *options.point
                                : *program.target().getOperatingPoint(""),
                  steps, timing.cycles)
          .write(log, trips, kept, trace);
  if (options.form == TraceForm::JsonGz) {
    Result<std::string> packed = gzip(trace.bytes);
    if (!packed)
      return packed.takeError();
    trace.bytes = std::move(*packed);
  }
  return trace;
}

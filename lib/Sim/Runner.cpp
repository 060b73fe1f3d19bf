// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Runner.h"
#include "HostTensors.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <thread>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::sim;

Runner::Runner(LoadedProgram::Ptr program) : loaded(std::move(program)) {}
Runner::~Runner() = default;
Runner::Runner(Runner &&) noexcept = default;
Runner &Runner::operator=(Runner &&) noexcept = default;

Result<void> Runner::refuseMissing(Entry entry) const {
  if (loaded->hasEntry(entry))
    return {};
  const std::string &reason = loaded->noStepReason();
  return Error{
      fmt::format("the program has no entry '{}'{}", sim::getName(entry),
                  entry != Entry::Run && !reason.empty() ? ": " + reason : "")};
}

/// Calls work(row, thread) for every row, on several threads if asked for, and
/// returns the error of the lowest row that failed.
template <typename Work>
static Result<void> forEachRow(int64_t rows, unsigned threads, Work &&work) {
  const unsigned count = static_cast<unsigned>(
      std::clamp<int64_t>(threads, 1, std::max<int64_t>(1, rows)));
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> failed{std::numeric_limits<int64_t>::max()};
  std::mutex mutex;
  std::optional<Error> failure;
  auto loop = [&](unsigned thread) {
    // Rows are handed out in order, so every row below a failed one is run,
    // and which error is reported does not depend on the threads.
    for (int64_t row; (row = next.fetch_add(1)) < rows;) {
      if (row > failed.load())
        return;
      Result<void> done = work(row, thread);
      if (done)
        continue;
      std::lock_guard<std::mutex> lock(mutex);
      if (row < failed.load()) {
        failed = row;
        failure = done.takeError();
      }
    }
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < count; ++thread)
    others.emplace_back(loop, thread);
  loop(0);
  for (std::thread &other : others)
    other.join();
  if (failure)
    return std::move(*failure);
  return {};
}

static Error inRow(Error error, const Batch &batch, int64_t row) {
  return batch.rows > 1 ? error.at(fmt::format("row {}", row)) : error;
}

/// One entry on one row; counts it.
static Result<void> runRow(const LoadedProgram::Ptr &program, Machine &machine,
                           Entry entry, const Batch &batch, int64_t row,
                           const RunOptions &options, Statistics &statistics) {
  const int64_t steps = entry == Entry::Reset ? 1 : batch.lengths[row];
  if (Result<void> ready = machine.prepare(steps); !ready)
    return ready;
  if (Result<void> filled =
          fillStreams(machine, entry, batch, row, options.codes);
      !filled)
    return filled;
  const Registers before = machine.registers();
  if (Result<void> ran = machine.execute(entry); !ran)
    return inRow(ran.takeError(), batch, row);
  std::shared_ptr<const TimingResult> timing;
  if (options.timing)
    timing = program->timing(entry, steps, before, machine.layout());
  statistics.addCall(static_cast<size_t>(row), entry,
                     entry == Entry::Reset ? 0 : steps, timing.get());
  return {};
}

namespace {
/// What each thread of a call has of its own.
struct Worker {
  std::unique_ptr<Machine> machine;
  Statistics statistics;
};
} // namespace

static std::vector<Worker> makeWorkers(const LoadedProgram::Ptr &program,
                                       const RunOptions &options) {
  std::vector<Worker> workers(std::max(1u, options.threads));
  for (Worker &worker : workers)
    worker.statistics = Statistics(program);
  return workers;
}

static Statistics sumOf(const LoadedProgram::Ptr &program,
                        const std::vector<Worker> &workers) {
  Statistics sum(program);
  for (const Worker &worker : workers)
    sum += worker.statistics;
  return sum;
}

Result<RunResult> Runner::run(const NpzArrays &inputs,
                              const RunOptions &options) {
  if (Result<void> there = refuseMissing(Entry::Run); !there)
    return there.takeError();
  Result<Batch> batch = bindInputs(*loaded, {Entry::Run}, inputs, options);
  if (!batch)
    return batch.takeError();
  RunResult result;
  result.outputs = makeOutputs(*loaded, Entry::Run, *batch, options.codes);
  std::vector<Worker> workers = makeWorkers(loaded, options);
  std::erase_if(idle, [&](const std::unique_ptr<Machine> &machine) {
    return machine->isChecked() != options.checked;
  });
  for (Worker &worker : workers)
    if (!idle.empty()) {
      worker.machine = std::move(idle.back());
      worker.machine->clearSaturations();
      idle.pop_back();
    }
  Result<void> done = forEachRow(
      batch->rows, options.threads,
      [&](int64_t row, unsigned thread) -> Result<void> {
        Worker &worker = workers[thread];
        if (!worker.machine)
          worker.machine = std::make_unique<Machine>(*loaded, options.checked);
        worker.machine->clear();
        if (Result<void> ran = runRow(loaded, *worker.machine, Entry::Run,
                                      *batch, row, options, worker.statistics);
            !ran)
          return ran;
        readStreams(*worker.machine, Entry::Run, *batch, row, options.codes,
                    result.outputs);
        if (options.rowDone)
          options.rowDone();
        return {};
      });
  if (!done)
    return done.takeError();
  for (Worker &worker : workers)
    if (worker.machine) {
      worker.statistics.addSaturations(worker.machine->saturations());
      idle.push_back(std::move(worker.machine));
    }
  result.statistics = sumOf(loaded, workers);
  return result;
}

Result<void> Runner::makeMachines(size_t rows, bool checked) {
  // A machine watches from its start or not at all; carry the state over.
  for (std::unique_ptr<Machine> &machine : machines)
    if (machine->isChecked() != checked) {
      auto other = std::make_unique<Machine>(*loaded, checked);
      if (Result<void> moved = other->restoreState(machine->saveState());
          !moved)
        return moved;
      machine = std::move(other);
    }
  while (machines.size() < rows)
    machines.push_back(std::make_unique<Machine>(*loaded, checked));
  return {};
}

Result<RunResult> Runner::step(const NpzArrays &inputs,
                               const RunOptions &options) {
  if (Result<void> there = refuseMissing(Entry::Step); !there)
    return there.takeError();
  const bool fresh = machines.empty();
  std::vector<Entry> entries;
  if (fresh && loaded->hasEntry(Entry::Reset))
    entries.push_back(Entry::Reset);
  entries.push_back(Entry::Step);
  Result<Batch> batch = bindInputs(*loaded, entries, inputs, options);
  if (!batch)
    return batch.takeError();
  if (!fresh && batch->rows != static_cast<int64_t>(machines.size()))
    return Error{fmt::format("the inputs have {} row{}, the state was made by "
                             "{}; give as many rows, "
                             "or reset first",
                             batch->rows, batch->rows == 1 ? "" : "s",
                             machines.size())};
  RunResult result;
  result.outputs = makeOutputs(*loaded, Entry::Step, *batch, options.codes);
  std::vector<Worker> workers = makeWorkers(loaded, options);
  Result<void> done =
      makeMachines(static_cast<size_t>(batch->rows), options.checked);
  if (done)
    done = forEachRow(
        batch->rows, options.threads,
        [&](int64_t row, unsigned thread) -> Result<void> {
          Machine &machine = *machines[row];
          machine.clearSaturations();
          for (Entry entry : entries)
            if (Result<void> ran = runRow(loaded, machine, entry, *batch, row,
                                          options, workers[thread].statistics);
                !ran)
              return ran;
          readStreams(machine, Entry::Step, *batch, row, options.codes,
                      result.outputs);
          workers[thread].statistics.addSaturations(machine.saturations());
          if (options.rowDone)
            options.rowDone();
          return {};
        });
  if (!done) {
    machines.clear(); // some rows may have gone on, others not
    return done.takeError();
  }
  result.statistics = sumOf(loaded, workers);
  return result;
}

Result<Statistics> Runner::reset(const NpzArrays &inputs,
                                 const RunOptions &options) {
  if (Result<void> there = refuseMissing(Entry::Reset); !there)
    return there.takeError();
  machines.clear();
  Statistics statistics(loaded);
  if (inputs.empty())
    return statistics;
  Result<Batch> batch = bindInputs(*loaded, {Entry::Reset}, inputs, options);
  if (!batch)
    return batch.takeError();
  if (batch->inputs.empty())
    return statistics;
  Result<void> done =
      makeMachines(static_cast<size_t>(batch->rows), options.checked);
  for (int64_t row = 0; done && row < batch->rows; ++row) {
    done = runRow(loaded, *machines[row], Entry::Reset, *batch, row, options,
                  statistics);
    statistics.addSaturations(machines[row]->saturations());
  }
  if (!done) {
    machines.clear();
    return done.takeError();
  }
  return statistics;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// A saved runner: this text, the number of rows, and for each row the length
/// of its machine's state and the state; numbers are 64 bits, little-endian.
static constexpr std::string_view kRunnerMagic = "HCGSROWS";

static void appendNumber(std::string &bytes, uint64_t number) {
  bytes.append(reinterpret_cast<const char *>(&number), sizeof(number));
}

static std::optional<uint64_t> takeNumber(std::string_view &bytes) {
  uint64_t number;
  if (bytes.size() < sizeof(number))
    return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof(number));
  bytes.remove_prefix(sizeof(number));
  return number;
}

std::string Runner::saveState() const {
  std::string bytes(kRunnerMagic);
  appendNumber(bytes, machines.size());
  for (const std::unique_ptr<Machine> &machine : machines) {
    const std::string state = machine->saveState();
    appendNumber(bytes, state.size());
    bytes += state;
  }
  return bytes;
}

Result<void> Runner::restoreState(std::string_view bytes) {
  if (!bytes.starts_with(kRunnerMagic))
    return Error{fmt::format(
        "not a state of a simulated program: it does not begin with '{}'",
        kRunnerMagic)};
  bytes.remove_prefix(kRunnerMagic.size());
  const Error truncated{"the state is damaged: it ends too early"};
  std::optional<uint64_t> rows = takeNumber(bytes);
  if (!rows || *rows > bytes.size() / sizeof(uint64_t))
    return truncated;
  std::vector<std::unique_ptr<Machine>> restored;
  for (uint64_t row = 0; row < *rows; ++row) {
    std::optional<uint64_t> size = takeNumber(bytes);
    if (!size || *size > bytes.size())
      return truncated;
    // Checked or not: as the saved machine was.
    const std::string_view state = bytes.substr(0, *size);
    bytes.remove_prefix(*size);
    auto machine =
        std::make_unique<Machine>(*loaded, Machine::wasChecked(state, *loaded));
    if (Result<void> taken = machine->restoreState(state); !taken)
      return taken;
    restored.push_back(std::move(machine));
  }
  if (!bytes.empty())
    return Error{"the state is damaged: bytes follow its end"};
  machines = std::move(restored);
  return {};
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Runner.h"
#include "HostTensors.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

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

/// Calls work(number, thread) for each of `count` groups, on several threads if
/// asked for, and returns the error of the lowest group that failed.
template <typename Work>
static Result<void> forEachGroup(size_t count, unsigned threads, Work &&work) {
  threads = static_cast<unsigned>(
      std::clamp<size_t>(threads, 1, std::max<size_t>(1, count)));
  std::atomic<size_t> next{0};
  std::atomic<size_t> failed{std::numeric_limits<size_t>::max()};
  std::mutex mutex;
  std::optional<Error> failure;
  auto loop = [&](unsigned thread) {
    // Groups are handed out in order, so every group below a failed one is run,
    // and which error is reported does not depend on the threads.
    for (size_t number; (number = next.fetch_add(1)) < count;) {
      if (number > failed.load())
        return;
      Result<void> done;
      try {
        done = work(number, thread);
      } catch (const std::bad_alloc &) { // must not leave a thread
        done = Error{"there is not enough memory for the run"};
      }
      if (done)
        continue;
      std::lock_guard<std::mutex> lock(mutex);
      if (number < failed.load()) {
        failed = number;
        failure = done.takeError();
      }
    }
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back(loop, thread);
  loop(0);
  for (std::thread &other : others)
    other.join();
  if (failure)
    return std::move(*failure);
  return {};
}

//===----------------------------------------------------------------------===//
// Groups of rows
//===----------------------------------------------------------------------===//

/// Calls use(row, place) for every row of a group.
template <typename Use>
static void forEachRow(const std::vector<int64_t> &group, Use &&use) {
  for (unsigned place = 0; place < group.size(); ++place)
    if (group[place] >= 0)
      use(group[place], place);
}

/// A row of the group; every group has one.
static int64_t anyRow(const std::vector<int64_t> &group) {
  return *std::find_if(group.begin(), group.end(),
                       [](int64_t row) { return row >= 0; });
}

std::vector<Runner::RowGroup>
Runner::groupRows(const std::vector<int64_t> &lengths) const {
  std::vector<RowGroup> groups;
  std::map<int64_t, size_t> open; // by length: the group that is not full yet
  for (size_t row = 0; row < lengths.size(); ++row) {
    auto [it, isNew] = open.try_emplace(lengths[row], groups.size());
    if (isNew)
      groups.emplace_back();
    RowGroup &group = groups[it->second];
    group.push_back(static_cast<int64_t>(row));
    if (group.size() == loaded->rows())
      open.erase(it);
  }
  for (RowGroup &group : groups)
    group.resize(loaded->rows(), -1);
  return groups;
}

static Error inRows(Error error, const Batch &batch,
                    const std::vector<int64_t> &group) {
  if (batch.rows == 1)
    return error;
  std::vector<int64_t> rows;
  forEachRow(group, [&](int64_t row, unsigned) { rows.push_back(row); });
  return error.at(fmt::format("row{} {}", rows.size() > 1 ? "s" : "",
                              fmt::join(rows, ", ")));
}

/// One entry on the rows of one machine; counts it as group `number`.
static Result<void> runGroup(const LoadedProgram::Ptr &program,
                             Machine &machine, Entry entry, const Batch &batch,
                             const std::vector<int64_t> &group, size_t number,
                             const RunOptions &options,
                             Statistics &statistics) {
  const int64_t steps =
      entry == Entry::Reset ? 1 : batch.lengths[anyRow(group)];
  if (Result<void> ready = machine.prepare(steps); !ready)
    return ready;
  Result<void> filled;
  int64_t count = 0;
  forEachRow(group, [&](int64_t row, unsigned place) {
    ++count;
    if (filled)
      filled = fillStreams(machine, entry, batch, row, place, options.codes);
  });
  if (!filled)
    return filled;
  const Registers before = machine.registers();
  if (Result<void> ran = machine.execute(entry); !ran)
    return inRows(ran.takeError(), batch, group);
  std::shared_ptr<const TimingResult> timing;
  if (options.timing)
    timing = program->timing(entry, steps, before, machine.layout());
  statistics.addCall(number, entry, entry == Entry::Reset ? 0 : steps * count,
                     timing.get());
  return {};
}

/// Puts what the rows of a machine have stored into the outputs.
static void readGroup(Machine &machine, Entry entry, const Batch &batch,
                      const std::vector<int64_t> &group,
                      const RunOptions &options, NpzArrays &outputs) {
  forEachRow(group, [&](int64_t row, unsigned place) {
    readStreams(machine, entry, batch, row, place, options.codes, outputs);
    if (options.rowDone)
      options.rowDone();
  });
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
  const std::vector<RowGroup> groups = groupRows(batch->lengths);
  Result<void> done = forEachGroup(
      groups.size(), options.threads,
      [&](size_t number, unsigned thread) -> Result<void> {
        Worker &worker = workers[thread];
        if (!worker.machine)
          worker.machine = std::make_unique<Machine>(*loaded, options.checked);
        worker.machine->clear();
        const RowGroup &group = groups[number];
        if (Result<void> ran =
                runGroup(loaded, *worker.machine, Entry::Run, *batch, group,
                         number, options, worker.statistics);
            !ran)
          return ran;
        readGroup(*worker.machine, Entry::Run, *batch, group, options,
                  result.outputs);
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

size_t Runner::rows() const {
  size_t count = 0;
  for (const Holder &holder : holders)
    forEachRow(holder.rows, [&](int64_t, unsigned) { ++count; });
  return count;
}

/// A machine in the state of another.
static Result<std::unique_ptr<Machine>>
copyMachine(const LoadedProgram &program, const Machine &machine,
            bool checked) {
  auto copy = std::make_unique<Machine>(program, checked);
  if (Result<void> moved = copy->restoreState(machine.saveState()); !moved)
    return moved.takeError();
  return copy;
}

Result<void> Runner::makeHolders(const std::vector<int64_t> &lengths,
                                 bool checked) {
  if (holders.empty()) {
    for (RowGroup &group : groupRows(lengths))
      holders.push_back(
          {std::move(group), std::make_unique<Machine>(*loaded, checked)});
    return {};
  }
  const size_t count = holders.size();
  for (size_t number = 0; number < count; ++number) {
    // A machine watches from its start or not at all; carry the state over.
    if (holders[number].machine->isChecked() != checked) {
      auto other = copyMachine(*loaded, *holders[number].machine, checked);
      if (!other)
        return other.takeError();
      holders[number].machine = std::move(*other);
    }
    // Rows of another length than the first row's go on elsewhere.
    const int64_t stays = lengths[anyRow(holders[number].rows)];
    std::map<int64_t, RowGroup> leaving;
    RowGroup rows = holders[number].rows;
    forEachRow(holders[number].rows, [&](int64_t row, unsigned place) {
      if (lengths[row] == stays)
        return;
      RowGroup &group =
          leaving.try_emplace(lengths[row], RowGroup(loaded->rows(), -1))
              .first->second;
      group[place] = row;
      rows[place] = -1;
    });
    holders[number].rows = std::move(rows);
    for (auto &[length, group] : leaving) {
      auto copy = copyMachine(*loaded, *holders[number].machine, checked);
      if (!copy)
        return copy.takeError();
      holders.push_back({std::move(group), std::move(*copy)});
    }
  }
  return {};
}

Result<RunResult> Runner::step(const NpzArrays &inputs,
                               const RunOptions &options) {
  if (Result<void> there = refuseMissing(Entry::Step); !there)
    return there.takeError();
  const bool fresh = holders.empty();
  std::vector<Entry> entries;
  if (fresh && loaded->hasEntry(Entry::Reset))
    entries.push_back(Entry::Reset);
  entries.push_back(Entry::Step);
  Result<Batch> batch = bindInputs(*loaded, entries, inputs, options);
  if (!batch)
    return batch.takeError();
  if (!fresh && batch->rows != static_cast<int64_t>(rows()))
    return Error{fmt::format("the inputs have {} row{}, the state was made by "
                             "{}; give as many rows, "
                             "or reset first",
                             batch->rows, batch->rows == 1 ? "" : "s", rows())};
  RunResult result;
  result.outputs = makeOutputs(*loaded, Entry::Step, *batch, options.codes);
  std::vector<Worker> workers = makeWorkers(loaded, options);
  Result<void> done = makeHolders(batch->lengths, options.checked);
  if (done)
    done = forEachGroup(
        holders.size(), options.threads,
        [&](size_t number, unsigned thread) -> Result<void> {
          auto &[group, machine] = holders[number];
          machine->clearSaturations();
          for (Entry entry : entries)
            if (Result<void> ran =
                    runGroup(loaded, *machine, entry, *batch, group, number,
                             options, workers[thread].statistics);
                !ran)
              return ran;
          readGroup(*machine, Entry::Step, *batch, group, options,
                    result.outputs);
          workers[thread].statistics.addSaturations(machine->saturations());
          return {};
        });
  if (!done) {
    holders.clear(); // some rows may have gone on, others not
    return done.takeError();
  }
  result.statistics = sumOf(loaded, workers);
  return result;
}

Result<Statistics> Runner::reset(const NpzArrays &inputs,
                                 const RunOptions &options) {
  if (Result<void> there = refuseMissing(Entry::Reset); !there)
    return there.takeError();
  holders.clear();
  Statistics statistics(loaded);
  if (inputs.empty())
    return statistics;
  Result<Batch> batch = bindInputs(*loaded, {Entry::Reset}, inputs, options);
  if (!batch)
    return batch.takeError();
  if (batch->inputs.empty())
    return statistics;
  Result<void> done = makeHolders(batch->lengths, options.checked);
  for (size_t number = 0; done && number < holders.size(); ++number) {
    auto &[group, machine] = holders[number];
    done = runGroup(loaded, *machine, Entry::Reset, *batch, group, number,
                    options, statistics);
    statistics.addSaturations(machine->saturations());
  }
  if (!done) {
    holders.clear();
    return done.takeError();
  }
  return statistics;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// A saved runner: this text, the number of machines, and for each machine its
/// rows (if the program computes several together: one number a place, all ones
/// for none; else machine k has row k), the length of its state and the state;
/// numbers are 64 bits, little-endian.
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
  appendNumber(bytes, holders.size());
  for (const Holder &holder : holders) {
    if (loaded->rows() > 1)
      for (int64_t row : holder.rows)
        appendNumber(bytes, static_cast<uint64_t>(row));
    const std::string state = holder.machine->saveState();
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
  std::optional<uint64_t> count = takeNumber(bytes);
  if (!count || *count > bytes.size() / sizeof(uint64_t))
    return truncated;
  std::vector<Holder> restored;
  std::set<int64_t> seen;
  for (uint64_t number = 0; number < *count; ++number) {
    Holder holder;
    holder.rows.assign(loaded->rows(), static_cast<int64_t>(number));
    if (loaded->rows() > 1)
      for (int64_t &row : holder.rows) {
        std::optional<uint64_t> saved = takeNumber(bytes);
        if (!saved)
          return truncated;
        row = static_cast<int64_t>(*saved);
      }
    const size_t before = seen.size();
    for (int64_t row : holder.rows)
      if (row < -1 || (row >= 0 && !seen.insert(row).second))
        return Error{"the state is damaged: a row occurs twice"};
    if (seen.size() == before)
      return Error{"the state is damaged: a machine has no rows"};
    std::optional<uint64_t> size = takeNumber(bytes);
    if (!size || *size > bytes.size())
      return truncated;
    // Checked or not: as the saved machine was.
    const std::string_view state = bytes.substr(0, *size);
    bytes.remove_prefix(*size);
    holder.machine =
        std::make_unique<Machine>(*loaded, Machine::wasChecked(state, *loaded));
    if (Result<void> taken = holder.machine->restoreState(state); !taken)
      return taken;
    restored.push_back(std::move(holder));
  }
  if (!bytes.empty())
    return Error{"the state is damaged: bytes follow its end"};
  if (!seen.empty() && *seen.rbegin() != static_cast<int64_t>(seen.size()) - 1)
    return Error{"the state is damaged: a row is missing"};
  holders = std::move(restored);
  return {};
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host's side of a program: NumPy-like tensors in and out, quantised at the
// boundary (A-FX-3, A-FX-4), with a batch axis and sequences of different
// lengths (L-IO). docs/Rationale/Simulator.md has an overview.
//
#ifndef HCGS_SIM_RUNNER_H
#define HCGS_SIM_RUNNER_H

#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Sim/Machine.h"
#include "hcgs/Sim/Statistics.h"
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::sim {

struct RunOptions {
  /// Integer codes in and out (outputs are int16) instead of floats (float32).
  bool codes = false;
  /// Trap what a correct program never does (Machine.h).
  bool checked = false;
  /// Count cycles.
  bool timing = true;
  /// Rows are shared out among so many threads; 0 is taken as 1.
  unsigned threads = 1;
  /// Time steps of each row, 1 to the size of the time axis; empty: all.
  std::vector<int64_t> lengths;
  /// Called after each finished row, from any thread.
  std::function<void()> rowDone;
};

struct RunResult {
  /// In the order of LoadedProgram::outputs; those the entry does not store
  /// are left out.
  NpzArrays outputs;
  Statistics statistics;
};

/// Runs batches on one program. `run` works on fresh machines; `step` and
/// `reset` work on the runner's own state, one machine for each row. Not for
/// use from several threads at a time: make a runner for each.
///
/// A program may compute several rows together (PF-6 `rows`). Then a machine
/// serves a group of so many rows, which have the same number of time steps:
/// rows are put into groups by their lengths, and a group that is not full
/// computes zeros in the other places. Rows with a state whose lengths differ
/// in a call of `step` part: each length goes on in a copy of the machine.
class Runner {
public:
  explicit Runner(LoadedProgram::Ptr program);
  ~Runner();
  Runner(Runner &&) noexcept;
  Runner &operator=(Runner &&) noexcept;

  const LoadedProgram &program() const { return *loaded; }

  /// S-E-1 `run`: every row from initial states. Leaves the state of `step`
  /// as it is.
  Result<RunResult> run(const NpzArrays &inputs,
                        const RunOptions &options = {});

  /// S-E-1 `step`: goes on from the state by the frames in `inputs`. The first
  /// call, and the first after a reset without inputs, makes the rows and
  /// resets them by itself, with the initial states in `inputs` if they are
  /// inputs of the network. After an error there is no state.
  Result<RunResult> step(const NpzArrays &inputs,
                         const RunOptions &options = {});

  /// S-E-1 `reset`: forgets the state. If initial states are inputs of the
  /// network and are given, they are set now, else at the next step.
  Result<Statistics> reset(const NpzArrays &inputs = {},
                           const RunOptions &options = {});

  /// Rows that have a state; 0 before the first step.
  size_t rows() const;

  /// The state of all rows as bytes, and back. A restored state continues bit
  /// for bit; one of another program is refused.
  std::string saveState() const;
  Result<void> restoreState(std::string_view bytes);

private:
  /// The rows that one machine computes, by place; -1 for a place whose results
  /// nobody wants.
  using RowGroup = std::vector<int64_t>;
  /// A machine with a state, and whose.
  struct Holder {
    RowGroup rows;
    std::unique_ptr<Machine> machine;
  };

  Result<void> refuseMissing(Entry entry) const;
  /// Groups for rows of these lengths, in the order of their first rows.
  std::vector<RowGroup> groupRows(const std::vector<int64_t> &lengths) const;
  /// Makes machines for a batch that has none, or parts groups whose rows have
  /// different lengths.
  Result<void> makeHolders(const std::vector<int64_t> &lengths, bool checked);

  LoadedProgram::Ptr loaded;
  std::vector<Holder> holders; // the state
  /// Machines of earlier calls of `run`, to be used again.
  std::vector<std::unique_ptr<Machine>> idle;
};

} // namespace hcgs::sim

#endif // HCGS_SIM_RUNNER_H

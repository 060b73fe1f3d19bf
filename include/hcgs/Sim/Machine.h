// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One machine: the state that belongs to one batch row, and the functional
// execution of entries on it. It knows nothing of time (Timing.h) nor of floats
// and tensors (Runner.h).
//
//   Machine machine(program);
//   machine.prepare(T);                        // streams for T time steps
//   std::ranges::copy(codes, machine.stream(0).begin());
//   if (auto ran = machine.execute(Entry::Run); !ran)
//     report(ran.error());                     // a trap: pc, instruction,
//     field
//   use(machine.stream(1));
//
// Checked mode. Without it, addresses are checked before every instruction, so
// that no program can reach beyond its memories. With it, the machine also
// traps on reading an element or a byte of wmem that nothing has written
// (S-M-2) and on a true sum that leaves 32 bits (A-ACC-3). Neither changes a
// result.
//
// Spilled weights. A machine keeps those bytes of wmem that `wload` can write
// and products read; the others cannot be told apart, so that a target with a
// large wmem costs nothing. Loading mostly brings what the compiler has put
// into the spill section, and the program has packed that already: a product
// compares the bytes once after a load, and packs them anew only if they are
// others.
//
#ifndef HCGS_SIM_MACHINE_H
#define HCGS_SIM_MACHINE_H

#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Support/Result.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::sim {

/// Saturations since the counters were last cleared, by program counter.
struct SaturationCounters {
  std::vector<uint64_t> results; // A-RQ-2, and y of A-PWL-5
  std::vector<uint64_t> inputs;  // z of A-PWL-5
};

/// A fixed number of zeros at first; pages that nobody touches cost nothing.
template <typename T>
class ZeroedArray {
public:
  explicit ZeroedArray(size_t count)
      : count(count), memory(static_cast<T *>(
                          std::calloc(std::max<size_t>(1, count), sizeof(T)))) {
    if (!memory)
      throw std::bad_alloc();
  }
  T *data() { return memory.get(); }
  const T *data() const { return memory.get(); }
  size_t size() const { return count; }

private:
  struct Free {
    void operator()(T *pointer) const { std::free(pointer); }
  };
  size_t count;
  std::unique_ptr<T[], Free> memory;
};

class Machine {
public:
  /// A machine in the state in which a program is loaded (S-M-2). The program
  /// must outlive it.
  explicit Machine(const LoadedProgram &program, bool checked = false);

  const LoadedProgram &program() const { return *loaded; }

  bool isChecked() const { return checked; }

  /// Back to the state of a fresh machine. Counters stay.
  void clear();

  /// Sets T and makes room for the streams, filled with zeros. Contents of
  /// earlier streams are lost.
  Result<void> prepare(int64_t steps);

  /// The elements of a stream, frame after frame, after prepare; none of the
  /// stream of spilled weights.
  std::span<int16_t> stream(size_t number);

  /// Runs an entry that exists, after prepare, to its halt. The error is that
  /// of LoadedProgram::trap; the state is then unspecified.
  Result<void> execute(Entry entry);

  /// prepare, copy `inputs` (by stream number; others empty) in, execute.
  Result<void> runEntry(Entry entry, int64_t steps,
                        std::span<const std::span<const int16_t>> inputs);

  const Registers &registers() const { return addresses; }
  const StreamLayout &layout() const { return streams; }
  const SaturationCounters &saturations() const { return counters; }
  void clearSaturations();

  /// Elements of vmem and amem, to look at.
  std::span<const int16_t> vmem() const { return {vmemory.data(), vSize}; }
  std::span<const int32_t> amem() const {
    return {amemory.data(), amemory.size()};
  }

  /// Bytes of wmem that the machine keeps.
  size_t keptWeights() const { return wmemory.size(); }

  /// The state between calls (S-E-1) as bytes, with the program's digest.
  std::string saveState() const;
  /// Takes a saved state back; refuses one of another program, or damaged.
  Result<void> restoreState(std::string_view bytes);
  /// Whether bytes that may be a saved state come from a checked machine.
  static bool wasChecked(std::string_view bytes, const LoadedProgram &program);

private:
  friend struct Executor;

  /// S-M-2: an entry starts without loaded weights.
  void forgetWeights();

  const LoadedProgram *loaded;
  bool checked;
  int64_t steps = 0;
  Registers addresses;
  size_t vSize;
  ZeroedArray<int16_t> vmemory; // kColumnPadding more than vSize
  ZeroedArray<int32_t> amemory;
  /// No element from these on was ever touched, so clearing and saving may
  /// stop there.
  int64_t vTouched = 0, aTouched = 0;
  StreamLayout streams;
  std::vector<int16_t> ext;
  SaturationCounters counters;
  /// Checked mode: 1 for elements that were written.
  std::vector<uint8_t> vmemWritten, amemWritten;
  /// Bytes [begin, end) of wmem, which are kept from `at` on.
  struct Kept {
    int64_t begin = 0, end = 0, at = 0;
  };
  /// The part that holds byte `first` of wmem, or the next one behind it.
  std::vector<Kept>::const_iterator keptFrom(int64_t first) const;
  /// Finds out what products read of what is loaded.
  void keepWeights();

  /// What spilled weights take of wmem, by address, with gaps between them. In
  /// checked mode 1 for bytes that were written.
  std::vector<Kept> kept;
  std::vector<uint8_t> wmemory, wmemWritten;
  /// Counts what changes wmem.
  uint64_t wmemVersion = 1;
  /// By plan, of spilled weights: the packed form of what wmem holds.
  struct Fetched {
    uint64_t version = 0; // of wmem, when that was looked at
    const PackedMatrix *matrix = nullptr;
    std::unique_ptr<const PackedMatrix> own; // of ownBytes
    std::vector<uint8_t> ownBytes;
  };
  std::vector<Fetched> fetched;
  /// Operands that wrap around their ring, made contiguous.
  std::vector<int16_t> vectorScratch;
  std::vector<int32_t> accumulatorScratch;
};

} // namespace hcgs::sim

#endif // HCGS_SIM_MACHINE_H

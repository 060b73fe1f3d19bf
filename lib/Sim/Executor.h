// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each instruction does to a machine: one function an instruction
// (Machine.cpp), on operands that the functions here have resolved and checked.
// Every check ends in `fail`, which names the field.
//
#ifndef HCGS_LIB_SIM_EXECUTOR_H
#define HCGS_LIB_SIM_EXECUTOR_H

#include "Sequencer.h"
#include "hcgs/Sim/Machine.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace hcgs::sim {

/// The handler of `walk` that executes.
struct Executor {
  explicit Executor(Machine &machine)
      : machine(machine), program(*machine.loaded),
        registers(machine.addresses), v(machine.vmemory.data()),
        a(machine.amemory.data()), vSize(static_cast<int64_t>(machine.vSize)),
        aSize(static_cast<int64_t>(machine.amemory.size())),
        checked(machine.checked), kernels(Kernels::best()) {}

  void control(size_t, const DecodedInstruction &) {}
  bool unit(size_t pc, const DecodedInstruction &inst);
  void trap(size_t pc, const char *field, std::string message) {
    failure = program.trap(pc, field, message);
  }

  bool load(size_t pc, const DecodedInstruction &inst);
  bool wload(size_t pc, const DecodedInstruction &inst);
  bool store(size_t pc, const DecodedInstruction &inst);
  bool mvm(size_t pc, const DecodedInstruction &inst);
  bool act(size_t pc, const DecodedInstruction &inst);
  bool requant(size_t pc, const DecodedInstruction &inst);
  bool vmac(size_t pc, const DecodedInstruction &inst);
  bool vacc(size_t pc, const DecodedInstruction &inst);
  bool vcopy(size_t pc, const DecodedInstruction &inst);
  bool fill(size_t pc, const DecodedInstruction &inst);

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  /// The short way for the usual case: true, and the first element, if the
  /// operand lies in one piece inside its memory. If false, `operand` finds out
  /// what there is instead.
  bool plain(isa::Addr address, int64_t n, int64_t size, int64_t &at) const {
    at = static_cast<int64_t>(registers.value[address.reg]) + address.off;
    if (const int64_t ring = registers.size[address.reg]) {
      const int64_t lo = registers.lo[address.reg];
      at = intoRing(at - lo, ring);
      if (at + n > ring)
        return false;
      at += lo;
    }
    return at >= 0 && at + n <= size;
  }
  bool plainVector(isa::Addr address, int64_t n, int64_t &at) const {
    return plain(address, n, vSize, at);
  }
  bool plainSums(isa::Addr address, int64_t n, int64_t &at) const {
    return plain(address, n, aSize, at);
  }
  void touchVector(int64_t end) {
    machine.vTouched = std::max(machine.vTouched, end);
  }
  void touchSums(int64_t end) {
    machine.aTouched = std::max(machine.aTouched, end);
  }

  /// S-R-2: an operand is no longer than its ring.
  bool ring(size_t pc, const char *field, isa::Addr address, int64_t n) {
    const int64_t size = registers.size[address.reg];
    if (size == 0 || n <= size) [[likely]]
      return true;
    trap(pc, field,
         fmt::format("{} elements do not fit the ring of a{}, which has {}", n,
                     address.reg, size));
    return false;
  }

  /// Resolves an operand of `n` elements in a memory of `size` (S-R-2, S-R-3).
  bool operand(size_t pc, const char *field, isa::Addr address, int64_t n,
               int64_t size, const char *memory, Extent &extent,
               int64_t &touched) {
    if (!ring(pc, field, address, n))
      return false;
    extent = resolve(registers, address, n);
    if (extent.first < 0 || extent.first + extent.count > size ||
        extent.second + extent.restCount > size) [[unlikely]] {
      const bool one = extent.first < 0 || extent.first + extent.count > size;
      const int64_t first = one ? extent.first : extent.second;
      const int64_t count = one ? extent.count : extent.restCount;
      trap(pc, field,
           fmt::format("elements {}..{} lie outside {}, allowed are 0..{}",
                       first, first + count - 1, memory, size - 1));
      return false;
    }
    touched = std::max(touched, std::max(extent.first + extent.count,
                                         extent.second + extent.restCount));
    return true;
  }
  bool vector(size_t pc, const char *field, isa::Addr address, int64_t n,
              Extent &extent) {
    return operand(pc, field, address, n, vSize, "vmem", extent,
                   machine.vTouched);
  }
  bool accumulators(size_t pc, const char *field, isa::Addr address, int64_t n,
                    Extent &extent) {
    return operand(pc, field, address, n, aSize, "amem", extent,
                   machine.aTouched);
  }

  /// Resolves an `ext` operand of `n` elements, which must lie in one stream.
  bool stream(size_t pc, const char *field, isa::Addr address, int64_t n,
              int64_t &place) {
    if (registers.size[address.reg] != 0) [[unlikely]] {
      trap(pc, field,
           fmt::format("register a{} has a ring; ext has none", address.reg));
      return false;
    }
    place = static_cast<int64_t>(registers.value[address.reg]) + address.off;
    if (machine.streams.find(place, static_cast<uint64_t>(n) * 2) < 0)
        [[unlikely]] {
      trap(pc, field,
           fmt::format("bytes {}..{} lie outside every stream", place,
                       place + 2 * n - 1));
      return false;
    }
    return true;
  }

  /// The packed form of the spilled weights that wmem holds; null after a trap.
  const PackedMatrix *fetch(size_t pc, const DecodedInstruction &inst,
                            const MatrixPlan &plan);

  static int64_t place(const Extent &extent, int64_t i) {
    return i < extent.count ? extent.first + i
                            : extent.second + (i - extent.count);
  }

  //===--------------------------------------------------------------------===//
  // Checked mode
  //===--------------------------------------------------------------------===//

  bool uninitialised(size_t pc, const char *field, const char *memory,
                     const Extent &extent,
                     const std::vector<uint8_t> &written) {
    for (int64_t i = 0; i < extent.count + extent.restCount; ++i)
      if (!written[place(extent, i)]) {
        trap(pc, field,
             fmt::format("reads {} {}, which nothing has written", memory,
                         place(extent, i)));
        return true;
      }
    return false;
  }
  bool readVector(size_t pc, const char *field, const Extent &extent) {
    return !checked ||
           !uninitialised(pc, field, "vmem", extent, machine.vmemWritten);
  }
  bool readAccumulators(size_t pc, const char *field, const Extent &extent) {
    return !checked ||
           !uninitialised(pc, field, "amem", extent, machine.amemWritten);
  }
  void mark(const Extent &extent, std::vector<uint8_t> &written) {
    std::fill_n(written.begin() + extent.first, extent.count, 1);
    std::fill_n(written.begin() + extent.second, extent.restCount, 1);
  }
  void markVector(const Extent &extent) {
    if (checked)
      mark(extent, machine.vmemWritten);
  }
  void markAccumulators(const Extent &extent) {
    if (checked)
      mark(extent, machine.amemWritten);
  }

  bool overflows(size_t pc, int64_t accumulator, int64_t sum) {
    if (sum == static_cast<int32_t>(sum))
      return false;
    trap(pc, "dst",
         fmt::format("the sum {} of accumulator {} leaves 32 bits", sum,
                     accumulator));
    return true;
  }

  /// A-ACC-3 for vmac and vacc; `product` gives the addend of element i before
  /// the shift.
  template <typename Product>
  bool checkSums(size_t pc, const DecodedInstruction &inst, const Extent &dst,
                 Product &&product) {
    const bool accumulate = inst.init == isa::Init::Acc;
    if (accumulate && !readAccumulators(pc, "dst", dst))
      return false;
    for (int64_t i = 0; i < inst.n; ++i) {
      const int64_t at = place(dst, i);
      const int64_t addend = product(i) * (int64_t(1) << inst.shift);
      if (overflows(pc, at, addend) ||
          (accumulate && overflows(pc, at, a[at] + addend)))
        return false;
    }
    return true;
  }

  /// The same for mvm; also marks what it writes. `x` and `out` are contiguous.
  bool checkMatrix(size_t pc, const DecodedInstruction &inst,
                   const MatrixPlan &plan, const PackedMatrix &matrix,
                   const Extent &dst, const int16_t *x, const int32_t *out);

  Machine &machine;
  const LoadedProgram &program;
  const Registers &registers;
  int16_t *v;
  int32_t *a;
  int64_t vSize, aSize;
  bool checked;
  const Kernels &kernels;
  std::optional<Error> failure;
};

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_EXECUTOR_H

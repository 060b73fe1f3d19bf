// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The control flow of the machine, apart from what instructions do: program
// counter, loop stack, address registers. The functional machine and the timing
// model both walk programs with it, so that they cannot disagree about which
// instructions run, or where their operands are.
//
#ifndef HCGS_LIB_SIM_SEQUENCER_H
#define HCGS_LIB_SIM_SEQUENCER_H

#include "hcgs/Sim/LoadedProgram.h"

#include <algorithm>

#include <fmt/format.h>

namespace hcgs::sim {

/// The elements of an operand: [first, first + count), and if a ring wraps,
/// then [second, second + restCount). Signed: out of range until checked.
struct Extent {
  int64_t first = 0;
  int64_t count = 0;
  int64_t second = 0;
  int64_t restCount = 0;
};

/// `at` modulo `size`, never negative. Addresses mostly are in the ring
/// already.
inline int64_t intoRing(int64_t at, int64_t size) {
  if (static_cast<uint64_t>(at) < static_cast<uint64_t>(size))
    return at;
  at %= size;
  return at < 0 ? at + size : at;
}

/// S-R-2 for `n` elements at `address`, n at most the ring's size.
inline Extent resolve(const Registers &registers, isa::Addr address,
                      int64_t n) {
  const int64_t value =
      static_cast<int64_t>(registers.value[address.reg]) + address.off;
  const int64_t size = registers.size[address.reg];
  if (size == 0)
    return {value, n, 0, 0};
  const int64_t lo = registers.lo[address.reg];
  const int64_t at = intoRing(value - lo, size);
  const int64_t before = std::min(n, size - at);
  return {lo + at, before, lo, n - before};
}

/// Wraps `value` into the ring of register r, if it has one.
inline int32_t wrapIntoRing(const Registers &registers, unsigned r,
                            int64_t value) {
  const int64_t size = registers.size[r];
  if (size == 0)
    return static_cast<int32_t>(static_cast<uint32_t>(value));
  const int64_t lo = registers.lo[r];
  return static_cast<int32_t>(lo + intoRing(value - lo, size));
}

/// Walks `entry` from its first instruction to `halt` and tells the handler:
///
///   bool unit(size_t pc, const DecodedInstruction &)     load, mvm, act, ...
///   void control(size_t pc, const DecodedInstruction &)  before its effect;
///                                                        halt is the last
///   void trap(size_t pc, const char *field, std::string message)
///
/// `unit` returns false to stop. Returns whether `halt` was reached. A handler
/// that can tell what whole passes of a loop would do may have two more:
///
///   void enterLoop(size_t level)      the loop has trips; 0 is outermost
///   uint64_t repeatLoop(size_t level, size_t loopPc, size_t endPc,
///                       uint64_t left, Registers &)
///
/// `repeatLoop` is called at an endloop with `left` more passes to walk, at
/// least 1. It returns how many of them, less than `left`, are done: it has set
/// the registers as they are then.
template <typename Handler>
bool walk(const LoadedProgram &program, Entry entry, int64_t steps,
          const StreamLayout &layout, Registers &registers, Handler &handler) {
  const std::vector<DecodedInstruction> &code = program.instructions();
  struct Frame {
    size_t body;
    uint64_t left;
  };
  std::array<Frame, isa::kLoopDepth> stack;
  size_t depth = 0;
  for (size_t pc = program.entryPoint(entry);; ++pc) {
    if (pc >= code.size()) {
      handler.trap(pc ? pc - 1 : 0, "",
                   "the program runs past its end; it must end in halt");
      return false;
    }
    const DecodedInstruction &inst = code[pc];
    if (inst.unit != isa::Unit::Control) {
      if (!handler.unit(pc, inst))
        return false;
      continue;
    }
    handler.control(pc, inst);
    switch (inst.opcode) {
    case isa::Opcode::Halt:
      return true;
    case isa::Opcode::Loop: {
      uint64_t trips = static_cast<uint64_t>(
          std::max<int64_t>(0, (inst.seq ? steps : 0) + inst.value));
      if (inst.lo > 0)
        trips = std::min<uint64_t>(trips, inst.lo);
      if (trips == 0) {
        pc += inst.size; // the body, its endloop included
        break;
      }
      if (depth == isa::kLoopDepth) {
        handler.trap(pc, "",
                     fmt::format("loops nest deeper than {}", isa::kLoopDepth));
        return false;
      }
      stack[depth++] = {pc, trips};
      if constexpr (requires { handler.enterLoop(depth); })
        handler.enterLoop(depth - 1);
      break;
    }
    case isa::Opcode::EndLoop: {
      if (depth == 0) {
        handler.trap(pc, "", "endloop without a loop");
        return false;
      }
      Frame &frame = stack[depth - 1];
      if (--frame.left == 0) {
        --depth;
        break;
      }
      if constexpr (requires {
                      handler.repeatLoop(depth, pc, pc, frame.left, registers);
                    })
        frame.left -= handler.repeatLoop(depth - 1, frame.body, pc, frame.left,
                                         registers);
      pc = frame.body;
      break;
    }
    case isa::Opcode::ASet:
      registers.value[inst.reg] = inst.value;
      registers.lo[inst.reg] = inst.lo;
      registers.size[inst.reg] = inst.size;
      break;
    case isa::Opcode::AStream: {
      const int64_t value =
          static_cast<int64_t>(layout.streams[inst.index].base) + inst.value +
          steps * inst.tscale;
      if (value != static_cast<int32_t>(value)) {
        handler.trap(pc, "stream",
                     fmt::format("address {} does not fit a register", value));
        return false;
      }
      registers.value[inst.reg] = static_cast<int32_t>(value);
      registers.lo[inst.reg] = registers.size[inst.reg] = 0;
      break;
    }
    case isa::Opcode::AAdd:
      registers.value[inst.reg] = wrapIntoRing(
          registers, inst.reg,
          static_cast<int64_t>(registers.value[inst.reg]) + inst.value);
      break;
    default: // barrier
      break;
    }
  }
}

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_SEQUENCER_H

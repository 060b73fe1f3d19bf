// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How wide the elements of vmem are that an instruction reads and writes (E-W).
//
// Elements carry no width: it is the program that puts 13-bit states here and
// 16-bit cells there. But where an operand can lie follows from the few
// instructions that set its address register: at value + offset + k * g inside
// the ring, g being the greatest common divisor of all that is ever added to
// the register and of the ring's size. So the elements each operand can touch
// are known without running anything; what may be put into them is collected
// over all instructions, and again until nothing grows any more, since copies
// and scratch streams pass widths on.
//
#ifndef HCGS_LIB_SIM_ELEMENTWIDTHS_H
#define HCGS_LIB_SIM_ELEMENTWIDTHS_H

#include "hcgs/Sim/LoadedProgram.h"

#include <cstdint>
#include <vector>

namespace hcgs::sim {

/// Bits of the operands in vmem of one instruction; 16 for those it lacks.
struct OperandWidths {
  unsigned dst = 16, a = 16, b = 16;
};

/// By program counter.
std::vector<OperandWidths> elementWidths(const LoadedProgram &program);

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_ELEMENTWIDTHS_H

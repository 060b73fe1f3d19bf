// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine once more, as slow and as literal as possible: every operand is a
// list of element addresses, every matrix a table of numbers, and timing steps
// a clock through queues and units instead of evaluating formulas. Written from
// docs/Spec alone, to check the simulator against.
//
#ifndef HCGS_UNITTESTS_SIM_REFERENCEMACHINE_H
#define HCGS_UNITTESTS_SIM_REFERENCEMACHINE_H

#include "TestProgram.h"
#include "hcgs/Sim/Timing.h"

#include <cstdint>
#include <set>
#include <vector>

namespace hcgs::sim::test {

/// What a reference machine is made from.
struct ReferenceInput {
  std::vector<isa::Instruction> instructions;
  std::vector<TestMatrix> matrices;
  std::vector<int32_t> biases;
  std::vector<numerics::PwlTable> tables;
  std::vector<InitialVector> initial;
  TargetModel target;
};

/// One executed instruction and every element it touches.
struct ReferenceEvent {
  size_t pc = 0;
  int unit = -1; // 0 load, 1 matrix, 2 vector, 3 store; -1 control
  bool waitsForAll = false;
  uint64_t occ = 0, lat = 0;
  std::set<int64_t> vRead, vWrite, aRead, aWrite, xRead, xWrite, wRead, wWrite;
  uint64_t d = 0, s = 0, finish = 0;
};

class ReferenceMachine {
public:
  ReferenceMachine(const ReferenceInput &input, const StreamLayout &layout,
                   std::vector<uint8_t> ext);

  /// Executes from `start` to `halt`; the program must be right.
  void execute(size_t start, int64_t steps);
  /// Steps the clock over what was executed.
  void clock();

  std::vector<int16_t> vmem;
  std::vector<int32_t> amem;
  std::vector<uint8_t> ext;
  std::vector<uint8_t> wmem; // of which the resident weights are not used
  Registers registers;
  std::vector<uint64_t> saturations, inputSaturations;
  std::vector<ReferenceEvent> events;
  uint64_t cycles = 0;
  std::array<UnitCycles, kNumUnits> units;
  std::vector<UnitCycles> instructions; // by program counter

private:
  std::vector<int64_t> elements(isa::Addr address, int64_t n) const;
  void executeUnit(size_t pc, ReferenceEvent &event);
  /// The weight of a kept position of spilled weights, as wmem has it.
  int64_t weightInMemory(const TestMatrix &matrix,
                         const compression::WeightLayout &layout, int64_t gate,
                         int64_t row, int64_t col) const;
  void executeMatrix(const isa::Mvm &mvm, ReferenceEvent &event);
  void attribute();

  const ReferenceInput &input;
  const StreamLayout &layout;
  /// By cycle: held by a queue 'q' or a barrier 'b', a control instruction 'l',
  /// an instruction of a unit 0.
  std::vector<char> held;
};

} // namespace hcgs::sim::test

#endif // HCGS_UNITTESTS_SIM_REFERENCEMACHINE_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the instructions of a program:
//
//   run:    reset code: initial states, rings
//   step:   the time loop: streams, prologue, loop T - depth, epilogue;
//           what comes after it; halt
//   reset:  reset code; halt
//
// A program without the entry `step` has only `run`, in which every pass sets
// up its own states just before it begins.
//
#ifndef HCGS_LIB_CONVERSION_HCGSTOISA_EMITTER_H
#define HCGS_LIB_CONVERSION_HCGSTOISA_EMITTER_H

#include "Network.h"
#include "ProgramLayout.h"
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Schedule/MachineTiming.h"

namespace hcgs::toisa {

class Emitter {
public:
  Emitter(const ProgramLayout &layout, const Network &network,
          mlir::OpBuilder &builder)
      : layout(layout), network(network), builder(builder),
        timing(schedule::timingOf(layout.target)) {}

  void run();

private:
  /// Where operands of an operation are.
  using AddressOf = llvm::function_ref<isa::Addr(
      mlir::Value value, uint32_t begin, uint32_t end, int gate)>;

  void emitEntry(isa::EntryKind kind);
  /// What stands outside loops, and the loops: [begin, end) of the body.
  void emitBefore(mlir::Block::iterator begin, mlir::Block::iterator end);
  void emitOutside(mlir::Operation *op);
  void emitStates(const Loop &loop);
  void emitPass(const Loop &loop);
  /// One entry of the schedule; `lead`: steps after the one that the registers
  /// point at.
  void emitScheduled(const Loop &loop, unsigned index, int64_t lead,
                     llvm::StringRef step, int part = -1);
  /// A product, or the part of it whose weights are those of `part`.
  void emitProduct(flow::MvmOp mvm, const schedule::Entry &entry, bool starts,
                   AddressOf address, llvm::StringRef step, int part);
  /// One instruction of it: of `rows`, the gates of which `gates` has the bit.
  void emitGates(flow::MvmOp mvm, const schedule::Entry &entry,
                 std::pair<uint32_t, uint32_t> rows, unsigned gates,
                 bool starts, AddressOf address, llvm::StringRef step,
                 int part);
  /// Entries with their leads and the names of their steps, one after another,
  /// with the loads of spilled weights that they need. What `repeats` finds its
  /// first parts loaded.
  struct Issue {
    unsigned index;
    int64_t lead;
    std::string step;
  };
  void emitRegion(const Loop &loop, llvm::ArrayRef<Issue> issues, bool repeats);
  /// The parts to load before a region that repeats.
  std::vector<unsigned> findPreloads(const Loop &loop,
                                     llvm::ArrayRef<Issue> issues) const;
  void emitWeightLoad(unsigned part);
  /// The parts of spilled matrices that each issue uses; -1: none.
  void findUses(const Loop &loop, llvm::ArrayRef<Issue> issues,
                std::vector<unsigned> &users, std::vector<int> &uses) const;
  /// Moves the rings on by a slot and, if asked, the streams by a frame.
  void emitAdvance(const Loop &loop, bool frames);
  /// The instruction of a part of an operation: rows begin .. end-1, and of a
  /// product the gates, columns and tile that `entry` names.
  void emitFlow(mlir::Operation *op, unsigned part,
                const schedule::Entry &entry, bool starts, AddressOf address,
                std::optional<isa::Addr> stream, llvm::StringRef step,
                int weightPart = -1);
  /// With the layer of `op`, its row where there are several, and the time step
  /// (none outside a time loop) in the debug map.
  void emit(mlir::Operation *op, const isa::Instruction &instruction,
            std::string what, llvm::StringRef step = {});
  void emit(mlir::Location loc, const isa::Instruction &instruction,
            std::string what, std::optional<int64_t> layer = std::nullopt);

  const ProgramLayout &layout;
  const Network &network;
  mlir::OpBuilder &builder;
  schedule::MachineTiming timing;
};

} // namespace hcgs::toisa

#endif // HCGS_LIB_CONVERSION_HCGSTOISA_EMITTER_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where everything of a scheduled hcgs.program goes: addresses in vmem and
// amem, address registers, numbers of streams, matrices and tables. Decides no
// order: the schedule did.
//
// Memory of a time loop. Buffers of one memory with the same number m > 1 of
// slots form a *ring* of m slots; a slot holds one step's values of all of
// them, side by side. The ring's register points at the slot of step t in
// iteration t, so a value of step t + k is at a constant offset from it:
//
//      lo            lo + P          lo + 2P
//      | h0 | h1     | h0 | h1       |            m = 2, P = |h0| + |h1|
//        step t - 1    step t: register = lo + P
//
//   h1(t)   = [reg + |h0|],  h1(t - 1) = [reg - P + |h0|],  wrapped by the ring
//
// Buffers with one slot have fixed addresses (register a0).
//
// Lifetimes. What stands in the program's body happens in that order, so the
// place of an operation in the body is its time. A loop's memory lives from the
// loop to the last use of its final states, a value outside loops from its
// definition to its last use, constants always. In a program with the entry
// `step`, the memory of the loop always lives.
//
#ifndef HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMLAYOUT_H
#define HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMLAYOUT_H

#include "Spill.h"
#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"
#include "hcgs/Target/ISA.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/TargetModel.h"
#include "llvm/ADT/MapVector.h"

namespace hcgs::toisa {

/// Something that needs room for some time.
struct Room {
  int64_t size = 0;
  /// First and last time, both included.
  int64_t from = 0, to = 0;
  int64_t address = 0;
};

/// Gives every room an address such that no two overlap in space and time,
/// the large ones first, each as low as it can be. Returns the extent.
int64_t placeRooms(llvm::MutableArrayRef<Room> rooms);

/// A time loop with its schedule and its places.
struct Loop {
  flow::SequenceOp op;
  flow::StepModel model;
  unsigned depth = 0;
  std::vector<schedule::Holding> holdings; // by storage
  std::vector<schedule::Entry> entries;
  /// Of each entry: whether the schedule names its tile.
  std::vector<bool> namesTile;

  struct Ring {
    schedule::Memory memory;
    unsigned slots;
    int64_t pitch = 0;
    int64_t lo = 0;
    unsigned reg = 0;
  };
  std::vector<Ring> rings;
  /// Of each storage: the ring (or -1) and the offset in a slot (or address).
  struct Place {
    int ring = -1;
    int64_t offset = 0;
  };
  std::vector<Place> places;

  /// Streams the loop walks along.
  struct Walk {
    unsigned stream;
    bool reversed;
    int64_t frameBytes;
    unsigned reg = 0;
  };
  std::vector<Walk> walks;

  /// Of each entry: whether it is the first in its step that is issued for the
  /// rows and gates it computes. It starts their accumulators.
  std::vector<bool> starts;

  /// Elements of vmem and of amem, and where they begin.
  std::array<int64_t, 2> sizes = {0, 0}, bases = {0, 0};

  /// Where rows begin .. end-1 (of a gate, or -1) of a value are for the step
  /// `lead` steps after the one the registers point at.
  isa::Addr address(mlir::Value value, uint32_t begin, uint32_t end, int gate,
                    int64_t lead) const;
  const Walk &walk(unsigned stream, bool reversed) const;
};

class ProgramLayout {
public:
  ProgramLayout(flow::ProgramOp program, const TargetModel &target)
      : program(program), target(target) {}

  /// Reports what does not fit the target, and broken schedules.
  mlir::LogicalResult run();

  /// What the field `desc` of mvm can name.
  static constexpr int64_t kDescriptors = 1024;

  flow::ProgramOp program;
  const TargetModel &target;
  llvm::MapVector<mlir::StringAttr, flow::StreamOp> streams;
  llvm::MapVector<mlir::StringAttr, flow::MatrixOp> matrices;
  llvm::MapVector<mlir::StringAttr, flow::TableOp> tables;
  llvm::MapVector<mlir::StringAttr, flow::LayerOp> layers;
  /// A segment of the columns of a matrix: its descriptor comes after those of
  /// whole matrices.
  struct View {
    unsigned matrix;
    uint32_t colBegin, colEnd;
    bool operator==(const View &) const = default;
  };
  std::vector<View> views;
  /// What wmem does not hold all the time, and what is used of its parts at a
  /// time. Their descriptors come last.
  SpillPlan spill;
  std::vector<PartView> partViews;
  std::vector<Loop> loops;
  /// By matrix: the height of its row blocks; 0 if it is not used.
  std::vector<uint32_t> rowBlocks;
  /// By matrix: the matrix whose biases its descriptor names, or -1.
  std::vector<int> biasOf;
  /// Vectors that are in vmem from the start.
  std::vector<InitialVector> initialVectors;
  /// Register for streams outside loops; 0 if there are none.
  unsigned streamRegister = 0;
  /// Registers for loads of spilled weights: source and destination.
  unsigned spillSource = 0, spillPlace = 0;
  int64_t vmemElements = 0, amemElements = 0;
  /// Why there is no entry `step`; empty if there is one.
  std::string noStep;

  unsigned streamNumber(llvm::StringRef name) const;
  unsigned matrixNumber(llvm::StringRef name) const;
  unsigned tableNumber(llvm::StringRef name) const;
  /// Of columns colBegin .. colEnd-1 of a matrix (0, 0: all).
  unsigned descriptorNumber(unsigned matrix, uint32_t colBegin,
                            uint32_t colEnd) const;
  unsigned partDescriptorNumber(const PartView &view) const;
  /// Number of the stream of spilled weights.
  unsigned spillStream() const { return streams.size(); }
  Loop *loopOf(flow::SequenceOp op);

  /// A constant that is zero and only starts time loops: it is filled in and
  /// needs no room.
  static bool isFilled(flow::ConstantOp constant);
  /// A read that is loaded straight into the state it starts.
  static bool isLoadedIntoState(flow::ReadOp read);

  /// Of a value outside loops: address of rows begin .. end-1 (of a gate).
  isa::Addr address(mlir::Value value, uint32_t begin, uint32_t end,
                    int gate) const;

private:
  mlir::LogicalResult addLoop(flow::SequenceOp sequence);
  mlir::LogicalResult readSchedule(Loop &loop);
  mlir::LogicalResult readProduct(flow::IssueOp issue,
                                  const schedule::Operation &operation,
                                  schedule::Entry &entry);
  mlir::LogicalResult findStarts(Loop &loop);
  void placeBuffers(Loop &loop);
  mlir::LogicalResult noteMatrix(flow::MvmOp mvm, uint32_t rowBlock,
                                 bool startsWithBias, mlir::Value chain);
  mlir::LogicalResult noteLoopMatrices(Loop &loop);
  void noteSpill();
  void decideStep();
  mlir::LogicalResult allocate();
  mlir::LogicalResult allocateRegisters();
  int64_t timeOf(mlir::Operation *op) const;
  /// Last time of a use of a value of the program's body.
  int64_t lastUse(mlir::Value value) const;

  llvm::DenseMap<mlir::Operation *, int64_t> times;
  int64_t end = 0;
  llvm::DenseMap<mlir::Value, int64_t> addresses;
};

} // namespace hcgs::toisa

#endif // HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMLAYOUT_H

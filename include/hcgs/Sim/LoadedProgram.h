// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program file made ready to run: every instruction decoded, every matrix
// unpacked and packed again for the host's vector units, every table expanded,
// every cost worked out, all of it once. A loaded program never changes, so any
// number of machines (Machine.h) on any number of threads may run it.
//
#ifndef HCGS_SIM_LOADEDPROGRAM_H
#define HCGS_SIM_LOADEDPROGRAM_H

#include "hcgs/Sim/Kernels.h"
#include "hcgs/Sim/Network.h"
#include "hcgs/Sim/PackedMatrix.h"
#include "hcgs/Support/Result.h"
#include "hcgs/Target/ISA.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/ProgramFile.h"
#include "hcgs/Target/TargetModel.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hcgs::sim {

/// Where a host may start a program (S-E-1).
enum class Entry : uint8_t { Run, Step, Reset };
std::string_view getName(Entry entry);

/// The address registers (S-R-1); size 0 means no ring.
struct Registers {
  std::array<int32_t, isa::kNumRegisters> value{};
  std::array<uint32_t, isa::kNumRegisters> lo{}, size{};
  bool operator==(const Registers &) const = default;
};

/// Where the streams lie in `ext` for one sequence length (S-T-2). They lie
/// apart, so that an address beside a stream belongs to no other.
struct StreamLayout {
  struct Place {
    uint32_t base = 0, bytes = 0;
  };
  std::vector<Place> streams;
  /// The stream of the spilled weights (S-T-3); -1 without one. It comes last,
  /// and `totalBytes`, what a machine keeps of ext, ends before it: the weights
  /// stay in the program.
  int weights = -1;
  uint32_t totalBytes = 0;
  /// The stream of data that holds all of [address, address + bytes); -1 if
  /// none does.
  int find(int64_t address, uint64_t bytes) const;
};

/// Bits that an instruction moves, by memory. Fixed by the instruction, so that
/// the traffic of a run is the sum over how often each was executed.
struct Traffic {
  uint64_t wmemRead = 0; // kept weights of the chosen gates
  uint64_t wmemWritten = 0;
  uint64_t imemRead = 0; // indices of the kept blocks in the rows covered
  uint64_t vmemRead = 0, vmemWritten = 0;
  uint64_t amemRead = 0, amemWritten = 0;
  uint64_t bmemRead = 0;
  uint64_t lutRead = 0; // one segment (base and slope) an element
  uint64_t extRead = 0, extWritten = 0;
};

/// What an mvm needs beside its operands.
struct MatrixPlan {
  const PackedMatrix *matrix = nullptr;
  size_t firstGroup = 0, lastGroup = 0;
  std::vector<int32_t> laneShifts;
  /// Accumulators of the row blocks covered, all gates of the layout: the
  /// operand is `span` elements, of which the chosen gates are written.
  uint32_t span = 0;
  /// Place of the first of them in the layout of the whole matrix.
  uint32_t base = 0;
  /// Elements of the input vector: the columns of the view.
  uint32_t cols = 0;
  /// Biases in the layout of the whole matrix; null without.
  const int32_t *bias = nullptr;
  bool allGates = true;
  unsigned gates = 1, gateMask = 1;
  uint32_t rows = 0, rowBlock = 0, firstBlock = 0;
  uint64_t macs = 0;
  /// Bits of a weight code.
  uint32_t weightBits = 0;
  /// T-H-2: the bytes of wmem that hold the codes of the row blocks.
  uint32_t wmemFirst = 0, wmemBytes = 0;
  /// Of spilled weights, else null: these bytes of the spill section, of which
  /// `matrix` is packed. If wmem holds others, LoadedProgram::repack.
  const uint8_t *spilled = nullptr;
  uint32_t descriptor = 0, blocks = 0;

  /// T-H-2: whether a chosen accumulator is among elements [begin, end) of
  /// the operand.
  bool writesAny(uint32_t begin, uint32_t end) const;
};

/// An instruction with its fields where the simulator wants them. Operands are
/// named by position: dst, then the sources in the order of the assembly.
struct DecodedInstruction {
  isa::Opcode opcode = isa::Opcode::Halt;
  isa::Unit unit = isa::Unit::Control;
  isa::Init init = isa::Init::Zero;
  bool seq = false; // loop
  uint8_t reg = 0;  // aset, astream, aadd
  isa::Addr dst, a, b;
  uint32_t n = 0;            // elements; of mvm: columns; of wload: bytes
  int32_t shift = 0;         // right shift of act, requant; left of vmac, vacc
  int32_t bits = 0;          // requant
  int32_t value = 0;         // fill, aset, aadd, astream, loop: imm
  int32_t tscale = 0;        // astream
  uint32_t lo = 0, size = 0; // aset: ring; loop: cap in lo, length in size
  uint32_t index = 0;        // table, stream; of mvm: plan
  /// T-U: cycles the unit is held, and cycles more until the results are there.
  uint64_t occ = 0, lat = 0;
};

/// What the debug map says of an instruction; empty without one.
struct DebugInfo {
  std::string node, layer, what;
};

class EnergyCounter;
struct TimingResult;

class LoadedProgram {
public:
  using Ptr = std::shared_ptr<const LoadedProgram>;

  /// Reads and checks a program file. Errors begin with the path.
  static Result<Ptr> load(const std::string &path);
  /// The same from bytes; `name` begins errors.
  static Result<Ptr> fromBytes(std::string_view bytes, std::string_view name);

  ~LoadedProgram();
  LoadedProgram(const LoadedProgram &) = delete;
  LoadedProgram &operator=(const LoadedProgram &) = delete;

  /// The tensors a host sees, in the order of the ONNX graph (L-IO).
  const std::vector<TensorInfo> &inputs() const { return network.inputs; }
  const std::vector<TensorInfo> &outputs() const { return network.outputs; }
  const std::vector<StreamInfo> &streams() const { return network.streams; }
  /// Batch rows that one call computes together (PF-6).
  unsigned rows() const { return network.rows; }
  /// The stream of a row that holds what `stream` does of row 0.
  uint32_t streamOf(uint32_t stream, unsigned row) const {
    return network.copies[row][stream];
  }
  /// The number of time steps the model demands, if it demands one.
  std::optional<int64_t> fixedTime() const { return network.time; }
  /// The metadata (PF-6) as it stands in the file.
  const nlohmann::json &metadata() const;
  const TargetModel &target() const { return theTarget; }
  /// The 32 bytes that identify the file (PF-2).
  const std::string &digest() const { return theDigest; }

  bool hasEntry(Entry entry) const {
    return entryPoints[static_cast<size_t>(entry)].has_value();
  }
  /// Instruction index of an entry that exists.
  size_t entryPoint(Entry entry) const {
    return *entryPoints[static_cast<size_t>(entry)];
  }
  /// Why there is no `step`; empty if there is one or no reason is given.
  const std::string &noStepReason() const { return network.noStep; }
  /// Bit s: the entry points a register at stream s.
  uint64_t streamsOf(Entry entry) const {
    return entryStreams[static_cast<size_t>(entry)];
  }

  const std::vector<DecodedInstruction> &instructions() const { return code; }
  const std::vector<MatrixPlan> &plans() const { return matrixPlans; }
  const MatrixPlan &plan(const DecodedInstruction &mvm) const {
    return matrixPlans[mvm.index];
  }
  const ActTable &table(const DecodedInstruction &act) const {
    return tables[act.index];
  }
  const Traffic &traffic(size_t pc) const { return allTraffic[pc]; }
  uint64_t macs(size_t pc) const;
  const std::vector<InitialVector> &initialVectors() const { return vinit; }

  /// Whether some instruction loads weights (I-WLOAD) or needs loaded ones.
  bool loadsWeights() const { return wload; }
  /// The images of spilled weights.
  std::span<const uint8_t> spill() const { return spillImage; }
  /// Bytes of wmem that hold the resident weights; `wload` writes behind them.
  uint32_t residentBytes() const { return theResidentBytes; }
  /// The matrix of a plan of spilled weights packed from what wmem holds:
  /// plan.wmemBytes bytes. Fails if a code does not exist (A-W-1).
  Result<PackedMatrix> repack(const MatrixPlan &plan,
                              std::span<const uint8_t> bytes) const;
  /// As assembly.
  std::string text(size_t pc) const;
  DebugInfo debug(size_t pc) const;

  /// Where streams lie for `steps` time steps; an error if they do not fit.
  Result<StreamLayout> layoutStreams(int64_t steps) const;

  /// The error of a trap (I-ERR-1): program counter, instruction, field, node.
  Error trap(size_t pc, std::string_view field, std::string_view message) const;

  /// Cycles of one call (Timing.h), worked out once for each different call.
  std::shared_ptr<const TimingResult> timing(Entry entry, int64_t steps,
                                             const Registers &registers,
                                             const StreamLayout &layout) const;
  /// What one execution of each instruction brings (Energy.h), worked out when
  /// somebody asks first.
  const EnergyCounter &energyCounter() const;

private:
  LoadedProgram();
  static Result<Ptr> create(const Program &program, std::string digest);
  Result<void> decodeAll(const Program &program);
  Result<void> planMatrix(size_t pc, const isa::Mvm &mvm,
                          DecodedInstruction &inst);
  Result<void> findEntries();

  struct Matrices; // layouts and packed forms by descriptor
  struct Private;  // metadata, debug map, timing cache

  TargetModel theTarget;
  std::string theDigest;
  NetworkInfo network;
  std::array<std::optional<size_t>, 3> entryPoints;
  std::array<uint64_t, 3> entryStreams{};
  std::vector<DecodedInstruction> code;
  std::vector<isa::Instruction> source;
  std::vector<MatrixPlan> matrixPlans;
  std::vector<ActTable> tables;
  std::vector<Traffic> allTraffic;
  std::vector<int32_t> biases;
  std::vector<InitialVector> vinit;
  std::vector<uint8_t> spillImage;
  uint32_t theResidentBytes = 0;
  bool wload = false;
  std::unique_ptr<Matrices> matrices;
  std::unique_ptr<Private> hidden;
};

} // namespace hcgs::sim

#endif // HCGS_SIM_LOADEDPROGRAM_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From entries of a schedule to instructions.

#include "Emitter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static std::string rowsText(uint32_t begin, uint32_t end) {
  return "rows " + std::to_string(begin) + ".." + std::to_string(end - 1);
}

static std::string stepName(StringRef origin, int64_t offset) {
  std::string name = "step " + origin.str();
  if (offset > 0)
    name += "+" + std::to_string(offset);
  if (offset < 0)
    name += std::to_string(offset);
  return name;
}

//===----------------------------------------------------------------------===//
// Single instructions
//===----------------------------------------------------------------------===//

void Emitter::emit(Location loc, const isa::Instruction &instruction,
                   std::string what, std::optional<int64_t> layer) {
  isa::createInstruction(builder, loc, instruction,
                         {.layer = layer, .what = std::move(what)});
}

void Emitter::emit(Operation *op, const isa::Instruction &instruction,
                   std::string what, StringRef step) {
  auto role = network.roles.find(op);
  std::optional<int64_t> layer;
  if (role != network.roles.end())
    layer = role->second.layer;
  if (getNumRows(layout.program) > 1)
    what += ", batch row " + std::to_string(getRow(op));
  // At the very end, where traces look for it: ", step t+1" in the loop,
  // ", step 0" before it.
  if (!step.empty())
    what += (", " + step).str();
  emit(op->getLoc(), instruction, std::move(what), layer);
}

void Emitter::emitProduct(MvmOp mvm, const schedule::Entry &entry, bool starts,
                          AddressOf address, StringRef step, int weightPart) {
  unsigned number = layout.matrixNumber(mvm.getMatrix());
  MatrixOp matrix = (layout.matrices.begin() + number)->second;
  const WeightPart *part =
      weightPart < 0 ? nullptr : &layout.spill.parts[weightPart];
  uint32_t begin = part ? std::max(part->begin, entry.begin) : entry.begin;
  uint32_t end = part ? std::min(part->end, entry.end) : entry.end;
  const unsigned all = (1u << matrix.getGates()) - 1;
  const unsigned gates = entry.gates ? entry.gates : all;
  const int gate = part ? part->gate : -1;
  if (gate >= 0)
    return emitGates(mvm, entry, {begin, end}, 1u << gate, starts, address,
                     step, weightPart);
  if (!part || !part->byGate)
    return emitGates(mvm, entry, {begin, end}, gates, starts, address, step,
                     weightPart);
  for (unsigned g = 0; g < matrix.getGates(); ++g)
    if (gates >> g & 1)
      emitGates(mvm, entry, {begin, end}, 1u << g, starts, address, step,
                weightPart);
}

void Emitter::emitGates(MvmOp mvm, const schedule::Entry &entry,
                        std::pair<uint32_t, uint32_t> rows, unsigned mask,
                        bool starts, AddressOf address, StringRef step,
                        int weightPart) {
  const auto [begin, end] = rows;
  const unsigned number = layout.matrixNumber(mvm.getMatrix());
  MatrixOp matrix = (layout.matrices.begin() + number)->second;
  const WeightPart *part =
      weightPart < 0 ? nullptr : &layout.spill.parts[weightPart];
  const uint32_t colEnd = entry.colEnd ? entry.colEnd : matrix.getCols();
  const isa::Gates gates = {uint8_t(mask)};
  // Of a part with codes of one gate, and of one whose gates are computed
  // apart.
  const int ownGate = part ? part->gate : -1;
  const unsigned first = llvm::countr_zero(mask);
  const bool single = ownGate >= 0 || (part && part->byGate);

  isa::Mvm instruction;
  instruction.dst =
      address(mvm.getResult(), begin, end, single ? int(first) : -1);
  // `dst` is the place of gate 0 as if gates lay side by side.
  if (part && part->byGate)
    instruction.dst.off -= first * (end - begin);
  instruction.src = address(mvm.getInput(), entry.colBegin, colEnd, -1);
  instruction.init = starts ? isa::Init::Zero : isa::Init::Acc;
  if (starts && layout.biasOf[number] >= 0)
    instruction.init = isa::Init::Bias;
  for (auto [g, shift] : llvm::enumerate(mvm.getShifts()))
    if (gates.has(g))
      instruction.shifts[ownGate < 0 ? g : 0] = shift;
  instruction.tile = entry.tile.tile;
  instruction.retile = entry.tile.retile;
  // A part is a matrix of its own, from its first row on and maybe of one gate.
  const uint32_t top = part ? part->begin : 0;
  uint32_t height = layout.rowBlocks[number];
  if (part)
    height = std::min(height, part->end - part->begin);
  instruction.first = (begin - top) / height;
  instruction.count = (end - top + height - 1) / height - instruction.first;
  instruction.gates = ownGate < 0 ? gates : isa::Gates::all(1);
  instruction.desc =
      part ? layout.partDescriptorNumber(
                 layout.spill.viewOf(layout, weightPart, entry, first))
           : layout.descriptorNumber(number, entry.colBegin, entry.colEnd);

  std::string letters, columns;
  if (matrix.getGates() == 4)
    letters = " gates " + isa::printGates(gates);
  if (entry.colEnd)
    columns = " columns " + std::to_string(entry.colBegin) + ".." +
              std::to_string(entry.colEnd - 1);
  emit(mvm, instruction,
       network.roles.lookup(mvm).what + letters + " " + rowsText(begin, end) +
           columns,
       step);
}

void Emitter::emitFlow(Operation *op, unsigned part,
                       const schedule::Entry &entry, bool starts,
                       AddressOf address, std::optional<isa::Addr> stream,
                       StringRef step, int weightPart) {
  uint32_t begin = entry.begin, end = entry.end, n = end - begin;
  std::string role = network.roles.lookup(op).what;
  std::string where = " " + rowsText(begin, end);
  auto vec = [&](Value value) { return address(value, begin, end, -1); };
  auto init = starts ? isa::Init::Zero : isa::Init::Acc;

  TypeSwitch<Operation *>(op)
      .Case([&](ReadOp read) {
        emit(op,
             isa::Load{.dst = vec(read.getResult()), .src = *stream, .n = n},
             "load " + read.getStream().str(), step);
      })
      .Case([&](WriteOp write) {
        emit(op,
             isa::Store{.dst = *stream, .src = vec(write.getValue()), .n = n},
             "store " + write.getStream().str(), step);
      })
      .Case([&](MvmOp mvm) {
        emitProduct(mvm, entry, starts, address, step, weightPart);
      })
      .Case([&](VmacOp vmac) {
        emit(op,
             isa::VMac{.dst = address(vmac.getResult(), begin, end, -1),
                       .a = vec(vmac.getA()),
                       .b = vec(vmac.getB()),
                       .n = n,
                       .lshift = uint32_t(vmac.getShl()),
                       .init = init},
             role + where, step);
      })
      .Case([&](VaccOp vacc) {
        emit(op,
             isa::VAcc{.dst = address(vacc.getResult(), begin, end, -1),
                       .src = vec(vacc.getInput()),
                       .n = n,
                       .lshift = uint32_t(vacc.getShl()),
                       .init = init},
             role + where, step);
      })
      .Case([&](ActOp act) {
        emit(op,
             isa::Act{.dst = vec(act.getResult()),
                      .src = address(act.getAcc(), begin, end, act.getGate()),
                      .n = n,
                      .shift = int32_t(int64_t(act.getShift())),
                      .table = layout.tableNumber(act.getTable())},
             role + where, step);
      })
      .Case([&](RequantOp requant) {
        emit(op,
             isa::Requant{.dst = vec(requant.getResult()),
                          .src = address(requant.getAcc(), begin, end,
                                         requant.getGate()),
                          .n = n,
                          .shift = int32_t(int64_t(requant.getShift())),
                          .bits = requant.getResult().getType().getBits()},
             role + where, step);
      })
      .Case([&](ConcatOp concat) {
        int64_t offset = 0;
        for (unsigned i = 0; i < part; ++i)
          offset += cast<VecType>(concat.getInputs()[i].getType()).getSize();
        emit(op,
             isa::VCopy{.dst = address(concat.getResult(), begin + offset,
                                       end + offset, -1),
                        .src = vec(concat.getInputs()[part]),
                        .n = n},
             role + " " + std::to_string(part), step);
      });
}

//===----------------------------------------------------------------------===//
// Time loops
//===----------------------------------------------------------------------===//

void Emitter::emitScheduled(const Loop &loop, unsigned index, int64_t lead,
                            StringRef step, int weightPart) {
  schedule::Entry entry = loop.entries[index];
  // The best tile of the whole is not that of a part; one that is named stays.
  if (weightPart >= 0 && !loop.namesTile[index]) {
    const auto &tileFor =
        loop.model.problem.operations[entry.operation].tileFor;
    const WeightPart &part = layout.spill.parts[weightPart];
    schedule::Entry piece = entry;
    piece.begin = part.begin;
    piece.end = part.end;
    if (part.gate >= 0)
      piece.gates = 1u << part.gate;
    if (tileFor)
      entry.tile = tileFor(piece);
  }
  auto [op, part] = loop.model.sources[entry.operation];
  std::optional<isa::Addr> stream;
  auto along = [&](StringRef name, Frames frames, int64_t at) {
    bool reversed = frames == Frames::Reversed;
    const Loop::Walk &walk = loop.walk(layout.streamNumber(name), reversed);
    stream = isa::Addr{
        uint8_t(walk.reg),
        int32_t((reversed ? -lead : lead) * walk.frameBytes + 2 * at)};
  };
  if (auto read = dyn_cast<ReadOp>(op))
    along(read.getStream(), read.getFrames(), entry.begin);
  else if (auto write = dyn_cast<WriteOp>(op))
    along(write.getStream(), write.getFrames(), write.getAt());
  emitFlow(
      op, part, entry, loop.starts[index],
      [&](Value value, uint32_t begin, uint32_t end, int gate) {
        return loop.address(value, begin, end, gate, lead);
      },
      stream, step, weightPart);
}

void Emitter::findUses(const Loop &loop, ArrayRef<Issue> issues,
                       std::vector<unsigned> &users,
                       std::vector<int> &uses) const {
  for (auto [number, issue] : llvm::enumerate(issues)) {
    std::vector<unsigned> parts =
        layout.spill.partsOf(layout, loop, issue.index);
    if (parts.empty()) {
      users.push_back(number);
      uses.push_back(-1);
    }
    for (unsigned part : parts) {
      users.push_back(number);
      uses.push_back(part);
    }
  }
}

void Emitter::emitRegion(const Loop &loop, ArrayRef<Issue> issues,
                         bool repeats) {
  std::vector<unsigned> users;
  std::vector<int> uses;
  findUses(loop, issues, users, uses);
  BufferedLoads loads(layout.spill, uses, repeats);
  if (!repeats)
    for (unsigned part : loads.before())
      emitWeightLoad(part);
  for (size_t number = 0; number < uses.size(); ++number) {
    const Issue &issue = issues[users[number]];
    emitScheduled(loop, issue.index, issue.lead, issue.step, uses[number]);
    if (int part = loads.after(number); part >= 0)
      emitWeightLoad(part);
  }
}

std::vector<unsigned> Emitter::findPreloads(const Loop &loop,
                                            ArrayRef<Issue> issues) const {
  std::vector<unsigned> users;
  std::vector<int> uses;
  findUses(loop, issues, users, uses);
  return BufferedLoads(layout.spill, uses, true).before();
}

void Emitter::emitWeightLoad(unsigned number) {
  const WeightPart &part = layout.spill.parts[number];
  MatrixOp matrix = (layout.matrices.begin() + part.matrix)->second;
  const Network::MatrixUse &use = network.matrixUses[part.matrix];
  std::string what = "weights of " + std::string(1, use.name);
  if (part.gate >= 0 && matrix.getGates() == 4)
    what += std::string(" gate ") + isa::kGateLetters[part.gate];
  what += " " + rowsText(part.begin, part.end);
  emit(matrix.getLoc(),
       isa::AStream{
           .dst = layout.spillSource,
           .stream = layout.spillStream(),
           .imm = int32_t(layout.spill.offsets[part.matrix] + part.firstByte)},
       what, use.layer);
  isa::Addr place = {0, int32_t(layout.spill.place(part))};
  if (layout.spill.isFar(part)) {
    emit(matrix.getLoc(),
         isa::ASet{.dst = layout.spillPlace, .value = place.off}, what,
         use.layer);
    place = {uint8_t(layout.spillPlace), 0};
  }
  emit(matrix.getLoc(),
       isa::WLoad{.dst = place,
                  .src = {uint8_t(layout.spillSource), 0},
                  .n = uint32_t(part.bytes)},
       what, use.layer);
}

void Emitter::emitAdvance(const Loop &loop, bool frames) {
  Location loc = loop.op->getLoc();
  for (const Loop::Ring &ring : loop.rings)
    emit(loc, isa::AAdd{.dst = ring.reg, .imm = int32_t(ring.pitch)},
         "next slot");
  for (const Loop::Walk &walk : loop.walks) {
    if (!frames)
      break;
    emit(loc,
         isa::AAdd{.dst = walk.reg,
                   .imm = int32_t(walk.reversed ? -walk.frameBytes
                                                : walk.frameBytes)},
         "next frame");
  }
}

void Emitter::emitPass(const Loop &loop) {
  Location loc = loop.op->getLoc();
  for (const Loop::Walk &walk : loop.walks) {
    isa::AStream instruction{.dst = walk.reg, .stream = walk.stream};
    if (walk.reversed) { // frame T - 1
      instruction.imm = -walk.frameBytes;
      instruction.tscale = walk.frameBytes;
    }
    StreamOp stream = (layout.streams.begin() + walk.stream)->second;
    emit(loc, instruction,
         (walk.reversed ? "last frame of " : "first frame of ") +
             stream.getSymName().str());
  }

  // Instructions that must not run in sequences too short for them go into
  // loops of at most one trip: with T > after.
  int64_t depth = loop.depth;
  auto onlyIf = [&](int64_t after, llvm::function_ref<void()> body) {
    if (after < 1)
      return body();
    auto guard = isa::LoopOp::create(
        builder, loc, isa::Trips{.seq = true, .imm = int32_t(-after)}, 1,
        isa::InstructionNote{.what = "if T > " + std::to_string(after)});
    OpBuilder::InsertionGuard insertion(builder);
    builder.setInsertionPointToStart(&guard.getBody().front());
    body();
  };

  // Prologue: iterations -depth .. -1; registers stay at step 0. Neighbours
  // for the same step share a guard.
  auto timeOf = [&](unsigned index, int64_t t) {
    return t + int64_t(loop.entries[index].step);
  };
  for (int64_t t = -depth; t < 0; ++t)
    for (unsigned from = 0, count = loop.entries.size(); from < count;) {
      unsigned to = from;
      int64_t time = timeOf(from, t);
      while (to < count && timeOf(to, t) == time)
        ++to;
      if (time >= 0)
        onlyIf(time, [&] {
          SmallVector<Issue> issues;
          for (unsigned index = from; index < to; ++index)
            issues.push_back({index, time, stepName(std::to_string(time), 0)});
          emitRegion(loop, issues, /*repeats=*/false);
        });
      from = to;
    }

  // The steady state.
  SmallVector<Issue> steady;
  for (auto [index, entry] : llvm::enumerate(loop.entries))
    steady.push_back({unsigned(index), entry.step, stepName("t", entry.step)});
  if (std::vector<unsigned> parts = findPreloads(loop, steady); !parts.empty())
    onlyIf(depth, [&] {
      for (unsigned part : parts)
        emitWeightLoad(part);
    });
  auto body = isa::LoopOp::create(
      builder, loc, isa::Trips{.seq = true, .imm = int32_t(-depth)}, 0,
      isa::InstructionNote{.what =
                               depth ? "steps 0..T-" + std::to_string(depth + 1)
                                     : "steps 0..T-1"});
  {
    OpBuilder::InsertionGuard insertion(builder);
    builder.setInsertionPointToStart(&body.getBody().front());
    emitRegion(loop, steady, /*repeats=*/true);
    emitAdvance(loop, /*frames=*/true);
  }

  // Epilogue: iterations T-depth .. T-1, as far as they are not before 0.
  for (int64_t left = depth - 1; left >= 0; --left)
    onlyIf(left, [&] {
      SmallVector<Issue> issues;
      for (auto [index, entry] : llvm::enumerate(loop.entries))
        if (int64_t(entry.step) <= left)
          issues.push_back({unsigned(index), entry.step,
                            stepName("T", int64_t(entry.step) - 1 - left)});
      emitRegion(loop, issues, /*repeats=*/false);
      emitAdvance(loop, /*frames=*/left > 0);
    });
}

/// Puts the states of step -1 in place.
void Emitter::emitStates(const Loop &loop) {
  Location loc = loop.op->getLoc();
  for (const Loop::Ring &ring : loop.rings)
    emit(loc,
         isa::ASet{.dst = ring.reg,
                   .value = int32_t(ring.lo),
                   .lo = uint32_t(ring.lo),
                   .size = uint32_t(ring.slots * ring.pitch)},
         "ring of " + std::to_string(ring.slots) + " slots");
  SequenceOp sequence = loop.op;
  for (auto [number, initial] : llvm::enumerate(sequence.getInitial())) {
    Value state = sequence.getBody().getArgument(number);
    uint32_t n = cast<VecType>(state.getType()).getSize();
    isa::Addr place = loop.address(state, 0, n, -1, 0);
    Location at = sequence.getYield().getStates()[number].getLoc();
    if (auto constant = initial.getDefiningOp<ConstantOp>())
      if (layout.isFilled(constant)) {
        emit(at, isa::Fill{.dst = place, .value = 0, .n = n},
             "initial state 0");
        continue;
      }
    if (auto read = initial.getDefiningOp<ReadOp>())
      if (layout.isLoadedIntoState(read)) {
        emit(read.getLoc(),
             isa::AStream{.dst = layout.streamRegister,
                          .stream = layout.streamNumber(read.getStream())},
             "stream " + read.getStream().str());
        emit(read.getLoc(),
             isa::Load{.dst = place,
                       .src = {uint8_t(layout.streamRegister), 0},
                       .n = n},
             "initial state from " + read.getStream().str());
        continue;
      }
    emit(at,
         isa::VCopy{
             .dst = place, .src = layout.address(initial, 0, n, -1), .n = n},
         "initial state");
  }
}

//===----------------------------------------------------------------------===//
// Outside time loops
//===----------------------------------------------------------------------===//

void Emitter::emitOutside(Operation *op) {
  std::optional<isa::Addr> stream;
  auto atFrame = [&](StringRef name, Frames frames, int64_t at) {
    unsigned number = layout.streamNumber(name);
    StreamOp decl = (layout.streams.begin() + number)->second;
    int32_t bytes = 2 * decl.getFrameType().getSize();
    isa::AStream instruction{.dst = layout.streamRegister, .stream = number};
    if (frames == Frames::Last) {
      instruction.imm = -bytes;
      instruction.tscale = bytes;
    }
    emit(op, instruction, "stream " + name.str());
    stream = isa::Addr{uint8_t(layout.streamRegister), int32_t(2 * at)};
  };
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (layout.isLoadedIntoState(read))
      return;
    atFrame(read.getStream(), read.getFrames(), 0);
  } else if (auto write = dyn_cast<WriteOp>(op)) {
    atFrame(write.getStream(), write.getFrames(), write.getAt());
  }
  auto address = [&](Value value, uint32_t begin, uint32_t end, int gate) {
    return layout.address(value, begin, end, gate);
  };
  schedule::Entry entry = {};
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    for (auto [part, input] : llvm::enumerate(concat.getInputs())) {
      entry.end = cast<VecType>(input.getType()).getSize();
      emitFlow(op, part, entry, false, address, stream, "");
    }
    return;
  }
  bool starts = true;
  if (auto write = dyn_cast<WriteOp>(op)) {
    entry.end = write.getValue().getType().getSize();
  } else {
    Type type = op->getResult(0).getType();
    if (auto acc = dyn_cast<AccType>(type))
      entry.end = acc.getRows();
    else
      entry.end = cast<VecType>(type).getSize();
    starts = !op->getNumOperands() ||
             !llvm::isa<AccType>(op->getOperands().back().getType());
  }
  if (auto mvm = dyn_cast<MvmOp>(op)) {
    MatrixOp matrix =
        (layout.matrices.begin() + layout.matrixNumber(mvm.getMatrix()))
            ->second;
    if (matrix.isDense()) {
      auto [tile, retile] = timing.bestDense(
          uint64_t(entry.end) * matrix.getGates(), matrix.getCols());
      entry.tile = {tile, retile};
      if (auto fixed = layout.program->getAttrOfType<IntegerAttr>(kTileAttr))
        entry.tile = {unsigned(fixed.getValue().getZExtValue()), false};
    }
  }
  emitFlow(op, 0, entry, starts, address, stream, "");
}

/// Whether an operation of the program's body becomes instructions.
static bool isFlow(Operation *op) {
  return llvm::isa<ReadOp, WriteOp, MvmOp, VmacOp, VaccOp, ActOp, RequantOp,
                   ConcatOp>(op);
}

void Emitter::emitEntry(isa::EntryKind kind) {
  isa::EntryOp::create(builder, layout.program->getLoc(), kind);
}

void Emitter::run() {
  Block &body = layout.program->getRegion(0).front();
  Location loc = layout.program->getLoc();
  auto halt = [&] { emit(loc, isa::Halt{}, ""); };
  auto loopOf = [&](SequenceOp sequence) -> const Loop & {
    return *llvm::find_if(
        layout.loops, [&](const Loop &loop) { return loop.op == sequence; });
  };

  emitEntry(isa::EntryKind::Run);
  if (!layout.noStep.empty()) {
    for (Operation &op : body) {
      if (auto sequence = dyn_cast<SequenceOp>(op)) {
        emitStates(loopOf(sequence));
        emitPass(loopOf(sequence));
      } else if (isFlow(&op)) {
        emitOutside(&op);
      }
    }
    halt();
    return;
  }

  const Loop &loop = layout.loops.front();
  auto reset = [&] {
    for (Operation &op : body) {
      if (&op == loop.op)
        break;
      if (isFlow(&op))
        emitOutside(&op);
    }
    emitStates(loop);
  };
  reset();
  emitEntry(isa::EntryKind::Step);
  emitPass(loop);
  for (Operation *op = loop.op->getNextNode(); op; op = op->getNextNode())
    if (isFlow(op))
      emitOutside(op);
  halt();
  emitEntry(isa::EntryKind::Reset);
  reset();
  halt();
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Footprint.h"

using namespace hcgs;
using namespace hcgs::sim;

namespace {
bool overlap(int64_t begin, int64_t count, int64_t otherBegin,
             int64_t otherCount) {
  return begin < otherBegin + otherCount && otherBegin < begin + count &&
         count > 0 && otherCount > 0;
}

bool overlap(const Pieces &a, const Pieces &b) {
  if (overlap(a.first, a.count, b.first, b.count))
    return true;
  if (a.restCount == 0 && b.restCount == 0)
    return false;
  return overlap(a.second, a.restCount, b.first, b.count) ||
         overlap(a.first, a.count, b.second, b.restCount) ||
         overlap(a.second, a.restCount, b.second, b.restCount);
}

/// Whether the elements of `operand` that lie in [begin, begin + count) include
/// a chosen accumulator of `plan`.
bool planMeets(const MatrixPlan &plan, const Pieces &operand, int64_t begin,
               int64_t count) {
  auto piece = [&](int64_t first, int64_t size, int64_t position) {
    const int64_t from = std::max(first, begin);
    const int64_t to = std::min(first + size, begin + count);
    return from < to &&
           plan.writesAny(static_cast<uint32_t>(position + from - first),
                          static_cast<uint32_t>(position + to - first));
  };
  return piece(operand.first, operand.count, 0) ||
         piece(operand.second, operand.restCount, operand.count);
}

bool accumulatorsMeet(const Footprint &i, const Footprint &j) {
  if (!overlap(i.a, j.a))
    return false;
  // At most one of the two is a matrix instruction (T-H-1).
  const Footprint &matrix = i.sparse ? i : j;
  const Footprint &other = i.sparse ? j : i;
  if (!matrix.sparse)
    return true;
  return planMeets(*matrix.sparse, matrix.a, other.a.first, other.a.count) ||
         planMeets(*matrix.sparse, matrix.a, other.a.second, other.a.restCount);
}
} // namespace

std::optional<Hazard> sim::conflict(const Footprint &i, const Footprint &j) {
  const bool raw = (j.touches >> 1) & i.touches & kReads;
  const bool war = j.touches & (i.touches >> 1) & kReads;
  const bool waw = j.touches & i.touches & (kReads << 1);
  if (!raw && !war && !waw)
    return std::nullopt;
  const bool aMeet = (i.touches & (kARead | kAWrite)) &&
                     (j.touches & (kARead | kAWrite)) && accumulatorsMeet(i, j);
  const bool xMeet = (i.touches & (kXRead | kXWrite)) &&
                     (j.touches & (kXRead | kXWrite)) && overlap(i.x, j.x);
  const bool wMeet = (i.touches & (kWRead | kWWrite)) &&
                     (j.touches & (kWRead | kWWrite)) && overlap(i.w, j.w);
  if (raw) {
    if ((j.touches & kVWrite) && (i.touches & kVRead) &&
        (overlap(i.v[0], j.vWrite) || overlap(i.v[1], j.vWrite)))
      return Hazard::Raw;
    if ((j.touches & kAWrite) && (i.touches & kARead) && aMeet)
      return Hazard::Raw;
    if ((j.touches & kXWrite) && (i.touches & kXRead) && xMeet)
      return Hazard::Raw;
    if ((j.touches & kWWrite) && (i.touches & kWRead) && wMeet)
      return Hazard::Raw;
  }
  if (war) {
    if ((j.touches & kVRead) && (i.touches & kVWrite) &&
        (overlap(i.vWrite, j.v[0]) || overlap(i.vWrite, j.v[1])))
      return Hazard::War;
    if ((j.touches & kARead) && (i.touches & kAWrite) && aMeet)
      return Hazard::War;
    if ((j.touches & kXRead) && (i.touches & kXWrite) && xMeet)
      return Hazard::War;
    if ((j.touches & kWRead) && (i.touches & kWWrite) && wMeet)
      return Hazard::War;
  }
  if (waw) {
    if ((j.touches & i.touches & kVWrite) && overlap(i.vWrite, j.vWrite))
      return Hazard::Waw;
    if ((j.touches & i.touches & kAWrite) && aMeet)
      return Hazard::Waw;
    if ((j.touches & i.touches & kXWrite) && xMeet)
      return Hazard::Waw;
    if ((j.touches & i.touches & kWWrite) && wMeet)
      return Hazard::Waw;
  }
  return std::nullopt;
}

Footprint sim::makeFootprint(const LoadedProgram &program,
                             const Registers &registers,
                             const DecodedInstruction &inst) {
  Footprint f;
  switch (inst.opcode) {
  case isa::Opcode::Load:
    f.touches = kXRead | kVWrite;
    f.x = resolve(registers, inst.a, 2 * int64_t(inst.n));
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::WLoad:
    f.touches = kXRead | kWWrite;
    f.x = resolve(registers, inst.a, inst.n);
    f.w = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::Store:
    f.touches = kVRead | kXWrite;
    f.x = resolve(registers, inst.dst, 2 * int64_t(inst.n));
    f.v[0] = resolve(registers, inst.a, inst.n);
    break;
  case isa::Opcode::Mvm: {
    const MatrixPlan &plan = program.plan(inst);
    f.touches = kVRead | kAWrite | (inst.init == isa::Init::Acc ? kARead : 0);
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.a = resolve(registers, inst.dst, plan.span);
    if (!plan.allGates)
      f.sparse = &plan;
    // Without loads nothing writes wmem, and nothing can conflict there.
    if (program.loadsWeights()) {
      f.touches |= kWRead;
      f.w = Extent{plan.wmemFirst, plan.wmemBytes, 0, 0};
    }
    break;
  }
  case isa::Opcode::Act:
  case isa::Opcode::Requant:
    f.touches = kARead | kVWrite;
    f.a = resolve(registers, inst.a, inst.n);
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::VMac:
    f.v[1] = resolve(registers, inst.b, inst.n);
    [[fallthrough]];
  case isa::Opcode::VAcc:
    f.touches = kVRead | kAWrite | (inst.init == isa::Init::Acc ? kARead : 0);
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.a = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::VCopy:
    f.touches = kVRead | kVWrite;
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  default: // fill
    f.touches = kVWrite;
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  }
  f.vHull.add(f.v[0]);
  f.vHull.add(f.v[1]);
  f.vHull.add(f.vWrite);
  f.aHull.add(f.a);
  f.xHull.add(f.x);
  f.wHull.add(f.w);
  return f;
}

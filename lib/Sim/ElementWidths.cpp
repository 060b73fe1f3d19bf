// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ElementWidths.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <numeric>
#include <tuple>

using namespace hcgs;
using namespace hcgs::sim;

static constexpr unsigned kElementBits = 16;

/// The fewest bits of two's complement that hold a value.
static unsigned bitsOf(int32_t value) {
  const auto magnitude = static_cast<uint32_t>(value < 0 ? ~value : value);
  return std::min<unsigned>(kElementBits, std::bit_width(magnitude) + 1);
}

namespace {
/// One way an address register is set.
struct Setting {
  int64_t value = 0;
  uint32_t lo = 0, size = 0;
};

class Widths {
public:
  explicit Widths(const LoadedProgram &program);
  std::vector<OperandWidths> run();

private:
  /// Calls visit(first, last) for every range of elements an operand can be.
  template <typename Visit>
  void forEachRange(const isa::Addr &operand, uint32_t n, Visit visit) const;
  /// The width of an operand so far; 0 if nothing was put there yet.
  unsigned read(const isa::Addr &operand, uint32_t n) const;
  void write(const isa::Addr &operand, uint32_t n, unsigned bits);
  /// Puts what one instruction writes in place.
  void propagate(const DecodedInstruction &inst);

  const LoadedProgram &program;
  std::vector<Setting> settings[32];
  uint64_t steps[32] = {}; // greatest common divisor of what is added
  std::vector<uint32_t> streamsOf[32];
  std::vector<unsigned> streamBits; // 0: unknown as yet
  std::vector<uint8_t> element;
  bool changed = false;
};
} // namespace

Widths::Widths(const LoadedProgram &program)
    : program(program), streamBits(program.streams().size(), 0),
      element(program.target().memories.vmemElements, 0) {
  settings[0].push_back({});
  for (const DecodedInstruction &inst : program.instructions()) {
    if (inst.opcode == isa::Opcode::ASet)
      settings[inst.reg].push_back({inst.value, inst.lo, inst.size});
    else if (inst.opcode == isa::Opcode::AAdd)
      steps[inst.reg] = std::gcd(
          steps[inst.reg],
          static_cast<uint64_t>(std::abs(static_cast<int64_t>(inst.value))));
    else if (inst.opcode == isa::Opcode::AStream)
      streamsOf[inst.reg].push_back(inst.index);
  }
  // What comes from outside: streams that tensors carry, and others.
  for (const std::vector<TensorInfo> *tensors :
       {&program.inputs(), &program.outputs()})
    for (const TensorInfo &tensor : *tensors)
      for (const TensorPart &part : tensor.parts)
        for (unsigned row = 0; row < program.rows(); ++row) {
          unsigned &bits = streamBits[program.streamOf(part.stream, row)];
          bits = std::max(bits, static_cast<unsigned>(part.format.bits));
        }
  for (size_t i = 0; i < streamBits.size(); ++i)
    if (streamBits[i] == 0 &&
        program.streams()[i].direction == StreamInfo::Direction::In)
      streamBits[i] = kElementBits;
  for (const InitialVector &vector : program.initialVectors())
    for (size_t i = 0; i < vector.values.size(); ++i)
      element[vector.first + i] = std::max<uint8_t>(element[vector.first + i],
                                                    bitsOf(vector.values[i]));
}

template <typename Visit>
void Widths::forEachRange(const isa::Addr &operand, uint32_t n,
                          Visit visit) const {
  const auto total = static_cast<int64_t>(element.size());
  auto clipped = [&](int64_t first, int64_t last) {
    first = std::max<int64_t>(first, 0);
    last = std::min(last, total);
    if (first < last)
      visit(static_cast<size_t>(first), static_cast<size_t>(last));
  };
  const auto reg = static_cast<size_t>(operand.reg);
  const auto step = static_cast<int64_t>(steps[reg]);
  for (const Setting &setting : settings[reg]) {
    const int64_t at = setting.value + operand.off;
    if (setting.size == 0) {
      if (step == 0)
        clipped(at, at + n);
      else if (step <= n)
        clipped(0, total);
      else
        for (int64_t first = at % step; first < total; first += step)
          clipped(first, first + n);
      continue;
    }
    const int64_t lo = setting.lo, size = setting.size;
    const int64_t stride = std::gcd(step, size);
    if (stride <= n && step != 0) {
      clipped(lo, lo + size);
      continue;
    }
    // Every stride-th element of the ring; of the operands that wrap, the last
    // one covers what the others do.
    const int64_t start = ((at - lo) % stride + stride) % stride;
    for (int64_t first = start; first < size && lo + first < total;
         first += stride)
      clipped(lo + first, lo + std::min(first + n, size));
    clipped(lo, lo + start - stride + n);
  }
}

unsigned Widths::read(const isa::Addr &operand, uint32_t n) const {
  uint8_t widest = 0;
  forEachRange(operand, n, [&](size_t first, size_t last) {
    widest = std::max(widest, *std::max_element(element.begin() + first,
                                                element.begin() + last));
  });
  return widest;
}

void Widths::write(const isa::Addr &operand, uint32_t n, unsigned bits) {
  forEachRange(operand, n, [&](size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) {
      if (element[i] >= bits)
        continue;
      element[i] = static_cast<uint8_t>(bits);
      changed = true;
    }
  });
}

void Widths::propagate(const DecodedInstruction &inst) {
  switch (inst.opcode) {
  case isa::Opcode::Act:
    write(inst.dst, inst.n, static_cast<unsigned>(program.table(inst).b));
    break;
  case isa::Opcode::Requant:
    write(inst.dst, inst.n, static_cast<unsigned>(inst.bits));
    break;
  case isa::Opcode::Fill:
    write(inst.dst, inst.n, bitsOf(inst.value));
    break;
  case isa::Opcode::VCopy:
    write(inst.dst, inst.n, read(inst.a, inst.n));
    break;
  case isa::Opcode::Load: {
    const std::vector<uint32_t> &streams =
        streamsOf[static_cast<size_t>(inst.a.reg)];
    unsigned bits = streams.empty() ? kElementBits : 0;
    for (uint32_t stream : streams)
      bits = std::max(bits, streamBits[stream]);
    write(inst.dst, inst.n, bits);
    break;
  }
  case isa::Opcode::Store:
    for (uint32_t stream : streamsOf[static_cast<size_t>(inst.dst.reg)]) {
      const unsigned bits = read(inst.a, inst.n);
      if (program.streams()[stream].direction !=
              StreamInfo::Direction::Scratch ||
          streamBits[stream] >= bits)
        continue;
      streamBits[stream] = bits;
      changed = true;
    }
    break;
  default:
    break;
  }
}

std::vector<OperandWidths> Widths::run() {
  do {
    changed = false;
    for (const DecodedInstruction &inst : program.instructions())
      propagate(inst);
  } while (changed);

  // The row blocks of a matrix read the same operand.
  std::map<std::tuple<uint8_t, int32_t, uint32_t>, unsigned> known;
  auto widthOf = [&](const isa::Addr &operand, uint32_t n) {
    auto [it, isNew] = known.try_emplace({operand.reg, operand.off, n}, 0u);
    if (isNew)
      it->second = read(operand, n);
    return it->second == 0 ? kElementBits : it->second;
  };
  std::vector<OperandWidths> result;
  for (const DecodedInstruction &inst : program.instructions()) {
    OperandWidths &widths = result.emplace_back();
    switch (inst.opcode) {
    case isa::Opcode::Mvm:
    case isa::Opcode::VAcc:
    case isa::Opcode::Store:
      widths.a = widthOf(inst.a, inst.n);
      break;
    case isa::Opcode::VMac:
      widths.a = widthOf(inst.a, inst.n);
      widths.b = widthOf(inst.b, inst.n);
      break;
    case isa::Opcode::VCopy:
      widths.a = widthOf(inst.a, inst.n);
      widths.dst = widths.a;
      break;
    case isa::Opcode::Act:
      widths.dst = static_cast<unsigned>(program.table(inst).b);
      break;
    case isa::Opcode::Requant:
      widths.dst = static_cast<unsigned>(inst.bits);
      break;
    case isa::Opcode::Fill:
      widths.dst = bitsOf(inst.value);
      break;
    case isa::Opcode::Load:
      widths.dst = widthOf(inst.dst, inst.n);
      break;
    default:
      break;
    }
  }
  return result;
}

std::vector<OperandWidths> sim::elementWidths(const LoadedProgram &program) {
  return Widths(program).run();
}

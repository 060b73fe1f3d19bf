// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Machine.h"
#include "Executor.h"

#include <algorithm>
#include <cstring>

using namespace hcgs;
using namespace hcgs::sim;

//===----------------------------------------------------------------------===//
// Semantics
//===----------------------------------------------------------------------===//

/// Calls `run(position, count, places...)` for the parts of elementwise
/// operands of `n` elements between the points where one of them wraps.
template <size_t count, typename Run>
static void forParts(int64_t n, const std::array<Extent, count> &operands,
                     Run &&run) {
  for (int64_t at = 0; at < n;) {
    int64_t next = n;
    std::array<int64_t, count> places;
    for (size_t k = 0; k < count; ++k) {
      const Extent &operand = operands[k];
      if (at < operand.count) {
        places[k] = operand.first + at;
        next = std::min(next, operand.count);
      } else {
        places[k] = operand.second + (at - operand.count);
      }
    }
    run(next - at, places);
    at = next;
  }
}

bool Executor::load(size_t pc, const DecodedInstruction &inst) {
  Extent dst;
  int64_t src;
  if (!vector(pc, "dst", inst.dst, inst.n, dst) ||
      !stream(pc, "src", inst.a, inst.n, src))
    return false;
  const char *ext = reinterpret_cast<const char *>(machine.ext.data()) + src;
  forParts<1>(inst.n, {dst}, [&](int64_t n, const auto &at) {
    std::memcpy(v + at[0], ext, n * 2);
    ext += n * 2;
  });
  markVector(dst);
  return true;
}

bool Executor::store(size_t pc, const DecodedInstruction &inst) {
  Extent src;
  int64_t dst;
  if (!stream(pc, "dst", inst.dst, inst.n, dst) ||
      !vector(pc, "src", inst.a, inst.n, src) || !readVector(pc, "src", src))
    return false;
  char *ext = reinterpret_cast<char *>(machine.ext.data()) + dst;
  forParts<1>(inst.n, {src}, [&](int64_t n, const auto &at) {
    std::memcpy(ext, v + at[0], n * 2);
    ext += n * 2;
  });
  return true;
}

bool Executor::wload(size_t pc, const DecodedInstruction &inst) {
  const int64_t n = inst.n, resident = program.residentBytes();
  const int64_t end = program.target().memories.wmemBytes;
  Extent dst;
  // Behind the resident weights, which never change (S-M-2).
  if (!ring(pc, "dst", inst.dst, n))
    return false;
  dst = resolve(registers, inst.dst, n);
  if (dst.first < resident || dst.first + dst.count > end ||
      (dst.restCount > 0 &&
       (dst.second < resident || dst.second + dst.restCount > end))) {
    trap(pc, "dst",
         fmt::format("bytes {}..{}{}, allowed are {}..{} of wmem, behind the "
                     "resident weights",
                     dst.first, dst.first + dst.count - 1,
                     dst.restCount > 0
                         ? fmt::format(" and {}..{}", dst.second,
                                       dst.second + dst.restCount - 1)
                         : "",
                     resident, end - 1));
    return false;
  }
  if (registers.size[inst.a.reg] != 0) {
    trap(pc, "src",
         fmt::format("register a{} has a ring; ext has none", inst.a.reg));
    return false;
  }
  const int64_t src =
      static_cast<int64_t>(registers.value[inst.a.reg]) + inst.a.off;
  const StreamLayout::Place weights =
      machine.streams.streams[machine.streams.weights];
  const int64_t from = src - weights.base;
  if (from < 0 || from + n > weights.bytes) {
    trap(pc, "src",
         fmt::format("bytes {}..{} lie outside the stream of spilled weights",
                     src, src + n - 1));
    return false;
  }
  const uint8_t *bytes = program.spill().data() + from;
  auto copy = [&](int64_t first, int64_t count) {
    for (auto part = machine.keptFrom(first);
         part != machine.kept.end() && part->begin < first + count; ++part) {
      const int64_t begin = std::max(first, part->begin);
      const int64_t size = std::min(first + count, part->end) - begin;
      const int64_t at = part->at + (begin - part->begin);
      std::copy_n(bytes + (begin - first), size, machine.wmemory.begin() + at);
      if (checked)
        std::fill_n(machine.wmemWritten.begin() + at, size, 1);
    }
    bytes += count;
  };
  copy(dst.first, dst.count);
  if (dst.restCount > 0)
    copy(dst.second, dst.restCount);
  ++machine.wmemVersion;
  return true;
}

const PackedMatrix *Executor::fetch(size_t pc, const DecodedInstruction &inst,
                                    const MatrixPlan &plan) {
  Machine::Fetched &fetched = machine.fetched[inst.index];
  if (fetched.version == machine.wmemVersion)
    return fetched.matrix;
  int64_t first = 0;
  if (plan.wmemBytes > 0) {
    const Machine::Kept &part = *machine.keptFrom(plan.wmemFirst);
    first = part.at + (plan.wmemFirst - part.begin);
  }
  const std::span<const uint8_t> bytes(machine.wmemory.data() + first,
                                       plan.wmemBytes);
  if (checked)
    for (size_t i = 0; i < bytes.size(); ++i)
      if (!machine.wmemWritten[first + i]) {
        trap(pc, "desc",
             fmt::format("reads byte {} of wmem, which nothing has loaded",
                         plan.wmemFirst + i));
        return nullptr;
      }
  if (std::equal(bytes.begin(), bytes.end(), plan.spilled)) {
    fetched.matrix = plan.matrix;
  } else {
    if (!fetched.own || !std::ranges::equal(bytes, fetched.ownBytes)) {
      Result<PackedMatrix> packed = program.repack(plan, bytes);
      if (!packed) {
        trap(pc, "desc", packed.message());
        return nullptr;
      }
      fetched.own = std::make_unique<const PackedMatrix>(std::move(*packed));
      fetched.ownBytes.assign(bytes.begin(), bytes.end());
    }
    fetched.matrix = fetched.own.get();
  }
  fetched.version = machine.wmemVersion;
  return fetched.matrix;
}

bool Executor::mvm(size_t pc, const DecodedInstruction &inst) {
  const MatrixPlan &plan = program.plan(inst);
  const PackedMatrix *matrix = plan.matrix;
  if (plan.spilled) [[unlikely]]
    if (!(matrix = fetch(pc, inst, plan)))
      return false;
  if (int64_t to, from; !checked && plainSums(inst.dst, plan.span, to) &&
                        plainVector(inst.a, inst.n, from)) {
    int32_t *out = a + to - plan.base;
    kernels.mvm(*matrix, plan.firstGroup, plan.lastGroup, v + from, out,
                inst.init == isa::Init::Acc    ? out
                : inst.init == isa::Init::Bias ? plan.bias
                                               : nullptr,
                plan.laneShifts.data());
    touchSums(to + plan.span);
    return true;
  }
  Extent dst, src;
  if (!accumulators(pc, "dst", inst.dst, plan.span, dst) ||
      !vector(pc, "src", inst.a, inst.n, src) || !readVector(pc, "src", src))
    return false;

  const int16_t *x = v + src.first;
  if (src.restCount > 0) {
    std::vector<int16_t> &scratch = machine.vectorScratch;
    scratch.resize(std::max<size_t>(scratch.size(), inst.n + kColumnPadding));
    std::copy_n(v + src.first, src.count, scratch.data());
    std::copy_n(v + src.second, src.restCount, scratch.data() + src.count);
    x = scratch.data();
  }
  // A destination that wraps is worked on elsewhere: in with it, out with it;
  // accumulators that are not chosen come back as they were.
  int32_t *out = a + dst.first;
  const bool wraps = dst.restCount > 0;
  if (wraps) {
    std::vector<int32_t> &scratch = machine.accumulatorScratch;
    scratch.resize(std::max<size_t>(scratch.size(), plan.span));
    std::copy_n(a + dst.first, dst.count, scratch.data());
    std::copy_n(a + dst.second, dst.restCount, scratch.data() + dst.count);
    out = scratch.data();
  }
  if (checked && !checkMatrix(pc, inst, plan, *matrix, dst, x, out))
    return false;
  out -= plan.base;
  const int32_t *start = inst.init == isa::Init::Acc    ? out
                         : inst.init == isa::Init::Bias ? plan.bias
                                                        : nullptr;
  kernels.mvm(*matrix, plan.firstGroup, plan.lastGroup, x, out, start,
              plan.laneShifts.data());
  if (wraps) {
    out += plan.base;
    std::copy_n(out, dst.count, a + dst.first);
    std::copy_n(out + dst.count, dst.restCount, a + dst.second);
  }
  return true;
}

bool Executor::act(size_t pc, const DecodedInstruction &inst) {
  if (int64_t to, from; !checked && plainVector(inst.dst, inst.n, to) &&
                        plainSums(inst.a, inst.n, from)) {
    const ActCounts counts =
        kernels.act(v + to, a + from, inst.n, inst.shift, program.table(inst));
    if (counts.z | counts.y) [[unlikely]] {
      machine.counters.inputs[pc] += counts.z;
      machine.counters.results[pc] += counts.y;
    }
    touchVector(to + inst.n);
    return true;
  }
  Extent dst, src;
  if (!vector(pc, "dst", inst.dst, inst.n, dst) ||
      !accumulators(pc, "src", inst.a, inst.n, src) ||
      !readAccumulators(pc, "src", src))
    return false;
  const ActTable &table = program.table(inst);
  forParts<2>(inst.n, {dst, src}, [&](int64_t n, const auto &at) {
    const ActCounts counts =
        kernels.act(v + at[0], a + at[1], n, inst.shift, table);
    machine.counters.inputs[pc] += counts.z;
    machine.counters.results[pc] += counts.y;
  });
  markVector(dst);
  return true;
}

bool Executor::requant(size_t pc, const DecodedInstruction &inst) {
  if (int64_t to, from; !checked && plainVector(inst.dst, inst.n, to) &&
                        plainSums(inst.a, inst.n, from)) {
    machine.counters.results[pc] +=
        kernels.requant(v + to, a + from, inst.n, inst.shift, inst.bits);
    touchVector(to + inst.n);
    return true;
  }
  Extent dst, src;
  if (!vector(pc, "dst", inst.dst, inst.n, dst) ||
      !accumulators(pc, "src", inst.a, inst.n, src) ||
      !readAccumulators(pc, "src", src))
    return false;
  forParts<2>(inst.n, {dst, src}, [&](int64_t n, const auto &at) {
    machine.counters.results[pc] +=
        kernels.requant(v + at[0], a + at[1], n, inst.shift, inst.bits);
  });
  markVector(dst);
  return true;
}

bool Executor::vmac(size_t pc, const DecodedInstruction &inst) {
  if (int64_t to, from, other; !checked && plainSums(inst.dst, inst.n, to) &&
                               plainVector(inst.a, inst.n, from) &&
                               plainVector(inst.b, inst.n, other)) {
    kernels.vmac(a + to, v + from, v + other, inst.n, inst.shift,
                 inst.init == isa::Init::Acc);
    touchSums(to + inst.n);
    return true;
  }
  Extent dst, left, right;
  if (!accumulators(pc, "dst", inst.dst, inst.n, dst) ||
      !vector(pc, "a", inst.a, inst.n, left) ||
      !vector(pc, "b", inst.b, inst.n, right) || !readVector(pc, "a", left) ||
      !readVector(pc, "b", right))
    return false;
  if (checked && !checkSums(pc, inst, dst, [&](int64_t i) {
        return int64_t(v[place(left, i)]) * v[place(right, i)];
      }))
    return false;
  const bool accumulate = inst.init == isa::Init::Acc;
  forParts<3>(inst.n, {dst, left, right}, [&](int64_t n, const auto &at) {
    kernels.vmac(a + at[0], v + at[1], v + at[2], n, inst.shift, accumulate);
  });
  markAccumulators(dst);
  return true;
}

bool Executor::vacc(size_t pc, const DecodedInstruction &inst) {
  Extent dst, src;
  if (!accumulators(pc, "dst", inst.dst, inst.n, dst) ||
      !vector(pc, "src", inst.a, inst.n, src) || !readVector(pc, "src", src))
    return false;
  if (checked && !checkSums(pc, inst, dst, [&](int64_t i) {
        return int64_t(v[place(src, i)]);
      }))
    return false;
  const bool accumulate = inst.init == isa::Init::Acc;
  forParts<2>(inst.n, {dst, src}, [&](int64_t n, const auto &at) {
    kernels.vacc(a + at[0], v + at[1], n, inst.shift, accumulate);
  });
  markAccumulators(dst);
  return true;
}

bool Executor::vcopy(size_t pc, const DecodedInstruction &inst) {
  Extent dst, src;
  if (!vector(pc, "dst", inst.dst, inst.n, dst) ||
      !vector(pc, "src", inst.a, inst.n, src) || !readVector(pc, "src", src))
    return false;
  if (dst.restCount == 0 && src.restCount == 0) {
    std::memmove(v + dst.first, v + src.first, size_t(inst.n) * 2);
  } else {
    std::vector<int16_t> &scratch = machine.vectorScratch;
    scratch.resize(std::max<size_t>(scratch.size(), inst.n));
    std::copy_n(v + src.first, src.count, scratch.data());
    std::copy_n(v + src.second, src.restCount, scratch.data() + src.count);
    std::copy_n(scratch.data(), dst.count, v + dst.first);
    std::copy_n(scratch.data() + dst.count, dst.restCount, v + dst.second);
  }
  markVector(dst);
  return true;
}

bool Executor::fill(size_t pc, const DecodedInstruction &inst) {
  Extent dst;
  if (!vector(pc, "dst", inst.dst, inst.n, dst))
    return false;
  std::fill_n(v + dst.first, dst.count, static_cast<int16_t>(inst.value));
  std::fill_n(v + dst.second, dst.restCount, static_cast<int16_t>(inst.value));
  markVector(dst);
  return true;
}

bool Executor::unit(size_t pc, const DecodedInstruction &inst) {
  switch (inst.opcode) {
  case isa::Opcode::Load:
    return load(pc, inst);
  case isa::Opcode::WLoad:
    return wload(pc, inst);
  case isa::Opcode::Store:
    return store(pc, inst);
  case isa::Opcode::Mvm:
    return mvm(pc, inst);
  case isa::Opcode::Act:
    return act(pc, inst);
  case isa::Opcode::Requant:
    return requant(pc, inst);
  case isa::Opcode::VMac:
    return vmac(pc, inst);
  case isa::Opcode::VAcc:
    return vacc(pc, inst);
  case isa::Opcode::VCopy:
    return vcopy(pc, inst);
  default:
    return fill(pc, inst);
  }
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

Machine::Machine(const LoadedProgram &program, bool checked)
    : loaded(&program), checked(checked),
      vSize(program.target().memories.vmemElements),
      vmemory(vSize + kColumnPadding),
      amemory(program.target().memories.amemElements) {
  if (program.loadsWeights())
    keepWeights();
  if (checked) {
    vmemWritten.resize(vSize);
    amemWritten.resize(amemory.size());
  }
  counters.results.assign(program.instructions().size(), 0);
  counters.inputs.assign(program.instructions().size(), 0);
  clear();
}

void Machine::keepWeights() {
  fetched.resize(loaded->plans().size());
  for (const MatrixPlan &plan : loaded->plans())
    if (plan.spilled && plan.wmemBytes > 0)
      kept.push_back(
          {plan.wmemFirst, int64_t(plan.wmemFirst) + plan.wmemBytes});
  std::ranges::sort(kept, {}, &Kept::begin);
  size_t count = 0; // parts that neither overlap nor touch
  for (const Kept &part : kept) {
    if (count > 0 && part.begin <= kept[count - 1].end)
      kept[count - 1].end = std::max(kept[count - 1].end, part.end);
    else
      kept[count++] = part;
  }
  kept.resize(count);
  int64_t size = 0;
  for (Kept &part : kept) {
    part.at = size;
    size += part.end - part.begin;
  }
  wmemory.resize(size);
  wmemWritten.resize(checked ? size : 0);
}

std::vector<Machine::Kept>::const_iterator
Machine::keptFrom(int64_t first) const {
  return std::ranges::upper_bound(kept, first, {}, &Kept::end);
}

void Machine::clear() {
  addresses = Registers();
  std::fill_n(vmemory.data(), vTouched, 0);
  std::fill_n(amemory.data(), aTouched, 0);
  std::fill(vmemWritten.begin(), vmemWritten.end(), 0);
  std::fill(amemWritten.begin(), amemWritten.end(), 0);
  vTouched = aTouched = 0;
  for (const InitialVector &vector : loaded->initialVectors()) {
    std::copy(vector.values.begin(), vector.values.end(),
              vmemory.data() + vector.first);
    vTouched = std::max<int64_t>(vTouched,
                                 int64_t(vector.first) + vector.values.size());
    if (checked)
      std::fill_n(vmemWritten.begin() + vector.first, vector.values.size(), 1);
  }
}

void Machine::clearSaturations() {
  std::fill(counters.results.begin(), counters.results.end(), 0);
  std::fill(counters.inputs.begin(), counters.inputs.end(), 0);
}

Result<void> Machine::prepare(int64_t newSteps) {
  if (newSteps != steps) {
    Result<StreamLayout> layout = loaded->layoutStreams(newSteps);
    if (!layout)
      return layout.takeError();
    streams = std::move(*layout);
    steps = newSteps;
  }
  ext.assign(streams.totalBytes / 2, 0);
  return {};
}

std::span<int16_t> Machine::stream(size_t number) {
  if (static_cast<int>(number) == streams.weights)
    return {}; // the weights stay in the program
  const StreamLayout::Place &place = streams.streams[number];
  return {ext.data() + place.base / 2, place.bytes / 2};
}

void Machine::forgetWeights() {
  std::ranges::fill(wmemory, 0);
  std::ranges::fill(wmemWritten, 0);
  ++wmemVersion;
}

Result<void> Machine::execute(Entry entry) {
  if (loaded->loadsWeights())
    forgetWeights();
  Executor executor(*this);
  walk(*loaded, entry, steps, streams, addresses, executor);
  if (executor.failure)
    return std::move(*executor.failure);
  return {};
}

Result<void>
Machine::runEntry(Entry entry, int64_t newSteps,
                  std::span<const std::span<const int16_t>> inputs) {
  if (Result<void> prepared = prepare(newSteps); !prepared)
    return prepared;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].empty())
      continue;
    if (i >= streams.streams.size() || inputs[i].size() != stream(i).size())
      return Error{fmt::format(
          "stream {} takes {} elements, found {}", i,
          i < streams.streams.size() ? stream(i).size() : 0, inputs[i].size())};
    std::copy(inputs[i].begin(), inputs[i].end(), stream(i).begin());
  }
  return execute(entry);
}

//===----------------------------------------------------------------------===//
// Saving and restoring
//===----------------------------------------------------------------------===//

/// A saved state: this text, the program's digest, whether the machine was
/// checked, registers, the numbers of elements of vmem and amem that follow
/// (the rest is as after loading: zero), the elements, and of a checked machine
/// whether each of them was written. Numbers are little-endian.
static constexpr std::string_view kStateMagic = "HCGSSTA1";

template <typename T>
static void append(std::string &bytes, const T *data, size_t count) {
  bytes.append(reinterpret_cast<const char *>(data), count * sizeof(T));
}

template <typename T>
static void take(std::string_view &bytes, T *data, size_t count) {
  std::memcpy(data, bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
}

std::string Machine::saveState() const {
  std::string bytes(kStateMagic);
  bytes += loaded->digest();
  bytes += checked ? '\1' : '\0';
  append(bytes, addresses.value.data(), isa::kNumRegisters);
  append(bytes, addresses.lo.data(), isa::kNumRegisters);
  append(bytes, addresses.size.data(), isa::kNumRegisters);
  append(bytes, &vTouched, 1);
  append(bytes, &aTouched, 1);
  append(bytes, vmemory.data(), vTouched);
  append(bytes, amemory.data(), aTouched);
  if (checked) {
    append(bytes, vmemWritten.data(), vTouched);
    append(bytes, amemWritten.data(), aTouched);
  }
  return bytes;
}

bool Machine::wasChecked(std::string_view bytes, const LoadedProgram &program) {
  const size_t place = kStateMagic.size() + program.digest().size();
  return bytes.size() > place && bytes[place] == '\1';
}

Result<void> Machine::restoreState(std::string_view bytes) {
  if (!bytes.starts_with(kStateMagic))
    return Error{"the state is damaged: not one of a machine"};
  bytes.remove_prefix(kStateMagic.size());
  if (!bytes.starts_with(loaded->digest()))
    return Error{"the state belongs to another program; only the program that "
                 "saved it can go on from it"};
  bytes.remove_prefix(loaded->digest().size());
  constexpr size_t head = 1 + isa::kNumRegisters * 12 + 16;
  const bool hasWritten = !bytes.empty() && bytes[0] == '\1';
  int64_t sizes[2] = {-1, -1};
  if (bytes.size() >= head)
    std::memcpy(sizes, bytes.data() + head - 16, 16);
  const int64_t vCount = sizes[0], aCount = sizes[1];
  if (vCount < 0 || aCount < 0 || vCount > static_cast<int64_t>(vSize) ||
      aCount > static_cast<int64_t>(amemory.size()) ||
      bytes.size() !=
          head + vCount * (hasWritten ? 3 : 2) + aCount * (hasWritten ? 5 : 4))
    return Error{"the state is damaged: its sizes are wrong"};
  clear();
  bytes.remove_prefix(1);
  take(bytes, addresses.value.data(), isa::kNumRegisters);
  take(bytes, addresses.lo.data(), isa::kNumRegisters);
  take(bytes, addresses.size.data(), isa::kNumRegisters);
  bytes.remove_prefix(16);
  // Initial vectors beyond what follows cannot be: they count as touched.
  std::fill_n(vmemory.data(), vTouched, 0);
  take(bytes, vmemory.data(), vCount);
  take(bytes, amemory.data(), aCount);
  vTouched = vCount;
  aTouched = aCount;
  if (checked && hasWritten) {
    std::fill(vmemWritten.begin(), vmemWritten.end(), 0);
    take(bytes, vmemWritten.data(), vCount);
    take(bytes, amemWritten.data(), aCount);
  } else if (checked) {
    // An unchecked machine did not watch; take everything as written.
    std::fill(vmemWritten.begin(), vmemWritten.end(), 1);
    std::fill(amemWritten.begin(), amemWritten.end(), 1);
  }
  // Whatever the bytes claim, a ring must be one that aset could have made.
  for (unsigned r = 0; r < isa::kNumRegisters; ++r)
    if (addresses.lo[r] >> 24 || addresses.size[r] >> 24 ||
        (r == 0 && (addresses.value[0] != 0 || addresses.size[0] != 0))) {
      clear();
      return Error{fmt::format("the state is damaged: register a{}", r)};
    }
  return {};
}

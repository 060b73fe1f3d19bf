// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/LoadedProgram.h"

#include "hcgs/Compression/Layout.h"
#include "hcgs/Sim/Energy.h"
#include "hcgs/Sim/Statistics.h"
#include "hcgs/Sim/Timing.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Target/Assembly.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <mutex>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using compression::WeightLayout;
using nlohmann::json;

/// Bytes between streams, and before the first, that belong to none.
static constexpr uint64_t kStreamGap = 64;
/// Where the digest is in a file: the header section at 64, byte 16 (PF-2).
static constexpr size_t kDigestOffset = 64 + 16, kDigestBytes = 32;
/// Timings kept at most; a host that asks for more different calls pays again.
static constexpr size_t kTimingCacheEntries = 4096;

std::string_view sim::getName(Entry entry) {
  static constexpr std::string_view names[] = {"run", "step", "reset"};
  return names[static_cast<size_t>(entry)];
}

int StreamLayout::find(int64_t address, uint64_t bytes) const {
  for (size_t i = 0; i < streams.size(); ++i)
    if (static_cast<int>(i) != weights && address >= streams[i].base &&
        static_cast<uint64_t>(address) + bytes <=
            static_cast<uint64_t>(streams[i].base) + streams[i].bytes)
      return static_cast<int>(i);
  return -1;
}

bool MatrixPlan::writesAny(uint32_t begin, uint32_t end) const {
  if (allGates)
    return begin < end;
  const uint64_t blockSpan = static_cast<uint64_t>(rowBlock) * gates;
  for (uint64_t at = begin; at < end;) {
    const uint64_t block = at / blockSpan, start = block * blockSpan;
    const uint64_t height =
        std::min<uint64_t>(rowBlock, rows - (firstBlock + block) * rowBlock);
    const uint64_t stop = std::min<uint64_t>(end, start + height * gates);
    for (unsigned gate = 0; gate < gates; ++gate)
      if ((gateMask >> gate & 1) && at < start + (gate + 1) * height &&
          start + gate * height < stop)
        return true;
    at = start + height * gates;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// What is kept beside the instructions
//===----------------------------------------------------------------------===//

/// The matrices by descriptor while instructions are planned; the packed forms
/// stay.
struct LoadedProgram::Matrices {
  /// By row: index bits (of all tiers) of the blocks and lines that start
  /// before it, and of those that end at or before it.
  struct IndexBits {
    IndexBits(const compression::BlockMap &map,
              compression::ColumnSpan columns);
    uint64_t of(size_t firstRow, size_t lastRow) const {
      return started[lastRow] - ended[firstRow];
    }
    std::vector<uint64_t> started, ended;
  };
  /// What views of one matrix share.
  struct Image {
    WeightLayout layout;
    std::vector<int16_t> codes;
  };
  struct Entry {
    MatrixDescriptor descriptor;
    std::shared_ptr<const Image> image;
    /// By gate mask.
    std::map<unsigned, std::unique_ptr<PackedMatrix>> packed;
    /// Of each mask: one that all gates share, or one a gate.
    std::vector<IndexBits> indexBits;
  };
  std::vector<Entry> entries;
};

namespace {
struct TimingKey {
  Entry entry;
  int64_t steps;
  Registers registers;
  bool operator==(const TimingKey &) const = default;
};
struct TimingKeyHash {
  size_t operator()(const TimingKey &key) const {
    uint64_t hash = 0xcbf29ce484222325;
    auto add = [&](uint64_t value) {
      hash = (hash ^ value) * 0x100000001b3;
      hash ^= hash >> 29;
    };
    add(static_cast<uint64_t>(key.entry));
    add(static_cast<uint64_t>(key.steps));
    for (size_t i = 0; i < isa::kNumRegisters; ++i) {
      add(static_cast<uint32_t>(key.registers.value[i]));
      add(uint64_t(key.registers.lo[i]) << 32 | key.registers.size[i]);
    }
    return hash;
  }
};
} // namespace

struct LoadedProgram::Private {
  json metadata;
  std::unordered_map<size_t, DebugInfo> debug;
  std::mutex timingMutex;
  std::unordered_map<TimingKey, std::shared_ptr<const TimingResult>,
                     TimingKeyHash>
      timings;
  std::once_flag energyOnce;
  std::optional<EnergyCounter> energy;
};

LoadedProgram::LoadedProgram()
    : matrices(std::make_unique<Matrices>()),
      hidden(std::make_unique<Private>()) {}
LoadedProgram::~LoadedProgram() = default;

const json &LoadedProgram::metadata() const { return hidden->metadata; }

std::string LoadedProgram::text(size_t pc) const {
  return printInstruction(source[pc]);
}

DebugInfo LoadedProgram::debug(size_t pc) const {
  auto it = hidden->debug.find(pc);
  return it == hidden->debug.end() ? DebugInfo() : it->second;
}

uint64_t LoadedProgram::macs(size_t pc) const {
  return code[pc].opcode == isa::Opcode::Mvm ? plan(code[pc]).macs : 0;
}

Error LoadedProgram::trap(size_t pc, std::string_view field,
                          std::string_view message) const {
  std::string text = fmt::format("trap at pc {}: {}: ", pc, this->text(pc));
  if (!field.empty())
    text += fmt::format("field '{}': ", field);
  text += message;
  const DebugInfo info = debug(pc);
  if (!info.node.empty() || !info.layer.empty() || !info.what.empty())
    text += fmt::format(" (node '{}', layer '{}': {})", info.node, info.layer,
                        info.what);
  return Error{std::move(text)};
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

Result<LoadedProgram::Ptr> LoadedProgram::load(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return fromBytes(file->bytes(), path);
}

Result<LoadedProgram::Ptr> LoadedProgram::fromBytes(std::string_view bytes,
                                                    std::string_view name) {
  const std::string where = fmt::format("'{}'", name);
  Result<Program> program = readProgram(
      {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  if (!program)
    return program.takeError().at(where);
  Result<Ptr> loaded =
      create(*program, std::string(bytes.substr(kDigestOffset, kDigestBytes)));
  if (!loaded)
    return loaded.takeError().at(where);
  return loaded;
}

/// PF-8 `instructions`; what is malformed there is left out, since nothing but
/// messages depends on it.
static std::unordered_map<size_t, DebugInfo>
parseDebug(const std::optional<std::string> &text) {
  std::unordered_map<size_t, DebugInfo> result;
  if (!text)
    return result;
  const json map = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  auto list = map.is_object() ? map.find("instructions") : map.end();
  if (!map.is_object() || list == map.end() || !list->is_array())
    return result;
  // The layer is a number, the node may be null.
  auto string = [](const json &node, const char *key) {
    auto it = node.find(key);
    if (it == node.end() || it->is_null())
      return std::string();
    return it->is_string() ? it->get<std::string>() : it->dump();
  };
  for (const json &node : *list) {
    if (!node.is_object())
      continue;
    auto pc = node.find("pc");
    if (pc == node.end() || !pc->is_number_unsigned())
      continue;
    result[pc->get<size_t>()] = {string(node, "node"), string(node, "layer"),
                                 string(node, "what")};
  }
  return result;
}

Result<LoadedProgram::Ptr> LoadedProgram::create(const Program &program,
                                                 std::string digest) {
  std::shared_ptr<LoadedProgram> loaded(new LoadedProgram());
  loaded->theDigest = std::move(digest);
  Result<TargetModel> target = parseTarget(program.target, "target");
  if (!target)
    return target.takeError();
  loaded->theTarget = std::move(*target);

  json metadata = json::parse(program.meta, nullptr, false);
  if (metadata.is_discarded())
    return Error{"metadata: not JSON"};
  Result<NetworkInfo> network = parseNetwork(metadata);
  if (!network)
    return network.takeError();
  loaded->network = std::move(*network);
  loaded->hidden->metadata = std::move(metadata);
  loaded->hidden->debug = parseDebug(program.debug);

  Result<std::vector<int32_t>> biases = readBiases(program.bias);
  if (!biases)
    return biases.takeError();
  loaded->biases = std::move(*biases);
  Result<std::vector<InitialVector>> vinit = readInitialVectors(program.vinit);
  if (!vinit)
    return vinit.takeError();
  loaded->vinit = std::move(*vinit);
  for (const InitialVector &vector : loaded->vinit)
    if (vector.first + uint64_t(vector.values.size()) >
        loaded->theTarget.memories.vmemElements)
      return Error{fmt::format(
          "initial vector {}..{} lies outside vmem, which has {} elements",
          vector.first, vector.first + uint64_t(vector.values.size()) - 1,
          loaded->theTarget.memories.vmemElements)};
  Result<std::vector<numerics::PwlTable>> pwl = readTables(program.tables);
  if (!pwl)
    return pwl.takeError();
  for (const numerics::PwlTable &table : *pwl)
    loaded->tables.emplace_back(table);

  loaded->spillImage = program.spill;
  loaded->theResidentBytes = static_cast<uint32_t>(program.weights.size());
  if (Result<void> decoded = loaded->decodeAll(program); !decoded)
    return decoded.takeError();
  if (Result<void> found = loaded->findEntries(); !found)
    return found.takeError();
  // Codes and maps have done their work; the packed matrices stay. Spilled
  // weights may have to be packed again.
  for (Matrices::Entry &entry : loaded->matrices->entries) {
    if (!entry.descriptor.spill)
      entry.image.reset();
    entry.indexBits = {};
  }
  return Ptr(loaded);
}

LoadedProgram::Matrices::IndexBits::IndexBits(const compression::BlockMap &map,
                                              compression::ColumnSpan columns)
    : started(static_cast<size_t>(map.rows()) + 1),
      ended(static_cast<size_t>(map.rows()) + 1) {
  auto add = [&](int64_t row, int64_t height, int64_t bits) {
    started[row + 1] += static_cast<uint64_t>(bits);
    ended[row + height] += static_cast<uint64_t>(bits);
  };
  const auto &tiers = map.pattern().tiers;
  for (size_t i = 0; i < tiers.size(); ++i) {
    const compression::Tier &tier = tiers[i];
    // WI-I-3: blocks in a line of a parent of nominal size.
    const bool byColumn = tier.balance == compression::Balance::Column;
    const int64_t extent = i == 0     ? (byColumn ? map.rows() : map.cols())
                           : byColumn ? tiers[i - 1].rows
                                      : tiers[i - 1].cols;
    const int64_t blocks =
        compression::ceilDiv(extent, byColumn ? tier.rows : tier.cols);
    // A block lies inside the columns of a view or outside of them.
    auto inside = [&](const compression::Block &block) {
      return block.col >= columns.begin && block.col < columns.end;
    };
    for (const compression::Block &block : map.blocks(static_cast<int>(i)))
      if (inside(block))
        add(block.row, block.height, compression::indexBits(blocks));
    if (tier.balance != compression::Balance::None)
      continue;
    // WI-I-5: a count for each block-row of each parent.
    for (int64_t p = 0; p < map.parentCount(static_cast<int>(i)); ++p) {
      const compression::Block parent = map.parent(static_cast<int>(i), p);
      if (i > 0 && !inside(parent))
        continue;
      for (int64_t r = 0; r < parent.height; r += tier.rows)
        add(parent.row + r, std::min<int64_t>(tier.rows, parent.height - r),
            compression::indexBits(blocks + 1));
    }
  }
  for (size_t row = 0; row + 1 < started.size(); ++row) {
    started[row + 1] += started[row];
    ended[row + 1] += ended[row];
  }
}

Result<void> LoadedProgram::decodeAll(const Program &program) {
  Result<std::vector<MatrixDescriptor>> descriptors =
      readDescriptors(program.descriptors);
  if (!descriptors)
    return descriptors.takeError();
  for (size_t i = 0; i < descriptors->size(); ++i) {
    Matrices::Entry entry;
    entry.descriptor = (*descriptors)[i];
    const std::string where = fmt::format("descriptor {}", i);
    for (const Matrices::Entry &other : matrices->entries)
      if (entry.descriptor.sharesImage(other.descriptor))
        entry.image = other.image;
    if (!entry.image) {
      Result<WeightLayout> layout = readLayout(entry.descriptor, program.index);
      if (!layout)
        return layout.takeError().at(where);
      Result<std::vector<int16_t>> codes =
          readCodes(entry.descriptor, *layout, program.weights, program.spill);
      if (!codes)
        return codes.takeError().at(where);
      entry.image = std::make_shared<const Matrices::Image>(
          Matrices::Image{std::move(*layout), std::move(*codes)});
    }
    for (const auto &map : entry.image->layout.maps())
      entry.indexBits.emplace_back(*map, entry.descriptor.colRange());
    matrices->entries.push_back(std::move(entry));
  }

  const size_t count = program.numInstructions();
  code.resize(count);
  source.resize(count);
  allTraffic.resize(count);
  for (size_t pc = 0; pc < count; ++pc) {
    Result<isa::Instruction> decoded = isa::decode(program.word(pc));
    if (!decoded)
      return decoded.takeError().at(fmt::format("instruction {}", pc));
    source[pc] = *decoded;
  }

  const uint64_t lanes = std::max<uint32_t>(1, theTarget.vector.lanes);
  auto ceilDiv = [](uint64_t a, uint64_t b) { return (a + b - 1) / b; };
  for (size_t pc = 0; pc < count; ++pc) {
    DecodedInstruction &inst = code[pc];
    Traffic &bits = allTraffic[pc];
    inst.opcode = isa::getOpcode(source[pc]);
    inst.unit = isa::getInfo(inst.opcode).unit;
    auto fail = [&](const char *field, const std::string &message) {
      return Error{fmt::format("instruction {}: {}: field '{}': {}", pc,
                               text(pc), field, message)};
    };
    if (inst.unit == isa::Unit::Vector)
      inst.lat = theTarget.vector.latency;
    auto elements = [&](uint32_t n) {
      inst.n = n;
      inst.occ = ceilDiv(n, lanes);
    };
    auto port = [&](uint32_t n, const TargetModel::Port &p,
                    unsigned bytes = 2) {
      inst.n = n;
      inst.occ = p.latency + ceilDiv(uint64_t(n) * bytes,
                                     std::max<uint32_t>(1, p.portBytes));
    };
    if (const auto *load = std::get_if<isa::Load>(&source[pc])) {
      inst.dst = load->dst;
      inst.a = load->src;
      port(load->n, theTarget.load);
      bits.extRead = bits.vmemWritten = uint64_t(inst.n) * 16;
    } else if (const auto *weights = std::get_if<isa::WLoad>(&source[pc])) {
      inst.dst = weights->dst;
      inst.a = weights->src;
      port(weights->n, theTarget.load, 1);
      wload = true;
      bits.extRead = bits.wmemWritten = uint64_t(inst.n) * 8;
    } else if (const auto *store = std::get_if<isa::Store>(&source[pc])) {
      inst.dst = store->dst;
      inst.a = store->src;
      port(store->n, theTarget.store);
      bits.extWritten = bits.vmemRead = uint64_t(inst.n) * 16;
    } else if (const auto *mvm = std::get_if<isa::Mvm>(&source[pc])) {
      if (Result<void> planned = planMatrix(pc, *mvm, inst); !planned)
        return planned;
    } else if (const auto *act = std::get_if<isa::Act>(&source[pc])) {
      inst.dst = act->dst;
      inst.a = act->src;
      inst.shift = act->shift;
      inst.index = act->table;
      elements(act->n);
      if (act->table >= tables.size())
        return fail("table", fmt::format("found {}, the program has {} tables",
                                         act->table, tables.size()));
      bits.amemRead = bits.lutRead = uint64_t(inst.n) * 32;
      bits.vmemWritten = uint64_t(inst.n) * 16;
    } else if (const auto *requant = std::get_if<isa::Requant>(&source[pc])) {
      inst.dst = requant->dst;
      inst.a = requant->src;
      inst.shift = requant->shift;
      inst.bits = static_cast<int32_t>(requant->bits);
      elements(requant->n);
      bits.amemRead = uint64_t(inst.n) * 32;
      bits.vmemWritten = uint64_t(inst.n) * 16;
    } else if (const auto *vmac = std::get_if<isa::VMac>(&source[pc])) {
      inst.dst = vmac->dst;
      inst.a = vmac->a;
      inst.b = vmac->b;
      inst.shift = static_cast<int32_t>(vmac->lshift);
      inst.init = vmac->init;
      elements(vmac->n);
      bits.vmemRead = bits.amemWritten = uint64_t(inst.n) * 32;
      bits.amemRead = inst.init == isa::Init::Acc ? uint64_t(inst.n) * 32 : 0;
    } else if (const auto *vacc = std::get_if<isa::VAcc>(&source[pc])) {
      inst.dst = vacc->dst;
      inst.a = vacc->src;
      inst.shift = static_cast<int32_t>(vacc->lshift);
      inst.init = vacc->init;
      elements(vacc->n);
      bits.vmemRead = uint64_t(inst.n) * 16;
      bits.amemWritten = uint64_t(inst.n) * 32;
      bits.amemRead = inst.init == isa::Init::Acc ? uint64_t(inst.n) * 32 : 0;
    } else if (const auto *copy = std::get_if<isa::VCopy>(&source[pc])) {
      inst.dst = copy->dst;
      inst.a = copy->src;
      elements(copy->n);
      bits.vmemRead = bits.vmemWritten = uint64_t(inst.n) * 16;
    } else if (const auto *fill = std::get_if<isa::Fill>(&source[pc])) {
      inst.dst = fill->dst;
      inst.value = fill->value;
      elements(fill->n);
      bits.vmemWritten = uint64_t(inst.n) * 16;
    } else if (const auto *loop = std::get_if<isa::Loop>(&source[pc])) {
      inst.seq = loop->trips.seq;
      inst.value = loop->trips.imm;
      inst.lo = loop->cap;
      inst.size = loop->length;
      if (uint64_t(pc) + loop->length >= count)
        return fail("length", fmt::format("found {}, the program ends after {} "
                                          "more instructions",
                                          loop->length, count - pc - 1));
    } else if (const auto *set = std::get_if<isa::ASet>(&source[pc])) {
      inst.reg = static_cast<uint8_t>(set->dst);
      inst.value = set->value;
      inst.lo = set->lo;
      inst.size = set->size;
    } else if (const auto *stream = std::get_if<isa::AStream>(&source[pc])) {
      inst.reg = static_cast<uint8_t>(stream->dst);
      inst.index = stream->stream;
      inst.value = stream->imm;
      inst.tscale = stream->tscale;
      if (stream->stream >= network.streams.size())
        return fail("stream",
                    fmt::format("found {}, the program has {} streams",
                                stream->stream, network.streams.size()));
    } else if (const auto *add = std::get_if<isa::AAdd>(&source[pc])) {
      inst.reg = static_cast<uint8_t>(add->dst);
      inst.value = add->imm;
    }
  }
  return {};
}

Result<void> LoadedProgram::planMatrix(size_t pc, const isa::Mvm &mvm,
                                       DecodedInstruction &inst) {
  auto fail = [&](const char *field, const std::string &message) {
    return Error{fmt::format("instruction {}: {}: field '{}': {}", pc, text(pc),
                             field, message)};
  };
  if (mvm.desc >= matrices->entries.size())
    return fail("desc", fmt::format("found {}, the program has {} descriptors",
                                    mvm.desc, matrices->entries.size()));
  Matrices::Entry &entry = matrices->entries[mvm.desc];
  const MatrixDescriptor &descriptor = entry.descriptor;
  const WeightLayout &layout = entry.image->layout;
  const compression::ColumnSpan columns = descriptor.colRange();
  const auto cols = static_cast<uint64_t>(columns.size());
  if (uint64_t(mvm.first) + mvm.count > descriptor.rowBlocks())
    return fail("count",
                fmt::format("row blocks {} + {} of a matrix that has {}",
                            mvm.first, mvm.count, descriptor.rowBlocks()));
  if (mvm.gates.mask == 0 || mvm.gates.mask >> descriptor.gates)
    return fail("gates", fmt::format("chooses gates of a matrix that has {}",
                                     descriptor.gates));
  if (mvm.tile >= theTarget.mac.tiles.size())
    return fail("tile", fmt::format("found {}, the target has {} tile shapes",
                                    mvm.tile, theTarget.mac.tiles.size()));
  if (mvm.init == isa::Init::Bias && !descriptor.bias)
    return fail("init", "bias, but the descriptor has none");
  const uint64_t accumulators = uint64_t(descriptor.rows) * descriptor.gates;
  if (descriptor.bias && *descriptor.bias + accumulators > biases.size())
    return fail("desc", fmt::format("biases {}..{} of {}", *descriptor.bias,
                                    *descriptor.bias + accumulators - 1,
                                    biases.size()));
  if (accumulators > uint64_t(std::numeric_limits<int32_t>::max()))
    return fail("desc", fmt::format("{} accumulators", accumulators));

  std::unique_ptr<PackedMatrix> &packed = entry.packed[mvm.gates.mask];
  if (!packed)
    packed = std::make_unique<PackedMatrix>(layout, entry.image->codes,
                                            mvm.gates.mask, columns);

  MatrixPlan plan;
  plan.matrix = packed.get();
  std::tie(plan.firstGroup, plan.lastGroup) =
      packed->groupsOf(mvm.first, mvm.count);
  plan.laneShifts = packed->laneShifts(mvm.shifts);
  plan.gates = descriptor.gates;
  plan.gateMask = mvm.gates.mask;
  plan.allGates = mvm.gates.mask == (1u << descriptor.gates) - 1;
  plan.rows = descriptor.rows;
  plan.weightBits = static_cast<uint32_t>(descriptor.format.bits);
  plan.rowBlock = descriptor.rowBlock;
  plan.firstBlock = mvm.first;
  plan.cols = static_cast<uint32_t>(cols);
  const uint64_t firstRow = uint64_t(mvm.first) * descriptor.rowBlock;
  const uint64_t lastRow = std::min<uint64_t>(
      (uint64_t(mvm.first) + mvm.count) * descriptor.rowBlock, descriptor.rows);
  plan.base = static_cast<uint32_t>(firstRow * descriptor.gates);
  plan.span = static_cast<uint32_t>((lastRow - firstRow) * descriptor.gates);
  const uint64_t firstBit =
      uint64_t(layout.firstWordOf(firstRow)) * descriptor.format.bits;
  const uint64_t lastBit =
      uint64_t(layout.firstWordOf(lastRow)) * descriptor.format.bits;
  plan.wmemFirst =
      static_cast<uint32_t>(descriptor.weightOffset + firstBit / 8);
  plan.wmemBytes =
      firstBit == lastBit
          ? 0
          : static_cast<uint32_t>((lastBit + 7) / 8 - firstBit / 8);
  plan.descriptor = mvm.desc;
  plan.blocks = mvm.count;
  if (descriptor.spill) {
    plan.spilled = spillImage.data() + *descriptor.spill + firstBit / 8;
    wload = true;
  }
  if (mvm.init == isa::Init::Bias)
    plan.bias = biases.data() + *descriptor.bias;

  inst.dst = mvm.dst;
  inst.a = mvm.src;
  inst.n = plan.cols;
  inst.init = mvm.init;
  inst.lat = theTarget.matrixFill;
  const uint64_t chosen = std::popcount(unsigned(mvm.gates.mask));
  const uint64_t written = (lastRow - firstRow) * chosen;
  const uint64_t lanes = std::max<uint32_t>(1, theTarget.mac.lanes);
  uint64_t stored = 0; // codes read
  auto addGroup = [&](uint64_t macs) {
    plan.macs += macs;
    inst.occ += (macs + lanes - 1) / lanes;
  };
  Traffic &bits = allTraffic[pc];
  if (layout.isDense()) {
    // T-M-1: the rows that do not fill the tile keep its shape, or take the
    // lowest that holds them.
    const std::vector<TileShape> &tiles = theTarget.mac.tiles;
    const TileShape tile = tiles[mvm.tile];
    const uint64_t rest = written % tile.rows;
    TileShape last = tile;
    if (mvm.retile)
      for (const TileShape &other : tiles)
        if (other.rows >= rest && other.rows < last.rows)
          last = other;
    plan.macs = stored = written * cols;
    inst.occ = written / tile.rows * ((cols + tile.cols - 1) / tile.cols);
    if (rest > 0)
      inst.occ += (cols + last.cols - 1) / last.cols;
    bits.vmemRead = uint64_t(mvm.count) * cols * 16;
  } else if (layout.isCirculant()) {
    // T-M-3: a row group is a block-row, with the products of its true rows.
    const uint64_t block = descriptor.block;
    const uint64_t elements = (cols + block - 1) / block * block * chosen;
    for (uint64_t row = firstRow; row < lastRow; row += block) {
      addGroup(chosen * std::min(block, descriptor.rows - row) * cols);
      stored += elements;
      bits.vmemRead += cols * 16;
    }
  } else {
    // T-M-2: a row group is a small block-row of all chosen gates, whatever
    // masks they have. The gates of one mask read the same inputs.
    auto keptColumns = [&](const compression::BlockMap &map, size_t i) {
      uint64_t kept = 0;
      for (const compression::ColRange &range : map.ranges(map.smallRows()[i]))
        if (range.col >= columns.begin && range.col < columns.end)
          kept += static_cast<uint64_t>(range.width);
      return kept;
    };
    const compression::BlockMaps &maps = layout.maps();
    const std::span<const compression::BlockMap::SmallRow> smallRows =
        maps.front()->smallRows();
    for (size_t i = 0; i < smallRows.size(); ++i) {
      const auto row = static_cast<uint64_t>(smallRows[i].row);
      if (row < firstRow || row >= lastRow)
        continue;
      uint64_t kept = 0; // columns, summed over the chosen gates
      for (unsigned gate = 0; gate < descriptor.gates; ++gate)
        if (mvm.gates.has(gate))
          kept += keptColumns(layout.map(gate), i);
      addGroup(kept * static_cast<uint64_t>(smallRows[i].height));
      bits.vmemRead += (descriptor.separate ? kept : kept / chosen) * 16;
    }
    stored = plan.macs;
    for (size_t mask = 0; mask < entry.indexBits.size(); ++mask)
      if (!descriptor.separate || mvm.gates.has(static_cast<unsigned>(mask)))
        bits.imemRead += entry.indexBits[mask].of(firstRow, lastRow);
  }
  inst.occ = std::max<uint64_t>(1, inst.occ); // T-U-3
  bits.wmemRead = stored * static_cast<uint64_t>(descriptor.format.bits);
  bits.amemWritten = written * 32;
  bits.amemRead = mvm.init == isa::Init::Acc ? written * 32 : 0;
  bits.bmemRead = mvm.init == isa::Init::Bias ? written * 32 : 0;
  inst.index = static_cast<uint32_t>(matrixPlans.size());
  matrixPlans.push_back(std::move(plan));
  return {};
}

Result<PackedMatrix>
LoadedProgram::repack(const MatrixPlan &plan,
                      std::span<const uint8_t> bytes) const {
  const Matrices::Entry &entry = matrices->entries[plan.descriptor];
  const WeightLayout &layout = entry.image->layout;
  const numerics::WeightFormat format = entry.descriptor.format;
  const uint64_t rowBlock = plan.rowBlock;
  const int64_t firstWord =
      layout.firstWordOf(static_cast<int64_t>(plan.firstBlock * rowBlock));
  const int64_t lastWord =
      layout.firstWordOf(static_cast<int64_t>(std::min<uint64_t>(
          (plan.firstBlock + plan.blocks) * rowBlock, plan.rows)));
  // The other row blocks are never asked for.
  std::vector<int16_t> codes(static_cast<size_t>(layout.words()), 0);
  uint64_t bit = static_cast<uint64_t>(firstWord) * format.bits % 8;
  for (int64_t word = firstWord; word < lastWord; ++word) {
    uint32_t pattern = 0;
    for (int i = 0; i < format.bits; ++i, ++bit)
      pattern |= uint32_t(bytes[bit / 8] >> (bit % 8) & 1) << i;
    if (!numerics::isValidPattern(pattern, format))
      return Error{fmt::format(
          "word {} of the matrix has the pattern of {}, which {}-bit twos does "
          "not use",
          word, numerics::decodeWeight(pattern, format), format.bits)};
    codes[word] = static_cast<int16_t>(numerics::decodeWeight(pattern, format));
  }
  return PackedMatrix(layout, codes, plan.gateMask,
                      entry.descriptor.colRange());
}

Result<void> LoadedProgram::findEntries() {
  auto entries = hidden->metadata.find("entries");
  if (entries == hidden->metadata.end() || !entries->is_object())
    return Error{"metadata: 'entries' must be an object of instruction "
                 "indices"};
  for (Entry entry : {Entry::Run, Entry::Step, Entry::Reset}) {
    auto it = entries->find(std::string(sim::getName(entry)));
    if (it == entries->end() || it->is_null())
      continue;
    if (!it->is_number_unsigned() || it->get<uint64_t>() >= code.size())
      return Error{fmt::format("metadata: entry '{}' is {}, allowed is an "
                               "instruction index below {}, or null",
                               sim::getName(entry), it->dump(), code.size())};
    const size_t start = it->get<size_t>();
    entryPoints[static_cast<size_t>(entry)] = start;
    uint64_t used = 0;
    size_t bodyEnd = start;
    for (size_t pc = start; pc < code.size(); ++pc) {
      const DecodedInstruction &inst = code[pc];
      if (inst.opcode == isa::Opcode::AStream)
        used |= uint64_t(1) << inst.index;
      else if (inst.opcode == isa::Opcode::Loop)
        bodyEnd = std::max(bodyEnd, pc + inst.size);
      else if (inst.opcode == isa::Opcode::Halt && pc >= bodyEnd)
        break;
    }
    entryStreams[static_cast<size_t>(entry)] = used;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Per sequence length
//===----------------------------------------------------------------------===//

Result<StreamLayout> LoadedProgram::layoutStreams(int64_t steps) const {
  if (steps < 1)
    return Error{fmt::format("{} time steps; at least 1 is needed", steps)};
  StreamLayout layout;
  uint64_t at = kStreamGap;
  layout.streams.resize(network.streams.size());
  auto add = [&](size_t number) -> Result<void> {
    const StreamInfo &stream = network.streams[number];
    const uint64_t frames = stream.step ? static_cast<uint64_t>(steps) : 1;
    uint64_t bytes;
    if (__builtin_mul_overflow(frames, uint64_t(stream.elements) * 2, &bytes) ||
        bytes > uint64_t(std::numeric_limits<int32_t>::max()) ||
        at + bytes + 2 * kStreamGap >
            uint64_t(std::numeric_limits<int32_t>::max()))
      return Error{fmt::format(
          "{} time steps do not fit the 2 GiB of host memory a program can "
          "address; run fewer at a time with step",
          steps)};
    layout.streams[number] = {static_cast<uint32_t>(at),
                              static_cast<uint32_t>(bytes)};
    at = (at + bytes + kStreamGap + 15) / 16 * 16;
    return {};
  };
  for (size_t i = 0; i < network.streams.size(); ++i) {
    if (network.streams[i].weights)
      layout.weights = static_cast<int>(i);
    else if (Result<void> added = add(i); !added)
      return added.takeError();
  }
  layout.totalBytes = static_cast<uint32_t>(at);
  if (layout.weights >= 0)
    if (Result<void> added = add(static_cast<size_t>(layout.weights)); !added)
      return added.takeError();
  return layout;
}

std::shared_ptr<const TimingResult>
LoadedProgram::timing(Entry entry, int64_t steps, const Registers &registers,
                      const StreamLayout &layout) const {
  TimingKey key{entry, steps, registers};
  {
    std::lock_guard<std::mutex> lock(hidden->timingMutex);
    auto it = hidden->timings.find(key);
    if (it != hidden->timings.end())
      return it->second;
  }
  auto result = std::make_shared<const TimingResult>(
      computeTiming(*this, entry, steps, registers, layout));
  std::lock_guard<std::mutex> lock(hidden->timingMutex);
  if (hidden->timings.size() >= kTimingCacheEntries)
    hidden->timings.clear();
  return hidden->timings.emplace(std::move(key), std::move(result))
      .first->second;
}

const EnergyCounter &LoadedProgram::energyCounter() const {
  std::call_once(hidden->energyOnce, [&] { hidden->energy.emplace(*this); });
  return *hidden->energy;
}

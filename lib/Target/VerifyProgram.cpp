// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What can be seen to be wrong with a program without running it (I-ERR-1):
// its sections are read one after the other, then the instructions are checked
// against them and against the target.
//
#include "Json.h"
#include "hcgs/Compression/Circulant.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/ProgramFile.h"
#include "hcgs/Target/TargetModel.h"
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;
using nlohmann::json;

Error ProgramError::toError() const {
  Error error{message};
  return pc ? error.at(fmt::format("instruction {}", *pc)) : error;
}

namespace {

class Verifier {
public:
  explicit Verifier(const Program &program) : program(program) {}

  std::optional<ProgramError> run();

private:
  /// Each returns true if it found (and kept) an error.
  bool readSections();
  bool checkCapacities();
  bool checkDescriptor(size_t index);
  bool checkWeightStreams(const json &streams);
  bool readMeta();
  bool decodeText();
  bool checkLoops();
  bool checkEntries();
  bool checkInstruction(size_t pc);
  bool check(const Mvm &inst);
  bool check(const WLoad &inst);
  bool check(const Act &inst);
  bool check(const Requant &inst);
  bool check(const AStream &inst);
  bool check(const ASet &inst);
  template <typename T>
  bool check(const T &) {
    return false;
  }
  bool checkRanges(const Instruction &inst);

  bool fail(std::string message) {
    error = ProgramError{current, std::move(message)};
    return true;
  }
  /// "mvm: field 'desc' is 7, allowed 0..2".
  bool failField(std::string_view field, int64_t found,
                 std::string_view allowed) {
    return fail(fmt::format("{}: field '{}' is {}, allowed {}",
                            getInfo(getOpcode(instructions[*current])).mnemonic,
                            field, found, allowed));
  }
  bool failIndex(std::string_view field, int64_t found, size_t count,
                 std::string_view what) {
    return failField(field, found,
                     count == 0
                         ? fmt::format("none: the program has no {}", what)
                         : fmt::format("0..{}", count - 1));
  }
  /// Takes what a reader of Images.h made of section `name`; an empty name if
  /// the reader's errors say it themselves.
  template <typename T>
  bool read(const char *name, Result<T> result, T &out) {
    if (!result)
      return fail(*name ? result.takeError().at(name).message
                        : result.message());
    out = std::move(*result);
    return false;
  }
  bool fits(std::string_view what, uint64_t found, uint64_t allowed,
            std::string_view unit) {
    if (found <= allowed)
      return false;
    return fail(fmt::format("{} takes {} {}, target '{}' has {}: {} over", what,
                            found, unit, target.name, allowed,
                            found - allowed));
  }

  const Program &program;
  TargetModel target;
  std::vector<MatrixDescriptor> descriptors;
  std::vector<int32_t> biases;
  std::vector<numerics::PwlTable> tables;
  std::vector<InitialVector> vectors;
  size_t numStreams = 0;
  std::vector<size_t> entries;
  std::vector<Instruction> instructions;
  /// Nesting of each instruction: 0 outside all loops.
  std::vector<unsigned> depths;
  std::optional<size_t> current;
  ProgramError error;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

bool Verifier::readSections() {
  return read("", parseTarget(program.target, ".hcgs.target"), target) ||
         read(".hcgs.desc", readDescriptors(program.descriptors),
              descriptors) ||
         read(".hcgs.bias", readBiases(program.bias), biases) ||
         read(".hcgs.tables", readTables(program.tables), tables) ||
         read(".hcgs.vinit", readInitialVectors(program.vinit), vectors);
}

bool Verifier::checkCapacities() {
  const auto &memories = target.memories;
  if (fits("the weight image", program.weights.size(), memories.wmemBytes,
           "bytes of wmem") ||
      fits("the index image", program.index.size(), memories.imemBytes,
           "bytes of imem") ||
      fits("the bias image", biases.size(), memories.bmemElements,
           "elements of bmem") ||
      fits("the program", program.numInstructions(), memories.pmemInstructions,
           "instructions of pmem"))
    return true;
  if (tables.size() > memories.lutTables)
    return fail(fmt::format(".hcgs.tables: {} tables, target '{}' has room for "
                            "{}",
                            tables.size(), target.name, memories.lutTables));
  for (size_t i = 0; i < tables.size(); ++i)
    if (tables[i].entries.size() > memories.lutSegments)
      return fail(fmt::format(
          ".hcgs.tables: table {} has {} segments, target '{}' allows {}", i,
          tables[i].entries.size(), target.name, memories.lutSegments));
  for (size_t i = 0; i < vectors.size(); ++i)
    if (uint64_t(vectors[i].first) + vectors[i].values.size() >
        memories.vmemElements)
      return fail(fmt::format(
          ".hcgs.vinit: initial vector {} takes elements {} + {}, vmem of "
          "target '{}' has {}",
          i, vectors[i].first, vectors[i].values.size(), target.name,
          memories.vmemElements));
  for (size_t i = 0; i < descriptors.size(); ++i)
    if (checkDescriptor(i))
      return true;
  return false;
}

bool Verifier::checkDescriptor(size_t index) {
  const MatrixDescriptor &desc = descriptors[index];
  auto failDesc = [&](std::string message) {
    return fail(fmt::format(".hcgs.desc: descriptor {}: {}", index, message));
  };
  const char *kind = compression::matrixKindName(desc.kind);
  if (!target.hasMatrixKind(kind))
    return failDesc(fmt::format("kind is {}, target '{}' allows {}", kind,
                                target.name,
                                fmt::join(target.matrixKinds, ", ")));
  if (!target.hasWeightBits(uint32_t(desc.format.bits)))
    return failDesc(fmt::format("weight_bits is {}, target '{}' allows {}",
                                desc.format.bits, target.name,
                                fmt::join(target.weightBits, ", ")));
  const char *encoding = desc.format.encoding == numerics::WeightEncoding::Twos
                             ? "twos"
                             : "signmag";
  if (!target.hasWeightEncoding(encoding))
    return failDesc(fmt::format("encoding is {}, target '{}' allows {}",
                                encoding, target.name,
                                fmt::join(target.weightEncodings, ", ")));
  auto outside = [](uint64_t offset, uint64_t size, uint64_t all) {
    return offset > all || size > all - offset;
  };
  if (desc.spill) {
    if (outside(*desc.spill, desc.weightBytes, program.spill.size()))
      return failDesc(fmt::format("spilled weights are bytes {} + {}, "
                                  ".hcgs.spill has {}",
                                  *desc.spill, desc.weightBytes,
                                  program.spill.size()));
  } else if (outside(desc.weightOffset, desc.weightBytes,
                     program.weights.size()))
    return failDesc(fmt::format("weights are bytes {} + {}, .hcgs.weights has "
                                "{}",
                                desc.weightOffset, desc.weightBytes,
                                program.weights.size()));
  if (outside(desc.indexOffset, desc.indexBytes, program.index.size()))
    return failDesc(fmt::format("indices are bytes {} + {}, .hcgs.index has {}",
                                desc.indexOffset, desc.indexBytes,
                                program.index.size()));
  const bool exact = desc.kind != MatrixKind::Hcgs;
  const bool circulant = desc.kind == MatrixKind::Circulant;
  uint64_t words = circulant ? compression::circulantWords(
                                   desc.gates, desc.rows, desc.cols, desc.block)
                             : uint64_t(desc.rows) * desc.cols * desc.gates;
  uint64_t bytes = (words * desc.format.bits + 7) / 8;
  if (exact ? desc.weightBytes != bytes : desc.weightBytes > bytes)
    return failDesc(fmt::format(
        "weight_bytes is {}, allowed {}{} for {} gates of {} x {} {}-bit "
        "weights{}",
        desc.weightBytes, exact ? "" : "at most ", bytes, desc.gates, desc.rows,
        desc.cols, desc.format.bits,
        circulant ? fmt::format(" in circulant blocks of {}", desc.block)
                  : ""));
  if (desc.bias &&
      outside(*desc.bias, uint64_t(desc.rows) * desc.gates, biases.size()))
    return failDesc(fmt::format("biases are elements {} + {}, .hcgs.bias has "
                                "{}",
                                *desc.bias, uint64_t(desc.rows) * desc.gates,
                                biases.size()));
  return false;
}

/// S-T-3: one stream carries the spilled weights, if there are any.
bool Verifier::checkWeightStreams(const json &streams) {
  size_t count = 0;
  for (const json &stream : streams) {
    if (!stream.is_object() || stream.value("kind", json()) != "weights")
      continue;
    ++count;
    if (stream.value("direction", json()) != "in")
      return fail(
          ".hcgs.meta: the stream of kind 'weights' must have direction "
          "'in'");
    const json elements = stream.value("elements", json());
    if (!elements.is_number_unsigned() ||
        elements.get<uint64_t>() * 2 != program.spill.size())
      return fail(fmt::format(
          ".hcgs.meta: the stream of kind 'weights' has {} elements of two "
          "bytes, .hcgs.spill has {} bytes",
          elements.dump(), program.spill.size()));
  }
  const size_t wanted = program.spill.empty() ? 0 : 1;
  if (count != wanted)
    return fail(fmt::format(".hcgs.meta: {} streams of kind 'weights', allowed "
                            "{}: .hcgs.spill has {} bytes",
                            count, wanted, program.spill.size()));
  return false;
}

bool Verifier::readMeta() {
  Result<json> parsed = parseJson(program.meta, ".hcgs.meta");
  if (!parsed)
    return fail(parsed.message());
  if (!parsed->is_object())
    return fail(".hcgs.meta: must be a JSON object");
  if (auto found = parsed->find("streams"); found != parsed->end()) {
    if (!found->is_array() || found->size() > kNumStreams)
      return fail(fmt::format(
          ".hcgs.meta: 'streams' must be a list of at most {}", kNumStreams));
    numStreams = found->size();
  }
  if (checkWeightStreams(parsed->value("streams", json::array())))
    return true;
  auto found = parsed->find("entries");
  if (found == parsed->end() || !found->is_object())
    return fail(".hcgs.meta: 'entries' must be an object with run, step and "
                "reset");
  for (const char *name : {"run", "step", "reset"}) {
    json entry = found->value(name, json());
    if (entry.is_null() && std::string_view(name) != "run")
      continue;
    if (!entry.is_number_integer() || entry < 0 ||
        entry >= program.numInstructions())
      return fail(fmt::format(".hcgs.meta: entry '{}' is {}, allowed 0..{}",
                              name, entry.dump(),
                              int64_t(program.numInstructions()) - 1));
    entries.push_back(entry.get<size_t>());
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

bool Verifier::decodeText() {
  if (program.text.size() % kInstructionBytes != 0)
    return fail(fmt::format(
        ".hcgs.text: {} bytes are no whole number of 16-byte instructions",
        program.text.size()));
  for (size_t pc = 0; pc < program.numInstructions(); ++pc) {
    current = pc;
    Result<Instruction> inst = decode(program.word(pc));
    if (!inst)
      return fail(inst.message());
    instructions.push_back(*inst);
  }
  current.reset();
  return false;
}

bool Verifier::checkLoops() {
  // Places of the endloops that the open loops wait for.
  std::vector<size_t> ends;
  for (size_t pc = 0; pc < instructions.size(); ++pc) {
    current = pc;
    depths.push_back(unsigned(ends.size()));
    if (const auto *loop = std::get_if<Loop>(&instructions[pc])) {
      size_t end = pc + loop->length;
      size_t limit = ends.empty() ? instructions.size() : ends.back();
      if (end >= limit || !std::holds_alternative<EndLoop>(instructions[end]))
        return fail(fmt::format("loop: field 'length' is {}, but instruction "
                                "{} is no endloop of this loop",
                                loop->length, end));
      if (ends.size() == kLoopDepth)
        return fail(fmt::format("loop: nested {} deep, allowed {}",
                                ends.size() + 1, kLoopDepth));
      ends.push_back(end);
    } else if (std::holds_alternative<EndLoop>(instructions[pc])) {
      if (ends.empty() || ends.back() != pc)
        return fail("endloop: no loop ends here");
      ends.pop_back();
    }
  }
  current.reset();
  return false;
}

bool Verifier::checkEntries() {
  for (size_t entry : entries) {
    current = entry;
    if (depths[entry] != 0)
      return fail("an entry is inside a loop");
    size_t pc = entry;
    while (pc < instructions.size() &&
           !(depths[pc] == 0 && std::holds_alternative<Halt>(instructions[pc])))
      ++pc;
    if (pc == instructions.size())
      return fail("the entry that starts here runs past the end of the "
                  "program; end it with halt");
  }
  current.reset();
  return false;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

bool Verifier::check(const Mvm &inst) {
  if (inst.desc >= descriptors.size())
    return failIndex("desc", inst.desc, descriptors.size(), "descriptors");
  const MatrixDescriptor &desc = descriptors[inst.desc];
  uint32_t blocks = desc.rowBlocks();
  if (inst.first >= blocks)
    return failField("first", inst.first, fmt::format("0..{}", blocks - 1));
  if (inst.count > blocks - inst.first)
    return failField("count", inst.count,
                     fmt::format("1..{} from row block {}", blocks - inst.first,
                                 inst.first));
  if (inst.gates.mask >> desc.gates)
    return failField("gates", inst.gates.mask,
                     fmt::format("1..{}: the matrix has {} gates",
                                 (1 << desc.gates) - 1, desc.gates));
  if (inst.init == Init::Bias && !desc.bias)
    return failField(
        "init", int64_t(inst.init),
        fmt::format("acc or zero: descriptor {} has no bias", inst.desc));
  if (inst.tile >= target.mac.tiles.size())
    return failIndex("tile", inst.tile, target.mac.tiles.size(), "tiles");
  // WI-D-4: the place of spilled weights matters only to those who use it.
  const uint64_t wmem = target.memories.wmemBytes;
  if (desc.spill &&
      (desc.weightOffset < program.weights.size() || desc.weightOffset > wmem ||
       desc.weightBytes > wmem - desc.weightOffset))
    return failField(
        "desc", inst.desc,
        fmt::format("a descriptor whose weights lie in wmem: those of this one "
                    "are spilled to bytes {} + {}, allowed {}..{}",
                    desc.weightOffset, desc.weightBytes, program.weights.size(),
                    int64_t(wmem) - 1));
  return false;
}

bool Verifier::check(const WLoad &) {
  if (!target.loadsWeights)
    return fail(
        fmt::format("wload: the load unit of target '{}' does not reach "
                    "wmem (/load/weights)",
                    target.name));
  if (program.spill.empty())
    return fail("wload: the program has no section .hcgs.spill to load from");
  return false;
}

bool Verifier::check(const Act &inst) {
  if (inst.table >= tables.size())
    return failIndex("table", inst.table, tables.size(), "tables");
  return false;
}

bool Verifier::check(const Requant &inst) {
  if (inst.bits < target.activationBitsMin ||
      inst.bits > target.activationBitsMax)
    return failField("bits", inst.bits,
                     fmt::format("{}..{} on target '{}'",
                                 target.activationBitsMin,
                                 target.activationBitsMax, target.name));
  return false;
}

bool Verifier::check(const AStream &inst) {
  if (inst.stream >= numStreams)
    return failIndex("stream", inst.stream, numStreams, "streams");
  return false;
}

bool Verifier::check(const ASet &inst) {
  if (inst.size == 0 && inst.lo != 0)
    return failField("lo", inst.lo, "0 without a ring");
  if (inst.size != 0 && (inst.value < int64_t(inst.lo) ||
                         inst.value >= int64_t(inst.lo) + int64_t(inst.size)))
    return failField("value", inst.value,
                     fmt::format("{}..{} in this ring", inst.lo,
                                 int64_t(inst.lo) + inst.size - 1));
  return false;
}

/// Elements an address operand covers.
static uint64_t extentOf(const Instruction &inst, const FieldInfo &field,
                         const std::vector<MatrixDescriptor> &descriptors) {
  const auto *mvm = std::get_if<Mvm>(&inst);
  if (!mvm) {
    RawInstruction raw = toRaw(inst);
    for (const FieldInfo &other : getInfo(raw.opcode).fields)
      if (std::string_view(other.name) == "n")
        return uint64_t(raw.parts[other.firstPart]);
    return 1;
  }
  const MatrixDescriptor &desc = descriptors[mvm->desc];
  if (std::string_view(field.name) == "src")
    return uint64_t(desc.colRange().size());
  // Up to the last row of the last chosen gate of the last row block.
  uint64_t lastFirst = uint64_t(mvm->first + mvm->count - 1) * desc.rowBlock;
  uint64_t height = std::min<uint64_t>(desc.rowBlock, desc.rows - lastFirst);
  unsigned lastGate = desc.gates - 1;
  while (!mvm->gates.has(lastGate))
    --lastGate;
  return uint64_t(mvm->count - 1) * desc.rowBlock * desc.gates +
         (lastGate + 1) * height;
}

/// Addresses without a register are known (S-R-3).
bool Verifier::checkRanges(const Instruction &inst) {
  RawInstruction raw = toRaw(inst);
  for (const FieldInfo &field : getInfo(raw.opcode).fields) {
    if (field.form != FieldForm::Addr || field.space == 'x' ||
        raw.parts[field.firstPart] != 0)
      continue;
    int64_t first = raw.parts[field.firstPart + 1];
    int64_t extent = int64_t(extentOf(inst, field, descriptors));
    if (field.space == 'w') {
      // The resident weights never change (S-M-2).
      const int64_t size = int64_t(target.memories.wmemBytes);
      const int64_t least = int64_t(program.weights.size());
      if (first < least || first + extent > size)
        return fail(fmt::format("{}: field '{}' covers bytes {}..{}, wmem of "
                                "target '{}' has {}..{} "
                                "behind the resident weights",
                                getInfo(raw.opcode).mnemonic, field.name, first,
                                first + extent - 1, target.name, least,
                                size - 1));
      continue;
    }
    bool isVector = field.space == 'v';
    int64_t size = int64_t(isVector ? target.memories.vmemElements
                                    : target.memories.amemElements);
    if (first < 0 || first + extent > size)
      return fail(fmt::format("{}: field '{}' covers elements {}..{}, {} of "
                              "target '{}' has 0..{}",
                              getInfo(raw.opcode).mnemonic, field.name, first,
                              first + extent - 1, isVector ? "vmem" : "amem",
                              target.name, size - 1));
  }
  return false;
}

bool Verifier::checkInstruction(size_t pc) {
  current = pc;
  return std::visit([&](const auto &inst) { return check(inst); },
                    instructions[pc]) ||
         checkRanges(instructions[pc]);
}

std::optional<ProgramError> Verifier::run() {
  if (readSections() || checkCapacities() || decodeText() || readMeta() ||
      checkLoops() || checkEntries())
    return error;
  for (size_t pc = 0; pc < instructions.size(); ++pc)
    if (checkInstruction(pc))
      return error;
  return std::nullopt;
}

std::optional<ProgramError> hcgs::verifyProgram(const Program &program) {
  return Verifier(program).run();
}

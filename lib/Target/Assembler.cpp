// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole files of assembly: directives, entries and loops around instructions.
//
#include "AsmCursor.h"
#include "Json.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/TargetModel.h"
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;
using nlohmann::json;

namespace {

/// Numbers of a directive that are 32 bits in the file.
constexpr int64_t kMaxU32 = 0xffffffff;

class Assembler {
public:
  Assembler(std::string_view text, std::string_view file)
      : cursor(text, file) {}

  Result<Program> run(AssembleOptions options);

private:
  /// Each returns false if it reported an error.
  bool takeStatement();
  bool takeDirective(std::string_view name);
  bool takeTarget();
  bool takeEntry();
  bool takeStream();
  bool takeDescriptor();
  bool takeTier(MatrixDescriptor &desc);
  bool takeBytes(std::vector<uint8_t> &image);
  bool takeTable();
  bool takeInitialVector();
  bool takeMeta();
  bool takeDebug();
  bool takeSection();
  bool takeInstruction();
  bool closeLoop(size_t place);
  /// `name` and a number.
  template <typename T>
  bool takeNumber(std::string_view name, T &value, int64_t min, int64_t max);
  /// `name`, an offset, `+` and a size.
  bool takeRange(std::string_view name, uint32_t &offset, uint32_t &size);
  void finish();
  size_t numInstructions() const { return instructions.size(); }

  AsmCursor cursor;
  Program program;
  json meta = json::object();
  json streams = json::array();
  json entries = {{"run", nullptr}, {"step", nullptr}, {"reset", nullptr}};
  std::vector<MatrixDescriptor> descriptors;
  std::vector<numerics::PwlTable> tables;
  std::vector<InitialVector> vectors;
  std::vector<RawInstruction> instructions;
  /// Where each instruction is in the text.
  std::vector<size_t> places;
  /// Loops that are open: instruction and place.
  std::vector<std::pair<size_t, size_t>> loops;
  /// Sections given as bytes, in place of the lists above.
  bool rawDescriptors = false, rawTables = false, rawVectors = false;
};

} // namespace

template <typename T>
bool Assembler::takeNumber(std::string_view name, T &value, int64_t min,
                           int64_t max) {
  if (!cursor.expect(name))
    return false;
  std::optional<int64_t> taken =
      cursor.takeInteger(fmt::format("'{}'", name), min, max);
  if (taken)
    value = T(*taken);
  return taken.has_value();
}

bool Assembler::takeRange(std::string_view name, uint32_t &offset,
                          uint32_t &size) {
  if (!takeNumber(name, offset, 0, kMaxU32) || !cursor.expect("+"))
    return false;
  std::optional<int64_t> taken =
      cursor.takeInteger(fmt::format("the size of '{}'", name), 0, kMaxU32);
  if (taken)
    size = uint32_t(*taken);
  return taken.has_value();
}

//===----------------------------------------------------------------------===//
// Directives
//===----------------------------------------------------------------------===//

bool Assembler::takeTarget() {
  size_t place = cursor.position();
  Result<TargetModel> target = Error{};
  if (cursor.peek("{")) {
    std::optional<std::string_view> text = cursor.takeJsonObject();
    if (!text)
      return false;
    target = parseTarget(*text, ".target");
  } else {
    std::optional<std::string> name = cursor.takeString("the name of a target");
    if (!name)
      return false;
    target = loadTarget(*name);
  }
  if (!target) {
    cursor.fail(target.message(), place);
    return false;
  }
  program.target = target->json;
  return cursor.expectEndOfLine();
}

bool Assembler::takeEntry() {
  size_t place = cursor.position();
  static const std::vector<std::string_view> names = {"run", "step", "reset"};
  std::optional<size_t> which = cursor.takeOneOf(names, "an entry");
  if (!which)
    return false;
  json &entry = entries[std::string(names[*which])];
  if (!entry.is_null()) {
    cursor.fail(fmt::format("entry '{}' is already at instruction {}",
                            names[*which], entry.dump()),
                place);
    return false;
  }
  entry = numInstructions();
  return cursor.expectEndOfLine();
}

bool Assembler::takeStream() {
  std::optional<std::string> name = cursor.takeString("the name of a stream");
  if (!name)
    return false;
  static const std::vector<std::string_view> kinds = {"step", "sequence",
                                                      "weights"};
  std::optional<size_t> kind =
      cursor.takeOneOf(kinds, "the kind of the stream");
  if (!kind)
    return false;
  static const std::vector<std::string_view> directions = {"in", "out",
                                                           "scratch"};
  std::optional<size_t> direction =
      cursor.takeOneOf(directions, "the direction of the stream");
  if (!direction)
    return false;
  std::optional<int64_t> elements =
      cursor.takeInteger("the number of elements", 1, kMaxU32);
  if (!elements)
    return false;
  json value = nullptr;
  uint32_t number;
  if (cursor.peek("value")) {
    if (!takeNumber("value", number, 0, kMaxU32))
      return false;
    value = number;
  }
  streams.push_back({{"name", *name},
                     {"kind", kinds[*kind]},
                     {"direction", directions[*direction]},
                     {"elements", *elements},
                     {"value", value}});
  return cursor.expectEndOfLine();
}

bool Assembler::takeTier(MatrixDescriptor &desc) {
  compression::Tier tier;
  constexpr int64_t most = compression::maxTierField;
  if (!takeNumber("tier", tier.rows, 1, most) ||
      !takeNumber("x", tier.cols, 1, most) ||
      !takeNumber("keep", tier.keepNum, 1, most) ||
      !takeNumber("/", tier.keepDen, 1, most))
    return false;
  std::optional<size_t> balance = cursor.takeOneOf(
      {"row", "column", "both", "none"}, "the balance of the tier");
  if (!balance)
    return false;
  tier.balance = compression::Balance(*balance);
  desc.pattern.tiers.push_back(tier);
  return true;
}

bool Assembler::takeDescriptor() {
  MatrixDescriptor desc;
  std::optional<size_t> kind = cursor.takeOneOf({"dense", "hcgs", "circulant"},
                                                "the kind of the matrix");
  if (!kind)
    return false;
  desc.kind = MatrixKind(*kind);
  if (desc.kind == MatrixKind::Circulant) {
    std::optional<int64_t> size =
        cursor.takeInteger("the size of the circulant blocks", 1, kMaxU32);
    if (!size)
      return false;
    desc.block = uint32_t(*size);
  } else {
    desc.separate = desc.kind == MatrixKind::Hcgs && cursor.accept("separate");
  }
  if (!takeNumber("gates", desc.gates, 1, 4) ||
      !takeNumber("bits", desc.format.bits, 2, 8))
    return false;
  std::optional<size_t> encoding =
      cursor.takeOneOf({"twos", "signmag"}, "the encoding");
  if (!encoding)
    return false;
  desc.format.encoding = numerics::WeightEncoding(*encoding);
  if (!takeNumber("rows", desc.rows, 1, kMaxU32) ||
      !takeNumber("cols", desc.cols, 1, kMaxU32))
    return false;
  if (cursor.peek("columns") &&
      (!takeNumber("columns", desc.colBegin, 0, kMaxU32) ||
       !takeNumber("to", desc.colEnd, 1, kMaxU32)))
    return false;
  if (!takeNumber("block", desc.rowBlock, 1, kMaxU32))
    return false;
  if (cursor.peek("bias")) {
    uint32_t bias;
    if (!takeNumber("bias", bias, 0, kMaxU32 - 1))
      return false;
    desc.bias = bias;
  }
  if (!takeRange("weights", desc.weightOffset, desc.weightBytes))
    return false;
  if (cursor.peek("spill")) {
    uint32_t spill;
    if (!takeNumber("spill", spill, 0, kMaxU32 - 1))
      return false;
    desc.spill = spill;
  }
  if (cursor.peek("index") &&
      !takeRange("index", desc.indexOffset, desc.indexBytes))
    return false;
  while (cursor.peek("tier"))
    if (!takeTier(desc))
      return false;
  if (desc.pattern.tiers.size() > compression::maxTiers) {
    cursor.fail(fmt::format("{} tiers, allowed at most {}",
                            desc.pattern.tiers.size(), compression::maxTiers));
    return false;
  }
  descriptors.push_back(std::move(desc));
  return cursor.expectEndOfLine();
}

/// `hex 00ff`, `codes 6 signmag [1, -2]` or `bits 3 [0, 5]`.
bool Assembler::takeBytes(std::vector<uint8_t> &image) {
  std::optional<size_t> form =
      cursor.takeOneOf({"hex", "codes", "bits"}, "how the bytes are written");
  if (!form)
    return false;
  if (*form == 0) {
    std::optional<std::vector<uint8_t>> bytes = cursor.takeHex();
    if (bytes)
      image.insert(image.end(), bytes->begin(), bytes->end());
    return bytes.has_value();
  }
  bool codes = *form == 1;
  std::optional<int64_t> width =
      cursor.takeInteger("the width", codes ? 2 : 1, codes ? 8 : 16);
  if (!width)
    return false;
  numerics::WeightFormat format{.bits = int(*width)};
  if (codes) {
    std::optional<size_t> encoding =
        cursor.takeOneOf({"twos", "signmag"}, "the encoding");
    if (!encoding)
      return false;
    format.encoding = numerics::WeightEncoding(*encoding);
  }
  int64_t most = codes ? format.maxMagnitude() : (int64_t(1) << *width) - 1;
  size_t place = cursor.position();
  std::optional<std::vector<int64_t>> values =
      cursor.takeList(codes ? "a code" : "a number", codes ? -most : 0, most);
  if (!values)
    return false;
  std::vector<uint8_t> bytes;
  if (codes) {
    std::vector<int16_t> words(values->begin(), values->end());
    if (format.encoding == numerics::WeightEncoding::SignMag &&
        std::find(words.begin(), words.end(), 0) != words.end()) {
      cursor.fail("signmag has no code 0", place);
      return false;
    }
    bytes = compression::packCodes(words, format);
  } else {
    // WI-I-1: least significant bit first, without padding.
    bytes.resize((values->size() * size_t(*width) + 7) / 8);
    for (size_t i = 0; i < values->size() * size_t(*width); ++i)
      if (((*values)[i / *width] >> (i % *width)) & 1)
        bytes[i / 8] |= uint8_t(1 << (i % 8));
  }
  image.insert(image.end(), bytes.begin(), bytes.end());
  return cursor.expectEndOfLine();
}

bool Assembler::takeTable() {
  numerics::PwlTable table;
  size_t place = cursor.position();
  const bool twoLevel = cursor.accept("two_level");
  if (twoLevel) {
    table.kind = numerics::PwlKind::TwoLevel;
    if (!takeNumber("w", table.w, 0, 16) ||
        !takeNumber("origin", table.origin, -65536, 32767))
      return false;
    int32_t centre = 0;
    if (cursor.peek("centre")) {
      if (!takeNumber("centre", centre, -65536, 65536))
        return false;
      table.centre = centre;
    }
    if (!takeNumber("p", table.p, 0, 15))
      return false;
  } else if (!takeNumber("k", table.k, 0, 15) ||
             !takeNumber("n", table.n, 0, 9)) {
    return false;
  }
  if (!takeNumber("s", table.s, 0, 31) || !takeNumber("b", table.b, 2, 16) ||
      !takeNumber("lo", table.lo, INT16_MIN, INT16_MAX) ||
      !takeNumber("hi", table.hi, INT16_MIN, INT16_MAX) ||
      !takeNumber("in_frac", table.inFrac, INT16_MIN, INT16_MAX) ||
      !takeNumber("out_frac", table.outFrac, INT16_MIN, INT16_MAX))
    return false;
  auto takeColumn = [&](std::string_view name, int64_t least = INT16_MIN,
                        int64_t most =
                            INT16_MAX) -> std::optional<std::vector<int64_t>> {
    if (!cursor.expect(name))
      return std::nullopt;
    return cursor.takeList(fmt::format("an entry of '{}'", name), least, most);
  };
  if (twoLevel) {
    std::optional<std::vector<int64_t>> first =
        takeColumn("first", 0, numerics::maxPwlEntries - 1);
    if (!first)
      return false;
    std::optional<std::vector<int64_t>> bits = takeColumn("bits", 0, 9);
    if (!bits)
      return false;
    if (first->size() != bits->size()) {
      cursor.fail(fmt::format("{} first entries and {} bits of regions, "
                              "allowed equally many",
                              first->size(), bits->size()),
                  place);
      return false;
    }
    for (size_t i = 0; i < first->size(); ++i)
      table.directory.push_back({uint16_t((*first)[i]), uint8_t((*bits)[i])});
  }
  std::optional<std::vector<int64_t>> bases = takeColumn("bases");
  if (!bases)
    return false;
  std::optional<std::vector<int64_t>> slopes = takeColumn("slopes");
  if (!slopes)
    return false;
  if (bases->size() != slopes->size()) {
    cursor.fail(fmt::format("{} bases and {} slopes, allowed equally many",
                            bases->size(), slopes->size()),
                place);
    return false;
  }
  for (size_t i = 0; i < bases->size(); ++i)
    table.entries.push_back({int16_t((*bases)[i]), int16_t((*slopes)[i])});
  if (Result<void> valid = verify(table); !valid) {
    cursor.fail(valid.message(), place);
    return false;
  }
  tables.push_back(std::move(table));
  return cursor.expectEndOfLine();
}

bool Assembler::takeInitialVector() {
  std::optional<int64_t> first =
      cursor.takeInteger("the first element", 0, kMaxU32);
  if (!first)
    return false;
  std::optional<std::vector<int64_t>> values =
      cursor.takeList("an element", INT16_MIN, INT16_MAX);
  if (!values)
    return false;
  vectors.push_back(
      {uint32_t(*first), std::vector<int16_t>(values->begin(), values->end())});
  return cursor.expectEndOfLine();
}

bool Assembler::takeMeta() {
  size_t place = cursor.position();
  std::optional<std::string_view> text = cursor.takeJsonObject();
  if (!text)
    return false;
  Result<json> value = parseJson(*text, ".meta");
  if (!value) {
    cursor.fail(value.message(), place);
    return false;
  }
  for (const char *key : {"entries", "format", "target"})
    if (value->contains(key)) {
      cursor.fail(fmt::format("key '{}' follows from the rest of the file; "
                              "leave it out",
                              key),
                  place);
      return false;
    }
  meta.update(*value);
  return cursor.expectEndOfLine();
}

bool Assembler::takeDebug() {
  size_t place = cursor.position();
  std::optional<std::string_view> text = cursor.takeJsonObject();
  if (!text)
    return false;
  Result<std::string> debug = canonicalJson(*text, ".debug");
  if (!debug) {
    cursor.fail(debug.message(), place);
    return false;
  }
  program.debug = std::move(*debug);
  return cursor.expectEndOfLine();
}

/// `.section desc 0011..`: bytes as they are, for what has no better form.
bool Assembler::takeSection() {
  std::optional<size_t> which =
      cursor.takeOneOf({"desc", "tables", "vinit"}, "a section");
  if (!which)
    return false;
  std::vector<uint8_t> *sections[] = {&program.descriptors, &program.tables,
                                      &program.vinit};
  bool *raw[] = {&rawDescriptors, &rawTables, &rawVectors};
  *raw[*which] = true;
  std::optional<std::vector<uint8_t>> bytes = cursor.takeHex();
  if (bytes)
    sections[*which]->insert(sections[*which]->end(), bytes->begin(),
                             bytes->end());
  return bytes.has_value();
}

bool Assembler::takeDirective(std::string_view name) {
  if (name == ".target")
    return takeTarget();
  if (name == ".entry")
    return takeEntry();
  if (name == ".stream")
    return takeStream();
  if (name == ".desc")
    return takeDescriptor();
  if (name == ".weights")
    return takeBytes(program.weights);
  if (name == ".spill")
    return takeBytes(program.spill);
  if (name == ".index")
    return takeBytes(program.index);
  if (name == ".bias") {
    std::optional<std::vector<int64_t>> values =
        cursor.takeList("a bias", INT32_MIN, INT32_MAX);
    if (!values)
      return false;
    std::vector<uint8_t> bytes =
        writeBiases(std::vector<int32_t>(values->begin(), values->end()));
    program.bias.insert(program.bias.end(), bytes.begin(), bytes.end());
    return cursor.expectEndOfLine();
  }
  if (name == ".table")
    return takeTable();
  if (name == ".vinit")
    return takeInitialVector();
  if (name == ".meta")
    return takeMeta();
  if (name == ".debug")
    return takeDebug();
  return takeSection();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

bool Assembler::closeLoop(size_t place) {
  if (loops.empty()) {
    cursor.fail("endloop without a loop before it", place);
    return false;
  }
  auto [pc, loopPlace] = loops.back();
  loops.pop_back();
  Loop loop = std::get<Loop>(fromRaw(instructions[pc]));
  uint32_t length = uint32_t(numInstructions() - 1 - pc);
  if (loop.length != 0 && loop.length != length) {
    cursor.fail(fmt::format("field 'length' is {}, but the matching endloop is "
                            "instruction {} of the body; leave the length out",
                            loop.length, length),
                loopPlace);
    return false;
  }
  loop.length = length;
  instructions[pc] = toRaw(loop);
  return true;
}

bool Assembler::takeInstruction() {
  size_t place = cursor.position();
  std::optional<RawInstruction> raw = cursor.takeInstruction();
  if (!raw)
    return false;
  instructions.push_back(*raw);
  places.push_back(place);
  if (raw->opcode == Opcode::Loop)
    loops.emplace_back(numInstructions() - 1, place);
  return raw->opcode != Opcode::EndLoop || closeLoop(place);
}

bool Assembler::takeStatement() {
  static const std::vector<std::string_view> directives = {
      ".target", ".meta",  ".stream", ".desc",  ".weights", ".spill",  ".index",
      ".bias",   ".table", ".vinit",  ".entry", ".debug",   ".section"};
  if (!cursor.peek("."))
    return takeInstruction();
  std::optional<size_t> which = cursor.takeOneOf(directives, "a directive");
  if (!which)
    return false;
  cursor.skipBlanks();
  return takeDirective(directives[*which]);
}

/// Lists to sections.
void Assembler::finish() {
  if (!rawDescriptors)
    program.descriptors = writeDescriptors(descriptors);
  if (!rawTables)
    program.tables = writeTables(tables);
  if (!rawVectors)
    program.vinit = writeInitialVectors(vectors);
  meta["entries"] = entries;
  if (!meta.contains("streams"))
    meta["streams"] = json::array();
  for (const json &stream : streams)
    meta["streams"].push_back(stream);
}

Result<Program> Assembler::run(AssembleOptions options) {
  while (!cursor.atEnd())
    if (!takeStatement())
      return cursor.takeError();
  if (!loops.empty())
    return cursor.errorAtLine(loops.back().second, "loop without endloop");
  size_t end = cursor.position();
  if (program.target.empty())
    return cursor.errorAtLine(
        end, fmt::format("no target; write '.target NAME', one of {}",
                         fmt::join(getShippedTargets(), ", ")));
  if (entries["run"].is_null())
    return cursor.errorAtLine(end, "no entry 'run'; write '.entry run' before "
                                   "its first instruction");
  for (const RawInstruction &raw : instructions) {
    Result<Word> word = encode(raw);
    if (!word)
      return cursor.errorAtLine(places[&raw - instructions.data()],
                                word.message());
    program.append(*word);
  }
  if (meta.contains("streams") && !meta["streams"].is_array())
    return cursor.errorAtLine(end, "'streams' of .meta must be a list");
  finish();
  Result<std::string> text = printCanonical(meta, ".meta");
  if (!text)
    return text.takeError();
  program.meta = std::move(*text);

  if (options.verify)
    if (std::optional<ProgramError> error = verifyProgram(program))
      return error->pc ? cursor.errorAtLine(places[*error->pc], error->message)
                       : cursor.errorAtLine(end, error->message);
  return std::move(program);
}

Result<Program> hcgs::assemble(std::string_view text, std::string_view file,
                               AssembleOptions options) {
  return Assembler(text, file).run(options);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs to assembly text. What is printed assembles to the same bytes: a
// section whose directives would not (it was made by another writer) is
// printed as bytes instead.
//
#include "Json.h"
#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/Images.h"
#include <algorithm>
#include <fmt/format.h>
#include <map>

using namespace hcgs;
using namespace hcgs::isa;
using nlohmann::json;

namespace {

class Disassembler {
public:
  Disassembler(const Program &program, DisassembleOptions options)
      : program(program), options(options) {}

  Result<std::string> run();

private:
  Result<void> readMeta();
  void readDebug();
  void printHead();
  void printStreams();
  void printDescriptors();
  void printTables();
  void printVectors();
  void printBiases();
  void printHex(std::string_view directive, std::span<const uint8_t> bytes);
  void printText();
  void printInstructionLines(size_t pc, size_t indent, std::string_view text);
  void printDebug();

  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out), format,
                   std::forward<Args>(args)...);
    out += '\n';
  }

  const Program &program;
  DisassembleOptions options;
  json meta;
  std::map<size_t, std::vector<std::string>> entries;
  /// Comment of each instruction.
  std::map<size_t, std::string> notes;
  std::string out;
};

} // namespace

Result<void> Disassembler::readMeta() {
  Result<json> parsed = parseJson(program.meta, ".hcgs.meta");
  if (!parsed)
    return parsed.takeError();
  if (!parsed->is_object())
    return Error{".hcgs.meta: must be a JSON object"};
  meta = std::move(*parsed);
  json places = meta.value("entries", json::object());
  for (const char *name : {"run", "step", "reset"})
    if (places.is_object() && places.contains(name) &&
        places[name].is_number_unsigned())
      entries[places[name].get<size_t>()].push_back(name);
  return {};
}

/// The debug map is a help: what is not as expected is left out.
void Disassembler::readDebug() {
  if (!program.debug || !options.comments)
    return;
  Result<json> map = parseJson(*program.debug, ".hcgs.debug");
  if (!map || !map->is_object() || !map->contains("instructions"))
    return;
  for (const json &entry : (*map)["instructions"]) {
    if (!entry.is_object() || !entry.contains("pc") ||
        !entry["pc"].is_number_unsigned())
      continue;
    std::string note;
    for (const char *key : {"node", "what"})
      if (entry.contains(key) && entry[key].is_string() &&
          !entry[key].get_ref<const std::string &>().empty())
        note += (note.empty() ? "" : ": ") + entry[key].get<std::string>();
    // A comment ends with its line.
    std::replace_if(
        note.begin(), note.end(), [](char c) { return uint8_t(c) < 32; }, ' ');
    notes[entry["pc"].get<size_t>()] = note;
  }
}

//===----------------------------------------------------------------------===//
// Directives
//===----------------------------------------------------------------------===//

static constexpr int kIndent = 1;

void Disassembler::printHead() {
  line(".target {}", json::parse(program.target).dump(kIndent));
  json rest = meta;
  for (const char *key : {"entries", "format", "target", "streams"})
    rest.erase(key);
  if (!rest.empty())
    line(".meta {}", rest.dump(kIndent));
  printStreams();
}

/// Whether `.stream` can say all there is to say.
static bool isPlainStream(const json &stream) {
  return stream.is_object() && stream.size() == 5 &&
         stream.value("name", json()).is_string() &&
         (stream.value("kind", json()) == "step" ||
          stream.value("kind", json()) == "sequence" ||
          stream.value("kind", json()) == "weights") &&
         (stream.value("direction", json()) == "in" ||
          stream.value("direction", json()) == "out" ||
          stream.value("direction", json()) == "scratch") &&
         stream.value("elements", json()).is_number_unsigned() &&
         stream.value("elements", json()) >= 1u && stream.contains("value") &&
         (stream["value"].is_null() || stream["value"].is_number_unsigned());
}

void Disassembler::printStreams() {
  json streams = meta.value("streams", json::array());
  if (!streams.is_array() ||
      !std::all_of(streams.begin(), streams.end(), isPlainStream)) {
    line(".meta {}", json({{"streams", streams}}).dump(kIndent));
    return;
  }
  for (const json &stream : streams) {
    std::string value =
        stream["value"].is_null() ? "" : " value " + stream["value"].dump();
    line(".stream {} {} {} {}{}", stream["name"].dump(),
         stream["kind"].get<std::string>(),
         stream["direction"].get<std::string>(), stream["elements"].dump(),
         value);
  }
}

void Disassembler::printHex(std::string_view directive,
                            std::span<const uint8_t> bytes) {
  constexpr size_t perLine = 32;
  // A section without even its head is unlike one without directives.
  if (bytes.empty() && directive.starts_with(".section"))
    line("{}", directive);
  for (size_t at = 0; at < bytes.size(); at += perLine) {
    out += directive;
    out += ' ';
    for (uint8_t byte : bytes.subspan(at, std::min(perLine, bytes.size() - at)))
      fmt::format_to(std::back_inserter(out), "{:02x}", byte);
    out += '\n';
  }
}

void Disassembler::printDescriptors() {
  Result<std::vector<MatrixDescriptor>> descriptors =
      readDescriptors(program.descriptors);
  if (!descriptors || writeDescriptors(*descriptors) != program.descriptors)
    return printHex(".section desc", program.descriptors);
  for (const MatrixDescriptor &desc : *descriptors) {
    const bool hcgs = desc.kind == MatrixKind::Hcgs;
    std::string kind = compression::matrixKindName(desc.kind);
    if (desc.kind == MatrixKind::Circulant)
      kind += fmt::format(" {}", desc.block);
    else if (desc.separate)
      kind += " separate";
    std::string text = fmt::format(
        ".desc {} gates {} bits {} {} rows {} cols {}", kind, desc.gates,
        desc.format.bits,
        desc.format.encoding == numerics::WeightEncoding::Twos ? "twos"
                                                               : "signmag",
        desc.rows, desc.cols);
    if (desc.isView())
      text += fmt::format(" columns {} to {}", desc.colBegin, desc.colEnd);
    text += fmt::format(" block {}", desc.rowBlock);
    if (desc.bias)
      text += fmt::format(" bias {}", *desc.bias);
    text +=
        fmt::format(" weights {} + {}", desc.weightOffset, desc.weightBytes);
    if (desc.spill)
      text += fmt::format(" spill {}", *desc.spill);
    if (hcgs)
      text += fmt::format(" index {} + {}", desc.indexOffset, desc.indexBytes);
    for (const compression::Tier &tier : desc.pattern.tiers)
      text += fmt::format(" tier {} x {} keep {} / {} {}", tier.rows, tier.cols,
                          tier.keepNum, tier.keepDen,
                          compression::balanceName(tier.balance));
    line("{}", text);
  }
}

/// "[1, 2,\n    3]", about as wide as a terminal.
template <typename Range>
static std::string printList(const Range &values) {
  std::string text = "[";
  size_t width = 1;
  bool first = true;
  for (auto value : values) {
    std::string number = std::to_string(value);
    if (!first) {
      text += ",";
      bool full = width + number.size() > 72;
      text += full ? "\n    " : " ";
      width = full ? 4 : width + 2;
    }
    first = false;
    text += number;
    width += number.size();
  }
  return text + "]";
}

void Disassembler::printTables() {
  Result<std::vector<numerics::PwlTable>> tables = readTables(program.tables);
  if (!tables || writeTables(*tables) != program.tables)
    return printHex(".section tables", program.tables);
  for (const numerics::PwlTable &table : *tables) {
    std::vector<int16_t> bases, slopes;
    for (const numerics::PwlTable::Entry &entry : table.entries) {
      bases.push_back(entry.base);
      slopes.push_back(entry.slope);
    }
    std::string shape, regions;
    if (table.kind == numerics::PwlKind::TwoLevel) {
      std::vector<int> first, bits;
      for (const numerics::PwlTable::Region &region : table.directory) {
        first.push_back(region.first);
        bits.push_back(region.bits);
      }
      shape = fmt::format("two_level w {} origin {}", table.w, table.origin);
      if (table.centre)
        shape += fmt::format(" centre {}", *table.centre);
      shape += fmt::format(" p {}", table.p);
      regions =
          fmt::format("first {} bits {} ", printList(first), printList(bits));
    } else {
      shape = fmt::format("k {} n {}", table.k, table.n);
    }
    line(".table {} s {} b {} lo {} hi {} in_frac {} out_frac {} {}bases {} "
         "slopes {}",
         shape, table.s, table.b, table.lo, table.hi, table.inFrac,
         table.outFrac, regions, printList(bases), printList(slopes));
  }
}

void Disassembler::printVectors() {
  Result<std::vector<InitialVector>> vectors =
      readInitialVectors(program.vinit);
  if (!vectors || writeInitialVectors(*vectors) != program.vinit)
    return printHex(".section vinit", program.vinit);
  for (const InitialVector &vector : *vectors)
    line(".vinit {} {}", vector.first, printList(vector.values));
}

void Disassembler::printBiases() {
  // verifyProgram, and so every reader, has seen that these are whole.
  if (Result<std::vector<int32_t>> biases = readBiases(program.bias);
      biases && !biases->empty())
    line(".bias {}", printList(*biases));
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static constexpr size_t kColumns = 80;
/// Where comments begin if there is room.
static constexpr size_t kCommentColumn = 56;

/// The words of a comment.
static std::vector<std::string_view> splitWords(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0)
      words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// The operands of an instruction, each with the comma behind it; lists stay
/// whole.
static std::vector<std::string_view> splitOperands(std::string_view text) {
  std::vector<std::string_view> operands;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '[';
    depth -= text[i] == ']';
    if (text[i] != ' ' || depth > 0 || i == 0 || text[i - 1] != ',')
      continue;
    operands.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  operands.push_back(text.substr(begin));
  return operands;
}

/// `pieces` with blanks between them in lines of at most kColumns where that is
/// possible; `first` begins the first line, `rest` the others.
static std::vector<std::string>
fillLines(const std::vector<std::string_view> &pieces, std::string_view first,
          std::string_view rest) {
  std::vector<std::string> lines;
  std::string line(first);
  bool fresh = true;
  for (std::string_view piece : pieces) {
    if (!fresh && line.size() + 1 + piece.size() > kColumns) {
      lines.push_back(std::move(line));
      line = rest;
      fresh = true;
    }
    if (!fresh)
      line += ' ';
    line += piece;
    fresh = false;
  }
  lines.push_back(std::move(line));
  return lines;
}

/// An instruction and its comment, behind it if both fit the line, else above.
void Disassembler::printInstructionLines(size_t pc, size_t indent,
                                         std::string_view text) {
  const std::string blanks(indent, ' ');
  std::vector<std::string> lines =
      fillLines(splitOperands(text), blanks, blanks + "    ");
  if (options.comments) {
    auto note = notes.find(pc);
    std::string comment = fmt::format("// {}", pc);
    if (note != notes.end() && !note->second.empty())
      comment += " " + note->second;
    const size_t width = lines.back().size();
    if (lines.size() == 1 && width + 2 + comment.size() <= kColumns) {
      const size_t column =
          kCommentColumn + comment.size() <= kColumns ? kCommentColumn : 0;
      lines[0] += std::string(column > width + 1 ? column - width : 2, ' ');
      lines[0] += comment;
    } else {
      std::vector<std::string> above =
          fillLines(splitWords(comment), blanks, blanks + "//   ");
      lines.insert(lines.begin(), above.begin(), above.end());
    }
  }
  for (const std::string &one : lines)
    line("{}", one);
}

void Disassembler::printText() {
  size_t depth = 0;
  for (size_t pc = 0; pc < program.numInstructions(); ++pc) {
    for (const std::string &entry : entries[pc])
      line(".entry {}", entry);
    Result<Instruction> inst = decode(program.word(pc));
    if (!inst) {
      Word word = program.word(pc);
      line("  // {}: {:016x}{:016x}: {}", pc, word.hi, word.lo, inst.message());
      continue;
    }
    // A loop that ends where it says needs no length.
    bool counted = false;
    if (const auto *loop = std::get_if<Loop>(&*inst)) {
      size_t end = pc + loop->length;
      counted = end < program.numInstructions();
      if (counted) {
        Result<Instruction> last = decode(program.word(end));
        counted = last && std::holds_alternative<EndLoop>(*last);
      }
    }
    if (std::holds_alternative<EndLoop>(*inst) && depth > 0)
      --depth;
    printInstructionLines(pc, 2 + 2 * depth, printInstruction(*inst, counted));
    if (std::holds_alternative<Loop>(*inst))
      ++depth;
  }
}

/// One line an instruction.
void Disassembler::printDebug() {
  if (!program.debug)
    return;
  Result<json> map = parseJson(*program.debug, ".hcgs.debug");
  if (!map || !map->is_object())
    return;
  std::string text = "{";
  for (const auto &[key, value] : map->items()) {
    text +=
        fmt::format("{}\n {}: ", text.size() == 1 ? "" : ",", json(key).dump());
    if (!value.is_array()) {
      text += value.dump();
      continue;
    }
    text += "[";
    for (size_t i = 0; i < value.size(); ++i)
      text += (i == 0 ? "\n  " : ",\n  ") + value[i].dump();
    text += "]";
  }
  line(".debug {}}}", text);
}

Result<std::string> Disassembler::run() {
  if (Result<void> read = readMeta(); !read)
    return read.takeError();
  readDebug();
  if (options.everything) {
    printHead();
    printDescriptors();
    printHex(".weights hex", program.weights);
    printHex(".spill hex", program.spill);
    printHex(".index hex", program.index);
    printBiases();
    printTables();
    printVectors();
  }
  printText();
  if (options.everything)
    printDebug();
  return std::move(out);
}

Result<std::string> hcgs::disassemble(const Program &program,
                                      DisassembleOptions options) {
  return Disassembler(program, options).run();
}

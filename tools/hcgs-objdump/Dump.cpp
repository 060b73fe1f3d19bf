// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Dump.h"
#include "hcgs/Target/Images.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <tuple>

using namespace hcgs;
using nlohmann::json;

/// The member of an object, or null; metadata need not have it.
static json get(const json &value, std::string_view key) {
  if (!value.is_object())
    return nullptr;
  auto found = value.find(key);
  return found == value.end() ? json() : *found;
}

/// Text as it is, anything else as JSON; what is missing as a dash.
static std::string shown(const json &value) {
  if (value.is_null())
    return "-";
  if (value.is_string())
    return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Dumper> Dumper::create(const Program &program,
                              std::span<const uint8_t> bytes) {
  Dumper dumper(program, bytes);
  // The reader has seen that both are JSON.
  dumper.metadata = json::parse(program.meta, nullptr, false);
  dumper.machine = json::parse(program.target, nullptr, false);
  if (dumper.metadata.is_discarded() || dumper.machine.is_discarded())
    return Error{"metadata or target is not JSON"};
  return dumper;
}

std::string Dumper::nameOfMatrix(size_t desc) const {
  json matrices = get(metadata, "matrices");
  if (!matrices.is_array() || desc >= matrices.size())
    return fmt::format("descriptor {}", desc);
  json layer = get(matrices[desc], "layer");
  json layers = get(get(metadata, "network"), "layers");
  std::string name = shown(layer);
  if (layer.is_number_unsigned() && layers.is_array() &&
      layer.get<size_t>() < layers.size())
    name = fmt::format("{} {}", name,
                       shown(get(layers[layer.get<size_t>()], "name")));
  return fmt::format("layer {}, {}", name,
                     shown(get(matrices[desc], "matrix")));
}

/// "3 matrices, 2 parts, 1 view": a part is of a larger spilled matrix, a view
/// has some columns of a matrix.
static std::string countMatrices(std::span<const MatrixDescriptor> all) {
  size_t views = 0, parts = 0;
  std::vector<const MatrixDescriptor *> spilled;
  for (const MatrixDescriptor &desc : all) {
    views += desc.isView();
    if (desc.spill && !desc.isView())
      spilled.push_back(&desc);
  }
  std::ranges::sort(spilled, {}, [](const MatrixDescriptor *desc) {
    return std::pair(*desc->spill, ~desc->weightBytes);
  });
  uint64_t begin = 0, end = 0; // the image that reaches farthest
  for (const MatrixDescriptor *desc : spilled) {
    const uint64_t first = *desc->spill, last = first + desc->weightBytes;
    if (last > end)
      std::tie(begin, end) = std::pair(first, last);
    else
      parts += first != begin || last != end;
  }
  std::string text = fmt::format("{} matrices", all.size() - views - parts);
  for (auto [count, what] : {std::pair(parts, "part"), {views, "view"}})
    if (count > 0)
      text += fmt::format(", {} {}{}", count, what, count == 1 ? "" : "s");
  return text;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

std::string Dumper::summary() const {
  std::string text = fmt::format(
      "hcgs program, {} bytes\nmodel     {}\ntarget    {}\nentries  ",
      bytes.size(), shown(get(get(metadata, "model"), "name")),
      shown(get(machine, "name")));
  json entries = get(metadata, "entries");
  for (const char *entry : {"run", "step", "reset"})
    if (json place = get(entries, entry); place.is_number())
      text += fmt::format(" {} at {},", entry, place.dump());
  text.back() = '\n';
  if (json reason = get(metadata, "no_step"); reason.is_string())
    text += fmt::format("no step   {}\n", reason.get<std::string>());
  if (json streams = get(metadata, "streams"); streams.is_array())
    for (size_t i = 0; i < streams.size(); ++i)
      text += fmt::format(
          "stream {:<2} {} {}, {} elements a {}: {}\n", i,
          shown(get(streams[i], "kind")), shown(get(streams[i], "direction")),
          shown(get(streams[i], "elements")),
          get(streams[i], "kind") == "step" ? "step" : "sequence",
          shown(get(streams[i], "name")));
  struct Row {
    const char *name;
    size_t size;
    std::string holds;
  };
  auto items = [](size_t bytes, size_t each, std::string_view what) {
    return fmt::format("{} {}", bytes / each, what);
  };
  size_t tables = 0, vectors = 0;
  std::string matrices = countMatrices({});
  if (auto read = readDescriptors(program.descriptors))
    matrices = countMatrices(*read);
  if (auto read = readTables(program.tables))
    tables = read->size();
  if (auto read = readInitialVectors(program.vinit))
    vectors = read->size();
  std::vector<Row> rows = {
      {".hcgs.text", program.text.size(),
       items(program.text.size(), isa::kInstructionBytes, "instructions")},
      {".hcgs.desc", program.descriptors.size(), matrices},
      {".hcgs.weights", program.weights.size(), "weight codes"},
      {".hcgs.index", program.index.size(), "block indices"},
      {".hcgs.bias", program.bias.size(),
       items(program.bias.size(), 4, "biases")},
      {".hcgs.tables", program.tables.size(), fmt::format("{} tables", tables)},
      {".hcgs.vinit", program.vinit.size(),
       fmt::format("{} initial vectors", vectors)},
      {".hcgs.meta", program.meta.size(), "metadata"},
      {".hcgs.target", program.target.size(), "target"},
  };
  if (!program.spill.empty())
    rows.push_back({".hcgs.spill", program.spill.size(), "spilled codes"});
  if (program.debug)
    rows.push_back({".hcgs.debug", program.debug->size(), "debug map"});
  text += "\nsection              bytes  holds\n";
  for (const Row &row : rows)
    text += fmt::format("{:<14} {:>11}  {}\n", row.name, row.size, row.holds);
  return text;
}

std::string Dumper::header() const {
  auto number = [&](size_t at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
      value |= uint64_t(bytes[at + i]) << (8 * i);
    return value;
  };
  std::string digest;
  for (size_t i = 0; i < 32; ++i)
    digest += fmt::format("{:02x}", bytes[64 + 16 + i]);
  return fmt::format("magic     HCGSPROG\nversion   {}.{}\ndigest    {}\n"
                     "size      {}\n",
                     number(64 + 8, 4), number(64 + 12, 4), digest,
                     number(64 + 48, 8));
}

std::string Dumper::meta() const { return metadata.dump(2) + "\n"; }
std::string Dumper::target() const { return machine.dump(2) + "\n"; }

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

Result<std::string> Dumper::descriptors() const {
  Result<std::vector<MatrixDescriptor>> read =
      readDescriptors(program.descriptors);
  if (!read)
    return read.takeError().at(".hcgs.desc");
  std::string text;
  for (size_t i = 0; i < read->size(); ++i) {
    const MatrixDescriptor &desc = (*read)[i];
    std::string kind = compression::matrixKindName(desc.kind);
    if (desc.kind == MatrixKind::Hcgs)
      kind += fmt::format(" {}{}", desc.pattern.str(),
                          desc.separate ? ", separate masks" : "");
    else if (desc.kind == MatrixKind::Circulant)
      kind += fmt::format(" in blocks of {}", desc.block);
    text += fmt::format(
        "{}: {}\n    {}, {} gate{} of {} x {}, {}-bit {}, row blocks of {}\n",
        i, nameOfMatrix(i), kind, desc.gates, desc.gates == 1 ? "" : "s",
        desc.rows, desc.cols, desc.format.bits,
        desc.format.encoding == numerics::WeightEncoding::Twos ? "twos"
                                                               : "signmag",
        desc.rowBlock);
    if (desc.isView())
      text += fmt::format("    a view of columns {} to {}\n", desc.colBegin,
                          desc.colEnd);
    text +=
        fmt::format("    weights {} + {}", desc.weightOffset, desc.weightBytes);
    if (desc.spill)
      text += fmt::format(", spilled at {}", *desc.spill);
    if (desc.kind == MatrixKind::Hcgs)
      text +=
          fmt::format(", indices {} + {}", desc.indexOffset, desc.indexBytes);
    text += desc.bias ? fmt::format(", biases from {}\n", *desc.bias)
                      : ", no bias\n";
  }
  return text;
}

Result<std::string> Dumper::tables() const {
  Result<std::vector<numerics::PwlTable>> read = readTables(program.tables);
  if (!read)
    return read.takeError().at(".hcgs.tables");
  json names = get(metadata, "tables");
  std::string text;
  for (size_t i = 0; i < read->size(); ++i) {
    const numerics::PwlTable &table = (*read)[i];
    text += fmt::format("{}:", i);
    if (names.is_array() && i < names.size())
      text += fmt::format(" {}, at most {} LSB off",
                          shown(get(names[i], "function")),
                          shown(get(names[i], "max_error_lsb")));
    const bool twoLevel = table.kind == numerics::PwlKind::TwoLevel;
    text += fmt::format(
        "\n    {}: z fx<16,{}>, y fx<{},{}>, {}, {} entries, "
        "slope shift {}, below {}, above {}\n",
        numerics::pwlKindName(table.kind), table.inFrac, table.b, table.outFrac,
        twoLevel ? fmt::format("{} regions of 2^{} from {}",
                               table.directory.size(), table.w, table.origin)
                 : fmt::format("domain +-2^{}", table.k),
        table.entries.size(), table.s, table.lo, table.hi);
    if (table.centre)
      text += fmt::format("    mirrored: y(-z) = {} - y(z)\n", *table.centre);
    auto row = [&](int64_t start, const numerics::PwlTable::Entry &entry) {
      text += fmt::format("    {:>7} {:>7} {:>7}\n", start, entry.base,
                          entry.slope);
    };
    if (twoLevel) {
      text += fmt::format("    bases have {} fractional bits\n", table.p);
      for (size_t r = 0; r < table.directory.size(); ++r) {
        const numerics::PwlTable::Region &region = table.directory[r];
        for (int64_t j = 0; j < int64_t(1) << region.bits; ++j)
          row(table.origin + (int64_t(r) << table.w) +
                  (j << (table.w - region.bits)),
              table.entries[region.first + j]);
      }
    } else {
      for (size_t segment = 0; segment < table.entries.size(); ++segment)
        row((int64_t(segment) << (table.k + 1 - table.n)) -
                (int64_t(1) << table.k),
            table.entries[segment]);
    }
  }
  return text;
}

Result<std::string> Dumper::weights(size_t index,
                                    std::optional<uint64_t> word) const {
  Result<std::vector<MatrixDescriptor>> read =
      readDescriptors(program.descriptors);
  if (!read)
    return read.takeError().at(".hcgs.desc");
  if (index >= read->size())
    return Error{read->empty()
                     ? "--weights: the program has no matrices"
                     : fmt::format("--weights: no descriptor {}, allowed 0..{}",
                                   index, read->size() - 1)};
  const MatrixDescriptor &desc = (*read)[index];
  std::string where = fmt::format("descriptor {}", index);
  Result<compression::WeightLayout> layout = readLayout(desc, program.index);
  if (!layout)
    return layout.takeError().at(where);
  Result<std::vector<int16_t>> codes =
      readCodes(desc, *layout, program.weights, program.spill);
  if (!codes)
    return codes.takeError().at(where);
  if (word && *word >= codes->size())
    return Error{fmt::format("--word: no word {} in descriptor {}, allowed "
                             "0..{}",
                             *word, index, int64_t(codes->size()) - 1)};

  json matrices = get(metadata, "matrices");
  json exponents = matrices.is_array() && index < matrices.size()
                       ? get(matrices[index], "exponents")
                       : json();
  std::string text = fmt::format("# {}: {}\n", index, nameOfMatrix(index));
  if (desc.kind == MatrixKind::Circulant)
    text += fmt::format("# circulant blocks of {}: row and column of the first "
                        "weight that is the word\n",
                        desc.block);
  text += "#   word gate   row   col code value\n";
  auto gateName = [&](int64_t gate) {
    return desc.gates == 4 ? std::string(1, isa::kGateLetters[gate])
                           : std::to_string(gate);
  };
  auto print = [&](int64_t place, const compression::WordInfo &info) {
    int16_t code = (*codes)[place];
    std::string value = "-";
    if (exponents.is_array() && size_t(info.gate) < exponents.size() &&
        exponents[info.gate].is_number_integer())
      value = fmt::format(
          "{}", std::ldexp(double(code), -exponents[info.gate].get<int>()));
    text += fmt::format("{:>8} {:>4} {:>5} {:>5} {:>4} {}\n", place,
                        gateName(info.gate), info.row, info.col, code, value);
  };
  // WI-C-1: element j of a vector is column j of its block's row 0, or, cut off
  // there, column 0 of row b - j.
  auto printElement = [&](const compression::WeightLayout::Vector &vector,
                          int64_t j) {
    const int64_t turned = desc.block - j;
    if (j < vector.width)
      print(vector.word + j, {vector.gate, vector.row, vector.col + j});
    else if (turned < vector.height)
      print(vector.word + j, {vector.gate, vector.row + turned, vector.col});
    else
      text += fmt::format("{:>8} {:>4} {:>5} {:>5} {:>4} unused\n",
                          vector.word + j, gateName(vector.gate), "-", "-",
                          (*codes)[vector.word + j]);
  };
  if (layout->isCirculant()) {
    layout->forEachVector([&](const compression::WeightLayout::Vector &vector) {
      for (int64_t j = 0; j < int64_t(desc.block); ++j)
        if (!word || int64_t(*word) == vector.word + j)
          printElement(vector, j);
    });
    return text;
  }
  if (word) {
    print(int64_t(*word), layout->describe(int64_t(*word)));
    return text;
  }
  layout->forEachRun([&](const compression::WeightLayout::Run &run) {
    for (int64_t i = 0; i < run.count; ++i)
      print(run.word + i, {run.gate, run.row, run.col + i});
  });
  return text;
}

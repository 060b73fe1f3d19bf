// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestProgram.h"

#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/ProgramFile.h"
#include "hcgs/Target/TargetModel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using compression::BlockMap;
using compression::WeightLayout;
using nlohmann::json;

/// A code the encoding has (A-W-1).
static int16_t randomCode(std::mt19937 &random, numerics::WeightFormat format) {
  const int most = format.maxMagnitude();
  int code = 0;
  do
    code = std::uniform_int_distribution<int>(-most, most)(random);
  while (code == 0 && format.encoding == numerics::WeightEncoding::SignMag);
  return static_cast<int16_t>(code);
}

WeightLayout TestMatrix::layout() const {
  const MatrixDescriptor &d = descriptor;
  if (d.kind == MatrixKind::Dense)
    return WeightLayout::dense(d.gates, d.rows, d.cols, d.rowBlock);
  if (d.kind == MatrixKind::Circulant)
    return WeightLayout::circulant(d.gates, d.rows, d.cols, d.block,
                                   d.rowBlock);
  return d.separate ? WeightLayout::sparse(maps, d.rowBlock)
                    : WeightLayout::sparse(d.gates, maps.front(), d.rowBlock);
}

/// Fills weights and images of `matrix`, whose descriptor and maps are there.
static TestMatrix fill(std::mt19937 &random, TestMatrix matrix) {
  MatrixDescriptor &d = matrix.descriptor;
  const WeightLayout layout = matrix.layout();
  const size_t size = size_t(d.gates) * d.rows * d.cols;
  matrix.weights.assign(size, 0);
  matrix.kept.assign(size, 0);
  std::vector<int16_t> codes(static_cast<size_t>(layout.words()));
  for (int16_t &code : codes)
    code = randomCode(random, d.format);
  auto put = [&](int64_t gate, int64_t row, int64_t col, int64_t word) {
    matrix.weights[matrix.at(gate, row, col)] = codes[word];
    matrix.kept[matrix.at(gate, row, col)] = 1;
  };
  std::vector<uint8_t> used(codes.size(), layout.isCirculant() ? 0 : 1);
  if (layout.isCirculant()) {
    // WI-C-1 and WI-C-2, weight by weight.
    const int64_t b = d.block, across = (d.cols + b - 1) / b;
    for (int64_t gate = 0; gate < d.gates; ++gate)
      for (int64_t row = 0; row < d.rows; ++row)
        for (int64_t col = 0; col < d.cols; ++col) {
          const int64_t word =
              ((row / b * d.gates + gate) * across + col / b) * b +
              (col % b + b - row % b) % b;
          put(gate, row, col, word);
          used[word] = 1;
        }
  } else {
    for (int64_t word = 0; word < layout.words(); ++word) {
      const compression::WordInfo info = layout.describe(word);
      put(info.gate, info.row, info.col, word);
    }
  }
  for (size_t word = 0; word < codes.size(); ++word)
    if (!used[word]) // WI-C-3
      codes[word] = numerics::decodeWeight(0, d.format);
  matrix.weightImage = compression::packCodes(codes, d.format);
  matrix.indexImage = layout.indexImage();
  d.weightBytes = static_cast<uint32_t>(matrix.weightImage.size());
  d.indexBytes = static_cast<uint32_t>(matrix.indexImage.size());
  return matrix;
}

/// A descriptor without images.
static TestMatrix begin(MatrixKind kind, unsigned gates, unsigned rows,
                        unsigned cols, unsigned rowBlock,
                        numerics::WeightFormat format) {
  TestMatrix matrix;
  matrix.descriptor.kind = kind;
  matrix.descriptor.gates = gates;
  matrix.descriptor.rows = rows;
  matrix.descriptor.cols = cols;
  matrix.descriptor.rowBlock = rowBlock;
  matrix.descriptor.format = format;
  return matrix;
}

TestMatrix test::makeDense(std::mt19937 &random, unsigned gates, unsigned rows,
                           unsigned cols, unsigned rowBlock,
                           numerics::WeightFormat format) {
  return fill(random,
              begin(MatrixKind::Dense, gates, rows, cols, rowBlock, format));
}

TestMatrix test::makeCirculant(std::mt19937 &random, unsigned gates,
                               unsigned rows, unsigned cols, unsigned rowBlock,
                               unsigned block, numerics::WeightFormat format) {
  TestMatrix matrix =
      begin(MatrixKind::Circulant, gates, rows, cols, rowBlock, format);
  matrix.descriptor.block = block;
  return fill(random, std::move(matrix));
}

/// Chooses blocks of a parent at random within its balance.
static void chooseBlocks(std::mt19937 &random, const BlockMap::Parent &parent,
                         std::span<uint8_t> kept) {
  const int64_t rows = parent.blockRows, cols = parent.blockCols;
  auto shuffled = [&](int64_t n) {
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    return order;
  };
  switch (parent.shape->balance) {
  case compression::Balance::Row:
    for (int64_t i = 0; i < rows; ++i) {
      const std::vector<int64_t> order = shuffled(cols);
      for (int64_t k = 0; k < parent.keepPerRow; ++k)
        kept[i * cols + order[k]] = 1;
    }
    break;
  case compression::Balance::Column:
    for (int64_t j = 0; j < cols; ++j) {
      const std::vector<int64_t> order = shuffled(rows);
      for (int64_t k = 0; k < parent.keepPerCol; ++k)
        kept[order[k] * cols + j] = 1;
    }
    break;
  case compression::Balance::Both: {
    // Each row goes on where the one before ended; then rows and columns are
    // shuffled.
    const std::vector<int64_t> down = shuffled(rows), across = shuffled(cols);
    for (int64_t k = 0; k < rows * parent.keepPerRow; ++k)
      kept[down[k / parent.keepPerRow] * cols + across[k % cols]] = 1;
    break;
  }
  case compression::Balance::None: {
    const unsigned share = random() % 4;
    for (uint8_t &block : kept)
      block = random() % 3 < share;
    break;
  }
  }
}

TestMatrix test::makeHcgs(std::mt19937 &random, unsigned gates, unsigned rows,
                          unsigned cols, unsigned rowBlock,
                          const compression::Pattern &pattern,
                          numerics::WeightFormat format, bool separate) {
  TestMatrix matrix =
      begin(MatrixKind::Hcgs, gates, rows, cols, rowBlock, format);
  matrix.descriptor.pattern = pattern;
  matrix.descriptor.separate = separate && gates > 1;
  for (unsigned i = 0; i < (matrix.descriptor.separate ? gates : 1); ++i) {
    Result<BlockMap> map =
        BlockMap::buildByParent(pattern, rows, cols,
                                [&](const BlockMap::Parent &parent,
                                    std::span<uint8_t> kept) -> Result<void> {
                                  chooseBlocks(random, parent, kept);
                                  return {};
                                });
    if (!map) {
      ADD_FAILURE() << map.message();
      return matrix;
    }
    matrix.maps.push_back(std::make_shared<const BlockMap>(std::move(*map)));
  }
  return fill(random, std::move(matrix));
}

/// A two-level table of any shape, mirrored or not.
static void makeTwoLevel(std::mt19937 &random, numerics::PwlTable &table) {
  auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  table.kind = numerics::PwlKind::TwoLevel;
  table.w = between(0, 16);
  table.p = between(0, std::min(table.s, 15));
  if (between(0, 1))
    table.centre = between(-2, 2) * (1 << (table.b - 1));
  else
    table.origin = between(-40000, 32767);
  table.directory.resize(between(1, numerics::maxPwlRegions));
  for (numerics::PwlTable::Region &region : table.directory) {
    region.bits = static_cast<uint8_t>(between(0, std::min(5, table.w)));
    region.first = static_cast<uint16_t>(between(
        0, static_cast<int>(table.entries.size()) - (1 << region.bits)));
  }
}

numerics::PwlTable test::makeTable(std::mt19937 &random) {
  auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  numerics::PwlTable table;
  table.k = between(4, 15);
  table.n = between(0, std::min(9, table.k + 1));
  table.s = between(0, 15);
  table.b = between(4, 16);
  const int high = (1 << (table.b - 1)) - 1;
  table.lo = static_cast<int16_t>(between(-high - 1, 0));
  table.hi = static_cast<int16_t>(between(0, high));
  const bool twoLevel = between(0, 1);
  table.entries.resize(twoLevel ? between(32, 512) : 1 << table.n);
  for (numerics::PwlTable::Entry &entry : table.entries) {
    entry.base = static_cast<int16_t>(between(-high - 1, high));
    entry.slope = static_cast<int16_t>(between(-1000, 1000));
  }
  if (twoLevel)
    makeTwoLevel(random, table);
  return table;
}

//===----------------------------------------------------------------------===//
// ProgramBuilder
//===----------------------------------------------------------------------===//

ProgramBuilder::ProgramBuilder() {
  Result<TargetModel> generic = loadTarget("generic");
  if (!generic) {
    ADD_FAILURE() << generic.message();
    return;
  }
  target = json::parse(generic->json);
  set("/memories/vmem/elements", 4096);
  set("/memories/amem/elements", 4096);
  set("/mac/lanes", 4);
  set("/mac/tiles", json::array({{4, 1}, {2, 2}, {1, 4}}));
  set("/matrix/fill", 3);
  set("/vector/lanes", 2);
  set("/vector/latency", 2);
  set("/load/latency", 1);
  set("/load/port_bytes", 4);
  set("/store/latency", 1);
  set("/store/port_bytes", 4);
  for (const char *unit : {"load", "matrix", "vector", "store"})
    set(std::string("/queues/") + unit, 4);
  meta = {
      {"entries", {{"run", nullptr}, {"step", nullptr}, {"reset", nullptr}}},
      {"streams", json::array()}};
  debugList = json::array();
}

ProgramBuilder &ProgramBuilder::set(const std::string &pointer, json value) {
  target[json::json_pointer(pointer)] = {
      {"value", std::move(value)}, {"origin", "assumed"}, {"source", "a test"}};
  return *this;
}

ProgramBuilder &ProgramBuilder::put(const std::string &pointer, json value) {
  target[json::json_pointer(pointer)] = std::move(value);
  return *this;
}

ProgramBuilder &ProgramBuilder::code(std::string_view text) {
  std::vector<size_t> open;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, std::min(line.find("//"), line.size()));
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
      continue;
    line = line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
    // Loops are as long as they are: any length will do until the end is seen.
    std::string whole(line);
    if (line.starts_with("loop") && line.find("length") == line.npos)
      whole += " length 1";
    Result<isa::Instruction> inst = parseInstruction(whole);
    if (!inst) {
      ADD_FAILURE() << line << ": " << inst.message();
      continue;
    }
    instructions.push_back(*inst);
    if (std::holds_alternative<isa::Loop>(*inst)) {
      open.push_back(instructions.size() - 1);
    } else if (std::holds_alternative<isa::EndLoop>(*inst) && !open.empty()) {
      std::get<isa::Loop>(instructions[open.back()]).length =
          static_cast<uint32_t>(instructions.size() - 1 - open.back());
      open.pop_back();
    }
  }
  return *this;
}

ProgramBuilder &ProgramBuilder::entry(std::string_view name) {
  meta["entries"][std::string(name)] = instructions.size();
  return *this;
}

ProgramBuilder &ProgramBuilder::stream(std::string_view name,
                                       std::string_view kind,
                                       std::string_view direction,
                                       unsigned elements) {
  meta["streams"].push_back({{"name", name},
                             {"kind", kind},
                             {"direction", direction},
                             {"elements", elements},
                             {"value", nullptr}});
  return *this;
}

ProgramBuilder &ProgramBuilder::matrix(const TestMatrix &matrix) {
  MatrixDescriptor descriptor = matrix.descriptor;
  descriptor.weightOffset = static_cast<uint32_t>(weights.size());
  weights.insert(weights.end(), matrix.weightImage.begin(),
                 matrix.weightImage.end());
  if (descriptor.kind == MatrixKind::Hcgs) {
    descriptor.indexOffset = static_cast<uint32_t>(index.size());
    index.insert(index.end(), matrix.indexImage.begin(),
                 matrix.indexImage.end());
  }
  descriptors.push_back(std::move(descriptor));
  return *this;
}

ProgramBuilder &ProgramBuilder::view(unsigned of, uint32_t begin, uint32_t end,
                                     std::optional<uint32_t> bias) {
  MatrixDescriptor descriptor = descriptors[of];
  descriptor.colBegin = begin;
  descriptor.colEnd = end;
  descriptor.bias = bias;
  descriptors.push_back(std::move(descriptor));
  return *this;
}

ProgramBuilder &ProgramBuilder::spilled(const TestMatrix &matrix,
                                        uint32_t place) {
  TestMatrix spilled = matrix;
  spilled.descriptor.spill = static_cast<uint32_t>(spill.size());
  spill.insert(spill.end(), matrix.weightImage.begin(),
               matrix.weightImage.end());
  spill.resize((spill.size() + 1) / 2 * 2);
  spilled.weightImage.clear();
  this->matrix(spilled);
  descriptors.back().weightOffset = place;
  return *this;
}

ProgramBuilder &ProgramBuilder::weightStream(std::string_view name) {
  return stream(name, "weights", "in", static_cast<unsigned>(spill.size() / 2));
}

ProgramBuilder &ProgramBuilder::biases(std::vector<int32_t> values) {
  biasValues = std::move(values);
  return *this;
}

ProgramBuilder &ProgramBuilder::table(const numerics::PwlTable &table) {
  tables.push_back(table);
  return *this;
}

ProgramBuilder &ProgramBuilder::initial(unsigned first,
                                        std::vector<int16_t> values) {
  vectors.push_back({first, std::move(values)});
  return *this;
}

ProgramBuilder &ProgramBuilder::debug(size_t pc, std::string_view node,
                                      int layer, std::string_view what) {
  debugList.push_back(
      {{"pc", pc}, {"node", node}, {"layer", layer}, {"what", what}});
  return *this;
}

std::string ProgramBuilder::bytes() const {
  Program program;
  for (const isa::Instruction &inst : instructions) {
    Result<isa::Word> word = isa::encode(inst);
    if (!word) {
      ADD_FAILURE() << printInstruction(inst) << ": " << word.message();
      return "";
    }
    program.append(*word);
  }
  program.descriptors = writeDescriptors(descriptors);
  program.weights = weights;
  program.spill = spill;
  program.index = index;
  program.bias = writeBiases(biasValues);
  program.tables = writeTables(tables);
  program.vinit = writeInitialVectors(vectors);
  program.meta = meta.dump();
  program.target = target.dump();
  if (!debugList.empty())
    program.debug = json{{"instructions", debugList}}.dump();
  Result<std::vector<uint8_t>> file = writeProgram(program);
  if (!file) {
    ADD_FAILURE() << file.message();
    return "";
  }
  return std::string(file->begin(), file->end());
}

LoadedProgram::Ptr ProgramBuilder::load() const {
  Result<LoadedProgram::Ptr> program =
      LoadedProgram::fromBytes(bytes(), "test");
  if (!program) {
    ADD_FAILURE() << program.message();
    return nullptr;
  }
  return *program;
}

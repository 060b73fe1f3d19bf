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

/// Fills weights and images of `matrix` for the layout.
static void fill(std::mt19937 &random, TestMatrix &matrix,
                 const WeightLayout &layout, std::vector<uint8_t> &image) {
  const size_t size = static_cast<size_t>(layout.gates()) *
                      static_cast<size_t>(layout.rows() * layout.cols());
  matrix.weights.assign(size, 0);
  matrix.kept.assign(size, 0);
  std::vector<int16_t> codes(static_cast<size_t>(layout.words()));
  for (int64_t word = 0; word < layout.words(); ++word) {
    codes[word] = randomCode(random, matrix.descriptor.format);
    const compression::WordInfo info = layout.describe(word);
    matrix.weights[matrix.at(info.gate, info.row, info.col)] = codes[word];
    matrix.kept[matrix.at(info.gate, info.row, info.col)] = 1;
  }
  image = compression::packCodes(codes, matrix.descriptor.format);
}

TestMatrix test::makeDense(std::mt19937 &random, unsigned gates, unsigned rows,
                           unsigned cols, unsigned rowBlock,
                           numerics::WeightFormat format) {
  TestMatrix matrix;
  matrix.descriptor.kind = MatrixKind::Dense;
  matrix.descriptor.gates = gates;
  matrix.descriptor.rows = rows;
  matrix.descriptor.cols = cols;
  matrix.descriptor.rowBlock = rowBlock;
  matrix.descriptor.format = format;
  std::vector<uint8_t> image;
  fill(random, matrix, WeightLayout::dense(gates, rows, cols, rowBlock), image);
  matrix.descriptor.weightBytes = static_cast<uint32_t>(image.size());
  matrix.weightImage = std::move(image);
  return matrix;
}

TestMatrix test::makeHcgs(std::mt19937 &random, unsigned gates, unsigned rows,
                          unsigned cols, unsigned rowBlock,
                          const compression::Pattern &pattern,
                          numerics::WeightFormat format) {
  TestMatrix matrix;
  matrix.descriptor.kind = MatrixKind::Hcgs;
  matrix.descriptor.gates = gates;
  matrix.descriptor.rows = rows;
  matrix.descriptor.cols = cols;
  matrix.descriptor.rowBlock = rowBlock;
  matrix.descriptor.format = format;
  matrix.descriptor.pattern = pattern;
  Result<BlockMap> map = BlockMap::build(
      pattern, rows, cols,
      [&](const BlockMap::Line &line, std::span<int> kept) -> Result<void> {
        std::vector<int> all(line.choices.size());
        std::iota(all.begin(), all.end(), 0);
        std::shuffle(all.begin(), all.end(), random);
        std::copy_n(all.begin(), kept.size(), kept.begin());
        std::sort(kept.begin(), kept.end());
        return {};
      });
  EXPECT_TRUE(map.ok());
  matrix.map = std::make_shared<const BlockMap>(std::move(*map));
  std::vector<uint8_t> image;
  fill(random, matrix, WeightLayout::sparse(gates, matrix.map, rowBlock),
       image);
  matrix.indexImage = matrix.map->indexImage();
  matrix.descriptor.weightBytes = static_cast<uint32_t>(image.size());
  matrix.descriptor.indexBytes =
      static_cast<uint32_t>(matrix.indexImage.size());
  matrix.weightImage = std::move(image);
  return matrix;
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
  table.entries.resize(size_t(1) << table.n);
  for (numerics::PwlTable::Entry &entry : table.entries) {
    entry.base = static_cast<int16_t>(between(-high - 1, high));
    entry.slope = static_cast<int16_t>(between(-1000, 1000));
  }
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

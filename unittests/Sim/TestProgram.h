// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small programs for the simulator's tests: instructions as assembly, matrices
// and tables as C++ values, a target whose numbers a test can set.
//
#ifndef HCGS_UNITTESTS_SIM_TESTPROGRAM_H
#define HCGS_UNITTESTS_SIM_TESTPROGRAM_H

#include "hcgs/Compression/BlockMap.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Numerics/PwlTable.h"
#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Target/Images.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// A part that a text must have, with the whole text if it has not.
#define EXPECT_CONTAINS(text, part)                                            \
  EXPECT_NE((text).find(part), std::string::npos) << (text)

namespace hcgs::sim::test {

/// A matrix as a table of numbers, beside its images.
struct TestMatrix {
  MatrixDescriptor descriptor;
  /// [gate][row][column]; 0 where nothing is kept.
  std::vector<int32_t> weights;
  std::vector<uint8_t> kept;
  /// Of hcgs matrices: one map, or one a gate.
  compression::BlockMaps maps;
  std::vector<uint8_t> weightImage, indexImage;

  compression::WeightLayout layout() const;

  size_t at(int64_t gate, int64_t row, int64_t col) const {
    return static_cast<size_t>(
        (gate * descriptor.rows + row) * descriptor.cols + col);
  }
};

/// A dense matrix with random codes.
TestMatrix makeDense(std::mt19937 &random, unsigned gates, unsigned rows,
                     unsigned cols, unsigned rowBlock,
                     numerics::WeightFormat format);
/// An hcgs matrix with random blocks and codes; the pattern must be legal for
/// its shape.
TestMatrix makeHcgs(std::mt19937 &random, unsigned gates, unsigned rows,
                    unsigned cols, unsigned rowBlock,
                    const compression::Pattern &pattern,
                    numerics::WeightFormat format, bool separate = false);
/// A circulant matrix with random codes.
TestMatrix makeCirculant(std::mt19937 &random, unsigned gates, unsigned rows,
                         unsigned cols, unsigned rowBlock, unsigned block,
                         numerics::WeightFormat format);
/// A table with random entries that do not all saturate.
numerics::PwlTable makeTable(std::mt19937 &random);

class ProgramBuilder {
public:
  /// Starts from the shipped target `generic` with small memories: 4096
  /// elements of vmem and amem, 4 MAC lanes, 2 vector lanes, queues of 4.
  ProgramBuilder();

  /// Sets a number of the target by JSON pointer without the "/value":
  /// set("/queues/vector", 1).
  ProgramBuilder &set(const std::string &pointer, nlohmann::json value);
  /// Sets anything else of the target.
  ProgramBuilder &put(const std::string &pointer, nlohmann::json value);
  /// Adds instructions, one a line; `//` begins a comment.
  ProgramBuilder &code(std::string_view text);
  /// Makes the next instruction an entry point.
  ProgramBuilder &entry(std::string_view name);
  ProgramBuilder &stream(std::string_view name, std::string_view kind,
                         std::string_view direction, unsigned elements);
  ProgramBuilder &matrix(const TestMatrix &matrix);
  /// Adds a descriptor of some columns of matrix `of` (WI-D-3).
  ProgramBuilder &view(unsigned of, uint32_t begin, uint32_t end,
                       std::optional<uint32_t> bias = std::nullopt);
  /// Adds a matrix whose image is in the spill section, for byte `place` of
  /// wmem (WI-D-4).
  ProgramBuilder &spilled(const TestMatrix &matrix, uint32_t place);
  /// Adds the stream of the spilled weights; after the last of them.
  ProgramBuilder &weightStream(std::string_view name);
  /// Bytes of the spill section so far, and of the resident weights.
  size_t spillBytes() const { return spill.size(); }
  size_t residentBytes() const { return weights.size(); }
  ProgramBuilder &biases(std::vector<int32_t> values);
  ProgramBuilder &table(const numerics::PwlTable &table);
  ProgramBuilder &initial(unsigned first, std::vector<int16_t> values);
  ProgramBuilder &debug(size_t pc, std::string_view node, int layer,
                        std::string_view what);

  /// The bytes of the program file. Fails the test if there are none.
  std::string bytes() const;
  /// The loaded program; fails the test and gives null if it is refused.
  LoadedProgram::Ptr load() const;

  nlohmann::json meta;

private:
  nlohmann::json target, debugList;
  std::vector<isa::Instruction> instructions;
  std::vector<MatrixDescriptor> descriptors;
  std::vector<uint8_t> weights, index, spill;
  std::vector<int32_t> biasValues;
  std::vector<numerics::PwlTable> tables;
  std::vector<InitialVector> vectors;
};

} // namespace hcgs::sim::test

#endif // HCGS_UNITTESTS_SIM_TESTPROGRAM_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The listings of hcgs-objdump, each as text.
//
#ifndef HCGS_TOOLS_OBJDUMP_DUMP_H
#define HCGS_TOOLS_OBJDUMP_DUMP_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

namespace hcgs {

class Dumper {
public:
  /// `bytes` are those of the file the program was read from.
  static Result<Dumper> create(const Program &program,
                               std::span<const uint8_t> bytes);

  /// What the file is, its entries, sections and their sizes.
  std::string summary() const;
  /// The 128 bytes of PF-2.
  std::string header() const;
  std::string meta() const;
  std::string target() const;
  Result<std::string> descriptors() const;
  Result<std::string> tables() const;
  /// Every stored word of matrix `desc`, or one of them: layer, gate, row,
  /// column and value.
  Result<std::string> weights(size_t desc, std::optional<uint64_t> word) const;

private:
  Dumper(const Program &program, std::span<const uint8_t> bytes)
      : program(program), bytes(bytes) {}
  /// "lstm_0 W", from the metadata, or "descriptor 0".
  std::string nameOfMatrix(size_t desc) const;

  const Program &program;
  std::span<const uint8_t> bytes;
  nlohmann::json metadata, machine;
};

} // namespace hcgs

#endif // HCGS_TOOLS_OBJDUMP_DUMP_H

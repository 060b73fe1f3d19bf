// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Target/Export.h"
#include "ByteStream.h"
#include "Json.h"
#include "hcgs/Target/Images.h"
#include <cctype>
#include <fmt/format.h>

using namespace hcgs;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// memh
//===----------------------------------------------------------------------===//

/// Words of `bytesPerWord` bytes, little-endian in memory, most significant
/// digit first in print. A short last word is filled with zeros.
static std::string printWords(std::span<const uint8_t> bytes,
                              size_t bytesPerWord) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += bytesPerWord) {
    for (size_t i = bytesPerWord; i-- > 0;) {
      size_t place = at + i;
      fmt::format_to(std::back_inserter(text), "{:02x}",
                     place < bytes.size() ? bytes[place] : 0);
    }
    text += '\n';
  }
  return text;
}

Result<std::vector<ExportedFile>> hcgs::exportMemh(const Program &program) {
  Result<std::vector<InitialVector>> vectors =
      readInitialVectors(program.vinit);
  if (!vectors)
    return vectors.takeError().at(".hcgs.vinit");
  auto file = [](std::string_view memory, std::string_view words,
                 std::string body) {
    return ExportedFile{fmt::format(".{}.memh", memory),
                        fmt::format("// {}: {}\n{}", memory, words, body)};
  };
  std::vector<ExportedFile> files;
  files.push_back(file("pmem", "instructions, 128-bit words",
                       printWords(program.text, isa::kInstructionBytes)));
  files.push_back(file("wmem", "packed weight codes, bytes",
                       printWords(program.weights, 1)));
  files.push_back(file("imem", "packed block indices, bytes",
                       printWords(program.index, 1)));
  files.push_back(
      file("bmem", "biases, 32-bit words", printWords(program.bias, 4)));
  files.push_back(file("lut", "tables as in .hcgs.tables, 32-bit words",
                       printWords(program.tables, 4)));
  files.push_back(file("desc", "descriptors as in .hcgs.desc, 32-bit words",
                       printWords(program.descriptors, 4)));
  std::string initial;
  for (const InitialVector &vector : *vectors) {
    fmt::format_to(std::back_inserter(initial), "@{:x}\n", vector.first);
    for (int16_t value : vector.values)
      fmt::format_to(std::back_inserter(initial), "{:04x}\n", uint16_t(value));
  }
  files.push_back(
      file("vmem", "initial vectors, 16-bit words", std::move(initial)));
  return files;
}

//===----------------------------------------------------------------------===//
// C header
//===----------------------------------------------------------------------===//

static std::string toIdentifier(std::string_view name) {
  std::string result;
  for (char c : name)
    result += std::isalnum(uint8_t(c)) && uint8_t(c) < 128 ? c : '_';
  if (result.empty() || std::isdigit(uint8_t(result[0])))
    result.insert(0, "program_");
  return result;
}

/// C has no empty arrays: an empty one gets a zero that its size leaves out.
template <typename T>
static std::string printArray(std::string_view name, std::string_view type,
                              const std::vector<T> &values, bool hex) {
  std::string text =
      fmt::format("#define {}_SIZE {}u\nstatic const {} {}[] = {{", name,
                  values.size(), type, name);
  for (size_t i = 0; i < std::max<size_t>(values.size(), 1); ++i) {
    T value = i < values.size() ? values[i] : T(0);
    text += i % 12 == 0 ? "\n  " : " ";
    // -2147483648 is no constant in C but an expression of unsigned type.
    if (hex)
      text += fmt::format("{:#0{}x},", value, int(2 + 2 * sizeof(T)));
    else if (int64_t(value) == INT32_MIN)
      text += "(-2147483647 - 1),";
    else
      text += fmt::format("{},", value);
  }
  return text + "\n};\n\n";
}

Result<std::string> hcgs::exportCHeader(const Program &program,
                                        std::string_view name) {
  std::string id = toIdentifier(name);
  Result<std::vector<int32_t>> biases = readBiases(program.bias);
  if (!biases)
    return biases.takeError().at(".hcgs.bias");
  Result<json> meta = parseJson(program.meta, ".hcgs.meta");
  if (!meta)
    return meta.takeError();

  std::string text = fmt::format(
      "/* The memory images of an hcgs program; see docs/Spec/ProgramFile.md.\n"
      " * Instructions are 16 bytes each, little-endian. */\n"
      "#ifndef {0}_H\n#define {0}_H\n\n#include <stdint.h>\n\n",
      id);
  json entries = meta->is_object() ? meta->value("entries", json::object())
                                   : json::object();
  for (const char *entry : {"run", "step", "reset"})
    if (entries.is_object() && entries.contains(entry) &&
        entries[entry].is_number_unsigned())
      text += fmt::format("#define {}_ENTRY_{} {}u\n", id, entry,
                          entries[entry].get<uint64_t>());
  text += '\n';
  text += printArray(id + "_pmem", "uint8_t", program.text, true);
  text += printArray(id + "_wmem", "uint8_t", program.weights, true);
  text += printArray(id + "_imem", "uint8_t", program.index, true);
  text += printArray(id + "_bmem", "int32_t", *biases, false);
  text += printArray(id + "_desc", "uint8_t", program.descriptors, true);
  text += printArray(id + "_lut", "uint8_t", program.tables, true);
  text += printArray(id + "_vinit", "uint8_t", program.vinit, true);
  text += fmt::format("#endif /* {}_H */\n", id);
  return text;
}

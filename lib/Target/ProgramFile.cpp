// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The container: sections to bytes and back. libelf reads; it cannot write to
// memory, and the file has a fixed shape, so the writer lays it out itself:
//
//   0      ELF header
//   64     .hcgs.header (128 bytes)
//   192    the other sections, each at the next multiple of 16
//          .shstrtab
//          section headers
//
#include "hcgs/Target/ProgramFile.h"
#include "ByteStream.h"
#include "Json.h"
#include "hcgs/Support/MappedFile.h"
#include <algorithm>
#include <array>
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <map>
#include <memory>
#include <openssl/evp.h>
#include <zlib.h>

using namespace hcgs;

static constexpr uint16_t kMachine = 0x4847;
static constexpr char kMagic[] = "HCGSPROG";
static constexpr size_t kHeaderOffset = 64;
static constexpr size_t kHeaderBytes = 128;
static constexpr size_t kDigestOffset = kHeaderOffset + 16;
static constexpr size_t kDigestBytes = 32;
static constexpr size_t kAlignment = 16;
static constexpr size_t kSectionHeaderBytes = 64;
/// Offsets inside the images are 32 bit.
static constexpr size_t kMaxSectionBytes = 0xffffffff;

using Digest = std::array<uint8_t, kDigestBytes>;

void Program::append(isa::Word word) {
  text.resize(text.size() + isa::kInstructionBytes);
  isa::writeWord(word, text.data() + text.size() - isa::kInstructionBytes);
}

//===----------------------------------------------------------------------===//
// Checksums
//===----------------------------------------------------------------------===//

namespace {
class Sha256 {
public:
  Sha256() : context(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  }
  void update(std::span<const uint8_t> bytes) {
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  }
  Digest finish() {
    Digest digest{};
    EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
    return digest;
  }

private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context;
};
} // namespace

static std::string toHex(std::span<const uint8_t> bytes) {
  std::string text;
  for (uint8_t byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

std::string hcgs::sha256Hex(std::span<const uint8_t> bytes) {
  Sha256 sha;
  sha.update(bytes);
  return toHex(sha.finish());
}

std::string hcgs::sha256Hex(std::string_view bytes) {
  return sha256Hex(
      std::span(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

/// PF-2: over the whole file, the digest's own bytes taken as zero.
static Digest digestOf(std::span<const uint8_t> file) {
  Sha256 sha;
  sha.update(file.first(kDigestOffset));
  sha.update(Digest{});
  sha.update(file.subspan(kDigestOffset + kDigestBytes));
  return sha.finish();
}

static uint32_t crcOf(std::span<const uint8_t> bytes) {
  return uint32_t(crc32_z(0, bytes.data(), bytes.size()));
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
struct Section {
  std::string name;
  std::span<const uint8_t> bytes;
  uint64_t offset = 0;
};
} // namespace

static std::span<const uint8_t> asBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// PF-2: the lowest minor version that has all the program uses. `meta` is its
/// metadata.
static Result<uint32_t> minorOf(const Program &program, std::string_view meta) {
  Result<nlohmann::json> value = parseJson(meta, "meta");
  if (!value)
    return value.takeError();
  const nlohmann::json rows = value->value("rows", nlohmann::json(1));
  if (!program.spill.empty() || (rows.is_number() && rows > 1))
    return 1;
  // Descriptors of version 2 have views and spilled weights.
  ByteReader descriptors(program.descriptors);
  if (descriptors.remaining() >= 4 && descriptors.get<uint32_t>() > 1)
    return 1;
  for (size_t pc = 0; pc < program.numInstructions(); ++pc) {
    Result<isa::Instruction> inst = isa::decode(program.word(pc));
    if (!inst)
      continue; // it has no meaning in any version
    const auto *mvm = std::get_if<isa::Mvm>(&*inst);
    if ((mvm && mvm->retile) || std::holds_alternative<isa::WLoad>(*inst))
      return 1;
  }
  return 0;
}

static std::vector<uint8_t> makeHeader(uint32_t minor) {
  ByteWriter header;
  header.append(asBytes(std::string_view(kMagic, 8)));
  header.put(kProgramMajor);
  header.put(minor);
  header.putZeros(kHeaderBytes - header.size());
  return header.take();
}

static void putElfHeader(ByteWriter &file, uint64_t sectionHeaders,
                         size_t numSections) {
  file.append(asBytes(std::string_view("\x7f"
                                       "ELF",
                                       4)));
  file.put(uint8_t(ELFCLASS64));
  file.put(uint8_t(ELFDATA2LSB));
  file.put(uint8_t(EV_CURRENT));
  file.putZeros(9);
  file.put(uint16_t(ET_EXEC));
  file.put(kMachine);
  file.put(uint32_t(EV_CURRENT));
  file.put(uint64_t(0)); // entry: entries are in the metadata
  file.put(uint64_t(0)); // no program headers
  file.put(sectionHeaders);
  file.put(uint32_t(0));
  file.put(uint16_t(64));
  file.put(uint16_t(0));
  file.put(uint16_t(0));
  file.put(uint16_t(kSectionHeaderBytes));
  file.put(uint16_t(numSections));
  file.put(uint16_t(numSections - 1)); // .shstrtab is the last
}

static void putSectionHeader(ByteWriter &file, uint32_t name, uint32_t type,
                             uint64_t offset, uint64_t size,
                             uint64_t alignment) {
  file.put(name);
  file.put(type);
  file.put(uint64_t(0)); // flags
  file.put(uint64_t(0)); // address
  file.put(offset);
  file.put(size);
  file.put(uint32_t(0)); // link
  file.put(uint32_t(0)); // info
  file.put(alignment);
  file.put(uint64_t(0)); // entry size
}

/// Fills in what the writer knows better than the caller (PF-6).
static Result<std::string> completeMeta(std::string_view text,
                                        std::string_view target) {
  Result<nlohmann::json> meta = parseJson(text.empty() ? "{}" : text, "meta");
  if (!meta)
    return meta.takeError();
  if (!meta->is_object())
    return Error{"meta: must be a JSON object"};
  Result<nlohmann::json> parsed = parseJson(target, "target");
  if (!parsed)
    return parsed.takeError();
  if (!parsed->is_object())
    return Error{"target: must be a JSON object"};
  (*meta)["format"] = "hcgs-program";
  nlohmann::json name = parsed->value("name", nlohmann::json(nullptr));
  (*meta)["target"] = {{"name", name}, {"sha256", sha256Hex(target)}};
  if (!meta->contains("streams"))
    (*meta)["streams"] = nlohmann::json::array();
  return printCanonical(*meta, "meta");
}

Result<std::vector<uint8_t>> hcgs::writeProgram(const Program &program) {
  Result<std::string> target = canonicalJson(program.target, "target");
  if (!target)
    return target.takeError();
  Result<std::string> meta = completeMeta(program.meta, *target);
  if (!meta)
    return meta.takeError();
  std::string debug;
  if (program.debug) {
    Result<std::string> canonical = canonicalJson(*program.debug, "debug map");
    if (!canonical)
      return canonical.takeError();
    debug = std::move(*canonical);
  }

  Result<uint32_t> minor = minorOf(program, *meta);
  if (!minor)
    return minor.takeError();
  std::vector<uint8_t> header = makeHeader(*minor);
  std::vector<Section> sections = {
      {".hcgs.header", header},
      {".hcgs.text", program.text},
      {".hcgs.desc", program.descriptors},
      {".hcgs.weights", program.weights},
      {".hcgs.index", program.index},
      {".hcgs.bias", program.bias},
      {".hcgs.tables", program.tables},
      {".hcgs.vinit", program.vinit},
      {".hcgs.meta", asBytes(*meta)},
      {".hcgs.target", asBytes(*target)},
  };
  if (!program.spill.empty())
    sections.push_back({".hcgs.spill", program.spill});
  if (program.debug)
    sections.push_back({".hcgs.debug", asBytes(debug)});
  sections.push_back({".hcgs.sums", {}});
  sections.push_back({".shstrtab", {}});
  for (const Section &section : sections)
    if (section.bytes.size() > kMaxSectionBytes)
      return Error{fmt::format("section {} is {} bytes, allowed 0..{}",
                               section.name, section.bytes.size(),
                               kMaxSectionBytes)};

  std::string names(1, '\0');
  std::vector<uint32_t> nameOffsets;
  for (const Section &section : sections) {
    nameOffsets.push_back(uint32_t(names.size()));
    names += section.name + '\0';
  }
  sections.back().bytes = asBytes(names);

  // PF-3; section 0 is ELF's null section.
  ByteWriter sums;
  sums.put(uint32_t(sections.size() - 2));
  for (size_t i = 0; i < sections.size(); ++i)
    if (sections[i].name != ".hcgs.header" &&
        sections[i].name != ".hcgs.sums") {
      sums.put(uint32_t(i + 1));
      sums.put(crcOf(sections[i].bytes));
    }
  sections[sections.size() - 2].bytes = sums.bytes;

  uint64_t offset = kHeaderOffset;
  for (Section &section : sections) {
    offset = (offset + kAlignment - 1) / kAlignment * kAlignment;
    section.offset = offset;
    offset += section.bytes.size();
  }
  uint64_t headers = (offset + kAlignment - 1) / kAlignment * kAlignment;

  ByteWriter file;
  file.bytes.reserve(headers + kSectionHeaderBytes * (sections.size() + 1));
  putElfHeader(file, headers, sections.size() + 1);
  for (const Section &section : sections) {
    file.alignTo(kAlignment);
    file.append(section.bytes);
  }
  file.alignTo(kAlignment);
  putSectionHeader(file, 0, SHT_NULL, 0, 0, 0);
  for (size_t i = 0; i < sections.size(); ++i)
    putSectionHeader(file, nameOffsets[i],
                     i + 1 == sections.size() ? SHT_STRTAB : SHT_PROGBITS,
                     sections[i].offset, sections[i].bytes.size(), kAlignment);

  ByteWriter size;
  size.put(uint64_t(file.size()));
  std::copy(size.bytes.begin(), size.bytes.end(),
            file.bytes.begin() + kHeaderOffset + 48);
  Digest digest = digestOf(file.bytes);
  std::copy(digest.begin(), digest.end(), file.bytes.begin() + kDigestOffset);
  return file.take();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The checks of PF-2, in its order. After them the bytes are those of a
/// writer, though not necessarily of a well-meaning one.
static Result<void> checkEnvelope(std::span<const uint8_t> bytes) {
  if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    return Error{"not a program file: no ELF magic at offset 0"};
  if (bytes.size() < kHeaderOffset + kHeaderBytes)
    return Error{
        fmt::format("truncated: {} bytes, a program file has at least {}",
                    bytes.size(), kHeaderOffset + kHeaderBytes)};
  ByteReader header(bytes.subspan(kHeaderOffset, kHeaderBytes));
  std::span<const uint8_t> magic = header.getBytes(8);
  if (!std::equal(magic.begin(), magic.end(), kMagic))
    return Error{"not a program file: an ELF file without 'HCGSPROG' at "
                 "offset 64"};
  uint32_t major = header.get<uint32_t>();
  if (major != kProgramMajor)
    return Error{
        fmt::format("format version is {}.x, this reader knows {}.x; compile "
                    "the model again or use a matching version of the tools",
                    major, kProgramMajor)};
  (void)header.get<uint32_t>();
  (void)header.getBytes(kDigestBytes);
  uint64_t size = header.get<uint64_t>();
  if (size != bytes.size())
    return Error{fmt::format("{}: the header says {} bytes, found {}",
                             size > bytes.size() ? "truncated" : "damaged",
                             size, bytes.size())};
  Digest digest = digestOf(bytes);
  if (std::memcmp(digest.data(), bytes.data() + kDigestOffset, kDigestBytes) !=
      0)
    return Error{fmt::format(
        "damaged: the SHA-256 of the file is {}, its header says {}",
        toHex(digest), toHex(bytes.subspan(kDigestOffset, kDigestBytes)))};
  return {};
}

/// All sections by name, in the file's order; index 0 is the first after the
/// null section.
static Result<std::vector<Section>>
readSections(std::span<const uint8_t> bytes) {
  if (elf_version(EV_CURRENT) == EV_NONE)
    return Error{"libelf is too old for ELF version 1"};
  if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
    return Error{"ELF class or byte order is not 64-bit little-endian"};
  // libelf takes a mutable image but does not change what it only reads.
  std::unique_ptr<Elf, decltype(&elf_end)> elf(
      elf_memory(reinterpret_cast<char *>(const_cast<uint8_t *>(bytes.data())),
                 bytes.size()),
      elf_end);
  GElf_Ehdr ehdr;
  size_t count = 0, names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF ||
      !gelf_getehdr(elf.get(), &ehdr) || elf_getshdrnum(elf.get(), &count) ||
      elf_getshdrstrndx(elf.get(), &names))
    return Error{fmt::format("malformed ELF file: {}", elf_errmsg(-1))};
  if (ehdr.e_type != ET_EXEC || ehdr.e_machine != kMachine)
    return Error{
        fmt::format("ELF type {} and machine {:#06x}, allowed {} and {:#06x}",
                    ehdr.e_type, ehdr.e_machine, ET_EXEC, kMachine)};

  std::vector<Section> sections;
  for (size_t i = 1; i < count; ++i) {
    Elf_Scn *scn = elf_getscn(elf.get(), i);
    GElf_Shdr shdr;
    if (!scn || !gelf_getshdr(scn, &shdr))
      return Error{
          fmt::format("malformed ELF file: section {}: {}", i, elf_errmsg(-1))};
    const char *name = elf_strptr(elf.get(), names, shdr.sh_name);
    if (!name)
      return Error{
          fmt::format("malformed ELF file: section {} has no name", i)};
    if (shdr.sh_type == SHT_NOBITS || shdr.sh_offset > bytes.size() ||
        shdr.sh_size > bytes.size() - shdr.sh_offset)
      return Error{fmt::format(
          "malformed ELF file: section {} '{}' takes bytes {} + {}, the file "
          "has {}",
          i, name, shdr.sh_offset, shdr.sh_size, bytes.size())};
    sections.push_back(
        {name, bytes.subspan(shdr.sh_offset, shdr.sh_size), shdr.sh_offset});
  }
  return sections;
}

/// PF-3.
static Result<void> checkSums(std::span<const Section> sections,
                              std::span<const uint8_t> sums) {
  ByteReader reader(sums);
  if (reader.remaining() < 4)
    return Error{"section .hcgs.sums is too short for its count"};
  uint32_t count = reader.get<uint32_t>();
  if (reader.remaining() / 8 != count || reader.remaining() % 8 != 0)
    return Error{
        fmt::format("section .hcgs.sums: count is {}, but {} bytes follow",
                    count, reader.remaining())};
  std::vector<bool> seen(sections.size(), false);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t index = reader.get<uint32_t>();
    uint32_t crc = reader.get<uint32_t>();
    if (index < 1 || index > sections.size())
      return Error{fmt::format("section .hcgs.sums names section {}, allowed "
                               "1..{}",
                               index, sections.size())};
    const Section &section = sections[index - 1];
    if (crcOf(section.bytes) != crc)
      return Error{fmt::format("section {}: CRC-32 is {:08x}, .hcgs.sums says "
                               "{:08x}",
                               section.name, crcOf(section.bytes), crc)};
    seen[index - 1] = true;
  }
  for (size_t i = 0; i < sections.size(); ++i)
    if (!seen[i] && sections[i].name != ".hcgs.header" &&
        sections[i].name != ".hcgs.sums")
      return Error{fmt::format("section {} has no checksum in .hcgs.sums",
                               sections[i].name)};
  return {};
}

static std::vector<uint8_t> toVector(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

static std::string toText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

Result<Program> hcgs::readProgram(std::span<const uint8_t> bytes,
                                  ReadOptions options) {
  if (Result<void> valid = checkEnvelope(bytes); !valid)
    return valid.takeError();
  Result<std::vector<Section>> sections = readSections(bytes);
  if (!sections)
    return sections.takeError();

  std::map<std::string, const Section *> byName;
  for (const Section &section : *sections)
    if (!byName.emplace(section.name, &section).second)
      return Error{fmt::format("section {} occurs twice", section.name)};
  for (const char *name :
       {".hcgs.header", ".hcgs.text", ".hcgs.desc", ".hcgs.weights",
        ".hcgs.index", ".hcgs.bias", ".hcgs.tables", ".hcgs.vinit",
        ".hcgs.meta", ".hcgs.target", ".hcgs.sums"})
    if (!byName.count(name))
      return Error{fmt::format("section {} is missing", name)};
  const Section &header = *byName[".hcgs.header"];
  if (&header != &sections->front() || header.offset != kHeaderOffset ||
      header.bytes.size() != kHeaderBytes)
    return Error{"section .hcgs.header is not the first one, 128 bytes at "
                 "offset 64"};
  if (Result<void> valid = checkSums(*sections, byName[".hcgs.sums"]->bytes);
      !valid)
    return valid.takeError();

  Program program;
  program.text = toVector(byName[".hcgs.text"]->bytes);
  program.descriptors = toVector(byName[".hcgs.desc"]->bytes);
  program.weights = toVector(byName[".hcgs.weights"]->bytes);
  program.index = toVector(byName[".hcgs.index"]->bytes);
  program.bias = toVector(byName[".hcgs.bias"]->bytes);
  program.tables = toVector(byName[".hcgs.tables"]->bytes);
  program.vinit = toVector(byName[".hcgs.vinit"]->bytes);
  program.meta = toText(byName[".hcgs.meta"]->bytes);
  program.target = toText(byName[".hcgs.target"]->bytes);
  if (auto found = byName.find(".hcgs.spill"); found != byName.end())
    program.spill = toVector(found->second->bytes);
  if (auto found = byName.find(".hcgs.debug"); found != byName.end())
    program.debug = toText(found->second->bytes);

  if (Result<nlohmann::json> meta = parseJson(program.meta, ".hcgs.meta");
      !meta)
    return meta.takeError();
  else if (!meta->is_object() ||
           meta->value("format", nlohmann::json()) != "hcgs-program")
    return Error{".hcgs.meta: 'format' is not \"hcgs-program\""};
  if (program.debug)
    if (Result<nlohmann::json> debug = parseJson(*program.debug, ".hcgs.debug");
        !debug)
      return debug.takeError();
  if (options.verify)
    if (std::optional<ProgramError> error = verifyProgram(program))
      return error->toError();
  return program;
}

Result<Program> hcgs::readProgramFile(const std::string &path,
                                      ReadOptions options) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Result<Program> program = readProgram(asBytes(file->bytes()), options);
  if (!program)
    return program.takeError().at(path);
  return program;
}

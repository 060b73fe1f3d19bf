// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Target/Images.h"
#include "ByteStream.h"
#include "hcgs/Compression/Circulant.h"
#include <algorithm>
#include <fmt/format.h>
#include <memory>

using namespace hcgs;

static constexpr uint32_t kImageVersion = 1;
static constexpr uint32_t kNoBias = 0xffffffff;
static constexpr uint32_t kNoSpill = 0xffffffff;
/// Of a descriptor, by version of its section.
static constexpr size_t kDescriptorBytes[] = {144, 156};
static constexpr size_t kHeadBytes = 8;
static constexpr size_t kTableBytes = 32;
static constexpr size_t kTierBytes = 12;

/// Reads { u32 version, u32 count } and checks that as many items are there,
/// of which version v has itemBytes[v - 1]; an empty section has no items.
/// Returns version and count.
static Result<std::pair<uint32_t, uint32_t>>
readHead(ByteReader &reader, std::span<const size_t> itemBytes) {
  if (reader.remaining() == 0)
    return std::pair(1u, 0u);
  if (reader.remaining() < kHeadBytes)
    return Error{fmt::format("{} bytes are too few for the head of 8",
                             reader.remaining())};
  uint32_t version = reader.get<uint32_t>();
  if (version < 1 || version > itemBytes.size())
    return Error{fmt::format("version is {}, allowed {}", version,
                             itemBytes.size() == 1
                                 ? std::string("1")
                                 : fmt::format("1..{}", itemBytes.size()))};
  const size_t bytes = itemBytes[version - 1];
  uint32_t count = reader.get<uint32_t>();
  if (count > reader.remaining() / bytes)
    return Error{fmt::format(
        "count is {}, but {} bytes hold at most {} items of {} bytes", count,
        reader.remaining(), reader.remaining() / bytes, bytes)};
  return std::pair(version, count);
}

/// The same for sections of which there is one version.
static Result<uint32_t> readHead(ByteReader &reader, size_t itemBytes) {
  auto head = readHead(reader, std::span(&itemBytes, 1));
  if (!head)
    return head.takeError();
  return head->second;
}

static Error badField(std::string_view kind, size_t index,
                      std::string_view field, uint64_t found,
                      std::string_view allowed) {
  return Error{fmt::format("{} {}: {} is {}, allowed {}", kind, index, field,
                           found, allowed)};
}

//===----------------------------------------------------------------------===//
// Descriptors (WI-D-1)
//===----------------------------------------------------------------------===//

bool MatrixDescriptor::sharesImage(const MatrixDescriptor &other) const {
  return kind == other.kind && gates == other.gates &&
         format.bits == other.format.bits &&
         format.encoding == other.format.encoding && rows == other.rows &&
         cols == other.cols && rowBlock == other.rowBlock &&
         weightOffset == other.weightOffset &&
         weightBytes == other.weightBytes && indexOffset == other.indexOffset &&
         indexBytes == other.indexBytes && pattern == other.pattern &&
         block == other.block && separate == other.separate &&
         spill == other.spill;
}

std::vector<uint8_t>
hcgs::writeDescriptors(std::span<const MatrixDescriptor> descriptors) {
  const uint32_t version = std::any_of(descriptors.begin(), descriptors.end(),
                                       [](const MatrixDescriptor &desc) {
                                         return desc.isView() || desc.spill;
                                       })
                               ? 2
                               : 1;
  ByteWriter writer;
  writer.put(version);
  writer.put(uint32_t(descriptors.size()));
  for (const MatrixDescriptor &desc : descriptors) {
    writer.put(uint8_t(desc.kind));
    writer.put(uint8_t(desc.gates));
    writer.put(uint8_t(desc.format.bits));
    writer.put(uint8_t(desc.format.encoding));
    writer.put(desc.rows);
    writer.put(desc.cols);
    writer.put(desc.rowBlock);
    writer.put(desc.bias.value_or(kNoBias));
    writer.put(desc.weightOffset);
    writer.put(desc.weightBytes);
    writer.put(desc.indexOffset);
    writer.put(desc.indexBytes);
    writer.put(uint32_t(desc.pattern.tiers.size()));
    for (const compression::Tier &tier : desc.pattern.tiers) {
      writer.put(uint16_t(tier.rows));
      writer.put(uint16_t(tier.cols));
      writer.put(uint16_t(tier.keepNum));
      writer.put(uint16_t(tier.keepDen));
      writer.put(uint8_t(tier.balance));
      writer.putZeros(3);
    }
    writer.putZeros(kTierBytes *
                    (compression::maxTiers - desc.pattern.tiers.size()));
    writer.put(desc.block);
    writer.put(uint8_t(desc.separate));
    writer.putZeros(3);
    if (version == 1)
      continue;
    writer.put(desc.colBegin);
    writer.put(desc.colEnd);
    writer.put(desc.spill.value_or(kNoSpill));
  }
  return writer.take();
}

/// WI-D-3: where columns of a view begin and end.
static Result<void> checkColumns(const MatrixDescriptor &desc) {
  if (desc.colBegin == 0 && desc.colEnd == 0)
    return {};
  auto bad = [&](std::string_view field, uint32_t found,
                 const std::string &allowed) {
    return Error{fmt::format("{} is {}, allowed {}", field, found, allowed)};
  };
  if (desc.colEnd > desc.cols)
    return bad("col_end", desc.colEnd, fmt::format("0..{}", desc.cols));
  if (desc.colBegin >= desc.colEnd)
    return bad("col_begin", desc.colBegin,
               desc.colEnd == 0
                   ? std::string("0 for all columns")
                   : fmt::format("0..{}, below col_end", desc.colEnd - 1));
  if (desc.kind == MatrixKind::Dense)
    return {};
  const bool circulant = desc.kind == MatrixKind::Circulant;
  const uint32_t step =
      circulant ? desc.block : uint32_t(desc.pattern.tiers[0].cols);
  const std::string allowed = fmt::format(
      "multiples of {}, {}", step,
      circulant ? "the circulant block" : "the width of the first tier");
  if (desc.colBegin % step != 0)
    return bad("col_begin", desc.colBegin, allowed);
  if (desc.colEnd % step != 0 && desc.colEnd != desc.cols)
    return bad("col_end", desc.colEnd,
               fmt::format("{}, and all {} columns", allowed, desc.cols));
  return {};
}

static Result<MatrixDescriptor> readDescriptor(ByteReader reader, size_t index,
                                               uint32_t version) {
  auto bad = [&](std::string_view field, uint64_t found,
                 std::string_view allowed) {
    return badField("descriptor", index, field, found, allowed);
  };
  MatrixDescriptor desc;
  uint8_t kind = reader.get<uint8_t>();
  if (kind > 2)
    return bad("kind", kind, "0 (dense), 1 (hcgs), 2 (circulant)");
  desc.kind = MatrixKind(kind);
  desc.gates = reader.get<uint8_t>();
  if (desc.gates < 1 || desc.gates > 4)
    return bad("gates", desc.gates, "1..4");
  desc.format.bits = reader.get<uint8_t>();
  if (desc.format.bits < 2 || desc.format.bits > 8)
    return bad("weight_bits", desc.format.bits, "2..8");
  uint8_t encoding = reader.get<uint8_t>();
  if (encoding > 1)
    return bad("encoding", encoding, "0 (twos), 1 (signmag)");
  desc.format.encoding = numerics::WeightEncoding(encoding);
  desc.rows = reader.get<uint32_t>();
  desc.cols = reader.get<uint32_t>();
  desc.rowBlock = reader.get<uint32_t>();
  // Products of these must fit 64 bits, and nobody has larger matrices.
  constexpr uint32_t most = 1u << 24;
  if (desc.rows < 1 || desc.rows > most)
    return bad("rows", desc.rows, "1..16777216");
  if (desc.cols < 1 || desc.cols > most)
    return bad("cols", desc.cols, "1..16777216");
  if (desc.rowBlock < 1 || desc.rowBlock > most)
    return bad("row_block", desc.rowBlock, "1..16777216");
  uint32_t bias = reader.get<uint32_t>();
  if (bias != kNoBias)
    desc.bias = bias;
  desc.weightOffset = reader.get<uint32_t>();
  desc.weightBytes = reader.get<uint32_t>();
  desc.indexOffset = reader.get<uint32_t>();
  desc.indexBytes = reader.get<uint32_t>();
  uint32_t tiers = reader.get<uint32_t>();

  const bool hcgs = desc.kind == MatrixKind::Hcgs;
  const bool circulant = desc.kind == MatrixKind::Circulant;
  const std::string none = fmt::format("0 for {} {} matrix", hcgs ? "an" : "a",
                                       compression::matrixKindName(desc.kind));
  if (hcgs ? tiers < 1 || tiers > compression::maxTiers : tiers != 0)
    return bad("tiers", tiers,
               hcgs ? fmt::format("1..{}", compression::maxTiers) : none);
  if (!hcgs && desc.indexOffset != 0)
    return bad("index_offset", desc.indexOffset, none);
  if (!hcgs && desc.indexBytes != 0)
    return bad("index_bytes", desc.indexBytes, none);
  for (uint32_t i = 0; i < tiers; ++i) {
    compression::Tier tier;
    tier.rows = reader.get<uint16_t>();
    tier.cols = reader.get<uint16_t>();
    tier.keepNum = reader.get<uint16_t>();
    tier.keepDen = reader.get<uint16_t>();
    uint8_t balance = reader.get<uint8_t>();
    if (balance > 3)
      return bad(fmt::format("balance of tier {}", i + 1), balance,
                 "0 (row), 1 (column), 2 (both), 3 (none)");
    tier.balance = compression::Balance(balance);
    for (uint8_t zero : reader.getBytes(3))
      if (zero != 0)
        return bad(fmt::format("reserved byte of tier {}", i + 1), zero, "0");
    desc.pattern.tiers.push_back(tier);
  }
  for (uint8_t zero :
       reader.getBytes(kTierBytes * (compression::maxTiers - tiers)))
    if (zero != 0)
      return bad("byte of an unused tier", zero, "0");

  desc.block = reader.get<uint32_t>();
  if (circulant) {
    const uint32_t largest = std::min<uint32_t>(compression::maxCirculantBlock,
                                                std::max(desc.rows, desc.cols));
    if (desc.block < compression::minCirculantBlock || desc.block > largest)
      return bad("block", desc.block,
                 fmt::format("{}..{} for a circulant matrix of {} x {}",
                             compression::minCirculantBlock, largest, desc.rows,
                             desc.cols));
    if (desc.rowBlock < desc.rows && desc.rowBlock % desc.block != 0)
      return bad("row_block", desc.rowBlock,
                 fmt::format("multiples of the circulant block, {}, or all {} "
                             "rows",
                             desc.block, desc.rows));
  } else if (desc.block != 0) {
    return bad("block", desc.block, none);
  }
  uint8_t masks = reader.get<uint8_t>();
  if (!hcgs && masks != 0)
    return bad("masks", masks, none);
  if (masks > (desc.gates > 1 ? 1 : 0))
    return bad("masks", masks,
               desc.gates > 1 ? "0 (shared), 1 (separate)"
                              : "0 for a matrix of one gate");
  desc.separate = masks == 1;
  for (uint8_t zero : reader.getBytes(3))
    if (zero != 0)
      return bad("reserved byte", zero, "0");
  if (version >= 2) {
    desc.colBegin = reader.get<uint32_t>();
    desc.colEnd = reader.get<uint32_t>();
    if (uint32_t spill = reader.get<uint32_t>(); spill != kNoSpill)
      desc.spill = spill;
  }
  if (hcgs) {
    if (Result<void> valid = verify(desc.pattern); !valid)
      return valid.takeError().at(fmt::format("descriptor {}", index));
    if (Result<void> fits = verifyShape(desc.pattern, desc.rows, desc.cols);
        !fits)
      return fits.takeError().at(fmt::format("descriptor {}", index));
  }
  if (Result<void> columns = checkColumns(desc); !columns)
    return columns.takeError().at(fmt::format("descriptor {}", index));
  return desc;
}

Result<std::vector<MatrixDescriptor>>
hcgs::readDescriptors(std::span<const uint8_t> section) {
  ByteReader reader(section);
  auto head = readHead(reader, kDescriptorBytes);
  if (!head)
    return head.takeError();
  const auto [version, count] = *head;
  std::vector<MatrixDescriptor> descriptors;
  for (uint32_t i = 0; i < count; ++i) {
    Result<MatrixDescriptor> desc = readDescriptor(
        ByteReader(reader.getBytes(kDescriptorBytes[version - 1])), i, version);
    if (!desc)
      return desc.takeError();
    descriptors.push_back(std::move(*desc));
  }
  if (reader.remaining() != 0)
    return Error{fmt::format("{} bytes follow the last descriptor, allowed 0",
                             reader.remaining())};
  return descriptors;
}

/// Bytes offset .. offset + size - 1 of a section.
static Result<std::span<const uint8_t>> slice(std::span<const uint8_t> section,
                                              uint32_t offset, uint32_t size,
                                              std::string_view name) {
  if (offset > section.size() || size > section.size() - offset)
    return Error{fmt::format("bytes {} + {} of {}, which has {}", offset, size,
                             name, section.size())};
  return section.subspan(offset, size);
}

Result<compression::WeightLayout>
hcgs::readLayout(const MatrixDescriptor &desc,
                 std::span<const uint8_t> indexSection) {
  auto checked = [](compression::WeightLayout layout)
      -> Result<compression::WeightLayout> {
    if (Result<void> valid = compression::verifyRowBlock(layout); !valid)
      return valid.takeError();
    return layout;
  };
  if (desc.kind == MatrixKind::Dense)
    return compression::WeightLayout::dense(desc.gates, desc.rows, desc.cols,
                                            desc.rowBlock);
  if (desc.kind == MatrixKind::Circulant)
    return checked(compression::WeightLayout::circulant(
        desc.gates, desc.rows, desc.cols, desc.block, desc.rowBlock));
  Result<std::span<const uint8_t>> image =
      slice(indexSection, desc.indexOffset, desc.indexBytes, ".hcgs.index");
  if (!image)
    return image.takeError();
  Result<compression::BlockMaps> maps =
      compression::readIndexImages(desc.pattern, desc.rows, desc.cols,
                                   desc.separate ? desc.gates : 1, *image);
  if (!maps)
    return maps.takeError();
  return checked(desc.separate ? compression::WeightLayout::sparse(
                                     std::move(*maps), desc.rowBlock)
                               : compression::WeightLayout::sparse(
                                     desc.gates, maps->front(), desc.rowBlock));
}

/// WI-C-3: elements that no position uses have pattern 0.
static Result<void> checkUnused(const MatrixDescriptor &desc,
                                const compression::WeightLayout &layout,
                                std::span<const int16_t> codes) {
  Result<void> good;
  layout.forEachVector([&](const compression::WeightLayout::Vector &vector) {
    for (int64_t j = 0; good && j < desc.block; ++j)
      if (compression::circulantUses(desc.block, vector.height, vector.width,
                                     j) == 0 &&
          numerics::encodeWeight(codes[vector.word + j], desc.format) != 0)
        good = Error{fmt::format(
            "word {} is element {} of the circulant block at row {}, column "
            "{}, gate {}, which no weight uses: its code is {}, allowed is bit "
            "pattern 0",
            vector.word + j, j, vector.row, vector.col, vector.gate,
            codes[vector.word + j])};
  });
  return good;
}

Result<std::vector<int16_t>>
hcgs::readCodes(const MatrixDescriptor &desc,
                const compression::WeightLayout &layout,
                std::span<const uint8_t> weightSection,
                std::span<const uint8_t> spillSection) {
  Result<std::span<const uint8_t>> image =
      desc.spill
          ? slice(spillSection, *desc.spill, desc.weightBytes, ".hcgs.spill")
          : slice(weightSection, desc.weightOffset, desc.weightBytes,
                  ".hcgs.weights");
  if (!image)
    return image.takeError();
  Result<std::vector<int16_t>> codes =
      compression::unpackCodes(*image, layout.words(), desc.format);
  if (codes && desc.kind == MatrixKind::Circulant)
    if (Result<void> good = checkUnused(desc, layout, *codes); !good)
      return good.takeError();
  return codes;
}

//===----------------------------------------------------------------------===//
// Biases
//===----------------------------------------------------------------------===//

std::vector<uint8_t> hcgs::writeBiases(std::span<const int32_t> biases) {
  ByteWriter writer;
  writer.bytes.reserve(biases.size() * 4);
  for (int32_t bias : biases)
    writer.put(bias);
  return writer.take();
}

Result<std::vector<int32_t>>
hcgs::readBiases(std::span<const uint8_t> section) {
  if (section.size() % 4 != 0)
    return Error{fmt::format("{} bytes are no whole number of 32-bit biases",
                             section.size())};
  ByteReader reader(section);
  std::vector<int32_t> biases(section.size() / 4);
  for (int32_t &bias : biases)
    bias = reader.get<int32_t>();
  return biases;
}

//===----------------------------------------------------------------------===//
// Tables (PF-4)
//===----------------------------------------------------------------------===//

std::vector<uint8_t>
hcgs::writeTables(std::span<const numerics::PwlTable> tables) {
  ByteWriter writer;
  writer.put(kImageVersion);
  writer.put(uint32_t(tables.size()));
  size_t offset = kHeadBytes + kTableBytes * tables.size();
  for (const numerics::PwlTable &table : tables) {
    const bool twoLevel = table.kind == numerics::PwlKind::TwoLevel;
    writer.put(uint8_t(twoLevel ? table.w : table.k));
    writer.put(uint8_t(twoLevel ? table.directory.size() : size_t(table.n)));
    writer.put(uint8_t(table.s));
    writer.put(uint8_t(table.b));
    writer.put(table.lo);
    writer.put(table.hi);
    writer.put(int16_t(table.inFrac));
    writer.put(int16_t(table.outFrac));
    writer.put(uint32_t(table.entries.size()));
    writer.put(uint32_t(offset));
    writer.put(uint8_t(table.kind));
    writer.put(uint8_t(twoLevel ? table.p : 0));
    writer.put(uint8_t(twoLevel && table.centre));
    writer.putZeros(1);
    writer.put(int32_t(twoLevel ? table.origin : 0));
    writer.put(int32_t(twoLevel ? table.centre.value_or(0) : 0));
    offset += table.bytes() - kTableBytes;
  }
  for (const numerics::PwlTable &table : tables) {
    for (const numerics::PwlTable::Region &region : table.directory) {
      writer.put(region.first);
      writer.put(region.bits);
      writer.putZeros(1);
    }
    for (const numerics::PwlTable::Entry &entry : table.entries) {
      writer.put(entry.base);
      writer.put(entry.slope);
    }
  }
  return writer.take();
}

static Result<numerics::PwlTable>
readTable(ByteReader head, std::span<const uint8_t> section, size_t index) {
  auto bad = [&](std::string_view field, uint64_t found,
                 std::string_view allowed) {
    return badField("table", index, field, found, allowed);
  };
  numerics::PwlTable table;
  const uint8_t k = head.get<uint8_t>(), n = head.get<uint8_t>();
  table.s = head.get<uint8_t>();
  table.b = head.get<uint8_t>();
  table.lo = head.get<int16_t>();
  table.hi = head.get<int16_t>();
  table.inFrac = head.get<int16_t>();
  table.outFrac = head.get<int16_t>();
  const uint32_t entries = head.get<uint32_t>();
  const uint32_t offset = head.get<uint32_t>();
  const uint8_t kind = head.get<uint8_t>();
  if (kind > 1)
    return bad("kind", kind, "0 (uniform), 1 (two-level)");
  table.kind = numerics::PwlKind(kind);
  uint32_t regions = 0;
  if (table.kind == numerics::PwlKind::Uniform) {
    table.k = k;
    table.n = n;
    if (n > 9)
      return bad("n", n, "0..9");
    if (entries != 1u << n)
      return bad("entries", entries, fmt::format("2^n = {}", 1u << n));
  } else {
    table.w = k;
    regions = n;
    table.p = head.get<uint8_t>();
    const uint8_t mirrored = head.get<uint8_t>();
    if (mirrored > 1)
      return bad("mirrored", mirrored, "0, 1");
    if (uint8_t zero = head.get<uint8_t>())
      return bad("reserved byte", zero, "0");
    table.origin = head.get<int32_t>();
    const int32_t centre = head.get<int32_t>();
    if (mirrored)
      table.centre = centre;
    else if (centre != 0)
      return bad("centre", uint32_t(centre), "0 where nothing is mirrored");
    if (regions < 1 || regions > numerics::maxPwlRegions)
      return bad("regions", regions,
                 fmt::format("1..{}", numerics::maxPwlRegions));
    if (entries < 1 || entries > numerics::maxPwlEntries)
      return bad("entries", entries,
                 fmt::format("1..{}", numerics::maxPwlEntries));
  }
  for (uint8_t zero : head.getBytes(head.remaining()))
    if (zero != 0)
      return bad("reserved byte", zero, "0");
  const uint32_t words = regions + entries;
  if (offset > section.size() || words > (section.size() - offset) / 4)
    return bad("offset", offset,
               fmt::format("0..{} for {} entries in {} bytes",
                           int64_t(section.size()) - 4 * int64_t(words), words,
                           section.size()));
  ByteReader reader(section, offset);
  table.directory.resize(regions);
  for (numerics::PwlTable::Region &region : table.directory) {
    region.first = reader.get<uint16_t>();
    region.bits = reader.get<uint8_t>();
    if (uint8_t zero = reader.get<uint8_t>())
      return bad("reserved byte of a region", zero, "0");
  }
  table.entries.resize(entries);
  for (numerics::PwlTable::Entry &entry : table.entries) {
    entry.base = reader.get<int16_t>();
    entry.slope = reader.get<int16_t>();
  }
  if (Result<void> valid = verify(table); !valid)
    return valid.takeError().at(fmt::format("table {}", index));
  return table;
}

Result<std::vector<numerics::PwlTable>>
hcgs::readTables(std::span<const uint8_t> section) {
  ByteReader reader(section);
  Result<uint32_t> count = readHead(reader, kTableBytes);
  if (!count)
    return count.takeError();
  std::vector<numerics::PwlTable> tables;
  for (uint32_t i = 0; i < *count; ++i) {
    Result<numerics::PwlTable> table =
        readTable(ByteReader(reader.getBytes(kTableBytes)), section, i);
    if (!table)
      return table.takeError();
    tables.push_back(std::move(*table));
  }
  return tables;
}

//===----------------------------------------------------------------------===//
// Initial vectors (PF-5)
//===----------------------------------------------------------------------===//

std::vector<uint8_t>
hcgs::writeInitialVectors(std::span<const InitialVector> vectors) {
  ByteWriter writer;
  writer.put(kImageVersion);
  writer.put(uint32_t(vectors.size()));
  for (const InitialVector &vector : vectors) {
    writer.put(vector.first);
    writer.put(uint32_t(vector.values.size()));
  }
  for (const InitialVector &vector : vectors)
    for (int16_t value : vector.values)
      writer.put(value);
  return writer.take();
}

Result<std::vector<InitialVector>>
hcgs::readInitialVectors(std::span<const uint8_t> section) {
  ByteReader reader(section);
  Result<uint32_t> count = readHead(reader, 8);
  if (!count)
    return count.takeError();
  ByteReader heads(reader.getBytes(size_t(*count) * 8));
  std::vector<InitialVector> vectors;
  for (uint32_t i = 0; i < *count; ++i) {
    InitialVector vector;
    vector.first = heads.get<uint32_t>();
    uint32_t n = heads.get<uint32_t>();
    if (n > reader.remaining() / 2)
      return badField("initial vector", i, "n", n,
                      fmt::format("0..{} by the bytes that are left",
                                  reader.remaining() / 2));
    vector.values.resize(n);
    for (int16_t &value : vector.values)
      value = reader.get<int16_t>();
    vectors.push_back(std::move(vector));
  }
  if (reader.remaining() != 0)
    return Error{
        fmt::format("{} bytes follow the last initial vector, allowed 0",
                    reader.remaining())};
  return vectors;
}

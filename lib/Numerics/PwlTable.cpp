// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/PwlTable.h"
#include "PwlTarget.h"

#include <algorithm>
#include <cmath>
#include <string>

using namespace hcgs;
using namespace hcgs::numerics;

static constexpr int32_t lowestInput = -32768, highestInput = 32767;

std::string_view numerics::pwlKindName(PwlKind kind) {
  return kind == PwlKind::Uniform ? "uniform" : "two-level";
}

std::string_view numerics::pwlSymmetryName(PwlSymmetry symmetry) {
  switch (symmetry) {
  case PwlSymmetry::None:
    return "none";
  case PwlSymmetry::Exact:
    return "exact";
  case PwlSymmetry::WithinOne:
    return "within 1 LSB";
  }
  return "none";
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// What is added before the shift: one half, or nothing.
static int64_t roundingOf(int s) { return s > 0 ? int64_t(1) << (s - 1) : 0; }

std::optional<int64_t> PwlTable::unsaturated(int16_t z) const {
  if (kind == PwlKind::Uniform) {
    const int64_t half = int64_t(1) << k;
    if (z < -half || z >= half)
      return std::nullopt;
    const int64_t u = z + half;
    const int width = k + 1 - n;
    const Entry &entry = entries[u >> width];
    const int64_t d = u & ((int64_t(1) << width) - 1);
    return entry.base + ((entry.slope * d + roundingOf(s)) >> s);
  }
  const bool negative = centre && z < 0;
  const int64_t u = (negative ? -int64_t(z) : int64_t(z)) - origin;
  if (u < 0 || u >> w >= static_cast<int64_t>(directory.size()))
    return std::nullopt;
  const Region &region = directory[u >> w];
  const int width = w - region.bits;
  const int64_t within = u & ((int64_t(1) << w) - 1);
  const Entry &entry = entries[region.first + (within >> width)];
  const int64_t d = within & ((int64_t(1) << width) - 1);
  const int64_t base = int64_t(entry.base) * (int64_t(1) << (s - p));
  const int64_t y = (base + entry.slope * d + roundingOf(s)) >> s;
  return negative ? *centre - y : y;
}

/// Whether z, for which a table has no line, lies below its domain.
static bool isBelow(const PwlTable &table, int16_t z) {
  if (table.kind == PwlKind::Uniform || table.centre)
    return z < 0;
  return z < table.origin;
}

int16_t PwlTable::evaluate(int16_t z) const {
  if (const std::optional<int64_t> y = unsaturated(z))
    return static_cast<int16_t>(saturate(*y, b));
  return isBelow(*this, z) ? lo : hi;
}

bool PwlTable::saturates(int16_t z) const {
  const std::optional<int64_t> y = unsaturated(z);
  if (!y)
    return false;
  // A mirrored function may end on a power of two that the format just misses.
  return std::abs(*y - saturate(*y, b)) > (centre ? 1 : 0);
}

Result<void> numerics::verify(const PwlTable &table) {
  const auto outOfRange = [](const std::string &field, int64_t value,
                             int64_t low, int64_t high) {
    return Error{"table field " + field + " is " + std::to_string(value) +
                 "; allowed is " + std::to_string(low) + ".." +
                 std::to_string(high)};
  };
  if (table.s < 0 || table.s > 31)
    return outOfRange("s", table.s, 0, 31);
  if (table.b < 2 || table.b > 16)
    return outOfRange("b", table.b, 2, 16);
  const FxFormat output = table.output();
  for (const auto &[name, value] :
       {std::pair{"lo", table.lo}, std::pair{"hi", table.hi}})
    if (value < output.minCode() || value > output.maxCode())
      return outOfRange(name, value, output.minCode(), output.maxCode());
  const auto entries = static_cast<int64_t>(table.entries.size());
  if (table.kind == PwlKind::Uniform) {
    if (table.k < 0 || table.k > 15)
      return outOfRange("k", table.k, 0, 15);
    if (table.n < 0 || table.n > std::min(9, table.k + 1))
      return outOfRange("n", table.n, 0, std::min(9, table.k + 1));
    if (entries != int64_t(1) << table.n)
      return Error{"table has " + std::to_string(entries) + " entries; 2^n = " +
                   std::to_string(1 << table.n) + " are needed"};
    return {};
  }

  if (table.w < 0 || table.w > 16)
    return outOfRange("w", table.w, 0, 16);
  if (table.p < 0 || table.p > std::min(15, table.s))
    return outOfRange("p", table.p, 0, std::min(15, table.s));
  if (entries < 1 || entries > maxPwlEntries)
    return outOfRange("entries", entries, 1, maxPwlEntries);
  const auto regions = static_cast<int64_t>(table.directory.size());
  if (regions < 1 || regions > maxPwlRegions)
    return outOfRange("regions", regions, 1, maxPwlRegions);
  const int32_t lowest = table.centre ? 0 : -65536;
  const int32_t highest = table.centre ? 0 : highestInput;
  if (table.origin < lowest || table.origin > highest)
    return outOfRange("origin", table.origin, lowest, highest);
  if (table.centre && (*table.centre < -65536 || *table.centre > 65536))
    return outOfRange("centre", *table.centre, -65536, 65536);
  for (int64_t i = 0; i < regions; ++i) {
    const PwlTable::Region &region = table.directory[i];
    const std::string where = " of region " + std::to_string(i);
    if (region.bits > std::min(9, table.w))
      return outOfRange("bits" + where, region.bits, 0, std::min(9, table.w));
    const int64_t segments = int64_t(1) << region.bits;
    if (region.first + segments > entries)
      return Error{"table field first" + where + " is " +
                   std::to_string(region.first) + "; with " +
                   std::to_string(segments) + " segments of " +
                   std::to_string(entries) + " entries allowed is 0.." +
                   std::to_string(entries - segments)};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

namespace {

/// Collects the pieces of a table on rising inputs, cut off at the ends.
class PieceList {
public:
  explicit PieceList(const PwlTable &table) : s(table.s) {}

  void line(int64_t first, int64_t last, int64_t intercept, int32_t slope) {
    first = std::max<int64_t>(first, lowestInput);
    last = std::min<int64_t>(last, highestInput);
    if (first <= last)
      list.push_back({static_cast<int32_t>(first), static_cast<int32_t>(last),
                      intercept, slope});
  }
  void flat(int64_t first, int64_t last, int64_t value) {
    line(first, last, value * (int64_t(1) << s), 0);
  }
  std::vector<PwlPiece> take() { return std::move(list); }

private:
  int s;
  std::vector<PwlPiece> list;
};

} // namespace

static std::vector<PwlPiece> piecesOfUniform(const PwlTable &table) {
  PieceList list(table);
  const int64_t half = int64_t(1) << table.k;
  const int64_t length = int64_t(1) << (table.k + 1 - table.n);
  list.flat(lowestInput, -half - 1, table.lo);
  for (size_t i = 0; i < table.entries.size(); ++i) {
    const PwlTable::Entry &entry = table.entries[i];
    const int64_t first = static_cast<int64_t>(i) * length - half;
    list.line(first, first + length - 1,
              entry.base * (int64_t(1) << table.s) + roundingOf(table.s) -
                  entry.slope * first,
              entry.slope);
  }
  list.flat(half, highestInput, table.hi);
  return list.take();
}

std::vector<PwlPiece> numerics::pieces(const PwlTable &table) {
  if (table.kind == PwlKind::Uniform)
    return piecesOfUniform(table);

  // The segments by u = z - origin, or |z| if mirrored.
  struct Segment {
    int64_t first, length, intercept; // at u = 0
    int32_t slope;
  };
  std::vector<Segment> segments;
  for (size_t r = 0; r < table.directory.size(); ++r) {
    const PwlTable::Region &region = table.directory[r];
    const int64_t length = int64_t(1) << (table.w - region.bits);
    for (int i = 0; i < 1 << region.bits; ++i) {
      const PwlTable::Entry &entry = table.entries[region.first + i];
      const int64_t first = (static_cast<int64_t>(r) << table.w) + i * length;
      segments.push_back({first, length,
                          entry.base * (int64_t(1) << (table.s - table.p)) +
                              roundingOf(table.s) - entry.slope * first,
                          entry.slope});
    }
  }
  const int64_t end = static_cast<int64_t>(table.directory.size()) << table.w;
  PieceList list(table);
  const int64_t unit = int64_t(1) << table.s;
  if (table.centre) {
    list.flat(lowestInput, -end, table.lo);
    // centre - (v >> s) = (centre*2^s - v + 2^s - 1) >> s.
    for (auto it = segments.rbegin(); it != segments.rend(); ++it)
      list.line(-it->first - it->length + 1, std::min<int64_t>(-it->first, -1),
                *table.centre * unit - it->intercept + unit - 1, it->slope);
  } else {
    list.flat(lowestInput, int64_t(table.origin) - 1, table.lo);
  }
  for (const Segment &segment : segments)
    list.line(table.origin + segment.first,
              table.origin + segment.first + segment.length - 1,
              segment.intercept - int64_t(segment.slope) * table.origin,
              segment.slope);
  list.flat(table.origin + end, highestInput, table.hi);
  return list.take();
}

//===----------------------------------------------------------------------===//
// Proof
//===----------------------------------------------------------------------===//

PwlError numerics::worstError(const PwlTable &table,
                              const RealFunction &function) {
  PwlError error;
  for (int32_t z = lowestInput; z <= highestInput; ++z) {
    const double wanted =
        std::ldexp(function(toValue(z, table.input())), table.outFrac);
    const double distance =
        std::fabs(table.evaluate(static_cast<int16_t>(z)) - wanted);
    // Not a number is as wrong as can be.
    if (!(distance <= error.worst))
      error = {distance, static_cast<int16_t>(z)};
  }
  return error;
}

PwlProof numerics::prove(const PwlTable &table, const RealFunction &function) {
  return prove(table, PwlTarget(function, table.inFrac, table.output()));
}

PwlProof numerics::prove(const PwlTable &table, const PwlTarget &target) {
  PwlProof proof;
  std::vector<int32_t> outputs(65536);
  bool rises = true, falls = true; // of the function
  bool tableRises = true, tableFalls = true;
  for (int32_t z = lowestInput; z <= highestInput; ++z) {
    const int32_t y = table.evaluate(static_cast<int16_t>(z));
    outputs[z - lowestInput] = y;
    const double distance = std::fabs(y - target.at(z));
    if (!(distance <= proof.error.worst))
      proof.error = {distance, static_cast<int16_t>(z)};
    const double inRange = std::fabs(y - target.wanted(z));
    if (!(inRange <= proof.inRange.worst))
      proof.inRange = {inRange, static_cast<int16_t>(z)};
    proof.meanSquare += inRange * inRange / 65536.0;
    if (z == lowestInput)
      continue;
    rises &= target.at(z) >= target.at(z - 1);
    falls &= target.at(z) <= target.at(z - 1);
    tableRises &= y >= outputs[z - 1 - lowestInput];
    tableFalls &= y <= outputs[z - 1 - lowestInput];
  }
  proof.monotone =
      (rises || falls) && (!rises || tableRises) && (!falls || tableFalls);

  const std::vector<PwlPiece> lines = pieces(table);
  const auto value = [&](const PwlPiece &piece, int64_t z) {
    return saturate(piece.at(z, table.s), table.b);
  };
  for (size_t i = 1; i < lines.size(); ++i) {
    const PwlPiece &left = lines[i - 1], &right = lines[i];
    const int32_t edge = right.first;
    if (target.jumpsAt(edge))
      continue;
    const int64_t jump =
        std::max(std::abs(value(left, edge) - value(right, edge)),
                 std::abs(value(left, edge - 1) - value(right, edge - 1)));
    if (jump > proof.jump) {
      proof.jump = jump;
      proof.jumpAt = static_cast<int16_t>(edge);
    }
  }

  if (const std::optional<int32_t> centre = target.symmetry()) {
    int64_t worst = 0;
    for (int32_t z = 1; z <= highestInput; ++z) {
      const int64_t left = outputs[-z - lowestInput];
      const int64_t mirrored = *centre - int64_t(outputs[z - lowestInput]);
      // Where a side reaches the end of the format, the other may go one
      // further.
      const bool ends = left == table.output().minCode() ||
                        left == table.output().maxCode() ||
                        outputs[z - lowestInput] == table.output().maxCode() ||
                        outputs[z - lowestInput] == table.output().minCode();
      const int64_t difference = std::abs(left - mirrored);
      worst = std::max(worst, ends && difference <= 1 ? 0 : difference);
    }
    proof.symmetry = worst == 0   ? PwlSymmetry::Exact
                     : worst == 1 ? PwlSymmetry::WithinOne
                                  : PwlSymmetry::None;
  }
  return proof;
}

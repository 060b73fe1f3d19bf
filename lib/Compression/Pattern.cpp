// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Pattern.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <numeric>
#include <optional>
#include <utility>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// Reads a number of digits only, up to `limit`; nothing if it is none.
std::optional<int64_t> readNumber(std::string_view text, int64_t limit) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || error != std::errc() ||
      end != text.data() + text.size() || value > limit)
    return std::nullopt;
  return value;
}

/// "25%", "12.5%" or "1/4" into lowest terms; nothing if it is neither.
std::optional<std::pair<int, int>> readFraction(std::string_view text) {
  int64_t num = 0, den = 1;
  if (!text.empty() && text.back() == '%') {
    text.remove_suffix(1);
    const size_t point = text.find('.');
    const std::string_view decimals =
        point == std::string_view::npos ? "" : text.substr(point + 1);
    const auto whole = readNumber(text.substr(0, point), maxTierField);
    if (!whole || decimals.size() > 4 ||
        (point != std::string_view::npos && decimals.empty()))
      return std::nullopt;
    num = *whole;
    den = 100;
    for (const char digit : decimals) {
      if (digit < '0' || digit > '9')
        return std::nullopt;
      num = num * 10 + (digit - '0');
      den *= 10;
    }
  } else {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos)
      return std::nullopt;
    const auto a = readNumber(text.substr(0, slash), maxTierField);
    const auto b = readNumber(text.substr(slash + 1), maxTierField);
    if (!a || !b)
      return std::nullopt;
    num = *a;
    den = *b;
  }
  if (num < 1 || den < 1)
    return std::nullopt;
  const int64_t common = std::gcd(num, den);
  num /= common;
  den /= common;
  if (num > maxTierField || den > maxTierField)
    return std::nullopt;
  return std::pair{static_cast<int>(num), static_cast<int>(den)};
}

Error badTier(std::string_view tier, const char *wanted) {
  return Error{"tier '" + std::string(tier) + "' is not of the form " + wanted};
}

/// "4blocks" or "1block": the count; nothing if it is something else.
std::optional<int> readCount(std::string_view text) {
  for (const std::string_view unit : {"blocks", "block"})
    if (text.size() > unit.size() && text.ends_with(unit)) {
      text.remove_suffix(unit.size());
      const auto count = readNumber(trim(text), maxTierField);
      return count && *count > 0 ? std::optional<int>(static_cast<int>(*count))
                                 : std::nullopt;
    }
  return std::nullopt;
}

/// Whether `text` is "0%", "0/4", "0blocks" or the like.
bool keepsNothing(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0."), text.size());
  const std::string_view unit = text.substr(end);
  return end > 0 && (unit == "%" || unit.starts_with("/") || unit == "block" ||
                     unit == "blocks");
}

/// A tier as written. keepNum stays 0 where nothing to keep is given.
struct ReadTier {
  Tier tier;
  bool ownBalance = false;
};

Result<ReadTier> readTier(std::string_view item, Balance balance,
                          const char *form) {
  ReadTier read;
  read.tier.keepNum = 0;
  read.tier.balance = balance;
  const size_t colon = item.find(':');
  const std::string_view size = item.substr(0, colon);
  const size_t cross = size.find('x');
  if (cross == std::string_view::npos)
    return badTier(item, form);
  const auto rows = readNumber(size.substr(0, cross), maxTierField);
  const auto cols = readNumber(size.substr(cross + 1), maxTierField);
  if (!rows || !cols)
    return badTier(item, form);
  read.tier.rows = static_cast<int>(*rows);
  read.tier.cols = static_cast<int>(*cols);
  // What to keep, then the balance; each at most once.
  bool keep = false;
  for (size_t begin = colon; begin != std::string_view::npos;) {
    const size_t end = item.find(':', begin + 1);
    const std::string_view field = trim(item.substr(
        begin + 1, end == std::string_view::npos ? end : end - begin - 1));
    begin = end;
    if (read.ownBalance)
      return badTier(item, form);
    if (const auto own = balanceOfName(field)) {
      read.tier.balance = *own;
      read.ownBalance = true;
    } else if (keep) {
      return Error{"tier '" + std::string(item) + "': '" + std::string(field) +
                   "' is not a balance; allowed are row, column, both, none"};
    } else if (const auto fraction = readFraction(field)) {
      read.tier.keepNum = fraction->first;
      read.tier.keepDen = fraction->second;
      keep = true;
    } else if (const auto count = readCount(field)) {
      read.tier.keepNum = *count;
      read.tier.keepDen = 0;
      keep = true;
    } else if (keepsNothing(field)) {
      return Error{"tier '" + std::string(item) +
                   "' keeps nothing; give more than 0"};
    } else {
      return badTier(item, form);
    }
  }
  return read;
}

Result<std::vector<ReadTier>> readTiers(std::string_view text, Balance balance,
                                        const char *form) {
  std::vector<ReadTier> tiers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    auto tier = readTier(trim(text.substr(begin, end - begin)), balance, form);
    if (!tier)
      return tier.takeError();
    tiers.push_back(*tier);
    begin = end + 1;
  }
  return tiers;
}

/// The pattern with 1/1 for fractions that are not known yet, for a check of
/// the rest.
Pattern withStandIns(const std::vector<Tier> &tiers) {
  Pattern pattern{tiers};
  for (Tier &tier : pattern.tiers)
    if (tier.keepNum == 0 || tier.keepDen == 0)
      tier.keepNum = tier.keepDen = 1;
  return pattern;
}

std::string tierName(size_t index, const Tier &tier) {
  return "tier " + std::to_string(index + 1) + " ('" + tier.str() + "')";
}

/// Block-rows and block-columns of a parent of nominal size.
std::pair<int64_t, int64_t> nominalBlocks(const Pattern &pattern, size_t tier,
                                          int64_t rows, int64_t cols) {
  // A parent is never larger than the matrix.
  for (size_t i = 0; i < tier; ++i) {
    rows = std::min<int64_t>(rows, pattern.tiers[i].rows);
    cols = std::min<int64_t>(cols, pattern.tiers[i].cols);
  }
  return {ceilDiv(rows, pattern.tiers[tier].rows),
          ceilDiv(cols, pattern.tiers[tier].cols)};
}

/// Heights (or widths) that blocks of `size` have when parents with these
/// heights are cut, without repetition.
std::vector<int64_t> cutSizes(const std::vector<int64_t> &parents,
                              int64_t size) {
  std::vector<int64_t> sizes;
  const auto add = [&](int64_t value) {
    if (value > 0 &&
        std::find(sizes.begin(), sizes.end(), value) == sizes.end())
      sizes.push_back(value);
  };
  for (const int64_t parent : parents) {
    add(std::min(parent, size));
    add(parent % size);
  }
  return sizes;
}

} // namespace

std::string Tier::str() const {
  return std::to_string(rows) + "x" + std::to_string(cols) + ":" +
         std::to_string(keepNum) +
         (keepDen == 0 ? std::string("blocks") : "/" + std::to_string(keepDen));
}

std::string Pattern::str() const {
  const bool shared =
      std::all_of(tiers.begin(), tiers.end(), [&](const Tier &t) {
        return t.balance == tiers.front().balance;
      });
  std::string text;
  for (const Tier &tier : tiers) {
    text += (text.empty() ? "" : ",") + tier.str();
    if (!shared)
      text += std::string(":") + balanceName(tier.balance);
  }
  if (shared && !tiers.empty())
    text += std::string(" ") + balanceName(tiers.front().balance);
  return text;
}

int64_t compression::keptCount(int64_t n, int64_t num, int64_t den) {
  const int64_t whole = n * num / den;
  const int64_t twice = 2 * (n * num % den);
  const bool up = twice > den || (twice == den && whole % 2 != 0);
  return std::max<int64_t>(1, whole + up);
}

Result<void> compression::verify(const Pattern &pattern) {
  const size_t count = pattern.tiers.size();
  if (count < 1 || count > maxTiers)
    return Error{"a pattern has " + std::to_string(count) +
                 " tiers; allowed are 1 to " + std::to_string(maxTiers)};
  for (size_t i = 0; i < count; ++i) {
    const Tier &tier = pattern.tiers[i];
    const std::string name = tierName(i, tier);
    if (tier.keepDen == 0)
      return Error{name + ": a count of blocks is not a fraction yet; it needs "
                          "the shape of the matrix (resolveCounts)"};
    for (const int field : {tier.rows, tier.cols, tier.keepNum, tier.keepDen})
      if (field < 1 || field > maxTierField)
        return Error{name +
                     ": sizes and fractions are made of numbers from 1 to " +
                     std::to_string(maxTierField)};
    if (tier.keepNum > tier.keepDen)
      return Error{name + ": the fraction to keep is more than 1"};
    if (i > 0 && (tier.rows > pattern.tiers[i - 1].rows ||
                  tier.cols > pattern.tiers[i - 1].cols))
      return Error{
          name + ": blocks are larger than those of the tier before ('" +
          pattern.tiers[i - 1].str() + "'); list tiers from coarse to fine"};
  }
  return {};
}

Result<void> compression::verifyShape(const Pattern &pattern, int64_t rows,
                                      int64_t cols) {
  // Cuts of rows and of columns do not depend on each other, so every height of
  // a parent occurs with every width.
  std::vector<int64_t> heights = {rows}, widths = {cols};
  for (size_t t = 0; t < pattern.tiers.size(); ++t) {
    const Tier &tier = pattern.tiers[t];
    if (tier.balance == Balance::Both)
      for (const int64_t height : heights)
        for (const int64_t width : widths) {
          const int64_t down = ceilDiv(height, tier.rows);
          const int64_t across = ceilDiv(width, tier.cols);
          const int64_t perRow = keptCount(across, tier.keepNum, tier.keepDen);
          const int64_t perCol = keptCount(down, tier.keepNum, tier.keepDen);
          if (down * perRow == across * perCol)
            continue;
          return Error{tierName(t, tier) + " of balance both: " +
                       (t == 0 ? "the matrix of " : "a block of ") +
                       std::to_string(height) + " x " + std::to_string(width) +
                       " has " + std::to_string(down) +
                       " block-rows that keep " + std::to_string(perRow) +
                       " of " + std::to_string(across) + " blocks, " +
                       std::to_string(down * perRow) + " in all, and " +
                       std::to_string(across) + " block-columns that keep " +
                       std::to_string(perCol) + " of " + std::to_string(down) +
                       ", " + std::to_string(across * perCol) +
                       "; balance this tier by row or by column"};
        }
    heights = cutSizes(heights, tier.rows);
    widths = cutSizes(widths, tier.cols);
  }
  return {};
}

Result<Pattern> compression::parseTiers(std::string_view text,
                                        Balance balance) {
  constexpr const char *form =
      "ROWSxCOLS:KEEP or ROWSxCOLS:KEEP:BALANCE, such as 32x32:25%, 4x4:1/4 or "
      "32x32:4blocks:column";
  auto read = readTiers(text, balance, form);
  if (!read)
    return read.takeError();
  Pattern pattern;
  for (const ReadTier &item : *read) {
    if (item.tier.keepNum == 0)
      return Error{"tier '" + std::to_string(item.tier.rows) + "x" +
                   std::to_string(item.tier.cols) +
                   "' has no fraction to keep; write it as " + form};
    pattern.tiers.push_back(item.tier);
  }
  if (auto checked = verify(withStandIns(pattern.tiers)); !checked)
    return checked.takeError();
  // Stand-ins hide what is wrong with fractions.
  for (size_t i = 0; i < pattern.tiers.size(); ++i)
    if (pattern.tiers[i].keepDen != 0 &&
        pattern.tiers[i].keepNum > pattern.tiers[i].keepDen)
      return Error{tierName(i, pattern.tiers[i]) +
                   ": the fraction to keep is more than 1"};
  return pattern;
}

Result<Pattern> compression::resolveCounts(const Pattern &pattern, int64_t rows,
                                           int64_t cols) {
  Pattern resolved = pattern;
  for (size_t i = 0; i < resolved.tiers.size(); ++i) {
    Tier &tier = resolved.tiers[i];
    if (tier.keepDen != 0)
      continue;
    const auto [down, across] = nominalBlocks(pattern, i, rows, cols);
    const int64_t blocks = tier.balance == Balance::Column ? down
                           : tier.balance == Balance::None ? down * across
                                                           : across;
    const char *where = tier.balance == Balance::Column ? "a block-column"
                        : tier.balance == Balance::None ? "a parent"
                                                        : "a block-row";
    const std::string name = tierName(i, tier);
    if (tier.keepNum > blocks)
      return Error{name + ": " + where + " of a matrix of " +
                   std::to_string(rows) + " x " + std::to_string(cols) +
                   " has " + std::to_string(blocks) +
                   " blocks; keep 1 to so many"};
    const int64_t common = std::gcd(int64_t(tier.keepNum), blocks);
    if (blocks / common > maxTierField)
      return Error{name + ": " + where + " has " + std::to_string(blocks) +
                   " blocks, too many for a count; give a fraction"};
    tier.keepNum = static_cast<int>(tier.keepNum / common);
    tier.keepDen = static_cast<int>(blocks / common);
  }
  if (auto checked = verify(resolved); !checked)
    return checked.takeError();
  return resolved;
}

Result<TierText> compression::parseTierText(std::string_view text,
                                            Balance balance) {
  auto read = readTiers(text, balance,
                        "ROWSxCOLS or ROWSxCOLS:KEEP, such as 32x32 or "
                        "32x32:25%, with :BALANCE behind it if it is known");
  if (!read)
    return read.takeError();
  TierText result;
  result.ownBalance = read->front().ownBalance;
  for (const ReadTier &item : *read) {
    if ((item.tier.keepNum == 0) != (read->front().tier.keepNum == 0))
      return Error{"only some of the tiers '" + std::string(text) +
                   "' have a fraction to keep; give it for all or for none"};
    if (item.ownBalance != result.ownBalance)
      return Error{"only some of the tiers '" + std::string(text) +
                   "' have a balance; give it for all or for none"};
    if (item.tier.keepDen == 0)
      return Error{"tier '" + item.tier.str() +
                   "' has a count of blocks; give a fraction, or none to have "
                   "it found"};
    result.tiers.push_back(item.tier);
  }
  const bool unknown = result.tiers.front().keepNum == 0;
  if (auto checked =
          verify(unknown ? withStandIns(result.tiers) : Pattern{result.tiers});
      !checked)
    return checked.takeError();
  return result;
}

Result<std::vector<Tier>> compression::parseTierSizes(std::string_view text,
                                                      Balance balance) {
  auto parsed = parseTierText(text, balance);
  if (!parsed)
    return parsed.takeError();
  return std::move(parsed->tiers);
}

constexpr const char *balanceNames[] = {"row", "column", "both", "none"};

const char *compression::balanceName(Balance balance) {
  return balanceNames[static_cast<size_t>(balance)];
}

std::optional<Balance> compression::balanceOfName(std::string_view name) {
  for (size_t i = 0; i < std::size(balanceNames); ++i)
    if (name == balanceNames[i])
      return static_cast<Balance>(i);
  return std::nullopt;
}

int compression::indexBits(int64_t n) {
  return std::bit_width(static_cast<uint64_t>(n - 1));
}

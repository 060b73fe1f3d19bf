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

/// keepNum stays 0 where no fraction is given.
Result<std::vector<Tier>> readTiers(std::string_view text, Balance balance,
                                    const char *form) {
  std::vector<Tier> tiers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = trim(text.substr(begin, end - begin));
    begin = end + 1;
    Tier tier;
    tier.keepNum = 0;
    tier.balance = balance;
    const size_t colon = item.find(':');
    const std::string_view size = item.substr(0, colon);
    const size_t cross = size.find('x');
    if (cross == std::string_view::npos)
      return badTier(item, form);
    const auto rows = readNumber(size.substr(0, cross), maxTierField);
    const auto cols = readNumber(size.substr(cross + 1), maxTierField);
    if (!rows || !cols)
      return badTier(item, form);
    tier.rows = static_cast<int>(*rows);
    tier.cols = static_cast<int>(*cols);
    if (colon != std::string_view::npos) {
      const auto fraction = readFraction(item.substr(colon + 1));
      if (!fraction)
        return badTier(item, form);
      tier.keepNum = fraction->first;
      tier.keepDen = fraction->second;
    }
    tiers.push_back(tier);
  }
  return tiers;
}

} // namespace

std::string Tier::str() const {
  return std::to_string(rows) + "x" + std::to_string(cols) + ":" +
         std::to_string(keepNum) + "/" + std::to_string(keepDen);
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
      text += std::string(" ") + balanceName(tier.balance);
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
    const std::string name =
        "tier " + std::to_string(i + 1) + " ('" + tier.str() + "')";
    for (const int field : {tier.rows, tier.cols, tier.keepNum, tier.keepDen})
      if (field < 1 || field > maxTierField)
        return Error{name +
                     ": sizes and fractions are made of numbers from 1 "
                     "to " +
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

Result<Pattern> compression::parseTiers(std::string_view text,
                                        Balance balance) {
  constexpr const char *form = "ROWSxCOLS:KEEP, such as 32x32:25% or 4x4:1/4";
  auto tiers = readTiers(text, balance, form);
  if (!tiers)
    return tiers.takeError();
  for (const Tier &tier : *tiers)
    if (tier.keepNum == 0)
      return Error{"tier '" + std::to_string(tier.rows) + "x" +
                   std::to_string(tier.cols) +
                   "' has no fraction to keep; write it as " + form};
  Pattern pattern{*std::move(tiers)};
  if (auto checked = verify(pattern); !checked)
    return checked.takeError();
  return pattern;
}

Result<std::vector<Tier>> compression::parseTierSizes(std::string_view text,
                                                      Balance balance) {
  auto tiers = readTiers(text, balance,
                         "ROWSxCOLS or ROWSxCOLS:KEEP, such as 32x32 or "
                         "32x32:25%");
  if (!tiers)
    return tiers.takeError();
  // Stand-ins for fractions that are to be found, for the check of the rest.
  Pattern pattern{*tiers};
  for (Tier &tier : pattern.tiers) {
    if ((tier.keepNum == 0) != (tiers->front().keepNum == 0))
      return Error{"only some of the tiers '" + std::string(text) +
                   "' have a fraction to keep; give it for all or for none"};
    if (tier.keepNum == 0)
      tier.keepNum = 1;
  }
  if (auto checked = verify(pattern); !checked)
    return checked.takeError();
  return tiers;
}

const char *compression::balanceName(Balance balance) {
  return balance == Balance::Row ? "row" : "column";
}

int compression::indexBits(int64_t n) {
  return std::bit_width(static_cast<uint64_t>(n - 1));
}

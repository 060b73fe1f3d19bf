// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AsmCursor.h"
#include "Json.h"
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;

static bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool isDigit(char c) { return c >= '0' && c <= '9'; }

//===----------------------------------------------------------------------===//
// Places and errors
//===----------------------------------------------------------------------===//

std::pair<unsigned, unsigned> AsmCursor::lineAndColumn(size_t at) const {
  std::string_view before = text.substr(0, at);
  unsigned line = 1 + unsigned(std::count(before.begin(), before.end(), '\n'));
  size_t start = before.rfind('\n');
  unsigned column =
      unsigned(at - (start == std::string_view::npos ? 0 : start + 1)) + 1;
  return {line, column};
}

std::nullopt_t AsmCursor::fail(std::string message, std::optional<size_t> at) {
  if (error)
    return std::nullopt;
  auto [line, column] = lineAndColumn(at.value_or(place));
  std::string where = file.empty()
                          ? fmt::format("{}", column)
                          : fmt::format("{}:{}:{}", file, line, column);
  error = Error{std::move(message)}.at(where);
  return std::nullopt;
}

Error AsmCursor::errorAtLine(size_t at, std::string message) const {
  return Error{std::move(message)}.at(
      fmt::format("{}:{}", file, lineAndColumn(at).first));
}

std::string AsmCursor::found() {
  skipBlanks();
  if (place >= text.size())
    return "the end of the file";
  if (text[place] == '\n')
    return "the end of the line";
  std::string_view word = peekWord();
  if (word.empty()) {
    size_t end = place;
    while (end < text.size() && isDigit(text[end]))
      ++end;
    word = text.substr(place, std::max<size_t>(end - place, 1));
  }
  // Control and non-ASCII characters would garble the message.
  if (word.size() == 1 && (uint8_t(word[0]) < 32 || uint8_t(word[0]) > 126))
    return fmt::format("byte {:#04x}", uint8_t(word[0]));
  return fmt::format("'{}'", word);
}

std::nullopt_t AsmCursor::failExpected(std::string_view what) {
  std::string there = found();
  return fail(fmt::format("expected {}, found {}", what, there));
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

void AsmCursor::skipBlanks() {
  const bool goesOn = openBrackets > 0 || (place > 0 && place == commaEnd);
  while (place < text.size()) {
    char c = text[place];
    if (isBlank(c) || (c == '\n' && goesOn)) {
      ++place;
    } else if (c == ';' || text.substr(place).starts_with("//")) {
      place = std::min(text.find('\n', place), text.size());
    } else {
      return;
    }
  }
}

void AsmCursor::skipToStatement() {
  skipBlanks();
  while (place < text.size() && text[place] == '\n') {
    ++place;
    skipBlanks();
  }
}

bool AsmCursor::atEnd() {
  skipToStatement();
  return place >= text.size();
}

bool AsmCursor::atEndOfLine() {
  skipBlanks();
  return place >= text.size() || text[place] == '\n';
}

std::string_view AsmCursor::peekWord() {
  skipBlanks();
  size_t end = place;
  if (end < text.size() && (isLetter(text[end]) || text[end] == '.')) {
    ++end;
    while (end < text.size() && (isLetter(text[end]) || isDigit(text[end]) ||
                                 text[end] == '-' || text[end] == '.'))
      ++end;
  }
  return text.substr(place, end - place);
}

bool AsmCursor::peek(std::string_view token) {
  if (error)
    return false;
  if (isLetter(token[0])) {
    // Operands may follow a word without a blank: `T-1`.
    std::string_view word = peekWord();
    return word == token ||
           (word.starts_with(token) && word[token.size()] == '-');
  }
  skipBlanks();
  return text.substr(place).starts_with(token);
}

bool AsmCursor::accept(std::string_view token) {
  if (!peek(token))
    return false;
  place += token.size();
  if (token == ",")
    commaEnd = place;
  return true;
}

bool AsmCursor::expect(std::string_view token) {
  if (accept(token))
    return true;
  failExpected(fmt::format("'{}'", token));
  return false;
}

bool AsmCursor::expectEndOfLine() {
  if (!error && !atEndOfLine())
    failExpected("the end of the line");
  return !error;
}

std::optional<std::string_view> AsmCursor::takeWord(std::string_view what) {
  std::string_view word = peekWord();
  if (error || word.empty())
    return failExpected(what);
  place += word.size();
  return word;
}

std::optional<size_t>
AsmCursor::takeOneOf(const std::vector<std::string_view> &words,
                     std::string_view what) {
  std::string_view word = peekWord();
  auto match = std::find(words.begin(), words.end(), word);
  if (error || match == words.end())
    return failExpected(
        fmt::format("{}, one of {}", what, fmt::join(words, ", ")));
  place += word.size();
  return match - words.begin();
}

std::optional<int64_t> AsmCursor::takeInteger(std::string_view what,
                                              int64_t min, int64_t max) {
  if (error)
    return std::nullopt;
  skipBlanks();
  size_t start = place, end = place;
  bool negative = end < text.size() && text[end] == '-';
  if (negative || (end < text.size() && text[end] == '+'))
    ++end;
  int base = 10;
  if (text.substr(end).starts_with("0x")) {
    base = 16;
    end += 2;
  }
  uint64_t magnitude = 0;
  auto [last, status] = std::from_chars(
      text.data() + end, text.data() + text.size(), magnitude, base);
  size_t stop = last - text.data();
  if (stop == end ||
      (stop < text.size() && (isLetter(text[stop]) || isDigit(text[stop]))))
    return failExpected(what);
  bool fits = status == std::errc() && magnitude <= uint64_t(INT64_MAX);
  int64_t value = negative ? -int64_t(magnitude) : int64_t(magnitude);
  if (!fits || value < min || value > max)
    return fail(fmt::format("{} is {}, allowed {}..{}", what,
                            text.substr(start, stop - start), min, max),
                start);
  place = stop;
  return value;
}

std::optional<std::vector<int64_t>>
AsmCursor::takeList(std::string_view what, int64_t min, int64_t max) {
  if (!expect("["))
    return std::nullopt;
  ++openBrackets;
  std::vector<int64_t> values;
  if (!peek("]"))
    do {
      std::optional<int64_t> value = takeInteger(what, min, max);
      if (!value)
        return std::nullopt;
      values.push_back(*value);
    } while (accept(","));
  --openBrackets;
  skipBlanks();
  // The closing bracket may stand on a line of its own.
  while (place < text.size() && text[place] == '\n') {
    ++place;
    skipBlanks();
  }
  if (!expect("]"))
    return std::nullopt;
  return values;
}

static int hexDigit(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::optional<std::vector<uint8_t>> AsmCursor::takeHex() {
  std::vector<uint8_t> bytes;
  while (!error && !atEndOfLine()) {
    int high = hexDigit(text[place]);
    int low = place + 1 < text.size() ? hexDigit(text[place + 1]) : -1;
    if (high < 0 || low < 0)
      return failExpected("two hexadecimal digits for each byte");
    bytes.push_back(uint8_t(high << 4 | low));
    place += 2;
  }
  if (error)
    return std::nullopt;
  return bytes;
}

std::optional<std::string_view> AsmCursor::takeJsonObject() {
  skipBlanks();
  size_t start = place;
  if (!peek("{"))
    return failExpected("a JSON object");
  unsigned depth = 0;
  bool inString = false;
  for (size_t at = start; at < text.size(); ++at) {
    char c = text[at];
    if (inString) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      place = at + 1;
      return text.substr(start, place - start);
    }
  }
  return fail("the JSON object that begins here has no closing '}'", start);
}

std::optional<std::string> AsmCursor::takeString(std::string_view what) {
  skipBlanks();
  if (!peek("\"")) {
    std::optional<std::string_view> word = takeWord(what);
    return word ? std::optional(std::string(*word)) : std::nullopt;
  }
  size_t start = place, end = place + 1;
  while (end < text.size() && text[end] != '"' && text[end] != '\n')
    end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size() || text[end] != '"')
    return fail("the text that begins here has no closing '\"'", start);
  place = end + 1;
  Result<nlohmann::json> value =
      parseJson(text.substr(start, place - start), what);
  if (!value)
    return fail(value.message(), start);
  return value->get<std::string>();
}

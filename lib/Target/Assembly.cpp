// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One instruction to text and back. Parser and printer walk the same generated
// table of format elements.
//
#include "hcgs/Target/Assembly.h"
#include "AsmCursor.h"
#include <cctype>
#include <charconv>
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;

namespace {
/// A piece of the format of ISA.td.
struct FormatElement {
  enum Kind { Literal, Field, OptionalBegin, OptionalEnd } kind;
  const char *text;
  /// Of a field: its index.
  unsigned field;
};
} // namespace

#include "hcgs/Target/ISAAsm.cpp.inc"

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

/// " + 3", " - 3" or nothing.
static std::string printDisplacement(int64_t value) {
  if (value == 0)
    return "";
  return fmt::format(" {} {}", value < 0 ? '-' : '+',
                     value < 0 ? -value : value);
}

static std::string printField(const FieldInfo &field,
                              const RawInstruction &raw) {
  const int64_t *parts = &raw.parts[field.firstPart];
  switch (field.form) {
  case FieldForm::Uint:
  case FieldForm::Int:
    return std::to_string(parts[0]);
  case FieldForm::Flag:
    return ""; // the word before it says it
  case FieldForm::Reg:
    return fmt::format("a{}", parts[0]);
  case FieldForm::Addr:
    if (parts[0] == 0)
      return fmt::format("{}[{}]", field.space, parts[1]);
    return fmt::format("{}[a{}{}]", field.space, parts[0],
                       printDisplacement(parts[1]));
  case FieldForm::Trips:
    return parts[0] ? "T" + printDisplacement(parts[1])
                    : std::to_string(parts[1]);
  case FieldForm::Gates:
    return printGates({uint8_t(parts[0])});
  case FieldForm::Shifts:
    return fmt::format("[{}]", fmt::join(parts, parts + field.numParts, ", "));
  case FieldForm::Enum:
    return field.words[parts[0]];
  }
  return "";
}

/// Whether some field between `begin` and the end of the optional part is set.
static bool isPresent(std::span<const FormatElement> format, size_t begin,
                      const InstructionInfo &info, const RawInstruction &raw) {
  for (size_t i = begin; format[i].kind != FormatElement::OptionalEnd; ++i)
    if (format[i].kind == FormatElement::Field) {
      const FieldInfo &field = info.fields[format[i].field];
      for (unsigned part = 0; part < field.numParts; ++part)
        if (raw.parts[field.firstPart + part] != 0)
          return true;
    }
  return false;
}

std::string hcgs::printInstruction(const Instruction &inst, bool countedLoops) {
  RawInstruction raw = toRaw(inst);
  if (const auto *loop = std::get_if<Loop>(&inst); loop && countedLoops) {
    Loop counted = *loop;
    counted.length = 0;
    raw = toRaw(counted);
  }
  const InstructionInfo &info = getInfo(raw.opcode);
  std::string text = info.mnemonic;
  std::span<const FormatElement> format = formatOf(raw.opcode);
  if (!format.empty())
    text += ' ';
  for (size_t i = 0; i < format.size(); ++i) {
    switch (format[i].kind) {
    case FormatElement::Literal:
      text += format[i].text;
      break;
    case FormatElement::Field:
      text += printField(info.fields[format[i].field], raw);
      break;
    case FormatElement::OptionalBegin:
      if (isPresent(format, i, info, raw))
        text += ' ';
      else
        while (format[i].kind != FormatElement::OptionalEnd)
          ++i;
      break;
    case FormatElement::OptionalEnd:
      break;
    }
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// The next word or punctuation mark of a literal; empty at its end.
static std::string_view nextToken(std::string_view &literal) {
  size_t start = literal.find_first_not_of(' ');
  if (start == std::string_view::npos)
    return {};
  literal.remove_prefix(start);
  size_t length = 1;
  if (std::isalpha(literal[0]))
    while (length < literal.size() && std::isalnum(literal[length]))
      ++length;
  std::string_view token = literal.substr(0, length);
  literal.remove_prefix(length);
  return token;
}

bool AsmCursor::takePart(const FieldInfo &field, const PartInfo &part,
                         int64_t &value) {
  std::optional<int64_t> taken =
      takeInteger(fmt::format("field '{}{}{}'", field.name,
                              *part.name ? "." : "", part.name),
                  part.min, part.max);
  if (taken)
    value = *taken;
  return taken.has_value();
}

/// `+ 3` or `- 3` or nothing.
bool AsmCursor::takeDisplacement(const FieldInfo &field, const PartInfo &part,
                                 int64_t &value) {
  skipBlanks();
  size_t start = place;
  bool negative = peek("-");
  if (!negative && !peek("+"))
    return true;
  ++place;
  std::optional<int64_t> magnitude =
      takeInteger(fmt::format("the number behind '{}'", negative ? '-' : '+'),
                  0, int64_t(1) << 32);
  if (!magnitude)
    return false;
  value = negative ? -*magnitude : *magnitude;
  if (value < part.min || value > part.max)
    fail(fmt::format("field '{}.{}' is {}, allowed {}..{}", field.name,
                     part.name, value, part.min, part.max),
         start);
  return !error;
}

bool AsmCursor::takeRegister(const FieldInfo &field, const PartInfo &part,
                             int64_t &value) {
  std::string allowed = fmt::format("field '{}', a register a{}..a{}",
                                    field.name, part.min, part.max);
  std::string_view word = peekWord();
  // A minus sign may follow without a blank: `a1-64`.
  word = word.substr(0, word.find('-'));
  int64_t number = 0;
  auto [last, status] =
      std::from_chars(word.data() + std::min<size_t>(1, word.size()),
                      word.data() + word.size(), number);
  if (!word.starts_with('a') || status != std::errc() ||
      last != word.data() + word.size()) {
    failExpected(allowed);
    return false;
  }
  if (number < part.min || number > part.max) {
    fail(fmt::format("field '{}' is {}, allowed a{}..a{}", field.name, word,
                     part.min, part.max));
    return false;
  }
  place += word.size();
  value = number;
  return true;
}

bool AsmCursor::takeField(const InstructionInfo &info, const FieldInfo &field,
                          RawInstruction &raw) {
  const PartInfo *parts = &info.parts[field.firstPart];
  int64_t *values = &raw.parts[field.firstPart];
  switch (field.form) {
  case FieldForm::Uint:
  case FieldForm::Int:
    return takePart(field, parts[0], values[0]);
  case FieldForm::Flag:
    values[0] = 1;
    return true;
  case FieldForm::Reg:
    return takeRegister(field, parts[0], values[0]);
  case FieldForm::Addr: {
    std::string_view space(&field.space, 1);
    if (peekWord() != space) {
      failExpected(
          fmt::format("field '{}', an address {}[...]", field.name, space));
      return false;
    }
    place += 1;
    if (!expect("["))
      return false;
    bool good = peekWord().starts_with('a')
                    ? takeRegister(field, parts[0], values[0]) &&
                          takeDisplacement(field, parts[1], values[1])
                    : takePart(field, parts[1], values[1]);
    return good && expect("]");
  }
  case FieldForm::Trips:
    if (!accept("T"))
      return takePart(field, parts[1], values[1]);
    values[0] = 1;
    return takeDisplacement(field, parts[1], values[1]);
  case FieldForm::Gates: {
    std::string_view word = peekWord();
    std::optional<Gates> gates = parseGates(word);
    if (!gates) {
      failExpected(fmt::format(
          "field '{}', some of the gates iofg in this order", field.name));
      return false;
    }
    place += word.size();
    values[0] = gates->mask;
    return true;
  }
  case FieldForm::Shifts:
    if (!expect("["))
      return false;
    for (unsigned i = 0; i < field.numParts; ++i)
      if ((i > 0 && !expect(",")) || !takePart(field, parts[i], values[i]))
        return false;
    return expect("]");
  case FieldForm::Enum: {
    std::vector<std::string_view> words(field.words + parts[0].min,
                                        field.words + parts[0].max + 1);
    std::optional<size_t> index =
        takeOneOf(words, fmt::format("field '{}'", field.name));
    if (index)
      values[0] = parts[0].min + int64_t(*index);
    return index.has_value();
  }
  }
  return false;
}

std::optional<RawInstruction> AsmCursor::takeInstruction() {
  size_t start = place;
  std::optional<std::string_view> mnemonic = takeWord("an instruction");
  if (!mnemonic)
    return std::nullopt;
  const InstructionInfo *info = findMnemonic(*mnemonic);
  if (!info) {
    std::vector<std::string_view> known;
    for (const InstructionInfo &each : allInstructions())
      known.push_back(each.mnemonic);
    return fail(fmt::format("unknown instruction '{}', allowed {}", *mnemonic,
                            fmt::join(known, ", ")),
                start);
  }
  RawInstruction raw{info->opcode, {}};
  std::span<const FormatElement> format = formatOf(info->opcode);
  for (size_t i = 0; i < format.size(); ++i) {
    switch (format[i].kind) {
    case FormatElement::Literal: {
      std::string_view literal = format[i].text;
      for (std::string_view token = nextToken(literal); !token.empty();
           token = nextToken(literal))
        if (!expect(token))
          return std::nullopt;
      break;
    }
    case FormatElement::Field:
      if (!takeField(*info, info->fields[format[i].field], raw))
        return std::nullopt;
      break;
    case FormatElement::OptionalBegin: {
      // An optional part begins with a word that tells whether it is there.
      std::string_view literal = format[i + 1].text;
      if (!peek(nextToken(literal)))
        while (format[i].kind != FormatElement::OptionalEnd)
          ++i;
      break;
    }
    case FormatElement::OptionalEnd:
      break;
    }
  }
  if (!expectEndOfLine())
    return std::nullopt;
  return raw;
}

Result<Instruction> hcgs::parseInstruction(std::string_view text) {
  AsmCursor cursor(text, "");
  std::optional<RawInstruction> raw = cursor.takeInstruction();
  if (!raw)
    return cursor.takeError();
  if (std::optional<FieldError> error = validate(*raw))
    return Error{error->message()};
  return fromRaw(*raw);
}

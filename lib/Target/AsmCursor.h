// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A place in assembly text: takes words, numbers and punctuation, and knows
// its line and column. The first error wins; after it every function fails, so
// that callers may check once at the end of a statement.
//
#ifndef HCGS_LIB_TARGET_ASMCURSOR_H
#define HCGS_LIB_TARGET_ASMCURSOR_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ISA.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

class AsmCursor {
public:
  /// Errors begin with `file:line:column`, or the column alone without a file.
  AsmCursor(std::string_view text, std::string_view file)
      : text(text), file(file) {}

  size_t position() const { return place; }

  /// Blanks and comments; newlines only inside brackets and after a comma.
  void skipBlanks();
  /// Also newlines: to the next statement.
  void skipToStatement();
  bool atEnd();
  bool atEndOfLine();

  /// True, and behind it, if the text goes on with this word or mark.
  bool accept(std::string_view token);
  bool peek(std::string_view token);
  /// Fails unless accept(token).
  bool expect(std::string_view token);
  /// Fails unless the statement ends here.
  bool expectEndOfLine();

  /// Letters, digits, `_`, `.`, `-` behind the first; empty if there is none.
  std::string_view peekWord();
  std::optional<std::string_view> takeWord(std::string_view what);
  /// One of `words`.
  std::optional<size_t> takeOneOf(const std::vector<std::string_view> &words,
                                  std::string_view what);
  /// A decimal or 0x number with an optional sign, min..max.
  std::optional<int64_t> takeInteger(std::string_view what, int64_t min,
                                     int64_t max);
  /// `[1, 2, 3]`, over several lines if need be.
  std::optional<std::vector<int64_t>> takeList(std::string_view what,
                                               int64_t min, int64_t max);
  /// Pairs of hexadecimal digits up to the end of the line.
  std::optional<std::vector<uint8_t>> takeHex();
  /// A JSON object, over several lines if need be, as text.
  std::optional<std::string_view> takeJsonObject();
  /// "text" in JSON's quoting, or a word.
  std::optional<std::string> takeString(std::string_view what);
  /// The operands of an instruction; a field left out is 0.
  std::optional<isa::RawInstruction> takeInstruction();

  bool failed() const { return error.has_value(); }
  /// Reports at the current place, or at `at`.
  std::nullopt_t fail(std::string message,
                      std::optional<size_t> at = std::nullopt);
  std::nullopt_t failExpected(std::string_view what);
  Error takeError() { return *error; }
  /// An error about the line that holds `at`.
  Error errorAtLine(size_t at, std::string message) const;

private:
  bool takeField(const isa::InstructionInfo &info, const isa::FieldInfo &field,
                 isa::RawInstruction &raw);
  bool takePart(const isa::FieldInfo &field, const isa::PartInfo &part,
                int64_t &value);
  bool takeDisplacement(const isa::FieldInfo &field, const isa::PartInfo &part,
                        int64_t &value);
  bool takeRegister(const isa::FieldInfo &field, const isa::PartInfo &part,
                    int64_t &value);
  std::pair<unsigned, unsigned> lineAndColumn(size_t at) const;
  /// What stands at the current place, for a message.
  std::string found();

  std::string_view text, file;
  size_t place = 0;
  /// Behind the last comma that was taken; 0 before the first.
  size_t commaEnd = 0;
  unsigned openBrackets = 0;
  std::optional<Error> error;
};

} // namespace hcgs

#endif // HCGS_LIB_TARGET_ASMCURSOR_H

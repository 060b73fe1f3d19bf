// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction set as hcgs-tblgen's backends see it: ISA.td's records read
// into plain structures and checked. Every backend starts from readModel, so a
// mistake in ISA.td (two equal opcodes, fields that share bits, a format that
// forgets a field) stops the build whichever file is being generated.
//
#ifndef HCGS_TOOLS_TBLGEN_MODEL_H
#define HCGS_TOOLS_TBLGEN_MODEL_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class Record;
class RecordKeeper;
class raw_ostream;
} // namespace llvm

namespace hcgs::tblgen {

/// A run of bits that holds one number.
struct Part {
  llvm::StringRef name;
  unsigned lsb, width;
  bool isSigned;
  int64_t min, max;
};

struct Field {
  llvm::StringRef name, form, cppType, summary, space;
  /// Of an enum: its words, the legal ones first.
  llvm::StringRef listName;
  std::vector<llvm::StringRef> words;
  /// Index of the first part among those of the instruction.
  unsigned firstPart;
  std::vector<Part> parts;
};

/// A piece of the assembly format.
struct FormatElement {
  enum Kind { Literal, FieldRef, OptionalBegin, OptionalEnd } kind;
  /// Of a literal: the text with its spaces.
  std::string text;
  /// Of a field: its index. Of the begin of an optional part: the field that
  /// decides, the last one inside it.
  unsigned field = 0;
};

struct Instruction {
  /// The def's name, which is that of the C++ struct.
  llvm::StringRef name, mnemonic, summary, description, clause;
  llvm::StringRef unit;
  unsigned opcode;
  bool structuredOp;
  std::vector<Field> fields;
  std::vector<FormatElement> format;
  std::vector<llvm::StringRef> examples;

  unsigned numParts() const;
};

/// A list of words, as a C++ enum.
struct WordList {
  llvm::StringRef name, summary;
  std::vector<llvm::StringRef> words;
};

struct Model {
  /// By rising opcode.
  std::vector<Instruction> instructions;
  std::vector<WordList> wordLists;
  /// By number.
  std::vector<llvm::StringRef> units;

  unsigned maxParts() const;
};

/// Reads and checks the instruction set; ends the process with located errors
/// if it contradicts itself.
Model readModel(const llvm::RecordKeeper &records);

/// `zero` -> `Zero`.
std::string capitalise(llvm::StringRef word);

/// The head of a generated C++ or TableGen file.
void emitBanner(llvm::raw_ostream &os, llvm::StringRef what);

// The backends.
bool emitHeader(llvm::raw_ostream &os, const llvm::RecordKeeper &records);
bool emitImpl(llvm::raw_ostream &os, const llvm::RecordKeeper &records);
bool emitAsmTables(llvm::raw_ostream &os, const llvm::RecordKeeper &records);
bool emitOpTd(llvm::raw_ostream &os, const llvm::RecordKeeper &records);
bool emitOpImpl(llvm::raw_ostream &os, const llvm::RecordKeeper &records);
bool emitSpecTables(llvm::raw_ostream &os, const llvm::RecordKeeper &records);

} // namespace hcgs::tblgen

#endif // HCGS_TOOLS_TBLGEN_MODEL_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C++ side of the instruction set: one struct an instruction, and the
// tables the encoder, decoder and validator of lib/Target work from.
//
#include "Model.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace hcgs::tblgen;

static void emitEnums(raw_ostream &os, const Model &model) {
  os << "/// Operation codes, bits 7..0 of an instruction.\n"
     << "enum class Opcode : uint8_t {\n";
  for (const Instruction &inst : model.instructions)
    os << "  " << inst.name << " = " << format_hex(inst.opcode, 4) << ",\n";
  os << "};\n\n";

  os << "/// Who carries an instruction out.\n"
     << "enum class Unit : uint8_t {\n";
  for (StringRef unit : model.units)
    os << "  " << capitalise(unit) << ",\n";
  os << "};\n\n";

  for (const WordList &list : model.wordLists) {
    os << "/// " << capitalise(list.summary) << ".\n"
       << "enum class " << list.name << " : uint8_t {\n";
    for (StringRef word : list.words)
      os << "  " << capitalise(word) << ",\n";
    os << "};\n"
       << "/// The word of a value, and the value of a word.\n"
       << "std::string_view getName(" << list.name << " value);\n"
       << "std::optional<" << list.name << "> parse" << list.name
       << "(std::string_view word);\n\n";
  }
}

/// The value a field has before anybody sets it. Zero is illegal for most
/// counts and sets, so that a forgotten field is noticed.
static StringRef initialValue(const Field &field) {
  if (field.form == "enum" || field.form == "addr" || field.form == "trips" ||
      field.form == "gates" || field.form == "shifts")
    return "{}";
  return field.form == "flag" ? "false" : "0";
}

bool hcgs::tblgen::emitHeader(raw_ostream &os, const RecordKeeper &records) {
  Model model = readModel(records);
  emitBanner(os, "Opcodes and one struct an instruction.");
  emitEnums(os, model);
  for (const Instruction &inst : model.instructions) {
    os << "/// " << capitalise(inst.summary) << " (" << inst.clause << ").\n"
       << "struct " << inst.name << " {\n"
       << "  static constexpr Opcode opcode = Opcode::" << inst.name << ";\n";
    for (const Field &field : inst.fields)
      os << "  /// " << capitalise(field.summary) << ".\n"
         << "  " << field.cppType << " " << field.name << " = "
         << initialValue(field) << ";\n";
    os << "  bool operator==(const " << inst.name << " &) const = default;\n"
       << "};\n\n";
  }
  os << "/// Any instruction.\nusing Instruction = std::variant<";
  interleaveComma(model.instructions, os,
                  [&](const Instruction &inst) { os << inst.name; });
  os << ">;\n\n"
     << "inline constexpr unsigned kMaxParts = " << model.maxParts() << ";\n";
  return false;
}

static void emitTables(raw_ostream &os, const Model &model) {
  for (const WordList &list : model.wordLists) {
    os << "static constexpr const char *const k" << list.name << "Words[] = {";
    interleaveComma(list.words, os,
                    [&](StringRef word) { os << '"' << word << '"'; });
    os << "};\n"
       << "std::string_view hcgs::isa::getName(" << list.name << " value) {\n"
       << "  return k" << list.name << "Words[unsigned(value)];\n}\n"
       << "std::optional<" << list.name << "> hcgs::isa::parse" << list.name
       << "(std::string_view word) {\n"
       << "  for (unsigned value = 0; value < " << list.words.size()
       << "; ++value)\n"
       << "    if (word == k" << list.name << "Words[value])\n"
       << "      return " << list.name << "(value);\n"
       << "  return std::nullopt;\n}\n";
  }
  for (const Instruction &inst : model.instructions) {
    if (!inst.fields.empty()) {
      os << "static constexpr PartInfo k" << inst.name << "Parts[] = {\n";
      for (const Field &field : inst.fields)
        for (const Part &part : field.parts)
          os << "    {\"" << part.name << "\", " << part.lsb << ", "
             << part.width << ", " << (part.isSigned ? "true" : "false") << ", "
             << part.min << "LL, " << part.max << "LL},\n";
      os << "};\nstatic constexpr FieldInfo k" << inst.name << "Fields[] = {\n";
      for (const Field &field : inst.fields) {
        os << "    {\"" << field.name
           << "\", FieldForm::" << capitalise(field.form) << ", '"
           << (field.space.empty() ? "?" : field.space) << "', ";
        if (field.listName.empty())
          os << "nullptr";
        else
          os << "k" << field.listName << "Words";
        os << ", " << field.firstPart << ", " << field.parts.size() << ", \""
           << field.summary << "\"},\n";
      }
      os << "};\n";
    }
    os << "static constexpr const char *const k" << inst.name
       << "Examples[] = {\n";
    for (StringRef example : inst.examples)
      os << "    \"" << example << "\",\n";
    os << "};\n";
  }
  os << "static constexpr const char *const kUnitNames[] = {";
  interleaveComma(model.units, os,
                  [&](StringRef unit) { os << '"' << unit << '"'; });
  os << "};\n";
  os << "static constexpr InstructionInfo kInstructions[] = {\n";
  for (const Instruction &inst : model.instructions) {
    os << "    {Opcode::" << inst.name << ", \"" << inst.mnemonic
       << "\", Unit::" << capitalise(inst.unit) << ", ";
    if (inst.fields.empty())
      os << "{}, {}, ";
    else
      os << "k" << inst.name << "Fields, k" << inst.name << "Parts, ";
    os << "\"" << inst.summary << "\", \"" << inst.clause << "\", k"
       << inst.name << "Examples},\n";
  }
  os << "};\n\n";
}

/// Expressions that read the parts of a field of `inst`.
static void emitPartsOf(raw_ostream &os, const Field &field) {
  unsigned part = field.firstPart;
  auto put = [&](const Twine &value) {
    os << "      raw.parts[" << part++ << "] = int64_t(" << value << ");\n";
  };
  std::string name = ("inst." + field.name).str();
  if (field.form == "addr") {
    put(name + ".reg");
    put(name + ".off");
  } else if (field.form == "trips") {
    put(name + ".seq");
    put(name + ".imm");
  } else if (field.form == "gates") {
    put(name + ".mask");
  } else if (field.form == "shifts") {
    for (unsigned gate = 0; gate < field.parts.size(); ++gate)
      put(name + "[" + Twine(gate) + "]");
  } else {
    put(name);
  }
}

static void emitFieldFromParts(raw_ostream &os, const Field &field) {
  unsigned part = field.firstPart;
  auto get = [&](StringRef type) {
    return (type + "(raw.parts[" + Twine(part++) + "])").str();
  };
  std::string name = ("    inst." + field.name).str();
  if (field.form == "addr") {
    os << name << ".reg = " << get("uint8_t") << ";\n";
    os << name << ".off = " << get("int32_t") << ";\n";
  } else if (field.form == "trips") {
    os << name << ".seq = " << get("bool") << ";\n";
    os << name << ".imm = " << get("int32_t") << ";\n";
  } else if (field.form == "gates") {
    os << name << ".mask = " << get("uint8_t") << ";\n";
  } else if (field.form == "shifts") {
    for (unsigned gate = 0; gate < field.parts.size(); ++gate)
      os << name << "[" << gate << "] = " << get("uint8_t") << ";\n";
  } else {
    os << name << " = " << get(field.cppType) << ";\n";
  }
}

bool hcgs::tblgen::emitImpl(raw_ostream &os, const RecordKeeper &records) {
  Model model = readModel(records);
  emitBanner(os, "Tables of all instructions; structs to and from parts.");
  emitTables(os, model);

  os << "namespace {\nstruct ToRaw {\n";
  for (const Instruction &inst : model.instructions) {
    os << "  RawInstruction operator()(const " << inst.name << " &"
       << (inst.fields.empty() ? "" : "inst") << ") const {\n"
       << "      RawInstruction raw{Opcode::" << inst.name << ", {}};\n";
    for (const Field &field : inst.fields)
      emitPartsOf(os, field);
    os << "      return raw;\n  }\n";
  }
  os << "};\n} // namespace\n\n"
     << "static Instruction makeInstruction(const RawInstruction &raw) {\n"
     << "  switch (raw.opcode) {\n";
  for (const Instruction &inst : model.instructions) {
    os << "  case Opcode::" << inst.name << ": {\n"
       << "    " << inst.name << " inst;\n";
    for (const Field &field : inst.fields)
      emitFieldFromParts(os, field);
    os << "    return inst;\n  }\n";
  }
  os << "  }\n  return Halt{};\n}\n";
  return false;
}

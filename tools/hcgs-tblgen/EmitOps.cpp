// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The isa dialect's instruction operations: their ODS records, with the same
// syntax as assembly text, and the C++ that carries them to and from the
// structs of hcgs/Target/ISA.h. Legal values are not repeated as attribute
// constraints: the verifier asks the validator that assembler and decoder use,
// so that all say the same words.
//
#include "Model.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace hcgs::tblgen;

/// True for a field inside an optional part of the format.
static std::vector<bool> optionalFields(const Instruction &inst) {
  std::vector<bool> optional(inst.fields.size(), false);
  bool inside = false;
  for (const FormatElement &element : inst.format) {
    if (element.kind == FormatElement::OptionalBegin)
      inside = true;
    else if (element.kind == FormatElement::OptionalEnd)
      inside = false;
    else if (element.kind == FormatElement::FieldRef)
      optional[element.field] = inside;
  }
  return optional;
}

static bool isNumber(const Field &field) {
  return field.form == "uint" || field.form == "int" || field.form == "reg";
}

/// The ODS constraint of a field's attribute.
static std::string attrConstraint(const Field &field, bool optional) {
  if (isNumber(field))
    return optional ? "DefaultValuedAttr<I64Attr, \"0\">" : "I64Attr";
  if (field.form == "flag")
    return "UnitAttr";
  if (field.form == "shifts")
    return "DenseI64ArrayAttr";
  return ("ISA_" +
          capitalise(field.form == "enum" ? field.listName : field.form) +
          "Attr");
}

/// `, n ` -> "`,` `n` ": each word and punctuation mark in backquotes.
static std::string odsLiteral(StringRef text) {
  std::string result;
  while (!(text = text.ltrim()).empty()) {
    size_t length =
        isAlpha(text[0])
            ? text.take_while([](char c) { return isAlnum(c); }).size()
            : 1;
    result += ("`" + text.take_front(length) + "` ").str();
    text = text.drop_front(length);
  }
  return result;
}

static std::string odsField(const Field &field, bool anchor) {
  std::string name = ("$" + field.name).str() + (anchor ? "^" : "");
  if (field.form == "addr")
    return ("`" + field.space + "` `` ").str() + name + " ";
  if (field.form == "reg")
    return "custom<Register>(" + name + ") ";
  // These attributes print a blank before themselves.
  if (field.form == "gates" || field.form == "enum")
    return "`` " + name + " ";
  return name + " ";
}

static std::string odsFormat(const Instruction &inst) {
  std::string result;
  unsigned anchor = ~0u;
  for (const FormatElement &element : inst.format) {
    switch (element.kind) {
    case FormatElement::Literal:
      result += odsLiteral(element.text);
      break;
    case FormatElement::FieldRef:
      result += odsField(inst.fields[element.field], element.field == anchor);
      break;
    case FormatElement::OptionalBegin:
      result += "(";
      anchor = element.field;
      break;
    case FormatElement::OptionalEnd:
      result += ")? ";
      anchor = ~0u;
      break;
    }
  }
  return result + "attr-dict";
}

bool hcgs::tblgen::emitOpTd(raw_ostream &os, const RecordKeeper &records) {
  Model model = readModel(records);
  emitBanner(os, "Operations of the isa dialect, one an instruction.");
  for (const Instruction &inst : model.instructions) {
    if (inst.structuredOp)
      continue;
    os << "def ISA_" << inst.name << "Op : ISA_InstructionOp<\""
       << inst.mnemonic << "\", \"" << inst.name << "\"> {\n"
       << "  let summary = \"" << inst.summary << "\";\n"
       << "  let description = [{\n    " << inst.description << " ("
       << inst.clause << ")\n\n    Example:\n\n    ```mlir\n";
    for (StringRef example : inst.examples)
      os << "    isa." << example << "\n";
    os << "    ```\n  }];\n  let arguments = (ins";
    std::vector<bool> optional = optionalFields(inst);
    for (auto [index, field] : enumerate(inst.fields))
      os << "\n    " << attrConstraint(field, optional[index]) << ":$"
         << field.name << ",";
    os << "\n    OptionalAttr<I64Attr>:$layer,"
       << "\n    OptionalAttr<StrAttr>:$what);\n"
       << "  let assemblyFormat = \"" << odsFormat(inst) << "\";\n"
       << "}\n\n";
  }
  return false;
}

/// The attribute of a field of the struct `inst`.
static std::string makeAttr(const Field &field) {
  std::string value = ("inst." + field.name).str();
  if (field.form == "addr")
    return "AddrAttr::get(context, " + value + ".reg, " + value + ".off)";
  if (field.form == "gates")
    return "GatesAttr::get(context, " + value + ".mask)";
  if (field.form == "shifts")
    return "makeShifts(builder, " + value + ")";
  if (field.form == "trips")
    return "TripsAttr::get(context, " + value + ".seq, " + value + ".imm)";
  if (field.form == "enum")
    return (field.listName + "Attr::get(context, " + value + ")").str();
  if (field.form == "flag")
    return value + " ? builder.getUnitAttr() : UnitAttr()";
  return "builder.getI64IntegerAttr(int64_t(" + value + "))";
}

static std::string capitalGetter(const Field &field) {
  return "get" + capitalise(field.name) + "()";
}

/// Statements that read a field of the op into the struct. Numbers that do
/// not fit are reported through the parts, before they are narrowed.
static void emitReadAttr(raw_ostream &os, const Field &field) {
  unsigned part = field.firstPart;
  auto put = [&](const Twine &value) {
    os << "  raw.parts[" << part++ << "] = int64_t(" << value << ");\n";
  };
  std::string get = capitalGetter(field);
  if (field.form == "addr") {
    put(get + ".getReg()");
    put(get + ".getOff()");
  } else if (field.form == "trips") {
    put(get + ".getSeq()");
    put(get + ".getImm()");
  } else if (field.form == "gates") {
    put(get + ".getMask()");
  } else if (field.form == "shifts") {
    for (unsigned gate = 0; gate < field.parts.size(); ++gate)
      put(get + "[" + Twine(gate) + "]");
  } else if (field.form == "enum") {
    put(get + ".getValue()");
  } else {
    put(get);
  }
}

/// An optional part of the syntax is printed if its last field is not 0: the
/// other fields must then be 0, too, or they would be lost.
static void emitGroupChecks(raw_ostream &os, const Instruction &inst) {
  int last = -1;
  for (const FormatElement &element : inst.format) {
    if (element.kind == FormatElement::OptionalBegin)
      last = int(element.field);
    else if (element.kind == FormatElement::OptionalEnd)
      last = -1;
    else if (element.kind == FormatElement::FieldRef && last >= 0 &&
             int(element.field) != last)
      os << "  if (failed(verifyPresent(*this, \""
         << inst.fields[element.field].name << "\", int64_t("
         << capitalGetter(inst.fields[element.field]) << "), \""
         << inst.fields[last].name << "\", int64_t("
         << capitalGetter(inst.fields[last]) << "))))\n    return failure();\n";
  }
}

bool hcgs::tblgen::emitOpImpl(raw_ostream &os, const RecordKeeper &records) {
  Model model = readModel(records);
  emitBanner(os, "Instruction structs to and from operations.");
  for (const Instruction &inst : model.instructions) {
    if (inst.structuredOp)
      continue;
    os << "void " << inst.name
       << "Op::build(OpBuilder &builder, OperationState &state,\n"
       << "    const " << inst.name << " &"
       << (inst.fields.empty() ? "" : "inst")
       << ", const InstructionNote &note) {\n"
       << "  [[maybe_unused]] MLIRContext *context = builder.getContext();\n"
       << "  Properties &properties = "
          "state.getOrAddProperties<Properties>();\n";
    for (const Field &field : inst.fields)
      os << "  properties." << field.name << " = " << makeAttr(field) << ";\n";
    os << "  properties.layer = note.layerAttr(builder);\n"
       << "  properties.what = note.whatAttr(builder);\n}\n\n"
       << "RawInstruction " << inst.name << "Op::getRaw() {\n"
       << "  RawInstruction raw{Opcode::" << inst.name << ", {}};\n";
    for (const Field &field : inst.fields)
      emitReadAttr(os, field);
    os << "  return raw;\n}\n\n"
       << "LogicalResult " << inst.name << "Op::verify() {\n";
    for (const Field &field : inst.fields)
      if (field.form == "shifts")
        os << "  if (failed(verifyShiftCount(*this, " << capitalGetter(field)
           << ".size())))\n    return failure();\n";
    emitGroupChecks(os, inst);
    os << "  return verifyParts(*this, getRaw());\n}\n\n";
  }

  os << "Operation *hcgs::isa::createInstruction(OpBuilder &builder, Location "
        "loc,\n    const Instruction &inst, const InstructionNote &note) {\n";
  for (const Instruction &inst : model.instructions) {
    if (inst.structuredOp)
      continue;
    os << "  if (const auto *held = std::get_if<" << inst.name
       << ">(&inst))\n    return " << inst.name
       << "Op::create(builder, loc, *held, note);\n";
  }
  os << "  return nullptr;\n}\n";
  return false;
}

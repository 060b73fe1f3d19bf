// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formats of assembly text, as tables that the parser and the printer of
// lib/Target walk in step.
//
#include "Model.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace hcgs::tblgen;

static StringRef kindName(FormatElement::Kind kind) {
  switch (kind) {
  case FormatElement::Literal:
    return "Literal";
  case FormatElement::FieldRef:
    return "Field";
  case FormatElement::OptionalBegin:
    return "OptionalBegin";
  case FormatElement::OptionalEnd:
    return "OptionalEnd";
  }
  return "";
}

bool hcgs::tblgen::emitAsmTables(raw_ostream &os, const RecordKeeper &records) {
  Model model = readModel(records);
  emitBanner(os, "Assembly formats.");
  for (const Instruction &inst : model.instructions) {
    if (inst.format.empty())
      continue;
    os << "static constexpr FormatElement k" << inst.name << "Format[] = {\n";
    for (const FormatElement &element : inst.format)
      os << "    {FormatElement::" << kindName(element.kind) << ", \""
         << element.text << "\", " << element.field << "},\n";
    os << "};\n";
  }
  os << "\nstatic std::span<const FormatElement> formatOf(Opcode opcode) {\n"
     << "  switch (opcode) {\n";
  for (const Instruction &inst : model.instructions) {
    os << "  case Opcode::" << inst.name << ":\n    return ";
    if (inst.format.empty())
      os << "{};\n";
    else
      os << "k" << inst.name << "Format;\n";
  }
  os << "  }\n  return {};\n}\n";
  return false;
}

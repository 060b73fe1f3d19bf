// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-tblgen: makes everything that must agree about instructions from one
// file, hcgs/Target/ISA.td.
//
#include "Model.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/TableGen/Main.h"
#include "llvm/TableGen/TableGenBackend.h"

using namespace llvm;
using namespace hcgs::tblgen;

namespace {

template <bool (*emit)(raw_ostream &, const RecordKeeper &)>
void run(const RecordKeeper &records, raw_ostream &os) {
  emit(os, records);
}

TableGen::Emitter::Opt headerOpt("gen-isa-header", run<emitHeader>,
                                 "Enums and one struct an instruction");
TableGen::Emitter::Opt implOpt("gen-isa-impl", run<emitImpl>,
                               "Encoding tables and conversions");
TableGen::Emitter::Opt asmOpt("gen-asm", run<emitAsmTables>,
                              "Assembly format tables");
TableGen::Emitter::Opt opTdOpt("gen-op-td", run<emitOpTd>,
                               "Operations of the isa dialect (TableGen)");
TableGen::Emitter::Opt opImplOpt("gen-op-impl", run<emitOpImpl>,
                                 "Operations to and from instruction structs");
TableGen::Emitter::Opt specOpt("gen-spec-tables", run<emitSpecTables>,
                               "docs/Spec/InstructionTables.md");

} // namespace

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(
      argc, argv, "hcgs-tblgen: instruction-set files from ISA.td\n");
  // No function of our own: the backend registered above is called.
  TableGenMainFn fallback = nullptr;
  return TableGenMain(argv[0], fallback);
}

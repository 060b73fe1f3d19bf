// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Program files into the isa dialect and out again, byte for byte.

#include "hcgs/Conversion/ISAToProgram.h"
#include "TestProgram.h"
#include "hcgs/Dialect/ISA/IR/JsonAttr.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace hcgs;

namespace {

struct ISAToProgram : testing::Test {
  ISAToProgram() { context.loadDialect<isa::ISADialect>(); }

  /// Exports the only program of a module.
  std::vector<uint8_t> exported(ModuleOp module) {
    auto op = *module.getOps<isa::ProgramOp>().begin();
    FailureOr<Program> program = exportProgram(op);
    EXPECT_TRUE(succeeded(program));
    if (failed(program))
      return {};
    Result<std::vector<uint8_t>> bytes = writeProgram(*program);
    EXPECT_TRUE(bytes) << bytes.message();
    return bytes ? *bytes : std::vector<uint8_t>();
  }

  MLIRContext context;
};

/// The program with a debug map as the export makes it: an entry for every
/// instruction.
Program makeMappedProgram(MLIRContext &context) {
  Program program = test::makeProgram();
  OwningOpRef<ModuleOp> module = importProgram(&context, program, "p");
  EXPECT_TRUE(module);
  FailureOr<Program> mapped =
      exportProgram(*module->getOps<isa::ProgramOp>().begin());
  EXPECT_TRUE(succeeded(mapped));
  program.debug = mapped->debug;
  return program;
}

TEST_F(ISAToProgram, ImportAndExportKeepEveryByte) {
  Program program = makeMappedProgram(context);
  OwningOpRef<ModuleOp> module = importProgram(&context, program, "p");
  ASSERT_TRUE(module);
  EXPECT_EQ(exported(*module), *writeProgram(program));
}

TEST_F(ISAToProgram, TextKeepsEveryByte) {
  Program program = makeMappedProgram(context);
  OwningOpRef<ModuleOp> module = importProgram(&context, program, "p");
  ASSERT_TRUE(module);
  std::string text;
  llvm::raw_string_ostream os(text);
  // Locations carry the nodes.
  module->print(os, OpPrintingFlags().enableDebugInfo());
  OwningOpRef<ModuleOp> again =
      parseSourceString<ModuleOp>(text, ParserConfig(&context));
  ASSERT_TRUE(again) << text;
  EXPECT_EQ(exported(*again), *writeProgram(program));
}

TEST_F(ISAToProgram, DebugMapComesFromLocationsAndNotes) {
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(module->getBody());
  DictionaryAttr empty = builder.getDictionaryAttr({});
  auto op = isa::ProgramOp::create(builder, builder.getUnknownLoc(), "p", empty,
                                   empty);
  builder.setInsertionPointToEnd(&*op.getBody().begin());
  Location node = NameLoc::get(builder.getStringAttr("/lstm"));
  Location inner = FusedLoc::get(
      &context, {builder.getUnknownLoc(),
                 NameLoc::get(builder.getStringAttr("outer"), node)});
  isa::EntryOp::create(builder, node, isa::EntryKind::Run);
  isa::AAddOp::create(builder, inner, isa::AAdd{.dst = 1, .imm = 2},
                      {.layer = 3, .what = "say \"so\""});
  auto loop = isa::LoopOp::create(builder, node, isa::Trips{true, -1}, 9);
  builder.setInsertionPointToEnd(&*loop.getBody().begin());
  isa::BarrierOp::create(builder, builder.getUnknownLoc(), isa::Barrier{});
  builder.setInsertionPointAfter(loop);
  isa::HaltOp::create(builder, node, isa::Halt{});

  FailureOr<Program> program = exportProgram(op);
  ASSERT_TRUE(succeeded(program));
  EXPECT_EQ(*canonicalJson(*program->debug, "debug"),
            R"({"instructions":[)"
            R"({"layer":3,"node":"/lstm","pc":0,"what":"say \"so\""},)"
            R"({"layer":null,"node":"/lstm","pc":1,"what":""},)"
            R"({"layer":null,"node":null,"pc":2,"what":""},)"
            R"({"layer":null,"node":"/lstm","pc":3,"what":""},)"
            R"({"layer":null,"node":"/lstm","pc":4,"what":""}],)"
            R"("locations":{"/lstm":[[0,1],[3,4]]}})");
  EXPECT_EQ(std::get<isa::Loop>(*isa::decode(program->word(1))),
            (isa::Loop{.trips = {true, -1}, .cap = 9, .length = 2}));
}

TEST_F(ISAToProgram, JsonAttributesKeepTheirKinds) {
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
  std::string text =
      R"({"a":[1,-2,2.5,"x",true,null],"b":{"c":9007199254740993},"é":"ü"})";
  FailureOr<Attribute> attr = isa::parseJsonAttr(&context, text, emitError);
  ASSERT_TRUE(succeeded(attr));
  FailureOr<std::string> back = isa::printJsonAttr(*attr, emitError);
  ASSERT_TRUE(succeeded(back));
  EXPECT_EQ(*canonicalJson(*back, "back"), *canonicalJson(text, "text"));

  std::vector<std::string> messages;
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diag) { messages.push_back(diag.str()); });
  EXPECT_TRUE(failed(isa::parseJsonAttr(&context, "{", emitError)));
  EXPECT_TRUE(failed(
      isa::printJsonAttr(Builder(&context).getI32IntegerAttr(1), emitError)));
  EXPECT_EQ(messages.size(), 2u);
}

TEST_F(ISAToProgram, MalformedProgramsAreRefused) {
  std::vector<std::string> messages;
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diag) { messages.push_back(diag.str()); });
  Program program = test::makeProgram();
  program.text[0] = 0;
  EXPECT_FALSE(importProgram(&context, program, "p"));
  program = test::makeProgram();
  program.text.resize(3 * isa::kInstructionBytes); // inside the loop
  EXPECT_FALSE(importProgram(&context, program, "p"));
  program = test::makeProgram();
  program.meta = "[]";
  EXPECT_FALSE(importProgram(&context, program, "p"));
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].substr(0, 41),
            "instruction 0: field 'opcode' is 0x00, al");
  EXPECT_EQ(messages[1], "a loop is not closed");
  EXPECT_EQ(messages[2], ".hcgs.meta is no JSON object");
}

} // namespace

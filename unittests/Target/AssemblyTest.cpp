// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembly text: every instruction's syntax, messages, whole files.

#include "hcgs/Target/Assembly.h"
#include "TestProgram.h"
#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::isa;
using namespace hcgs::test;

namespace {

/// The first error of a file that consists of a target, an entry and `line`,
/// which is line 3.
std::string errorOfLine(const std::string &line) {
  Result<Program> program =
      assemble(".target generic\n.entry run\n" + line + "\nhalt\n", "t.s");
  return program ? "" : program.message();
}

TEST(Assembly, ExamplesOfEveryInstructionRoundTrip) {
  for (const InstructionInfo &info : allInstructions())
    for (const char *example : info.examples) {
      Result<Instruction> inst = parseInstruction(example);
      ASSERT_TRUE(inst) << example << ": " << inst.message();
      EXPECT_EQ(getOpcode(*inst), info.opcode);
      EXPECT_EQ(printInstruction(*inst), example);
    }
}

/// Every field's extremes through text, too.
TEST(Assembly, ExtremesRoundTrip) {
  for (const InstructionInfo &info : allInstructions())
    for (unsigned i = 0; i < info.parts.size(); ++i)
      for (int64_t value : {info.parts[i].min, info.parts[i].max}) {
        RawInstruction raw{info.opcode, {}};
        for (unsigned part = 0; part < info.parts.size(); ++part)
          raw.parts[part] = info.parts[part].min;
        raw.parts[i] = value;
        std::string text = printInstruction(fromRaw(raw));
        Result<Instruction> inst = parseInstruction(text);
        ASSERT_TRUE(inst) << text << ": " << inst.message();
        EXPECT_EQ(toRaw(*inst).parts, raw.parts) << text;
      }
}

TEST(Assembly, BlanksAndCommentsAreFree) {
  Result<Instruction> inst = parseInstruction(
      "  act v[ a3+1 ],a[0] , n 0x10,shift -2, table 7 ; note");
  ASSERT_TRUE(inst) << inst.message();
  EXPECT_EQ(printInstruction(*inst),
            "act v[a3 + 1], a[0], n 16, shift -2, table 7");
  inst = parseInstruction("loop T-2 cap 3 length 4 // note");
  ASSERT_TRUE(inst) << inst.message();
  EXPECT_EQ(printInstruction(*inst), "loop T - 2 cap 3 length 4");
  EXPECT_EQ(printInstruction(*inst, /*countedLoops=*/true), "loop T - 2 cap 3");
}

TEST(Assembly, MessagesNamePlaceFoundAndAllowed) {
  EXPECT_EQ(errorOfLine("  act v[0], a[0], n 1, shift 40, table 0"),
            "t.s:3:30: field 'shift' is 40, allowed -15..31");
  EXPECT_EQ(errorOfLine("nop").substr(0, 43),
            "t.s:3:1: unknown instruction 'nop', allowed");
  EXPECT_EQ(errorOfLine("fill a[0], 1, n 1"),
            "t.s:3:6: expected field 'dst', an address v[...], found 'a'");
  EXPECT_EQ(errorOfLine("fill v[a40], 1, n 1"),
            "t.s:3:8: field 'dst' is a40, allowed a0..a31");
  EXPECT_EQ(errorOfLine("fill v[a1 + 524288], 1, n 1"),
            "t.s:3:11: field 'dst.offset' is 524288, allowed -524288..524287");
  EXPECT_EQ(errorOfLine("fill v[a1 * 2], 1, n 1"),
            "t.s:3:11: expected ']', found '*'");
  EXPECT_EQ(errorOfLine("fill v[0], 99999999999999999999, n 1"),
            "t.s:3:12: field 'value' is 99999999999999999999, allowed "
            "-32768..32767");
  EXPECT_EQ(errorOfLine("fill v[0], 1, n 1 1"),
            "t.s:3:19: expected the end of the line, found '1'");
  EXPECT_EQ(errorOfLine("fill v[0], 1"),
            "t.s:3:13: expected ',', found the end of the line");
  EXPECT_EQ(errorOfLine("vacc a[0], v[0], n 1, lshift 0, init bias"),
            "t.s:3:38: expected field 'init', one of acc, zero, found 'bias'");
  EXPECT_EQ(errorOfLine("aset a0, 1"),
            "t.s:3:6: field 'dst' is a0, allowed a1..a31");
  EXPECT_EQ(errorOfLine("\xff"),
            "t.s:3:1: expected an instruction, found byte 0xff");
  EXPECT_EQ(errorOfLine(".bogus").substr(0, 45),
            "t.s:3:1: expected a directive, one of .target");
  EXPECT_EQ(errorOfLine(".entry run"),
            "t.s:3:8: entry 'run' is already at instruction 0");
  EXPECT_EQ(errorOfLine("loop T"), "t.s:3: loop without endloop");
  EXPECT_EQ(errorOfLine("endloop"),
            "t.s:3:1: endloop without a loop before it");
  EXPECT_EQ(errorOfLine(".weights codes 4 signmag [1, 0]"),
            "t.s:3:25: signmag has no code 0");
  EXPECT_EQ(errorOfLine(".weights hex 0"),
            "t.s:3:14: expected two hexadecimal digits for each byte, found "
            "'0'");
  EXPECT_EQ(errorOfLine(".meta {\"entries\": {}}"),
            "t.s:3:7: key 'entries' follows from the rest of the file; leave "
            "it out");
  EXPECT_EQ(errorOfLine(".meta {"),
            "t.s:3:7: the JSON object that begins here has no closing '}'");
  EXPECT_EQ(errorOfLine(".target moon").substr(0, 37),
            "t.s:3:9: unknown target 'moon', allow");
}

/// What verifyProgram finds is reported at the line of the instruction.
TEST(Assembly, ProgramErrorsNameTheLine) {
  EXPECT_EQ(errorOfLine("// nothing\n\nact v[0], a[0], n 1, shift 0, table 0"),
            "t.s:5: act: field 'table' is 0, allowed none: the program has no "
            "tables");
  EXPECT_EQ(errorOfLine("aset a1, 3 ring 3 + 0"),
            "t.s:3: aset: field 'lo' is 3, allowed 0 without a ring");
  EXPECT_TRUE(assemble(".target generic\n.entry run\nastream a1, stream 5\n"
                       "halt\n",
                       "t.s", {.verify = false}));
  EXPECT_EQ(assemble("halt\n", "t.s").message(),
            "t.s:2: no target; write '.target NAME', one of brainwave-96k, "
            "generic, hcgs-65nm, sharp-16k, sharp-1k, sharp-4k, sharp-64k, "
            "wang-90nm");
  EXPECT_EQ(assemble(".target generic\nhalt", "t.s").message(),
            "t.s:2: no entry 'run'; write '.entry run' before its first "
            "instruction");
}

/// What the descriptors say is held against the images and the target.
TEST(Assembly, DescriptorErrorsNameTheField) {
  auto errorOf = [](std::string_view target, std::string_view lines) {
    Result<Program> program = assemble(
        fmt::format(".target {}\n{}\n.entry run\nhalt\n", target, lines),
        "t.s");
    return program ? std::string() : program.message();
  };
  const std::string circulant = ".desc circulant 2 gates 1 bits 6 twos rows 3 "
                                "cols 5 block 2 weights 0 + ";
  const std::string nine = "\n.weights hex 000000000000000000";
  EXPECT_EQ(errorOf("generic", circulant + "9" + nine), "");
  EXPECT_EQ(
      errorOf("generic", circulant + "8" + nine),
      "t.s:6: .hcgs.desc: descriptor 0: weight_bytes is 8, allowed 9 for 1 "
      "gates of 3 x 5 6-bit weights in circulant blocks of 2");
  EXPECT_EQ(errorOf("hcgs-65nm", circulant + "9" + nine),
            "t.s:6: .hcgs.desc: descriptor 0: kind is circulant, target "
            "'hcgs-65nm' allows dense, hcgs");
  EXPECT_EQ(errorOf("generic", ".desc circulant 6 gates 1 bits 6 twos rows 3 "
                               "cols 5 block 3 weights 0 + 0"),
            "t.s:5: .hcgs.desc: descriptor 0: block is 6, allowed 2..5 for a "
            "circulant matrix of 3 x 5");
  EXPECT_EQ(
      errorOf("generic",
              ".desc hcgs separate gates 1 bits 6 twos rows 3 cols 5 "
              "block 3 weights 0 + 0 index 0 + 0 tier 2 x 2 keep 1 / 2 "
              "row"),
      "t.s:5: .hcgs.desc: descriptor 0: masks is 1, allowed 0 for a matrix "
      "of one gate");
  EXPECT_EQ(errorOf("generic", ".desc sparse gates 1"),
            "t.s:2:7: expected the kind of the matrix, one of dense, hcgs, "
            "circulant, found 'sparse'");
  EXPECT_EQ(errorOf("generic", ".desc dense separate gates 1"),
            "t.s:2:13: expected 'gates', found 'separate'");
}

TEST(Assembly, StatementsGoOnAfterCommas) {
  EXPECT_EQ(errorOfLine("fill v[0], // first\n\n  1,\nn 1"), "");
  EXPECT_EQ(errorOfLine("fill v[0], 1,\n m 1"),
            "t.s:4:2: expected 'n', found 'm'");
  EXPECT_EQ(errorOfLine("fill v[0], 1\n, n 1"),
            "t.s:3:13: expected ',', found the end of the line");
}

TEST(Assembly, LoopsAreCounted) {
  Result<Program> program =
      assemble(".target generic\n.entry run\nloop 2\nloop T\nbarrier\nendloop\n"
               "endloop\nhalt\n",
               "t.s");
  ASSERT_TRUE(program) << program.message();
  EXPECT_EQ(std::get<Loop>(*decode(program->word(0))).length, 4u);
  EXPECT_EQ(std::get<Loop>(*decode(program->word(1))).length, 2u);
  EXPECT_EQ(errorOfLine("loop 2 length 3\nendloop"),
            "t.s:3:1: field 'length' is 3, but the matching endloop is "
            "instruction 1 of the body; leave the length out");
}

TEST(Assembly, LoopsNestFourDeep) {
  std::string four = "loop 1\nloop 1\nloop 1\nloop 1\n"
                     "endloop\nendloop\nendloop\nendloop";
  EXPECT_EQ(errorOfLine(four), "");
  EXPECT_EQ(errorOfLine("loop 1\n" + four + "\nendloop"),
            "t.s:7: loop: nested 5 deep, allowed 4");
}

TEST(Assembly, DisassemblyAssemblesToTheSameBytes) {
  Program program = makeProgram();
  Result<std::string> text = disassemble(program);
  ASSERT_TRUE(text) << text.message();
  Result<Program> again = assemble(*text, "again.s");
  ASSERT_TRUE(again) << again.message() << "\n" << *text;
  EXPECT_EQ(*writeProgram(*again), makeFile());
}

/// Sections no directive describes go through as bytes.
TEST(Assembly, OddSectionsGoThroughAsBytes) {
  Program program = makeProgram();
  program.vinit.clear();
  // A gap before the entries of the table: another writer's choice.
  program.tables.insert(program.tables.end() - 8, 4, 0);
  program.tables[8 + 16] += 4;
  Result<std::string> text = disassemble(program);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(".section vinit\n"), std::string::npos);
  EXPECT_NE(text->find(".section tables 01000000"), std::string::npos);
  Result<Program> again = assemble(*text, "again.s");
  ASSERT_TRUE(again) << again.message();
  EXPECT_EQ(again->vinit, program.vinit);
  EXPECT_EQ(again->tables, program.tables);
}

TEST(Assembly, CommentsOfTheDebugMap) {
  Result<std::string> text = disassemble(makeProgram(), {.everything = false});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find(".target"), std::string::npos);
  EXPECT_NE(text->find("// 0 /a: x\n"), std::string::npos);
}

/// Lines keep to 80 columns: comments go above, instructions over two lines.
TEST(Assembly, ListingsKeepToEightyColumns) {
  Program program = makeProgram();
  std::string what(70, 'w');
  program.debug = fmt::format(
      R"({{"instructions": [{{"pc": 0, "node": "/a", "what": "{}"}},
          {{"pc": 5, "node": "/b", "what": "one {} two"}}]}})",
      what.substr(0, 20), what);
  Result<std::string> text = disassemble(program, {.everything = false});
  ASSERT_TRUE(text);
  // Too long for the comments' column, but not for the line.
  EXPECT_NE(text->find("  astream a1, stream 0  // 0 /a: wwwww"),
            std::string::npos)
      << *text;
  EXPECT_NE(text->find("      // 5 /b: one\n      //   " + what +
                       "\n      //   two\n      mvm a[0], v[0], desc 0, "),
            std::string::npos)
      << *text;
  EXPECT_NE(text->find("init bias,\n          shifts"), std::string::npos)
      << *text;
  Program again = program;
  again.debug.reset();
  Result<std::string> all = disassemble(again);
  ASSERT_TRUE(all);
  Result<Program> back = assemble(*all, "again.s");
  ASSERT_TRUE(back) << back.message();
  EXPECT_EQ(back->text, program.text);
}

} // namespace

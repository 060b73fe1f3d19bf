// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-objdump: shows what is in a program file, strips it, and exports its
// images.
//
// Exit status: 0 success, 1 bad input, 2 wrong usage.
//
#include "Dump.h"
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/CommandLine.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/Export.h"
#include "hcgs/Target/ProgramFile.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <string>

using namespace hcgs;

namespace {
struct Options {
  std::string input, output, emit;
  bool disassemble = false, disassembleAll = false, header = false,
       meta = false, target = false, descriptors = false, tables = false,
       strip = false, noVerify = false;
  std::optional<size_t> weights;
  std::optional<uint64_t> word;

  bool writesFile() const { return strip || !emit.empty(); }
  bool lists() const {
    return disassemble || disassembleAll || header || meta || target ||
           descriptors || tables || weights;
  }
};
} // namespace

static std::string_view asText(const std::vector<uint8_t> &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static Result<void> writeOutput(Program program, const Options &options) {
  if (options.strip) {
    program.debug.reset();
    Result<std::vector<uint8_t>> bytes = writeProgram(program);
    if (!bytes)
      return bytes.takeError().at(options.input);
    return writeFileAtomically(options.output, asText(*bytes));
  }
  if (options.emit == "c-header") {
    std::string name = std::filesystem::path(options.output).stem().string();
    Result<std::string> text = exportCHeader(program, name);
    if (!text)
      return text.takeError().at(options.input);
    return writeFileAtomically(options.output, *text);
  }
  Result<std::vector<ExportedFile>> files = exportMemh(program);
  if (!files)
    return files.takeError().at(options.input);
  AtomicFileGroup group;
  for (const ExportedFile &file : *files)
    if (Result<void> staged =
            group.stage(options.output + file.suffix, file.text);
        !staged)
      return staged;
  return group.commit();
}

/// All listings that were asked for, or the summary.
static Result<std::string> makeListing(const Program &program,
                                       std::span<const uint8_t> bytes,
                                       const Options &options) {
  Result<Dumper> dumper = Dumper::create(program, bytes);
  if (!dumper)
    return dumper.takeError();
  std::string text;
  if (!options.lists())
    text += dumper->summary();
  if (options.header)
    text += dumper->header();
  if (options.meta)
    text += dumper->meta();
  if (options.target)
    text += dumper->target();
  auto add = [&](Result<std::string> part) -> Result<void> {
    if (!part)
      return part.takeError();
    text += *part;
    return {};
  };
  if (options.descriptors)
    if (Result<void> done = add(dumper->descriptors()); !done)
      return done.takeError();
  if (options.tables)
    if (Result<void> done = add(dumper->tables()); !done)
      return done.takeError();
  if (options.weights)
    if (Result<void> done =
            add(dumper->weights(*options.weights, options.word));
        !done)
      return done.takeError();
  if (options.disassemble || options.disassembleAll)
    if (Result<void> done =
            add(disassemble(program, {.everything = options.disassembleAll}));
        !done)
      return done.takeError();
  return text;
}

static Result<void> dumpFile(const Options &options) {
  if (Result<void> checked =
          checkOutputPaths({options.output}, {options.input});
      !checked)
    return checked;
  Result<MappedFile> file = MappedFile::open(options.input);
  if (!file)
    return file.takeError();
  std::span<const uint8_t> bytes(
      reinterpret_cast<const uint8_t *>(file->bytes().data()),
      file->bytes().size());
  Result<Program> program = readProgram(bytes, {.verify = !options.noVerify});
  if (!program)
    return program.takeError().at(options.input);
  if (options.writesFile())
    return writeOutput(std::move(*program), options);
  Result<std::string> text = makeListing(*program, bytes, options);
  if (!text)
    return text.takeError().at(options.input);
  if (!options.output.empty())
    return writeFileAtomically(options.output, *text);
  return writeStandardOutput(*text);
}

/// The library would read "-1" as the largest number there is.
static std::string checkIndex(const std::string &text) {
  if (text.starts_with('-'))
    return fmt::format("{} found, allowed are numbers from 0 on", text);
  return "";
}

static void addOptions(CLI::App &app, Options &options) {
  app.add_option("program", options.input, "Program file")
      ->required()
      ->type_name("PROGRAM");
  app.add_flag("-d,--disassemble", options.disassemble,
               "Instructions, with what the debug map says about them");
  app.add_flag("-D,--disassemble-all", options.disassembleAll,
               "The whole program as assembly; hcgs-as makes the same file of "
               "it");
  app.add_flag("--header", options.header, "Version, size and digest");
  app.add_flag("--meta", options.meta, "Metadata as JSON");
  app.add_flag("--target", options.target, "The target's JSON");
  app.add_flag("--descriptors", options.descriptors,
               "Shape, pattern and place of each matrix");
  app.add_flag("--tables", options.tables,
               "Activation tables: start, base and slope of each segment");
  app.add_option("--weights", options.weights,
                 "Every stored word of a matrix: gate, row, column and value")
      ->check(checkIndex)
      ->type_name("DESCRIPTOR");
  app.add_option("--word", options.word, "With --weights: only this word")
      ->check(checkIndex)
      ->type_name("N");
  app.add_flag("--strip", options.strip,
               "Write the program without its debug map to --output");
  app.add_option("--emit", options.emit,
                 "memh: one $readmemh image a memory, --output is their "
                 "prefix; c-header: all memories as C arrays")
      ->check(CLI::IsMember({"memh", "c-header"}))
      ->type_name("FORM");
  app.add_option("-o,--output", options.output,
                 "Where the output goes; listings go to standard output "
                 "without it")
      ->type_name("FILE");
  app.add_flag("--no-verify", options.noVerify,
               "Show programs whose instructions or images are wrong, too; the "
               "file itself must be whole");
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Shows, strips and exports hcgs program files. Without options: "
               "a summary.",
               "hcgs-objdump");
  app.set_version_flag("--version", "hcgs-objdump " HCGS_VERSION);
  app.footer("Exit status: 0 success, 1 bad input, 2 wrong usage.");
  addOptions(app, options);
  try {
    app.parse(commandLine(app, argc, argv));
    if (options.word && !options.weights)
      throw CLI::ValidationError("--word needs --weights");
    if (options.disassemble && options.disassembleAll)
      throw CLI::ValidationError("--disassemble and --disassemble-all exclude "
                                 "each other; the second shows all");
    if (app.count("--output") > 0 && options.output.empty())
      throw CLI::ValidationError("--output: the name of the file is empty");
    if (options.strip && !options.emit.empty())
      throw CLI::ValidationError("--strip and --emit exclude each other");
    if (options.writesFile() && options.lists())
      throw CLI::ValidationError(
          "--strip and --emit write files and take no listing with them");
    if (options.writesFile() && options.output.empty())
      throw CLI::ValidationError(
          "--output is missing; say where the file goes");
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    fmt::print(stderr, "hcgs-objdump: error: {}\n", error.what());
    fmt::print(stderr, "run hcgs-objdump --help for the options\n");
    return 2;
  }
  try {
    Result<void> done = dumpFile(options);
    if (done)
      return 0;
    fmt::print(stderr, "hcgs-objdump: error: {}\n", done.message());
  } catch (const std::bad_alloc &) {
    fmt::print(stderr,
               "hcgs-objdump: error: '{}': there is not enough memory\n",
               options.input);
  }
  return 1;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-as: assembly text to a program file.
//
// Exit status: 0 success, 1 bad input, 2 wrong usage. Nothing is written unless
// all of it can be.
//
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/CommandLine.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/ProgramFile.h"
#include "hcgs/Target/TargetModel.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iterator>
#include <new>
#include <string>
#include <string_view>

using namespace hcgs;

namespace {
struct Options {
  std::string input, output, printTarget;
  bool noVerify = false, listTargets = false;
};
} // namespace

/// The text of a file, or of standard input for "-".
static Result<std::string> readText(const std::string &path) {
  if (path == "-")
    return std::string(std::istreambuf_iterator<char>(std::cin), {});
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return std::string(file->bytes());
}

/// What `.target` can name.
static Result<void> tellTargets(const Options &options) {
  if (options.listTargets) {
    Result<std::string> table = printTargetTable();
    return table ? writeStandardOutput(*table) : table.takeError();
  }
  Result<TargetModel> target = loadTarget(options.printTarget);
  return target ? writeStandardOutput(printTarget(*target))
                : target.takeError();
}

static Result<void> assembleFile(const Options &options) {
  if (Result<void> checked =
          checkOutputPaths({options.output}, {options.input});
      !checked)
    return checked;
  Result<std::string> text = readText(options.input);
  if (!text)
    return text.takeError();
  std::string name = options.input == "-" ? "<stdin>" : options.input;
  Result<Program> program =
      assemble(*text, name, {.verify = !options.noVerify});
  if (!program)
    return program.takeError();
  Result<std::vector<uint8_t>> bytes = writeProgram(*program);
  if (!bytes)
    return bytes.takeError().at(name);
  return writeFileAtomically(
      options.output,
      std::string_view(reinterpret_cast<const char *>(bytes->data()),
                       bytes->size()));
}

/// Refuses what would have no effect, rather than pass over it.
static void checkUsage(const Options &options, const CLI::App &app) {
  for (const char *asked : {"--list-targets", "--print-target"}) {
    if (app.count(asked) == 0)
      continue;
    for (const char *other : {"--list-targets", "--print-target", "input",
                              "--output", "--no-verify"})
      if (std::string_view(other) != asked && app.count(other) > 0)
        throw CLI::ValidationError(std::string(asked) + " and " + other +
                                   " exclude each other");
    return;
  }
  if (options.input.empty())
    throw CLI::RequiredError("input");
  if (options.output.empty())
    throw CLI::RequiredError("--output");
}

int main(int argc, char **argv) {
  Options options;
  bool asks = false;
  CLI::App app("Assembles text into an hcgs program file.", "hcgs-as");
  app.set_version_flag("--version", "hcgs-as " HCGS_VERSION);
  app.footer("The syntax is described in docs/Guides/Assembly.md and "
             "docs/Spec/InstructionTables.md;\nhcgs-objdump --disassemble-all "
             "prints it.\n\nExit status: 0 success, 1 bad input, 2 wrong "
             "usage.");
  app.add_option("input", options.input, "Assembly text; - is standard input")
      ->type_name("FILE.s");
  app.add_option("-o,--output", options.output, "Program file to write")
      ->type_name("FILE");
  app.add_flag("--no-verify", options.noVerify,
               "Write programs that readers will refuse, too: unknown "
               "descriptors, tables or streams, addresses outside memories");
  app.add_flag("--list-targets", options.listTargets,
               "Print the shipped targets");
  app.add_option("--print-target", options.printTarget,
                 "Print a target as JSON, its base merged in, with the origin "
                 "of each number")
      ->type_name("NAME|FILE");
  try {
    app.parse(commandLine(app, argc, argv));
    checkUsage(options, app);
    asks = app.count("--list-targets") + app.count("--print-target") > 0;
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr, "hcgs-as: error: %s\n", error.what());
    std::fprintf(stderr, "run hcgs-as --help for the options\n");
    return 2;
  }
  try {
    Result<void> done = asks ? tellTargets(options) : assembleFile(options);
    if (done)
      return 0;
    std::fprintf(stderr, "hcgs-as: error: %s\n", done.message().c_str());
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "hcgs-as: error: there is not enough memory\n");
  }
  return 1;
}

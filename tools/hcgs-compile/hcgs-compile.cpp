// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-compile: from an ONNX model, or IR of any phase, to a program.
//
// Exit status: 0 success, 1 bad input, 2 wrong usage. Output files are written
// last, all or none.
//
#include "hcgs/Pipelines/Compiler.h"
#include "hcgs/Pipelines/Report.h"
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/CommandLine.h"
#include "hcgs/Support/Progress.h"
#include "hcgs/Target/TargetModel.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

using namespace hcgs;

namespace {
struct Arguments {
  CompileOptions options;
  std::string input, output, report, analysis, printTarget;
  bool listOperators = false, listTargets = false, printSchema = false;
  bool remarks = false, printAccounting = false;
};
} // namespace

/// Help text in lines that fit 80 columns beside the names of options.
static std::string wrap(std::string_view text) {
  constexpr size_t kWidth = 49;
  std::string result;
  size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > kWidth) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result;
}

/// Adds every option of the table; its own check gives the message.
static void addOptions(CLI::App &app, CompileOptions &options) {
  for (const OptionInfo &info : compileOptionTable()) {
    if (info.kind == OptionInfo::Kind::Flag) {
      app.add_flag_function(
             "--" + info.name,
             [&](int64_t) { (void)info.set(options, "true"); }, wrap(info.help))
          ->group(info.group);
      continue;
    }
    const std::string standard = info.get(options);
    app.add_option_function<std::string>(
           "--" + info.name,
           [&](const std::string &text) {
             Result<void> set = info.set(options, text);
             if (!set)
               throw CLI::ValidationError("--" + info.name, set.message());
           },
           wrap(standard.empty() ? info.help
                                 : info.help + " [" + standard + "]"))
        ->type_name(info.value)
        ->group(info.group);
  }
}

static Result<void> compile(const Arguments &arguments) {
  const bool toStdout = arguments.output == "-";
  Progress progress("phases", kCompilePhases);
  CompileCallbacks callbacks;
  callbacks.phaseDone = [&] { progress.advance(); };
  Result<CompileOutput> output = compileFile(
      arguments.input, arguments.input, arguments.options,
      /*bytecode=*/arguments.output.ends_with(".mlirbc"), callbacks);
  if (!output)
    return output.takeError();

  AtomicFileGroup files;
  if (!toStdout && !arguments.output.empty() && output->parts.empty())
    if (Result<void> staged = files.stage(arguments.output, output->bytes);
        !staged)
      return staged;
  for (const OutputPart &part : output->parts)
    if (Result<void> staged =
            files.stage(arguments.output + part.suffix, part.text);
        !staged)
      return staged;
  if (!arguments.report.empty() && arguments.report != "-")
    if (Result<void> staged = files.stage(arguments.report, output->report);
        !staged)
      return staged;
  if (!arguments.analysis.empty() && arguments.analysis != "-")
    if (Result<void> staged = files.stage(arguments.analysis, output->analysis);
        !staged)
      return staged;
  if (Result<void> written = files.commit(); !written)
    return written;
  if (toStdout)
    if (Result<void> written = writeStandardOutput(output->bytes); !written)
      return written;
  if (arguments.report == "-")
    if (Result<void> written = writeStandardOutput(output->report); !written)
      return written;
  if (arguments.printAccounting)
    if (Result<void> written =
            writeStandardOutput(formatAccounting(output->report));
        !written)
      return written;
  if (!output->analysis.empty())
    if (Result<void> written = writeStandardOutput(arguments.analysis == "-"
                                                       ? output->analysis
                                                       : output->analysisText);
        !written)
      return written;
  if (arguments.remarks)
    for (const std::string &remark : output->remarks)
      fmt::print(stderr, "hcgs-compile: remark: {}\n", remark);
  return {};
}

/// What is asked for instead of a compilation; false if nothing is.
static Result<bool> answer(const Arguments &arguments) {
  std::string text;
  if (arguments.listOperators) {
    text = supportedOperators();
  } else if (arguments.listTargets) {
    Result<std::string> table = printTargetTable();
    if (!table)
      return table.takeError();
    text = std::move(*table);
  } else if (arguments.printSchema) {
    text = std::string(getTargetSchema());
  } else if (!arguments.printTarget.empty()) {
    Result<TargetModel> target = loadTarget(arguments.printTarget);
    if (!target)
      return target.takeError();
    text = printTarget(*target);
  } else {
    return false;
  }
  if (Result<void> written = writeStandardOutput(text); !written)
    return written.takeError();
  return true;
}

/// Rules between options that no single one can check.
static void checkUsage(Arguments &arguments) {
  if (arguments.input.empty())
    throw CLI::RequiredError("the input file");
  if (Result<void> applied = applyConfig(arguments.options); !applied)
    throw CLI::ValidationError(applied.message());
  if (Result<void> checked = checkCompileOptions(arguments.options); !checked)
    throw CLI::ValidationError(checked.message());
  const Emit emit = arguments.options.emit;
  const bool text = emit != Emit::Elf && emit != Emit::Memh;
  if (arguments.output.empty() && text)
    arguments.output = "-";
  const bool analyze = !arguments.options.analyze.empty();
  const bool onlyAnalysis =
      analyze && emit == Emit::Elf && arguments.output.empty();
  if (!onlyAnalysis &&
      (arguments.output.empty() || (arguments.output == "-" && !text)))
    throw CLI::ValidationError(fmt::format(
        "--emit={} cannot go to standard output; name {} with -o",
        getName(emit), emit == Emit::Memh ? "a prefix of files" : "a file"));
  if (arguments.output == "-" && arguments.report == "-")
    throw CLI::ValidationError("output and report cannot both go to standard "
                               "output; name a file for one of them");
  if (isGiven(arguments.options, "operating-point") && arguments.report.empty())
    throw CLI::ValidationError("--operating-point has no effect without "
                               "--report; leave it out or give that too");
  if (arguments.printAccounting && emit < Emit::ISA)
    throw CLI::ValidationError(fmt::format(
        "--print-accounting is about a program, which --emit={} does not make; "
        "leave one of them out",
        getName(emit)));
  if (arguments.printAccounting &&
      (arguments.output == "-" || arguments.report == "-"))
    throw CLI::ValidationError(
        "--print-accounting goes to standard output, and so does the output or "
        "the report; name a file for it");
  if (!analyze && !arguments.analysis.empty())
    throw CLI::ValidationError("--analyze-output has no effect without "
                               "--analyze; leave it out or give that too");
  if (analyze && (arguments.output == "-" || arguments.report == "-" ||
                  arguments.printAccounting))
    throw CLI::ValidationError(
        "--analyze prints on standard output, and so does the output, the "
        "report or --print-accounting; name a file for it or leave it out");
  const std::string &output = arguments.output, &report = arguments.report,
                    &analysis = arguments.analysis;
  if (isSameFile(output, report))
    throw CLI::ValidationError(fmt::format(
        "output and report cannot both be '{}'; name two files", output));
  for (const std::string *other : {&output, &report})
    if (isSameFile(*other, analysis))
      throw CLI::ValidationError(fmt::format(
          "'{}' cannot be the output or the report and --analyze-output, too; "
          "name two files",
          *other));
  std::vector<std::string> read = filesRead(arguments.options);
  read.push_back(arguments.input);
  for (const std::string *written : {&output, &report, &analysis})
    for (const std::string &file : read)
      if (isSameFile(*written, file))
        throw CLI::ValidationError(fmt::format(
            "'{}' would be overwritten, and it is read; name another output",
            file));
  if (arguments.output.ends_with(".mlirbc") && emit > Emit::ISA)
    throw CLI::ValidationError(fmt::format(
        "'{}' is a name for bytecode, which --emit={} is not; name another "
        "file, or emit rnn, compressed, quantized, hcgs or isa",
        arguments.output, getName(emit)));
}

int main(int argc, char **argv) {
  Arguments arguments;
  CLI::App app("Compiles an ONNX LSTM model into a program for an hcgs "
               "machine.",
               "hcgs-compile");
  app.set_version_flag("--version", "hcgs-compile " HCGS_VERSION);
  app.footer("INPUT is an ONNX model, or IR of any phase as text (.mlir) or "
             "bytecode\n(.mlirbc); the compilation goes on from there.\n\n"
             "Exit status: 0 success, 1 bad input, 2 wrong usage. Output files "
             "are written\nlast, all or none.");
  app.add_option("input", arguments.input, wrap("The model"))
      ->type_name("INPUT");
  app.add_option(
         "-o,--output", arguments.output,
         wrap("Where the result goes; - (standard output) for texts, and "
              "the default of --emit other than elf; a name with .mlirbc "
              "asks for bytecode; --emit=memh takes it as a prefix of one "
              "file a memory"))
      ->type_name("FILE");
  app.add_option("--report", arguments.report,
                 wrap("Write sizes, formats, tables and remarks as JSON; - is "
                      "standard output"))
      ->type_name("FILE.json");
  app.add_option("--analyze-output", arguments.analysis,
                 wrap("Write what --analyze finds as JSON; - is standard "
                      "output, then without tables"))
      ->type_name("FILE.json");
  app.add_flag("--remarks", arguments.remarks,
               wrap("Tell what was decided, on standard error"));
  app.add_flag("--print-accounting", arguments.printAccounting,
               wrap("Print what each matrix takes: kept weights, ratio to "
                    "dense, bits of weights, index and padding, balance"));
  app.add_flag("--list-supported-ops", arguments.listOperators,
               wrap("Print the ONNX operators that are taken, as Markdown"));
  app.add_flag("--list-targets", arguments.listTargets,
               wrap("Print the shipped targets"));
  app.add_option("--print-target", arguments.printTarget,
                 wrap("Print a target as JSON, its base merged in, with the "
                      "origin of each number"))
      ->type_name("NAME|FILE");
  app.add_flag("--print-target-schema", arguments.printSchema,
               wrap("Print the JSON Schema of target files"));
  addOptions(app, arguments.options);
  try {
    app.parse(commandLine(app, argc, argv));
    const bool asks = arguments.listOperators || arguments.listTargets ||
                      arguments.printSchema || !arguments.printTarget.empty();
    if (!asks)
      checkUsage(arguments);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    fmt::print(stderr, "hcgs-compile: error: {}\n", error.what());
    fmt::print(stderr, "run hcgs-compile --help for the options\n");
    return 2;
  }
  Result<bool> answered = answer(arguments);
  Result<void> done;
  if (!answered)
    done = answered.takeError();
  else if (!*answered)
    done = compile(arguments);
  if (!done) {
    fmt::print(stderr, "hcgs-compile: error: {}\n", done.message());
    return 1;
  }
  return 0;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole compiler behind one call, for the command line, for Python and for
// whoever embeds it. Plain C++: the caller sees neither MLIR nor exceptions.
//
//   hcgs::CompileOptions options;
//   options.target = "generic";
//   auto output = hcgs::compileFile("model.onnx", "model.onnx", options);
//   if (!output)
//     std::cerr << output.message() << "\n";
//
#ifndef HCGS_PIPELINES_COMPILER_H
#define HCGS_PIPELINES_COMPILER_H

#include "hcgs/Pipelines/Options.h"
#include "hcgs/Support/Result.h"

#include <functional>
#include <string>
#include <vector>

namespace hcgs {

/// One of several files of an output, named by what is added to a prefix.
struct OutputPart {
  std::string suffix; // ".wmem.memh"
  std::string text;
};

struct CompileOutput {
  /// What `options.emit` asked for: the bytes of a program file, or text.
  std::string bytes;
  /// With Emit::Memh, instead: one image a memory.
  std::vector<OutputPart> parts;
  /// The report (docs/Guides/Report.md), a JSON object.
  std::string report;
  /// What the compiler decided and a user may want to know, a line each. They
  /// are in the report, too.
  std::vector<std::string> remarks;
  /// With CompileOptions::analyze: the analysis as JSON and as tables
  /// (docs/Guides/Analysis.md).
  std::string analysis, analysisText;
};

/// How a caller follows a compilation.
struct CompileCallbacks {
  /// After each phase.
  std::function<void()> phaseDone;
};

/// Phases after which `phaseDone` is called, at most.
inline constexpr unsigned kCompilePhases = 6;

/// Compiles the file at `path`: an ONNX model, or IR of any phase as text or
/// bytecode (a `.mlir` or `.mlirbc` file, or one that begins like bytecode).
/// Messages call it `displayName`.
///
/// Bytecode instead of text is emitted for phases if `bytecode` is set.
///
/// The error is one message for the user: where, what was found, what is
/// allowed, what to do; further lines are notes to it.
Result<CompileOutput> compileFile(const std::string &path,
                                  const std::string &displayName,
                                  const CompileOptions &options,
                                  bool bytecode = false,
                                  const CompileCallbacks &callbacks = {});

/// All files that a compilation with these options reads besides its input:
/// calibration data (every file of a folder or pattern), the target's file, the
/// configuration, masks, tables of functions, and data to analyse on. Leaves
/// out what cannot be read; the compilation will say so.
std::vector<std::string> filesRead(const CompileOptions &options);

/// The operators and attributes that the importer takes, as a Markdown page.
std::string supportedOperators();

} // namespace hcgs

#endif // HCGS_PIPELINES_COMPILER_H

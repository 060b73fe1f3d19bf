// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analysis of the error for Python: one call that compiles and analyses.
//
#include "Bindings.h"

#ifdef HCGS_HAS_COMPILER
#include "hcgs/Pipelines/Compiler.h"
#endif

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace hcgs::python {

using Options = std::vector<std::pair<std::string, std::string>>;

#ifdef HCGS_HAS_COMPILER

static nb::tuple analyze(const std::string &path, const std::string &name,
                         const Options &given) {
  CompileOptions options;
  for (const auto &[key, value] : given)
    unwrap("CompileError", setCompileOption(options, key, value));
  auto output = [&] {
    nb::gil_scoped_release unlocked;
    return compileFile(path, name, options);
  }();
  CompileOutput done = unwrap("CompileError", std::move(output));
  return nb::make_tuple(nb::bytes(done.bytes.data(), done.bytes.size()),
                        done.report, done.analysis, done.analysisText);
}

#else

[[noreturn]] static nb::tuple analyze(const std::string &, const std::string &,
                                      const Options &) {
  throw Failure("CompileError",
                "this build of hcgs has no compiler, which the analysis needs; "
                "configure it with HCGS_ENABLE_COMPILER=ON");
}

#endif

void bindAnalysis(nb::module_ &module) {
  module.def(
      "analyze", &analyze, "path"_a, "name"_a, "options"_a,
      "Compile a file and analyse the error; `analyze` among the options "
      "names the data: the program's bytes, the report and the analysis "
      "as JSON text, and the analysis as tables.");
}

} // namespace hcgs::python

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler for Python: options travel as text, by the same table as those
// of the command line.
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

static nb::tuple compile(const std::string &path, const std::string &name,
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

static nb::list compileOptions() {
  const CompileOptions defaults;
  nb::list options;
  for (const OptionInfo &option : compileOptionTable())
    options.append(nb::make_tuple(option.name, option.value,
                                  option.get(defaults), option.help));
  return options;
}

#else

[[noreturn]] static nb::tuple compile(const std::string &, const std::string &,
                                      const Options &) {
  throw Failure("CompileError",
                "this build of hcgs has no compiler; configure it with "
                "HCGS_ENABLE_COMPILER=ON, or load programs made elsewhere");
}

static nb::list compileOptions() { return {}; }

#endif

void bindCompiler(nb::module_ &module) {
  module.def("compile", &compile, "path"_a, "name"_a, "options"_a,
             "Compile a file, called `name` in messages, with options as "
             "(name, text): the program's bytes, the report as JSON text and, "
             "if `analyze` names data, the analysis as JSON text and as "
             "tables.");
  module.def("compile_options", &compileOptions,
             "Every option: (name, what it takes, its default, help).");
}

} // namespace hcgs::python

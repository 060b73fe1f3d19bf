// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LoadedProgram and Runner for Python. Rows of a batch may run on several
// threads of the library; Python's lock is released while they do.
//
#include "Bindings.h"

#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Sim/Runner.h"
#include "hcgs/Sim/Trace.h"
#include "hcgs/Target/Assembly.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nlohmann/json.hpp>

namespace nb = nanobind;
using namespace nb::literals;

namespace hcgs::python {

namespace {

/// nanobind holds no pointers to const, so the program travels in a box.
struct ProgramHandle {
  sim::LoadedProgram::Ptr program;
};

/// Statistics stay in C++ until somebody asks for them: turning them into
/// JSON takes longer than a short run.
struct StatisticsHandle {
  sim::Statistics statistics;
};

/// A tensor as keyword arguments of hcgs.program.TensorSpec.
nb::list describe(const std::vector<sim::TensorInfo> &tensors) {
  nb::list described;
  for (const sim::TensorInfo &tensor : tensors) {
    nb::list axes, shape, bits, frac;
    for (const sim::Axis &axis : tensor.dims) {
      std::string_view name = sim::getName(axis.kind);
      axes.append(nb::str(name.data(), name.size()));
      shape.append(axis.size ? nb::cast(*axis.size) : nb::none());
    }
    for (const sim::TensorPart &part : tensor.parts) {
      bits.append(part.format.bits);
      frac.append(part.format.frac);
    }
    nb::dict fields;
    fields["name"] = tensor.name;
    fields["axes"] = nb::tuple(axes);
    fields["shape"] = nb::tuple(shape);
    fields["bits"] = nb::tuple(bits);
    fields["frac"] = nb::tuple(frac);
    described.append(fields);
  }
  return described;
}

sim::RunOptions optionsOf(bool codes, bool checked, bool timing,
                          unsigned threads, std::vector<int64_t> lengths) {
  sim::RunOptions options;
  options.codes = codes;
  options.checked = checked;
  options.timing = timing;
  options.threads = threads;
  options.lengths = std::move(lengths);
  return options;
}

/// Calls Runner::run or Runner::step with copies of the arrays, without
/// Python's lock.
template <auto method>
nb::tuple call(sim::Runner &runner, const NamedArrays &arrays, bool codes,
               bool checked, bool timing, unsigned threads,
               std::vector<int64_t> lengths) {
  NpzArrays inputs = fromNumpy(arrays);
  sim::RunOptions options =
      optionsOf(codes, checked, timing, threads, std::move(lengths));
  auto result = [&] {
    nb::gil_scoped_release unlocked;
    return (runner.*method)(inputs, options);
  }();
  sim::RunResult done = unwrap("SimulationError", std::move(result));
  return nb::make_tuple(toNumpy(std::move(done.outputs)),
                        StatisticsHandle{std::move(done.statistics)});
}

bool hasEntry(const ProgramHandle &handle, const std::string &name) {
  if (name == "run")
    return handle.program->hasEntry(sim::Entry::Run);
  if (name == "step")
    return handle.program->hasEntry(sim::Entry::Step);
  if (name == "reset")
    return handle.program->hasEntry(sim::Entry::Reset);
  throw nb::value_error("entries are run, step and reset");
}

OperatingPoint pointOf(const ProgramHandle &handle,
                       const std::optional<std::string> &name) {
  return unwrap("InputError",
                sim::chooseOperatingPoint(handle.program->target(), name));
}

/// What a run of so many time steps takes.
StatisticsHandle timing(const ProgramHandle &handle, int64_t steps) {
  auto counted = [&] {
    nb::gil_scoped_release unlocked;
    return sim::timeRun(handle.program, steps);
  }();
  return {unwrap("InputError", std::move(counted))};
}

/// The bytes of a trace of `run`, the trips it holds, and what its limit left
/// out.
nb::tuple trace(const ProgramHandle &handle, int64_t steps,
                const std::string &path, const std::string &which,
                const std::optional<std::string> &point) {
  sim::TraceOptions options;
  options.point = pointOf(handle, point);
  options.form = unwrap("InputError", sim::traceFormOf(path));
  if (!which.empty())
    options.steps = unwrap("InputError", sim::parseTraceSteps(which));
  auto made = [&] {
    nb::gil_scoped_release unlocked;
    return sim::traceRun(*handle.program, steps, options);
  }();
  sim::Trace done = unwrap("InputError", std::move(made));
  return nb::make_tuple(nb::bytes(done.bytes.data(), done.bytes.size()),
                        done.first, done.end, done.leftOut);
}

std::string disassembleBytes(nb::bytes bytes, bool everything) {
  std::span<const uint8_t> data(
      reinterpret_cast<const uint8_t *>(bytes.c_str()), bytes.size());
  Program program = unwrap("ProgramError", readProgram(data));
  DisassembleOptions options;
  options.everything = everything;
  return unwrap("ProgramError", disassemble(program, options));
}

} // namespace

void bindSimulator(nb::module_ &module) {
  nb::class_<StatisticsHandle>(module, "Statistics",
                               "What the simulator counted in one call.")
      .def(
          "json",
          [](const StatisticsHandle &handle) {
            return handle.statistics.toJson().dump();
          },
          "The counters as JSON text.")
      .def(
          "set_operating_point",
          [](StatisticsHandle &handle, const std::string &name) {
            unwrap("InputError", handle.statistics.setOperatingPoint(name));
          },
          "name"_a,
          "State times and energies at this point of the target; empty: the "
          "first.");

  module.def("disassemble", &disassembleBytes, "data"_a, "everything"_a,
             "The assembly of a program file, with its images if everything.");

  nb::class_<ProgramHandle>(module, "LoadedProgram",
                            "A program file, decoded and checked once.")
      .def_static(
          "from_bytes",
          [](nb::bytes bytes, const std::string &name) {
            std::string_view text(bytes.c_str(), bytes.size());
            auto loaded = [&] {
              nb::gil_scoped_release unlocked;
              return sim::LoadedProgram::fromBytes(text, name);
            }();
            return ProgramHandle{unwrap("ProgramError", std::move(loaded))};
          },
          "data"_a, "name"_a, "Load a file's bytes; name heads messages.")
      .def_prop_ro(
          "inputs",
          [](const ProgramHandle &handle) {
            return describe(handle.program->inputs());
          },
          "Fields of the inputs' TensorSpecs.")
      .def_prop_ro(
          "outputs",
          [](const ProgramHandle &handle) {
            return describe(handle.program->outputs());
          },
          "Fields of the outputs' TensorSpecs.")
      .def("trace", &trace, "steps"_a, "path"_a, "which"_a, "point"_a.none(),
           "A trace of run in the form that path's ending asks for, of the "
           "time steps in `which` (A:B, or empty), with the clock of an "
           "operating point: (bytes, first step, step after the last, what was "
           "left out).")
      .def(
          "operating_point",
          [](const ProgramHandle &handle,
             const std::optional<std::string> &name) {
            return pointOf(handle, name).name;
          },
          "name"_a.none(),
          "The name of an operating point that is asked for; None: the first.")
      .def("timing", &timing, "steps"_a,
           "The Statistics of one call of run on so many time steps, without "
           "data.")
      .def("has_entry", &hasEntry, "entry"_a,
           "Whether there is an entry run, step or reset.")
      .def_prop_ro(
          "no_step_reason",
          [](const ProgramHandle &handle) {
            return handle.program->noStepReason();
          },
          "Why there is no step; empty if there is one.")
      .def_prop_ro(
          "metadata",
          [](const ProgramHandle &handle) {
            return handle.program->metadata().dump();
          },
          "The metadata as JSON text.");

  nb::class_<sim::Runner>(module, "Runner",
                          "State and host side of one user of a program.")
      .def(
          "__init__",
          [](sim::Runner *place, const ProgramHandle &handle) {
            new (place) sim::Runner(handle.program);
          },
          "program"_a)
      .def("run", &call<&sim::Runner::run>, "inputs"_a, "codes"_a, "checked"_a,
           "timing"_a, "threads"_a, "lengths"_a,
           "Reset, then all frames: ([(name, array)], Statistics).")
      .def("step", &call<&sim::Runner::step>, "inputs"_a, "codes"_a,
           "checked"_a, "timing"_a, "threads"_a, "lengths"_a,
           "Go on from the state: ([(name, array)], Statistics).")
      .def(
          "reset",
          [](sim::Runner &runner, const NamedArrays &arrays, bool codes,
             bool checked) {
            NpzArrays inputs = fromNumpy(arrays);
            auto result =
                runner.reset(inputs, optionsOf(codes, checked, true, 1, {}));
            return StatisticsHandle{
                unwrap("SimulationError", std::move(result))};
          },
          "inputs"_a, "codes"_a, "checked"_a, "Put initial states in place.")
      .def(
          "save_state",
          [](const sim::Runner &runner) {
            std::string blob = runner.saveState();
            return nb::bytes(blob.data(), blob.size());
          },
          "The state of every row, as bytes.")
      .def(
          "restore_state",
          [](sim::Runner &runner, nb::bytes blob) {
            unwrap("SimulationError", runner.restoreState(std::string_view(
                                          blob.c_str(), blob.size())));
          },
          "blob"_a, "Continue from a saved state.");
}

} // namespace hcgs::python

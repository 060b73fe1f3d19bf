// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compileFile: finds out where to start, runs the phases that are left, and
// collects diagnostics as text.

#include "hcgs/Pipelines/Compiler.h"

#include "Diagnostics.h"
#include "FloatLayers.h"
#include "hcgs/Analysis/Analyze.h"
#include "hcgs/Conversion/ISAToProgram.h"
#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/CalibrationFiles.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Import/ONNX/Import.h"
#include "hcgs/Pipelines/Pipelines.h"
#include "hcgs/Pipelines/Report.h"
#include "hcgs/Sim/Energy.h"
#include "hcgs/Support/ConfigFile.h"
#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/Export.h"
#include "hcgs/Target/ProgramFile.h"
#include "hcgs/Target/TargetModel.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace hcgs;

namespace {

/// The phase that an Emit stops at; forms of the program come from isa.
Phase lastPhase(Emit emit) {
  switch (emit) {
  case Emit::RNN:
    return Phase::RNN;
  case Emit::Compressed:
    return Phase::Compressed;
  case Emit::Quantized:
    return Phase::Quantized;
  case Emit::HCGS:
    return Phase::HCGS;
  default:
    return Phase::ISA;
  }
}

/// Whether `path` is IR: by its name, or because it begins like bytecode.
bool isIR(StringRef path) {
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc"))
    return true;
  int file = -1;
  if (llvm::sys::fs::openFileForRead(path, file))
    return false;
  char magic[4] = {};
  llvm::Expected<size_t> size = llvm::sys::fs::readNativeFile(
      llvm::sys::fs::convertFDToNativeFile(file), magic);
  llvm::sys::Process::SafelyCloseFileDescriptor(file);
  if (!size) {
    llvm::consumeError(size.takeError());
    return false;
  }
  return StringRef(magic, *size) == "ML\xefR";
}

/// One compilation.
class Compilation {
public:
  Compilation(const std::string &path, const std::string &displayName,
              const CompileOptions &options, const CompileCallbacks &callbacks)
      : path(path), displayName(displayName), options(options),
        callbacks(callbacks),
        context(createRegistry(), MLIRContext::Threading::DISABLED),
        diagnostics(context, path, displayName) {
    // Messages are for users of models, not for writers of passes.
    context.printOpOnDiagnostic(false);
  }

  Result<CompileOutput> run(bool bytecode);

private:
  static DialectRegistry createRegistry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerONNXImportDialects(registry);
    return registry;
  }

  LogicalResult read();
  LogicalResult chooseTarget();
  /// Says which options were given for passes that the input is past.
  void remarkIdleOptions();
  LogicalResult runPhases(Phase last);
  /// Runs what `build` adds.
  LogicalResult runPasses(llvm::function_ref<void(OpPassManager &)> build);
  Result<void> checkTargetOptions();
  bool isScheduled();
  LogicalResult runHCGS();
  Result<std::string> emitIR(bool bytecode);
  Result<void> emitProgram(const Program &program, CompileOutput &output);
  LogicalResult copyFloats();
  Result<void> analyze(const Program &program, CompileOutput &output);
  std::string programName() const;
  Error failed() { return diagnostics.takeError(); }

  const std::string &path, &displayName;
  CompileOptions options;
  const CompileCallbacks &callbacks;
  MLIRContext context;
  DiagnosticText diagnostics;
  OwningOpRef<ModuleOp> module;
  Phase phase = Phase::Imported;
  ReportContext report;
  analysis::FloatModel floats; // for the analysis
};

} // namespace

LogicalResult Compilation::read() {
  if (!isIR(path)) {
    FailureOr<OwningOpRef<ModuleOp>> imported = importONNXFile(path, context);
    if (mlir::failed(imported))
      return failure();
    module = std::move(*imported);
    diagnostics.setModule(*module);
    phase = Phase::Imported;
    return success();
  }
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (std::error_code error = buffer.getError())
    return emitError(UnknownLoc::get(&context))
           << "cannot be read: " << error.message();
  // The buffer outlives the parser: resources of bytecode view its bytes.
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    return failure();
  diagnostics.setModule(*module);
  FailureOr<Phase> found = detectPhase(*module);
  if (mlir::failed(found))
    return failure();
  phase = *found;
  return success();
}

/// Settles `options.target`. From the hcgs level down the IR names a target,
/// and what was scheduled or encoded for one machine is not for another.
LogicalResult Compilation::chooseTarget() {
  std::string named;
  for (auto program : module->getOps<flow::ProgramOp>())
    if (program.getTarget())
      named = program.getTarget()->str();
  for (auto program : module->getOps<isa::ProgramOp>())
    if (auto name = program.getTargetAttr().getAs<StringAttr>("name"))
      named = name.str();
  if (options.target.empty()) {
    options.target = named.empty() ? std::string(kDefaultTarget) : named;
    return success();
  }
  if (named.empty())
    return success();
  Result<TargetModel> target = loadTarget(options.target);
  if (!target)
    return emitError(UnknownLoc::get(&context)) << target.message();
  if (target->name == named)
    return success();
  return emitError(UnknownLoc::get(&context))
         << "was scheduled for the target '" << named << "', not for '"
         << target->name << "'; start from the phase 'quantized' or before";
}

LogicalResult
Compilation::runPasses(llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(&context, ModuleOp::getOperationName());
  // Every phase ends with a pass that verifies it; verifying the IR after each
  // pass besides costs a walk over all weights.
  pm.enableVerifier(false);
  build(pm);
  return pm.run(*module);
}

/// Handles of the resources that weights are held in.
static SmallVector<DenseResourceElementsHandle>
weightResources(ModuleOp module) {
  SmallVector<DenseResourceElementsHandle> handles;
  module.walk([&](rnn::WeightOp weight) {
    if (auto value =
            dyn_cast<DenseResourceElementsAttr>(Attribute(weight.getValue())))
      handles.push_back(value.getRawHandle());
  });
  return handles;
}

/// Whether the hcgs.program is scheduled for a target, in all of its loops.
bool Compilation::isScheduled() {
  bool scheduled = true;
  module->walk([&](flow::SequenceOp sequence) {
    scheduled &= static_cast<bool>(sequence.getSchedule());
  });
  auto program = *module->getOps<flow::ProgramOp>().begin();
  return scheduled && program.getTarget();
}

LogicalResult Compilation::runHCGS() {
  if (phase < Phase::HCGS) {
    SmallVector<DenseResourceElementsHandle> weights = weightResources(*module);
    if (mlir::failed(runPasses(buildToDataflow)))
      return failure();
    // The float weights are of no more use; the context would keep them.
    for (DenseResourceElementsHandle handle : weights)
      if (AsmResourceBlob *blob = handle.getResource()->getBlob())
        *blob = AsmResourceBlob();
  }
  if (phase == Phase::HCGS && isScheduled())
    return runPasses([&](OpPassManager &pm) {
      buildStreams(pm, options);
      buildVerifySchedule(pm, options.target);
    });
  return runPasses([&](OpPassManager &pm) {
    buildStreams(pm, options);
    buildSchedule(pm, options.target, options);
  });
}

/// Keeps what the analysis needs of the module, which is in canonical form.
/// Called before compression, if there is a before, and after it.
LogicalResult Compilation::copyFloats() {
  if (options.analyze.empty())
    return success();
  return floats.layers.empty() ? copyFloatLayers(*module, floats)
                               : copyCompressedWeights(*module, floats);
}

/// What rnn-calibrate saw and chose, as JSON; empty if it did not run.
static std::string describeRanges(ModuleOp module) {
  std::string text;
  module.walk([&](rnn::ModelOp model) {
    auto ranges = model->getAttrOfType<ArrayAttr>(rnn::kRangesAttr);
    if (!ranges)
      return;
    llvm::json::Array list;
    for (auto range : ranges.getAsRange<DictionaryAttr>()) {
      llvm::json::Object object;
      for (NamedAttribute entry : range) {
        StringRef key = entry.getName().getValue();
        if (auto number = dyn_cast<FloatAttr>(entry.getValue()))
          object[key] = number.getValueAsDouble();
        else if (auto name = dyn_cast<StringAttr>(entry.getValue()))
          object[key] = name.getValue();
      }
      list.push_back(std::move(object));
    }
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(list));
  });
  return text;
}

LogicalResult Compilation::runPhases(Phase last) {
  if (phase > last)
    return emitError(UnknownLoc::get(&context))
           << "is of the phase '" << getName(phase) << "', which comes after '"
           << getName(last) << "'; start from an earlier phase";
  auto done = [&] {
    if (callbacks.phaseDone)
      callbacks.phaseDone();
  };
  done();
  const bool startsQuantized = phase >= Phase::Quantized;
  // IR of a phase that was read may have been edited: canonical form is
  // checked wherever the start is on the rnn level.
  if (phase <= Phase::Quantized) {
    if (mlir::failed(
            runPasses([&](OpPassManager &pm) { buildToRNN(pm, options); })) ||
        mlir::failed(copyFloats()))
      return failure();
    done();
  }
  if (phase < Phase::Compressed && last >= Phase::Compressed) {
    if (mlir::failed(runPasses(
            [&](OpPassManager &pm) { buildToCompressed(pm, options); })) ||
        mlir::failed(copyFloats()))
      return failure();
    done();
  }
  if (phase < Phase::Quantized && last >= Phase::Quantized) {
    if (mlir::failed(runPasses(
            [&](OpPassManager &pm) { buildToQuantized(pm, options); })))
      return failure();
    report.ranges = describeRanges(*module);
    done();
  }
  if (!options.analyze.empty() &&
      mlir::failed(
          copyRules(*module, startsQuantized ? nullptr : &options, floats)))
    return failure();
  if (phase <= Phase::HCGS && last >= Phase::HCGS) {
    if (mlir::failed(runHCGS()))
      return failure();
    done();
  }
  if (phase < Phase::ISA && last >= Phase::ISA) {
    if (mlir::failed(runPasses(
            [&](OpPassManager &pm) { buildToISA(pm, options.target); })))
      return failure();
    done();
  } else if (phase == Phase::ISA) {
    if (mlir::failed(runPasses(buildVerifyISA)))
      return failure();
  }
  phase = std::max(phase, last);
  return success();
}

/// The module as text or bytecode, with locations, so that a compilation that
/// goes on from it still knows the names of the nodes.
Result<std::string> Compilation::emitIR(bool bytecode) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (bytecode) {
    if (mlir::failed(writeBytecodeToFile(*module, stream)))
      return failed();
    return text;
  }
  OpPrintingFlags flags;
  flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  module->print(stream, flags);
  stream << "\n";
  return text;
}

Result<void> Compilation::emitProgram(const Program &program,
                                      CompileOutput &output) {
  switch (options.emit) {
  case Emit::Asm: {
    Result<std::string> text = disassemble(program);
    if (!text)
      return text.takeError();
    output.bytes = std::move(*text);
    return {};
  }
  case Emit::Memh: {
    Result<std::vector<ExportedFile>> files = exportMemh(program);
    if (!files)
      return files.takeError();
    for (ExportedFile &file : *files)
      output.parts.push_back({std::move(file.suffix), std::move(file.text)});
    return {};
  }
  case Emit::CHeader: {
    Result<std::string> text = exportCHeader(program, programName());
    if (!text)
      return text.takeError();
    output.bytes = std::move(*text);
    return {};
  }
  default: {
    Result<std::vector<uint8_t>> bytes = writeProgram(program);
    if (!bytes)
      return bytes.takeError();
    output.bytes.assign(bytes->begin(), bytes->end());
    return {};
  }
  }
}

Result<void> Compilation::analyze(const Program &program,
                                  CompileOutput &output) {
  Result<NpzArrays> data = readNpyOrNpz(options.analyze);
  if (!data)
    return data.takeError().at("analysis data");
  analysis::AnalyzeOptions chosen;
  chosen.threshold = options.analyzeThreshold;
  chosen.changeRows =
      static_cast<int64_t>(std::min<uint64_t>(options.analyzeRows, INT64_MAX));
  chosen.dataName = options.analyze;
  Result<analysis::Analysis> done =
      analysis::analyze(program, floats, *data, chosen);
  if (!done)
    return done.takeError();
  output.analysis = analysis::toJson(*done);
  output.analysisText = analysis::toText(*done);
  return {};
}

/// The file's name without folder and extension: the prefix of C names.
std::string Compilation::programName() const {
  return llvm::sys::path::stem(displayName).str();
}

void Compilation::remarkIdleOptions() {
  for (const OptionInfo &info : compileOptionTable()) {
    const bool past =
        info.group == "Compression" ? phase >= Phase::Compressed
        : info.group == "Ranges of values" || info.group == "Number formats" ||
                info.name == "config"
            ? phase >= Phase::Quantized
        : info.name == "schedule" || info.name == "tile"
            ? phase == Phase::ISA || (phase == Phase::HCGS && isScheduled())
            : false;
    if (past && isGiven(options, info.name))
      emitRemark(module->getLoc())
          << "option '" << info.name << "' has no effect: the input is of the "
          << "phase '" << getName(phase) << "', where that is settled";
  }
}

/// Options whose values the target lists, before the work.
Result<void> Compilation::checkTargetOptions() {
  Result<TargetModel> target = loadTarget(options.target);
  if (!target)
    return target.takeError();
  std::optional<std::string> point;
  if (isGiven(options, "operating-point") || !options.operatingPoint.empty())
    point = options.operatingPoint;
  if (auto found = sim::chooseOperatingPoint(*target, point); !found)
    return found.takeError().at("option 'operating-point'");
  return {};
}

Result<CompileOutput> Compilation::run(bool bytecode) {
  if (!options.target.empty())
    if (Result<TargetModel> target = loadTarget(options.target); !target)
      return target.takeError();
  if (mlir::failed(read()) || mlir::failed(chooseTarget()))
    return failed();
  if (Result<void> checked = checkTargetOptions(); !checked)
    return checked.takeError();
  report.startPhase = getName(phase).str();
  remarkIdleOptions();
  if (!options.analyze.empty() && phase > Phase::Quantized)
    return Error{("the analysis needs the float weights, which IR of the phase "
                  "'" +
                  getName(phase) +
                  "' has not any more; start from the phase 'quantized' or "
                  "before")
                     .str()}
        .at(displayName);
  floats.startsCompressed = phase >= Phase::Compressed;
  if (mlir::failed(runPhases(lastPhase(options.emit))))
    return failed();

  CompileOutput output;
  std::optional<Program> program;
  if (phase == Phase::ISA) {
    FailureOr<Program> exported =
        exportProgram(*module->getOps<isa::ProgramOp>().begin());
    if (mlir::failed(exported))
      return failed();
    program = std::move(*exported);
  }
  const bool asIR = options.emit <= Emit::ISA;
  if (asIR) {
    Result<std::string> text = emitIR(bytecode);
    if (!text)
      return text.takeError();
    output.bytes = std::move(*text);
  } else if (Result<void> emitted = emitProgram(*program, output); !emitted) {
    return emitted.takeError();
  }

  if (!options.analyze.empty())
    if (Result<void> analysed = analyze(*program, output); !analysed)
      return analysed.takeError();

  output.remarks = diagnostics.takeRemarks();
  report.endPhase = asIR ? getName(phase).str() : "program";
  report.remarks = output.remarks;
  Result<std::string> text =
      makeReport(options, report, program ? &*program : nullptr);
  if (!text)
    return text.takeError();
  output.report = std::move(*text);
  return output;
}

Result<CompileOutput> hcgs::compileFile(const std::string &path,
                                        const std::string &displayName,
                                        const CompileOptions &options,
                                        bool bytecode,
                                        const CompileCallbacks &callbacks) {
  CompileOptions all = options;
  if (Result<void> applied = applyConfig(all); !applied)
    return applied.takeError();
  if (Result<void> checked = checkCompileOptions(all); !checked)
    return checked.takeError();
  return Compilation(path, displayName, all, callbacks).run(bytecode);
}

/// Mask files of single layers and matrices.
static void findMaskFiles(const nlohmann::json &value,
                          std::vector<std::string> &files) {
  for (auto &[key, entry] : value.items())
    if (entry.is_object())
      findMaskFiles(entry, files);
    else if (key == "mask-file" && entry.is_string())
      files.push_back(entry.get<std::string>());
}

std::vector<std::string> hcgs::filesRead(const CompileOptions &options) {
  std::vector<std::string> files = {options.target, options.config,
                                    options.maskFile, options.analyze};
  if (!options.calibrate.empty())
    if (auto data = rnn::listCalibrationFiles(options.calibrate))
      files.insert(files.end(), data->begin(), data->end());
  SmallVector<StringRef> tables;
  StringRef(options.activationTable).split(tables, ',');
  for (StringRef table : tables)
    files.push_back(table.split('=').second.str());
  if (!options.config.empty())
    if (Result<ConfigFile> config = readConfigFile(options.config))
      findMaskFiles(config->layers, files);
  std::erase(files, "");
  return files;
}

std::string hcgs::supportedOperators() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printSupportedONNXOperators(stream);
  return text;
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which passes make up each phase.

#include "hcgs/Pipelines/Pipelines.h"

#include "hcgs/Conversion/HCGSToISA/HCGSToISA.h"
#include "hcgs/Conversion/RNNToHCGS/RNNToHCGS.h"
#include "hcgs/Dialect/FX/IR/FXDialect.h"
#include "hcgs/Dialect/HCGS/IR/HCGSDialect.h"
#include "hcgs/Dialect/HCGS/Transforms/Passes.h"
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Dialect/ISA/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace hcgs;

StringRef hcgs::getName(Phase phase) {
  switch (phase) {
  case Phase::Imported:
    return "imported";
  case Phase::RNN:
    return "rnn";
  case Phase::Compressed:
    return "compressed";
  case Phase::Quantized:
    return "quantized";
  case Phase::HCGS:
    return "hcgs";
  case Phase::ISA:
    return "isa";
  }
  llvm_unreachable("no such phase");
}

FailureOr<Phase> hcgs::detectPhase(ModuleOp module) {
  auto count = [](auto range) {
    return std::distance(range.begin(), range.end());
  };
  const auto isa = count(module.getOps<isa::ProgramOp>());
  const auto flow = count(module.getOps<flow::ProgramOp>());
  const auto rnn = count(module.getOps<rnn::ModelOp>());
  if (isa + flow + rnn != 1) {
    InFlightDiagnostic diag = module.emitError("holds ");
    if (isa + flow + rnn == 0)
      diag << "nothing to compile";
    else
      diag << rnn << " rnn.model, " << flow << " hcgs.program and " << isa
           << " isa.program";
    return diag << "; a compilation is of exactly one of rnn.model, "
                   "hcgs.program and isa.program";
  }
  if (isa)
    return Phase::ISA;
  if (flow)
    return Phase::HCGS;
  Phase phase = Phase::Imported;
  module.walk([&](Operation *op) {
    // Formats win: the map of a weight stays when its layer gets formats.
    if (op->hasAttr("formats")) {
      phase = Phase::Quantized;
      return WalkResult::interrupt();
    }
    // Blocks written by hand count, too.
    if (auto weight = dyn_cast<rnn::WeightOp>(op)) {
      auto blocks =
          dyn_cast_or_null<fx::SparsityAttr>(weight.getSparsityAttr());
      if (weight.getProvenanceAttr() || (blocks && blocks.hasMap()))
        phase = Phase::Compressed;
    }
    return WalkResult::advance();
  });
  return phase;
}

/// The target of a compilation that starts above the hcgs level.
static StringRef targetOrDefault(const CompileOptions &options) {
  return options.target.empty() ? StringRef(kDefaultTarget)
                                : StringRef(options.target);
}

void hcgs::buildToRNN(OpPassManager &pm, const CompileOptions &options) {
  rnn::buildCanonicalFormPipeline(pm);
  if (!options.config.empty())
    pm.addPass(rnn::createRNNOverride({options.config}));
  if (!options.activationTable.empty())
    pm.addPass(rnn::createRNNActivationTables({options.activationTable}));
}

void hcgs::buildToCompressed(OpPassManager &pm, const CompileOptions &options) {
  rnn::RNNCompressOptions compress;
  compress.mode = options.sparsity;
  compress.tiers = options.tiers;
  compress.balance = options.balance;
  compress.masks = options.masks;
  compress.select = options.select;
  compress.seed = options.seed;
  compress.maskFile = options.maskFile;
  compress.circulant = options.circulant;
  compress.onBroken = options.onBroken;
  compress.linear = options.compressLinear;
  pm.addPass(rnn::createRNNCompress(compress));
  pm.addPass(rnn::createRNNVerifyCanonical());
}

void hcgs::buildToQuantized(OpPassManager &pm, const CompileOptions &options) {
  if (!options.calibrate.empty()) {
    rnn::RNNCalibrateOptions calibrate;
    calibrate.file = options.calibrate;
    calibrate.method = options.rangeMethod;
    calibrate.percentile = options.percentile;
    calibrate.inputBits = options.inputBits;
    calibrate.actBits = options.actBits;
    calibrate.cellBits = options.cellBits;
    pm.addPass(rnn::createRNNCalibrate(calibrate));
  }
  rnn::RNNQuantizeOptions quantize;
  quantize.weightBits = options.weightBits;
  quantize.weightEncoding =
      options.weightEncoding == numerics::WeightEncoding::Twos
          ? fx::WeightEncoding::Twos
          : fx::WeightEncoding::SignMag;
  quantize.rounding = options.rounding == numerics::WeightRounding::Ceil
                          ? fx::Rounding::Ceil
                          : fx::Rounding::Nearest;
  quantize.inputBits = options.inputBits;
  quantize.actBits = options.actBits;
  quantize.gateBits = options.gateBits;
  quantize.cellBits = options.cellBits;
  quantize.pwlSegments = options.pwlSegments;
  quantize.pwlKind =
      options.pwlKind == numerics::PwlChoice::Uniform    ? fx::PwlKind::Uniform
      : options.pwlKind == numerics::PwlChoice::TwoLevel ? fx::PwlKind::TwoLevel
                                                         : fx::PwlKind::Auto;
  quantize.pwlMaxError = options.pwlMaxError;
  quantize.inputRange = options.inputRange;
  quantize.cellRange = options.cellRange;
  quantize.weightQuantizer = options.weightQuantizer;
  quantize.zeros = options.zeros;
  quantize.onGrid = options.onGrid;
  pm.addPass(rnn::createRNNQuantize(quantize));
  pm.addPass(rnn::createRNNVerifyCanonical());
}

void hcgs::buildToDataflow(OpPassManager &pm) {
  pm.addPass(createConvertRNNToHCGS());
}

void hcgs::buildStreams(OpPassManager &pm, const CompileOptions &options) {
  pm.addNestedPass<flow::ProgramOp>(
      flow::createHCGSReplicateStreams({options.streams}));
}

void hcgs::buildSchedule(OpPassManager &pm, StringRef target,
                         const CompileOptions &options) {
  flow::HCGSScheduleOptions schedule;
  schedule.target = target.str();
  schedule.scheduleName = options.schedule;
  schedule.tile = options.tile;
  pm.addNestedPass<flow::ProgramOp>(flow::createHCGSSchedule(schedule));
  buildVerifySchedule(pm, target);
}

void hcgs::buildVerifySchedule(OpPassManager &pm, StringRef target) {
  pm.addNestedPass<flow::ProgramOp>(
      flow::createHCGSVerifySchedule({target.str()}));
}

void hcgs::buildToHCGS(OpPassManager &pm, StringRef target,
                       const CompileOptions &options) {
  buildToDataflow(pm);
  buildStreams(pm, options);
  buildSchedule(pm, target, options);
}

void hcgs::buildToISA(OpPassManager &pm, StringRef target) {
  HCGSToISAOptions options;
  options.target = target.str();
  pm.addPass(createHCGSToISA(options));
  buildVerifyISA(pm);
}

void hcgs::buildVerifyISA(OpPassManager &pm) {
  pm.addPass(isa::createISAVerifyProgram());
}

//===----------------------------------------------------------------------===//
// hcgs-opt
//===----------------------------------------------------------------------===//

/// Registers one phase as a pipeline whose options are those of hcgs-compile,
/// `name=value` with spaces between them, read by the one table there is.
template <typename Build>
static void registerPhase(StringRef name, StringRef summary, Build build) {
  registerPassPipeline(
      name, summary,
      [=](OpPassManager &pm, StringRef text,
          function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
        CompileOptions options;
        SmallVector<StringRef> settings;
        text.split(settings, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
        for (StringRef setting : settings) {
          auto [option, value] = setting.split('=');
          if (Result<void> set = setCompileOption(options, option, value); !set)
            return report(set.message());
        }
        if (Result<void> applied = applyConfig(options); !applied)
          return report(applied.message());
        if (Result<void> checked = checkCompileOptions(options); !checked)
          return report(checked.message());
        build(pm, options);
        return success();
      },
      [](function_ref<void(const detail::PassOptions &)>) {});
}

void hcgs::registerPipelines() {
  registerPhase("phase-rnn", "Imported rnn IR to the phase rnn", buildToRNN);
  registerPhase("phase-compressed", "The phase rnn to compressed",
                buildToCompressed);
  registerPhase("phase-quantized", "The phase compressed to quantized",
                buildToQuantized);
  registerPhase("phase-hcgs", "The phase quantized to hcgs",
                [](OpPassManager &pm, const CompileOptions &options) {
                  buildToHCGS(pm, targetOrDefault(options), options);
                });
  registerPhase("phase-isa", "The phase hcgs to isa",
                [](OpPassManager &pm, const CompileOptions &options) {
                  buildToISA(pm, options.target);
                });
  registerPhase("phase-all", "Imported rnn IR to the phase isa",
                [](OpPassManager &pm, const CompileOptions &options) {
                  buildToRNN(pm, options);
                  buildToCompressed(pm, options);
                  buildToQuantized(pm, options);
                  buildToHCGS(pm, targetOrDefault(options), options);
                  buildToISA(pm, targetOrDefault(options));
                });
}

void hcgs::registerAllDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, fx::FXDialect,
                  rnn::RNNDialect, flow::HCGSDialect, isa::ISADialect>();
}

void hcgs::registerAllPasses() {
  rnn::registerRNNPasses();
  rnn::registerRNNPipelines();
  registerRNNToHCGSPasses();
  flow::registerHCGSPasses();
  registerHCGSToISAPasses();
  isa::registerISAPasses();
  registerPipelines();
}

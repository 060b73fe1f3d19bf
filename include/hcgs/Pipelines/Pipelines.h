// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The phases of the compiler and the passes between them. A compilation can
// start with the IR of any phase and stop at any later one.
//
//   phase       what the module holds               made by
//   imported    rnn, as the importer leaves it      hcgs/Import/ONNX
//   rnn         rnn in canonical form               buildToRNN
//   compressed  every pattern with its map          buildToCompressed
//   quantized   formats on every layer              buildToQuantized
//   hcgs        a scheduled hcgs.program            buildToHCGS
//   isa         an isa.program                      buildToISA
//
// Every builder ends with the pass that verifies what its phase promises, so
// that IR edited by hand is checked at the next boundary, too; what a phase
// promises is written in docs/Guides/Phases.md.
//
#ifndef HCGS_PIPELINES_PIPELINES_H
#define HCGS_PIPELINES_PIPELINES_H

#include "hcgs/Pipelines/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace hcgs {

enum class Phase { Imported, RNN, Compressed, Quantized, HCGS, ISA };

/// "compressed", ...
llvm::StringRef getName(Phase phase);

/// The phase of a module, by what it contains: an isa.program; an
/// hcgs.program; layers with formats; weights with maps; rnn operations. Rnn
/// counts as `imported`, because nothing shows canonical form and
/// canonicalising twice changes nothing. Reports a module with none of them,
/// or with parts of several levels.
mlir::FailureOr<Phase> detectPhase(mlir::ModuleOp module);

/// Brings imported IR into canonical form, checks it, and takes what a
/// configuration file says of its layers.
void buildToRNN(mlir::OpPassManager &pm, const CompileOptions &options);

/// Finds or chooses the blocks that matrices keep.
void buildToCompressed(mlir::OpPassManager &pm, const CompileOptions &options);

/// Calibrates, if there is data, and chooses all formats.
void buildToQuantized(mlir::OpPassManager &pm, const CompileOptions &options);

/// From a quantised model to dataflow that is not scheduled yet.
void buildToDataflow(mlir::OpPassManager &pm);

/// Dataflow of one batch row to that of several.
void buildStreams(mlir::OpPassManager &pm, const CompileOptions &options);

/// Schedules dataflow for `target`, by the options of the group "Schedule", and
/// checks the schedule. A program that is scheduled already comes through
/// buildVerifySchedule instead, so that a schedule written by hand is kept.
void buildSchedule(mlir::OpPassManager &pm, llvm::StringRef target,
                   const CompileOptions &options);

/// Checks the schedules that are there against `target`, or the one that the
/// program names if it is empty.
void buildVerifySchedule(mlir::OpPassManager &pm, llvm::StringRef target);

/// From a quantised model to a scheduled program: buildToDataflow, buildStreams
/// and buildSchedule.
void buildToHCGS(mlir::OpPassManager &pm, llvm::StringRef target,
                 const CompileOptions &options);

/// From a scheduled program to instructions, checked like a program file.
void buildToISA(mlir::OpPassManager &pm, llvm::StringRef target);

/// Checks the programs that are there.
void buildVerifyISA(mlir::OpPassManager &pm);

/// Registers a pipeline for each phase with hcgs-opt: `phase-rnn`,
/// `phase-compressed`, `phase-quantized`, `phase-hcgs` and `phase-isa` each
/// take a module of the phase before and give one of the phase they name;
/// `phase-all` goes from imported to isa. Options are those of hcgs-compile
/// (`--phase-compressed="sparsity=off seed=3"`).
void registerPipelines();

/// Registers every dialect of the project and those they build on.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers the project's passes and pipelines.
void registerAllPasses();

} // namespace hcgs

#endif // HCGS_PIPELINES_PIPELINES_H

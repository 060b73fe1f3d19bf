// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-opt: reads IR of any level, runs passes over it and prints it. For
// developers of passes, and for tests.

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
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  hcgs::fx::FXDialect, hcgs::rnn::RNNDialect,
                  hcgs::flow::HCGSDialect, hcgs::isa::ISADialect>();
  mlir::registerTransformsPasses();
  hcgs::flow::registerHCGSPasses();
  hcgs::isa::registerISAPasses();
  hcgs::registerHCGSToISAPasses();
  hcgs::registerRNNToHCGSPasses();
  hcgs::rnn::registerRNNPasses();
  hcgs::rnn::registerRNNPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "hcgs optimizer driver\n", registry));
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of operators: what the importer dispatches on, and what
// docs/ONNX.md is generated from.

#include "Fold.h"
#include "Handlers.h"

#include "llvm/Support/raw_ostream.h"

using namespace hcgs::frontend;

static constexpr const char *kConstantsOnly = "on constants and shapes";
static constexpr const char *kRenaming =
    "where it only renames, joins or parts axes; on constants";

static constexpr OpInfo kOperators[] = {
    {"Add", importAdd, foldArithmetic,
     "bias of MatMul (a constant, one number per output), or the sum of two "
     "values of one shape; on constants"},
    {"Cast", importCast, foldCast,
     "between float types (values are fixed-point numbers in the end); on "
     "constants"},
    {"Concat", importConcat, foldConcat,
     "of features (last axis), or of states of several layers; on constants"},
    {"Constant", nullptr, foldConstant,
     "value, value_int, value_ints, value_float, value_floats"},
    {"ConstantOfShape", nullptr, foldConstantOfShape,
     "any shape, dynamic axes included"},
    {"Div", nullptr, foldArithmetic, kConstantsOnly},
    {"Dropout", importDropout, foldIdentity,
     "in inference; training_mode true and the output mask are refused"},
    {"Elu", importActivation, nullptr, "alpha"},
    {"Equal", nullptr, foldEqual, "on integer constants and shapes"},
    {"Expand", importExpand, foldExpand,
     "of constants, to dynamic axes, too; of values where it changes nothing"},
    {"Flatten", importFlatten, foldFlatten, kRenaming},
    {"Gather", importGather, foldGather,
     "the last time step, or the state of one layer; on constants"},
    {"Gemm", importGemm, nullptr,
     "B constant, C absent or a constant with one number per output; alpha, "
     "beta, transA, transB"},
    {"HardSigmoid", importActivation, nullptr, "alpha, beta"},
    {"Identity", importIdentity, foldIdentity, "always"},
    {"LSTM", importLSTM, nullptr,
     "direction, hidden_size, layout 0 and 1, B, initial_h, initial_c "
     "(constant or computed), all outputs, activations Sigmoid, Tanh, Tanh; "
     "refused: sequence_lens, P, clip, input_forget, other activations"},
    {"LeakyRelu", importActivation, nullptr, "alpha"},
    {"MatMul", importMatMul, nullptr, "a value times a constant matrix"},
    {"Mul", nullptr, foldArithmetic, kConstantsOnly},
    {"Range", nullptr, foldRange, "of constants"},
    {"Relu", importActivation, nullptr, "always"},
    {"Reshape", importReshape, foldReshape, kRenaming},
    {"Shape", nullptr, foldShape, "always; start, end"},
    {"Sigmoid", importActivation, nullptr, "always"},
    {"Size", nullptr, foldSize, "always"},
    {"Slice", importSlice, foldSlice,
     "the last time step, or states of single layers; on constants"},
    {"Softplus", importActivation, nullptr, "always"},
    {"Softsign", importActivation, nullptr, "always"},
    {"Split", importSplit, foldSplit,
     "of states into those of single layers; on constants"},
    {"Squeeze", importSqueeze, foldSqueeze, "always"},
    {"Sub", nullptr, foldArithmetic, kConstantsOnly},
    {"Tanh", importActivation, nullptr, "always"},
    {"ThresholdedRelu", importActivation, nullptr, "alpha"},
    {"Transpose", importTranspose, foldTranspose,
     "where the axes end up as an operator needs them, or at the model's "
     "inputs and outputs; on constants"},
    {"Unsqueeze", importUnsqueeze, foldUnsqueeze, "always"},
    {"Where", nullptr, foldWhere, "on integer constants and shapes"},
};

llvm::ArrayRef<OpInfo> hcgs::frontend::getOperators() { return kOperators; }

void hcgs::printSupportedONNXOperators(llvm::raw_ostream &os) {
  os << "| operator | supported |\n| --- | --- |\n";
  for (const OpInfo &row : kOperators)
    os << "| " << row.name << " | " << row.support << " |\n";
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enumerations of the fx dialect.

#ifndef HCGS_DIALECT_FX_IR_FXENUMS_TD
#define HCGS_DIALECT_FX_IR_FXENUMS_TD

include "hcgs/Dialect/FX/IR/FXDialect.td"
include "mlir/IR/EnumAttr.td"

class FX_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hcgs::fx";
  let genSpecializedAttr = 0;
}

def FX_WeightEncoding : FX_I32Enum<"WeightEncoding",
    "How a weight code is written in the weight memory (A-W-1)", [
      I32EnumAttrCase<"Twos", 0, "twos">,
      I32EnumAttrCase<"SignMag", 1, "signmag">
    ]>;

def FX_Rounding : FX_I32Enum<"Rounding",
    "How the magnitude of a weight becomes a code (A-W-3)", [
      I32EnumAttrCase<"Nearest", 0, "nearest">,
      I32EnumAttrCase<"Ceil", 1, "ceil">
    ]>;

def FX_Balance : FX_I32Enum<"Balance",
    "Whether a tier keeps the same number of blocks in every block-row, in "
    "every block-column, in both, or in neither (WI-P-3)", [
      I32EnumAttrCase<"Row", 0, "row">,
      I32EnumAttrCase<"Column", 1, "column">,
      I32EnumAttrCase<"Both", 2, "both">,
      I32EnumAttrCase<"None", 3, "none">
    ]>;

def FX_PwlKind : FX_I32Enum<"PwlKind",
    "Which kind of table a function gets: whichever is cheaper, equal segments, "
    "or regions with segments of their own size", [
      I32EnumAttrCase<"Auto", 0, "auto">,
      I32EnumAttrCase<"Uniform", 1, "uniform">,
      I32EnumAttrCase<"TwoLevel", 2, "two_level">
    ]>;

def FX_Symmetry : FX_I32Enum<"Symmetry",
    "Whether a table follows the symmetry y(-z) = centre - y(z) of its function", [
      I32EnumAttrCase<"None", 0, "none">,
      I32EnumAttrCase<"Exact", 1, "exact">,
      I32EnumAttrCase<"WithinOne", 2, "within_one">
    ]>;

// The activations that ONNX allows inside an LSTM, with ONNX's names in lower
// case, and the identity.
def FX_Activation : FX_I32Enum<"Activation",
    "A function of one real variable", [
      I32EnumAttrCase<"Identity", 0, "identity">,
      I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
      I32EnumAttrCase<"Tanh", 2, "tanh">,
      I32EnumAttrCase<"Relu", 3, "relu">,
      I32EnumAttrCase<"LeakyRelu", 4, "leaky_relu">,
      I32EnumAttrCase<"ThresholdedRelu", 5, "thresholded_relu">,
      I32EnumAttrCase<"ScaledTanh", 6, "scaled_tanh">,
      I32EnumAttrCase<"HardSigmoid", 7, "hard_sigmoid">,
      I32EnumAttrCase<"Elu", 8, "elu">,
      I32EnumAttrCase<"Softsign", 9, "softsign">,
      I32EnumAttrCase<"Softplus", 10, "softplus">,
      I32EnumAttrCase<"Affine", 11, "affine">
    ]>;

def FX_ActivationAttr : EnumAttr<FX_Dialect, FX_Activation, "activation"> {
  let summary = "A function of one real variable.";
  let description = [{
    The activations of ONNX's recurrent operators, and the identity. Those with
    parameters take them from `alpha` and `beta` beside them, with ONNX's
    meaning: `leaky_relu` x < 0 ? alpha*x : x; `thresholded_relu`
    x > alpha ? x : 0; `scaled_tanh` alpha*tanh(beta*x); `hard_sigmoid`
    min(max(alpha*x + beta, 0), 1); `elu` x < 0 ? alpha*(exp(x)-1) : x;
    `affine` alpha*x + beta.
  }];
  let assemblyFormat = "$value";
}

#endif // HCGS_DIALECT_FX_IR_FXENUMS_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enumerations and attributes of the hcgs dialect.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSATTRIBUTES_TD
#define HCGS_DIALECT_HCGS_IR_HCGSATTRIBUTES_TD

include "hcgs/Dialect/HCGS/IR/HCGSDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class HCGS_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hcgs::flow";
}

// What a layer computes: the kinds of docs/Spec/Layers.md.
def HCGS_LayerKind : HCGS_I32Enum<"LayerKind", "What a layer computes", [
  I32EnumAttrCase<"LSTM", 0, "lstm">,
  I32EnumAttrCase<"Linear", 1, "linear">,
  I32EnumAttrCase<"Add", 2, "add">,
  I32EnumAttrCase<"Act", 3, "act">,
  I32EnumAttrCase<"Concat", 4, "concat">
]>;

// A step stream has one frame a time step, a sequence stream one a run
// (S-T-2).
def HCGS_StreamKind : HCGS_I32Enum<"StreamKind", "How often a stream has a frame", [
  I32EnumAttrCase<"Step", 0, "step">,
  I32EnumAttrCase<"Sequence", 1, "sequence">
]>;

// Who fills a stream and who reads it: the host and the program (in), the
// program and the host (out), an earlier and a later pass (scratch).
def HCGS_StreamDirection : HCGS_I32Enum<"StreamDirection", "Who writes a stream", [
  I32EnumAttrCase<"In", 0, "in">,
  I32EnumAttrCase<"Out", 1, "out">,
  I32EnumAttrCase<"Scratch", 2, "scratch">
]>;

// Which frame of a stream a read or write of step t means: frame t
// (forward; the only frame of a sequence stream), frame T-1-t (reversed),
// or, outside time loops, frame T-1 (last).
def HCGS_Frames : HCGS_I32Enum<"Frames", "Which frame of a stream is meant", [
  I32EnumAttrCase<"Forward", 0, "forward">,
  I32EnumAttrCase<"Reversed", 1, "reversed">,
  I32EnumAttrCase<"Last", 2, "last">
]>;

// Whether a tensor is an input or an output of the model.
def HCGS_IODirection : HCGS_I32Enum<"IODirection", "Input or output", [
  I32EnumAttrCase<"Input", 0, "input">,
  I32EnumAttrCase<"Output", 1, "output">
]>;

def HCGS_AxisKind : HCGS_I32Enum<"AxisKind", "The role of a tensor's axis", [
  I32EnumAttrCase<"Time", 0, "time">,
  I32EnumAttrCase<"Batch", 1, "batch">,
  I32EnumAttrCase<"Feature", 2, "feature">,
  I32EnumAttrCase<"Layer", 3, "layer">,
  I32EnumAttrCase<"Direction", 4, "direction">,
  I32EnumAttrCase<"One", 5, "one">
]>;

class HCGS_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<HCGS_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def HCGS_AxisAttr : HCGS_Attr<"Axis", "axis"> {
  let summary = "One axis of a tensor that the host sees.";
  let description = [{
    The role of the axis and its size; 0 stands for a size that is free
    (L-IO-1).

    Example:

    ```mlir
    #hcgs.axis<time 0>
    #hcgs.axis<feature 12>
    ```
  }];
  let parameters = (ins EnumParameter<HCGS_AxisKind>:$kind, "int64_t":$size);
  let assemblyFormat = "`<` $kind $size `>`";
  let genVerifyDecl = 1;
}

def HCGS_PartAttr : HCGS_Attr<"Part", "part"> {
  let summary = "The stream that holds a slice of a tensor.";
  let description = [{
    The stream, and the position of its slice along the tensor's `layer` or
    `direction` axis; -1 if the tensor has no such axis (L-IO-2).

    Example:

    ```mlir
    #hcgs.part<@h0 at 1>
    #hcgs.part<@x at -1>
    ```
  }];
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$stream, "int64_t":$index);
  let assemblyFormat = "`<` $stream `at` $index `>`";
  let genVerifyDecl = 1;
}

def HCGS_ModelAttr : HCGS_Attr<"Model", "model"> {
  let summary = "Where a program came from.";
  let description = [{
    The name, producer, opset and SHA-256 (64 hex digits, or empty if unknown)
    of the source model, for the metadata of the program file (PF-6).

    Example:

    ```mlir
    #hcgs.model<name = "main_graph", producer = "pytorch 2.13.0", opset = 20, sha256 = "">
    ```
  }];
  let parameters = (ins
    StringRefParameter<>:$name, StringRefParameter<>:$producer,
    "int64_t":$opset, StringRefParameter<>:$sha256
  );
  let assemblyFormat = [{
    `<` `name` `=` $name `,` `producer` `=` $producer `,`
        `opset` `=` $opset `,` `sha256` `=` $sha256 `>`
  }];
}

#endif // HCGS_DIALECT_HCGS_IR_HCGSATTRIBUTES_TD

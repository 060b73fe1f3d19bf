// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass from the rnn to the hcgs dialect.

#ifndef HCGS_CONVERSION_RNNTOHCGS_PASSES_TD
#define HCGS_CONVERSION_RNNTOHCGS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertRNNToHCGS : Pass<"convert-rnn-to-hcgs", "::mlir::ModuleOp"> {
  let summary = "Lower a quantised model to fixed-point dataflow";
  let description = [{
    Precondition: the module holds one `rnn.model` and its function in canonical
    form (`rnn-verify-canonical`), every layer has `formats`, every pattern a
    map. Result: one `hcgs.program` in place of both; nothing of the `rnn` level
    is left, and its weights are released.

    *Time loops.* A layer runs in the earliest pass (`hcgs.sequence`) in which
    all its inputs are there in the order it needs: inputs of the model always,
    values of an older pass through a stream, values of the same pass if they
    are computed in the same order. So a chain of forward layers is one pass,
    the two halves of a bidirectional layer share one (the reverse half reads
    and writes its streams `reversed`), and the next bidirectional layer starts
    another. A `rnn.concat` of values of different orders is never computed: its
    parts are written to their columns of one stream. Layers on per-sequence
    values come after the last pass, in program order.

    *Numbers.* Weights are quantised with the recorded exponents (A-W-3),
    biases are added and rounded at the accumulator's fraction (A-W-6), shifts
    follow from the formats, tables are fitted once for each function and
    format (the domain with the least worst error), and every accumulator is
    proved to stay within 32 bits (A-ACC-3).

    Fails, naming the node, if the precondition does not hold, if the model uses
    what the machine cannot do (peepholes, clip, coupled gates, sequence
    lengths), if a format or shift is out of the machine's range, if an
    accumulator could overflow, or if an output is an input.

    ```mlir
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r bias %b {formats = …, …} : …
    // becomes
    %h, %c = hcgs.sequence states(%h0 = %zero_h, %c0 = %zero_c) : … {
      %x = hcgs.read @x : …
      %a0 = hcgs.mvm @L0.W, %x bias shifts [0, 0, 0, 0] layer @L0 : …
      %a = hcgs.mvm @L0.R, %h0 acc %a0 shifts [1, 1, 1, 1] layer @L0 : …
      …
      hcgs.yield %h1, %c1 : …
    }
    ```
  }];
  let dependentDialects = [
    "::hcgs::fx::FXDialect", "::hcgs::flow::HCGSDialect",
    "::hcgs::rnn::RNNDialect"
  ];
}

#endif // HCGS_CONVERSION_RNNTOHCGS_PASSES_TD

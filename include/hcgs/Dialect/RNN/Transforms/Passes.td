// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the rnn dialect.

#ifndef HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD
#define HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Canonical form
//===----------------------------------------------------------------------===//

def RNNSplitDirections : Pass<"rnn-split-directions"> {
  let summary = "Split bidirectional layers into a forward and a reverse one";
  let description = [{
    Replaces each bidirectional `rnn.lstm` by a forward and a reverse one on the
    same input. Y becomes `rnn.concat` of the two, Y_h and Y_c `rnn.stack`;
    initial states are taken apart with `rnn.unstack`.

    Precondition: the operands W, R, B and P are `rnn.weight` operations and
    `layout` is 0; otherwise the pass fails, naming the layer. The halves of
    each weight are new `rnn.weight` operations; a resource is not copied, both
    halves are views of it. A `sparsity` without map goes to both halves; one
    with a map is refused, because it describes one direction.

    ```mlir
    %y, %y_h, %y_c = rnn.lstm bidirectional %x, %w, %r {hidden_size = 2 : i64}
        : (tensor<?x?x3xf32>, tensor<2x8x3xf32>, tensor<2x8x2xf32>)
        -> (tensor<?x?x4xf32>, tensor<2x?x2xf32>, tensor<2x?x2xf32>)
    // becomes
    %y0, %h0, %c0 = rnn.lstm forward %x, %w0, %r0 {hidden_size = 2 : i64} : ...
    %y1, %h1, %c1 = rnn.lstm reverse %x, %w1, %r1 {hidden_size = 2 : i64} : ...
    %y = rnn.concat %y0, %y1 : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
    ```
  }];
  let dependentDialects = ["::hcgs::rnn::RNNDialect"];
}

def RNNVerifyCanonical : Pass<"rnn-verify-canonical"> {
  let summary = "Check the canonical form of the rnn dialect";
  let description = [{
    The invariant between import and compression, in the words of
    `docs/Rationale/IR.md`:

    1. every `rnn.lstm` has one direction, forward or reverse, and layout 0;
    2. axes are renamed (`rnn.transpose`, `rnn.squeeze`, `rnn.unsqueeze`,
       `rnn.split_directions`) only between a function argument and its first
       use, or between the last operation and the return;
    3. `rnn.last_step` does not read the Y of a forward `rnn.lstm` without
       sequence lengths;
    4. no bias addition or single-use activation stands behind an `rnn.linear`
       that could take it in;
    5. every weight operand is an `rnn.weight`, and no `rnn.weight` has two
       users;
    6. an initial state is an `rnn.weight`, a function argument, or an
       `rnn.stack` of one `rnn.unstack` of a function argument.

    Changes nothing; fails at the first operation of each kind that breaks the
    invariant.
  }];
}

//===----------------------------------------------------------------------===//
// Compression
//===----------------------------------------------------------------------===//

def RNNCompress : Pass<"rnn-compress"> {
  let summary = "Find or choose the blocks that weight matrices keep";
  let description = [{
    Gives the W and R of every `rnn.lstm` (with `linear` also the weights of
    every `rnn.linear`) a `sparsity` with its map. The four gates of a matrix
    share one map; W and R have one each.

    `detect` (the default) reads the pattern out of the zeros: a position counts
    as empty if it is zero in all gates. A matrix with less than 5 % empty
    positions is left dense. Block sizes come from `tiers`, with or without
    fractions to keep ("32x32,4x4", "32x32:25%,4x4:1/4"), or the common ones are
    tried; `balance` restricts it to one balance. How fractions are inferred, and
    what counts as a pattern, is written in `Compression/Detect.h`. Kept blocks
    may hold zeros; a weight that is not zero in a block that the pattern drops
    is an error, which names the matrix, the blocks and the number of weights.

    `impose` chooses the blocks of the pattern `tiers`, balanced by `balance`
    (row if not given), and sets all other weights to zero: by `magnitude` (the
    largest mean |w| over all gates; of equal ones the lower index) or `random`
    with `seed` (the generator is described in `Compression/Select.h`; the n-th
    matrix of the module, counted from 0, uses seed + n). A matrix smaller than a
    block of the first tier in either direction stays dense.

    `off` removes every pattern, so that all matrices are stored dense.

    A weight that already has a `sparsity` without map asks for that pattern: it
    is detected or imposed in place of `tiers`. One with a map is left as it is.
    What was decided for each matrix is reported as a remark.

    Precondition: canonical form. Fails if a pattern is invalid, if `impose` has
    none, or if weights break theirs.

    ```mlir
    %r = rnn.weight dense<…> : tensor<1x8x2xf32>
    // becomes
    %r = rnn.weight dense<…> : tensor<1x8x2xf32>
        sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "01">
    ```
  }];
  let dependentDialects = ["::hcgs::fx::FXDialect", "::hcgs::rnn::RNNDialect"];
  let options = [
    Option<"mode", "mode", "::hcgs::rnn::CompressionMode",
           "::hcgs::rnn::CompressionMode::Detect", "What to do", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::CompressionMode::Detect, "detect",
                   "read the pattern out of the zeros of the weights"),
        clEnumValN(::hcgs::rnn::CompressionMode::Impose, "impose",
                   "choose blocks and zero the others"),
        clEnumValN(::hcgs::rnn::CompressionMode::Off, "off",
                   "store all matrices dense"))
    }]>,
    Option<"tiers", "tiers", "std::string", "\"\"",
           "Block sizes and fractions to keep, such as 32x32:25%,4x4:25%">,
    Option<"balance", "balance", "::hcgs::rnn::BalanceChoice",
           "::hcgs::rnn::BalanceChoice::Any", "Balance of the pattern", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::BalanceChoice::Any, "any",
                   "whichever fits; row when imposing"),
        clEnumValN(::hcgs::rnn::BalanceChoice::Row, "row",
                   "equally many blocks in every block-row"),
        clEnumValN(::hcgs::rnn::BalanceChoice::Column, "column",
                   "equally many blocks in every block-column"))
    }]>,
    Option<"select", "select", "::hcgs::rnn::BlockSelection",
           "::hcgs::rnn::BlockSelection::Magnitude",
           "How imposed blocks are chosen", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::BlockSelection::Magnitude, "magnitude",
                   "the largest mean magnitude"),
        clEnumValN(::hcgs::rnn::BlockSelection::Random, "random",
                   "at random, from the seed"))
    }]>,
    Option<"seed", "seed", "uint64_t", "0", "Seed of select=random">,
    Option<"linear", "linear", "bool", "false",
           "Compress linear layers too">
  ];
}

//===----------------------------------------------------------------------===//
// Quantisation
//===----------------------------------------------------------------------===//

def RNNCalibrate : Pass<"rnn-calibrate"> {
  let summary = "Record the ranges that values take on calibration data";
  let description = [{
    Runs the model in float on the data of `file` and leaves an `rnn.range` for
    every input and every result of a layer (for an `rnn.lstm` for `y` and, as
    that of `y_c`, for the cell after every step). Ranges left by an earlier run
    are replaced.

    `file` is a `.npz` with one array for each input of the model, by name, or a
    `.npy` for a model with one sequence input. An array has the shape of the
    input it is for; the batch axis may be left out for a single sequence, axes
    of dynamic length have any length, and all batch axes agree. An array
    `lengths` of integers, one for each batch row, says how many steps of a
    padded batch are real; other arrays whose names are no inputs are ignored. A
    model with one sequence input also takes it under the name `x`. Initial
    states that are inputs may be absent: they are zero then.

    `minmax` takes the least and the largest value. `percentile` cuts both ends
    at the magnitude that `percentile` percent of the values do not exceed (of
    inputs and layers alike; never beyond the values seen; to within 1/128).

    Precondition: canonical form. Fails if the file cannot be read, lacks an
    input, has a wrong shape, is empty or holds NaN or infinities, and if the
    model uses what the float model does not have (peepholes, clip, coupled
    gates).

    ```mlir
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r … : …
    // gains
    rnn.range %x -2.2 to 1.9 : tensor<?x?x3xf32>
    rnn.range %y -8.1e-01 to 7.3e-01 : tensor<?x?x2xf32>
    rnn.range %y_c -1.4 to 2.5 : tensor<1x?x2xf32>
    ```
  }];
  let dependentDialects = ["::hcgs::rnn::RNNDialect"];
  let options = [
    Option<"file", "file", "std::string", "\"\"",
           "Calibration data: a .npy or .npz file">,
    Option<"method", "method", "::hcgs::rnn::RangeMethod",
           "::hcgs::rnn::RangeMethod::MinMax", "How values become ranges", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::RangeMethod::MinMax, "minmax",
                   "the least and the largest value"),
        clEnumValN(::hcgs::rnn::RangeMethod::Percentile, "percentile",
                   "cut at a percentile of the magnitudes"))
    }]>,
    Option<"percentile", "percentile", "double", "99.99",
           "Percentile of method=percentile, above 0 to 100">
  ];
}

def RNNQuantize : Pass<"rnn-quantize"> {
  let summary = "Choose the fixed-point format of every value";
  let description = [{
    Adds `formats` to every layer and removes the `rnn.range` operations that
    the choice was made from. Float weights stay; their codes follow from the
    formats by A-W-3. A function whose layers all have formats, and which has no
    `rnn.range`, is left as it is.

    *Values.* The largest fraction with which the range fits the width. Widths:
    `input-bits` for inputs of the model, `act-bits` for h and the results of
    other layers, `gate-bits` for gates and tanh(c), `cell-bits` for c. Ranges:
    what `rnn-calibrate` recorded. Without it `input-range` (inputs) and
    `cell-range` (c) stand for [-range, range), and the range of a layer's
    result follows from its operands and weights at worst; a remark says so.
    Where a function is bounded by 1 (sigmoid, tanh), its results take
    `fx<bits, bits-1>` in any case, and so does h if both its factors are.
    Values that are joined by `rnn.concat` have one format, also with the
    result: the widest, with the most integer bits that one of them needs.

    *Tables.* Inputs are fx<16,12>; for functions that grow without bound as far
    as the worst case of their input asks. `pwl-segments` segments.

    *Weights.* Every matrix has one exponent per gate, that of least squared
    error (A-W-4), lowered where A-W-7 asks for it. A gate of nothing but zeros
    has no codes in `signmag`: such a matrix is stored `twos`, with a remark.
    Other zeros in kept positions become +1 in `signmag`; their number is
    reported as a remark, or with `refuse-zeros` they are an error.

    *Accumulators.* The fraction of a sum is that of its finest product. The
    bound of A-ACC-3 is proved for every row from the codes and biases, for the
    cell and for additions.

    Precondition: canonical form, every pattern with a map. Fails if a width is
    out of range, a shift cannot be encoded, or an accumulator could leave 32
    bits; the message says which, and what would fit.

    ```mlir
    %y = rnn.linear %x, %w : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
    // becomes
    %y = rnn.linear %x, %w {formats = #rnn.linear_formats<x = !fx.int<13, 9>,
        y = !fx.int<13, 10>, w = #fx.weights<…>, acc = 14>} : …
    ```
  }];
  let dependentDialects = ["::hcgs::fx::FXDialect", "::hcgs::rnn::RNNDialect"];
  let options = [
    Option<"weightBits", "weight-bits", "unsigned", "6",
           "Width of weights, 2 to 8">,
    Option<"weightEncoding", "weight-encoding", "::hcgs::fx::WeightEncoding",
           "::hcgs::fx::WeightEncoding::SignMag", "Encoding of weights", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::fx::WeightEncoding::SignMag, "signmag",
                   "sign and magnitude from 1 up, no zero"),
        clEnumValN(::hcgs::fx::WeightEncoding::Twos, "twos",
                   "two's complement, symmetric"))
    }]>,
    Option<"rounding", "rounding", "::hcgs::fx::Rounding",
           "::hcgs::fx::Rounding::Nearest", "Rounding of weights", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::fx::Rounding::Nearest, "nearest",
                   "to the nearest code"),
        clEnumValN(::hcgs::fx::Rounding::Ceil, "ceil",
                   "magnitudes up, as in the published training"))
    }]>,
    Option<"inputBits", "input-bits", "unsigned", "13",
           "Width of inputs of the model, 8 to 16">,
    Option<"actBits", "act-bits", "unsigned", "13",
           "Width of h and of results of layers, 8 to 16">,
    Option<"gateBits", "gate-bits", "unsigned", "13",
           "Width of gates and tanh(c), 8 to 16">,
    Option<"cellBits", "cell-bits", "unsigned", "16",
           "Width of the cell state, 8 to 16">,
    Option<"pwlSegments", "pwl-segments", "unsigned", "256",
           "Segments of a table, a power of two up to 512">,
    Option<"inputRange", "input-range", "double", "8.0",
           "Range of inputs without calibration data">,
    Option<"cellRange", "cell-range", "double", "8.0",
           "Range of cell states without calibration data">,
    Option<"refuseZeros", "refuse-zeros", "bool", "false",
           "Refuse zeros in kept positions that signmag cannot hold">
  ];
}

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD

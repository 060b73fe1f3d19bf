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
// Overrides
//===----------------------------------------------------------------------===//

def RNNOverride : Pass<"rnn-override"> {
  let summary = "Take what a configuration file says of layers and values";
  let description = [{
    Reads `layers` and `values` of the configuration file `file`
    (`docs/Guides/Config.md`) into the attribute `rnn.override` of the layers,
    and of the arguments of the model's function, that they name. What a layer
    or argument carried before is replaced; those the file does not name keep
    theirs. `options` of the file are for whoever builds the pipeline; this pass
    does not look at them.

    A layer is named like its ONNX node; the two directions of a bidirectional
    layer share a name, and what is said of it goes to both. A key goes to those
    operations of the node that it has a meaning for.

    Precondition: canonical form. Fails, without changing anything, if the file
    cannot be read, names a layer or value that the model does not have, or
    holds an unknown key or a value that its key does not allow.

    ```mlir
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r … : …
    // becomes, of {"layers": {"lstm": {"act-bits": 12, "W": {"weight-bits": 4}}}}
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {…,
        rnn.override = {W = {"weight-bits" = 4 : i64}, "act-bits" = 12 : i64}} : …
    ```
  }];
  let dependentDialects = ["::hcgs::rnn::RNNDialect"];
  let options = [
    Option<"file", "file", "std::string", "\"\"", "Configuration file (JSON)">
  ];
}

//===----------------------------------------------------------------------===//
// Functions given by samples
//===----------------------------------------------------------------------===//

def RNNActivationTables : Pass<"rnn-activation-tables"> {
  let summary = "Replace activation functions by samples from files";
  let description = [{
    `tables` is a list `NAME=FILE,...`. NAME is a function (`tanh`), and then
    every layer that computes it computes the samples in its place; or a layer
    by its ONNX node, with `:f` (gates i, o and f), `:g` or `:h` (the function of
    the cell) behind it if it is an LSTM (`lstm_1:h`), which wins over the
    former. FILE holds points (x, y), x rising: text of one point a line, the two
    numbers separated by a comma, semicolon or white space, with an optional
    headline and comments behind `#`; or an `.npy` array of N x 2.

    The function is the straight lines between the points, and constant outside
    them (rnn-quantize checks that no input gets there unless it is flat). It
    counts for everything behind this pass: calibration, formats and tables. It
    is written to the attribute `rnn.samples`; what a layer carried before for
    the same function is replaced.

    Precondition: canonical form. Fails, without changing anything, if a file
    cannot be read or holds something else, or a name fits no layer.

    ```mlir
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r … : …
    // becomes, of tables=tanh=t.csv
    %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {…,
        rnn.samples = {g = dense<…> : tensor<9x2xf64>, h = dense<…> : tensor<9x2xf64>}} : …
    ```
  }];
  let dependentDialects = ["::hcgs::rnn::RNNDialect"];
  let options = [
    Option<"tables", "tables", "std::string", "\"\"",
           "Functions or layers and their files: NAME=FILE,...">
  ];
}

//===----------------------------------------------------------------------===//
// Compression
//===----------------------------------------------------------------------===//

def RNNCompress : Pass<"rnn-compress"> {
  let summary = "Find or choose how weight matrices are compressed";
  let description = [{
    Decides for the W and R of every `rnn.lstm` and the W of every `rnn.linear`
    how it is stored: dense, by kept blocks (`#fx.sparsity` with its maps), or
    circulant (`#fx.circulant`). Each matrix is decided on its own.

    `detect` (the default) reads the structure out of the weights: the shortest
    description among dense, block patterns of several tiers, sizes and
    balances, with maps shared by the gates or separate, and circulant blocks
    (`Compression/Detect.h`). `tiers` ("32x32,4x4", "32x32:25%,4x4:1/4") and
    `balance` say what is known. Kept blocks may hold zeros. Where weights that
    are not zero break the pattern they nearly obey, `on-broken` decides:
    `reject` (the default) fails and names the blocks and weights; `project`
    sets the strays to zero and says what energy that removed; `dense` stores the
    matrix dense.

    `impose` chooses the blocks of the pattern `tiers`, balanced by `balance`
    (row if not given), and sets all other weights to zero. With `masks=shared`
    the gates of a matrix keep the same blocks, with `separate` each its own.
    `select=magnitude` keeps the blocks that together keep the largest sum of
    |w|; `guided`, the published variant, those of the largest mean |w|, tier by
    tier; `random` is drawn from `seed`. All three are described in
    `Compression/Select.h`. A matrix draws from `seed` mixed with its name (node
    and matrix, `lstm.W`) by FNV-1a, so its blocks do not depend on what other
    layers there are. A matrix smaller than a block of the first tier in either
    direction stays dense.

    `masks` takes 0/1 arrays from `mask-file` (.npz), named `<node>.W` and
    `<node>.R`, of one gate's shape or of all gates stacked. Weights where the
    mask is 0 become zero; the pattern is found in the mask as `detect` finds it
    in weights, with `tiers`, `balance` and `on-broken` meaning the same.
    Matrices without an array are left to `detect`.

    `off` stores all matrices dense.

    `circulant` = B (2..128) replaces every B x B block by the nearest circulant
    one (least squares); the energy removed is said in a remark.

    `impose` and `circulant` leave linear layers to `detect` unless `linear` is
    set. The `rnn.override` of a layer beats the options, and its `W` and `R`
    entries those of the layer; the closest of `sparsity` and `circulant` says
    what is done to a matrix. What an override imposes it imposes on a linear
    layer, too.

    A weight that already has a `sparsity` without map asks for that pattern: it
    is detected or imposed in place of `tiers`. One with a map is left as it is.
    One with `#fx.circulant` is checked: weights that break it are treated as
    `on-broken` says. What was decided for each matrix is reported as a remark
    and kept as `provenance`.

    Precondition: canonical form. Fails if a pattern is invalid or does not fit
    a matrix, if `impose` has none, if a mask is not binary or has another shape,
    or if weights break their pattern and are to be rejected.

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
                   "read the structure out of the weights"),
        clEnumValN(::hcgs::rnn::CompressionMode::Impose, "impose",
                   "choose blocks and zero the others"),
        clEnumValN(::hcgs::rnn::CompressionMode::Masks, "masks",
                   "take the kept weights from a mask file"),
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
                   "equally many blocks in every block-column"),
        clEnumValN(::hcgs::rnn::BalanceChoice::Both, "both",
                   "equally many in every block-row and block-column"),
        clEnumValN(::hcgs::rnn::BalanceChoice::None, "none",
                   "a number of blocks for the whole parent"))
    }]>,
    Option<"masks", "masks", "::hcgs::rnn::MaskSharing",
           "::hcgs::rnn::MaskSharing::Shared",
           "Whether gates keep the same imposed blocks", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::MaskSharing::Shared, "shared",
                   "all gates keep the same blocks"),
        clEnumValN(::hcgs::rnn::MaskSharing::Separate, "separate",
                   "each gate keeps its own"))
    }]>,
    Option<"select", "select", "::hcgs::rnn::BlockSelection",
           "::hcgs::rnn::BlockSelection::Magnitude",
           "How imposed blocks are chosen", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::BlockSelection::Magnitude, "magnitude",
                   "the largest sum of magnitudes"),
        clEnumValN(::hcgs::rnn::BlockSelection::Guided, "guided",
                   "the largest mean magnitude, tier by tier"),
        clEnumValN(::hcgs::rnn::BlockSelection::Random, "random",
                   "at random, from the seed"))
    }]>,
    Option<"seed", "seed", "uint64_t", "0", "Seed of select=random">,
    Option<"maskFile", "mask-file", "std::string", "\"\"",
           "0/1 arrays of mode=masks: a .npz file">,
    Option<"circulant", "circulant", "unsigned", "0",
           "Block size to project to, 2..128; 0: do not">,
    Option<"onBroken", "on-broken", "::hcgs::rnn::BrokenPattern",
           "::hcgs::rnn::BrokenPattern::Reject",
           "What becomes of weights that break their pattern", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::BrokenPattern::Reject, "reject",
                   "fail and say where"),
        clEnumValN(::hcgs::rnn::BrokenPattern::Project, "project",
                   "zero the weights outside the pattern"),
        clEnumValN(::hcgs::rnn::BrokenPattern::Dense, "dense",
                   "store the matrix dense"))
    }]>,
    Option<"linear", "linear", "bool", "false",
           "Impose on linear layers, too">
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

    *Data.* `file` is a `.npz` with one array for each input of the model, by
    name, or a `.npy` for a model with one sequence input; or several such files
    (batches): a folder, whose `.npy` and `.npz` files are taken, a pattern with
    `*` or `?` in its last part, or names with commas between them. Files are
    read one at a time, `.npy` files through a mapping, and sequences go through
    the model in groups of bounded size, so that memory does not grow with the
    data. The result does not depend on the order of files, nor on how sequences
    are spread over them. An array has the shape of the input it is for; the
    batch axis may be left out for a single sequence, axes of dynamic length
    have any length, and all batch axes of a file agree. An array `lengths` of
    integers, one for each batch row, says how many steps of a padded batch are
    real; other arrays whose names are no inputs are ignored. A model with one
    sequence input also takes it under the name `x`. Initial states that are
    inputs may be absent: they are zero then.

    *Methods* (`docs/Rationale/Quantization.md`). `minmax` takes the least and
    the largest value. `percentile` cuts both ends at the magnitude that
    `percentile` percent of the values do not exceed (of inputs and layers
    alike; never beyond the values seen; to within 2^-16 of the largest
    magnitude, doubled at most). `mse` and `kl` cut at the power of two with the
    least squared error, or the least Kullback-Leibler divergence, of the value
    in its width: `input-bits` for inputs, `act-bits` for results of layers,
    `cell-bits` for the cell. `rnn.override` may give a value or layer another
    method, percentile or width. What was seen and chosen for each value is a
    remark, and the attribute `rnn.ranges` of the `rnn.model`, for the report.

    Precondition: canonical form. Fails if a file cannot be read, lacks an
    input, has a wrong shape, is empty or holds NaN or infinities; if an input
    is constant over all data; and if the model uses what the float model does
    not have (peepholes, clip, coupled gates).

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
           "Calibration data: .npy or .npz files, a folder, or a pattern">,
    Option<"method", "method", "::hcgs::rnn::RangeMethod",
           "::hcgs::rnn::RangeMethod::MinMax", "How values become ranges", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::RangeMethod::MinMax, "minmax",
                   "the least and the largest value"),
        clEnumValN(::hcgs::rnn::RangeMethod::Percentile, "percentile",
                   "cut at a percentile of the magnitudes"),
        clEnumValN(::hcgs::rnn::RangeMethod::MSE, "mse",
                   "the least squared error in the value's width"),
        clEnumValN(::hcgs::rnn::RangeMethod::KL, "kl",
                   "the least Kullback-Leibler divergence"))
    }]>,
    Option<"percentile", "percentile", "double", "99.99",
           "Percentile of method=percentile, above 0 to 100">,
    Option<"inputBits", "input-bits", "unsigned", "13",
           "Width of inputs of the model, for mse and kl">,
    Option<"actBits", "act-bits", "unsigned", "13",
           "Width of h and of results of layers, for mse and kl">,
    Option<"cellBits", "cell-bits", "unsigned", "16",
           "Width of the cell state, for mse and kl">
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

    *Single layers and values.* `rnn.override` of a layer, matrix or value
    stands in for the options; for a value it may also give the range, [min,
    max), or the number of fractional bits. `input-bits` of a layer is the width
    of the model's input that it reads.

    *Tables.* Inputs are fx<16,12>; for functions that grow without bound as far
    as the worst case of their input asks. They get at most `pwl-segments`
    entries, with the least error or, with `pwl-max-error`, the fewest bytes;
    they are fitted when the program is made. A function given by samples
    (rnn-activation-tables) must be given for all inputs it can get, or be flat
    at the end where it is not.

    *Weights.* Every matrix has one exponent per gate, that of least squared
    error (A-W-4) or the one that is given, lowered where A-W-7 asks for it.
    `weight-quantizer=hcgs` is the quantiser that HCGS networks were published
    with: clamp to [-1, 1], sign(w) * ceil(|w| * 2^(k-1)) / 2^(k-1); that is
    `signmag`, rounded by `ceil`, with the exponent k-1 for every gate.

    Weights that lie on a grid (integer multiples of a power of two, in at most
    8 bits: trained with quantisation) are recognised for each matrix and gate
    and keep their values where the width holds them; a remark says so, or what
    changes them. Where A-W-7 would lower the exponent of such weights, or one
    that is given, the pass fails and says what would keep it; `on-grid=lower`
    lets weights on a grid change instead.

    `signmag` has no zero. For zeros in kept positions `zeros` decides: `auto`
    stores the matrix `twos` if that has less than half the squared error, and
    else them as +1; `one` always +1; `twos` always the matrix as `twos`;
    `refuse` is an error. With `auto` and `one`, a matrix with a gate of nothing
    but zeros is stored `twos`, with a remark. `weight-quantizer=hcgs` never
    leaves `signmag` by itself: `auto` is `one` there, for such gates, too.

    *Accumulators.* The fraction of a sum is that of its finest product. The
    bound of A-ACC-3 is proved for every row from the codes and biases, for the
    cell and for additions. Where it does not hold, the message names gate, row
    and matrix, and the widths that would mend it, with their cost in dB of SQNR
    (`docs/Rationale/Quantization.md`).

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
    Option<"pwlSegments", "pwl-segments", "unsigned", "128",
           "Most entries of a table, 1 to 512">,
    Option<"pwlKind", "pwl-kind", "::hcgs::fx::PwlKind",
           "::hcgs::fx::PwlKind::Auto", "Kind of tables", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::fx::PwlKind::Auto, "auto", "the cheaper one"),
        clEnumValN(::hcgs::fx::PwlKind::Uniform, "uniform",
                   "segments of one size"),
        clEnumValN(::hcgs::fx::PwlKind::TwoLevel, "two-level",
                   "regions with segments of their own size"))
    }]>,
    Option<"pwlMaxError", "pwl-max-error", "double", "0.0",
           "Worst error of a table in output LSBs; 0: the least there is">,
    Option<"inputRange", "input-range", "double", "8.0",
           "Range of inputs without calibration data">,
    Option<"cellRange", "cell-range", "double", "8.0",
           "Range of cell states without calibration data">,
    Option<"weightQuantizer", "weight-quantizer",
           "::hcgs::rnn::WeightQuantizer",
           "::hcgs::rnn::WeightQuantizer::Free", "Where codes come from", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::WeightQuantizer::Free, "free",
                   "encoding, rounding, exponents of least squared error"),
        clEnumValN(::hcgs::rnn::WeightQuantizer::HCGS, "hcgs",
                   "the published one: signmag, ceil, exponent k-1"))
    }]>,
    Option<"zeros", "zeros", "::hcgs::rnn::ZeroPolicy",
           "::hcgs::rnn::ZeroPolicy::Auto",
           "Zeros in kept positions where signmag is asked for", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::ZeroPolicy::Auto, "auto",
                   "twos where that has less than half the error"),
        clEnumValN(::hcgs::rnn::ZeroPolicy::One, "one", "as +1"),
        clEnumValN(::hcgs::rnn::ZeroPolicy::Twos, "twos",
                   "store the matrix as twos"),
        clEnumValN(::hcgs::rnn::ZeroPolicy::Refuse, "refuse", "an error"))
    }]>,
    Option<"onGrid", "on-grid", "::hcgs::rnn::GridPolicy",
           "::hcgs::rnn::GridPolicy::Keep",
           "Weights on a grid that A-W-7 would change", [{
      ::llvm::cl::values(
        clEnumValN(::hcgs::rnn::GridPolicy::Keep, "keep", "an error"),
        clEnumValN(::hcgs::rnn::GridPolicy::Lower, "lower",
                   "let them change"))
    }]>
  ];
}

#endif // HCGS_DIALECT_RNN_TRANSFORMS_PASSES_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: not hcgs-opt %s --rnn-calibrate 2>&1 | FileCheck %s --check-prefix=NOFILE
// NOFILE: error: rnn-calibrate needs the option file

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/none.npz 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: calibration data: {{.*}}none.npz

// RUN: not hcgs-opt %s --rnn-calibrate=file=%s 2>&1 | FileCheck %s --check-prefix=NOTNPY
// NOTNPY: error: calibration data: {{.*}}calibrate-invalid.mlir

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/no-input.npz 2>&1 | FileCheck %s --check-prefix=INPUT
// INPUT: error: calibration data '{{.*}}no-input.npz': no array for input 'x'; found 'y'

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/wrong-shape.npy 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: the array for input 'x' has shape [3, 2, 5]; the model takes [time, batch, 2], the batch axis may be left out

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/nan.npy 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: the array for input 'x' holds nan at element 1; only finite numbers can be calibrated with

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/empty.npy 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: the array for input 'x' is empty (shape [0, 2, 2])

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/bad-lengths.npz 2>&1 | FileCheck %s --check-prefix=LENGTH
// LENGTH: 'lengths' says 4 steps for row 1; the arrays have 1 to 3

// RUN: not hcgs-opt %s --rnn-calibrate=file=%S/Inputs/float-lengths.npz 2>&1 | FileCheck %s --check-prefix=FLOAT
// FLOAT: 'lengths' is float64 [2]; it must hold one integer for each of the 2 batch rows

// RUN: not hcgs-opt %s --rnn-calibrate="file=%S/Inputs/calibration.npz method=percentile percentile=0" 2>&1 | FileCheck %s --check-prefix=PERCENT
// PERCENT: option percentile of rnn-calibrate is 0{{.*}}; it must be above 0 and at most 100

// RUN: not hcgs-opt %S/compress-names.mlir --rnn-calibrate=file=%S/Inputs/calibration.npz 2>&1 | FileCheck %s --check-prefix=MODEL
// MODEL: there is no rnn.model with a function to calibrate
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"y", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[1.0, 0.0], [0.5, -0.25]]> : tensor<2x2xf32>
  %b = rnn.weight dense<[0.5, 0.0]> : tensor<2xf32>
  %y = rnn.linear %x, %w bias %b : (tensor<?x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

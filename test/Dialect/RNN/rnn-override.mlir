// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: hcgs-opt %s --rnn-override=file=%S/Inputs/override.json | FileCheck %s
// What a file says of a layer replaces what the layer had; twice is as once.
// RUN: hcgs-opt %s --rnn-override=file=%S/Inputs/override.json --rnn-override=file=%S/Inputs/override.json | FileCheck %s
// RUN: hcgs-opt %s | hcgs-opt | FileCheck %s --check-prefix=ROUND

// CHECK:      func.func @main(%arg0: tensor<?x?x2xf32> {rnn.override = {bits = 10 : i64, "range-method" = "kl"}})
// CHECK:      rnn.lstm forward %arg0
// CHECK-SAME: rnn.override = {R = {tiers = "4x4:1/4", "weight-encoding" = "twos"}, W = {exponents = array<i64: 5, 5, 4, 5>, "weight-bits" = 4 : i64}, "act-bits" = 12 : i64, c = {range = array<f64: -2.000000e+00, 2.500000e+00>}, "cell-bits" = 14 : i64, sparsity = "off"}
// Both directions of a node carry what is said of it.
// CHECK:      rnn.lstm forward {{.*}}rnn.override = {c = {percentile = 9.950000e+01 : f64}}
// CHECK:      rnn.lstm reverse {{.*}}rnn.override = {c = {percentile = 9.950000e+01 : f64}}
// A layer that is not named keeps its own.
// CHECK:      rnn.act{{.*}} {rnn.override = {"act-bits" = 9 : i64}}
// CHECK:      rnn.linear
// CHECK-SAME: rnn.override = {W = {exponents = array<i64: 3>}, "weight-bits" = 8 : i64, y = {frac = 9 : i64}}

// ROUND:      rnn.lstm forward
// ROUND-SAME: rnn.override = {R = {masks = "separate"}}
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"z", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64, rnn.override = {R = {masks = "separate"}}}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("lstm1")
  %w0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r0 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y0, %y0_h, %y0_c = rnn.lstm forward %y, %w0, %r0 {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("lstm2")
  %w1 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r1 = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y1, %y1_h, %y1_c = rnn.lstm reverse %y, %w1, %r1 {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("lstm2")
  %j = rnn.concat %y0, %y1 : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32> loc("lstm2")
  %a = rnn.act relu %j {rnn.override = {"act-bits" = 9 : i64}} : tensor<?x?x4xf32> loc("act")
  %v = rnn.weight dense<0.5> : tensor<2x4xf32>
  %z = rnn.linear %a, %v : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32> loc("head")
  return %z : tensor<?x?x2xf32>
}

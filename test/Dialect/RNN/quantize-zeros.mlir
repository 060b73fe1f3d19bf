// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The published quantiser keeps signmag whatever zeros there are, where others
// would take twos: |w| = 1 is the code 2^(k-1), which twos does not have.

// RUN: hcgs-opt %s --rnn-quantize="weight-quantizer=hcgs weight-bits=4" 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t.err
// CHECK-LABEL: @many
// CHECK: w = <bits = 4, encoding = signmag, rounding = ceil, exps = [3]>
// CHECK-LABEL: @nothing
// CHECK: w = <bits = 4, encoding = signmag, rounding = ceil, exps = [3]>
// REMARK: W: 6 weights in kept positions are zero and become +1 in signmag
// REMARK: W: 4 weights in kept positions are zero and become +1 in signmag
// REMARK-NOT: stored as twos

// RUN: hcgs-opt %s --rnn-quantize="weight-quantizer=hcgs weight-bits=4 zeros=twos" 2>/dev/null | FileCheck %s --check-prefix=TWOS
// TWOS-LABEL: @many
// TWOS: encoding = twos
// TWOS-LABEL: @nothing
// TWOS: encoding = twos

// RUN: hcgs-opt %s --rnn-quantize="weight-bits=4" 2>/dev/null | FileCheck %s --check-prefix=TWOS

// Of others, `one` means zeros among other weights.
// RUN: hcgs-opt %s --rnn-quantize="weight-bits=4 zeros=one" 2>/dev/null | FileCheck %s --check-prefix=ONE
// ONE-LABEL: @many
// ONE: encoding = signmag
// ONE-LABEL: @nothing
// ONE: encoding = twos

// RUN: not hcgs-opt %s --split-input-file --rnn-quantize="zeros=refuse" 2>&1 | FileCheck %s --check-prefix=REFUSE
// RUN: not hcgs-opt %s --split-input-file --rnn-quantize="weight-quantizer=hcgs zeros=refuse" 2>&1 | FileCheck %s --check-prefix=REFUSE
// REFUSE: error: {{.*}}W: 6 weights in kept positions are zero, which signmag cannot hold
// REFUSE: error: {{.*}}W: 4 weights in kept positions are zero, which signmag cannot hold

func.func @many(%x: tensor<?x?x4xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<[[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %y = rnn.linear %x, %w : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

func.func @nothing(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.0> : tensor<2x2xf32>
  %y = rnn.linear %x, %w : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
  rnn.range %y -1.0 to 1.0 : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

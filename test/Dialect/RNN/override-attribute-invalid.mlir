// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The attribute rnn.override where it is written by hand.

// RUN: hcgs-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<?x?x6xf32>) {
  // expected-error@+1 {{cannot have the attribute 'rnn.override'; rnn.lstm, rnn.linear, rnn.act, rnn.add and function arguments can}}
  %0 = rnn.concat %x, %x {rnn.override = {}} : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x6xf32>) {
  // expected-error@+1 {{'rnn.override': there is no key 'bitz'; allowed are act-bits, range-method, percentile}}
  %0 = rnn.act relu %x {rnn.override = {bitz = 3 : i64}} : tensor<?x?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x6xf32>) {
  // expected-error@+1 {{'rnn.override', y: frac: 31 found, allowed is -16..30}}
  %0 = rnn.act relu %x {rnn.override = {y = {frac = 31 : i64}}} : tensor<?x?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x6xf32>) {
  // The type of a number counts.
  // expected-error@+1 {{'rnn.override': act-bits: 9 : i32 found, allowed is 8..16}}
  %0 = rnn.act relu %x {rnn.override = {"act-bits" = 9 : i32}} : tensor<?x?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x6xf32>) {
  // expected-error@+1 {{'rnn.override', y: must be a dictionary}}
  %0 = rnn.act relu %x {rnn.override = {y = 3 : i64}} : tensor<?x?x6xf32>
  return
}

// -----

// expected-error@+1 {{argument 0: attribute 'rnn.override': key 'act-bits' has no meaning here; allowed are bits, frac, range, range-method, percentile}}
func.func @f(%x: tensor<?x?x6xf32> {rnn.override = {"act-bits" = 9 : i64}}) {
  return
}

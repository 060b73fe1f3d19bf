// RUN: hcgs-opt %s | hcgs-opt | FileCheck %s
// RUN: hcgs-opt %s --mlir-print-op-generic | hcgs-opt | FileCheck %s

// The dialect has no operations: its types and attributes ride on a module.

// CHECK-LABEL: module @types
// CHECK-SAME: a = !fx.int<13, 12>
// CHECK-SAME: b = !fx.int<8, -2>
// CHECK-SAME: c = !fx.int<2, 20>
// CHECK-SAME: d = !fx.int<32, 0>
module @types attributes {
  t.a = !fx.int<13, 12>, t.b = !fx.int<8, -2>, t.c = !fx.int<2, 20>, t.d = !fx.int<32, 0>
} {}

// CHECK-LABEL: module @weights
// CHECK-SAME: #fx.weights<bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 4, 5]>
// CHECK-SAME: #fx.weights<bits = 2, encoding = twos, rounding = ceil, exps = [-16]>
module @weights attributes {
  t.a = #fx.weights<bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 4, 5]>,
  t.b = #fx.weights<bits = 2, encoding = twos, rounding = ceil, exps = [-16]>
} {}

// CHECK-LABEL: module @pwl
// CHECK-SAME: #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>
// CHECK-SAME: #fx.pwl<leaky_relu, in = !fx.int<16, 10>, out = !fx.int<13, 8>, segments = 2, alpha = 0.00999999977 : f32>
// CHECK-SAME: #fx.pwl<hard_sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 512, alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32>
// CHECK-SAME: #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 100, kind = two_level, error = 1.000000e+00 : f64>
// CHECK-SAME: #fx.pwl<elu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 4, kind = uniform, samples = dense<{{.*}}> : tensor<2x2xf64>>
// CHECK-SAME: #fx.directory<origin = -32768, frac = 3, first = [0, 4], bits = [2, 0]>
// CHECK-SAME: #fx.directory<origin = 0, frac = 3, first = [0], bits = [2], centre = 4096>
// CHECK-SAME: #fx.proof<at = -12, in_range = 5.000000e-01 : f64, rms = 2.500000e-01 : f64, jump = 1, monotone = true, symmetry = within_one>
module @pwl attributes {
  t.a = #fx.pwl<sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 256>,
  t.b = #fx.pwl<leaky_relu, in = !fx.int<16, 10>, out = !fx.int<13, 8>, segments = 2, alpha = 0.01 : f32>,
  t.d = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 100, error = 1.0 : f64, kind = two_level>,
  t.e = #fx.pwl<elu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 4, kind = uniform, samples = dense<[[-1.0, 0.0], [1.0, 2.0]]> : tensor<2x2xf64>>,
  t.f = #fx.directory<origin = -32768, frac = 3, first = [0, 4], bits = [2, 0]>,
  t.g = #fx.directory<origin = 0, frac = 3, first = [0], bits = [2], centre = 4096>,
  t.h = #fx.proof<at = -12, in_range = 0.5, rms = 0.25, jump = 1, monotone = true, symmetry = within_one>,
  t.c = #fx.pwl<hard_sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 512, beta = 0.5 : f32, alpha = 0.2 : f32>
} {}

// CHECK-LABEL: module @patterns
// CHECK-SAME: #fx.tier<32x32 keep 1/4 row>
// CHECK-SAME: #fx.sparsity<tiers = [32x32 keep 1/4 row, 4x4 keep 1/4 column]>
// CHECK-SAME: #fx.sparsity<tiers = [4x4 keep 1/2 row], map = "09">
// CHECK-SAME: #fx.circulant<8>
// CHECK-SAME: #fx.sparsity<tiers = [9x7 keep 3/8 both, 3x7 keep 2/3 none]>
// CHECK-SAME: #fx.sparsity<tiers = [4x4 keep 1/2 row], separate>
// CHECK-SAME: #fx.sparsity<tiers = [4x4 keep 1/2 row], separate, maps = ["09", "05", "", "0a"]>
// CHECK-SAME: #fx.sparsity<tiers = [8x8 keep 1/1 row, 7x7 keep 1/1 row, 6x6 keep 1/1 row, 5x5 keep 1/1 row, 4x4 keep 1/1 row, 3x3 keep 1/1 row, 2x2 keep 1/1 row, 1x1 keep 1/1 row]>
module @patterns attributes {
  t.a = #fx.tier<32x32 keep 1/4 row>,
  t.b = #fx.sparsity<tiers = [32x32 keep 1/4 row, 4x4 keep 1/4 column]>,
  t.c = #fx.sparsity<tiers = [4x4 keep 1/2 row], map = "09">,
  t.d = #fx.circulant<8>,
  t.e = #fx.sparsity<tiers = [9x7 keep 3/8 both, 3x7 keep 2/3 none]>,
  t.f = #fx.sparsity<tiers = [4x4 keep 1/2 row], separate>,
  t.g = #fx.sparsity<tiers = [4x4 keep 1/2 row], separate, maps = ["09", "05", "", "0a"]>,
  t.h = #fx.sparsity<tiers = [8x8 keep 1/1 row, 7x7 keep 1/1 row, 6x6 keep 1/1 row, 5x5 keep 1/1 row, 4x4 keep 1/1 row, 3x3 keep 1/1 row, 2x2 keep 1/1 row, 1x1 keep 1/1 row]>
} {}

// RUN: hcgs-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{fixed-point width 1 is not within 2..32}}
module attributes {t.a = !fx.int<1, 0>} {}

// -----

// expected-error @below {{fixed-point width 33 is not within 2..32}}
module attributes {t.a = !fx.int<33, 0>} {}

// -----

// expected-error @below {{fixed-point fraction 65 is not within -64..64}}
module attributes {t.a = !fx.int<8, 65>} {}

// -----

// expected-error @below {{weight width 9 is not within 2..8}}
module attributes {t.a = #fx.weights<bits = 9, encoding = twos, rounding = nearest, exps = [0]>} {}

// -----

// expected-error @below {{expected one exponent per gate, 1 to 4, found 5}}
module attributes {t.a = #fx.weights<bits = 8, encoding = twos, rounding = nearest, exps = [0, 0, 0, 0, 0]>} {}

// -----

// expected-error @below {{weight exponent 31 is not within -16..30}}
module attributes {t.a = #fx.weights<bits = 8, encoding = twos, rounding = nearest, exps = [31]>} {}

// -----

// expected-error @below {{table input '!fx.int<17, 12>' is wider than the 16 bits of A-PWL-1}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<17, 12>, out = !fx.int<13, 12>, segments = 256>} {}

// -----

// expected-error @below {{table output '!fx.int<17, 12>' is wider than 16 bits}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<17, 12>, segments = 256>} {}

// -----

// expected-error @below {{number of segments 0 is not within 1..512}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 0>} {}

// -----

// expected-error @below {{number of segments 1024 is not within 1..512}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 1024>} {}

// -----

// expected-error @below {{leaky_relu needs alpha}}
module attributes {t.a = #fx.pwl<leaky_relu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2>} {}

// -----

// expected-error @below {{tanh takes no beta}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, beta = 1.0 : f32>} {}

// -----

// expected-error @below {{alpha must be of type f32, found 'f64'}}
module attributes {t.a = #fx.pwl<elu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, alpha = 1.0 : f64>} {}

// -----

// expected-error @below {{expected 'kind', 'error', 'alpha', 'beta' or 'samples', each once}}
module attributes {t.a = #fx.pwl<elu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, gamma = 1.0 : f32>} {}

// -----

// expected-error @below {{expected 'kind', 'error', 'alpha', 'beta' or 'samples', each once}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, kind = uniform, kind = uniform>} {}

// -----

// expected-error @below {{got: cubic}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, kind = cubic>} {}

// -----

// expected-error @below {{error of a table must be a number of output LSBs above 0, found 0}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, error = 0.0 : f64>} {}

// -----

// expected-error @below {{error must be of type f64, found 'f32'}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, error = 1.0 : f32>} {}

// -----

// expected-error @below {{samples must be points (x, y), at least two, as tensor<Nx2xf64>, found 'tensor<2x3xf64>'}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, samples = dense<0.0> : tensor<2x3xf64>>} {}

// -----

// expected-error @below {{x of samples must rise, found 1 after 1 at point 1}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, samples = dense<[[1.0, 0.0], [1.0, 1.0]]> : tensor<2x2xf64>>} {}

// -----

// expected-error @below {{samples hold inf at point 1; only finite numbers are allowed}}
module attributes {t.a = #fx.pwl<tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, samples = dense<[[1.0, 0.0], [2.0, 0x7FF0000000000000]]> : tensor<2x2xf64>>} {}

// -----

// expected-error @below {{elu given by samples takes no alpha}}
module attributes {t.a = #fx.pwl<elu, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2, alpha = 1.0 : f32, samples = dense<[[1.0, 0.0], [2.0, 1.0]]> : tensor<2x2xf64>>} {}

// -----

// expected-error @below {{a directory has 1..64 regions, each with first and bits, found 1 and 2}}
module attributes {t.a = #fx.directory<origin = 0, frac = 0, first = [0], bits = [0, 1]>} {}

// -----

// expected-error @below {{table formats must be of type !fx.int}}
module attributes {t.a = #fx.pwl<elu, in = i16, out = !fx.int<13, 12>, segments = 2>} {}

// -----

// expected-error @below {{expected a block size such as 32x32}}
module attributes {t.a = #fx.tier<32 keep 1/4 row>} {}

// -----

// expected-error @below {{block of 0x4: both sides must be within 1..65535}}
module attributes {t.a = #fx.tier<0x4 keep 1/4 row>} {}

// -----

// expected-error @below {{keep fraction 5/4 is not within (0, 1] with terms up to 65535}}
module attributes {t.a = #fx.tier<4x4 keep 5/4 row>} {}

// -----

// expected-error @below {{keep fraction 0/4 is not within (0, 1] with terms up to 65535}}
module attributes {t.a = #fx.tier<4x4 keep 0/4 row>} {}

// -----

// expected-error @below {{tier 2 of 8x2 does not fit into the blocks of 4x4 of tier 1}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row, 8x2 keep 1/2 row]>} {}

// -----

// expected-error @below {{a block pattern has 1 to 8 tiers, found 9}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row, 4x4 keep 1/4 row]>} {}

// -----

// expected-error @below {{a block pattern has 1 to 8 tiers, found 0}}
module attributes {t.a = #fx.sparsity<tiers = []>} {}

// -----

// expected-error @below {{expected}}
module attributes {t.a = #fx.tier<4x4 keep 1/4 diagonal>} {}

// -----

// Shared blocks have `map`, separate ones `maps`.
// expected-error @below {{expected 'map'}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], maps = ["00", "00"]>} {}

// -----

// expected-error @below {{expected 'maps'}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], separate, map = "00">} {}

// -----

// expected-error @below {{separate blocks have one map per gate, 1 to 4, found 5}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], separate, maps = ["00", "00", "00", "00", "00"]>} {}

// -----

// expected-error @below {{map 1 has an odd number of hex digits (1)}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], separate, maps = ["00", "0"]>} {}

// -----

// expected-error @below {{the map has an odd number of hex digits (3)}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], map = "012">} {}

// -----

// expected-error @below {{the map has 'G' at position 1; it takes lower-case hex digits only}}
module attributes {t.a = #fx.sparsity<tiers = [4x4 keep 1/4 row], map = "0G">} {}

// -----

// expected-error @below {{circulant block size 1 is not within 2..128}}
module attributes {t.a = #fx.circulant<1>} {}

// -----

// expected-error @below {{circulant block size 129 is not within 2..128}}
module attributes {t.a = #fx.circulant<129>} {}

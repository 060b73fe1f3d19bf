// RUN: hcgs-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// Types.

// expected-error @below {{vector size 0 is not within 1..16777215}}
"test.op"() : () -> !hcgs.vec<0 x !fx.int<13, 12>>

// -----

// expected-error @below {{vector element '!fx.int<20, 12>' is wider than the 16 bits of vmem}}
"test.op"() : () -> !hcgs.vec<4 x !fx.int<20, 12>>

// -----

// expected-error @below {{number of gates 5 is not within 1..4}}
"test.op"() : () -> !hcgs.acc<5x4, [1, 1, 1, 1, 1]>

// -----

// expected-error @below {{number of rows 0 is not within 1..16777215}}
"test.op"() : () -> !hcgs.acc<1x0, [1]>

// -----

// expected-error @below {{expected one fraction per gate, 2, found 1}}
"test.op"() : () -> !hcgs.acc<2x4, [1]>

// -----

// expected-error @below {{expected gates x rows such as 4x128}}
"test.op"() : () -> !hcgs.acc<4, [1]>

// -----

// Tensors of the host.

hcgs.program @p {
  // expected-error @below {{axis size -1 is negative; 0 stands for a free size}}
  hcgs.io input "x" [<time -1>] in []
}

// -----

hcgs.program @p {
  // expected-error @below {{an axis of kind 'one' has size 1, found 2}}
  hcgs.io input "x" [<one 2>] in []
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{part index -2 is negative; -1 stands for no index}}
  hcgs.io input "x" [<time 0>] in [<@x at -2>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has two axes of kind 'time'}}
  hcgs.io input "x" [<time 0>, <time 0>] in [<@x at -1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has both a layer and a direction axis; parts are slices along one of them}}
  hcgs.io input "x" [<layer 2>, <direction 2>] in [<@x at -1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has a layer axis of free size}}
  hcgs.io input "x" [<layer 0>] in [<@x at 0>]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.io' op has no part; an output lies in at least one stream}}
  hcgs.io output "x" [<time 0>] in []
}

// -----

hcgs.program @p {
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has 2 parts but no layer or direction axis to tell them apart}}
  hcgs.io output "y" [<time 0>] in [<@y at -1>, <@y at -1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op part @x has index 2, expected 0..1}}
  hcgs.io input "x" [<layer 2>] in [<@x at 2>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op part @x has index 0, expected -1 (no layer or direction axis)}}
  hcgs.io input "x" [<time 0>] in [<@x at 0>]
}

// -----

hcgs.program @p {
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has two parts at index 1}}
  hcgs.io output "y" [<layer 2>] in [<@y at 1>, <@y at 1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op part names @z, which is not an hcgs.stream}}
  hcgs.io input "x" [<time 0>] in [<@z at -1>]
}

// -----

hcgs.program @p {
  // expected-note @below {{the stream is declared here}}
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op an output tensor cannot lie in @x, a stream of direction 'in'}}
  hcgs.io output "x" [<time 0>] in [<@x at -1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has a feature axis of size 3, but frames of @x have 4 elements}}
  hcgs.io input "x" [<time 0>, <feature 3>] in [<@x at -1>]
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.io' op has no time axis, but @x is a step stream}}
  hcgs.io input "x" [<feature 4>] in [<@x at -1>]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.stream' op scratch streams are step streams}}
  hcgs.stream @s sequence scratch : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

// Matrices.

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has 5 gates; a matrix has 1 to 4}}
  hcgs.matrix @W 5x1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<5x1x1xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has 2 gates but 1 exponents}}
  hcgs.matrix @W 2x1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<2x1x1xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes must be a tensor of i8, found 'tensor<1x1x1xi16>'}}
  hcgs.matrix @W 1x1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x1x1xi16>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes of a dense matrix must be a tensor of 1x2x1, found 'tensor<1x1x2xi8>'}}
  hcgs.matrix @W 1x2x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x1x2xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op sparsity has no map; it says which blocks are kept}}
  hcgs.matrix @W 1x2x2 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row]> codes dense<1> : tensor<2xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes of an hcgs matrix must be a one-dimensional tensor of the kept weights, found 'tensor<1x2x2xi8>'}}
  hcgs.matrix @W 1x2x2 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], map = "00"> codes dense<1> : tensor<1x2x2xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has 2 gates but 1 maps}}
  hcgs.matrix @W 2x2x2 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 3]> sparsity #fx.sparsity<tiers = [1x1 keep 1/2 row], separate, maps = ["00"]> codes dense<1> : tensor<4xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes of a circulant matrix must be a one-dimensional tensor of the first rows of its blocks, found 'tensor<1x2x2xi8>'}}
  hcgs.matrix @W 1x2x2 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<2> codes dense<1> : tensor<1x2x2xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has 7 codes; circulant blocks of 3 need 12}}
  hcgs.matrix @W 1x4x5 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<3> codes dense<1> : tensor<7xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has circulant blocks of 6, which are larger than the matrix of 4 x 5}}
  hcgs.matrix @W 1x4x5 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> sparsity #fx.circulant<6> codes dense<1> : tensor<6xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes must be dense or a dense_resource}}
  hcgs.matrix @W 1x1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes sparse<0, 1> : tensor<1x1x1xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op bias must be a tensor of 1x2, found 'tensor<2xi32>'}}
  hcgs.matrix @W 1x2x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x2x1xi8> bias dense<1> : tensor<2xi32>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has the code -32, which is none of 6-bit twos}}
  hcgs.matrix @W 1x1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<-32> : tensor<1x1x1xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op has the code 0, which is none of 6-bit signmag}}
  hcgs.matrix @W 1x1x2 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [3]> codes dense<[[[32, 0]]]> : tensor<1x1x2xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{expected gates x rows x columns such as 4x128x12}}
  hcgs.matrix @W 1x1 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense<1> : tensor<1x1xi8>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.matrix' op codes resource has 2 bytes, its type says 4}}
  hcgs.matrix @W 1x2x2 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3]> codes dense_resource<w> : tensor<1x2x2xi8>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x010000000102"
    }
  }
#-}

// -----

// Tables.

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field k is 16; allowed is 0..15}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 16 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field n is 4; allowed is 0..3}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 2 n 4 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op field s is 32; allowed is 0..31}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 32 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field lo is -5000; allowed is -4096..4095}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -5000 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op has 1 bases and 2 slopes, expected equally many}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo 0 hi 4095 error 1.0 bases [1] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table has 2 entries; 2^n = 4 are needed}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 2 s 14 lo 0 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op field n is 1; allowed is 2..2}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 13 n 1 s 14 lo 0 hi 4095 error 1.0
      directory <origin = 0, frac = 3, first = [0, 1], bits = [0, 0]> bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field first of region 1 is 1; with 2 segments of 2 entries allowed is 0..0}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 13 n 2 s 14 lo 0 hi 4095 error 1.0
      directory <origin = 0, frac = 3, first = [0, 1], bits = [0, 1]> bases [1, 2] slopes [3, -4]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field origin is 5; allowed is 0..0}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 13 n 1 s 14 lo 0 hi 4095 error 1.0
      directory <origin = 5, frac = 3, first = [0], bits = [0], centre = 0> bases [1] slopes [3]
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.table' op table field p is 15; allowed is 0..14}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 13 n 1 s 14 lo 0 hi 4095 error 1.0
      directory <origin = 5, frac = 15, first = [0], bits = [0]> bases [1] slopes [3]
}

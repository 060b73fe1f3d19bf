// RUN: hcgs-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// Constants.

hcgs.program @p {
  // expected-error @below {{'hcgs.constant' op has 2 codes, its type 4}}
  %c = hcgs.constant [1, 2] : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.constant' op has the code 4096, which does not fit '!fx.int<13, 12>'}}
  %c = hcgs.constant [4096, 0, 0, 0] : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

// Frames.

hcgs.program @p {
  // expected-error @below {{'hcgs.read' op names @q, which is not an hcgs.stream}}
  %x = hcgs.read @q last : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  // expected-note @below {{declared here}}
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.read' op reads '!hcgs.vec<3 x !fx.int<13, 12>>', but frames are '!hcgs.vec<4 x !fx.int<13, 12>>'}}
  %x = hcgs.read @x last : !hcgs.vec<3 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  // expected-note @below {{declared here}}
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.read' op is outside time loops, but @x has a frame a step; only its 'last' is meant here}}
  %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  // expected-note @below {{declared here}}
  hcgs.stream @h sequence in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.sequence states() {
    // expected-error @below {{'hcgs.read' op is in a time loop, but @h has one frame a run; move it out of the loop}}
    %x = hcgs.read @h : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.yield
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.sequence states() {
    // expected-error @below {{'hcgs.read' op the last frame is only known outside time loops}}
    %x = hcgs.read @x last : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.yield
  }
}

// -----

hcgs.program @p {
  // expected-note @below {{declared here}}
  hcgs.stream @h sequence in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.read' op asks for a frame 'last' of @h, which has one frame}}
  %x = hcgs.read @h last : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-note @below {{declared here}}
  hcgs.stream @h sequence in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.write' op writes a stream that the host fills}}
  hcgs.write %v, @h at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  %w = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 11>>
  // expected-note @below {{declared here}}
  hcgs.stream @o sequence out : !hcgs.vec<6 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.write' op writes '!fx.int<13, 11>' into a stream of '!fx.int<13, 12>'}}
  hcgs.write %w, @o at 0 : !hcgs.vec<4 x !fx.int<13, 11>>
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-note @below {{declared here}}
  hcgs.stream @o sequence out : !hcgs.vec<6 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.write' op writes elements 3 to 6 of frames of 6}}
  hcgs.write %v, @o at 3 : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @o sequence out : !hcgs.vec<6 x !fx.int<13, 12>>
  // expected-note @below {{they are written here first}}
  hcgs.write %v, @o at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.write' op writes elements 2 to 3 of @o a second time}}
  hcgs.write %v, @o at 2 : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.write' op cannot write the last frame alone}}
  hcgs.write %v, @y at 0 last : !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

// expected-error @below {{'hcgs.constant' op expects parent op 'hcgs.program'}}
%v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>

// -----

// Products.

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op has 1 shifts for 2 gates}}
  %a = hcgs.mvm @W, %v shifts [0] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op left shift 16 is not within 0..15}}
  %a = hcgs.mvm @W, %v shifts [0, 16] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  // expected-note @below {{declared here}}
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op gate 1: exponent 2 + input fraction 12 + shift 0 is 14, but the accumulator has fraction 15}}
  %a = hcgs.mvm @W, %v shifts [0, 0] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  // expected-note @below {{declared here}}
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op gives 2x3 accumulators from a matrix of 2 gates and 4 rows}}
  %a = hcgs.mvm @W, %v shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x3, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  // expected-note @below {{declared here}}
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %u = hcgs.constant zero : !hcgs.vec<3 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op multiplies a vector of 3 with a matrix of 4 columns}}
  %a = hcgs.mvm @W, %u shifts [0, 1] layer @L0 : (!hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  // expected-note @below {{declared here}}
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op starts with a bias that @W does not have}}
  %a = hcgs.mvm @W, %v bias shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.mvm' op names @Q, which is not an hcgs.matrix}}
  %a = hcgs.mvm @Q, %v shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.mvm @W, %v shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
  // expected-error @below {{'hcgs.mvm' op starts with a bias and an accumulator; the bias belongs to the product that comes first}}
  %a = hcgs.mvm @W, %v acc %b bias shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<2x4, [15, 15]>) -> !hcgs.acc<2x4, [15, 15]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  hcgs.matrix @W 2x4x4 weights <bits = 6, encoding = twos, rounding = nearest, exps = [3, 2]> codes dense<1> : tensor<2x4x4xi8>
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.mvm @W, %v shifts [0, 1] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<2x4, [15, 15]>
  // expected-error @below {{'hcgs.mvm' op continues '!hcgs.acc<2x4, [15, 15]>' as '!hcgs.acc<2x4, [16, 16]>'}}
  %a = hcgs.mvm @W, %v acc %b shifts [1, 2] layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<2x4, [15, 15]>) -> !hcgs.acc<2x4, [16, 16]>
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.vacc' op names @L9, which is not an hcgs.layer}}
  %a = hcgs.vacc %v shl 0 layer @L9 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
}

// -----

// Element operations.

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %u = hcgs.constant zero : !hcgs.vec<3 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.vmac' op multiplies vectors of 4 and 3 elements}}
  %a = hcgs.vmac %v, %u shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<3 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [24]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.vmac' op gives fraction 25, but the accumulator has 24}}
  %a = hcgs.vmac %v, %v shl 1 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [24]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.vacc' op gives 1x3 accumulators from vectors of 4}}
  %a = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x3, [12]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.vacc' op continues '!hcgs.acc<1x4, [12]>' as '!hcgs.acc<1x4, [13]>'}}
  %a = hcgs.vacc %v acc %b shl 1 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [13]>
}

// -----

// Accumulators are storage.

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-note @below {{the accumulator is made here}}
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-note @below {{the other operation is here}}
  %c = hcgs.vacc %v acc %b shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.vacc' op continues an accumulator that another operation continues as well}}
  %d = hcgs.vacc %v acc %b shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [12]>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-note @below {{it is continued here}}
  %c = hcgs.vacc %v acc %b shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.acc<1x4, [12]>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.requant' op reads an accumulator after another operation has continued it}}
  %d = hcgs.requant %b[0] shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

// Results.

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.requant' op reads gate 1 of accumulators of 1 gates}}
  %d = hcgs.requant %b[1] shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.requant' op makes a vector of 3 from 4 rows}}
  %d = hcgs.requant %b[0] shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<3 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.requant' op gives fraction 11, but the result is '!fx.int<13, 12>'}}
  %d = hcgs.requant %b[0] shift 1 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-note @below {{declared here}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -4096 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.act' op gives the table fraction 11, but it takes '!fx.int<16, 12>'}}
  %d = hcgs.act %b[0] @t shift 1 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-note @below {{declared here}}
  hcgs.table @t <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 2> k 15 n 1 s 14 lo -4096 hi 4095 error 1.0 bases [1, 2] slopes [3, -4]
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.act' op makes '!fx.int<13, 11>', but the table gives '!fx.int<13, 12>'}}
  %d = hcgs.act %b[0] @t shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 11>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.act' op names @t, which is not an hcgs.table}}
  %d = hcgs.act %b[0] @t shift 0 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %b = hcgs.vacc %v shl 0 layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.acc<1x4, [12]>
  // expected-error @below {{'hcgs.requant' op attribute 'shift' failed to satisfy constraint}}
  %d = hcgs.requant %b[0] shift 32 layer @L0 : !hcgs.acc<1x4, [12]> -> !hcgs.vec<4 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %u = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 11>>
  // expected-error @below {{'hcgs.concat' op joins '!fx.int<13, 11>' into '!fx.int<13, 12>'; all inputs and the result have one format}}
  %z = hcgs.concat %v, %u layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<13, 11>>) -> !hcgs.vec<8 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.concat' op joins 8 elements into a vector of 7}}
  %z = hcgs.concat %v, %v layer @L0 : (!hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<13, 12>>) -> !hcgs.vec<7 x !fx.int<13, 12>>
}

// -----

hcgs.program @p {
  hcgs.layer @L0 lstm "lstm"
  // expected-error @below {{'hcgs.concat' op joins no vectors}}
  %z = hcgs.concat layer @L0 : () -> !hcgs.vec<7 x !fx.int<13, 12>>
}

// -----

// Time loops.

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{expected one type per state, 1, found 0}}
  %s = hcgs.sequence states(%h = %v) {
    hcgs.yield
  }
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.sequence' op yields values of other types than its states}}
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    // expected-note @below {{yielded here}}
    hcgs.yield
  }
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    // expected-error @below {{'hcgs.yield' op yields a state of the step before; a state is made by an operation of the body}}
    hcgs.yield %h : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  %s:2 = hcgs.sequence states(%h = %v, %c = %v) : !hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    // expected-error @below {{'hcgs.yield' op yields one value as two states}}
    hcgs.yield %x, %x : !hcgs.vec<4 x !fx.int<13, 12>>, !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  // expected-error @below {{'hcgs.sequence' op body must end with hcgs.yield}}
  "hcgs.sequence"() ({
    "test.terminator"() : () -> ()
  }) : () -> ()
}

// -----

hcgs.program @p {
  // expected-error @below {{'hcgs.sequence' op has more than one hcgs.schedule}}
  hcgs.sequence states() {
    hcgs.schedule depth 0 {
    }
    hcgs.schedule depth 0 {
    }
    hcgs.yield
  }
}

// -----

// Schedules.

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.issue' op names a value that no operation of the time loop makes}}
      hcgs.issue %h step 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.buffer' op names a value that no operation of the time loop makes}}
      hcgs.buffer %h slots 1 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.issue' op issues step 2 of a schedule of depth 1}}
      hcgs.issue %x step 2 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.issue' op issues blocks 2 to 2, which are none}}
      hcgs.issue %x blocks 2 to 2 step 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.issue' op gives only one end of its blocks}}
      "hcgs.issue"(%x) {step = 0, first = 1} : (!hcgs.vec<4 x !fx.int<13, 12>>) -> ()
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.read' op expects parent op to be one of 'hcgs.program, hcgs.sequence'}}
      %z = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

hcgs.program @p {
  hcgs.stream @x step in : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.stream @y step out : !hcgs.vec<4 x !fx.int<13, 12>>
  hcgs.layer @L0 lstm "lstm"
  %v = hcgs.constant zero : !hcgs.vec<4 x !fx.int<13, 12>>
  %s = hcgs.sequence states(%h = %v) : !hcgs.vec<4 x !fx.int<13, 12>> {
    %x = hcgs.read @x : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.write %x, @y at 0 : !hcgs.vec<4 x !fx.int<13, 12>>
    hcgs.schedule depth 1 {
      // expected-error @below {{'hcgs.yield' op expects parent op 'hcgs.sequence'}}
      hcgs.yield
    }
    hcgs.yield %x : !hcgs.vec<4 x !fx.int<13, 12>>
  }
}

// -----

// Parts that only products have.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op names gates, columns or a tile, but only an hcgs.mvm has them}}
      hcgs.issue %x columns 0 to 4 step 0 : !v
    }
    hcgs.yield
  }
}

// -----

// A gate that there is not.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op issues gate 2, but gates are 0 to 1}}
      hcgs.issue %a gates [0, 2] step 0 : !a
    }
    hcgs.yield
  }
}

// -----

// Gates in a mess.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op names gates out of order; list each once, rising}}
      hcgs.issue %a gates [1, 0] step 0 : !a
    }
    hcgs.yield
  }
}

// -----

// No gate.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op names no gate; leave the gates out to issue all}}
      hcgs.issue %a gates [] step 0 : !a
    }
    hcgs.yield
  }
}

// -----

// No columns.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op issues columns 4 to 4, which are none}}
      hcgs.issue %a columns 4 to 4 step 0 : !a
    }
    hcgs.yield
  }
}

// -----

// Half a segment.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op gives only one end of its columns}}
      "hcgs.issue"(%a) {step = 0, col_end = 4} : (!a) -> ()
    }
    hcgs.yield
  }
}

// -----

// Retiling of nothing.
!v = !hcgs.vec<8 x !fx.int<13, 12>>
!a = !hcgs.acc<2x8, [15, 15]>
hcgs.program @p {
  hcgs.layer @L0 linear "/fc"
  hcgs.stream @x step in : !v
  hcgs.matrix @W 2x8x8 weights <bits = 4, encoding = twos, rounding = nearest, exps = [3, 3]> codes dense<1> : tensor<2x8x8xi8>
  hcgs.sequence states() {
    %x = hcgs.read @x : !v
    %a = hcgs.mvm @W, %x shifts [0, 0] layer @L0 : (!v) -> !a
    hcgs.schedule depth 0 {
      // expected-error @below {{'hcgs.issue' op says 'retile' without a tile}}
      hcgs.issue %a retile step 0 : !a
    }
    hcgs.yield
  }
}

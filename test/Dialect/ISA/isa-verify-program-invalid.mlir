// RUN: hcgs-opt %s --isa-verify-program --verify-diagnostics

// One program for each thing that may be wrong; the pass goes on to the next.

#target = {
  name = "small",
  description = "for this test",
  clock_hz = {value = 80000000 : i64, origin = "assumed", source = "test"},
  mac = {lanes = {value = 64 : i64, origin = "assumed", source = "test"}, tiles = {value = [[64 : i64, 1 : i64], [32 : i64, 2 : i64], [16 : i64, 4 : i64], [8 : i64, 8 : i64], [4 : i64, 16 : i64], [2 : i64, 32 : i64], [1 : i64, 64 : i64]], origin = "assumed", source = "test"}},
  matrix = {fill = {value = 4 : i64, origin = "assumed", source = "test"}},
  vector = {lanes = {value = 8 : i64, origin = "assumed", source = "test"}, latency = {value = 4 : i64, origin = "assumed", source = "test"}},
  load = {latency = {value = 2 : i64, origin = "assumed", source = "test"}, port_bytes = {value = 8 : i64, origin = "assumed", source = "test"}},
  store = {latency = {value = 2 : i64, origin = "assumed", source = "test"}, port_bytes = {value = 8 : i64, origin = "assumed", source = "test"}},
  queues = {load = {value = 16 : i64, origin = "assumed", source = "test"}, matrix = {value = 16 : i64, origin = "assumed", source = "test"}, vector = {value = 16 : i64, origin = "assumed", source = "test"}, store = {value = 16 : i64, origin = "assumed", source = "test"}},
  memories = {wmem = {bytes = {value = 24 : i64, origin = "assumed", source = "test"}}, imem = {bytes = {value = 4096 : i64, origin = "assumed", source = "test"}}, vmem = {elements = {value = 64 : i64, origin = "assumed", source = "test"}}, amem = {elements = {value = 32 : i64, origin = "assumed", source = "test"}}, bmem = {elements = {value = 4 : i64, origin = "assumed", source = "test"}}, lut = {tables = {value = 1 : i64, origin = "assumed", source = "test"}, segments = {value = 2 : i64, origin = "assumed", source = "test"}}, pmem = {instructions = {value = 8 : i64, origin = "assumed", source = "test"}}},
  weights = {bits = {value = [6 : i64], origin = "assumed", source = "test"}, encodings = {value = ["signmag", "twos"], origin = "assumed", source = "test"}},
  activation_bits = {min = {value = 8 : i64, origin = "assumed", source = "test"}, max = {value = 16 : i64, origin = "assumed", source = "test"}},
  accumulator_bits = {value = 32 : i64, origin = "assumed", source = "test"},
  matrix_kinds = {value = ["dense", "hcgs"], origin = "assumed", source = "test"}
}
#desc = dense<"0x010000000100000000020600040000000300000002000000FFFFFFFF00000000120000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"> : tensor<152xi8>
#tables = dense<"0x01000000010000000F000010FBFF050003000400010000002800000000000000000000000000000007000000"> : tensor<44xi8>
#weights = dense<0> : tensor<18xi8>
#streams = [{direction = "in", elements = 2 : i64, kind = "step", name = "x", value = unit}]

isa.program @p1 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'desc' is 1, allowed 0..0}}
  isa.mvm a[0], v[0], desc 1, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p2 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'first' is 2, allowed 0..1}}
  isa.mvm a[0], v[0], desc 0, blocks 2 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p3 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'count' is 2, allowed 1..1 from row block 1}}
  isa.mvm a[0], v[0], desc 0, blocks 1 + 2, gates i, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p4 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'gates' is 4, allowed 1..3: the matrix has 2 gates}}
  isa.mvm a[0], v[0], desc 0, blocks 0 + 1, gates f, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p5 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'init' is 2, allowed acc or zero: descriptor 0 has no bias}}
  isa.mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p6 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'tile' is 7, allowed 0..6}}
  isa.mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 7
  isa.halt
}

isa.program @p7 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'src' covers elements 62..64, vmem of target 'small' has 0..63}}
  isa.mvm a[0], v[62], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p8 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'dst' covers elements 25..32, amem of target 'small' has 0..31}}
  isa.mvm a[25], v[0], desc 0, blocks 0 + 2, gates io, init zero, shifts [0, 0, 0, 0], tile 0
  isa.halt
}

isa.program @p9 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.act' op field 'table' is 1, allowed 0..0}}
  isa.act v[0], a[0], n 1, shift 0, table 1
  isa.halt
}

isa.program @p10 target #target meta {streams = #streams}
    {
  isa.entry run
  // expected-error @below {{'isa.act' op field 'table' is 0, allowed none: the program has no tables}}
  isa.act v[0], a[0], n 1, shift 0, table 0
  isa.halt
}

isa.program @p11 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.requant' op field 'bits' is 7, allowed 8..16 on target 'small'}}
  isa.requant v[0], a[0], n 1, shift 0, bits 7
  isa.halt
}

isa.program @p12 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.astream' op field 'stream' is 1, allowed 0..0}}
  isa.astream a1, stream 1
  isa.halt
}

isa.program @p13 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.aset' op field 'value' is 64, allowed 60..63 in this ring}}
  isa.aset a1, 64 ring 60 + 4
  isa.halt
}

isa.program @p14 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.fill' op field 'dst' covers elements -1..0, vmem of target 'small' has 0..63}}
  isa.fill v[-1], 0, n 2
  isa.halt
}

isa.program @p15 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.vmac' op field 'b' covers elements 60..67, vmem of target 'small' has 0..63}}
  isa.vmac a[0], v[0], v[60], n 8, lshift 0, init zero
  isa.halt
}

isa.program @p16 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  // expected-error @below {{'isa.barrier' op the entry that starts here runs past the end of the program; end it with halt}}
  isa.barrier
}

// expected-error @below {{'isa.program' op the weight image takes 25 bytes of wmem, target 'small' has 24: 1 over}}
isa.program @p17 target #target meta {streams = #streams}
    attributes {weights = dense<0> : tensor<25xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{'isa.program' op the bias image takes 5 elements of bmem, target 'small' has 4: 1 over}}
isa.program @p18 target #target meta {streams = #streams}
    attributes {bias = dense<0> : tensor<20xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{'isa.program' op the program takes 9 instructions of pmem, target 'small' has 8: 1 over}}
isa.program @p19 target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  isa.barrier
  isa.barrier
  isa.barrier
  isa.barrier
  isa.barrier
  isa.barrier
  isa.barrier
  isa.barrier
  isa.halt
}

// expected-error @below {{.hcgs.bias: 3 bytes are no whole number of 32-bit biases}}
isa.program @p20 target #target meta {streams = #streams}
    attributes {bias = dense<0> : tensor<3xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{.hcgs.desc: descriptor 0: weights are bytes 0 + 18, .hcgs.weights has 17}}
isa.program @p21 target #target meta {streams = #streams}
    attributes {descriptors = #desc, weights = dense<0> : tensor<17xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{.hcgs.desc: count is 1, but 143 bytes hold at most 0 items of 144 bytes}}
isa.program @p22 target #target meta {streams = #streams}
    attributes {descriptors = dense<"0x010000000100000000020600040000000300000002000000FFFFFFFF000000001200000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"> : tensor<151xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{.hcgs.tables: version is 2, allowed 1}}
isa.program @p23 target #target meta {streams = #streams}
    attributes {tables = dense<"0x02000000010000000F000010FBFF050003000400010000002800000000000000000000000000000007000000"> : tensor<44xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{.hcgs.vinit: initial vector 0 takes elements 63 + 2, vmem of target 'small' has 64}}
isa.program @p24 target #target meta {streams = #streams}
    attributes {vinit = dense<"0x01000000010000003F0000000200000001000200"> : tensor<20xi8>} {
  isa.entry run
  isa.halt
}

// expected-error @below {{.hcgs.target: /: field 'name' is missing}}
isa.program @p25 target {} meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  isa.halt
}

// expected-error @below {{attribute 1 : i32 has no JSON form}}
isa.program @p26 target #target meta {x = 1 : i32}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  isa.halt
}

// expected-error @below {{'streams' must be a list of at most 64}}
isa.program @p27 target #target meta {streams = 3 : i64}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  isa.halt
}


// RUN: hcgs-opt %s --isa-verify-program | FileCheck %s

// A matrix of two gates of 4 x 3 in row blocks of 2, one table, one stream:
// everything here exists and fits exactly.

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

// CHECK-LABEL: isa.program @fits
isa.program @fits target #target meta {streams = #streams}
    attributes {descriptors = #desc, tables = #tables, weights = #weights} {
  isa.entry run
  isa.aset a1, 63 ring 60 + 4
  isa.astream a2, stream 0
  isa.loop T {
    isa.load v[61], x[a2], n 3
    isa.mvm a[24], v[61], desc 0, blocks 1 + 1, gates io, init zero, shifts [0, 15, 0, 0], tile 6
    isa.act v[a1], a[0], n 4, shift 31, table 0
  }
  // CHECK: isa.halt
  isa.halt
}


// RUN: hcgs-opt %s | hcgs-opt | FileCheck %s --strict-whitespace
// RUN: hcgs-opt %s --mlir-print-op-generic | hcgs-opt | FileCheck %s --strict-whitespace

// CHECK-LABEL: isa.program @everything target {name = "generic"} meta {streams = []}
// CHECK-SAME:{{ +}}attributes {bias = dense<[1, 0, 0, 0]> : tensor<4xi8>}
isa.program @everything target {name = "generic"} meta {streams = []}
    attributes {bias = dense<[1, 0, 0, 0]> : tensor<4xi8>} {
  // CHECK-NEXT: isa.entry run
  isa.entry run
  // CHECK-NEXT: isa.barrier
  isa.barrier
  // CHECK-NEXT: isa.aset a1, -64
  isa.aset a1, -64
  // CHECK-NEXT: isa.aset a31, 300 ring 256 + 128 {layer = 0 : i64, what = "ring of h"}
  isa.aset a31, 300 ring 256 + 128 {layer = 0 : i64, what = "ring of h"}
  // CHECK-NEXT: isa.astream a4, stream 0
  isa.astream a4, stream 0
  // CHECK-NEXT: isa.astream a5, stream 63 imm -24 tscale 24
  isa.astream a5, stream 63 imm -24 tscale 24
  // CHECK-NEXT: isa.loop T - 1 cap 2 {
  isa.loop T - 1 cap 2 {
    // CHECK-NEXT: isa.aadd a4, -24
    isa.aadd a4, -24
    // CHECK-NEXT: isa.loop 3 attributes {what = "inner"} {
    isa.loop 3 attributes {what = "inner"} {
      // CHECK-NEXT: isa.load v[16], x[a4 + 24], n 1
      isa.load v[16], x[a4 + 24], n 1
    // CHECK-NEXT: }
    }
  // CHECK-NEXT: }
  }
  // CHECK-NEXT: isa.entry step
  isa.entry step
  // CHECK-NEXT: isa.loop T {
  // CHECK-NEXT: }
  isa.loop T {
  }
  // CHECK-NEXT: isa.loop T + 2 {
  // CHECK-NEXT: }
  isa.loop T + 2 {
  }
  // CHECK-NEXT: isa.store x[a6], v[a2 - 9], n 9
  isa.store x[a6], v[a2 - 9], n 9
  // CHECK-NEXT: isa.mvm a[a2 + 128], v[a1 - 64], desc 3, blocks 0 + 4, gates iofg, init bias, shifts [0, 0, 1, 0], tile 0
  isa.mvm a[a2 + 128], v[a1 - 64], desc 3, blocks 0 + 4, gates iofg, init bias, shifts [0, 0, 1, 0], tile 0
  // CHECK-NEXT: isa.mvm a[0], v[0], desc 1023, blocks 65535 + 65535, gates og, init acc, shifts [15, 0, 15, 0], tile 15
  isa.mvm a[0], v[0], desc 1023, blocks 65535 + 65535, gates og, init acc, shifts [15, 0, 15, 0], tile 15
  // CHECK-NEXT: isa.act v[a3], a[a2 + 64], n 32, shift -15, table 255
  isa.act v[a3], a[a2 + 64], n 32, shift -15, table 255
  // CHECK-NEXT: isa.requant v[a3 + 64], a[512], n 512, shift 12, bits 13
  isa.requant v[a3 + 64], a[512], n 512, shift 12, bits 13
  // CHECK-NEXT: isa.vmac a[a5], v[a6], v[a7 + 32], n 32, lshift 3, init zero
  isa.vmac a[a5], v[a6], v[a7 + 32], n 32, lshift 3, init zero
  // CHECK-NEXT: isa.vacc a[a5 + 1], v[3], n 7, lshift 15, init acc
  isa.vacc a[a5 + 1], v[3], n 7, lshift 15, init acc
  // CHECK-NEXT: isa.vcopy v[a1 + 8], v[a1], n 128
  isa.vcopy v[a1 + 8], v[a1], n 128
  // CHECK-NEXT: isa.fill v[-524288], -32768, n 1048575
  isa.fill v[-524288], -32768, n 1048575
  // CHECK-NEXT: isa.halt
  isa.halt
  // CHECK-NEXT: isa.entry reset
  isa.entry reset
  // CHECK-NEXT: isa.halt
  isa.halt
}

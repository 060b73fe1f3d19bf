// Spilled weights: two matrices take turns in the same bytes of wmem.
//
// RUN: hcgs-as %s -o %t.hcgs
// RUN: %python -c "import numpy as np; np.save('%t.x.npy', np.array([[1, 10], [2, -1]], np.int16))"
// RUN: hcgs-sim %t.hcgs --codes --checked --input %t.x.npy --output %t.y.npy --stats %t.json --trace %t.txt
// RUN: %python -c "import numpy as np; print(np.load('%t.y.npy').tolist())" | FileCheck %s
// RUN: FileCheck %s --check-prefix=STATS < %t.json
// RUN: FileCheck %s --check-prefix=TRACE < %t.txt

// RUN: hcgs-objdump %t.hcgs | FileCheck %s --check-prefix=COUNT
// COUNT: .hcgs.desc 632 2 matrices, 1 part, 1 view
// COUNT: .hcgs.spill 8 spilled codes

// A = [1 2; 3 4] and B = [5 6; 7 8] times x, column 1 of B times x[1], and
// descriptor 0 again: it finds what is in wmem, B.
// CHECK: {{\[\[}}21, 43, 65, 87, 60, 80, 65, 87], [0, 2, 4, 6, -6, -8, 4, 6]]

// Each step reads 14 words of 8 bits and loads 8 bytes.
// STATS: "traffic_bits": {
// STATS: "ext": {
// STATS-NEXT: "read": 192
// STATS: "wmem": {
// STATS-NEXT: "read": 224
// STATS-NEXT: "write": 128

// The first product waits for its weights; the second load waits until the
// product has read the first ones. Retiling: two rows in one tile, not two.
// TRACE: 5 8 11 5 wload
// TRACE-NEXT: 6 11 17 6 mvm
// TRACE-NEXT: 7 17 20 7 wload
// TRACE-NEXT: 8 20 25 8 mvm

.target generic
.stream x step in 2
.stream y step out 8
.stream weights weights in 4
.desc dense gates 1 bits 8 twos rows 2 cols 2 block 2 weights 0 + 4 spill 0
.desc dense gates 1 bits 8 twos rows 2 cols 2 block 2 weights 0 + 4 spill 4
.desc dense gates 1 bits 8 twos rows 2 cols 2 columns 1 to 2 block 2 weights 0 + 4 spill 4
// Row 1 of the first one, which nothing uses.
.desc dense gates 1 bits 8 twos rows 1 cols 2 block 1 weights 0 + 2 spill 2
.spill codes 8 twos [1, 2, 3, 4]
.spill codes 8 twos [5, 6, 7, 8]
.entry run
  astream a1, stream 0
  astream a2, stream 1
  astream a3, stream 2
  loop T
    load v[0], x[a1], n 2
    wload w[0], x[a3], n 4
    mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero,
        shifts [0, 0, 0, 0], tile 0
    wload w[0], x[a3 + 4], n 4
    mvm a[2], v[0], desc 1, blocks 0 + 1, gates i, init zero,
        shifts [0, 0, 0, 0], tile 0 retile
    mvm a[4], v[1], desc 2, blocks 0 + 1, gates i, init zero,
        shifts [0, 0, 0, 0], tile 0
    mvm a[6], v[0], desc 0, blocks 0 + 1, gates i, init zero,
        shifts [0, 0, 0, 0], tile 0
    requant v[8], a[0], n 8, shift 0, bits 16
    store x[a2], v[8], n 8
    aadd a1, 4
    aadd a2, 16
  endloop
  halt

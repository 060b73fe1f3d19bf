// A circulant matrix, and gates with masks of their own.
//
// RUN: hcgs-as %s -o %t.hcgs
// RUN: %python -c "import numpy as np; np.save('%t.x.npy', np.array([[1, 2, 3, 4, 5], [-1, 0, 0, 0, 1]], np.int16))"
// RUN: hcgs-sim %t.hcgs --codes --checked --input %t.x.npy --output %t.y.npy --stats %t.json --trace %t.txt
// RUN: %python -c "import numpy as np; print(np.load('%t.y.npy').tolist())" | FileCheck %s
// RUN: FileCheck %s --check-prefix=STATS < %t.json
// RUN: FileCheck %s --check-prefix=TRACE < %t.txt

// The circulant matrix of the example in docs/Spec/WeightImage.md,
//    1 2 3  4  5
//    2 1 4  3  6
//    7 8 9 10 11
// times (1, 2, 3, 4, 5) is (55, 58, 145); and gate 0, [1 2; 3 4] on the left,
// gate 1, [-5 -6; -7 -8] on the right, times (1, 2, 3, 4) are (5, 11) and
// (-39, -53).
// CHECK: {{\[\[}}55, 58, 145, 5, 11, -39, -53], [4, 4, 4, -1, -3, 0, 0]]

// STATS: "macs": 46
// STATS: "traffic_bits": {
// One index of one bit a gate and step; 12 words of 6 bits and 8 of 4.
// STATS: "imem": {
// STATS-NEXT: "read": 4
// STATS: "wmem": {
// STATS-NEXT: "read": 208

// Row groups of 10 and 5 products, and one of 8, on 256 lanes; fill 4.
// TRACE: 4 7 13 4 mvm
// TRACE-NEXT: 5 9 14 5 mvm

.target generic
.stream x step in 5
.stream y step out 7
.desc circulant 2 gates 1 bits 6 signmag rows 3 cols 5 block 2 weights 0 + 9
.desc hcgs separate gates 2 bits 4 signmag rows 2 cols 4 block 2 weights 9 + 4 index 0 + 2 tier 2 x 2 keep 1 / 2 row
.weights codes 6 signmag [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1]
.weights codes 4 signmag [1, 2, 3, 4, -5, -6, -7, -8]
.index hex 0001
.entry run
  astream a1, stream 0
  astream a2, stream 1
  loop T
    load v[0], x[a1], n 5
    mvm a[0], v[0], desc 0, blocks 0 + 2, gates i, init zero,
        shifts [0, 0, 0, 0], tile 0
    mvm a[3], v[0], desc 1, blocks 0 + 1, gates io, init zero,
        shifts [0, 0, 0, 0], tile 0
    requant v[8], a[0], n 7, shift 0, bits 16
    store x[a2], v[8], n 7
    aadd a1, 10
    aadd a2, 14
  endloop
  halt

// RUN: hcgs-as %s -o %t.hcgs
// RUN: %python -c "import numpy as np; np.save('%t.x.npy', np.array([[1, 2], [3, 4], [-5, 600]], np.int16))"
// RUN: hcgs-sim %t.hcgs --codes --checked --input %t.x.npy --output %t.y.npy --stats %t.json --trace %t.txt
// RUN: %python -c "import numpy as np; y = np.load('%t.y.npy'); print(y.dtype, y.tolist())" | FileCheck %s
// RUN: FileCheck %s --check-prefix=STATS < %t.json
// RUN: FileCheck %s --check-prefix=TRACE --match-full-lines --strict-whitespace < %t.txt
// RUN: hcgs-sim %t.hcgs --codes --input %t.x.npy --output %t.again.npy --threads 4
// RUN: cmp %t.y.npy %t.again.npy

// W = [[1, -2], [3, 4]], b = [10, -20], y = rq(W x + b, 1, 8).
// x = (1, 2): (1 - 4 + 10) / 2 = 3.5 -> 4; (3 + 8 - 20) / 2 = -4.5 -> -4.
// x = (3, 4): (3 - 8 + 10) / 2 = 2.5 -> 3; (9 + 16 - 20) / 2 = 2.5 -> 3.
// x = (-5, 600): -1195 / 2 and 2365 / 2 saturate.
// CHECK: int16 {{\[\[}}4, -4], [3, 3], [-128, 127]]

// STATS: "frames": 3
// STATS: "mvm": 3
// STATS: "macs": 12
// STATS: "saturated_instructions": [
// STATS-NEXT: {
// STATS-NEXT: "instruction": "requant v[8], a[0], n 2, shift 1, bits 8",
// STATS: "pc": 5
// STATS: "saturations": 2
// STATS: "saturations": 2

// The first trip on the target generic: load 2 + ceil(4 / 32), mvm 2
// columns at tile 256x1 + fill 4,
// requant 1 + latency 4, store 3; each waits for the one before.
//      TRACE:  dispatch       take     finish     pc  instruction
// TRACE-NEXT:         0          -          -      0  astream a1, stream 0
// TRACE-NEXT:         1          -          -      1  astream a2, stream 1
// TRACE-NEXT:         2          -          -      2  loop T length 7
// TRACE-NEXT:         3          4          7      3  load v[0], x[a1], n 2
// TRACE-NEXT:         4          7         13      4  mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, 0, 0], tile 0
// TRACE-NEXT:         5         13         18      5  requant v[8], a[0], n 2, shift 1, bits 8
// TRACE-NEXT:         6         18         21      6  store x[a2], v[8], n 2

.target generic
.stream x step in 2
.stream y step out 2
.desc dense gates 1 bits 6 twos rows 2 cols 2 block 2 bias 0 weights 0 + 3
.weights codes 6 twos [1, -2, 3, 4]
.bias [10, -20]
.entry run
  astream a1, stream 0
  astream a2, stream 1
  loop T
    load v[0], x[a1], n 2
    mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, 0, 0], tile 0
    requant v[8], a[0], n 2, shift 1, bits 8
    store x[a2], v[8], n 2
    aadd a1, 4
    aadd a2, 4
  endloop
  halt

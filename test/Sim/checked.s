// What checked mode traps, and that only it does.
//
// RUN: hcgs-as %s -o %t.hcgs
// RUN: %python -c "import numpy as np; np.save('%t.x.npy', np.array([32767], np.int16)); np.save('%t.zero.npy', np.array([0], np.int16))"
// RUN: hcgs-sim %t.hcgs --codes --input %t.x.npy --output %t.y.npy
// RUN: hcgs-sim %t.hcgs --codes --checked --input %t.zero.npy --output %t.y.npy
// RUN: rm %t.y.npy
// RUN: not hcgs-sim %t.hcgs --codes --checked --input %t.x.npy --output %t.y.npy --stats %t.json 2>&1 | FileCheck %s
// RUN: not ls %t.y.npy
// RUN: not ls %t.json
//
// CHECK: hcgs-sim: error: trap at pc 3: vmac a[0], v[0], v[0], n 1, lshift 1, init acc: field 'dst': the sum 4294705156 of accumulator 0 leaves 32 bits (node '/cell', layer '0': squares x)

.target generic
.stream x sequence in 1
.stream y sequence out 1
.debug {"instructions": [{"pc": 3, "node": "/cell", "layer": 0, "what": "squares x"}]}
.entry run
  astream a1, stream 0
  load v[0], x[a1], n 1
  vmac a[0], v[0], v[0], n 1, lshift 1, init zero
  vmac a[0], v[0], v[0], n 1, lshift 1, init acc
  requant v[1], a[0], n 1, shift 16, bits 16
  astream a2, stream 1
  store x[a2], v[1], n 1
  halt

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small program with something in every section.
//
#ifndef HCGS_UNITTESTS_TARGET_TESTPROGRAM_H
#define HCGS_UNITTESTS_TARGET_TESTPROGRAM_H

#include "hcgs/Target/Assembly.h"
#include "hcgs/Target/ProgramFile.h"
#include "gtest/gtest.h"

namespace hcgs::test {

inline constexpr char kEverySection[] = R"(// every section holds something
.target generic
.meta {"model": {"name": "tiny \u00e4"}, "vmem": 108, "amem": 4,
       "matrices": [{"layer": 0, "matrix": "W", "node": "/a", "exponents": [2]}]}
.stream x step in 2 value 0
.stream "an odd name" sequence out 2
.desc dense gates 1 bits 6 twos rows 2 cols 2 block 2 bias 0 weights 0 + 3
.desc hcgs gates 2 bits 4 signmag rows 4 cols 4 block 2 weights 3 + 8 index 0 + 1 tier 2 x 2 keep 1 / 2 row
.weights codes 6 twos [1, -2, 3, 4]
.weights codes 4 signmag [1, 2, 3, 4, 5, 6, 7, 8,
                          -1, -2, -3, -4, -5, -6, -7, -8]
.index bits 1 [0, 1]
.bias [10, -2147483648]
.table k 15 n 1 s 3 b 16 lo -5 hi 5 in_frac 3 out_frac -4 bases [7, -32768] slopes [0, 32767]
.vinit 100 [1, -2, 3]
.vinit 50 []
.entry run
.entry step
  astream a1, stream 0
  aset a3, 17 ring 16 + 4
  loop T - 1 cap 300
    load v[0], x[a1], n 2
    loop 2
      mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, 0, 0], tile 0
    endloop
    mvm a[0], v[0], desc 1, blocks 1 + 1, gates o, init acc, shifts [0, 15, 0, 0], tile 8
    act v[a3 + 1], a[0], n 2, shift -15, table 0
  endloop
  halt
.entry reset
  halt
.debug {"instructions": [{"pc": 0, "node": "/a", "layer": 0, "what": "x"}],
        "locations": {"/a": [[0, 0]]}}
)";

inline Program makeProgram() {
  Result<Program> program = assemble(kEverySection, "every.s");
  EXPECT_TRUE(program) << program.message();
  return program ? *program : Program();
}

inline std::vector<uint8_t> makeFile() {
  Result<std::vector<uint8_t>> bytes = writeProgram(makeProgram());
  EXPECT_TRUE(bytes) << bytes.message();
  return bytes ? *bytes : std::vector<uint8_t>();
}

} // namespace hcgs::test

#endif // HCGS_UNITTESTS_TARGET_TESTPROGRAM_H

// Something in every section, and every directive.
.target generic
.meta {"amem": 4, "matrices": [
        {"exponents": [2], "layer": 0, "matrix": "W", "node": "/a"},
        {"exponents": [1, 3], "layer": 0, "matrix": "R", "node": "/a"}],
       "model": {"name": "every-section"},
       "network": {"layers": [{"name": "lstm_a", "op": "lstm"}]},
       "no_step": null,
       "tables": [{"function": "step", "max_error_lsb": 0.5}], "vmem": 108}
.stream x step in 2 value 0
.stream "an odd name" sequence out 2
.desc dense gates 1 bits 6 twos rows 2 cols 2 block 2 bias 0 weights 0 + 3
.desc hcgs gates 2 bits 4 signmag rows 4 cols 4 block 2 weights 3 + 8 index 0 + 1 tier 2 x 2 keep 1 / 2 row
.desc hcgs separate gates 2 bits 4 signmag rows 2 cols 4 block 2 weights 11 + 4 index 1 + 2 tier 2 x 2 keep 1 / 2 none
.desc circulant 2 gates 1 bits 6 signmag rows 3 cols 5 block 2 weights 15 + 9
.weights codes 6 twos [1, -2, 3, 4]
.weights codes 4 signmag [1, 2, 3, 4, 5, 6, 7, 8,
                          -1, -2, -3, -4, -5, -6, -7, -8]
.weights codes 4 signmag [1, 2, 3, 4, -5, -6, -7, -8]
.weights codes 6 signmag [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1]
.index bits 1 [0, 1]
.index hex 0105
.bias [10, -2147483648]
.table k 15 n 1 s 3 b 16 lo -5 hi 5 in_frac 3 out_frac -4 bases [7, -32768] slopes [0, 32767]
.vinit 100 [1, -2, 3]
.entry run
  vcopy v[0], v[100], n 3
.entry step
  astream a1, stream 0
  astream a2, stream 1 imm -4 tscale 4
  aset a3, 17 ring 16 + 4
  loop T - 1 cap 300
    load v[0], x[a1], n 2
    loop 2
      mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, 0, 0], tile 0
    endloop
    mvm a[0], v[0], desc 1, blocks 1 + 1, gates o, init acc, // goes on
        shifts [0, 15, 0, 0], tile 8
    act v[a3 + 1], a[0], n 2, shift -15, table 0
    requant v[4], a[0], n 2, shift 31, bits 2
    vmac a[8], v[0], v[4], n 2, lshift 15, init zero
    vacc a[8], v[0], n 2, lshift 0, init acc
    fill v[6], -7, n 2
    barrier
    store x[a2], v[4], n 2
    aadd a1, 4
  endloop
  halt
.entry reset
  halt
.debug {"instructions": [
         {"layer": 0, "node": "/a", "pc": 0, "what": "state"},
         {"layer": null, "node": null, "pc": 1, "what": ""}],
        "locations": {"/a": [[0, 0]]}}

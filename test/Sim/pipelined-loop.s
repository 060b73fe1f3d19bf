// A software-pipelined loop: the first frame is loaded ahead, the loop runs T -
// 1 times, an inner loop is skipped, and a ring of three slots goes round. Every
// T from one to past the ring must give y(t) = x(t) + x(t-1) + x(t-2).
//
// RUN: hcgs-as %s -o %t.hcgs
// RUN: %python %s.py %t.hcgs hcgs-sim

.target generic
.stream x step in 3
.stream y step out 3
.entry run
  aset a1, 0 ring 0 + 9
  fill v[0], 0, n 9
.entry step
  astream a2, stream 0
  astream a3, stream 1
  load v[a1], x[a2], n 3
  loop T - 1
    vacc a[0], v[a1], n 9, lshift 0, init zero
    vacc a[0], v[a1 - 3], n 3, lshift 0, init acc
    vacc a[0], v[a1 + 3], n 3, lshift 0, init acc
    requant v[20], a[0], n 3, shift 0, bits 16
    store x[a3], v[20], n 3
    loop T - 1000
      fill v[20], 77, n 3
    endloop
    aadd a1, 3
    aadd a2, 6
    aadd a3, 6
    load v[a1], x[a2], n 3
  endloop
  vacc a[0], v[a1], n 9, lshift 0, init zero
  vacc a[0], v[a1 - 3], n 3, lshift 0, init acc
  vacc a[0], v[a1 - 6], n 3, lshift 0, init acc
  requant v[20], a[0], n 3, shift 0, bits 16
  store x[a3], v[20], n 3
  aadd a1, 3
  halt
.entry reset
  aset a1, 0 ring 0 + 9
  fill v[0], 0, n 9
  halt

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Depth 2. R h(t), cut into segments of columns, starts as the row blocks of h(t)
// are ready, so that it belongs to a(t+1); the input products run two steps ahead.
// The gates are issued apart in several ways: which entry starts an accumulator
// differs from gate to gate and from row block to row block. Run by
// test_schedules.py.

!x = !hcgs.vec<6 x !fx.int<13, 9>>
!h = !hcgs.vec<16 x !fx.int<13, 12>>
!c = !hcgs.vec<16 x !fx.int<16, 12>>
!a = !hcgs.acc<4x16, [17, 17, 17, 17]>
!s = !hcgs.acc<1x16, [24]>
!z = !hcgs.acc<1x5, [17]>
!y = !hcgs.vec<5 x !fx.int<13, 8>>

hcgs.program @net target "generic" {
  hcgs.layer @L0 lstm "lstm"
  hcgs.layer @L1 linear "fc"
  hcgs.stream @x step in : !x
  hcgs.stream @h0 sequence in : !h
  hcgs.stream @c0 sequence in : !c
  hcgs.stream @y step out : !y
  hcgs.stream @Y_h sequence out : !h
  hcgs.stream @Y_c sequence out : !c
  hcgs.io input "x" [<time 0>, <batch 1>, <feature 6>] in [<@x at -1>]
  hcgs.io input "h0" [<layer 1>, <batch 1>, <feature 16>] in [<@h0 at 0>]
  hcgs.io input "c0" [<layer 1>, <batch 1>, <feature 16>] in [<@c0 at 0>]
  hcgs.io output "y" [<time 0>, <batch 1>, <feature 5>] in [<@y at -1>]
  hcgs.io output "Y_h" [<layer 1>, <batch 1>, <feature 16>] in [<@Y_h at 0>]
  hcgs.io output "Y_c" [<layer 1>, <batch 1>, <feature 16>] in [<@Y_c at 0>]
  hcgs.matrix @L0.W 4x16x6 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 5, 5]> codes dense<"0x141401F2E3F9FAE3E3200AEFFC1E1916F9FF0BE404F118E40B18EF1918E10DE001FCEDF514F4EA0DFD13EFF4130101EFE11CE516F81DFA1C04EF0F0B0CFEEE09E70C09F813ECF913F80E071C1F0E14EA0E16FA03FF1DF4FAE0FB081C1BF51FEC15EAFAE51715E902F1FF03E717F2FDE4E0ECF61B19FFFD0B17F613FA060F010C0DE0E3EAEEEDE3EE0619F6F7FB0C121CF80DF615EF18010E02F4FFE3E302FF15E104FF060F0204FF07F0030BEC1F101DF3FCF1E3E1F017EA0CF0E4EC0B0103FDF2FF1BED0FF0ECF5E61CF7EBE0E4EEFB071F19F0071BE717F912F50801E71115FFF91DF818FBF8F7E4F2EFE403FCE2EA1BE9F81DE7FA13E1E41C0CF1FFF0191DE502ECFA0F0EECF5FBF90C12F5FCE4F71D0104070413F1F419FF1DE912FEFE18E801F0F614F912E1201D0BED0AECF8E2E4EAEC16F015E0E4E41C14E11CEEF105ED1EF70505F20F2006E5140BFF0AF1F301E406ECF01A06F00D201913F50505E60C01010FE5EE1FF3F0E5F404E3F2F0EA131E1BFCE4F602F80F1019FEEF1A19E8"> : tensor<4x16x6xi8> bias dense<[[-53771, -21101, -19230, -47425, 47951, -99, 45908, 47013, 80213, 4206, -38898, 2953, -97144, 27867, 37902, 7631], [11662, 50723, 83735, -82428, 16929, 10191, 63483, 9755, -8723, 46669, 92819, 54884, -63876, -30777, 46279, 17917], [2557, 105560, 84842, 42248, 54589, -13106, -86496, 53174, -46824, 118810, 61854, -72325, -80533, -31525, 60267, 41506], [-16623, -72604, 22973, 13401, 6617, -20961, 4519, 21646, -94501, 4885, 116182, 2306, -38655, -43656, -1356, 60995]]> : tensor<4x16xi32>
  hcgs.matrix @L0.R 4x16x16 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 5, 5]> codes dense<"0xF3070E15EBF2FD020C0301F4070414F2EFF9F8FEF1090EEA12EEF7FFFDF30A0FF4F101F014100FFC0DFBFEEEEB08F214030312F7EAF3FEF0F60BFAF9F40116F10F0C050201EE03160AFFFD11EAF314070F02EB0206EEFF14ECECEE0812F10FF4020CEFFF10FA0DFE14FC0EEDF9F0FCFCF4FC0803F50909FCFEF10FFAF713F7F2FB0105FB08EB13FEFEFEF60EFEEEF9FFFAEE11F00AFDFF08EAFFFEFDEAEAFFFEF9EFFA080E0CEAF9FF0E030E08ED160305F51216F9FFEC0C06F40F02130EEEF410EBEF130EF5F9EBEFEA0405F00FFF0407F30EFCFFEFF5FE0AFE030CFCEA0314EBFE07FFEE01EDEDF9F20114F316F90F010D100FF012EF0BECF7F005F803F3FB1204FF0A16F9EFF4F1FC0B0CEEF1FA0FFF02F70205F9050BF9FEEFF5EBECED120A040DF1F9041002EFECEB0B12F00EEB0F09FFFFF313F6F50C030103EFEE15090503F4F104EAEBF90413FEF714F7FFFFECEEEA0DFB08FEFF10FBEE08EB01FAFD0A0F150D0E14FBF9EBFEECF3FCFC0CFE09EB0A0CEAF906F00E150D050D1414F907EE13ECF603F4FCF907010F050AEA0812F00D0DED05F8FA1603FF0DFBEF16F11215FFEFFE020D16F5EB16EA151212FCF304FD09F2FF1304130BF007F2ED05EAECFBF207F6F402010F0E13EFEC0BFCEC01F8F3070AF507F411FBFFF1FEF60DF002FC120703F0EE0513EDFDFAEB06FEFF0F06F4151309EF06EAF6FDFE0D0307FE0AF2120F12140DF7130EFFEE15F3F10210F6F30D0303040E0DF5FA160F02F812F6FE040C0908F3F90B0312ED16FFF7EEED160D1510FDF202F4F10203160EEAF103091602FFEAFD10EC011415EAF7F2160DF6FB08EBF10DF7F4120A100D01F209020A080DECF1110810EC01EAF1ECF2F5ED07040815F6F5F70E070BF4F0FF12F50C09FA0913F3F5FBF2FC0A10070213F209FB14F2F5EFFE08F7120DF60507F0070611F7F00210EFF3EE160CEE10FDEBECF5EBF1ECF0EEFD0F0D01EC14EDEA0B060CF61211EC140C10FF0D1212F6F107FE10FEF1FA1509F1F2FB1401F6F3F502F3EE0E0704F5FC11F5FDEEFBED0C16EDFA14EF0EEFFE0D0D0EF802EF160AFBFF04FAF812F11402FEFFEAF8FEECEAEA05EA14060AEB01F313FAF3FDF8F00DF3120B100A1114EAF5120213FEF90FF5FC0FFB07F0F316F2F1EAEDFB051116FAFFFCFE10FC0B10FCF9EE080D06F609F40E14F805FEF812F80D0BEF0FFAFAFEFCFC0BF8F10BFD02F108050613ED01ECFA060EF6121313FD06FFEDF60FF2FE08FC0403EFEB01060315F0ED0F121512FB030603FC0F0CEB13FC0A1507F505FDF2F00CFDFDFA05060DF70501EE1005FF0101FC010FFA0CEAF80B07EEFAFD0EEEF0F7FC09FB0AF4FA0CFD01FDEE01ECF10B0B150BFBF3F3F513FD0101EF05EA06F41506FFEFF6F6130101FFF908FF030A07F212F1031316FA0207F4FC05F30C16EA16FF0DFF"> : tensor<4x16x16xi8>
  hcgs.matrix @L1.W 1x5x16 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [5]> codes dense<"0xF916F301E11DE6E61A150AFEEC0619E30418EA19EDE7051F15E51E1108F30C1802EBE0E41005EFF6080FEC130A1001EEE1EFEBE30616F7FE1D10FFFD13E8FF0618FFEB1EFB19E70CF10DF3E6F8FAE7EE"> : tensor<1x5x16xi8>
  hcgs.table @sigmoid_0 <sigmoid, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16> k 15 n 4 s 16 lo 1 hi 4094 error 24.441799643805439 bases [1, 3, 9, 25, 67, 179, 465, 1087, 2062, 3018, 3623, 3909, 4025, 4069, 4086, 4093] slopes [41, 105, 275, 731, 1920, 4701, 9797, 15143, 15155, 9820, 4709, 1914, 744, 294, 110, 17]
  hcgs.table @tanh_1 <tanh, in = !fx.int<16, 12>, out = !fx.int<13, 12>, segments = 16> k 14 n 4 s 14 lo -4095 hi 4095 error 48.201565617511733 bases [-4093, -4089, -4078, -4047, -3962, -3738, -3167, -1922, 29, 1940, 3150, 3721, 3954, 4043, 4076, 4089] slopes [31, 97, 278, 742, 1921, 4699, 9809, 15140, 15143, 9821, 4709, 1935, 744, 281, 108, 36]
  %h0 = hcgs.read @h0 : !h
  %c0 = hcgs.read @c0 : !c
  %T:2 = hcgs.sequence states(%h = %h0, %c = %c0) : !h, !c {
    %x = hcgs.read @x : !x
    %a0 = hcgs.mvm @L0.W, %x bias shifts [3, 3, 3, 3] layer @L0 : (!x) -> !a
    %a = hcgs.mvm @L0.R, %h acc %a0 shifts [0, 0, 0, 0] layer @L0 : (!h, !a) -> !a
    %i = hcgs.act %a[0] @sigmoid_0 shift 5 layer @L0 : !a -> !h
    %o = hcgs.act %a[1] @sigmoid_0 shift 5 layer @L0 : !a -> !h
    %f = hcgs.act %a[2] @sigmoid_0 shift 5 layer @L0 : !a -> !h
    %g = hcgs.act %a[3] @tanh_1 shift 5 layer @L0 : !a -> !h
    %s0 = hcgs.vmac %f, %c shl 0 layer @L0 : (!h, !c) -> !s
    %s = hcgs.vmac %i, %g acc %s0 shl 0 layer @L0 : (!h, !h, !s) -> !s
    %c1 = hcgs.requant %s[0] shift 12 layer @L0 : !s -> !c
    %q = hcgs.act %s[0] @tanh_1 shift 12 layer @L0 : !s -> !h
    %m = hcgs.vmac %o, %q shl 0 layer @L0 : (!h, !h) -> !s
    %h1 = hcgs.requant %m[0] shift 12 layer @L0 : !s -> !h
    %z = hcgs.mvm @L1.W, %h1 shifts [0] layer @L1 : (!h) -> !z
    %y = hcgs.requant %z[0] shift 9 layer @L1 : !z -> !y
    hcgs.write %y, @y at 0 : !y
    hcgs.schedule depth 2 {
      hcgs.buffer %x slots 2 : !x
      hcgs.buffer %a slots 3 row_block 8 : !a
      hcgs.buffer %i slots 1 row_block 8 window 1 : !h
      hcgs.buffer %o slots 1 row_block 8 window 1 : !h
      hcgs.buffer %f slots 1 row_block 8 window 1 : !h
      hcgs.buffer %g slots 1 row_block 8 window 1 : !h
      hcgs.buffer %s slots 1 row_block 8 window 1 : !s
      hcgs.buffer %c1 slots 1 row_block 8 : !c
      hcgs.buffer %q slots 1 row_block 8 window 1 : !h
      hcgs.buffer %m slots 1 row_block 8 window 1 : !s
      hcgs.buffer %h1 slots 3 row_block 8 : !h
      hcgs.buffer %z slots 1 : !z
      hcgs.buffer %y slots 1 : !y
      hcgs.issue %x step 2 : !x
      // The first row block of h(t), then the products that need no more of it. That
      // of gate g starts the accumulators, since W follows below.
      hcgs.issue %i blocks 0 to 1 step 0 : !h
      hcgs.issue %o blocks 0 to 1 step 0 : !h
      hcgs.issue %f blocks 0 to 1 step 0 : !h
      hcgs.issue %g blocks 0 to 1 step 0 : !h
      hcgs.issue %s0 blocks 0 to 1 step 0 : !s
      hcgs.issue %s blocks 0 to 1 step 0 : !s
      hcgs.issue %c1 blocks 0 to 1 step 0 : !c
      hcgs.issue %q blocks 0 to 1 step 0 : !h
      hcgs.issue %m blocks 0 to 1 step 0 : !s
      hcgs.issue %h1 blocks 0 to 1 step 0 : !h
      hcgs.issue %a blocks 0 to 2 gates [3] columns 0 to 8 tile 0 step 1 : !a
      hcgs.issue %a blocks 0 to 1 gates [0, 1, 2] columns 0 to 8 tile 1 retile step 1 : !a
      hcgs.issue %a blocks 1 to 2 gates [0, 1, 2] columns 0 to 8 step 1 : !a
      hcgs.issue %a0 blocks 0 to 2 gates [3] columns 0 to 2 step 1 : !a
      hcgs.issue %i blocks 1 to 2 step 0 : !h
      hcgs.issue %o blocks 1 to 2 step 0 : !h
      hcgs.issue %f blocks 1 to 2 step 0 : !h
      hcgs.issue %g blocks 1 to 2 step 0 : !h
      hcgs.issue %s0 blocks 1 to 2 step 0 : !s
      hcgs.issue %s blocks 1 to 2 step 0 : !s
      hcgs.issue %c1 blocks 1 to 2 step 0 : !c
      hcgs.issue %q blocks 1 to 2 step 0 : !h
      hcgs.issue %m blocks 1 to 2 step 0 : !s
      hcgs.issue %h1 blocks 1 to 2 step 0 : !h
      hcgs.issue %a blocks 1 to 2 columns 8 to 16 step 1 : !a
      hcgs.issue %a blocks 0 to 1 gates [0, 2] columns 8 to 13 step 1 : !a
      hcgs.issue %a blocks 0 to 1 gates [0, 2] columns 13 to 16 step 1 : !a
      hcgs.issue %a blocks 0 to 1 gates [1, 3] columns 8 to 16 step 1 : !a
      hcgs.issue %a0 blocks 0 to 2 gates [3] columns 2 to 6 step 1 : !a
      // Two steps ahead: the rest of W, from the biases.
      hcgs.issue %a0 blocks 0 to 1 gates [0, 1, 2] step 2 : !a
      hcgs.issue %a0 blocks 1 to 2 gates [0, 2] step 2 : !a
      hcgs.issue %a0 blocks 1 to 2 gates [1] columns 4 to 6 step 2 : !a
      hcgs.issue %a0 blocks 1 to 2 gates [1] columns 0 to 4 step 2 : !a
      hcgs.issue %z step 0 : !z
      hcgs.issue %y step 0 : !y
      hcgs.issue_write %y, @y at 0 step 0 : !y
    }
    hcgs.yield %h1, %c1 : !h, !c
  }
  hcgs.write %T#0, @Y_h at 0 : !h
  hcgs.write %T#1, @Y_c at 0 : !c
}

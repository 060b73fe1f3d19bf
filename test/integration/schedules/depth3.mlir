// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Depth 3. The head and its store come last in time (step 0), the tail of the
// layer a step before (1), R a step before that (2), and the input products three
// steps ahead. R is block-sparse: its segments of columns are those of its blocks.
// Run by test_schedules.py.

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
  hcgs.matrix @L0.R 4x16x16 weights <bits = 6, encoding = signmag, rounding = nearest, exps = [5, 5, 5, 5]> sparsity #fx.sparsity<tiers = [8x8 keep 1/2 row], map = "01"> codes dense<"0x0C0301F4070414F212EEF7FFFDF30A0F0DFBFEEEEB08F214F60BFAF9F40116F10AFFFD11EAF31407ECECEE0812F10FF414FC0EEDF9F0FCFCFEF10FFAF713F7F2F1FC0B0CEEF1FA0FF9FEEFF5EBECED12EFECEB0B12F00EEB0C030103EFEE15090413FEF714F7FFFF10FBEE08EB01FAFDEBFEECF3FCFC0CFE0E150D050D1414F9130EFFEE15F3F1020DF5FA160F02F8120B0312ED16FFF7EEF4F10203160EEAF1EC011415EAF7F216F4120A100D01F20910EC01EAF1ECF2F50E070BF4F0FF12F5EAF8FEECEAEA05EAF3FDF8F00DF3120B13FEF90FF5FC0FFBFB051116FAFFFCFE0D06F609F40E14F80FFAFAFEFCFC0BF813ED01ECFA060EF60FF2FE08FC0403EFFB0105FB08EB13FEFAEE11F00AFDFF08F9EFFA080E0CEAF905F51216F9FFEC0C10EBEF130EF5F9EB07F30EFCFFEFF5FEEBFE07FFEE01EDED010D100FF012EF0B07EE13ECF603F4FC12F00D0DED05F8FA1215FFEFFE020D16F304FD09F2FF1304ECFBF207F6F4020101F8F3070AF507F402FC120703F0EE050F06F4151309EF060C09FA0913F3F5FB09FB14F2F5EFFE080611F7F00210EFF3F5EBF1ECF0EEFD0F0CF61211EC140C1010FEF1FA1509F1F2EE0E0704F5FC11F514EF0EEFFE0D0D0EEB01060315F0ED0F0F0CEB13FC0A1507FA05060DF70501EEFA0CEAF80B07EEFA0AF4FA0CFD01FDEEF3F3F513FD0101EFF6F6130101FFF9081316FA0207F4FC05"> : tensor<512xi8>
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
    hcgs.schedule depth 3 {
      hcgs.buffer %x slots 1 : !x
      hcgs.buffer %a slots 2 row_block 8 : !a
      hcgs.buffer %i slots 1 row_block 8 window 1 : !h
      hcgs.buffer %o slots 1 row_block 8 window 1 : !h
      hcgs.buffer %f slots 1 row_block 8 window 1 : !h
      hcgs.buffer %g slots 1 row_block 8 window 1 : !h
      hcgs.buffer %s slots 1 row_block 8 window 1 : !s
      hcgs.buffer %c1 slots 2 row_block 8 : !c
      hcgs.buffer %q slots 1 row_block 8 window 1 : !h
      hcgs.buffer %m slots 1 row_block 8 window 1 : !s
      hcgs.buffer %h1 slots 3 row_block 8 : !h
      hcgs.buffer %z slots 3 : !z
      hcgs.buffer %y slots 2 : !y
      hcgs.issue_write %y, @y at 0 step 0 : !y
      hcgs.issue %i blocks 1 to 2 step 1 : !h
      hcgs.issue %o blocks 1 to 2 step 1 : !h
      hcgs.issue %f blocks 1 to 2 step 1 : !h
      hcgs.issue %g blocks 1 to 2 step 1 : !h
      hcgs.issue %s0 blocks 1 to 2 step 1 : !s
      hcgs.issue %s blocks 1 to 2 step 1 : !s
      hcgs.issue %c1 blocks 1 to 2 step 1 : !c
      hcgs.issue %q blocks 1 to 2 step 1 : !h
      hcgs.issue %m blocks 1 to 2 step 1 : !s
      hcgs.issue %h1 blocks 1 to 2 step 1 : !h
      hcgs.issue %a blocks 0 to 2 gates [0, 3] columns 8 to 16 step 2 : !a
      hcgs.issue %i blocks 0 to 1 step 1 : !h
      hcgs.issue %o blocks 0 to 1 step 1 : !h
      hcgs.issue %f blocks 0 to 1 step 1 : !h
      hcgs.issue %g blocks 0 to 1 step 1 : !h
      hcgs.issue %s0 blocks 0 to 1 step 1 : !s
      hcgs.issue %s blocks 0 to 1 step 1 : !s
      hcgs.issue %c1 blocks 0 to 1 step 1 : !c
      hcgs.issue %q blocks 0 to 1 step 1 : !h
      hcgs.issue %m blocks 0 to 1 step 1 : !s
      hcgs.issue %h1 blocks 0 to 1 step 1 : !h
      hcgs.issue %a blocks 0 to 2 columns 0 to 8 step 2 : !a
      hcgs.issue %a blocks 0 to 2 gates [1, 2] columns 8 to 16 step 2 : !a
      hcgs.issue %x step 3 : !x
      hcgs.issue %a0 blocks 0 to 2 step 3 : !a
      hcgs.issue %z step 1 : !z
      hcgs.issue %y step 1 : !y
    }
    hcgs.yield %h1, %c1 : !h, !c
  }
  hcgs.write %T#0, @Y_h at 0 : !h
  hcgs.write %T#1, @Y_c at 0 : !c
}

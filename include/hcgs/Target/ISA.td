// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction set: the one source of encoder, decoder, assembler,
// disassembler, isa dialect and of the tables in docs/Spec.
//
// To add an instruction: a record here, its semantics in the simulator, a
// test. Everything else is generated from the record by hcgs-tblgen.
//
// Operands have fixed places, so that a decoder needs few multiplexers:
//
//   7..0     opcode
//   32..8    first address operand (the destination); registers at 12..8
//   57..33   second address operand
//   82..58   third address operand, or other fields
//   102..83  n, the number of elements (106..83: of bytes)
//
//===----------------------------------------------------------------------===//

#ifndef HCGS_TARGET_ISA_TD
#define HCGS_TARGET_ISA_TD

include "hcgs/Target/ISABase.td"

/// How an accumulator starts. Element instructions have no bias.
def InitList : WordList<"Init", ["acc", "zero", "bias"],
                        "what an accumulator holds before the sum is added">;
def MatrixInit : OneOf<InitList, 2, 3>;
def ElementInit : OneOf<InitList, 2, 2>;

/// Where most operands are.
class First<string name, Kind kind, string what> : Field<name, kind, 8, what>;
class Second<string name, Kind kind, string what>
    : Field<name, kind, 33, what>;
class Third<string name, Kind kind, string what> : Field<name, kind, 58, what>;
def Count : Field<"n", UInt<20, 1>, 83, "number of elements">;

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

def Halt : Instruction<"halt", 0x01, ControlUnit> {
  let summary = "end the entry";
  let description = "Waits until every older instruction has finished, then "
                    "ends the entry that the host called.";
  let clause = "I-HALT";
  let examples = ["halt"];
}

def Barrier : Instruction<"barrier", 0x02, ControlUnit> {
  let summary = "wait for all older instructions";
  let description = "Dispatch of the next instruction waits until every older "
                    "instruction has finished.";
  let clause = "I-BARRIER";
  let examples = ["barrier"];
}

def Loop : Instruction<"loop", 0x03, ControlUnit> {
  let fields = [
    First<"trips", TripCount, "trips: imm, plus the sequence length T if seq; "
                              "below zero counts as zero">,
    Field<"cap", UInt<32>, 41, "most trips; 0 = no limit">,
    Field<"length", UInt<24, 1>, 73, "instructions in the body, the matching "
                                     "endloop included">
  ];
  let format = "$trips [cap $cap] [length $length]";
  let summary = "repeat the next instructions";
  let description = "Runs the body, the next `length` instructions, "
                    "max(0, (seq ? T : 0) + imm) times, but at most `cap` times "
                    "if `cap` is not 0. The last instruction of the body is the "
                    "matching `endloop`. With no trips the body is skipped. "
                    "Loops nest at most 4 deep. In assembly, `length` may be "
                    "left out: the assembler counts to the matching `endloop`.";
  let clause = "I-LOOP";
  let examples = ["loop 3 length 5", "loop T length 1",
                  "loop T - 1 cap 2 length 17"];
  let structuredOp = 1;
}

def EndLoop : Instruction<"endloop", 0x04, ControlUnit> {
  let summary = "end of a loop body";
  let description = "One trip is done: back to the first instruction of the "
                    "body, or on to the next instruction.";
  let clause = "I-ENDLOOP";
  let examples = ["endloop"];
  let structuredOp = 1;
}

def ASet : Instruction<"aset", 0x05, ControlUnit> {
  let fields = [
    First<"dst", DestReg, "address register that is set">,
    Field<"value", SInt<32>, 13, "its value; inside the ring if there is one">,
    Field<"lo", UInt<24>, 45, "first element of the ring">,
    Field<"size", UInt<24>, 69, "elements in the ring; 0 = no ring">
  ];
  let format = "$dst, $value [ring $lo + $size]";
  let summary = "set an address register and its ring";
  let description = "Sets the value and the ring of register `dst`. With a "
                    "ring, addresses formed from the register wrap around "
                    "inside lo .. lo + size - 1.";
  let clause = "I-ASET";
  let examples = ["aset a1, -64", "aset a31, 300 ring 256 + 128"];
}

def AStream : Instruction<"astream", 0x06, ControlUnit> {
  let fields = [
    First<"dst", DestReg, "address register that is set">,
    Field<"stream", UInt<6>, 13, "number of the stream">,
    Field<"imm", SInt<32>, 19, "bytes added">,
    Field<"tscale", SInt<32>, 51, "bytes added for each of the T time steps">
  ];
  let format = "$dst, stream $stream [imm $imm] [tscale $tscale]";
  let summary = "point an address register at a stream";
  let description = "value = base address of the stream + imm + T * tscale, "
                    "in bytes, without a ring. A reverse layer starts at the "
                    "last frame: tscale = bytes of a frame, imm = minus that.";
  let clause = "I-ASTREAM";
  let examples = ["astream a4, stream 0",
                  "astream a5, stream 63 imm -24 tscale 24"];
}

def AAdd : Instruction<"aadd", 0x07, ControlUnit> {
  let fields = [
    First<"dst", DestReg, "address register that is changed">,
    Field<"imm", SInt<32>, 13, "added to its value">
  ];
  let format = "$dst, $imm";
  let summary = "add to an address register";
  let description = "value += imm, wrapped into the register's ring if it has "
                    "one.";
  let clause = "I-AADD";
  let examples = ["aadd a4, 24", "aadd a4, -24"];
}

//===----------------------------------------------------------------------===//
// Load and store units
//===----------------------------------------------------------------------===//

def Load : Instruction<"load", 0x10, LoadUnit> {
  let fields = [First<"dst", VAddr, "first element written">,
                Second<"src", XAddr, "first byte read">, Count];
  let format = "$dst, $src, n $n";
  let summary = "copy elements from ext to vmem";
  let description = "V[dst + i] = X[src + 2i], 16-bit little-endian codes.";
  let clause = "I-LOAD";
  let examples = ["load v[a1], x[a4], n 440", "load v[16], x[a4 + 24], n 1"];
}

def WLoad : Instruction<"wload", 0x11, LoadUnit> {
  let fields = [First<"dst", WAddr, "first byte written">,
                Second<"src", XAddr, "first byte read">,
                Field<"n", UInt<24, 1>, 83, "number of bytes">];
  let format = "$dst, $src, n $n";
  let summary = "copy weights from ext to wmem";
  let description = "W[dst + i] = X[src + i], bytes of the weight image. The "
                    "source lies in the stream of spilled weights, the "
                    "destination behind the weights that the program file "
                    "loads.";
  let clause = "I-WLOAD";
  let examples = ["wload w[a9 + 1024], x[a10], n 16777215",
                  "wload w[4096], x[a10 - 64], n 1"];
}

def Store : Instruction<"store", 0x18, StoreUnit> {
  let fields = [First<"dst", XAddr, "first byte written">,
                Second<"src", VAddr, "first element read">, Count];
  let format = "$dst, $src, n $n";
  let summary = "copy elements from vmem to ext";
  let description = "X[dst + 2i] = V[src + i], 16-bit little-endian codes.";
  let clause = "I-STORE";
  let examples = ["store x[a6], v[a2 - 9], n 9"];
}

//===----------------------------------------------------------------------===//
// Matrix unit
//===----------------------------------------------------------------------===//

def Mvm : Instruction<"mvm", 0x20, MatrixUnit> {
  let fields = [
    First<"dst", AAddr, "accumulator of row block `first`, gate 0, row 0">,
    Second<"src", VAddr, "input vector, an element for each column">,
    Field<"desc", UInt<10>, 58, "number of the matrix descriptor">,
    Field<"first", UInt<16>, 68, "first row block">,
    Field<"count", UInt<16, 1>, 84, "number of row blocks">,
    Field<"gates", GateSet, 100, "gates that are computed">,
    Field<"init", MatrixInit, 104, "what the accumulators start with">,
    Field<"shifts", GateShifts, 106, "left shift of each gate's products">,
    Field<"tile", UInt<4>, 122, "tile shape of the target; timing only">,
    Field<"retile", Flag, 126, "the last rows, fewer than the tile's, take a "
                               "lower shape; timing only">
  ];
  let format = "$dst, $src, desc $desc, blocks $first + $count, gates $gates, "
               "init $init, shifts $shifts, tile $tile [retile$retile]";
  let summary = "matrix times vector into accumulators";
  let description = "For the row blocks first .. first + count - 1 of matrix "
                    "`desc` and each chosen gate: accumulator = start + (sum "
                    "over kept columns of weight * V[src + column]) << "
                    "shifts[gate]; start is the accumulator itself, zero, or "
                    "the bias. Of a view (WI-D-3), columns are counted from "
                    "its first one. Accumulators are laid out by WI-A-1.";
  let clause = "I-MVM";
  let examples = [
    "mvm a[a2 + 128], v[a1 - 64], desc 3, blocks 0 + 4, gates iofg, "
    "init bias, shifts [0, 0, 1, 0], tile 0",
    "mvm a[0], v[0], desc 1023, blocks 65535 + 65535, gates og, init acc, "
    "shifts [15, 0, 15, 0], tile 15 retile"
  ];
}

//===----------------------------------------------------------------------===//
// Vector unit
//===----------------------------------------------------------------------===//

def Act : Instruction<"act", 0x30, VectorUnit> {
  let fields = [
    First<"dst", VAddr, "first element written">,
    Second<"src", AAddr, "first accumulator read">, Count,
    Field<"shift", SInt<6, -15, 31>, 103, "right shift; left if negative">,
    Field<"table", UInt<8>, 109, "number of the table">
  ];
  let format = "$dst, $src, n $n, shift $shift, table $table";
  let summary = "activation function of accumulators";
  let description = "V[dst + i] = table(rq(A[src + i], shift, 16)) (A-PWL).";
  let clause = "I-ACT";
  let examples = ["act v[a3], a[a2 + 64], n 32, shift -15, table 255"];
}

def Requant : Instruction<"requant", 0x31, VectorUnit> {
  let fields = [
    First<"dst", VAddr, "first element written">,
    Second<"src", AAddr, "first accumulator read">, Count,
    Field<"shift", SInt<6, -15, 31>, 103, "right shift; left if negative">,
    Field<"bits", UInt<5, 2, 16>, 109, "width of the result">
  ];
  let format = "$dst, $src, n $n, shift $shift, bits $bits";
  let summary = "requantise accumulators";
  let description = "V[dst + i] = rq(A[src + i], shift, bits) (A-RQ-1).";
  let clause = "I-REQUANT";
  let examples = ["requant v[a3 + 64], a[512], n 512, shift 12, bits 13"];
}

def VMac : Instruction<"vmac", 0x32, VectorUnit> {
  let fields = [
    First<"dst", AAddr, "first accumulator written">,
    Second<"a", VAddr, "first element of one factor">,
    Third<"b", VAddr, "first element of the other factor">, Count,
    Field<"lshift", UInt<4>, 103, "left shift of the products">,
    Field<"init", ElementInit, 107, "what the accumulators start with">
  ];
  let format = "$dst, $a, $b, n $n, lshift $lshift, init $init";
  let summary = "add element products to accumulators";
  let description = "A[dst + i] = start + (V[a + i] * V[b + i] << lshift); "
                    "start is the accumulator itself or zero.";
  let clause = "I-VMAC";
  let examples = ["vmac a[a5], v[a6], v[a7 + 32], n 32, lshift 3, init zero"];
}

def VAcc : Instruction<"vacc", 0x33, VectorUnit> {
  let fields = [
    First<"dst", AAddr, "first accumulator written">,
    Second<"src", VAddr, "first element read">, Count,
    Field<"lshift", UInt<4>, 103, "left shift of the elements">,
    Field<"init", ElementInit, 107, "what the accumulators start with">
  ];
  let format = "$dst, $src, n $n, lshift $lshift, init $init";
  let summary = "add elements to accumulators";
  let description = "A[dst + i] = start + (V[src + i] << lshift); start is the "
                    "accumulator itself or zero.";
  let clause = "I-VACC";
  let examples = ["vacc a[a5 + 1], v[3], n 7, lshift 15, init acc"];
}

def VCopy : Instruction<"vcopy", 0x34, VectorUnit> {
  let fields = [First<"dst", VAddr, "first element written">,
                Second<"src", VAddr, "first element read">, Count];
  let format = "$dst, $src, n $n";
  let summary = "copy elements inside vmem";
  let description = "V[dst + i] = V[src + i], as if every element were read "
                    "before any is written.";
  let clause = "I-VCOPY";
  let examples = ["vcopy v[a1 + 8], v[a1], n 128"];
}

def Fill : Instruction<"fill", 0x35, VectorUnit> {
  let fields = [First<"dst", VAddr, "first element written">,
                Field<"value", SInt<16>, 33, "code that is written">, Count];
  let format = "$dst, $value, n $n";
  let summary = "set elements to one code";
  let description = "V[dst + i] = value.";
  let clause = "I-FILL";
  let examples = ["fill v[a1 + 8], -32768, n 1048575"];
}

#endif // HCGS_TARGET_ISA_TD

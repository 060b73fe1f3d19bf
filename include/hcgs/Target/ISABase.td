// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vocabulary of ISA.td: what a field, a unit and an instruction are.
// hcgs-tblgen reads these classes; no MLIR is involved.
//
//===----------------------------------------------------------------------===//

#ifndef HCGS_TARGET_ISABASE_TD
#define HCGS_TARGET_ISABASE_TD

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

/// Who carries an instruction out (T-D-2). Units have numbers for tables.
class Unit<int theNumber, string display> {
  int number = theNumber;
  string name = display;
}

def ControlUnit : Unit<0, "control">;
def LoadUnit : Unit<1, "load">;
def MatrixUnit : Unit<2, "matrix">;
def VectorUnit : Unit<3, "vector">;
def StoreUnit : Unit<4, "store">;

//===----------------------------------------------------------------------===//
// Kinds of fields
//===----------------------------------------------------------------------===//

/// A run of bits of the instruction word that holds one number between `min`
/// and `max`; signed numbers are in two's complement. Parts of a field lie
/// side by side, the first lowest.
class Part<string partName, int bitWidth, int isSigned, int minimum,
           int maximum> {
  string name = partName;
  int width = bitWidth;
  int signedPart = isSigned;
  int min = minimum;
  int max = maximum;
}

/// What a field means and how it is written in assembly.
///
///   uint, int   a number
///   flag        0 or 1; written as the word before it, or left out
///   reg         an address register: a3
///   addr        an address operand (S-R-2): v[a1 - 64], a[128], x[a4], w[0]
///   trips       a loop count: 12, T, T - 1
///   gates       a set of gates: iofg
///   shifts      one number a gate: [0, 0, 1, 0]
///   enum        one of a list of words
class Kind<string theForm, string cpp, list<Part> theParts> {
  string form = theForm;
  string cppType = cpp;
  list<Part> parts = theParts;
  /// Of an address: the letter of the memory it points into.
  string space = "";
}

/// An unsigned number of `width` bits; the legal values may be fewer.
class UInt<int width, int min = 0, int max = !sub(!shl(1, width), 1)>
    : Kind<"uint", "uint32_t", [Part<"", width, 0, min, max>]>;

/// A signed number of `width` bits; the legal values may be fewer.
class SInt<int width, int min = !sub(0, !shl(1, !sub(width, 1))),
           int max = !sub(!shl(1, !sub(width, 1)), 1)>
    : Kind<"int", "int32_t", [Part<"", width, 1, min, max>]>;

/// Whether something holds; for a part of a format that may be left out.
def Flag : Kind<"flag", "bool", [Part<"", 1, 0, 0, 1>]>;

/// A register that is written: not a0 (S-R-1).
def DestReg : Kind<"reg", "uint32_t", [Part<"", 5, 0, 1, 31>]>;

class Address<string letter>
    : Kind<"addr", "Addr", [Part<"register", 5, 0, 0, 31>,
                            Part<"offset", 20, 1, -524288, 524287>]> {
  let space = letter;
}
def VAddr : Address<"v">;
def AAddr : Address<"a">;
def XAddr : Address<"x">;
def WAddr : Address<"w">;

/// Trips of a loop: max(0, (seq ? T : 0) + imm).
def TripCount : Kind<"trips", "Trips", [Part<"seq", 1, 0, 0, 1>,
                                        Part<"imm", 32, 1, -2147483648,
                                             2147483647>]>;

/// Bit g chooses gate g, in the order i, o, f, g.
def GateSet : Kind<"gates", "Gates", [Part<"", 4, 0, 1, 15>]>;

def GateShifts : Kind<"shifts", "Shifts", [Part<"i", 4, 0, 0, 15>,
                                           Part<"o", 4, 0, 0, 15>,
                                           Part<"f", 4, 0, 0, 15>,
                                           Part<"g", 4, 0, 0, 15>]>;

/// A list of words; the first is stored as 0, and so on.
class WordList<string cpp, list<string> theWords, string what> {
  string cppName = cpp;
  list<string> words = theWords;
  string summary = what;
}

/// One of the first `legal` words of a list.
class OneOf<WordList theList, int width, int legal>
    : Kind<"enum", theList.cppName, [Part<"", width, 0, 0, !sub(legal, 1)>]> {
  WordList wordList = theList;
}

//===----------------------------------------------------------------------===//
// Fields and instructions
//===----------------------------------------------------------------------===//

/// A field of an instruction: its name, kind, lowest bit and meaning. A field
/// with a default may be left out in assembly, if the format allows it.
class Field<string fieldName, Kind theKind, int lowestBit, string what> {
  string name = fieldName;
  Kind kind = theKind;
  int lsb = lowestBit;
  string summary = what;
}

/// An instruction of 128 bits. The opcode is in bits 7..0; bits that belong to
/// no field are zero.
///
/// `format` is the assembly after the mnemonic: words and punctuation as they
/// are written, `$name` for a field, and `[word ... $name]` around a part that is
/// left out when its fields are 0 (no cap, no ring); `[word$name]` for a flag.
class Instruction<string text, bits<8> theOpcode, Unit theUnit> {
  string mnemonic = text;
  bits<8> opcode = theOpcode;
  Unit unit = theUnit;
  list<Field> fields = [];
  string format = "";
  /// One line.
  string summary = ?;
  /// What it does, for the reference.
  string description = ?;
  /// The clause of docs/Spec/Instructions.md.
  string clause = ?;
  /// Assembly that shows each part of the syntax; a test runs them all.
  list<string> examples = ?;
  /// The operation of the isa dialect is written by hand (loops are regions
  /// there, not pairs of instructions).
  bit structuredOp = 0;
}

#endif // HCGS_TARGET_ISABASE_TD

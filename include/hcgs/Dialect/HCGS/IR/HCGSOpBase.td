// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files of operations of the hcgs dialect share.

#ifndef HCGS_DIALECT_HCGS_IR_HCGSOPBASE_TD
#define HCGS_DIALECT_HCGS_IR_HCGSOPBASE_TD

include "hcgs/Dialect/HCGS/IR/HCGSAttributes.td"
include "hcgs/Dialect/HCGS/IR/HCGSDialect.td"
include "hcgs/Dialect/HCGS/IR/HCGSTypes.td"

class HCGS_Op<string mnemonic, list<Trait> traits = []>
    : Op<HCGS_Dialect, mnemonic, traits>;

/// Where dataflow stands: in a time loop, or in the program for what happens
/// once a run.
class HCGS_FlowOp<string mnemonic, list<Trait> traits = []>
    : HCGS_Op<mnemonic, !listconcat([
        ParentOneOf<["::hcgs::flow::ProgramOp", "::hcgs::flow::SequenceOp"]>
      ], traits)>;

#endif // HCGS_DIALECT_HCGS_IR_HCGSOPBASE_TD

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The making of a program out of a function: formats of values, streams, time
// loops and what happens once a run. One instance converts one model.

#ifndef HCGS_LIB_CONVERSION_RNNTOHCGS_LOWERING_H
#define HCGS_LIB_CONVERSION_RNNTOHCGS_LOWERING_H

#include "Declarations.h"
#include "PassPlan.h"
#include "Ports.h"

#include <map>

namespace hcgs::tohcgs {

class Lowering {
public:
  Lowering(mlir::func::FuncOp func, Ports ports, flow::ProgramOp program)
      : func(func), ports(std::move(ports)), program(program), plan(func),
        declarations(program) {}

  /// Fills the program. Errors are reported at the layer concerned.
  mlir::LogicalResult run();

private:
  /// A value of the model under one identity: a stacked state is told apart by
  /// its index.
  using Key = std::pair<mlir::Value, int64_t>;
  Key getKey(mlir::Value value) const;

  // Formats.
  mlir::LogicalResult collectFormats();
  mlir::LogicalResult setFormat(mlir::Operation *layer, Key key,
                                fx::IntType format);
  /// The format of a value that a layer computes.
  mlir::FailureOr<fx::IntType> getFormat(Key key);
  /// The type of a frame or vector that holds the value.
  mlir::FailureOr<flow::VecType> getVecType(mlir::Value value);

  // Boundary.
  void declareInputs();
  mlir::LogicalResult declareOutputs();
  /// Values whose bytes lie side by side in a frame that holds `value`.
  void getLeaves(mlir::Value value, llvm::SmallVectorImpl<mlir::Value> &leaves);
  /// Lets the passes write `value` to `stream`.
  void writeTo(flow::StreamOp stream, mlir::Value value);
  /// The stream that later passes read `value` from.
  mlir::LogicalResult makeReadable(mlir::Value value);

  // Time loops (Lowering.cpp) and the layers in them (Layers.cpp).
  mlir::LogicalResult lowerPass(unsigned pass);
  mlir::FailureOr<mlir::Value>
  getInitialState(rnn::LSTMOp lstm, mlir::Value state, fx::IntType format);
  mlir::FailureOr<mlir::Value> getInLoop(mlir::Value value, bool reversed,
                                         fx::IntType format);
  mlir::LogicalResult lowerLSTM(rnn::LSTMOp lstm, mlir::Value x, mlir::Value h,
                                mlir::Value c, mlir::Value &nextH,
                                mlir::Value &nextC);
  /// Layers without state, in a loop or outside.
  mlir::FailureOr<mlir::Value> lowerLayer(mlir::Operation *op,
                                          mlir::ValueRange inputs);
  mlir::FailureOr<mlir::Value> lowerLinear(rnn::LinearOp linear, mlir::Value x);
  mlir::FailureOr<mlir::Value> lowerSum(mlir::Operation *op,
                                        rnn::PointwiseFormatsAttr formats,
                                        mlir::ValueRange inputs);
  mlir::FailureOr<mlir::Value> finish(mlir::Operation *op,
                                      mlir::FlatSymbolRefAttr layer,
                                      mlir::Value acc, unsigned gate,
                                      fx::PwlAttr act, fx::IntType y);

  mlir::IntegerAttr i64(int64_t value) {
    return builder.getI64IntegerAttr(value);
  }
  mlir::UnitAttr biased(bool yes) {
    return yes ? builder.getUnitAttr() : mlir::UnitAttr();
  }
  flow::FramesAttr frames(flow::Frames which) {
    return flow::FramesAttr::get(builder.getContext(), which);
  }
  flow::FramesAttr frames(bool reversed) {
    return frames(reversed ? flow::Frames::Reversed : flow::Frames::Forward);
  }
  /// The stream that holds a sequence not computed in this loop.
  mlir::FailureOr<flow::StreamOp> getReadable(mlir::Value value,
                                              fx::IntType format);
  mlir::Value readFrame(mlir::Location loc, flow::StreamOp stream,
                        flow::Frames which);

  // Once a run.
  mlir::FailureOr<mlir::Value> getVector(mlir::Value value, fx::IntType format);

  mlir::func::FuncOp func;
  Ports ports;
  flow::ProgramOp program;
  PassPlan plan;
  Declarations declarations;

  using Id = std::pair<void *, int64_t>;
  static Id getId(Key key) {
    return {key.first.getAsOpaquePointer(), key.second};
  }
  /// One format for a value that is computed; an input may be read in several
  /// (an initial state that serves as h and as c).
  std::map<Id, llvm::SmallVector<fx::IntType, 1>> formats;
  /// The streams of an input, in the order of its formats.
  std::map<Id, llvm::SmallVector<flow::StreamOp, 1>> inputs;
  /// The stream that a computed sequence can be read from after its pass.
  std::map<void *, flow::StreamOp> readable;

  /// An hcgs.write to come.
  struct Write {
    flow::StreamOp stream;
    int64_t at;
    mlir::Value value;
  };
  std::vector<llvm::SmallVector<Write>> loopWrites; // by pass
  llvm::SmallVector<Write> finalWrites;             // of vectors

  mlir::OpBuilder builder{func.getContext()};
  /// Values of the time loop under construction, by value (or stream) and
  /// order.
  std::map<std::pair<void *, bool>, mlir::Value> inLoop;
  /// Final h and c of lstms, and vectors computed so far.
  llvm::DenseMap<mlir::Value, mlir::Value> finals;
  llvm::DenseMap<mlir::Value, mlir::Value> vectors;
  /// What was read of a stream outside time loops.
  llvm::DenseMap<mlir::Operation *, mlir::Value> reads;
};

} // namespace hcgs::tohcgs

#endif // HCGS_LIB_CONVERSION_RNNTOHCGS_LOWERING_H

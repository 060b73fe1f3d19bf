// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The description of the network for the metadata (docs/Spec/Layers.md), read
// off the dataflow and nothing else: the operations that name one layer are
// matched against the shape of its kind.
//
#ifndef HCGS_LIB_CONVERSION_HCGSTOISA_NETWORK_H
#define HCGS_LIB_CONVERSION_HCGSTOISA_NETWORK_H

#include "ProgramLayout.h"
#include "hcgs/Dialect/HCGS/Transforms/BatchRows.h"

namespace hcgs::toisa {

/// Builds attributes that stand for JSON (JsonAttr.h).
class Json {
public:
  explicit Json(mlir::MLIRContext *context) : builder(context) {}
  using Member = std::pair<llvm::StringRef, mlir::Attribute>;

  mlir::Attribute number(int64_t value) {
    return builder.getI64IntegerAttr(value);
  }
  mlir::Attribute real(double value) { return builder.getF64FloatAttr(value); }
  mlir::Attribute text(llvm::StringRef value) {
    return builder.getStringAttr(value);
  }
  mlir::Attribute flag(bool value) { return builder.getBoolAttr(value); }
  mlir::Attribute null() { return builder.getUnitAttr(); }
  mlir::Attribute numberOrNull(int64_t value) {
    return value < 0 ? null() : number(value);
  }
  template <typename Range>
  mlir::Attribute numbers(Range &&values) {
    llvm::SmallVector<mlir::Attribute> list;
    for (int64_t value : values)
      list.push_back(number(value));
    return this->list(list);
  }
  mlir::Attribute list(llvm::ArrayRef<mlir::Attribute> values) {
    return builder.getArrayAttr(values);
  }
  mlir::DictionaryAttr object(llvm::ArrayRef<Member> members) {
    llvm::SmallVector<mlir::NamedAttribute> named;
    for (auto [key, value] : members)
      named.push_back(builder.getNamedAttr(key, value));
    return builder.getDictionaryAttr(named);
  }

private:
  mlir::Builder builder;
};

class Network {
public:
  /// Of a program that computes several batch rows, row 0 is described.
  Network(const ProgramLayout &layout, const flow::BatchRows &rows)
      : layout(layout), batchRows(rows), json(layout.program->getContext()) {}

  /// Reports dataflow that is no network of Layers.md.
  mlir::LogicalResult run();

  /// `network`, `streams` and `time` of the metadata.
  mlir::Attribute network, streams, time;
  /// Of each operation of the dataflow: index of its layer, and what it does
  /// in words ("gate f", "c"); nothing for reads and writes.
  struct Role {
    int64_t layer = -1;
    std::string what;
  };
  llvm::DenseMap<mlir::Operation *, Role> roles;
  /// "W" or "R", and the layer, of each matrix that is used.
  struct MatrixUse {
    char name = 'W';
    int64_t layer = -1;
    flow::MvmOp mvm;
  };
  std::vector<MatrixUse> matrixUses;

private:
  /// The operations of one layer, in the order of the program.
  struct LayerOps {
    flow::LayerOp layer;
    llvm::SmallVector<mlir::Operation *> ops;
    flow::SequenceOp sequence; // null outside loops
  };

  int64_t addValue(const llvm::Twine &name, int64_t width, unsigned bits,
                   int64_t fraction, bool isSequence,
                   mlir::Attribute codes = {});
  int64_t addValue(const llvm::Twine &name, flow::VecType type,
                   bool isSequence);
  void addLayer(llvm::StringRef op, llvm::StringRef name,
                llvm::SmallVector<Json::Member> members);
  /// The value that an SSA value stands for; -1 if there is none yet.
  int64_t valueOf(mlir::Value value);
  /// The value that a stream holds; reports a stream that nothing fills.
  mlir::FailureOr<int64_t> valueOfStream(llvm::StringRef name,
                                         mlir::Operation *user);

  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult addRead(flow::ReadOp read);
  mlir::LogicalResult addWrite(flow::WriteOp write);
  mlir::LogicalResult finishLayer(LayerOps &layer);
  mlir::LogicalResult addLstm(LayerOps &layer);
  mlir::LogicalResult addLinear(LayerOps &layer);
  mlir::LogicalResult addPointwise(LayerOps &layer);
  mlir::LogicalResult addConcat(LayerOps &layer);
  /// L-RES-1 of the operation that ends a layer.
  mlir::FailureOr<mlir::Attribute> resultRule(mlir::Operation *op);
  mlir::Attribute matrixRule(flow::MvmOp mvm);
  mlir::FailureOr<int64_t> initialState(LayerOps &layer, mlir::Value state);
  int64_t finalState(LayerOps &layer, mlir::Value state, llvm::StringRef name);
  mlir::LogicalResult noteDirection(mlir::Operation *op);
  void describeStreams();
  mlir::LogicalResult describeTensors(mlir::Attribute &inputs,
                                      mlir::Attribute &outputs);
  /// Which of the yielded states this is, or -1.
  static int stateNumber(flow::SequenceOp sequence, mlir::Value value);

  const ProgramLayout &layout;
  const flow::BatchRows &batchRows;
  Json json;
  llvm::SmallVector<mlir::Attribute> values, layerList;
  llvm::DenseMap<mlir::Value, int64_t> valueNumbers;
  llvm::MapVector<mlir::Attribute, LayerOps> layerOps;
  /// Of each stream: its value, or -1.
  std::vector<int64_t> streamValues;
  /// Of each stream: what was written so far, by position.
  std::vector<std::map<int64_t, flow::WriteOp>> written;
  /// Of a value of a loop: the frames it was made from.
  llvm::DenseMap<mlir::Value, std::pair<flow::Frames, mlir::Operation *>>
      directions;
  int64_t fixedSteps = -1;
};

} // namespace hcgs::toisa

#endif // HCGS_LIB_CONVERSION_HCGSTOISA_NETWORK_H

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of one import, and what the handlers of operators use of it.

#ifndef HCGS_LIB_IMPORT_ONNX_IMPORTER_H
#define HCGS_LIB_IMPORT_ONNX_IMPORTER_H

#include "Constant.h"
#include "ModelFile.h"
#include "Tensor.h"

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Import/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringSet.h"

#include <variant>

namespace hcgs::frontend {

/// What a value of the graph is.
using Entry = std::variant<Constant, Tensor>;

class Importer;

/// A node of the graph: access to its attributes and operands, with messages
/// that name it. Attributes that no handler has asked for are refused at the
/// end, so that none is ignored.
class Node {
public:
  Node(Importer &importer, onnx::NodeProto &proto);

  llvm::StringRef getOp() const { return proto.op_type(); }
  llvm::StringRef getName() const { return name; }
  mlir::Location getLoc() const { return loc; }
  Importer &getImporter() const { return importer; }
  onnx::NodeProto &getProto() const { return proto; }

  /// Begins an error: "model.onnx: node 'name' (Op): ".
  mlir::InFlightDiagnostic error() const;
  /// Tells the user something, in the same form, if the import succeeds.
  void remark(const llvm::Twine &text) const;

  //===------------------------------------------------------------------===//
  // Attributes; a wrong type is an error
  //===------------------------------------------------------------------===//

  bool hasAttr(llvm::StringRef attr) const;
  mlir::FailureOr<int64_t> getInt(llvm::StringRef attr, int64_t absent);
  mlir::FailureOr<float> getFloat(llvm::StringRef attr, float absent);
  mlir::FailureOr<std::string> getString(llvm::StringRef attr,
                                         llvm::StringRef absent);
  /// Empty if absent.
  mlir::FailureOr<std::vector<int64_t>> getInts(llvm::StringRef attr);
  mlir::FailureOr<std::vector<float>> getFloats(llvm::StringRef attr);
  mlir::FailureOr<std::vector<std::string>> getStrings(llvm::StringRef attr);
  /// Null if absent.
  mlir::FailureOr<onnx::TensorProto *> getTensorAttr(llvm::StringRef attr);
  /// The numbers of a tensor in an attribute; the only one the node has.
  mlir::FailureOr<Constant> readTensor(onnx::TensorProto &tensor);
  /// Accepts an attribute that cannot change the result.
  void ignoreAttr(llvm::StringRef attr) { seen.insert(attr); }
  /// Refuses attributes that were not asked for.
  mlir::LogicalResult checkAllAttrsSeen() const;

  //===------------------------------------------------------------------===//
  // Operands and results
  //===------------------------------------------------------------------===//

  size_t getNumInputs() const { return proto.input_size(); }
  bool hasInput(size_t index) const {
    return index < getNumInputs() &&
           !proto.input(static_cast<int>(index)).empty();
  }
  llvm::StringRef getInputName(size_t index) const {
    return proto.input(static_cast<int>(index));
  }
  /// Operand `index`, called `role` in messages; an error if it is absent.
  mlir::FailureOr<const Entry *> getEntry(size_t index, llvm::StringRef role);
  /// As getEntry; an error if it is a constant.
  mlir::FailureOr<const Tensor *> getTensor(size_t index, llvm::StringRef role);
  /// As getEntry; an error unless it is constant.
  mlir::FailureOr<const Constant *> getConstant(size_t index,
                                                llvm::StringRef role);
  /// A constant list of integers, from operand `index` or, in older opsets,
  /// attribute `attr`; nothing if both are absent.
  mlir::FailureOr<std::optional<std::vector<Dim>>>
  getIntList(size_t index, llvm::StringRef attr);

  size_t getNumOutputs() const { return proto.output_size(); }
  /// True if output `index` exists and something may read it.
  bool wantsOutput(size_t index) const {
    return index < getNumOutputs() &&
           !proto.output(static_cast<int>(index)).empty();
  }
  mlir::LogicalResult setOutput(size_t index, Entry entry);

private:
  mlir::FailureOr<const onnx::AttributeProto *>
  findAttr(llvm::StringRef attr, int type, llvm::StringRef typeName);

  Importer &importer;
  onnx::NodeProto &proto;
  std::string name;
  mlir::Location loc;
  llvm::StringSet<> seen;
};

class Importer {
public:
  Importer(ModelFile &file, mlir::MLIRContext &context,
           const ImportOptions &options);

  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> run();

  mlir::OpBuilder &getBuilder() { return builder; }
  ModelFile &getFile() { return file; }
  const ImportOptions &getOptions() const { return options; }
  int64_t getOpset() const { return opset; }

  /// Begins an error about the file as a whole: "model.onnx: ".
  mlir::InFlightDiagnostic error();

  /// The value called `valueName`; null if there is none.
  const Entry *lookup(llvm::StringRef valueName) const;
  mlir::LogicalResult define(llvm::StringRef valueName, Entry entry,
                             ErrorFn error);

  //===------------------------------------------------------------------===//
  // Axes
  //===------------------------------------------------------------------===//

  /// A new meaning of length `size`; no factor at all if the length is 1.
  Group newGroup(Dim size);

  /// Says what a factor counts. An error if it is known to count something
  /// else.
  mlir::LogicalResult setAxis(const Group &group, rnn::Axis axis,
                              ErrorFn error);
  std::optional<rnn::Axis> getAxis(const Factor &factor);

  /// True if the two axes count the same things in the same order.
  bool sameAxis(llvm::ArrayRef<Factor> a, llvm::ArrayRef<Factor> b);
  bool sameAxes(llvm::ArrayRef<Group> a, llvm::ArrayRef<Group> b);

  /// Makes two axes count the same thing, because an operation joins them
  /// element by element.
  mlir::LogicalResult unify(const Group &a, const Group &b, ErrorFn error);

  /// Fixes the length of a dynamic axis because the graph does. Fails without
  /// a message: the import starts again with this knowledge.
  mlir::LogicalResult bind(unsigned symbol, int64_t size);

  /// True after bind(): the attempt is given up, without a message.
  bool isRestarting() const { return newBinding; }

  /// Length of an axis for a tensor type.
  static int64_t typeDim(llvm::ArrayRef<Factor> group);
  mlir::RankedTensorType typeOf(llvm::ArrayRef<Group> axes);

  /// Prints the lengths of `axes`, dynamic ones by name.
  std::string describe(llvm::ArrayRef<Group> axes);
  std::string describe(llvm::ArrayRef<Dim> dims);
  std::string describe(const Dim &dim);

  /// A value whose axes are exactly `axes`, made from `tensor` by renaming
  /// only.
  mlir::FailureOr<mlir::Value> materialize(const Tensor &tensor,
                                           llvm::ArrayRef<Group> axes,
                                           mlir::Location loc, ErrorFn error);

  /// `tensor` with its first axis taken apart into parts [batch, unit].
  mlir::FailureOr<Tensor> toStacked(const Tensor &tensor, mlir::Location loc,
                                    ErrorFn error);

  /// A value that computes with features: its last axis is the last axis of
  /// the graph's view.
  mlir::FailureOr<Tensor> withFeaturesLast(const Tensor &tensor,
                                           mlir::Location loc, ErrorFn error);

  //===------------------------------------------------------------------===//
  // Weights
  //===------------------------------------------------------------------===//

  /// Reports the first number that is not finite.
  mlir::LogicalResult checkFinite(const Constant &constant, ErrorFn error);

  /// An rnn.weight of `constant`, reshaped to `shape`; an error if an entry is
  /// not finite.
  mlir::FailureOr<mlir::Value> createWeight(const Constant &constant,
                                            llvm::ArrayRef<int64_t> shape,
                                            mlir::Location loc, ErrorFn error);

private:
  mlir::LogicalResult importModel();
  mlir::LogicalResult checkVersions();
  mlir::LogicalResult importInputs();
  mlir::LogicalResult collectInitializers();
  mlir::LogicalResult orderNodes(std::vector<onnx::NodeProto *> &order);
  mlir::LogicalResult importNode(onnx::NodeProto &proto);
  mlir::LogicalResult importOutputs();
  mlir::LogicalResult loadInitializer(llvm::StringRef name, ErrorFn error);
  rnn::PortAttr makePort(llvm::StringRef portName, llvm::ArrayRef<Group> axes);
  unsigned find(unsigned factor);
  unsigned symbolFor(llvm::StringRef symbolName);

  ModelFile &file;
  mlir::MLIRContext &context;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  int64_t opset = 0;

  struct FactorInfo {
    unsigned parent;
    std::optional<rnn::Axis> axis;
  };
  std::vector<FactorInfo> factors;
  std::vector<std::string> symbols;
  llvm::StringMap<unsigned> symbolIds;
  /// Lengths that the graph fixes, by symbol name; survives a restart.
  std::map<std::string, int64_t> bindings;
  bool newBinding = false;
  /// What to tell the user if this attempt succeeds.
  std::vector<std::pair<mlir::Location, std::string>> remarks;

  llvm::StringMap<Entry> entries;
  llvm::StringMap<onnx::TensorProto *> initializers;
  /// Initialisers, and results of Constant nodes, that were read: their bytes
  /// have left the protobuf, but the import may start again.
  llvm::StringMap<Constant> loaded;
  /// Resources by their first number and count.
  std::map<std::pair<const float *, size_t>, mlir::DenseResourceElementsHandle>
      resources;
  /// Graph inputs that are not floats, with their type.
  llvm::StringMap<std::string> unusableInputs;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  llvm::SmallVector<std::pair<std::string, llvm::SmallVector<Group>>> inputs;
  llvm::SmallVector<std::pair<std::string, llvm::SmallVector<Group>>> outputs;
  friend class Node;
};

/// Imports one operator; `node` has its operands.
using ImportFn = mlir::LogicalResult (*)(Node &node);
/// Evaluates one operator whose operands are constants.
using FoldFn = mlir::LogicalResult (*)(Node &node);

/// One row of the table of operators.
struct OpInfo {
  const char *name;
  /// Null if the operator is only evaluated, not imported.
  ImportFn import;
  /// Null if the operator is not evaluated.
  FoldFn fold;
  /// What is supported, for the user.
  const char *support;
};

/// All operators, in alphabetical order.
llvm::ArrayRef<OpInfo> getOperators();

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_IMPORTER_H

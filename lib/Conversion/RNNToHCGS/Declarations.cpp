// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The declarations of a program under construction.

#include "Declarations.h"

#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

OpBuilder Declarations::at(Group group) {
  for (int g = group; g >= 0; --g)
    if (last[g]) {
      OpBuilder builder(program);
      builder.setInsertionPointAfter(last[g]);
      return builder;
    }
  return OpBuilder::atBlockBegin(&program.getBody().front());
}

FlatSymbolRefAttr Declarations::getLayer(Operation *op, flow::LayerKind kind) {
  FlatSymbolRefAttr &layer = layers[op];
  if (layer)
    return layer;
  std::string name = "L" + std::to_string(layers.size() - 1);
  names.insert(name);
  OpBuilder builder = at(Layers);
  added(Layers, flow::LayerOp::create(builder, op->getLoc(), name, kind,
                                      getNodeName(op)));
  return layer = FlatSymbolRefAttr::get(op->getContext(), name);
}

flow::StreamOp Declarations::addStream(Location loc, StringRef name,
                                       flow::StreamKind kind,
                                       flow::StreamDirection direction,
                                       flow::VecType frame) {
  std::string unique = name.empty() ? "stream" : name.str();
  for (int i = 1; !names.insert(unique).second; ++i)
    unique = name.str() + "_" + std::to_string(i);
  OpBuilder builder = at(Streams);
  return added(Streams, flow::StreamOp::create(builder, loc, unique, kind,
                                               direction, frame));
}

void Declarations::addIO(Location loc, flow::IODirection direction,
                         const Port &port, ArrayRef<flow::PartAttr> parts) {
  OpBuilder builder = at(IOs);
  SmallVector<Attribute> axes(port.axes.begin(), port.axes.end());
  SmallVector<Attribute> list(parts.begin(), parts.end());
  added(IOs, flow::IOOp::create(builder, loc, direction, port.name,
                                builder.getArrayAttr(axes),
                                builder.getArrayAttr(list)));
}

flow::MatrixOp Declarations::addMatrix(Location loc, FlatSymbolRefAttr layer,
                                       StringRef role, int64_t gates,
                                       int64_t rows, int64_t cols,
                                       fx::WeightsAttr weights,
                                       const Codes &codes,
                                       ArrayRef<int64_t> bias) {
  OpBuilder builder = at(Matrices);
  DenseIntElementsAttr biasAttr;
  if (!bias.empty()) {
    SmallVector<int32_t> values(bias);
    biasAttr = DenseIntElementsAttr::get(
        RankedTensorType::get({gates, rows}, builder.getI32Type()), values);
  }
  return added(Matrices,
               flow::MatrixOp::create(
                   builder, loc, (layer.getValue() + "." + role).str(), gates,
                   rows, cols, weights, codes.sparsity, codes.codes, biasAttr,
                   codes.provenance));
}

FailureOr<FlatSymbolRefAttr> Declarations::getTable(Operation *layer,
                                                    fx::PwlAttr function) {
  if (auto it = tables.find(function); it != tables.end())
    return it->second;
  FailureOr<numerics::FittedPwl> fitted = fitTable(layer, function);
  if (failed(fitted))
    return failure();
  const numerics::PwlTable &table = fitted->table;
  const numerics::PwlProof &proof = fitted->proof;
  MLIRContext *context = layer->getContext();
  SmallVector<int16_t> bases, slopes;
  for (const numerics::PwlTable::Entry &entry : table.entries) {
    bases.push_back(entry.base);
    slopes.push_back(entry.slope);
  }
  fx::DirectoryAttr directory;
  auto k = static_cast<uint64_t>(table.k), n = static_cast<uint64_t>(table.n);
  if (table.kind == numerics::PwlKind::TwoLevel) {
    SmallVector<int32_t> first, bits;
    for (const numerics::PwlTable::Region &region : table.directory) {
      first.push_back(region.first);
      bits.push_back(region.bits);
    }
    directory = fx::DirectoryAttr::get(context, table.origin,
                                       static_cast<unsigned>(table.p), first,
                                       bits, table.centre);
    k = static_cast<uint64_t>(table.w);
    n = table.directory.size();
  }
  auto proofAttr = fx::ProofAttr::get(
      context, proof.error.at, proof.inRange.worst, std::sqrt(proof.meanSquare),
      proof.jump, proof.monotone, static_cast<fx::Symmetry>(proof.symmetry));
  std::string name =
      (fx::stringifyActivation(function.getKind()) + "_" + Twine(tables.size()))
          .str();
  OpBuilder builder = at(Tables);
  added(Tables, flow::TableOp::create(builder, layer->getLoc(), name, function,
                                      k, n, static_cast<uint64_t>(table.s),
                                      static_cast<uint64_t>(table.lo),
                                      static_cast<uint64_t>(table.hi),
                                      llvm::APFloat(proof.error.worst),
                                      directory, proofAttr, bases, slopes));
  auto symbol = FlatSymbolRefAttr::get(layer->getContext(), name);
  tables[function] = symbol;
  return symbol;
}

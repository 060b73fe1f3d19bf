// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-activation-tables: functions given by samples, from files to
// `rnn.samples` attributes.

#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"
#include "hcgs/Support/Npy.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <charconv>
#include <cmath>

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNACTIVATIONTABLES
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

/// More points than inputs of a table say nothing more.
static constexpr size_t maxPoints = 65536;

/// The number that `text` is as a whole.
static std::optional<double> parseNumber(StringRef text) {
  double value = 0.0;
  text.consume_front("+");
  auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end())
    return std::nullopt;
  return value;
}

/// Points from text, one a line.
static Result<numerics::Samples> parsePoints(StringRef text) {
  numerics::Samples points;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  bool mayBeHeadline = true;
  for (auto [number, line] : llvm::enumerate(lines)) {
    line = line.split('#').first.trim();
    if (line.empty())
      continue;
    SmallVector<StringRef> fields;
    llvm::SplitString(line, fields, ",; \t");
    std::optional<double> x, y;
    if (fields.size() == 2) {
      x = parseNumber(fields[0]);
      y = parseNumber(fields[1]);
    }
    if (x && y) {
      points.push_back({*x, *y});
    } else if (!mayBeHeadline || x || y) {
      return Error{llvm::formatv("line {0}: '{1}' found, expected two numbers "
                                 "x, y",
                                 number + 1, line)
                       .str()};
    }
    mayBeHeadline = false;
  }
  return points;
}

/// Points of a file; not checked yet.
static Result<numerics::Samples> readPoints(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return Error{"cannot be read: " + buffer.getError().message()};
  StringRef bytes = (*buffer)->getBuffer();
  if (!bytes.starts_with("\x93NUMPY"))
    return parsePoints(bytes);
  Result<NpyArray> array = parseNpy({bytes.data(), bytes.size()}, "array");
  if (!array)
    return array.takeError();
  if (array->shape.size() != 2 || array->shape[1] != 2)
    return Error{"found an array " + array->describe() +
                 ", expected points of shape [N, 2]"};
  numerics::Samples points;
  for (int64_t i = 0; i < array->shape[0]; ++i)
    points.push_back({array->number(2 * i), array->number(2 * i + 1)});
  return points;
}

namespace {

struct ActivationTables : rnn::impl::RNNActivationTablesBase<ActivationTables> {
  using RNNActivationTablesBase::RNNActivationTablesBase;

  void runOnOperation() override;

private:
  /// One function of a layer.
  struct Place {
    Operation *op;
    StringRef key;
    fx::Activation kind;
  };

  LogicalResult fail(StringRef name, const Twine &message) {
    return getOperation()->emitError()
           << "activation table '" << name << "': " << message;
  }
  void collect();
  LogicalResult apply(StringRef name, StringRef path);
  FailureOr<SmallVector<const Place *>> find(StringRef name);

  SmallVector<Place> places;
  /// What is found: first by kind, then, replacing it, by layer.
  llvm::MapVector<const Place *, DenseElementsAttr> ofKinds, ofLayers;
};

} // namespace

void ActivationTables::collect() {
  places.clear();
  ofKinds.clear();
  ofLayers.clear();
  getOperation()->walk([&](Operation *op) {
    if (auto lstm = dyn_cast<LSTMOp>(op)) {
      for (auto [index, key] : llvm::enumerate(getSamplesKeys(op)))
        places.push_back(
            {op, key, lstm.getActivation(0, static_cast<unsigned>(index))});
    } else if (auto linear = dyn_cast<LinearOp>(op)) {
      if (linear.getActivation() &&
          *linear.getActivation() != fx::Activation::Identity)
        places.push_back({op, "y", *linear.getActivation()});
    } else if (auto act = dyn_cast<ActOp>(op)) {
      if (act.getKind() != fx::Activation::Identity)
        places.push_back({op, "y", act.getKind()});
    }
  });
}

/// The functions that `name` stands for: of a kind, or of a layer.
FailureOr<SmallVector<const ActivationTables::Place *>>
ActivationTables::find(StringRef name) {
  SmallVector<const Place *> found;
  std::optional<numerics::ActivationKind> kind =
      numerics::parseActivation({name.data(), name.size()});
  std::vector<std::string> names;
  for (const Place &place : places) {
    std::string node = getNodeName(place.op);
    if (isa<LSTMOp>(place.op))
      node += ":" + place.key.str();
    StringRef own = fx::stringifyActivation(place.kind);
    bool ofKind =
        kind && numerics::parseActivation({own.data(), own.size()}) == kind;
    if (ofKind || name == node)
      found.push_back(&place);
    for (const std::string &known : {own.str(), node})
      if (!llvm::is_contained(names, known))
        names.push_back(known);
  }
  if (!found.empty())
    return found;
  return fail(name, "no layer computes it, and no layer is called so; allowed "
                    "are " +
                        llvm::join(names, ", "));
}

LogicalResult ActivationTables::apply(StringRef name, StringRef path) {
  FailureOr<SmallVector<const Place *>> found = find(name);
  if (failed(found))
    return failure();
  Result<numerics::Samples> points = readPoints(path);
  if (!points)
    return fail(name, "file '" + path + "': " + points.message());
  if (points->size() < 2 || points->size() > maxPoints)
    return fail(name, "file '" + path + "': found " + Twine(points->size()) +
                          " points, allowed are 2.." + Twine(maxPoints));
  numerics::Activation function;
  function.samples =
      std::make_shared<const numerics::Samples>(*std::move(points));
  DenseElementsAttr samples = toSamplesAttr(&getContext(), function);
  if (failed(fx::verifySamples(
          [&] {
            return getOperation()->emitError() << "activation table '" << name
                                               << "': file '" << path << "': ";
          },
          samples)))
    return failure();
  const bool byKind =
      numerics::parseActivation({name.data(), name.size()}).has_value();
  for (const Place *place : *found)
    if (!(byKind ? ofKinds : ofLayers).insert({place, samples}).second)
      return fail(name, "is given twice; leave one of its files out");
  return success();
}

void ActivationTables::runOnOperation() {
  collect();
  SmallVector<StringRef> entries;
  StringRef(tables).split(entries, ',', -1, /*KeepEmpty=*/false);
  for (StringRef entry : entries) {
    auto [name, path] = entry.split('=');
    name = name.trim();
    path = path.trim();
    if (name.empty() || path.empty()) {
      (void)fail(entry, "expected NAME=FILE");
      return signalPassFailure();
    }
    if (failed(apply(name, path)))
      return signalPassFailure();
  }
  for (const auto *all : {&ofKinds, &ofLayers})
    for (const auto &[place, samples] : *all) {
      NamedAttrList list;
      if (auto before = place->op->getAttrOfType<DictionaryAttr>(kSamplesAttr))
        list = NamedAttrList(before);
      list.set(place->key, samples);
      place->op->setAttr(kSamplesAttr, list.getDictionary(&getContext()));
    }
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Conversion/ISAToProgram.h"
#include "hcgs/Dialect/ISA/IR/JsonAttr.h"
#include "hcgs/Target/Images.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::isa;

/// The name of the innermost named location: the ONNX node.
static StringRef nodeOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    StringRef inner = nodeOf(name.getChildLoc());
    return inner.empty() ? name.getName().getValue() : inner;
  }
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef node = nodeOf(part); !node.empty())
        return node;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nodeOf(call.getCallee());
  return {};
}

namespace {
class Exporter {
public:
  explicit Exporter(ProgramOp op) : op(op) {}

  FailureOr<Program> run();
  ArrayRef<Operation *> getOrigins() const { return origins; }

private:
  LogicalResult exportBlock(Block &block);
  LogicalResult exportLoop(LoopOp loop);
  LogicalResult append(const RawInstruction &raw, Operation *origin);
  LogicalResult exportImage(StringRef name, std::optional<ElementsAttr> image,
                            std::vector<uint8_t> &bytes);
  LogicalResult exportMeta();
  void exportDebugMap();

  ProgramOp op;
  Program program;
  SmallVector<Operation *> origins;
  std::array<std::optional<size_t>, 3> entries;
};
} // namespace

LogicalResult Exporter::append(const RawInstruction &raw, Operation *origin) {
  Result<Word> word = encode(raw);
  if (!word)
    return origin->emitOpError() << word.message();
  program.append(*word);
  origins.push_back(origin);
  return success();
}

LogicalResult Exporter::exportLoop(LoopOp loop) {
  // The body's length is known behind it: put the loop in its place then.
  size_t start = program.numInstructions();
  if (failed(append(loop.getRaw(1), loop)) ||
      failed(exportBlock(*loop.getBody().begin())) ||
      failed(append(toRaw(EndLoop{}), loop)))
    return failure();
  Result<Word> word =
      encode(loop.getRaw(program.numInstructions() - start - 1));
  if (!word)
    return loop.emitOpError() << word.message();
  writeWord(*word, program.text.data() + start * kInstructionBytes);
  return success();
}

LogicalResult Exporter::exportBlock(Block &block) {
  for (Operation &each : block) {
    if (auto entry = dyn_cast<EntryOp>(each)) {
      entries[unsigned(entry.getEntry())] = program.numInstructions();
    } else if (auto loop = dyn_cast<LoopOp>(each)) {
      if (failed(exportLoop(loop)))
        return failure();
    } else {
      auto inst = cast<InstructionOpInterface>(each);
      if (failed(append(inst.getRaw(), &each)))
        return failure();
    }
  }
  return success();
}

LogicalResult Exporter::exportImage(StringRef name,
                                    std::optional<ElementsAttr> image,
                                    std::vector<uint8_t> &bytes) {
  if (!image)
    return success();
  ArrayRef<char> data;
  if (auto dense = dyn_cast<DenseElementsAttr>(*image)) {
    if (dense.isSplat()) {
      bytes.assign(dense.getNumElements(),
                   uint8_t(dense.getSplatValue<APInt>().getZExtValue()));
      return success();
    }
    data = dense.getRawData();
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(*image)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return op.emitOpError()
             << "image '" << name << "': the data of resource '"
             << resource.getRawHandle().getKey() << "' is missing";
    data = blob->getData();
  } else {
    return op.emitOpError()
           << "image '" << name << "' must be dense or dense_resource";
  }
  int64_t expected = image->getNumElements();
  if (int64_t(data.size()) != expected)
    return op.emitOpError() << "image '" << name << "' holds " << data.size()
                            << " bytes, its type says " << expected;
  bytes.assign(data.begin(), data.end());
  return success();
}

LogicalResult Exporter::exportMeta() {
  auto emitError = [&] { return op.emitOpError(); };
  FailureOr<std::string> target = printJsonAttr(op.getTarget(), emitError);
  if (failed(target))
    return failure();
  program.target = std::move(*target);

  // The entries go in as attributes, so that there is one printer.
  Builder builder(op.getContext());
  NamedAttrList entryAttrs;
  for (unsigned kind = 0; kind < entries.size(); ++kind) {
    Attribute place = builder.getUnitAttr();
    if (entries[kind])
      place = builder.getI64IntegerAttr(int64_t(*entries[kind]));
    entryAttrs.set(stringifyEntryKind(EntryKind(kind)), place);
  }
  NamedAttrList meta(op.getMeta());
  meta.set("entries", entryAttrs.getDictionary(op.getContext()));
  FailureOr<std::string> text =
      printJsonAttr(meta.getDictionary(op.getContext()), emitError);
  if (failed(text))
    return failure();
  program.meta = std::move(*text);
  return success();
}

/// PF-8.
void Exporter::exportDebugMap() {
  llvm::json::Array instructions;
  llvm::MapVector<StringRef, llvm::json::Array> locations;
  // Where the open range of each node began and its last instruction.
  StringRef openNode;
  size_t openFirst = 0;
  auto close = [&](size_t end) {
    if (!openNode.empty())
      locations[openNode].push_back(
          llvm::json::Array{int64_t(openFirst), int64_t(end) - 1});
  };
  for (auto [pc, origin] : llvm::enumerate(origins)) {
    StringRef node = nodeOf(origin->getLoc());
    llvm::json::Object entry{{"pc", int64_t(pc)}, {"node", nullptr}};
    if (!node.empty())
      entry["node"] = llvm::json::fixUTF8(node);
    std::optional<uint64_t> layer;
    std::optional<StringRef> what;
    if (auto inst = dyn_cast<InstructionOpInterface>(origin)) {
      layer = inst.getLayer();
      what = inst.getWhat();
    } else if (auto loop = dyn_cast<LoopOp>(origin)) {
      layer = loop.getLayer();
      what = loop.getWhat();
    }
    entry["layer"] =
        layer ? llvm::json::Value(int64_t(*layer)) : llvm::json::Value(nullptr);
    entry["what"] = llvm::json::fixUTF8(what.value_or(""));
    instructions.push_back(std::move(entry));
    if (node != openNode) {
      close(pc);
      openNode = node;
      openFirst = pc;
    }
  }
  close(origins.size());

  llvm::json::Object map{{"instructions", std::move(instructions)}};
  llvm::json::Object byNode;
  for (auto &[node, ranges] : locations)
    byNode[llvm::json::fixUTF8(node)] = std::move(ranges);
  map["locations"] = std::move(byNode);
  program.debug.emplace();
  llvm::raw_string_ostream(*program.debug) << llvm::json::Value(std::move(map));
}

FailureOr<Program> Exporter::run() {
  if (failed(exportBlock(*op.getBody().begin())) ||
      failed(exportImage("descriptors", op.getDescriptors(),
                         program.descriptors)) ||
      failed(exportImage("weights", op.getWeights(), program.weights)) ||
      failed(exportImage("index", op.getIndex(), program.index)) ||
      failed(exportImage("bias", op.getBias(), program.bias)) ||
      failed(exportImage("tables", op.getTables(), program.tables)) ||
      failed(exportImage("vinit", op.getVinit(), program.vinit)) ||
      failed(exportImage("spill", op.getSpill(), program.spill)) ||
      failed(exportMeta()))
    return failure();
  // Sections with a head have it even if they hold nothing.
  if (program.descriptors.empty())
    program.descriptors = writeDescriptors({});
  if (program.tables.empty())
    program.tables = writeTables({});
  if (program.vinit.empty())
    program.vinit = writeInitialVectors({});
  exportDebugMap();
  return std::move(program);
}

FailureOr<Program> hcgs::exportProgram(ProgramOp op,
                                       SmallVectorImpl<Operation *> *origins) {
  Exporter exporter(op);
  FailureOr<Program> program = exporter.run();
  if (succeeded(program) && origins)
    origins->assign(exporter.getOrigins().begin(), exporter.getOrigins().end());
  return program;
}

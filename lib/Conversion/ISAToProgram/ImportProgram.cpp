// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Conversion/ISAToProgram.h"
#include "hcgs/Dialect/ISA/IR/JsonAttr.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::isa;

namespace {
/// What the debug map says about one instruction.
struct Origin {
  std::string node;
  InstructionNote note;
};

class Importer {
public:
  Importer(MLIRContext *context, const Program &program)
      : builder(context), program(program) {}

  OwningOpRef<ModuleOp> run(StringRef name);

private:
  InFlightDiagnostic emitError() {
    return mlir::emitError(builder.getUnknownLoc());
  }
  FailureOr<DictionaryAttr> importObject(StringRef text, StringRef what);
  /// Reads the entries out of the metadata and drops what the export adds.
  FailureOr<DictionaryAttr> importMeta();
  void importDebugMap();
  LogicalResult importText(ProgramOp op);
  void setImage(ProgramOp op, StringRef name,
                const std::vector<uint8_t> &bytes);

  OpBuilder builder;
  const Program &program;
  std::vector<Origin> origins;
  std::array<std::optional<uint64_t>, 3> entries;
};
} // namespace

FailureOr<DictionaryAttr> Importer::importObject(StringRef text,
                                                 StringRef what) {
  FailureOr<Attribute> attr =
      parseJsonAttr(builder.getContext(), text, [&] { return emitError(); });
  if (failed(attr))
    return failure();
  if (auto dictionary = dyn_cast<DictionaryAttr>(*attr))
    return dictionary;
  emitError() << what << " is no JSON object";
  return failure();
}

FailureOr<DictionaryAttr> Importer::importMeta() {
  FailureOr<DictionaryAttr> meta = importObject(program.meta, ".hcgs.meta");
  if (failed(meta))
    return failure();
  if (auto places = (*meta).getAs<DictionaryAttr>("entries"))
    for (unsigned kind = 0; kind < entries.size(); ++kind)
      if (auto place =
              places.getAs<IntegerAttr>(stringifyEntryKind(EntryKind(kind))))
        entries[kind] = uint64_t(place.getInt());
  NamedAttrList kept(*meta);
  for (StringRef added : {"entries", "format", "target"})
    kept.erase(added);
  return kept.getDictionary(builder.getContext());
}

void Importer::importDebugMap() {
  origins.resize(program.numInstructions());
  if (!program.debug)
    return;
  llvm::Expected<llvm::json::Value> map = llvm::json::parse(*program.debug);
  if (!map) {
    llvm::consumeError(map.takeError());
    return;
  }
  llvm::json::Object *object = map->getAsObject();
  llvm::json::Array *list = object ? object->getArray("instructions") : nullptr;
  if (!list)
    return;
  for (llvm::json::Value &value : *list) {
    llvm::json::Object *entry = value.getAsObject();
    std::optional<int64_t> pc = entry ? entry->getInteger("pc") : std::nullopt;
    if (!pc || *pc < 0 || size_t(*pc) >= origins.size())
      continue;
    Origin &origin = origins[*pc];
    if (std::optional<StringRef> node = entry->getString("node"))
      origin.node = node->str();
    origin.note.layer = entry->getInteger("layer");
    if (std::optional<StringRef> what = entry->getString("what"))
      origin.note.what = what->str();
  }
}

LogicalResult Importer::importText(ProgramOp op) {
  builder.setInsertionPointToEnd(&*op.getBody().begin());
  for (size_t pc = 0; pc < program.numInstructions(); ++pc) {
    for (unsigned kind = 0; kind < entries.size(); ++kind)
      if (entries[kind] == pc)
        EntryOp::create(builder, builder.getUnknownLoc(), EntryKind(kind));
    Result<Instruction> inst = decode(program.word(pc));
    if (!inst)
      return emitError() << "instruction " << pc << ": " << inst.message();
    Location loc = builder.getUnknownLoc();
    if (!origins[pc].node.empty())
      loc = NameLoc::get(builder.getStringAttr(origins[pc].node));
    if (const auto *loop = std::get_if<Loop>(&*inst)) {
      auto region = LoopOp::create(builder, loc, loop->trips, loop->cap,
                                   origins[pc].note);
      builder.setInsertionPointToEnd(&*region.getBody().begin());
    } else if (std::holds_alternative<EndLoop>(*inst)) {
      auto loop = dyn_cast<LoopOp>(builder.getInsertionBlock()->getParentOp());
      if (!loop)
        return emitError() << "instruction " << pc << ": endloop without loop";
      builder.setInsertionPointAfter(loop);
    } else {
      createInstruction(builder, loc, *inst, origins[pc].note);
    }
  }
  if (builder.getInsertionBlock()->getParentOp() != op.getOperation())
    return emitError() << "a loop is not closed";
  return success();
}

void Importer::setImage(ProgramOp op, StringRef name,
                        const std::vector<uint8_t> &bytes) {
  if (bytes.empty())
    return;
  auto type =
      RankedTensorType::get({int64_t(bytes.size())}, builder.getI8Type());
  op->setAttr(name, DenseResourceElementsAttr::get(
                        type, name,
                        HeapAsmResourceBlob::allocateAndCopyInferAlign(
                            ArrayRef<uint8_t>(bytes))));
}

OwningOpRef<ModuleOp> Importer::run(StringRef name) {
  builder.getContext()->getOrLoadDialect<ISADialect>();
  FailureOr<DictionaryAttr> target =
      importObject(program.target, ".hcgs.target");
  if (failed(target))
    return nullptr;
  FailureOr<DictionaryAttr> meta = importMeta();
  if (failed(meta))
    return nullptr;
  importDebugMap();

  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(module->getBody());
  auto op =
      ProgramOp::create(builder, builder.getUnknownLoc(), name, *target, *meta);
  setImage(op, "descriptors", program.descriptors);
  setImage(op, "weights", program.weights);
  setImage(op, "index", program.index);
  setImage(op, "bias", program.bias);
  setImage(op, "tables", program.tables);
  setImage(op, "vinit", program.vinit);
  setImage(op, "spill", program.spill);
  if (failed(importText(op)) || failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> hcgs::importProgram(MLIRContext *context,
                                          const Program &program,
                                          StringRef name) {
  return Importer(context, program).run(name);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-to-isa: puts layout, images, network and instructions together.

#include "hcgs/Conversion/HCGSToISA/HCGSToISA.h"

#include "Emitter.h"
#include "Network.h"
#include "ProgramImages.h"
#include "ProgramLayout.h"
#include "hcgs/Dialect/HCGS/Transforms/ProgramTarget.h"
#include "hcgs/Dialect/ISA/IR/JsonAttr.h"
#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/PwlTable.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/SetVector.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace hcgs {
#define GEN_PASS_DEF_HCGSTOISA
#include "hcgs/Conversion/HCGSToISA/Passes.h.inc"
} // namespace hcgs

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

/// Bytes as an attribute: the text of small ones shows them, large ones are
/// resources and never copied again.
static ElementsAttr bytesAttr(MLIRContext *context, StringRef name,
                              const std::vector<uint8_t> &bytes) {
  auto type = RankedTensorType::get({int64_t(bytes.size())},
                                    IntegerType::get(context, 8));
  ArrayRef<int8_t> data(reinterpret_cast<const int8_t *>(bytes.data()),
                        bytes.size());
  constexpr size_t kShown = 64;
  if (bytes.size() <= kShown)
    return DenseElementsAttr::get(type, data);
  return cast<ElementsAttr>(Attribute(DenseI8ResourceElementsAttr::get(
      type, name,
      HeapAsmResourceBlob::allocateAndCopyInferAlign<int8_t>(
          data, /*dataIsMutable=*/false))));
}

/// `matrices` of the metadata.
static Attribute describeMatrices(const ProgramLayout &layout,
                                  const Network &network, Json &json) {
  SmallVector<Attribute> list;
  for (auto [number, entry] : llvm::enumerate(layout.matrices)) {
    MatrixOp matrix = entry.second;
    const Network::MatrixUse &use = network.matrixUses[number];
    SmallVector<Json::Member> members = {
        {"exponents", json.numbers(matrix.getWeights().getExps())},
        {"matrix", json.text(StringRef(&use.name, 1))},
        {"layer", json.numberOrNull(use.layer)}};
    if (MvmOp mvm = use.mvm) {
      LayerOp layer = layout.layers.lookup(mvm.getLayerAttr().getAttr());
      members.push_back({"node", json.text(layer.getNode())});
      members.push_back(
          {"in_frac", json.number(mvm.getInput().getType().getFraction())});
      members.push_back(
          {"acc_frac", json.numbers(mvm.getResult().getType().getFractions())});
    }
    if (DictionaryAttr provenance = matrix.getProvenanceAttr())
      members.push_back({"provenance", provenance});
    list.push_back(json.object(members));
  }
  return json.list(list);
}

/// `quantization` of the metadata: what widths and options occur.
static Attribute describeQuantization(const ProgramLayout &layout, Json &json) {
  llvm::SetVector<int64_t> weightBits, valueBits;
  llvm::SetVector<Attribute> encodings, roundings;
  for (const auto &entry : layout.matrices) {
    MatrixOp matrix = entry.second;
    fx::WeightsAttr format = matrix.getWeights();
    weightBits.insert(format.getBits());
    encodings.insert(json.text(stringifyWeightEncoding(format.getEncoding())));
    roundings.insert(json.text(stringifyRounding(format.getRounding())));
  }
  ProgramOp program = layout.program;
  program.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (auto type = dyn_cast<VecType>(result.getType()))
        valueBits.insert(type.getBits());
  });
  SmallVector<int64_t> sortedBits = valueBits.takeVector();
  llvm::sort(sortedBits);
  return json.object({{"weight_bits", json.numbers(weightBits)},
                      {"weight_encodings", json.list(encodings.getArrayRef())},
                      {"weight_roundings", json.list(roundings.getArrayRef())},
                      {"value_bits", json.numbers(sortedBits)}});
}

static numerics::Activation toActivation(fx::PwlAttr function) {
  StringRef name = stringifyActivation(function.getKind());
  numerics::Activation activation;
  if (auto kind = numerics::parseActivation({name.data(), name.size()}))
    activation = numerics::Activation::of(*kind);
  if (function.getAlpha())
    activation.alpha = function.getAlpha().getValueAsDouble();
  if (function.getBeta())
    activation.beta = function.getBeta().getValueAsDouble();
  if (DenseElementsAttr samples = function.getSamples()) {
    auto values = llvm::to_vector(samples.getValues<double>());
    numerics::Samples points;
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      points.push_back({values[i], values[i + 1]});
    activation.samples =
        std::make_shared<const numerics::Samples>(std::move(points));
  }
  return activation;
}

/// The worst error, in output LSBs, where z saturates: of the table at the ends
/// of its inputs against the function anywhere beyond them. Nothing if the
/// function goes beyond all bounds there.
static std::optional<double> errorOfSaturation(TableOp op) {
  const numerics::Activation function = toActivation(op.getFunction());
  if (!function.samples && !numerics::isBoundedByOne(function))
    return std::nullopt;
  const numerics::PwlTable table = op.getTable();
  const numerics::FxFormat z = table.input();
  const double low = numerics::toValue(z.minCode(), z);
  const double high = numerics::toValue(z.maxCode(), z);
  const double atLow = table.evaluate(static_cast<int16_t>(z.minCode()));
  const double atHigh = table.evaluate(static_cast<int16_t>(z.maxCode()));
  double worst = 0.0;
  auto compare = [&](double x) {
    const double wanted = std::ldexp(function(x), table.outFrac);
    if (x <= low)
      worst = std::max(worst, std::fabs(atLow - wanted));
    if (x >= high)
      worst = std::max(worst, std::fabs(atHigh - wanted));
  };
  // Such functions are monotone: what lies between is between.
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (double x : {-infinity, low, high, infinity})
    compare(x);
  if (function.samples)
    for (const numerics::Sample &sample : *function.samples)
      compare(sample.x);
  return worst;
}

/// The function of a table and what is known of its errors.
static Attribute describeTable(TableOp table, Json &json) {
  fx::PwlAttr function = table.getFunction();
  SmallVector<Json::Member> members = {
      {"function", json.text(stringifyActivation(function.getKind()))},
      {"max_error_lsb", json.real(table.getError().convertToDouble())}};
  if (function.getAlpha())
    members.push_back(
        {"alpha", json.real(function.getAlpha().getValueAsDouble())});
  if (function.getBeta())
    members.push_back(
        {"beta", json.real(function.getBeta().getValueAsDouble())});
  if (DenseElementsAttr samples = function.getSamples()) {
    SmallVector<Attribute> values;
    for (double value : samples.getValues<double>())
      values.push_back(json.real(value));
    members.push_back({"samples", json.list(values)});
  }
  // What max_error_lsb holds for, and the error of what lies beyond.
  fx::IntType in = function.getIn();
  const numerics::FxFormat z{static_cast<int>(in.getWidth()), in.getFraction()};
  members.push_back(
      {"input_range",
       json.list({json.real(numerics::toValue(z.minCode(), z)),
                  json.real(numerics::toValue(z.maxCode(), z))})});
  std::optional<double> saturated = errorOfSaturation(table);
  members.push_back({"max_error_saturated_lsb",
                     saturated ? json.real(*saturated) : json.null()});
  if (std::optional<fx::ProofAttr> proof = table.getProof()) {
    members.push_back({"max_error_at", json.number(proof->getAt())});
    members.push_back(
        {"max_error_in_range_lsb", json.real(proof->getInRange())});
    members.push_back({"rms_error_lsb", json.real(proof->getRms())});
    members.push_back({"largest_jump_lsb", json.number(proof->getJump())});
    members.push_back({"monotone", json.flag(proof->getMonotone())});
    members.push_back(
        {"symmetry", json.text(stringifySymmetry(proof->getSymmetry()))});
  }
  return json.object(members);
}

/// Cycles for which the loads of spilled weights hold the load unit in a step
/// of the steady state.
static uint64_t countWeightLoadCycles(const ProgramLayout &layout,
                                      const Loop &loop) {
  std::vector<int> uses;
  for (unsigned index = 0; index < loop.entries.size(); ++index)
    llvm::append_range(uses, layout.spill.partsOf(layout, loop, index));
  const schedule::MachineTiming timing = schedule::timingOf(layout.target);
  BufferedLoads loads(layout.spill, uses, /*repeats=*/true);
  uint64_t cycles = 0;
  for (size_t use = 0; use < uses.size(); ++use)
    if (int part = loads.after(use); part >= 0)
      cycles +=
          timing.transferBytes(timing.load, layout.spill.parts[part].bytes);
  return cycles;
}

/// `schedule` of the metadata: of each time loop its depth and entries, and
/// what the scheduler reported.
static Attribute describeSchedules(const ProgramLayout &layout, Json &json) {
  SmallVector<Attribute> passes;
  for (const Loop &loop : layout.loops) {
    SmallVector<Json::Member> members = {
        {"depth", json.number(loop.depth)},
        {"entries", json.number(loop.entries.size())}};
    if (layout.spill.any())
      members.push_back({"weight_load_cycles",
                         json.number(countWeightLoadCycles(layout, loop))});
    SequenceOp sequence = loop.op;
    if (DictionaryAttr report = sequence.getSchedule().getReportAttr())
      for (NamedAttribute entry : report)
        members.push_back({entry.getName().getValue(), entry.getValue()});
    passes.push_back(json.object(members));
  }
  return json.list(passes);
}

static DictionaryAttr describe(const ProgramLayout &layout,
                               const Network &network) {
  ProgramOp program = layout.program;
  Json json(program.getContext());
  SmallVector<Attribute> tables;
  for (const auto &entry : layout.tables) {
    TableOp table = entry.second;
    tables.push_back(describeTable(table, json));
  }
  Attribute model = json.null();
  if (std::optional<ModelAttr> known = program.getModel())
    model = json.object({{"name", json.text(known->getName())},
                         {"producer", json.text(known->getProducer())},
                         {"opset", json.number(known->getOpset())},
                         {"sha256", json.text(known->getSha256())}});
  else
    model = json.object({{"name", json.text(program.getSymName())},
                         {"producer", json.text("")},
                         {"opset", json.number(0)},
                         {"sha256", json.text("")}});
  SmallVector<Json::Member> members = {
      {"producer", json.object({{"name", json.text("hcgs")},
                                {"version", json.text(HCGS_VERSION)}})},
      {"model", model},
      {"streams", network.streams},
      {"vmem", json.number(layout.vmemElements)},
      {"amem", json.number(layout.amemElements)},
      {"time", network.time},
      {"network", network.network},
      {"matrices", describeMatrices(layout, network, json)},
      {"tables", json.list(tables)},
      {"quantization", describeQuantization(layout, json)},
      {"schedule", describeSchedules(layout, json)}};
  if (int64_t rows = getNumRows(program); rows > 1)
    members.push_back({"rows", json.number(rows)});
  if (layout.spill.any()) {
    SmallVector<int64_t> cut;
    for (unsigned number = 0; number < layout.matrices.size(); ++number)
      if (layout.spill.isCut(number))
        cut.push_back(number);
    members.push_back(
        {"spill",
         json.object(
             {{"matrices", json.numbers(cut)},
              {"parts", json.number(layout.spill.parts.size())},
              {"bytes", json.number(layout.spill.spilledBytes)},
              {"bytes_per_step", json.number(layout.spill.bytesPerStep)},
              {"buffer_bytes",
               json.number(SpillPlan::kBuffers * layout.spill.bufferBytes)}})});
  }
  if (!layout.noStep.empty())
    members.push_back({"no_step", json.text(layout.noStep)});
  return json.object(members);
}

/// Whether the instructions fit the program memory.
static LogicalResult checkLength(isa::ProgramOp program,
                                 const ProgramLayout &layout) {
  const TargetModel &target = layout.target;
  uint64_t count = 0;
  program.walk([&](Operation *op) {
    if (llvm::isa<isa::LoopOp>(op))
      count += 2; // loop and endloop
    else if (llvm::isa<isa::InstructionOpInterface>(op))
      ++count;
  });
  assert(count == countInstructions(layout, layout.spill) &&
         "weights are spilled by another count");
  uint64_t available = target.memories.pmemInstructions;
  if (count <= available)
    return success();
  InFlightDiagnostic diag = emitError(program->getLoc());
  diag << "program needs " << groupDigits(count) << " instructions, pmem of '"
       << target.name << "' has " << groupDigits(available) << ": "
       << groupDigits(count - available) << " instructions over; use ";
  // Only what this program can do with less of.
  if (llvm::any_of(layout.loops, [](const Loop &l) { return l.depth > 0; }))
    diag << "less depth, as --schedule=sequential does, ";
  if (getNumRows(layout.program) > 1)
    diag << "fewer --streams, ";
  if (layout.spill.any())
    diag << "more wmem, so that fewer weights are loaded in parts, ";
  return diag << "a smaller network, or a target with more";
}

FailureOr<isa::ProgramOp> hcgs::convertToISA(ProgramOp program,
                                             const TargetModel &target,
                                             OpBuilder &builder) {
  if (std::optional<StringRef> named = program.getTarget();
      named && *named != StringRef(target.name))
    return emitError(program->getLoc(), "program was scheduled for '")
           << *named << "', not for '" << target.name
           << "'; run hcgs-schedule with this target";
  if (Attribute tile = program->getAttr(kTileAttr)) {
    auto number = dyn_cast<IntegerAttr>(tile);
    if (!number || !number.getValue().ult(target.mac.tiles.size()))
      return emitError(program->getLoc(), "attribute '")
             << kTileAttr << "' is " << tile << "; '" << target.name << "' has "
             << target.mac.tiles.size() << " tiles, from 0 on";
  }
  FailureOr<BatchRows> rows = BatchRows::find(program);
  if (failed(rows))
    return failure();
  ProgramLayout layout(program, target);
  if (failed(layout.run()))
    return failure();
  Network network(layout, *rows);
  if (failed(network.run()))
    return failure();
  FailureOr<ProgramImages> images = ProgramImages::build(layout);
  if (failed(images))
    return failure();

  FailureOr<Attribute> targetAttr =
      isa::parseJsonAttr(program.getContext(), target.json, [&] {
        return emitError(program->getLoc(), "target: ");
      });
  if (failed(targetAttr))
    return failure();
  OpBuilder::InsertionGuard guard(builder);
  auto result = isa::ProgramOp::create(
      builder, program.getLoc(), program.getSymName(),
      cast<DictionaryAttr>(*targetAttr), describe(layout, network));
  auto bytes = [&](StringRef name, const std::vector<uint8_t> &image) {
    return bytesAttr(program.getContext(), name, image);
  };
  result.setDescriptorsAttr(bytes("descriptors", images->descriptors));
  if (!images->weights.empty())
    result.setWeightsAttr(bytes("weights", images->weights));
  if (!images->index.empty())
    result.setIndexAttr(bytes("index", images->index));
  if (!images->bias.empty())
    result.setBiasAttr(bytes("bias", images->bias));
  if (!images->spill.empty())
    result.setSpillAttr(bytes("spill", images->spill));
  result.setTablesAttr(bytes("tables", images->tables));
  result.setVinitAttr(bytes("vinit", images->vinit));

  if (result.getBody().empty())
    result.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&result.getBody().front());
  Emitter(layout, network, builder).run();
  if (failed(checkLength(result, layout))) {
    result.erase();
    return failure();
  }
  return result;
}

namespace {
struct HCGSToISAPass : hcgs::impl::HCGSToISABase<HCGSToISAPass> {
  using HCGSToISABase::HCGSToISABase;

  void runOnOperation() override {
    for (auto program :
         llvm::make_early_inc_range(getOperation().getOps<ProgramOp>())) {
      FailureOr<TargetModel> model = loadProgramTarget(program, target);
      if (failed(model))
        return signalPassFailure();
      OpBuilder builder(program);
      if (failed(convertToISA(program, *model, builder)))
        return signalPassFailure();
      program.erase();
    }
  }
};
} // namespace

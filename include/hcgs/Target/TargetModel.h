// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine a program is for: a JSON file under targets/, checked against
// targets/schema.json and then against itself. No number of any machine is
// written anywhere else; compiler, assembler and simulator ask this model.
//
// In the file every number says where it comes from:
//
//   "lanes": {"value": 64, "origin": "published", "source": "SSC-L 2019"}
//
// `origin` is published, fitted or assumed. A file may name a `base`, another
// target, and then give only what differs. The model keeps the canonical text
// (PF-7) of the whole, which goes into every program file, so that a program
// can be run and timed without the files it was compiled for.
//
#ifndef HCGS_TARGET_TARGETMODEL_H
#define HCGS_TARGET_TARGETMODEL_H

#include "hcgs/Support/Result.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

/// Where a number of a target comes from.
enum class Origin : uint8_t { Published, Fitted, Assumed };
std::string_view getName(Origin origin);

/// A shape the multipliers can be arranged in: rows (K) x columns (N).
struct TileShape {
  uint32_t rows = 0, cols = 0;
  bool operator==(const TileShape &) const = default;
};

/// A clock and the supply voltage that goes with it.
struct OperatingPoint {
  std::string name;
  uint64_t hz = 0;
  double volts = 0;
};

struct TargetModel {
  std::string name;
  std::string description;

  /// Cycles a second.
  uint64_t clockHz = 0;

  /// Supply voltage at which `energies` and `leakage` hold; 0 if not stated,
  /// and then there are none, and no operating points.
  double nominalVolts = 0;
  /// The clocks the machine can run at, each with its supply voltage. If there
  /// are any, the first one has the clock `clockHz`.
  std::vector<OperatingPoint> operatingPoints;

  struct {
    uint32_t lanes = 0;
    std::vector<TileShape> tiles;
  } mac;
  /// Cycles from a matrix instruction's last product to its results.
  uint32_t matrixFill = 0;

  struct {
    uint32_t lanes = 0;
    uint32_t latency = 0;
  } vector;

  /// Cycles before the first byte, and bytes a cycle.
  struct Port {
    uint32_t latency = 0;
    uint32_t portBytes = 0;
  };
  Port load, store;
  /// Whether the load unit reaches wmem, so that weights can be kept in ext.
  bool loadsWeights = false;

  /// Entries, at least 1 (T-D-2).
  struct {
    uint32_t load = 0, matrix = 0, vector = 0, store = 0;
  } queues;

  /// Sizes: bytes, elements, tables, instructions.
  struct {
    uint64_t wmemBytes = 0;
    uint64_t imemBytes = 0;
    uint64_t vmemElements = 0;
    uint64_t amemElements = 0;
    uint64_t bmemElements = 0;
    uint32_t lutTables = 0;
    /// Most segments of one table, a power of two.
    uint32_t lutSegments = 0;
    uint64_t pmemInstructions = 0;
  } memories;

  /// Widths and encodings ("twos", "signmag") the matrix unit takes.
  std::vector<uint32_t> weightBits;
  std::vector<std::string> weightEncodings;
  /// Widths of vmem elements: min..max bits.
  uint32_t activationBitsMin = 0, activationBitsMax = 0;
  uint32_t accumulatorBits = 32;
  /// "dense", "hcgs", "circulant".
  std::vector<std::string> matrixKinds;

  /// Joules an event at the nominal voltage, by the event's name (the keys of
  /// the schema); empty if the target states none.
  struct Energy {
    double joules = 0;
    Origin origin = Origin::Assumed;
    std::string source;
  };
  std::map<std::string, Energy> energies;

  /// Power that flows whatever happens: watts at the nominal voltage; it goes
  /// with the `exponent`-th power of the voltage.
  struct Leakage {
    double watts = 0;
    double exponent = 0;
  };
  std::optional<Leakage> leakage;

  /// The canonical JSON text of the whole target, bases included.
  std::string json;

  bool hasWeightBits(uint32_t bits) const;
  bool hasWeightEncoding(std::string_view encoding) const;
  bool hasMatrixKind(std::string_view kind) const;

  /// The operating point of a name; of no name the default: the first one, or
  /// the clock at the nominal voltage. The error lists the names.
  Result<OperatingPoint> getOperatingPoint(std::string_view name) const;
};

/// Reads a whole target (one without a base) from JSON text and checks it;
/// errors say the JSON pointer of the value, what was found and what is
/// allowed, after `where`.
Result<TargetModel> parseTarget(std::string_view text, std::string_view where);

/// A shipped target by its name, or else a target file by its path (something
/// that has a slash or ends in .json). Bases are merged in: objects key by key,
/// everything else (numbers with their origins and sources, too) as a whole;
/// the file wins, and `null` removes what the base has.
Result<TargetModel> loadTarget(std::string_view nameOrPath);

/// A value of a target with what is known of it. The value is JSON text.
struct TargetNumber {
  std::string pointer, value;
  Origin origin = Origin::Assumed;
  std::string source;
};
/// Every number of a target, in the order of the schema.
std::vector<TargetNumber> getNumbers(const TargetModel &target);

/// The whole target as a file that loadTarget reads: keys in the order of the
/// schema, a number with its origin and source in one line.
std::string printTarget(const TargetModel &target);

/// The shipped targets as a table of at most 80 columns.
Result<std::string> printTargetTable();

/// Names of the shipped targets, sorted.
std::vector<std::string> getShippedTargets();

/// The JSON Schema target files obey (targets/schema.json).
std::string_view getTargetSchema();

} // namespace hcgs

#endif // HCGS_TARGET_TARGETMODEL_H

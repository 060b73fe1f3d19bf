// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries against error of activation tables, as the Markdown tables of
// docs/Rationale/Tables.md: pwl-tables
//
#include "hcgs/Numerics/PwlFit.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

using namespace hcgs::numerics;

namespace {

/// z of all tables here: +-8 in 16 bits.
constexpr int inFrac = 12;

FittedPwl fit(const RealFunction &function, FxFormat output,
              const PwlRequest &request) {
  auto fitted = choosePwl(function, inFrac, output, request);
  if (!fitted) {
    std::fprintf(stderr, "%s\n", fitted.message().c_str());
    std::exit(1);
  }
  return *std::move(fitted);
}

/// "1.42 (1056)": worst error and bytes.
std::string cell(const FittedPwl &fitted) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f (%lld)", fitted.proof.error.worst,
                static_cast<long long>(fitted.table.bytes()));
  return text;
}

void entriesAgainstError(FxFormat output) {
  std::printf("\nOutput %s: worst error in output LSBs (bytes).\n\n"
              "| at most entries | sigmoid uniform | sigmoid two-level "
              "| tanh uniform | tanh two-level |\n"
              "| --- | --- | --- | --- | --- |\n",
              output.str().c_str());
  for (const int entries : {8, 16, 32, 48, 64, 96, 128, 256, 512}) {
    std::printf("| %d |", entries);
    for (const auto kind : {ActivationKind::Sigmoid, ActivationKind::Tanh})
      for (const auto choice : {PwlChoice::Uniform, PwlChoice::TwoLevel}) {
        const bool power = (entries & (entries - 1)) == 0;
        if (choice == PwlChoice::Uniform && !power) {
          std::printf(" |");
          continue;
        }
        std::printf(" %s |", cell(fit(Activation::of(kind), output,
                                      {choice, entries, 0.0}))
                                 .c_str());
      }
    std::printf("\n");
  }
}

/// The cheapest tables for a bound, all functions.
void cheapest() {
  std::printf("\nThe cheapest table for at most 1 LSB of 13 bits.\n\n"
              "| function | kind | entries | regions | bytes | worst | rms "
              "| largest jump | symmetry |\n"
              "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const std::string_view name : activationNames()) {
    const Activation function = Activation::of(*parseActivation(name));
    const FxFormat output{13, isBoundedByOne(function) ? 12 : 8};
    const FittedPwl fitted = fit(function, output, {PwlChoice::Auto, 512, 1.0});
    std::printf("| %.*s | %s | %zu | %zu | %lld | %.2f | %.2f | %lld | %s |\n",
                static_cast<int>(name.size()), name.data(),
                std::string(pwlKindName(fitted.table.kind)).c_str(),
                fitted.table.entries.size(), fitted.table.directory.size(),
                static_cast<long long>(fitted.table.bytes()),
                fitted.proof.error.worst, std::sqrt(fitted.proof.meanSquare),
                static_cast<long long>(fitted.proof.jump),
                std::string(pwlSymmetryName(fitted.proof.symmetry)).c_str());
  }
}

/// What each part of the two-level kind contributes. A symmetry is hidden from
/// the fit by a hundredth of an LSB at one end.
void contributions() {
  std::printf("\nEntries for at most 1 LSB of 13 bits.\n\n"
              "| table | sigmoid | tanh |\n| --- | --- | --- |\n");
  const auto row = [](const char *name, PwlChoice choice, bool hide) {
    std::printf("| %s |", name);
    for (const auto kind : {ActivationKind::Sigmoid, ActivationKind::Tanh}) {
      const Activation function = Activation::of(kind);
      const auto visible = [=](double x) {
        return function(x) + (hide && x < -7.999 ? 2.5e-6 : 0.0);
      };
      auto fitted = choosePwl(visible, inFrac, {13, 12}, {choice, 512, 1.0});
      if (fitted)
        std::printf(" %zu |", fitted->table.entries.size());
      else
        std::printf(" more than 512 |");
    }
    std::printf("\n");
  };
  row("uniform", PwlChoice::Uniform, false);
  row("two-level, not mirrored", PwlChoice::TwoLevel, true);
  row("two-level, mirrored", PwlChoice::TwoLevel, false);
}

} // namespace

int main() {
  entriesAgainstError({13, 12});
  entriesAgainstError({8, 7});
  cheapest();
  contributions();
  const std::clock_t start = std::clock();
  for (const auto kind : {ActivationKind::Sigmoid, ActivationKind::Tanh})
    fit(Activation::of(kind), {13, 12}, {});
  std::fprintf(stderr, "the two default tables take %.0f ms to fit\n",
               1e3 * static_cast<double>(std::clock() - start) /
                   CLOCKS_PER_SEC);
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compileFile as other programs use it.

#include "hcgs/Pipelines/Compiler.h"
#include "hcgs/Target/ProgramFile.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <thread>

using namespace hcgs;

namespace {

const std::string kModel = std::string(HCGS_FIXTURES) + "head_sigmoid.onnx";

CompileOptions generic() {
  CompileOptions options;
  options.target = "generic";
  return options;
}

TEST(Compiler, GivesAProgramAndItsReport) {
  Result<CompileOutput> output = compileFile(kModel, "model", generic());
  ASSERT_TRUE(output) << output.message();
  const auto *bytes = reinterpret_cast<const uint8_t *>(output->bytes.data());
  Result<Program> program = readProgram({bytes, output->bytes.size()});
  ASSERT_TRUE(program) << program.message();
  auto report = nlohmann::json::parse(output->report);
  EXPECT_EQ(report["totals"]["weight_bytes"], program->weights.size());
  EXPECT_EQ(report["remarks"].size(), output->remarks.size());
}

TEST(Compiler, MessagesUseTheGivenName) {
  const std::string path = std::string(HCGS_FIXTURES) + "refuse_clip.onnx";
  Result<CompileOutput> output = compileFile(path, "my model", generic());
  ASSERT_FALSE(output);
  EXPECT_EQ(output.message().rfind("my model: ", 0), 0u) << output.message();
  EXPECT_EQ(output.message().find("refuse_clip.onnx"), std::string::npos)
      << output.message();
}

TEST(Compiler, CountsItsPhases) {
  unsigned phases = 0;
  Result<CompileOutput> output =
      compileFile(kModel, "model", generic(), /*bytecode=*/false,
                  {.phaseDone = [&] { ++phases; }});
  ASSERT_TRUE(output) << output.message();
  EXPECT_EQ(phases, kCompilePhases);
}

TEST(Compiler, ImagesOfMemoriesAreParts) {
  CompileOptions options = generic();
  options.emit = Emit::Memh;
  Result<CompileOutput> output = compileFile(kModel, "model", options);
  ASSERT_TRUE(output) << output.message();
  EXPECT_TRUE(output->bytes.empty());
  EXPECT_FALSE(output->parts.empty());
}

TEST(Compiler, RunsOnSeveralThreads) {
  Result<CompileOutput> alone = compileFile(kModel, "model", generic());
  ASSERT_TRUE(alone) << alone.message();
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string &result : results)
    threads.emplace_back([&result] {
      Result<CompileOutput> output = compileFile(kModel, "model", generic());
      result = output ? output->bytes : output.message();
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &result : results)
    EXPECT_EQ(result, alone->bytes);
}

} // namespace

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments of a tool as CLI11 takes them.
//
#ifndef HCGS_SUPPORT_COMMANDLINE_H
#define HCGS_SUPPORT_COMMANDLINE_H

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

/// The arguments without the name of the tool, the last one first, for
/// CLI::App::parse. An empty value behind '=' becomes an argument of its own:
/// of `--tile= model.onnx` CLI11 would else take the model for the value, and
/// what is wrong with an empty value is for the option to say. A flag takes no
/// value, so that of `--summary= model.elf` the model stays an argument.
inline std::vector<std::string> commandLine(const CLI::App &app, int argc,
                                            char **argv) {
  std::vector<std::string> arguments;
  bool options = true; // none after "--"
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    options &= argument != "--";
    const CLI::Option *option = nullptr;
    if (options && argument.starts_with("--") &&
        argument.find('=') == argument.size() - 1)
      option = app.get_option_no_throw(
          std::string(argument.substr(0, argument.size() - 1)));
    if (option && option->get_expected_max() > 0) {
      arguments.emplace_back(argument.substr(0, argument.size() - 1));
      arguments.emplace_back();
    } else {
      arguments.emplace_back(argument);
    }
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

} // namespace hcgs

#endif // HCGS_SUPPORT_COMMANDLINE_H

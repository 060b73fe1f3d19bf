// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file of `--config` (docs/Guides/Config.md): options of a compilation and
// what differs from them for single layers and values. Here only its frame is
// read; `options` are for the table of options (Pipelines/Options.h), `layers`
// and `values` for the pass rnn-override, which know what they may hold.
//
#ifndef HCGS_SUPPORT_CONFIGFILE_H
#define HCGS_SUPPORT_CONFIGFILE_H

#include "hcgs/Support/Json.h"

#include <string>

namespace hcgs {

/// The three parts, each an object, empty if the file leaves it out.
struct ConfigFile {
  nlohmann::json options = nlohmann::json::object();
  nlohmann::json layers = nlohmann::json::object();
  nlohmann::json values = nlohmann::json::object();
};

/// Reads the file at `path`. Errors begin with "configuration 'path'".
Result<ConfigFile> readConfigFile(const std::string &path);

/// How errors name a place of the file: "configuration 'path': layers.lstm.W".
std::string configPlace(const std::string &path, const std::string &place);

/// A value as errors show it: JSON on one line, cut where it is long.
std::string shownJson(const nlohmann::json &value);

} // namespace hcgs

#endif // HCGS_SUPPORT_CONFIGFILE_H

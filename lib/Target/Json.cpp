// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Json.h"
#include "hcgs/Target/ProgramFile.h"

using namespace hcgs;
using nlohmann::json;

Result<std::string> hcgs::printCanonical(const json &value,
                                         std::string_view what) {
  try {
    // Objects are std::map: keys come out sorted.
    return value.dump();
  } catch (const json::exception &) {
    return Error{"text is not UTF-8"}.at(what);
  }
}

Result<std::string> hcgs::canonicalJson(std::string_view text,
                                        std::string_view what) {
  Result<json> value = parseJson(text, what);
  if (!value)
    return value.takeError();
  return printCanonical(*value, what);
}

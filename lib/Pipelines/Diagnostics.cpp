// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Diagnostics as text.

#include "Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace hcgs;

DiagnosticText::DiagnosticText(MLIRContext &context, std::string path,
                               std::string displayName)
    : path(std::move(path)), displayName(std::move(displayName)),
      handler(&context,
              [this](Diagnostic &diagnostic) { handle(diagnostic); }) {}

void DiagnosticText::setModule(ModuleOp module) {
  for (Operation &op : module.getBodyRegion().getOps())
    if (auto name = dyn_cast<NameLoc>(op.getLoc()))
      graphs.insert(name.getName());
}

Error DiagnosticText::takeError() {
  if (error.empty())
    return Error{displayName + ": failed without saying why; this is a fault "
                               "of the compiler"};
  return Error{std::move(error)};
}

/// The outermost ONNX node name of a location, and the place in a text.
static void inspect(Location loc, StringRef &node, FileLineColLoc &place) {
  loc->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner))
      if (node.empty())
        node = name.getName();
    if (auto file = dyn_cast<FileLineColLoc>(inner))
      if (!place)
        place = file;
    return WalkResult::advance();
  });
}

std::string DiagnosticText::prefix(Location loc, StringRef message) const {
  StringRef node;
  FileLineColLoc place;
  inspect(loc, node, place);
  std::string result;
  if (!message.starts_with(displayName)) {
    result = displayName;
    if (place && place.getLine() > 0 && node.empty())
      result += ":" + llvm::utostr(place.getLine()) + ":" +
                llvm::utostr(place.getColumn());
    result += ": ";
  }
  if (!node.empty() && !graphs.contains(node) && !message.contains("node '"))
    result += "node '" + node.str() + "': ";
  return result;
}

std::string DiagnosticText::text(const Diagnostic &diagnostic,
                                 bool withPrefix) const {
  std::string message = diagnostic.str();
  // Who names a file by its path means the one the user knows by another name.
  if (path != displayName)
    for (size_t at = 0; (at = message.find(path, at)) != std::string::npos;
         at += displayName.size())
      message.replace(at, path.size(), displayName);
  return withPrefix ? prefix(diagnostic.getLocation(), message) + message
                    : message;
}

void DiagnosticText::handle(Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() != DiagnosticSeverity::Error) {
    // The file is clear from the context.
    std::string remark = text(diagnostic, /*withPrefix=*/false);
    StringRef rest = remark;
    rest.consume_front(displayName + ": ");
    remarks.push_back(rest.str());
    return;
  }
  if (!error.empty())
    return;
  error = text(diagnostic, /*withPrefix=*/true);
  for (Diagnostic &note : diagnostic.getNotes())
    error += "\n  note: " + text(note, /*withPrefix=*/false);
}

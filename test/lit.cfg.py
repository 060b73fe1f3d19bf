# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# lit configuration: every .mlir, .s and .test file under test/ is a test. The
# build folder's test/lit.site.cfg.py sets the paths and then loads this file.
import os
import shutil

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "hcgs"
config.test_format = lit.formats.ShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".s", ".test"]
# Python's own tests, and inputs.
config.excludes = ["Inputs", "fixtures", "golden", "integration", "python"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.hcgs_build_root, "test")

llvm_config.with_system_environment(["HOME", "TMP", "TEMP", "ASAN_OPTIONS", "UBSAN_OPTIONS"])
llvm_config.use_default_substitutions()
config.substitutions.append(("%source_root", config.hcgs_source_root))
config.substitutions.append(("%hcgs_tools", config.hcgs_tools_dir))
config.substitutions.append(("%fixtures", os.path.join(config.test_source_root, "Import", "fixtures")))

# The project's own environment, if scripts/setup made one, has the packages that
# the tests' helpers need.
python = os.path.join(config.hcgs_source_root, ".venv", "bin", "python3")
if not os.path.exists(python):
    python = config.python_executable
# Before the default %python, which is the one that runs lit.
config.substitutions.insert(0, ("%python", f'"{python}"'))

llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.hcgs_tools_dir, append_path=True)
tools = [
    "hcgs-as",
    "hcgs-compile",
    "hcgs-lsp-server",
    "hcgs-objdump",
    "hcgs-opt",
    "hcgs-sim",
    "hcgs-tblgen",
    "hcgs-translate",
]
llvm_config.add_tool_substitutions(
    [ToolSubst(tool, unresolved="ignore") for tool in tools],
    [config.hcgs_tools_dir, config.llvm_tools_dir],
)

# Tools of others that some tests look at program files with.
if shutil.which("readelf"):
    config.available_features.add("readelf")

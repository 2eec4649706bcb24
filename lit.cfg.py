"""The lit suite: `lit test`. The tools are those beside the Python that runs lit."""

import os
import sys
from pathlib import Path

import lit.formats

from attnorm.execution.targets import HOST_VARIABLE, find_target

root = Path(__file__).parent
tools = Path(sys.executable).parent

config.name = "attnorm"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Inputs", "benchmarks", "build", "docs", "examples", "src"]
config.test_source_root = str(root)
config.test_exec_root = str(root / "build" / "lit")
if HOST_VARIABLE in os.environ:
    config.environment[HOST_VARIABLE] = os.environ[HOST_VARIABLE]
config.environment["PATH"] = os.pathsep.join([str(tools), config.environment["PATH"]])

device = "--iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu"
host = " ".join([device, *find_target("host").flags()])
config.substitutions += [
    ("%examples", str(root / "examples")),
    # A variable that is not global ends with its function.
    (r"\bFileCheck\b", "filecheck --enable-var-scope"),
    ("%iree_compile", f"iree-compile {host} - -o %t.vmfb"),
    ("%iree_run", "iree-run-module --module=%t.vmfb --device=local-sync"),
]

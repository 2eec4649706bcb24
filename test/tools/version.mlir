// Both tools print their version and those of the packages beneath, and read nothing.
// RUN: attnorm-opt --version | FileCheck %s --check-prefix=OPT
// RUN: attnorm --version | FileCheck %s --check-prefix=CLI

// OPT: attnorm-opt {{[0-9]+\.[0-9]+\.[0-9]+}} (torch-mlir 20{{[0-9]+}}, iree-base-compiler 3.{{[0-9.]+}}, iree-base-runtime 3.{{[0-9.]+}})
// CLI: attnorm {{[0-9]+\.[0-9]+\.[0-9]+}} (torch-mlir 20{{[0-9]+}}, iree-base-compiler 3.{{[0-9.]+}}, iree-base-runtime 3.{{[0-9.]+}})

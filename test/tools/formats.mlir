// Text, bytecode and portable artifacts are told apart by their contents, from a file and from stdin.
// RUN: attnorm-opt %s -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: attnorm-opt %s --emit-bytecode -o %t.bc
// RUN: attnorm-opt %t.bc -o %t.bc.mlir
// RUN: diff %t.mlir %t.bc.mlir
// An option whose value may be left out takes no input for one.
// RUN: attnorm-opt --emit-portable-artifact %s -o %t.vhlo
// RUN: attnorm-opt %t.vhlo -o %t.vhlo.mlir
// RUN: diff %t.mlir %t.vhlo.mlir
// RUN: attnorm-opt - < %t.bc | FileCheck %s
// RUN: attnorm-opt < %t.vhlo | FileCheck %s
// RUN: cat %s | attnorm-opt | FileCheck %s
// RUN: attnorm-opt %s --emit-portable-artifact=1.0.0 | attnorm-opt | FileCheck %s
// RUN: attnorm-opt %s --emit-portable-artifact=1.0.0 -o %t.old
// RUN: grep -q StableHLO_v1.0.0 %t.old
// RUN: attnorm-opt %t.bc --input-format=mlir | FileCheck %s

// Several inputs give several modules, in order, wherever they stand between the passes.
// RUN: attnorm-opt %t.bc --cse %s --canonicalize %t.vhlo | FileCheck %s --check-prefix=SEVERAL

// Binary output holds one module.
// RUN: not attnorm-opt %s %s --emit-bytecode 2>&1 | FileCheck %s --check-prefix=BINARY
// RUN: not attnorm-opt %s --emit-portable-artifact=99.0.0 2>&1 | FileCheck %s --check-prefix=VERSION

// CHECK-LABEL: func.func @main
// CHECK:       stablehlo.exponential

// SEVERAL:     func.func @main
// SEVERAL:     // -----
// SEVERAL:     func.func @main
// SEVERAL:     // -----
// SEVERAL:     func.func @main
// SEVERAL-NOT: // -----

// BINARY:  error: binary output: expected one module, got 2
// VERSION: error: cannot write the portable artifact
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.exponential %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

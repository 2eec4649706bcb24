// How the result is printed.
// RUN: attnorm-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC
// RUN: attnorm-opt %s --mlir-print-debuginfo | FileCheck %s --check-prefix=DEBUG
// RUN: attnorm-opt %s --mlir-elide-elementsattrs-if-larger=3 | FileCheck %s --check-prefix=ELIDE
// RUN: attnorm-opt %s | FileCheck %s --check-prefix=PLAIN
// RUN: attnorm-opt %s --cse --mlir-timing 2>&1 >%t.out | FileCheck %s --check-prefix=TIMING
// RUN: FileCheck %s --check-prefix=PLAIN < %t.out

// GENERIC: "func.func"() <{
// GENERIC: "stablehlo.constant"()

// DEBUG: loc({{.*}}printing.mlir":{{[0-9]+}}:{{[0-9]+}})

// ELIDE: dense_resource<__elided__> : tensor<4xf32>
// ELIDE: dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>

// PLAIN-NOT: loc(
// PLAIN:     dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
// PLAIN-NOT: loc(

// TIMING: Execution time report
// TIMING: CSE
func.func @constants() -> (tensor<4xf32>, tensor<2xf32>) {
  %0 = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %1 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0, %1 : tensor<4xf32>, tensor<2xf32>
}

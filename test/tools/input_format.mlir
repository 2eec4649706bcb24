// SKaiNET's text is told by its contents, or declared; plain MLIR is not repaired where that is said.
// RUN: attnorm-opt %s | FileCheck %s
// RUN: attnorm-opt %s --input-format=skainet | FileCheck %s
// RUN: not attnorm-opt %s --input-format=mlir 2>&1 | FileCheck %s --check-prefix=PLAIN

// CHECK: stablehlo.custom_call @reduce_sum(%{{.*}}) {{.*}} : (tensor<2x4xf32>) -> tensor<2xf32>
// PLAIN: input_format.mlir:11:90: error:
module {
  func.func @main(%arg0: tensor<2x4xf32>) -> (tensor<2xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_sum(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    return %v0 : tensor<2xf32>
  }
}

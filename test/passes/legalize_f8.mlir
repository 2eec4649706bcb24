// RUN: attnorm-opt %s --legalize-f8 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @add
func.func @add(%x: tensor<?xf8E5M2>, %y: tensor<?xf8E5M2>) -> tensor<?xf8E5M2> {
  // CHECK-COUNT-2: stablehlo.convert {{.*}} : (tensor<?xf8E5M2>) -> tensor<?xf32>
  // CHECK: stablehlo.add {{.*}} : tensor<?xf32>
  // CHECK: stablehlo.convert {{.*}} : (tensor<?xf32>) -> tensor<?xf8E5M2>
  %0 = stablehlo.add %x, %y : tensor<?xf8E5M2>
  return %0 : tensor<?xf8E5M2>
}

// What gives booleans; and what is of other types.
// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<4xf8E4M3FN>, %y: tensor<4xf16>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xf16>) {
  // CHECK: %[[X:.*]] = stablehlo.convert
  // CHECK: stablehlo.is_finite %[[X]] : (tensor<4xf32>) -> tensor<4xi1>
  // CHECK: stablehlo.compare LT, %[[X]], %[[X]], FLOAT
  // CHECK: stablehlo.abs {{.*}} : tensor<4xf16>
  // CHECK-NOT: stablehlo.convert
  %0 = stablehlo.is_finite %x : (tensor<4xf8E4M3FN>) -> tensor<4xi1>
  %1 = stablehlo.compare LT, %x, %x, FLOAT : (tensor<4xf8E4M3FN>, tensor<4xf8E4M3FN>) -> tensor<4xi1>
  %2 = stablehlo.abs %y : tensor<4xf16>
  return %0, %1, %2 : tensor<4xi1>, tensor<4xi1>, tensor<4xf16>
}

// RUN: attnorm-opt %s --legalize-bf16-converts | FileCheck %s
// RUN: attnorm-opt %s --legalize-bf16-converts --canonicalize --cse | FileCheck %s

// A clamp that changes no integer stands between the two converts.
// CHECK-LABEL: func.func @integer
// CHECK-SAME:    (%[[X:.*]]: tensor<4xi32>)
func.func @integer(%x: tensor<4xi32>) -> tensor<4xbf16> {
  // CHECK: %[[F32:.*]] = stablehlo.convert %[[X]] : (tensor<4xi32>) -> tensor<4xf32>
  // CHECK: %[[SAME:.*]] = stablehlo.clamp %{{.*}}, %[[F32]], %{{.*}} : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK: %[[BF16:.*]] = stablehlo.convert %[[SAME]] : (tensor<4xf32>) -> tensor<4xbf16>
  // CHECK: return %[[BF16]]
  %0 = stablehlo.convert %x : (tensor<4xi32>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// Unsigned integers and dynamic sizes alike.
// CHECK-LABEL: func.func @unsigned_dynamic
func.func @unsigned_dynamic(%x: tensor<?x3xui8>) -> tensor<?x3xbf16> {
  // CHECK: stablehlo.convert {{.*}} : (tensor<?x3xui8>) -> tensor<?x3xf32>
  // CHECK: stablehlo.clamp {{.*}} : (tensor<f32>, tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  // CHECK: stablehlo.convert {{.*}} : (tensor<?x3xf32>) -> tensor<?x3xbf16>
  %0 = stablehlo.convert %x : (tensor<?x3xui8>) -> tensor<?x3xbf16>
  return %0 : tensor<?x3xbf16>
}

// A boolean chooses.
// CHECK-LABEL: func.func @boolean
// CHECK-SAME:    (%[[X:.*]]: tensor<4xi1>)
func.func @boolean(%x: tensor<4xi1>) -> tensor<4xbf16> {
  // CHECK-DAG: %[[ONE:.*]] = stablehlo.constant dense<1.000000e+00> : tensor<4xbf16>
  // CHECK-DAG: %[[ZERO:.*]] = stablehlo.constant dense<0.000000e+00> : tensor<4xbf16>
  // CHECK: stablehlo.select %[[X]], %[[ONE]], %[[ZERO]]
  %0 = stablehlo.convert %x : (tensor<4xi1>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// Positions are integers that IREE converts.
// CHECK-LABEL: func.func @iota
func.func @iota() -> tensor<3x4xbf16> {
  // CHECK: %[[IOTA:.*]] = stablehlo.iota dim = 1 : tensor<3x4xf32>
  // CHECK: %[[SAME:.*]] = stablehlo.clamp %{{.*}}, %[[IOTA]], %{{.*}} : (tensor<f32>, tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  // CHECK: stablehlo.convert %[[SAME]] : (tensor<3x4xf32>) -> tensor<3x4xbf16>
  %0 = stablehlo.iota dim = 1 : tensor<3x4xbf16>
  return %0 : tensor<3x4xbf16>
}

// The others are converted in one step, and iotas of other types stay.
// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<4xi32>, %y: tensor<4xf32>, %z: tensor<4xbf16>) -> (tensor<4xf16>, tensor<4xbf16>, tensor<4xi32>, tensor<4xf16>) {
  // CHECK-NOT: stablehlo.clamp
  // CHECK: stablehlo.convert {{.*}} : (tensor<4xi32>) -> tensor<4xf16>
  // CHECK-NEXT: stablehlo.convert {{.*}} : (tensor<4xf32>) -> tensor<4xbf16>
  // CHECK-NEXT: stablehlo.convert {{.*}} : (tensor<4xbf16>) -> tensor<4xi32>
  // CHECK-NEXT: stablehlo.iota dim = 0 : tensor<4xf16>
  %0 = stablehlo.convert %x : (tensor<4xi32>) -> tensor<4xf16>
  %1 = stablehlo.convert %y : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = stablehlo.convert %z : (tensor<4xbf16>) -> tensor<4xi32>
  %3 = stablehlo.iota dim = 0 : tensor<4xf16>
  return %0, %1, %2, %3 : tensor<4xf16>, tensor<4xbf16>, tensor<4xi32>, tensor<4xf16>
}

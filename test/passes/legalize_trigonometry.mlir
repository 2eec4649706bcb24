// RUN: attnorm-opt %s --legalize-trigonometry --canonicalize --cse | FileCheck %s

// The angle to the nearest quarter turn in f64, in three parts of pi / 2, and two polynomials.
// CHECK-LABEL: func.func @sine
// CHECK-SAME:    (%[[X:.*]]: tensor<?x8xbf16>)
func.func @sine(%x: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  // CHECK: %[[WIDE:.*]] = stablehlo.convert %[[X]] : (tensor<?x8xbf16>) -> tensor<?x8xf64>
  // CHECK: %[[TURNS:.*]] = stablehlo.round_nearest_even
  // CHECK-COUNT-3: stablehlo.subtract
  // CHECK: stablehlo.convert %[[TURNS]] : (tensor<?x8xf64>) -> tensor<?x8xi32>
  // CHECK: stablehlo.clamp
  // CHECK: stablehlo.negate
  // CHECK: stablehlo.convert %{{.*}} : (tensor<?x8xf64>) -> tensor<?x8xbf16>
  // CHECK-NOT: stablehlo.sine
  %0 = stablehlo.sine %x : tensor<?x8xbf16>
  return %0 : tensor<?x8xbf16>
}

// The tangent is their quotient; a complex sine stays.
// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<8xf32>, %z: tensor<8xcomplex<f32>>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xcomplex<f32>>) {
  // CHECK-NOT: stablehlo.cosine
  // CHECK: stablehlo.divide
  // CHECK: stablehlo.sine %{{.*}} : tensor<8xcomplex<f32>>
  %0 = stablehlo.tan %x : tensor<8xf32>
  %1 = stablehlo.cosine %x : tensor<8xf32>
  %2 = stablehlo.sine %z : tensor<8xcomplex<f32>>
  return %0, %1, %2 : tensor<8xf32>, tensor<8xf32>, tensor<8xcomplex<f32>>
}

// Of constants alone it stays.
// CHECK-LABEL: func.func @constant
func.func @constant() -> tensor<8xf32> {
  // CHECK: stablehlo.sine
  %0 = stablehlo.iota dim = 0 : tensor<8xf32>
  %1 = stablehlo.sine %0 : tensor<8xf32>
  return %1 : tensor<8xf32>
}

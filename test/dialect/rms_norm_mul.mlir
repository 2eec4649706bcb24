// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// A multiplier of x's shape; defaults stay out of the text.
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x4xf32>, %m: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %{{.*}}) {axes = array<i64: 1>, epsilon = 9.9999999999999995E-7 : f64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = "attnorm.rms_norm_mul"(%x, %m) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64}
      : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Every attribute; the weight comes last.
// CHECK-LABEL: func.func @full
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf16>, %[[M:.*]]: tensor<2x4xf16>, %[[W:.*]]: tensor<4xf32>)
func.func @full(%x: tensor<2x4xf16>, %m: tensor<2x4xf16>, %w: tensor<4xf32>) -> tensor<2x4xf16> {
  // CHECK: "attnorm.rms_norm_mul"(%[[X]], %[[M]], %[[W]])
  // CHECK-SAME: cast = "before_weight"
  // CHECK-SAME: operandSegmentSizes = array<i32: 1, 1, 1>
  // CHECK-SAME: weight_offset = 1.000000e+00 : f64
  %0 = "attnorm.rms_norm_mul"(%x, %m, %w) {
    axes = array<i64: 1>, epsilon = 1.0e-5 : f64, weight_offset = 1.0 : f64,
    cast = "before_weight", operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<2x4xf16>, tensor<2x4xf16>, tensor<4xf32>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// A multiplier of lower rank and dynamic sizes, of the result's element type, not of x's.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x4xbf16>, %m: tensor<?x1xf32>) -> tensor<?x?x4xf32> {
  // CHECK: (tensor<?x?x4xbf16>, tensor<?x1xf32>) -> tensor<?x?x4xf32>
  %0 = "attnorm.rms_norm_mul"(%x, %m) {axes = array<i64: 2>, epsilon = 1.0e-6 : f64}
      : (tensor<?x?x4xbf16>, tensor<?x1xf32>) -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

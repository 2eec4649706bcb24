// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// Two results: the sum and its norm; defaults stay out of the text.
// CHECK-LABEL: func.func @plain
func.func @plain(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"(%{{.*}}, %{{.*}}) {axes = array<i64: 1>, epsilon = 9.9999999999999995E-7 : f64}
  // CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64}
      : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return %0#0, %0#1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// Every attribute; the weight comes last.
// CHECK-LABEL: func.func @full
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xf16>, %[[B:.*]]: tensor<2x4xf16>, %[[W:.*]]: tensor<4xf16>)
func.func @full(%a: tensor<2x4xf16>, %b: tensor<2x4xf16>, %w: tensor<4xf16>)
    -> (tensor<2x4xf16>, tensor<2x4xf16>) {
  // CHECK: "attnorm.add_rms_norm"(%[[A]], %[[B]], %[[W]])
  // CHECK-SAME: cast = "before_weight"
  // CHECK-SAME: operandSegmentSizes = array<i32: 1, 1, 1>
  // CHECK-SAME: weight_offset = 1.000000e+00 : f64
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %w) {
    axes = array<i64: 1>, epsilon = 1.0e-5 : f64, weight_offset = 1.0 : f64,
    cast = "before_weight", operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<2x4xf16>, tensor<2x4xf16>, tensor<4xf16>) -> (tensor<2x4xf16>, tensor<2x4xf16>)
  return %0#0, %0#1 : tensor<2x4xf16>, tensor<2x4xf16>
}

// Dynamic sizes; the norm has another float type than the sum.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%a: tensor<?x4xbf16>, %b: tensor<?x4xbf16>)
    -> (tensor<?x4xbf16>, tensor<?x4xf32>) {
  // CHECK: -> (tensor<?x4xbf16>, tensor<?x4xf32>)
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64}
      : (tensor<?x4xbf16>, tensor<?x4xbf16>) -> (tensor<?x4xbf16>, tensor<?x4xf32>)
  return %0#0, %0#1 : tensor<?x4xbf16>, tensor<?x4xf32>
}

// RUN: attnorm-opt %s --expand-rms-norm --canonicalize | FileCheck %s

// x over the root of its mean square, epsilon inside the root, times the weight.
// CHECK-LABEL: func.func @norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK-DAG: %[[EPSILON:.*]] = stablehlo.constant dense<5.000000e-01> : tensor<2xf32>
  // CHECK-DAG: %[[COUNT:.*]] = stablehlo.constant dense<4.000000e+00> : tensor<2xf32>
  // CHECK: %[[SQUARE:.*]] = stablehlo.multiply %[[X]], %[[X]]
  // CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[SQUARE]] {{.*}} applies stablehlo.add across dimensions = [1]
  // CHECK: %[[MEAN:.*]] = stablehlo.divide %[[SUM]], %[[COUNT]]
  // CHECK: %[[INSIDE:.*]] = stablehlo.add %[[MEAN]], %[[EPSILON]]
  // CHECK: %[[SCALE:.*]] = stablehlo.rsqrt %[[INSIDE]]
  // CHECK: %[[SCALES:.*]] = stablehlo.broadcast_in_dim %[[SCALE]], dims = [0]
  // CHECK: %[[N:.*]] = stablehlo.multiply %[[X]], %[[SCALES]]
  // CHECK: %[[WS:.*]] = stablehlo.broadcast_in_dim %[[W]], dims = [1]
  // CHECK: stablehlo.multiply %[[N]], %[[WS]]
  // CHECK-NOT: attnorm
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Cast after the weight: the product is taken in f32, rounded once.
// CHECK-LABEL: func.func @cast_after
func.func @cast_after(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: stablehlo.rsqrt {{.*}} : tensor<2xf32>
  // CHECK: stablehlo.convert {{.*}} (tensor<4xbf16>) -> tensor<4xf32>
  // CHECK: %[[P:.*]] = stablehlo.multiply {{.*}} : tensor<2x4xf32>
  // CHECK: %[[R:.*]] = stablehlo.convert %[[P]]
  // CHECK: return %[[R]]
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}

// Cast before the weight: the value is rounded to bf16, then multiplied.
// CHECK-LABEL: func.func @cast_before
func.func @cast_before(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: stablehlo.rsqrt {{.*}} : tensor<2xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xbf16>
  // CHECK: stablehlo.multiply
  // CHECK: return
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, cast = "before_weight", operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}

// Gemma's weight is 1 + w, added in f32.
// CHECK-LABEL: func.func @weight_offset
func.func @weight_offset(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: %[[ONE:.*]] = stablehlo.constant dense<1.000000e+00> : tensor<4xf32>
  // CHECK: stablehlo.add %{{.*}}, %[[ONE]] : tensor<4xf32>
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, weight_offset = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}

// The product with a multiplier follows the norm, spread over its shape.
// CHECK-LABEL: func.func @norm_mul
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[S:.*]]: tensor<2x1xf32>)
func.func @norm_mul(%x: tensor<2x4xf32>, %s: tensor<2x1xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.rsqrt
  // CHECK: %[[N:.*]] = stablehlo.multiply %[[X]], %{{.*}}
  // CHECK: %[[SS:.*]] = stablehlo.broadcast_in_dim %[[S]], dims = [0, 1]
  // CHECK: stablehlo.multiply %[[N]], %[[SS]]
  %0 = "attnorm.rms_norm_mul"(%x, %s) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// The sum is rounded to its type before the norm reads it, and is a result.
// CHECK-LABEL: func.func @add_norm
func.func @add_norm(%a: tensor<2x4xbf16>, %b: tensor<2x4xbf16>) -> (tensor<2x4xbf16>, tensor<2x4xbf16>) {
  // CHECK: stablehlo.add
  // CHECK: %[[SUM:.*]] = stablehlo.convert {{.*}} -> tensor<2x4xbf16>
  // CHECK: stablehlo.convert %[[SUM]]
  // CHECK: return %[[SUM]], %
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x4xbf16>, tensor<2x4xbf16>) -> (tensor<2x4xbf16>, tensor<2x4xbf16>)
  return %0#0, %0#1 : tensor<2x4xbf16>, tensor<2x4xbf16>
}

// A normalised size known at run time is counted there.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  // CHECK: stablehlo.get_dimension_size %{{.*}}, dim = 1
  // CHECK: stablehlo.dynamic_broadcast_in_dim
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

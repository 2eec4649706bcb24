// RUN: attnorm-opt %s --expand-layer-norm --canonicalize | FileCheck %s

// The mean is taken out before the squares are summed; weight and bias follow along the axis.
// CHECK-LABEL: func.func @affine
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
func.func @affine(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[OFF:.*]] = stablehlo.subtract %[[X]]
  // CHECK: stablehlo.multiply %[[OFF]], %[[OFF]]
  // CHECK: stablehlo.add %{{.*}} : tensor<2xf32>
  // CHECK: %[[SCALE:.*]] = stablehlo.rsqrt
  // CHECK: %[[SCALES:.*]] = stablehlo.broadcast_in_dim %[[SCALE]], dims = [0]
  // CHECK: %[[N:.*]] = stablehlo.multiply %[[OFF]], %[[SCALES]]
  // CHECK: %[[WS:.*]] = stablehlo.broadcast_in_dim %[[W]], dims = [1]
  // CHECK: %[[NW:.*]] = stablehlo.multiply %[[N]], %[[WS]]
  // CHECK: %[[BS:.*]] = stablehlo.broadcast_in_dim %[[B]], dims = [1]
  // CHECK: stablehlo.add %[[NW]], %[[BS]]
  // CHECK-NOT: attnorm
  %0 = "attnorm.layer_norm"(%x, %w, %b) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Half types are widened first and rounded once.
// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x4xf16>) -> tensor<2x4xf16> {
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xf32>
  // CHECK: stablehlo.rsqrt {{.*}} : tensor<2xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xf16>
  // CHECK-NOT: stablehlo.convert
  %0 = "attnorm.layer_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x4xf16>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// Several axes share one mean and one variance.
// CHECK-LABEL: func.func @axes
func.func @axes(%x: tensor<2x3x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK-COUNT-2: across dimensions = [1, 2]
  // CHECK: stablehlo.broadcast_in_dim %{{.*}}, dims = [1, 2]
  %0 = "attnorm.layer_norm"(%x, %w) {axes = array<i64: 1, 2>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

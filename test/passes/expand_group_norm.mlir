// RUN: attnorm-opt %s --expand-group-norm --canonicalize | FileCheck %s

// The channels become groups and the channels of one; the mean is taken out before the squares are
// summed; weight and bias follow along both, and x's shape behind them.
// CHECK-LABEL: func.func @affine
// CHECK-SAME:    (%[[X:.*]]: tensor<2x6x5xf32>, %[[W:.*]]: tensor<6xf32>, %[[B:.*]]: tensor<6xf32>)
func.func @affine(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
  // CHECK: %[[G:.*]] = stablehlo.reshape %[[X]] : (tensor<2x6x5xf32>) -> tensor<2x2x3x5xf32>
  // CHECK: stablehlo.reduce(%[[G]] init: %{{.*}}) applies stablehlo.add across dimensions = [2, 3]
  // CHECK: %[[OFF:.*]] = stablehlo.subtract %[[G]]
  // CHECK: stablehlo.multiply %[[OFF]], %[[OFF]]
  // CHECK: %[[SCALE:.*]] = stablehlo.rsqrt %{{.*}} : tensor<2x2xf32>
  // CHECK: %[[SCALES:.*]] = stablehlo.broadcast_in_dim %[[SCALE]], dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x3x5xf32>
  // CHECK: %[[N:.*]] = stablehlo.multiply %[[OFF]], %[[SCALES]]
  // CHECK: %[[WG:.*]] = stablehlo.reshape %[[W]] : (tensor<6xf32>) -> tensor<2x3xf32>
  // CHECK: %[[WS:.*]] = stablehlo.broadcast_in_dim %[[WG]], dims = [1, 2] : (tensor<2x3xf32>) -> tensor<2x2x3x5xf32>
  // CHECK: %[[NW:.*]] = stablehlo.multiply %[[N]], %[[WS]]
  // CHECK: %[[BG:.*]] = stablehlo.reshape %[[B]] : (tensor<6xf32>) -> tensor<2x3xf32>
  // CHECK: %[[BS:.*]] = stablehlo.broadcast_in_dim %[[BG]], dims = [1, 2] : (tensor<2x3xf32>) -> tensor<2x2x3x5xf32>
  // CHECK: %[[R:.*]] = stablehlo.add %[[NW]], %[[BS]]
  // CHECK: stablehlo.reshape %[[R]] : (tensor<2x2x3x5xf32>) -> tensor<2x6x5xf32>
  // CHECK-NOT: attnorm
  %0 = "attnorm.group_norm"(%x, %w, %b) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x6x5xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// Where every channel is a group, nothing is reshaped.
// CHECK-LABEL: func.func @instances
func.func @instances(%x: tensor<2x4x5x6xf32>, %w: tensor<6xf32>) -> tensor<2x4x5x6xf32> {
  // CHECK-NOT: stablehlo.reshape
  // CHECK-COUNT-2: across dimensions = [1, 2]
  // CHECK-NOT: stablehlo.reshape
  // CHECK: stablehlo.broadcast_in_dim %{{.*}}, dims = [3]
  %0 = "attnorm.group_norm"(%x, %w) {groups = 6 : i64, channel_axis = 3 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x4x5x6xf32>, tensor<6xf32>) -> tensor<2x4x5x6xf32>
  return %0 : tensor<2x4x5x6xf32>
}

// Half types are widened first; the value is rounded before its activation, and after it.
// CHECK-LABEL: func.func @silu
func.func @silu(%x: tensor<2x6x5xbf16>) -> tensor<2x6x5xbf16> {
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x6x5xf32>
  // CHECK: stablehlo.rsqrt {{.*}} : tensor<2x2xf32>
  // CHECK: %[[Y:.*]] = stablehlo.reduce_precision
  // CHECK: %[[L:.*]] = stablehlo.logistic
  // CHECK: %[[S:.*]] = stablehlo.multiply %{{.*}}, %[[L]] : tensor<2x6x5xf32>
  // CHECK: stablehlo.convert %[[S]] : (tensor<2x6x5xf32>) -> tensor<2x6x5xbf16>
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, activation = "silu", operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xbf16>) -> tensor<2x6x5xbf16>
  return %0 : tensor<2x6x5xbf16>
}

// Sizes known at run time: the count is computed, the channels are not.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x6x?xf32>) -> tensor<?x6x?xf32> {
  // CHECK: stablehlo.dynamic_reshape {{.*}} -> tensor<?x2x3x?xf32>
  // CHECK: stablehlo.dynamic_reshape {{.*}} -> tensor<?x6x?xf32>
  // CHECK-NOT: attnorm
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x6x?xf32>) -> tensor<?x6x?xf32>
  return %0 : tensor<?x6x?xf32>
}

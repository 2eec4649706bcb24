// RUN: attnorm-opt %s --expand-softmax --canonicalize --split-input-file | FileCheck %s

// The largest value is subtracted before the exponential, along the axis given.
// CHECK-LABEL: func.func @last_axis
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @last_axis(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[PEAK:.*]] = stablehlo.reduce(%[[X]] init: %{{.*}}) applies stablehlo.maximum across dimensions = [1]
  // CHECK: %[[PEAKS:.*]] = stablehlo.broadcast_in_dim %[[PEAK]], dims = [0]
  // CHECK: %[[SHIFTED:.*]] = stablehlo.subtract %[[X]], %[[PEAKS]]
  // CHECK: %[[POWER:.*]] = stablehlo.exponential %[[SHIFTED]]
  // CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[POWER]] init: %{{.*}}) applies stablehlo.add across dimensions = [1]
  // CHECK: %[[SUMS:.*]] = stablehlo.broadcast_in_dim %[[SUM]], dims = [0]
  // CHECK: stablehlo.divide %[[POWER]], %[[SUMS]]
  // CHECK-NOT: attnorm
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Half types are widened before the maximum and rounded once, after the division.
// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xf32>
  // CHECK: stablehlo.divide {{.*}} : tensor<2x4xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xbf16>
  // CHECK-NOT: stablehlo.convert
  %0 = "attnorm.softmax"(%x) {axis = 0 : i64} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}

// RUN: attnorm-opt %s --raise-sdpa --split-input-file | FileCheck %s

// Keys repeated for two query heads each become grouped heads; the scale stands on the queries.
// CHECK-LABEL: func.func @grouped
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x3x8xf32>, %[[K:.*]]: tensor<2x5x8xf32>, %[[V:.*]]: tensor<2x5x6xf32>)
func.func @grouped(%q: tensor<4x3x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x6xf32>) -> tensor<4x3x6xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.sdpa"(%[[Q]], %[[K]], %[[V]]) {{.*}}scale = 2.500000e-01 : f64
  // CHECK-NEXT: return %[[Y]]
  %scale = stablehlo.constant dense<0.25> : tensor<4x3x8xf32>
  %0 = stablehlo.multiply %q, %scale : tensor<4x3x8xf32>
  %1 = stablehlo.broadcast_in_dim %k, dims = [0, 2, 3] : (tensor<2x5x8xf32>) -> tensor<2x2x5x8xf32>
  %2 = stablehlo.reshape %1 : (tensor<2x2x5x8xf32>) -> tensor<4x5x8xf32>
  %3 = stablehlo.broadcast_in_dim %v, dims = [0, 2, 3] : (tensor<2x5x6xf32>) -> tensor<2x2x5x6xf32>
  %4 = stablehlo.reshape %3 : (tensor<2x2x5x6xf32>) -> tensor<4x5x6xf32>
  %5 = stablehlo.dot_general %0, %2, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x3x8xf32>, tensor<4x5x8xf32>) -> tensor<4x3x5xf32>
  %6 = "attnorm.softmax"(%5) {axis = 2 : i64} : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %7 = stablehlo.dot_general %6, %4, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x3x5xf32>, tensor<4x5x6xf32>) -> tensor<4x3x6xf32>
  return %7 : tensor<4x3x6xf32>
}

// -----

// A causal sliding window from iotas, and a padding mask beside it, which stays one of the keys.
// CHECK-LABEL: func.func @window
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x5x8xf32>, %[[PAD:.*]]: tensor<5xi1>)
func.func @window(%q: tensor<4x5x8xf32>, %pad: tensor<5xi1>) -> tensor<4x5x8xf32> {
  // CHECK: %[[MASK:.*]] = stablehlo.reshape %[[PAD]] : (tensor<5xi1>) -> tensor<1x1x5xi1>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[MASK]]) {causal = true, {{.*}}window = array<i64: 2, -1>}
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x5x5xf32>
  %three = stablehlo.constant dense<3> : tensor<5x5xi32>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %causal = stablehlo.compare LE, %j, %i : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %distance = stablehlo.subtract %i, %j : tensor<5x5xi32>
  %near = stablehlo.compare LT, %distance, %three : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %band = stablehlo.and %causal, %near : tensor<5x5xi1>
  %pads = stablehlo.broadcast_in_dim %pad, dims = [1] : (tensor<5xi1>) -> tensor<5x5xi1>
  %both = stablehlo.and %band, %pads : tensor<5x5xi1>
  %mask = stablehlo.broadcast_in_dim %both, dims = [1, 2] : (tensor<5x5xi1>) -> tensor<4x5x5xi1>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.select %mask, %0, %low : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %3 : tensor<4x5x8xf32>
}

// -----

// Near misses: a mask before the scale, a fill that is a score, probabilities read twice.
// CHECK-LABEL: func.func @near_misses
func.func @near_misses(%q: tensor<4x5x8xf32>, %m: tensor<4x5x5xf32>, %p: tensor<4x5x5xi1>)
    -> (tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x5xf32>) {
  // CHECK-NOT: attnorm.sdpa
  %two = stablehlo.constant dense<2.0> : tensor<4x5x5xf32>
  %fill = stablehlo.constant dense<-2.0> : tensor<4x5x5xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.add %0, %m : tensor<4x5x5xf32>
  %2 = stablehlo.multiply %1, %two : tensor<4x5x5xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %5 = stablehlo.select %p, %0, %fill : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %6 = "attnorm.softmax"(%5) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %7 = stablehlo.dot_general %6, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %8 = "attnorm.softmax"(%0) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %9 = stablehlo.dot_general %8, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %4, %7, %9, %8 : tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x5xf32>
}

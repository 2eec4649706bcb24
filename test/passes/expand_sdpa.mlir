// RUN: attnorm-opt %s --expand-sdpa --canonicalize | FileCheck %s

// Scores, softmax, product with v; the division is done on the output.
// CHECK-LABEL: func.func @plain
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x3x8xf32>, %[[K:.*]]: tensor<2x5x8xf32>, %[[V:.*]]: tensor<2x5x6xf32>)
func.func @plain(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x6xf32>) -> tensor<2x3x6xf32> {
  // CHECK: %[[DOT:.*]] = stablehlo.dot_general %[[Q]], %[[K]], batching_dims = [0] x [0], contracting_dims = [2] x [2]
  // CHECK: %[[SCORES:.*]] = stablehlo.multiply %[[DOT]]
  // CHECK: stablehlo.reduce(%[[SCORES]] {{.*}} applies stablehlo.maximum
  // CHECK: %[[POWER:.*]] = stablehlo.exponential
  // CHECK: %[[TOTAL:.*]] = stablehlo.reduce(%[[POWER]] {{.*}} applies stablehlo.add
  // CHECK: %[[SUM:.*]] = stablehlo.dot_general %[[POWER]], %[[V]], batching_dims = [0] x [0], contracting_dims = [2] x [1]
  // CHECK: %[[TOTALS:.*]] = stablehlo.broadcast_in_dim %[[TOTAL]]
  // CHECK: stablehlo.divide %[[SUM]], %[[TOTALS]]
  // CHECK-NOT: attnorm
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x5x8xf32>, tensor<2x5x6xf32>) -> tensor<2x3x6xf32>
  return %0 : tensor<2x3x6xf32>
}

// Half types: the scores accumulate in f32, and one rounding ends it.
// CHECK-LABEL: func.func @half
func.func @half(%q: tensor<2x3x8xbf16>) -> tensor<2x3x8xbf16> {
  // CHECK: stablehlo.dot_general {{.*}} (tensor<2x3x8xbf16>, tensor<2x3x8xbf16>) -> tensor<2x3x3xf32>
  // CHECK: stablehlo.divide {{.*}} : tensor<2x3x8xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x3x8xbf16>
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xbf16>, tensor<2x3x8xbf16>, tensor<2x3x8xbf16>) -> tensor<2x3x8xbf16>
  return %0 : tensor<2x3x8xbf16>
}

// Grouped heads: the queries are split, keys and values are read in place, never repeated.
// CHECK-LABEL: func.func @grouped
// CHECK-SAME:    (%[[Q:.*]]: tensor<1x6x3x8xf32>, %[[K:.*]]: tensor<1x2x5x8xf32>)
func.func @grouped(%q: tensor<1x6x3x8xf32>, %k: tensor<1x2x5x8xf32>) -> tensor<1x6x3x8xf32> {
  // CHECK: %[[SPLIT:.*]] = stablehlo.reshape %[[Q]] : (tensor<1x6x3x8xf32>) -> tensor<1x2x3x3x8xf32>
  // CHECK: stablehlo.dot_general %[[SPLIT]], %[[K]],
  // CHECK: stablehlo.dot_general %{{.*}}, %[[K]],
  // CHECK: stablehlo.reshape {{.*}} -> tensor<1x6x3x8xf32>
  %0 = "attnorm.sdpa"(%q, %k, %k) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<1x6x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) -> tensor<1x6x3x8xf32>
  return %0 : tensor<1x6x3x8xf32>
}

// The softcap comes before the mask; a truth value selects.
// CHECK-LABEL: func.func @softcap_mask
// CHECK-SAME:    %[[M:[a-z0-9]+]]: tensor<3x3xi1>)
func.func @softcap_mask(%q: tensor<2x3x8xf32>, %m: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK: stablehlo.tanh
  // CHECK: %[[CAPPED:.*]] = stablehlo.multiply
  // CHECK: %[[MASK:.*]] = stablehlo.broadcast_in_dim %[[M]], dims = [1, 2]
  // CHECK: stablehlo.select %[[MASK]], %[[CAPPED]]
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, softcap = 50.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// A float mask is added, in f32.
// CHECK-LABEL: func.func @additive_mask
// CHECK-SAME:    %[[M:[a-z0-9]+]]: tensor<1x3xbf16>)
func.func @additive_mask(%q: tensor<2x3x8xbf16>, %m: tensor<1x3xbf16>) -> tensor<2x3x8xbf16> {
  // CHECK: %[[WIDE:.*]] = stablehlo.convert %[[M]] : (tensor<1x3xbf16>) -> tensor<1x3xf32>
  // CHECK: %[[MASK:.*]] = stablehlo.broadcast_in_dim %[[WIDE]], dims = [1, 2]
  // CHECK: stablehlo.add %{{.*}}, %[[MASK]]
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xbf16>, tensor<2x3x8xbf16>, tensor<2x3x8xbf16>, tensor<1x3xbf16>) -> tensor<2x3x8xbf16>
  return %0 : tensor<2x3x8xbf16>
}

// Causal with an offset and a window: keys from p - 2 up to p are kept.
// CHECK-LABEL: func.func @causal_window
func.func @causal_window(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>) -> tensor<2x3x8xf32> {
  // CHECK-DAG: %[[OFFSET:.*]] = stablehlo.constant dense<2> : tensor<3x5xi32>
  // CHECK-DAG: %[[LEFT:.*]] = stablehlo.constant dense<-2> : tensor<3x5xi32>
  // CHECK-DAG: %[[RIGHT:.*]] = stablehlo.constant dense<0> : tensor<3x5xi32>
  // CHECK: %[[P:.*]] = stablehlo.add %{{.*}}, %[[OFFSET]]
  // CHECK: %[[D:.*]] = stablehlo.subtract %{{.*}}, %[[P]]
  // CHECK: stablehlo.compare LE, %[[D]], %[[RIGHT]]
  // CHECK: stablehlo.compare GE, %[[D]], %[[LEFT]]
  %0 = "attnorm.sdpa"(%q, %k, %k) {scale = 0.5 : f64, causal = true, offset = 2 : i64, window = array<i64: 2, -1>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// A fully masked row, whose sum is 0, is 0 where that is asked for: it is divided by 1.
// CHECK-LABEL: func.func @fully_masked_zero
func.func @fully_masked_zero(%q: tensor<2x3x8xf32>, %m: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK-DAG: %[[ONE:.*]] = stablehlo.constant dense<1.000000e+00>
  // CHECK-DAG: %[[FLOOR:.*]] = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
  // CHECK: stablehlo.reduce({{.*}} init: %[[FLOOR]]) applies stablehlo.maximum
  // CHECK: %[[TOTAL:.*]] = stablehlo.reduce({{.*}} applies stablehlo.add
  // CHECK: %[[LOST:.*]] = stablehlo.compare EQ, %[[TOTAL]]
  // CHECK: stablehlo.select %[[LOST]], %[[ONE]], %[[TOTAL]]
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// Nothing masks here, but all scores of a row may be -inf: such a row was NaN instead of 0.
// CHECK-LABEL: func.func @infinite_zero
func.func @infinite_zero(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  // CHECK: %[[LOST:.*]] = stablehlo.compare EQ, %[[TOTAL:.*]], %{{.*}} : (tensor<2x3xf32>
  // CHECK: stablehlo.select %[[LOST]], %{{.*}}, %[[TOTAL]]
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// It is the mean of the values where that is asked for.
// CHECK-LABEL: func.func @fully_masked_uniform
// CHECK-SAME:    (%[[Q:[a-z0-9]+]]: tensor<2x3x8xf32>,
func.func @fully_masked_uniform(%q: tensor<2x3x8xf32>, %m: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK: stablehlo.reduce(%[[Q]] {{.*}} applies stablehlo.add across dimensions = [1]
  // CHECK: %[[MEAN:.*]] = stablehlo.divide {{.*}} : tensor<2x8xf32>
  // CHECK: %[[MEANS:.*]] = stablehlo.broadcast_in_dim %[[MEAN]], dims = [0, 2]
  // CHECK: stablehlo.select %{{.*}}, %[[MEANS]]
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, fully_masked = "uniform", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// So it is without a mask: infinite scores leave a row nothing, which once gave NaN.
// CHECK-LABEL: func.func @uniform_without_mask
func.func @uniform_without_mask(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  // CHECK: %[[MEAN:.*]] = stablehlo.divide {{.*}} : tensor<2x8xf32>
  // CHECK: %[[MEANS:.*]] = stablehlo.broadcast_in_dim %[[MEAN]], dims = [0, 2]
  // CHECK: stablehlo.select %{{.*}}, %[[MEANS]]
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, fully_masked = "uniform", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// The formula's NaN needs no test for such rows.
// CHECK-LABEL: func.func @fully_masked_nan
func.func @fully_masked_nan(%q: tensor<2x3x8xf32>, %m: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK-NOT: stablehlo.compare
  // CHECK: stablehlo.divide
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// A sink takes part in the maximum and in the sum; the second result is the log of that sum.
// CHECK-LABEL: func.func @sinks
// CHECK-SAME:    %[[S:[a-z0-9]+]]: tensor<2xf32>)
func.func @sinks(%q: tensor<2x3x8xf32>, %s: tensor<2xf32>) -> (tensor<2x3x8xf32>, tensor<2x3xf32>) {
  // CHECK: %[[SINKS:.*]] = stablehlo.broadcast_in_dim %[[S]], dims = [0]
  // CHECK: stablehlo.maximum %{{.*}}, %[[SINKS]]
  // CHECK: stablehlo.log
  %0:2 = "attnorm.sdpa"(%q, %q, %q, %s) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2xf32>) -> (tensor<2x3x8xf32>, tensor<2x3xf32>)
  return %0#0, %0#1 : tensor<2x3x8xf32>, tensor<2x3xf32>
}

// Lengths known at run time give iotas made there.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%q: tensor<2x?x8xf32>, %start: tensor<i32>) -> tensor<2x?x8xf32> {
  // CHECK: stablehlo.dynamic_iota
  // CHECK: stablehlo.dynamic_broadcast_in_dim
  %0 = "attnorm.sdpa"(%q, %q, %q, %start) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<i32>) -> tensor<2x?x8xf32>
  return %0 : tensor<2x?x8xf32>
}

// RUN: attnorm-opt %s --fuse-group-norm-silu | FileCheck %s
// RUN: attnorm-opt %s --fuse-group-norm-silu --fuse-group-norm-silu | FileCheck %s

// Weight, bias and axis stay as they are.
// CHECK-LABEL: func.func @logistic
// CHECK-NEXT: %[[R:.*]] = "attnorm.group_norm"(%arg0, %arg1, %arg2) {activation = "silu", channel_axis = 2 : i64, epsilon = 5.000000e-01 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}
// CHECK-NEXT: return %[[R]]
func.func @logistic(%x: tensor<2x5x6xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x5x6xf32> {
  %0 = "attnorm.group_norm"(%x, %w, %b) {groups = 2 : i64, channel_axis = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x5x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x5x6xf32>
  %1 = stablehlo.logistic %0 : tensor<2x5x6xf32>
  %2 = stablehlo.multiply %1, %0 : tensor<2x5x6xf32>
  return %2 : tensor<2x5x6xf32>
}

// The logistic as JAX writes it.
// CHECK-LABEL: func.func @written_out
// CHECK-NEXT: %[[R:.*]] = "attnorm.group_norm"(%arg0) {activation = "silu"
// CHECK-NEXT: return %[[R]]
func.func @written_out(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %one = stablehlo.constant dense<1.0> : tensor<2x6x5xf32>
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %1 = stablehlo.negate %0 : tensor<2x6x5xf32>
  %2 = stablehlo.exponential %1 : tensor<2x6x5xf32>
  %3 = stablehlo.add %2, %one : tensor<2x6x5xf32>
  %4 = stablehlo.divide %one, %3 : tensor<2x6x5xf32>
  %5 = stablehlo.multiply %0, %4 : tensor<2x6x5xf32>
  return %5 : tensor<2x6x5xf32>
}

// In f32, and rounded, as torch computes a half SiLU.
// CHECK-LABEL: func.func @widened
// CHECK-NEXT: %[[R:.*]] = "attnorm.group_norm"(%arg0) {activation = "silu"{{.*}} -> tensor<2x6x5xbf16>
// CHECK-NEXT: return %[[R]]
func.func @widened(%x: tensor<2x6x5xbf16>) -> tensor<2x6x5xbf16> {
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xbf16>) -> tensor<2x6x5xbf16>
  %1 = stablehlo.convert %0 : (tensor<2x6x5xbf16>) -> tensor<2x6x5xf32>
  %2 = stablehlo.logistic %1 : tensor<2x6x5xf32>
  %3 = stablehlo.multiply %1, %2 : tensor<2x6x5xf32>
  %4 = stablehlo.convert %3 : (tensor<2x6x5xf32>) -> tensor<2x6x5xbf16>
  return %4 : tensor<2x6x5xbf16>
}

// The logistic of another value, a product with itself, an activation already: no SiLU.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-2: stablehlo.multiply
// CHECK: "attnorm.group_norm"(%{{.*}}) {activation = "silu"
// CHECK: stablehlo.logistic
// CHECK: stablehlo.multiply
func.func @others(%x: tensor<2x6x5xf32>, %y: tensor<2x6x5xf32>) -> (tensor<2x6x5xf32>, tensor<2x6x5xf32>, tensor<2x6x5xf32>) {
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %1 = stablehlo.logistic %y : tensor<2x6x5xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x6x5xf32>
  %3 = stablehlo.multiply %0, %0 : tensor<2x6x5xf32>
  %4 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, activation = "silu", operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %5 = stablehlo.logistic %4 : tensor<2x6x5xf32>
  %6 = stablehlo.multiply %4, %5 : tensor<2x6x5xf32>
  return %2, %3, %6 : tensor<2x6x5xf32>, tensor<2x6x5xf32>, tensor<2x6x5xf32>
}

// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// Neither weight nor bias; the channels are dimension 1, and no activation is said.
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // CHECK: "attnorm.group_norm"(%{{.*}}) {epsilon = 1.000000e-05 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %0 = "attnorm.group_norm"(%x) {
    groups = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// A bias alone stays a bias; channels last, a group for each.
// CHECK-LABEL: func.func @bias_alone
func.func @bias_alone(%x: tensor<2x5x6xf32>, %b: tensor<6xf32>) -> tensor<2x5x6xf32> {
  // CHECK: channel_axis = 2 : i64, epsilon = 1.000000e-05 : f64, groups = 6 : i64, operandSegmentSizes = array<i32: 1, 0, 1>
  %0 = "attnorm.group_norm"(%x, %b) {
    groups = 6 : i64, channel_axis = 2 : i64, epsilon = 1.0e-5 : f64,
    operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x5x6xf32>, tensor<6xf32>) -> tensor<2x5x6xf32>
  return %0 : tensor<2x5x6xf32>
}

// Dynamic but for the channels, other types of weight and result, an activation.
// CHECK-LABEL: func.func @full
func.func @full(%x: tensor<?x6x?x?xf16>, %w: tensor<6xf32>, %b: tensor<1xf16>)
    -> tensor<?x6x?x?xf32> {
  // CHECK: activation = "silu"
  // CHECK-SAME: (tensor<?x6x?x?xf16>, tensor<6xf32>, tensor<1xf16>) -> tensor<?x6x?x?xf32>
  %0 = "attnorm.group_norm"(%x, %w, %b) {
    groups = 1 : i64, epsilon = 1.0e-5 : f64, activation = "silu",
    operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<?x6x?x?xf16>, tensor<6xf32>, tensor<1xf16>) -> tensor<?x6x?x?xf32>
  return %0 : tensor<?x6x?x?xf32>
}

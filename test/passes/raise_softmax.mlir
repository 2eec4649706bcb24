// RUN: attnorm-opt %s --raise-softmax --split-input-file | FileCheck %s

// Softmax over a middle axis, with the sum's inverse multiplied in.
// CHECK-LABEL: func.func @inverse
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @inverse(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.softmax"(%[[X]]) {axis = 1 : i64}
  // CHECK-NEXT: return %[[Y]]
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %one = stablehlo.constant dense<1.0> : tensor<2x4xf32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 2] : (tensor<2x4xf32>) -> tensor<2x3x4xf32>
  %2 = stablehlo.subtract %x, %1 : tensor<2x3x4xf32>
  %3 = stablehlo.exponential %2 : tensor<2x3x4xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %5 = stablehlo.divide %one, %4 : tensor<2x4xf32>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 2] : (tensor<2x4xf32>) -> tensor<2x3x4xf32>
  %7 = stablehlo.multiply %6, %3 : tensor<2x3x4xf32>
  return %7 : tensor<2x3x4xf32>
}

// -----

// Near miss: the sum is over another axis than the maximum.
// CHECK-LABEL: func.func @other_axis
func.func @other_axis(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK-NOT: attnorm.softmax
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %2 = stablehlo.subtract %x, %1 : tensor<4x4xf32>
  %3 = stablehlo.exponential %2 : tensor<4x4xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [1] : (tensor<4xf32>) -> tensor<4x4xf32>
  %6 = stablehlo.divide %3, %5 : tensor<4x4xf32>
  return %6 : tensor<4x4xf32>
}

// -----

// Near miss: each row meets the sum of another (the broadcast lays rows along columns).
// CHECK-LABEL: func.func @other_rows
func.func @other_rows(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK-NOT: attnorm.softmax
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %2 = stablehlo.subtract %x, %1 : tensor<4x4xf32>
  %3 = stablehlo.exponential %2 : tensor<4x4xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [1] : (tensor<4xf32>) -> tensor<4x4xf32>
  %6 = stablehlo.divide %3, %5 : tensor<4x4xf32>
  return %6 : tensor<4x4xf32>
}

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

// -----

// gpt-oss takes the largest value away itself, ahead of torch's softmax, here in bf16: twice is once.
// Where it is that of another axis it stays.
// CHECK-LABEL: func.func @twice
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xbf16>)
func.func @twice(%x: tensor<2x4xbf16>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[WIDE:.*]] = stablehlo.convert %[[X]] : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  // CHECK: "attnorm.softmax"(%[[WIDE]]) {axis = 1 : i64}
  // CHECK: %[[LESS:.*]] = stablehlo.convert %{{.*}} : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  // CHECK: "attnorm.softmax"(%[[LESS]]) {axis = 1 : i64}
  %low = stablehlo.constant dense<0xFF80> : tensor<bf16>
  %lowest = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xbf16>, tensor<bf16>) -> tensor<2xbf16>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xbf16>) -> tensor<2x4xbf16>
  %2 = stablehlo.subtract %x, %1 : tensor<2x4xbf16>
  %3 = stablehlo.convert %2 : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %4 = stablehlo.reduce(%3 init: %lowest) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.subtract %3, %5 : tensor<2x4xf32>
  %7 = stablehlo.exponential %6 : tensor<2x4xf32>
  %8 = stablehlo.reduce(%7 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %10 = stablehlo.divide %7, %9 : tensor<2x4xf32>
  %11 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<2x4xbf16>, tensor<bf16>) -> tensor<4xbf16>
  %12 = stablehlo.broadcast_in_dim %11, dims = [1] : (tensor<4xbf16>) -> tensor<2x4xbf16>
  %13 = stablehlo.subtract %x, %12 : tensor<2x4xbf16>
  %14 = stablehlo.convert %13 : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %15 = stablehlo.reduce(%14 init: %lowest) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %16 = stablehlo.broadcast_in_dim %15, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %17 = stablehlo.subtract %14, %16 : tensor<2x4xf32>
  %18 = stablehlo.exponential %17 : tensor<2x4xf32>
  %19 = stablehlo.reduce(%18 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %20 = stablehlo.broadcast_in_dim %19, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %21 = stablehlo.divide %18, %20 : tensor<2x4xf32>
  return %10, %21 : tensor<2x4xf32>, tensor<2x4xf32>
}

// RUN: attnorm-opt %s --legalize-half-sums --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @product
func.func @product(%a: tensor<2x8xbf16>, %b: tensor<8x3xbf16>) -> tensor<2x3xbf16> {
  // CHECK: %[[SUM:.*]] = stablehlo.dot_general %{{.*}}, %{{.*}}, contracting_dims = [1] x [0] : (tensor<2x8xbf16>, tensor<8x3xbf16>) -> tensor<2x3xf32>
  // CHECK: stablehlo.convert %[[SUM]] : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x8xbf16>, tensor<8x3xbf16>) -> tensor<2x3xbf16>
  return %0 : tensor<2x3xbf16>
}

// What is narrower than a half is no operand of IREE's products.
// CHECK-LABEL: func.func @eight_bits
func.func @eight_bits(%a: tensor<2x8xf8E4M3FN>, %b: tensor<8x3xf8E4M3FN>) -> tensor<2x3xf16> {
  // CHECK: stablehlo.dot_general {{.*}} : (tensor<2x8xf32>, tensor<8x3xf32>) -> tensor<2x3xf32>
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x8xf8E4M3FN>, tensor<8x3xf8E4M3FN>) -> tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}

// CHECK-LABEL: func.func @convolution
func.func @convolution(%x: tensor<1x5x4xf16>, %w: tensor<3x4x2xf16>) -> tensor<1x3x2xf16> {
  // CHECK: stablehlo.convolution{{.*}} : (tensor<1x5x4xf16>, tensor<3x4x2xf16>) -> tensor<1x3x2xf32>
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [1], pad = [[0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x4xf16>, tensor<3x4x2xf16>) -> tensor<1x3x2xf16>
  return %0 : tensor<1x3x2xf16>
}

// A reduction of several values: only the half is widened.
// CHECK-LABEL: func.func @pair
func.func @pair(%x: tensor<4x8xf16>, %y: tensor<4x8xi32>) -> (tensor<4xf16>, tensor<4xi32>) {
  // CHECK: %[[WIDE:.*]] = stablehlo.convert %{{.*}} : (tensor<4x8xf16>) -> tensor<4x8xf32>
  // CHECK: stablehlo.reduce(%[[WIDE]] init: %{{.*}}), (%{{.*}} init: %{{.*}}) across dimensions = [1] : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
  // CHECK: stablehlo.add %{{.*}}, %{{.*}} : tensor<f32>
  // CHECK: stablehlo.maximum %{{.*}}, %{{.*}} : tensor<i32>
  %zero = stablehlo.constant dense<0.0> : tensor<f16>
  %low = stablehlo.constant dense<-9> : tensor<i32>
  %0:2 = stablehlo.reduce(%x init: %zero), (%y init: %low) across dimensions = [1] : (tensor<4x8xf16>, tensor<4x8xi32>, tensor<f16>, tensor<i32>) -> (tensor<4xf16>, tensor<4xi32>)
    reducer(%a: tensor<f16>, %b: tensor<f16>) (%c: tensor<i32>, %d: tensor<i32>) {
      %s = stablehlo.add %a, %b : tensor<f16>
      %m = stablehlo.maximum %c, %d : tensor<i32>
      stablehlo.return %s, %m : tensor<f16>, tensor<i32>
    }
  return %0#0, %0#1 : tensor<4xf16>, tensor<4xi32>
}

// A maximum rounds nothing, and f32 holds its own sums.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<4x8xbf16>, %y: tensor<4x8xf32>) -> (tensor<4xbf16>, tensor<4xf32>) {
  // CHECK-NOT: stablehlo.convert
  %low = stablehlo.constant dense<0xFF80> : tensor<bf16>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<4x8xbf16>, tensor<bf16>) -> tensor<4xbf16>
  %1 = stablehlo.reduce(%y init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xbf16>, tensor<4xf32>
}

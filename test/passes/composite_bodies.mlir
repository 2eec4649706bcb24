// RUN: attnorm-opt %s --pass-pipeline='builtin.module(attnorm-raise)' | FileCheck %s

// The body of a composite says what it means, not its name: here a scale of one's own stands at the end
// of the norm, as LiteRT's users write it.
// CHECK-LABEL: func.func @final_scale
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @final_scale(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>
  // CHECK: %[[Z:.*]] = stablehlo.multiply %[[Y]], %{{.*}}
  // CHECK: return %[[Z]]
  // CHECK-NOT: func.func private
  %0 = stablehlo.composite "odml.rms_norm" %x, %w {composite_attributes = {epsilon = 1.0e-5 : f32}, decomposition = @impl} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
func.func private @impl(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %count = stablehlo.constant dense<4.0> : tensor<2xf32>
  %epsilon = stablehlo.constant dense<1.0e-5> : tensor<2xf32>
  %scale = stablehlo.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %count : tensor<2xf32>
  %3 = stablehlo.add %2, %epsilon : tensor<2xf32>
  %4 = stablehlo.rsqrt %3 : tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.multiply %x, %5 : tensor<2x4xf32>
  %7 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %8 = stablehlo.multiply %6, %7 : tensor<2x4xf32>
  %9 = stablehlo.multiply %8, %scale : tensor<2x4xf32>
  return %9 : tensor<2x4xf32>
}

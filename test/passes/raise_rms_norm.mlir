// RUN: attnorm-opt %s --normalize-stablehlo --raise-rms-norm --split-input-file | FileCheck %s

// Llama in f16: f32 inside, rounded before the weight; the square is a power.
// CHECK-LABEL: func.func @llama
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf16>, %[[W:.*]]: tensor<4xf16>)
func.func @llama(%x: tensor<2x3x4xf16>, %w: tensor<4xf16>) -> tensor<2x3x4xf16> {
  // CHECK: %[[Y:.*]] = "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 2>, cast = "before_weight", epsilon = 0.000000e+00 : f64
  // CHECK-NEXT: return %[[Y]]
  %two = stablehlo.constant dense<2.0> : tensor<2x3x4xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2x3x1xf32>
  %0 = stablehlo.convert %x : (tensor<2x3x4xf16>) -> tensor<2x3x4xf32>
  %1 = stablehlo.power %0, %two : tensor<2x3x4xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3xf32>
  %3 = stablehlo.reshape %2 : (tensor<2x3xf32>) -> tensor<2x3x1xf32>
  %4 = stablehlo.divide %3, %n : tensor<2x3x1xf32>
  %5 = stablehlo.rsqrt %4 : tensor<2x3x1xf32>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 1, 2] : (tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %7 = stablehlo.multiply %0, %6 : tensor<2x3x4xf32>
  %8 = stablehlo.convert %7 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf16>
  %9 = stablehlo.broadcast_in_dim %w, dims = [2] : (tensor<4xf16>) -> tensor<2x3x4xf16>
  %10 = stablehlo.multiply %9, %8 : tensor<2x3x4xf16>
  return %10 : tensor<2x3x4xf16>
}

// -----

// Gemma: 1 + w in f32, rounded last; x is divided by a root, epsilon added at reduced rank.
// CHECK-LABEL: func.func @gemma
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xbf16>, %[[W:.*]]: tensor<4xbf16>)
func.func @gemma(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: %[[Y:.*]] = "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, {{.*}}weight_offset = 1.000000e+00 : f64}
  // CHECK-NEXT: return %[[Y]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %quarter = stablehlo.constant dense<0.25> : tensor<2xf32>
  %one = stablehlo.constant dense<1.0> : tensor<4xf32>
  %0 = stablehlo.convert %x : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %0 : tensor<2x4xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = stablehlo.multiply %2, %quarter : tensor<2xf32>
  %4 = stablehlo.add %e, %3 : tensor<2xf32>
  %5 = stablehlo.sqrt %4 : tensor<2xf32>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %7 = stablehlo.divide %0, %6 : tensor<2x4xf32>
  %8 = stablehlo.convert %w : (tensor<4xbf16>) -> tensor<4xf32>
  %9 = stablehlo.add %8, %one : tensor<4xf32>
  %10 = stablehlo.broadcast_in_dim %9, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %11 = stablehlo.multiply %7, %10 : tensor<2x4xf32>
  %12 = stablehlo.convert %11 : (tensor<2x4xf32>) -> tensor<2x4xbf16>
  return %12 : tensor<2x4xbf16>
}

// -----

// flax: the weight meets the root before x does, and x has 0 taken from it.
// CHECK-LABEL: func.func @flax
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @flax(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%[[X]], %[[W]])
  // CHECK-NEXT: return
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %zeros = stablehlo.constant dense<0.0> : tensor<2x4xf32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.multiply %4, %5 : tensor<2x4xf32>
  %7 = stablehlo.subtract %x, %zeros : tensor<2x4xf32>
  %8 = stablehlo.multiply %7, %6 : tensor<2x4xf32>
  return %8 : tensor<2x4xf32>
}

// -----

// Near miss: the sum is divided by another number than it has terms.
// CHECK-LABEL: func.func @wrong_count
func.func @wrong_count(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NOT: attnorm.rms_norm
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<8.0> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %x, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

// Near misses: the root of another x; epsilon outside of the root; max(mean, epsilon).
// CHECK-LABEL: func.func @near_misses
func.func @near_misses(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK-NOT: attnorm.rms_norm
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %y, %4 : tensor<2x4xf32>
  %6 = stablehlo.sqrt %2 : tensor<2xf32>
  %7 = stablehlo.add %6, %e : tensor<2xf32>
  %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %9 = stablehlo.divide %x, %8 : tensor<2x4xf32>
  %10 = stablehlo.maximum %2, %e : tensor<2xf32>
  %11 = stablehlo.rsqrt %10 : tensor<2xf32>
  %12 = stablehlo.broadcast_in_dim %11, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %13 = stablehlo.multiply %x, %12 : tensor<2x4xf32>
  return %5, %9, %13 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// The sum of squares is a product of each row with itself. Near miss: with another row.
// CHECK-LABEL: func.func @dot
// CHECK-SAME:    (%[[X:.*]]: tensor<4x4xf32>)
func.func @dot(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  // CHECK: %[[Y:.*]] = "attnorm.rms_norm"(%[[X]]) {axes = array<i64: 1>, epsilon = 0.000000e+00 : f64
  // CHECK: stablehlo.dot_general %[[X]], %[[X]], batching_dims = [0] x [1]
  // CHECK: stablehlo.rsqrt
  // CHECK: return %[[Y]]
  %n = stablehlo.constant dense<4.0> : tensor<4xf32>
  %0 = stablehlo.dot_general %x, %x, batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
  %1 = stablehlo.divide %0, %n : tensor<4xf32>
  %2 = stablehlo.rsqrt %1 : tensor<4xf32>
  %3 = stablehlo.broadcast_in_dim %2, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %4 = stablehlo.multiply %x, %3 : tensor<4x4xf32>
  %5 = stablehlo.dot_general %x, %x, batching_dims = [0] x [1], contracting_dims = [1] x [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
  %6 = stablehlo.divide %5, %n : tensor<4xf32>
  %7 = stablehlo.rsqrt %6 : tensor<4xf32>
  %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %9 = stablehlo.multiply %x, %8 : tensor<4x4xf32>
  return %4, %9 : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// 1 + w is rounded to f16 before the product in f32: the op would add the 1 in f32.
// CHECK-LABEL: func.func @offset_in_f16
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf16>)
func.func @offset_in_f16(%x: tensor<2x4xf32>, %w: tensor<4xf16>) -> tensor<2x4xf32> {
  // CHECK: %[[GAIN:.*]] = stablehlo.add %[[W]], %{{.*}} : tensor<4xf16>
  // CHECK: %[[Y:.*]] = "attnorm.rms_norm"(%[[X]], %[[GAIN]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1>}
  // CHECK-NEXT: return %[[Y]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %ones = stablehlo.constant dense<1.0> : tensor<4xf16>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %squares = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %total = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %mean = stablehlo.divide %total, %n : tensor<2xf32>
  %inside = stablehlo.add %mean, %e : tensor<2xf32>
  %root = stablehlo.rsqrt %inside : tensor<2xf32>
  %roots = stablehlo.broadcast_in_dim %root, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %gain = stablehlo.add %w, %ones : tensor<4xf16>
  %wide = stablehlo.convert %gain : (tensor<4xf16>) -> tensor<4xf32>
  %gains = stablehlo.broadcast_in_dim %wide, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %weighted = stablehlo.multiply %x, %gains : tensor<2x4xf32>
  %y = stablehlo.multiply %weighted, %roots : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

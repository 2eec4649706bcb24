// RUN: attnorm-opt %s --normalize-stablehlo --raise-rms-norm --debug-matches --split-input-file --verify-diagnostics

// The larger of mean and epsilon is not their sum.
func.func @largest(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  %3 = stablehlo.maximum %2, %e : tensor<2xf32>
  // expected-remark @+1 {{mean square: expected mean(x * x) + epsilon under the root, got maximum of divide of the sum}}
  %4 = stablehlo.rsqrt %3 : tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.multiply %x, %5 : tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// -----

// A norm, scaled behind the root, and epsilon added to that.
func.func @scaled_norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %half = stablehlo.constant dense<0.5> : tensor<2xf32>
  %e = stablehlo.constant dense<0.25> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  // expected-remark @+1 {{mean square: expected mean(x * x) + epsilon under the root, got the sum}}
  %2 = stablehlo.sqrt %1 : tensor<2xf32>
  %3 = stablehlo.multiply %2, %half : tensor<2xf32>
  %4 = stablehlo.add %3, %e : tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %7 = stablehlo.multiply %6, %x : tensor<2x4xf32>
  %8 = stablehlo.divide %7, %5 : tensor<2x4xf32>
  return %8 : tensor<2x4xf32>
}

// -----

// Epsilon added behind the root.
func.func @epsilon_outside(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{mean square: expected a product of its root with x, got none}}
  %3 = stablehlo.sqrt %2 : tensor<2xf32>
  %4 = stablehlo.add %3, %e : tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.divide %x, %5 : tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// -----

// The sum is divided by another number than it has terms.
func.func @wrong_count(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<8.0> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{mean: expected a sum of 4 divided by 4, got 8}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %x, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

// The inverse of the count in bf16 is 0.2% off: the op would divide by 6.
func.func @rounded_inverse(%x: tensor<2x6xbf16>) -> tensor<2x6xbf16> {
  %zero = stablehlo.constant dense<0.0> : tensor<bf16>
  %n = stablehlo.constant dense<0.166666667> : tensor<2xbf16>
  %0 = stablehlo.multiply %x, %x : tensor<2x6xbf16>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x6xbf16>, tensor<bf16>) -> tensor<2xbf16>
  %2 = stablehlo.multiply %1, %n : tensor<2xbf16>
  // expected-remark @+1 {{mean: expected a sum multiplied with 0.166667, got that number rounded: 0.166992}}
  %3 = stablehlo.rsqrt %2 : tensor<2xbf16>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xbf16>) -> tensor<2x6xbf16>
  %5 = stablehlo.multiply %x, %4 : tensor<2x6xbf16>
  return %5 : tensor<2x6xbf16>
}

// -----

// The root is rounded to bf16 before it meets x, which the op does not do.
func.func @rounded_root(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{mean square: expected a product of its root with x, got none}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.convert %3 : (tensor<2xf32>) -> tensor<2xbf16>
  %5 = stablehlo.convert %4 : (tensor<2xbf16>) -> tensor<2xf32>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %7 = stablehlo.multiply %x, %6 : tensor<2x4xf32>
  return %7 : tensor<2x4xf32>
}

// -----

// What has nothing to do with a norm says nothing: a distance of x that does not meet x.
func.func @distance(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.sqrt %1 : tensor<2xf32>
  return %2 : tensor<2xf32>
}

// RUN: attnorm-opt %s --normalize-stablehlo --raise-layer-norm --debug-matches --split-input-file --verify-diagnostics

// Something on the way is rounded to bf16, and once was not: the mean, the deviation where it is squared
// or scaled, the root, x where it is summed.
func.func @mean(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %half = stablehlo.convert %m : (tensor<2xf32>) -> tensor<2xbf16>
  %mr = stablehlo.convert %half : (tensor<2xbf16>) -> tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %mr, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x4xf32>
  %0 = stablehlo.multiply %d, %d : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{variance: expected x - mean(x) in f32 or f64, got bf16}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %d, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

func.func @squared(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x4xf32>
  %half = stablehlo.convert %d : (tensor<2x4xf32>) -> tensor<2x4xbf16>
  %dr = stablehlo.convert %half : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %0 = stablehlo.multiply %dr, %dr : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{variance: expected x - mean(x) in f32 or f64, got bf16}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %d, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

func.func @scaled(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x4xf32>
  %half = stablehlo.convert %d : (tensor<2x4xf32>) -> tensor<2x4xbf16>
  %dr = stablehlo.convert %half : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %0 = stablehlo.multiply %d, %d : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{variance: expected x - mean(x) in f32 or f64, got bf16}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %dr, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

func.func @root(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x4xf32>
  %0 = stablehlo.multiply %d, %d : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  // expected-remark @+1 {{variance: expected a product of its root with x - mean(x), got none}}
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %half = stablehlo.convert %3 : (tensor<2xf32>) -> tensor<2xbf16>
  %r = stablehlo.convert %half : (tensor<2xbf16>) -> tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %r, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %d, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

func.func @summed(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %half = stablehlo.convert %x : (tensor<2x4xf32>) -> tensor<2x4xbf16>
  %xr = stablehlo.convert %half : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %s = stablehlo.reduce(%xr init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x4xf32>
  %0 = stablehlo.multiply %d, %d : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %n : tensor<2xf32>
  %3 = stablehlo.rsqrt %2 : tensor<2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %d, %4 : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// What is refused stays as it is.
// RUN: attnorm-opt %s --normalize-stablehlo --raise-group-norm --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep group_norm %t

// A mean that is rounded to bf16 where it is subtracted.
func.func @mean(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<15.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x2xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %mh = stablehlo.convert %m : (tensor<2x2xf32>) -> tensor<2x2xbf16>
  %mr = stablehlo.convert %mh : (tensor<2x2xbf16>) -> tensor<2x2xf32>
  %mc = stablehlo.broadcast_in_dim %mr, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %ve = stablehlo.add %v, %e : tensor<2x2xf32>
  // expected-remark @+1 {{variance: expected x - mean(x) in f32 or f64, got bf16}}
  %r = stablehlo.rsqrt %ve : tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %dh = stablehlo.subtract %g, %mc : tensor<2x2x15xf32>
  %y = stablehlo.multiply %dh, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// -----

// A variance that is rounded to bf16.
func.func @variance(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<15.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x2xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %vh = stablehlo.convert %v : (tensor<2x2xf32>) -> tensor<2x2xbf16>
  %vr = stablehlo.convert %vh : (tensor<2x2xbf16>) -> tensor<2x2xf32>
  %ve = stablehlo.add %vr, %e : tensor<2x2xf32>
  // expected-remark @+1 {{variance: expected it in f32 or f64, got f32}}
  %r = stablehlo.rsqrt %ve : tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// -----

// A root that is rounded is another factor.
func.func @root(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<15.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x2xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %ve = stablehlo.add %v, %e : tensor<2x2xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x2xf32>
  %rh = stablehlo.convert %r : (tensor<2x2xf32>) -> tensor<2x2xbf16>
  %rr = stablehlo.convert %rh : (tensor<2x2xbf16>) -> tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %rr, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// -----

// The sum over another number: raise-layer-norm says so.
func.func @count(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<14.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x2xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %ve = stablehlo.add %v, %e : tensor<2x2xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

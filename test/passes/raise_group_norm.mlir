// RUN: attnorm-opt %s --normalize-stablehlo --raise-group-norm --canonicalize | FileCheck %s

// The channels split by a reshape, weight and bias behind the way back: ONNX, torch.
// CHECK-LABEL: func.func @reshaped
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1, %arg2) {epsilon = 5.000000e-01 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}
// CHECK-NEXT: return
func.func @reshaped(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
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
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  %wb = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %yw = stablehlo.multiply %z, %wb : tensor<2x6x5xf32>
  %bb = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.add %yw, %bb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// The channels of a group a dimension of their own; no weight.
// CHECK-LABEL: func.func @split
// CHECK-NEXT: "attnorm.group_norm"(%arg0) {epsilon = 5.000000e-01 : f64, groups = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0>}
// CHECK-NEXT: return
func.func @split(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x3x2x5xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<10.0> : tensor<2x3xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x3xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2, 3] : (tensor<2x3x2x5xf32>, tensor<f32>) -> tensor<2x3xf32>
  %m = stablehlo.divide %s, %n : tensor<2x3xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x3xf32>) -> tensor<2x3x2x5xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x3x2x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x3x2x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2, 3] : (tensor<2x3x2x5xf32>, tensor<f32>) -> tensor<2x3xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x3xf32>
  %ve = stablehlo.add %v, %e : tensor<2x3xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x3xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x3xf32>) -> tensor<2x3x2x5xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x3x2x5xf32>
  %z = stablehlo.reshape %y : (tensor<2x3x2x5xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// One group with a weight: the weight says which dimension the channels are.
// CHECK-LABEL: func.func @one_group
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1, %arg2) {epsilon = 5.000000e-01 : f64, groups = 1 : i64
// CHECK-NEXT: return
func.func @one_group(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x30xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<30.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x30xf32>, tensor<f32>) -> tensor<2xf32>
  %m = stablehlo.divide %s, %n : tensor<2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x30xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x30xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x30xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x30xf32>, tensor<f32>) -> tensor<2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2xf32>
  %ve = stablehlo.add %v, %e : tensor<2xf32>
  %r = stablehlo.rsqrt %ve : tensor<2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0] : (tensor<2xf32>) -> tensor<2x30xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x30xf32>
  %z = stablehlo.reshape %y : (tensor<2x30xf32>) -> tensor<2x6x5xf32>
  %wb = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %yw = stablehlo.multiply %z, %wb : tensor<2x6x5xf32>
  %bb = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.add %yw, %bb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// An InstanceNorm: a group for each channel.
// CHECK-LABEL: func.func @instances
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1, %arg2) {epsilon = 5.000000e-01 : f64, groups = 6 : i64
// CHECK-NEXT: return
func.func @instances(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<5.0> : tensor<2x6xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x6xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<2x6xf32>
  %m = stablehlo.divide %s, %n : tensor<2x6xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x6x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x6x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<2x6xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x6xf32>
  %ve = stablehlo.add %v, %e : tensor<2x6xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x6xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
  %z = stablehlo.multiply %d, %rb : tensor<2x6x5xf32>
  %wb = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %yw = stablehlo.multiply %z, %wb : tensor<2x6x5xf32>
  %bb = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.add %yw, %bb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// As torch writes it, the batch among the channels, where weight and bias meet it.
// CHECK-LABEL: func.func @batch_among_channels
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1, %arg2) {epsilon = 5.000000e-01 : f64, groups = 6 : i64
// CHECK-NEXT: return
func.func @batch_among_channels(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<1x12x5xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<5.0> : tensor<12xf32>
  %e = stablehlo.constant dense<0.5> : tensor<12xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<1x12x5xf32>, tensor<f32>) -> tensor<12xf32>
  %m = stablehlo.divide %s, %n : tensor<12xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %d = stablehlo.subtract %g, %mb : tensor<1x12x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<1x12x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<1x12x5xf32>, tensor<f32>) -> tensor<12xf32>
  %v = stablehlo.divide %ss, %n : tensor<12xf32>
  %ve = stablehlo.add %v, %e : tensor<12xf32>
  %r = stablehlo.rsqrt %ve : tensor<12xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %y = stablehlo.multiply %d, %rb : tensor<1x12x5xf32>
  %w2 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<6xf32>) -> tensor<2x6xf32>
  %wr = stablehlo.reshape %w2 : (tensor<2x6xf32>) -> tensor<12xf32>
  %wb = stablehlo.broadcast_in_dim %wr, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %yw = stablehlo.multiply %y, %wb : tensor<1x12x5xf32>
  %b2 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<6xf32>) -> tensor<2x6xf32>
  %br = stablehlo.reshape %b2 : (tensor<2x6xf32>) -> tensor<12xf32>
  %bb = stablehlo.broadcast_in_dim %br, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %o = stablehlo.add %yw, %bb : tensor<1x12x5xf32>
  %out = stablehlo.reshape %o : (tensor<1x12x5xf32>) -> tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// As flax writes it: channels last, the mean square less the squared mean, never below 0, both
// spread over the channels of their group; the weight on the root.
// CHECK-LABEL: func.func @flax
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1, %arg2) {channel_axis = 2 : i64, epsilon = 5.000000e-01 : f64, groups = 2 : i64
// CHECK-NEXT: return
func.func @flax(%x: tensor<2x5x6xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x5x6xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %zeros = stablehlo.constant dense<0.0> : tensor<2x2xf32>
  %n = stablehlo.constant dense<15.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x1x6xf32>
  %g = stablehlo.reshape %x : (tensor<2x5x6xf32>) -> tensor<2x5x2x3xf32>
  %gg = stablehlo.multiply %g, %g : tensor<2x5x2x3xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [1, 3] : (tensor<2x5x2x3xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %ss = stablehlo.reduce(%gg init: %zero) applies stablehlo.add across dimensions = [1, 3] : (tensor<2x5x2x3xf32>, tensor<f32>) -> tensor<2x2xf32>
  %q = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %mm = stablehlo.multiply %m, %m : tensor<2x2xf32>
  %v0 = stablehlo.subtract %q, %mm : tensor<2x2xf32>
  %v = stablehlo.maximum %v0, %zeros : tensor<2x2xf32>
  %m3 = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
  %v3 = stablehlo.broadcast_in_dim %v, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
  %mc = stablehlo.reshape %m3 : (tensor<2x2x3xf32>) -> tensor<2x1x6xf32>
  %vc = stablehlo.reshape %v3 : (tensor<2x2x3xf32>) -> tensor<2x1x6xf32>
  %mb = stablehlo.broadcast_in_dim %mc, dims = [0, 1, 2] : (tensor<2x1x6xf32>) -> tensor<2x5x6xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x5x6xf32>
  %ve = stablehlo.add %vc, %e : tensor<2x1x6xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x1x6xf32>
  %wb = stablehlo.broadcast_in_dim %w, dims = [2] : (tensor<6xf32>) -> tensor<2x1x6xf32>
  %rw = stablehlo.multiply %r, %wb : tensor<2x1x6xf32>
  %rb = stablehlo.broadcast_in_dim %rw, dims = [0, 1, 2] : (tensor<2x1x6xf32>) -> tensor<2x5x6xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x5x6xf32>
  %bb = stablehlo.broadcast_in_dim %b, dims = [2] : (tensor<6xf32>) -> tensor<2x5x6xf32>
  %out = stablehlo.add %y, %bb : tensor<2x5x6xf32>
  return %out : tensor<2x5x6xf32>
}

// A half x is widened first; the value is rounded behind the bias.
// CHECK-LABEL: func.func @half
// CHECK-NEXT: "attnorm.group_norm"(%arg0, %arg1) {epsilon = 5.000000e-01 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x6x5xbf16>, tensor<6xbf16>) -> tensor<2x6x5xbf16>
// CHECK-NEXT: return
func.func @half(%x: tensor<2x6x5xbf16>, %w: tensor<6xbf16>) -> tensor<2x6x5xbf16> {
  %wide = stablehlo.convert %x : (tensor<2x6x5xbf16>) -> tensor<2x6x5xf32>
  %g = stablehlo.reshape %wide : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
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
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  %ww = stablehlo.convert %w : (tensor<6xbf16>) -> tensor<6xf32>
  %wb = stablehlo.broadcast_in_dim %ww, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %yw = stablehlo.multiply %z, %wb : tensor<2x6x5xf32>
  %out = stablehlo.convert %yw : (tensor<2x6x5xf32>) -> tensor<2x6x5xbf16>
  return %out : tensor<2x6x5xbf16>
}

// The square root divides.
// CHECK-LABEL: func.func @quotient
// CHECK-NEXT: "attnorm.group_norm"(%arg0) {epsilon = 5.000000e-01 : f64, groups = 2 : i64
// CHECK-NEXT: return
func.func @quotient(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
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
  %r = stablehlo.sqrt %ve : tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.divide %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// What varies with more than the channels stays outside: the positions, the batch.
// CHECK-LABEL: func.func @other_factors
// CHECK: "attnorm.group_norm"(%arg0) {epsilon = 5.000000e-01 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 0, 0>}
// CHECK: stablehlo.multiply
// CHECK: stablehlo.add
func.func @other_factors(%x: tensor<2x6x5xf32>, %p: tensor<5xf32>, %q: tensor<2x6xf32>) -> tensor<2x6x5xf32> {
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
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  %pb = stablehlo.broadcast_in_dim %p, dims = [2] : (tensor<5xf32>) -> tensor<2x6x5xf32>
  %yp = stablehlo.multiply %z, %pb : tensor<2x6x5xf32>
  %qb = stablehlo.broadcast_in_dim %q, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.add %yp, %qb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// A group for each channel without weight and bias is a LayerNorm of the last dimension.
// CHECK-LABEL: func.func @layer_norm
// CHECK-NOT: group_norm
// CHECK: stablehlo.rsqrt
// CHECK-NOT: group_norm
func.func @layer_norm(%x: tensor<2x6x5xf32>, %p: tensor<5xf32>) -> tensor<2x6x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<5.0> : tensor<2x6xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x6xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<2x6xf32>
  %m = stablehlo.divide %s, %n : tensor<2x6xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x6x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x6x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<2x6xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x6xf32>
  %ve = stablehlo.add %v, %e : tensor<2x6xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x6xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x6x5xf32>
  %pb = stablehlo.broadcast_in_dim %p, dims = [2] : (tensor<5xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.multiply %y, %pb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// Every third channel is no group of neighbours.
// CHECK-LABEL: func.func @interleaved
// CHECK-NOT: group_norm
// CHECK: stablehlo.rsqrt
// CHECK-NOT: group_norm
func.func @interleaved(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x3x5xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<10.0> : tensor<2x3xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x3xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [1, 3] : (tensor<2x2x3x5xf32>, tensor<f32>) -> tensor<2x3xf32>
  %m = stablehlo.divide %s, %n : tensor<2x3xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 2] : (tensor<2x3xf32>) -> tensor<2x2x3x5xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x3x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x3x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [1, 3] : (tensor<2x2x3x5xf32>, tensor<f32>) -> tensor<2x3xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x3xf32>
  %ve = stablehlo.add %v, %e : tensor<2x3xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x3xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 2] : (tensor<2x3xf32>) -> tensor<2x2x3x5xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x3x5xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x3x5xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// The mean of other groups.
// CHECK-LABEL: func.func @other_mean
// CHECK-NOT: group_norm
// CHECK: stablehlo.rsqrt
// CHECK-NOT: group_norm
func.func @other_mean(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %h = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x3x2x5xf32>
  %zero2 = stablehlo.constant dense<0.0> : tensor<f32>
  %n2 = stablehlo.constant dense<10.0> : tensor<2x3xf32>
  %s2 = stablehlo.reduce(%h init: %zero2) applies stablehlo.add across dimensions = [2, 3] : (tensor<2x3x2x5xf32>, tensor<f32>) -> tensor<2x3xf32>
  %m2 = stablehlo.divide %s2, %n2 : tensor<2x3xf32>
  %m3 = stablehlo.broadcast_in_dim %m2, dims = [0, 1] : (tensor<2x3xf32>) -> tensor<2x3x2x5xf32>
  %m4 = stablehlo.reshape %m3 : (tensor<2x3x2x5xf32>) -> tensor<2x2x15xf32>
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
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d2 = stablehlo.subtract %g, %m4 : tensor<2x2x15xf32>
  %y = stablehlo.multiply %d2, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// Each batch meets the statistics of the other.
// CHECK-LABEL: func.func @turned
// CHECK-NOT: group_norm
// CHECK: stablehlo.rsqrt
// CHECK-NOT: group_norm
func.func @turned(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
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
  %rb = stablehlo.broadcast_in_dim %r, dims = [1, 0] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %z = stablehlo.reshape %y : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  return %z : tensor<2x6x5xf32>
}

// The first dimension is normalised too: no batch.
// CHECK-LABEL: func.func @no_batch
// CHECK-NOT: group_norm
// CHECK: stablehlo.rsqrt
// CHECK-NOT: group_norm
func.func @no_batch(%x: tensor<2x6x5xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<2x6x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<10.0> : tensor<6xf32>
  %e = stablehlo.constant dense<0.5> : tensor<6xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<6xf32>
  %m = stablehlo.divide %s, %n : tensor<6xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %d = stablehlo.subtract %x, %mb : tensor<2x6x5xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x6x5xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<2x6x5xf32>, tensor<f32>) -> tensor<6xf32>
  %v = stablehlo.divide %ss, %n : tensor<6xf32>
  %ve = stablehlo.add %v, %e : tensor<6xf32>
  %r = stablehlo.rsqrt %ve : tensor<6xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %z = stablehlo.multiply %d, %rb : tensor<2x6x5xf32>
  %wb = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %yw = stablehlo.multiply %z, %wb : tensor<2x6x5xf32>
  %bb = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<6xf32>) -> tensor<2x6x5xf32>
  %out = stablehlo.add %yw, %bb : tensor<2x6x5xf32>
  return %out : tensor<2x6x5xf32>
}

// A batch known at run time: the reshapes are dynamic.
// CHECK-LABEL: func.func @dynamic
// CHECK: "attnorm.group_norm"(%arg0) {epsilon = 5.000000e-01 : f64, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x6x5xf32>) -> tensor<?x6x5xf32>
// CHECK-NEXT: return
func.func @dynamic(%x: tensor<?x6x5xf32>) -> tensor<?x6x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<15.0> : tensor<f32>
  %e = stablehlo.constant dense<0.5> : tensor<f32>
  %c2 = stablehlo.constant dense<2> : tensor<1xi32>
  %c5 = stablehlo.constant dense<5> : tensor<1xi32>
  %c6 = stablehlo.constant dense<6> : tensor<1xi32>
  %c15 = stablehlo.constant dense<15> : tensor<1xi32>
  %b0 = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x6x5xf32>) -> tensor<i32>
  %b1 = stablehlo.reshape %b0 : (tensor<i32>) -> tensor<1xi32>
  %rows = stablehlo.concatenate %b1, %c2, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %groups = stablehlo.concatenate %b1, %c2, %c15, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
  %whole = stablehlo.concatenate %b1, %c6, %c5, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
  %nb = stablehlo.dynamic_broadcast_in_dim %n, %rows, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x2xf32>
  %eb = stablehlo.dynamic_broadcast_in_dim %e, %rows, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x2xf32>
  %g = stablehlo.dynamic_reshape %x, %groups : (tensor<?x6x5xf32>, tensor<3xi32>) -> tensor<?x2x15xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<?x2x15xf32>, tensor<f32>) -> tensor<?x2xf32>
  %m = stablehlo.divide %s, %nb : tensor<?x2xf32>
  %mb = stablehlo.dynamic_broadcast_in_dim %m, %groups, dims = [0, 1] : (tensor<?x2xf32>, tensor<3xi32>) -> tensor<?x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<?x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<?x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<?x2x15xf32>, tensor<f32>) -> tensor<?x2xf32>
  %v = stablehlo.divide %ss, %nb : tensor<?x2xf32>
  %ve = stablehlo.add %v, %eb : tensor<?x2xf32>
  %r = stablehlo.rsqrt %ve : tensor<?x2xf32>
  %rb = stablehlo.dynamic_broadcast_in_dim %r, %groups, dims = [0, 1] : (tensor<?x2xf32>, tensor<3xi32>) -> tensor<?x2x15xf32>
  %y = stablehlo.multiply %d, %rb : tensor<?x2x15xf32>
  %z = stablehlo.dynamic_reshape %y, %whole : (tensor<?x2x15xf32>, tensor<3xi32>) -> tensor<?x6x5xf32>
  return %z : tensor<?x6x5xf32>
}

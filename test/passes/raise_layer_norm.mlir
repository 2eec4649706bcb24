// RUN: attnorm-opt %s --raise-layer-norm --split-input-file | FileCheck %s

// The mean square less the squared mean, clamped at 0; weight on the root, bias behind.
// CHECK-LABEL: func.func @fast_variance
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
func.func @fast_variance(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.layer_norm"(%[[X]], %[[W]], %[[B]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  // CHECK-NEXT: return %[[Y]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %zeros = stablehlo.constant dense<0.0> : tensor<2xf32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %mean = stablehlo.divide %0, %n : tensor<2xf32>
  %1 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = stablehlo.divide %2, %n : tensor<2xf32>
  %4 = stablehlo.multiply %mean, %mean : tensor<2xf32>
  %5 = stablehlo.subtract %3, %4 : tensor<2xf32>
  %6 = stablehlo.maximum %zeros, %5 : tensor<2xf32>
  %7 = stablehlo.add %6, %e : tensor<2xf32>
  %8 = stablehlo.rsqrt %7 : tensor<2xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %10 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %11 = stablehlo.multiply %9, %10 : tensor<2x4xf32>
  %12 = stablehlo.broadcast_in_dim %mean, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %13 = stablehlo.subtract %x, %12 : tensor<2x4xf32>
  %14 = stablehlo.multiply %13, %11 : tensor<2x4xf32>
  %15 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %16 = stablehlo.add %14, %15 : tensor<2x4xf32>
  return %16 : tensor<2x4xf32>
}

// -----

// The weight on the deviation, which the root divides.
// CHECK-LABEL: func.func @weighted_deviation
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @weighted_deviation(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: %[[N:.*]] = "attnorm.layer_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1, 0>}
  // CHECK-NEXT: return %[[N]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %count = stablehlo.constant dense<4.0> : tensor<2xf32>
  %epsilon = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.divide %0, %count : tensor<2xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = stablehlo.divide %5, %count : tensor<2xf32>
  %7 = stablehlo.add %6, %epsilon : tensor<2xf32>
  %8 = stablehlo.sqrt %7 : tensor<2xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %10 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %11 = stablehlo.multiply %10, %3 : tensor<2x4xf32>
  %12 = stablehlo.divide %11, %9 : tensor<2x4xf32>
  return %12 : tensor<2x4xf32>
}

// -----

// Near miss: what is normalised has its mean left in.
// CHECK-LABEL: func.func @not_centred
func.func @not_centred(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NOT: attnorm.layer_norm
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.divide %0, %n : tensor<2xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = stablehlo.divide %5, %n : tensor<2xf32>
  %7 = stablehlo.rsqrt %6 : tensor<2xf32>
  %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %9 = stablehlo.multiply %x, %8 : tensor<2x4xf32>
  return %9 : tensor<2x4xf32>
}

// -----

// LiteRT: rows as the features of a batch norm, between a reshape and the one back.
// CHECK-LABEL: func.func @batch_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8x64xf32>, %[[W:.*]]: tensor<64xf32>)
func.func @batch_norm(%x: tensor<2x8x64xf32>, %w: tensor<64xf32>) -> tensor<2x8x64xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.layer_norm"(%[[X]], %[[W]]) {axes = array<i64: 2>, epsilon = 5.000000e-01 : f64
  // CHECK-NEXT: return %[[Y]]
  %zeros = stablehlo.constant dense<0.0> : tensor<16xf32>
  %ones = stablehlo.constant dense<1.0> : tensor<16xf32>
  %0 = stablehlo.reshape %x : (tensor<2x8x64xf32>) -> tensor<1x16x64xf32>
  %y, %mean, %variance = "stablehlo.batch_norm_training"(%0, %ones, %zeros) <{epsilon = 0.5 : f32, feature_index = 1 : i64}> : (tensor<1x16x64xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<1x16x64xf32>, tensor<16xf32>, tensor<16xf32>)
  %1 = stablehlo.reshape %y : (tensor<1x16x64xf32>) -> tensor<2x8x64xf32>
  %2 = stablehlo.broadcast_in_dim %w, dims = [2] : (tensor<64xf32>) -> tensor<2x8x64xf32>
  %3 = stablehlo.multiply %2, %1 : tensor<2x8x64xf32>
  return %3 : tensor<2x8x64xf32>
}

// -----

// 1 + w is a weight like any other: what adds the 1 once went missing.
// CHECK-LABEL: func.func @one_plus_weight
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @one_plus_weight(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[GAIN:.*]] = stablehlo.add %[[W]], %{{.*}} : tensor<4xf32>
  // CHECK: %[[Y:.*]] = "attnorm.layer_norm"(%[[X]], %[[GAIN]])
  // CHECK-NEXT: return %[[Y]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %ones = stablehlo.constant dense<1.0> : tensor<4xf32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %mean = stablehlo.divide %sum, %n : tensor<2xf32>
  %means = stablehlo.broadcast_in_dim %mean, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %centred = stablehlo.subtract %x, %means : tensor<2x4xf32>
  %squares = stablehlo.multiply %centred, %centred : tensor<2x4xf32>
  %total = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %variance = stablehlo.divide %total, %n : tensor<2xf32>
  %inside = stablehlo.add %variance, %e : tensor<2xf32>
  %root = stablehlo.rsqrt %inside : tensor<2xf32>
  %roots = stablehlo.broadcast_in_dim %root, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %normed = stablehlo.multiply %centred, %roots : tensor<2x4xf32>
  %gain = stablehlo.add %w, %ones : tensor<4xf32>
  %gains = stablehlo.broadcast_in_dim %gain, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %y = stablehlo.multiply %normed, %gains : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// The squared mean is of other rows than the mean square: it was turned on its way.
// CHECK-LABEL: func.func @turned_mean
// CHECK-NOT: attnorm
func.func @turned_mean(%x: tensor<2x2x3xf32>) -> tensor<2x2x3xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<3.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x2xf32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x3xf32>, tensor<f32>) -> tensor<2x2xf32>
  %mean = stablehlo.divide %sum, %n : tensor<2x2xf32>
  %turned = stablehlo.transpose %mean, dims = [1, 0] : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %squared = stablehlo.multiply %turned, %turned : tensor<2x2xf32>
  %squares = stablehlo.multiply %x, %x : tensor<2x2x3xf32>
  %total = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x2x3xf32>, tensor<f32>) -> tensor<2x2xf32>
  %mean_square = stablehlo.divide %total, %n : tensor<2x2xf32>
  %variance = stablehlo.subtract %mean_square, %squared : tensor<2x2xf32>
  %inside = stablehlo.add %variance, %e : tensor<2x2xf32>
  %root = stablehlo.rsqrt %inside : tensor<2x2xf32>
  %roots = stablehlo.broadcast_in_dim %root, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
  %means = stablehlo.broadcast_in_dim %mean, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
  %centred = stablehlo.subtract %x, %means : tensor<2x2x3xf32>
  %y = stablehlo.multiply %centred, %roots : tensor<2x2x3xf32>
  return %y : tensor<2x2x3xf32>
}

// -----

// Equinox takes the mean of squares for something that might be negative.
// CHECK-LABEL: func.func @clamped_squares
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @clamped_squares(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = "attnorm.layer_norm"(%[[X]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  // CHECK-NEXT: return %[[Y]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %zeros = stablehlo.constant dense<0.0> : tensor<2xf32>
  %n = stablehlo.constant dense<4.0> : tensor<2xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.divide %0, %n : tensor<2xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = stablehlo.divide %5, %n : tensor<2xf32>
  %7 = stablehlo.maximum %6, %zeros : tensor<2xf32>
  %8 = stablehlo.add %7, %e : tensor<2xf32>
  %9 = stablehlo.rsqrt %8 : tensor<2xf32>
  %10 = stablehlo.broadcast_in_dim %9, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %11 = stablehlo.multiply %3, %10 : tensor<2x4xf32>
  return %11 : tensor<2x4xf32>
}

// -----

// Keras scales x and its mean apart, the mean with its sign turned; without a weight, before it is
// spread.
// CHECK-LABEL: func.func @mean_apart
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
func.func @mean_apart(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]] = "attnorm.layer_norm"(%[[X]], %[[W]], %[[B]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  // CHECK: %[[LESS:.*]] = "attnorm.layer_norm"(%[[X]], %[[W]], %[[B]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  // CHECK: %[[PLAIN:.*]] = "attnorm.layer_norm"(%[[X]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  // CHECK: return %[[BOTH]], %[[LESS]], %[[PLAIN]]
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2x1xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x1xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.reshape %0 : (tensor<2xf32>) -> tensor<2x1xf32>
  %mean = stablehlo.divide %1, %n : tensor<2x1xf32>
  %2 = stablehlo.broadcast_in_dim %mean, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = stablehlo.reshape %5 : (tensor<2xf32>) -> tensor<2x1xf32>
  %7 = stablehlo.divide %6, %n : tensor<2x1xf32>
  %8 = stablehlo.add %7, %e : tensor<2x1xf32>
  %root = stablehlo.rsqrt %8 : tensor<2x1xf32>
  %9 = stablehlo.broadcast_in_dim %root, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %weight = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %bias = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %r = stablehlo.multiply %9, %weight : tensor<2x4xf32>
  %scaled = stablehlo.multiply %x, %r : tensor<2x4xf32>
  %10 = stablehlo.negate %mean : tensor<2x1xf32>
  %11 = stablehlo.broadcast_in_dim %10, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %12 = stablehlo.multiply %11, %r : tensor<2x4xf32>
  %13 = stablehlo.add %12, %bias : tensor<2x4xf32>
  %14 = stablehlo.add %scaled, %13 : tensor<2x4xf32>
  %15 = stablehlo.multiply %2, %r : tensor<2x4xf32>
  %16 = stablehlo.subtract %bias, %15 : tensor<2x4xf32>
  %17 = stablehlo.add %16, %scaled : tensor<2x4xf32>
  %18 = stablehlo.multiply %x, %9 : tensor<2x4xf32>
  %19 = stablehlo.multiply %10, %root : tensor<2x1xf32>
  %20 = stablehlo.broadcast_in_dim %19, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %21 = stablehlo.add %18, %20 : tensor<2x4xf32>
  return %14, %17, %21 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// Near misses: the mean is added, it is scaled without the weight, the bias or x is taken from it.
// CHECK-LABEL: func.func @mean_apart_near_misses
func.func @mean_apart_near_misses(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK-NOT: layer_norm
  // CHECK: return
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<4.0> : tensor<2x1xf32>
  %e = stablehlo.constant dense<0.5> : tensor<2x1xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.reshape %0 : (tensor<2xf32>) -> tensor<2x1xf32>
  %mean = stablehlo.divide %1, %n : tensor<2x1xf32>
  %2 = stablehlo.broadcast_in_dim %mean, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = stablehlo.reshape %5 : (tensor<2xf32>) -> tensor<2x1xf32>
  %7 = stablehlo.divide %6, %n : tensor<2x1xf32>
  %8 = stablehlo.add %7, %e : tensor<2x1xf32>
  %root = stablehlo.rsqrt %8 : tensor<2x1xf32>
  %9 = stablehlo.broadcast_in_dim %root, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %weight = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %bias = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %r = stablehlo.multiply %9, %weight : tensor<2x4xf32>
  %scaled = stablehlo.multiply %x, %r : tensor<2x4xf32>
  %10 = stablehlo.multiply %2, %r : tensor<2x4xf32>
  %11 = stablehlo.add %scaled, %10 : tensor<2x4xf32>
  %12 = stablehlo.multiply %2, %9 : tensor<2x4xf32>
  %13 = stablehlo.subtract %scaled, %12 : tensor<2x4xf32>
  %14 = stablehlo.subtract %10, %bias : tensor<2x4xf32>
  %15 = stablehlo.add %scaled, %14 : tensor<2x4xf32>
  %16 = stablehlo.subtract %10, %scaled : tensor<2x4xf32>
  return %11, %13, %15, %16 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// A dimension of 1 that is reduced too, as torch hides the batch of an InstanceNorm in one.
// CHECK-LABEL: func.func @unit_dimension
func.func @unit_dimension(%x: tensor<1x12x5xf32>) -> tensor<1x12x5xf32> {
  // CHECK: "attnorm.layer_norm"(%arg0) {axes = array<i64: 2>, epsilon = 5.000000e-01 : f64
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<5.0> : tensor<12xf32>
  %e = stablehlo.constant dense<0.5> : tensor<12xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<1x12x5xf32>, tensor<f32>) -> tensor<12xf32>
  %1 = stablehlo.divide %0, %n : tensor<12xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<1x12x5xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<1x12x5xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<1x12x5xf32>, tensor<f32>) -> tensor<12xf32>
  %6 = stablehlo.divide %5, %n : tensor<12xf32>
  %7 = stablehlo.add %6, %e : tensor<12xf32>
  %8 = stablehlo.rsqrt %7 : tensor<12xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [1] : (tensor<12xf32>) -> tensor<1x12x5xf32>
  %10 = stablehlo.multiply %3, %9 : tensor<1x12x5xf32>
  return %10 : tensor<1x12x5xf32>
}

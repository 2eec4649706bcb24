// RUN: attnorm-opt %s --outline-rows --split-input-file | FileCheck %s
// RUN: attnorm-opt %s --outline-rows --outline-rows --split-input-file | FileCheck %s --check-prefix=TWICE

// What has been outlined stays as it is.
// TWICE-COUNT-11: stablehlo.composite
// TWICE-NOT:     stablehlo.composite

// The elementwise ops before and after a reduction go with it, and a second reduction of the rows.
// CHECK-LABEL: func.func @softmax
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
// CHECK-NEXT:    %[[R:.*]] = stablehlo.composite "attnorm.rows" %[[X]] {decomposition = @attnorm.rows.impl, version = 1 : i32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
// CHECK:         return %[[R]]
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %peak = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %peaks = stablehlo.broadcast_in_dim %peak, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %shifted = stablehlo.subtract %x, %peaks : tensor<2x4xf32>
  %power = stablehlo.exponential %shifted : tensor<2x4xf32>
  %total = stablehlo.reduce(%power init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %totals = stablehlo.broadcast_in_dim %total, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %0 = stablehlo.divide %power, %totals : tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK:       func.func private @attnorm.rows.impl(%{{.*}}: tensor<2x4xf32>) -> tensor<2x4xf32>
// CHECK:       stablehlo.maximum
// CHECK:       stablehlo.exponential
// CHECK:       stablehlo.divide

// -----

// A value that others read too is a result; a conversion is copied, so that half types are read.
// CHECK-LABEL: func.func @residual
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xbf16>, %[[B:.*]]: tensor<2x4xbf16>)
// CHECK:         %[[R:.*]]:2 = stablehlo.composite "attnorm.rows" %[[A]], %[[B]] {{.*}} : (tensor<2x4xbf16>, tensor<2x4xbf16>) -> (tensor<2x4xbf16>, tensor<2xf32>)
// CHECK:         return %[[R]]#0, %[[R]]#1
func.func @residual(%a: tensor<2x4xbf16>, %b: tensor<2x4xbf16>) -> (tensor<2x4xbf16>, tensor<2xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sum = stablehlo.add %a, %b : tensor<2x4xbf16>
  %wide = stablehlo.convert %sum : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %total = stablehlo.reduce(%wide init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  return %sum, %total : tensor<2x4xbf16>, tensor<2xf32>
}

// -----

// What a kernel needs from behind its own result is left out: here the product.
// CHECK-LABEL: func.func @no_cycle
// CHECK:         %[[R:.*]] = stablehlo.composite "attnorm.rows" %{{.*}} : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK:         %[[DOT:.*]] = stablehlo.dot_general %[[R]], %[[R]]
// CHECK:         stablehlo.add %[[R]], %[[DOT]]
func.func @no_cycle(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %total = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %totals = stablehlo.broadcast_in_dim %total, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %part = stablehlo.divide %x, %totals : tensor<4x4xf32>
  %dot = stablehlo.dot_general %part, %part, contracting_dims = [1] x [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = stablehlo.add %part, %dot : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// Two kernels that read each other's rows in turn stand in the order of what they need.
// CHECK-LABEL: func.func @two
// CHECK:         %[[FIRST:.*]] = stablehlo.composite "attnorm.rows" %{{.*}} {decomposition = @[[IMPL:.*]], version
// CHECK:         %[[DOT:.*]] = stablehlo.dot_general %[[FIRST]], %[[FIRST]]
// CHECK:         %[[SECOND:.*]] = stablehlo.composite "attnorm.rows" %[[DOT]] {decomposition = @[[IMPL]], version
// CHECK:         return %[[SECOND]]
// CHECK:       func.func private @[[IMPL]]
// CHECK-NOT:   func.func
func.func @two(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %total = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %totals = stablehlo.broadcast_in_dim %total, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %part = stablehlo.divide %x, %totals : tensor<4x4xf32>
  %dot = stablehlo.dot_general %part, %part, contracting_dims = [1] x [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %total2 = stablehlo.reduce(%dot init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  %totals2 = stablehlo.broadcast_in_dim %total2, dims = [0] : (tensor<4xf32>) -> tensor<4x4xf32>
  %0 = stablehlo.divide %dot, %totals2 : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// Rows of unknown number and length: what computes sizes is copied, and reads arguments only.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME:    (%[[X:.*]]: tensor<?x?xf32>)
// CHECK-NEXT:    %[[R:.*]] = stablehlo.composite "attnorm.rows" %[[X]] {{.*}} : (tensor<?x?xf32>) -> tensor<?xf32>
// CHECK-NEXT:    return %[[R]]
// CHECK:       func.func private @attnorm.rows.impl
// CHECK:         stablehlo.get_dimension_size %arg0, dim = 1
func.func @dynamic(%x: tensor<?x?xf32>) -> tensor<?xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %c0 = arith.constant 0 : index
  %square = stablehlo.multiply %x, %x : tensor<?x?xf32>
  %total = stablehlo.reduce(%square init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x?xf32>, tensor<f32>) -> tensor<?xf32>
  %size = stablehlo.get_dimension_size %square, dim = 1 : (tensor<?x?xf32>) -> tensor<i32>
  %count = stablehlo.convert %size : (tensor<i32>) -> tensor<f32>
  %rows = tensor.dim %square, %c0 : tensor<?x?xf32>
  %shape = tensor.from_elements %rows : tensor<1xindex>
  %counts = stablehlo.dynamic_broadcast_in_dim %count, %shape, dims = [] : (tensor<f32>, tensor<1xindex>) -> tensor<?xf32>
  %mean = stablehlo.divide %total, %counts : tensor<?xf32>
  return %mean : tensor<?xf32>
}

// -----

// A size that comes from elsewhere is no operand of a composite: what needs it stays outside.
// CHECK-LABEL: func.func @size_from_elsewhere
// CHECK:         %[[R:.*]] = stablehlo.composite "attnorm.rows" %{{.*}} : (tensor<?x4xf32>) -> tensor<?xf32>
// CHECK:         stablehlo.dynamic_broadcast_in_dim %[[R]]
func.func @size_from_elsewhere(%x: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %c4 = arith.constant 4 : index
  %total = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x4xf32>, tensor<f32>) -> tensor<?xf32>
  %shape = tensor.from_elements %n, %c4 : tensor<2xindex>
  %totals = stablehlo.dynamic_broadcast_in_dim %total, %shape, dims = [0] {known_nonexpanding_dimensions = array<i64: 0>} : (tensor<?xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %0 = stablehlo.divide %x, %totals : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Rows need not be the last dimensions: the weight of a column goes with them.
// CHECK-LABEL: func.func @inner
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4x8xf32>, %[[W:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[R:.*]] = stablehlo.composite "attnorm.rows" %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
// CHECK-NEXT:    return %[[R]]
func.func @inner(%x: tensor<2x4x8xf32>, %w: tensor<4xf32>) -> tensor<2x4x8xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %ws = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> tensor<2x4x8xf32>
  %total = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %totals = stablehlo.broadcast_in_dim %total, dims = [0, 2] : (tensor<2x8xf32>) -> tensor<2x4x8xf32>
  %part = stablehlo.divide %x, %totals : tensor<2x4x8xf32>
  %0 = stablehlo.multiply %part, %ws : tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// -----

// Reductions of one value are one kernel that reads it once, though nothing else joins them.
// CHECK-LABEL: func.func @siblings
// CHECK-SAME:    (%[[W:.*]]: tensor<8x4xbf16>,
// CHECK:         %[[R:.*]]:2 = stablehlo.composite "attnorm.rows" %[[W]], {{.*}} : (tensor<8x4xbf16>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8xf32>, tensor<8xf32>)
// CHECK:         return %[[R]]#0, %[[R]]#1
func.func @siblings(%w: tensor<8x4xbf16>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %wide = stablehlo.convert %w : (tensor<8x4xbf16>) -> tensor<8x4xf32>
  %xs = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<4xf32>) -> tensor<8x4xf32>
  %ys = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<4xf32>) -> tensor<8x4xf32>
  %p = stablehlo.multiply %wide, %xs : tensor<8x4xf32>
  %q = stablehlo.multiply %wide, %ys : tensor<8x4xf32>
  %0 = stablehlo.reduce(%p init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = stablehlo.reduce(%q init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// The squares of what is a result anyway go to the norm that sums them up.
// CHECK-LABEL: func.func @squares
// CHECK:         %[[X:.*]] = stablehlo.composite "attnorm.rows" {{.*}} -> tensor<1x8xf32>
// CHECK:         stablehlo.composite "attnorm.rows" %[[X]] {{.*}} : (tensor<1x8xf32>) -> tensor<1x8xf32>
func.func @squares(%w: tensor<8x4xf32>) -> tensor<1x8xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%w init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %x = stablehlo.reshape %0 : (tensor<8xf32>) -> tensor<1x8xf32>
  %square = stablehlo.multiply %x, %x : tensor<1x8xf32>
  %1 = stablehlo.reduce(%square init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<1x8xf32>, tensor<f32>) -> tensor<1xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<1xf32>) -> tensor<1x8xf32>
  %3 = stablehlo.multiply %x, %2 : tensor<1x8xf32>
  return %3 : tensor<1x8xf32>
}

// -----

// Left alone: dimensions apart, integers, f64.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     stablehlo.composite
func.func @others(%x: tensor<2x4x3xf32>, %i: tensor<2x4xi32>, %d: tensor<2x4xf64>) -> (tensor<4xf32>, tensor<2xi32>, tensor<2xf64>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %none = stablehlo.constant dense<0> : tensor<i32>
  %wide = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<2x4x3xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = stablehlo.reduce(%i init: %none) applies stablehlo.add across dimensions = [1] : (tensor<2x4xi32>, tensor<i32>) -> tensor<2xi32>
  %2 = stablehlo.reduce(%d init: %wide) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf64>, tensor<f64>) -> tensor<2xf64>
  return %0, %1, %2 : tensor<4xf32>, tensor<2xi32>, tensor<2xf64>
}

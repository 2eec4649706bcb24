// RUN: attnorm-opt %s --fuse-norm-mul | FileCheck %s
// RUN: attnorm-opt %s --fuse-norm-mul -o %t.once
// RUN: attnorm-opt %s --fuse-norm-mul --fuse-norm-mul -o %t.twice
// RUN: diff %t.once %t.twice

// The product of a norm with a tensor of its shape is one op.
// CHECK-LABEL: func.func @gate
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<2x4xf32>)
func.func @gate(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[R:.*]] = "attnorm.rms_norm_mul"(%[[X]], %[[S]], %[[W]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1, 1>}
  // CHECK: return %[[R]]
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// The norm may stand on either side.
// CHECK-LABEL: func.func @gate_first
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[S:.*]]: tensor<2x4xf32>)
func.func @gate_first(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"(%[[X]], %[[S]])
  // CHECK-NOT: stablehlo.multiply
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %s, %0 : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Cast order and weight offset are kept.
// CHECK-LABEL: func.func @attributes
func.func @attributes(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>, %s: tensor<2x4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm_mul"{{.*}} {axes = array<i64: 1>, cast = "before_weight", epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1, 1>, weight_offset = 1.000000e+00 : f64}
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, cast = "before_weight", weight_offset = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xbf16>
  return %1 : tensor<2x4xbf16>
}

// The multiplier has the type of the norm's result, not that of x.
// CHECK-LABEL: func.func @result_type
func.func @result_type(%x: tensor<2x4xbf16>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %{{.*}}) {{.*}} : (tensor<2x4xbf16>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xbf16>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A factor is read as it was before a broadcast along leading dimensions.
// CHECK-LABEL: func.func @broadcast_trailing
// CHECK-SAME:    (%{{.*}}: tensor<2x4xf32>, %{{.*}}: tensor<4xf32>, %[[S:.*]]: tensor<4xf32>)
func.func @broadcast_trailing(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %[[S]], %{{.*}})
  // CHECK-NOT: stablehlo.multiply
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A scalar likewise.
// CHECK-LABEL: func.func @broadcast_scalar
// CHECK-SAME:    (%{{.*}}: tensor<2x4xf32>, %{{.*}}: tensor<4xf32>, %[[S:.*]]: tensor<f32>)
func.func @broadcast_scalar(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<f32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %[[S]], %{{.*}}) {{.*}}tensor<f32>
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [] : (tensor<f32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A factor of rows gets a 1 for the dimension behind it.
// CHECK-LABEL: func.func @broadcast_rows
// CHECK-SAME:    (%{{.*}}: tensor<2x4xf32>, %{{.*}}: tensor<4xf32>, %[[S:.*]]: tensor<2xf32>)
func.func @broadcast_rows(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<2xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[T:.*]] = stablehlo.reshape %[[S]] : (tensor<2xf32>) -> tensor<2x1xf32>
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %[[T]], %{{.*}})
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// ... and for those between the dimensions it keeps.
// CHECK-LABEL: func.func @broadcast_middle
func.func @broadcast_middle(%x: tensor<2x3x4xf32>, %w: tensor<4xf32>, %s: tensor<2x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK: stablehlo.reshape {{.*}} -> tensor<2x1x4xf32>
  // CHECK: "attnorm.rms_norm_mul"{{.*}}tensor<2x1x4xf32>
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 2>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [0, 2] : (tensor<2x4xf32>) -> tensor<2x3x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// A broadcast that changes the order of dimensions is kept.
// CHECK-LABEL: func.func @broadcast_transposed
func.func @broadcast_transposed(%x: tensor<4x4xf32>, %w: tensor<4xf32>, %s: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK: %[[B:.*]] = stablehlo.broadcast_in_dim %{{.*}}, dims = [1, 0]
  // CHECK: "attnorm.rms_norm_mul"(%{{.*}}, %[[B]], %{{.*}})
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// A factor along the normalised axis is the weight of a norm that has none.
// CHECK-LABEL: func.func @as_weight
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[S:.*]]: tensor<4xf32>)
func.func @as_weight(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[R:.*]] = "attnorm.rms_norm"(%[[X]], %[[S]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1>}
  // CHECK: return %[[R]]
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A factor along some of the axes gets 1s for the others.
// CHECK-LABEL: func.func @as_weight_two_axes
func.func @as_weight_two_axes(%x: tensor<2x3x4xf32>, %s: tensor<4xf32>) -> tensor<2x3x4xf32> {
  // CHECK: %[[T:.*]] = stablehlo.reshape {{.*}} -> tensor<1x4xf32>
  // CHECK: "attnorm.rms_norm"(%{{.*}}, %[[T]]) {axes = array<i64: 1, 2>
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1, 2>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [2] : (tensor<4xf32>) -> tensor<2x3x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// A factor of rows is no weight.
// CHECK-LABEL: func.func @not_as_weight
func.func @not_as_weight(%x: tensor<2x4xf32>, %s: tensor<2xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A half norm was rounded before the product: the cast comes before the weight.
// CHECK-LABEL: func.func @cast_half
func.func @cast_half(%x: tensor<2x4xbf16>, %s: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm"{{.*}}cast = "before_weight"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xbf16>) -> tensor<2x4xbf16>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xbf16>
  return %1 : tensor<2x4xbf16>
}

// A half norm with an f32 result was not rounded: the cast comes after.
// CHECK-LABEL: func.func @cast_widened
func.func @cast_widened(%x: tensor<2x4xf16>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%{{.*}}) {axes = array<i64: 1>, epsilon
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf16>) -> tensor<2x4xf32>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// f32 with a half result is rounded before the product.
// CHECK-LABEL: func.func @cast_narrowed
func.func @cast_narrowed(%x: tensor<2x4xf32>, %s: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm"{{.*}}cast = "before_weight"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xbf16>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xbf16>) -> tensor<2x4xbf16>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xbf16>
  return %1 : tensor<2x4xbf16>
}

// bf16 with an f16 result has no cast order that rounds once: a multiplier it is.
// CHECK-LABEL: func.func @cast_halves
func.func @cast_halves(%x: tensor<2x4xbf16>, %s: tensor<4xf16>) -> tensor<2x4xf16> {
  // CHECK: "attnorm.rms_norm_mul"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xbf16>) -> tensor<2x4xf16>
  %b = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xf16>) -> tensor<2x4xf16>
  %1 = stablehlo.multiply %0, %b : tensor<2x4xf16>
  return %1 : tensor<2x4xf16>
}

// A norm with another use is left alone.
// CHECK-LABEL: func.func @two_uses
func.func @two_uses(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: "attnorm.rms_norm"
  // CHECK: stablehlo.multiply
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// The square of a norm uses it twice.
// CHECK-LABEL: func.func @square
func.func @square(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[N:.*]] = "attnorm.rms_norm"
  // CHECK: stablehlo.multiply %[[N]], %[[N]]
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %0 : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A product in a region may run more often than the norm before it.
// CHECK-LABEL: func.func @region
func.func @region(%x: tensor<2x4xf32>, %p: tensor<i1>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"
  // CHECK: "stablehlo.if"
  // CHECK: stablehlo.multiply
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = "stablehlo.if"(%p) ({
    %2 = stablehlo.multiply %0, %x : tensor<2x4xf32>
    stablehlo.return %2 : tensor<2x4xf32>
  }, {
    stablehlo.return %x : tensor<2x4xf32>
  }) : (tensor<i1>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Other users are none of this pass's business.
// CHECK-LABEL: func.func @other_op
func.func @other_op(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"
  // CHECK: stablehlo.add
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.add %0, %s : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Dynamic sizes are fused as static ones.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x4xf32>, %s: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: "attnorm.rms_norm_mul"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// Products right behind their norms, one after the other.
// CHECK-LABEL: func.func @chain
func.func @chain(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-COUNT-3: "attnorm.rms_norm_mul"
  // CHECK-NOT: stablehlo.multiply
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xf32>
  %2 = "attnorm.rms_norm"(%1) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = stablehlo.multiply %2, %s : tensor<2x4xf32>
  %4 = "attnorm.rms_norm"(%3) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = stablehlo.multiply %4, %s : tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// Of a product of two norms, the one that nothing else reads takes the other in.
// CHECK-LABEL: func.func @two_norms
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[Y:.*]]: tensor<2x4xf32>)
func.func @two_norms(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[N:.*]] = "attnorm.rms_norm"(%[[X]])
  // CHECK: "attnorm.rms_norm_mul"(%[[Y]], %[[N]])
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = "attnorm.rms_norm"(%y) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x4xf32>
  return %0, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// A norm that rounds at every step still does with the weight.
// CHECK-LABEL: func.func @weight_throughout
func.func @weight_throughout(%x: tensor<2x4xbf16>, %s: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm"(%{{.*}}, %{{.*}}) {axes = array<i64: 1>, cast = "throughout"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, cast = "throughout", epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
  %1 = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xbf16>) -> tensor<2x4xbf16>
  %2 = stablehlo.multiply %0, %1 : tensor<2x4xbf16>
  return %2 : tensor<2x4xbf16>
}

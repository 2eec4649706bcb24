// RUN: attnorm-opt %s --fuse-add-norm | FileCheck %s
// RUN: attnorm-opt %s --fuse-add-norm -o %t.once
// RUN: attnorm-opt %s --fuse-add-norm --fuse-add-norm -o %t.twice
// RUN: diff %t.once %t.twice

// A sum that is used behind its norm too: one op gives both.
// CHECK-LABEL: func.func @used_after
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @used_after(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %w: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"(%[[A]], %[[B]], %[[W]]) {axes = array<i64: 1>, cast = "before_weight", epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1, 1>, weight_offset = 1.000000e+00 : f64}
  // CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  %1 = "attnorm.rms_norm"(%0, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, cast = "before_weight", weight_offset = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// A use ahead of the norm is served as well.
// CHECK-LABEL: func.func @used_before
func.func @used_before(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"
  // CHECK: %[[E:.*]] = stablehlo.exponential %[[BOTH]]#0
  // CHECK: return %[[E]], %[[BOTH]]#1
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  %1 = stablehlo.exponential %0 : tensor<2x4xf32>
  %2 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// With a weight made after the sum, the fused op stands where the norm stood.
// CHECK-LABEL: func.func @weight_after
func.func @weight_after(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %w: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[W:.*]] = stablehlo.exponential
  // CHECK: "attnorm.add_rms_norm"(%{{.*}}, %{{.*}}, %[[W]])
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  %1 = stablehlo.exponential %w : tensor<4xf32>
  %2 = "attnorm.rms_norm"(%0, %1) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// Of two norms of one sum the first takes it in; the second reads the sum that comes out.
// CHECK-LABEL: func.func @two_norms
func.func @two_norms(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"{{.*}}epsilon = 5.000000e-01
  // CHECK: %[[N:.*]] = "attnorm.rms_norm"(%[[BOTH]]#0) {{.*}}epsilon = 2.500000e-01
  // CHECK: return %[[BOTH]]#1, %[[N]]
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  %1 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.25 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// A value added to itself.
// CHECK-LABEL: func.func @doubled
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xf32>)
func.func @doubled(%a: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: "attnorm.add_rms_norm"(%[[A]], %[[A]])
  %0 = stablehlo.add %a, %a : tensor<2x4xf32>
  %1 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// The sum may be used inside a region.
// CHECK-LABEL: func.func @used_in_region
func.func @used_in_region(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %p: tensor<i1>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"
  // CHECK: "stablehlo.if"
  // CHECK: stablehlo.exponential %[[BOTH]]#0
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  %1 = "stablehlo.if"(%p) ({
    %2 = stablehlo.exponential %0 : tensor<2x4xf32>
    stablehlo.return %2 : tensor<2x4xf32>
  }, {
    stablehlo.return %a : tensor<2x4xf32>
  }) : (tensor<i1>) -> tensor<2x4xf32>
  %3 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1, %3 : tensor<2x4xf32>, tensor<2x4xf32>
}

// ... also where the fused op has to wait for its weight, if the region comes later.
// CHECK-LABEL: func.func @used_in_later_region
func.func @used_in_later_region(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>, %p: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: stablehlo.exponential
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"
  // CHECK: stablehlo.return %[[BOTH]]#0
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  %1 = stablehlo.exponential %c : tensor<4xf32>
  %2 = "attnorm.rms_norm"(%0, %1) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "stablehlo.if"(%p) ({
    stablehlo.return %0 : tensor<4xf32>
  }, {
    stablehlo.return %a : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}

// The norm of anything but a sum is not this pass's.
// CHECK-LABEL: func.func @no_sum
func.func @no_sum(%a: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: stablehlo.exponential
  // CHECK: "attnorm.rms_norm"
  %0 = stablehlo.exponential %a : tensor<2x4xf32>
  %1 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// What is refused stays as it is.
// RUN: attnorm-opt %s --fuse-add-norm --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep add_rms_norm %t

// A sum that only the norm reads: there is no second result to save.
func.func @norm_alone(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.add %a, %b : tensor<2x4xf32>
  // expected-remark @+1 {{x: expected a sum with another use, got one for the norm alone}}
  %1 = "attnorm.rms_norm"(%0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// A weight made after another use of the sum: no place serves both.
func.func @weight_too_late(%a: tensor<4xf32>, %b: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  %1 = stablehlo.exponential %0 : tensor<4xf32>
  %2 = stablehlo.exponential %w : tensor<4xf32>
  // expected-remark @+1 {{weight: expected a value defined before the sum's other uses}}
  %3 = "attnorm.rms_norm"(%0, %2) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// ... nor where that use is in a region.
func.func @weight_too_late_for_region(%a: tensor<4xf32>, %b: tensor<4xf32>, %w: tensor<4xf32>, %p: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  %1 = "stablehlo.if"(%p) ({
    stablehlo.return %0 : tensor<4xf32>
  }, {
    stablehlo.return %a : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  %2 = stablehlo.exponential %w : tensor<4xf32>
  // expected-remark @+1 {{weight: expected a value defined before the sum's other uses}}
  %3 = "attnorm.rms_norm"(%0, %2) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// The sum as its own norm's weight.
func.func @weight_is_sum(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  // expected-remark @+1 {{weight: expected a value defined before the sum's other uses}}
  %1 = "attnorm.rms_norm"(%0, %0) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A norm in a region, whose weight is that region's own argument.
func.func @norm_in_region(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  %1 = "stablehlo.while"(%a) ({
  ^bb0(%w: tensor<4xf32>):
    %true = stablehlo.constant dense<true> : tensor<i1>
    stablehlo.return %true : tensor<i1>
  }, {
  ^bb0(%w: tensor<4xf32>):
    // expected-remark @+1 {{x: expected a sum in the norm's own block, got one outside}}
    %2 = "attnorm.rms_norm"(%0, %w) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    stablehlo.return %2 : tensor<4xf32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Operands that know less of their sizes than the sum.
func.func @operand_types(%a: tensor<?xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "stablehlo.add"(%a, %b) : (tensor<?xf32>, tensor<4xf32>) -> tensor<4xf32>
  // expected-remark @+1 {{x: expected a sum of two operands of its own type, tensor<4xf32>}}
  %1 = "attnorm.rms_norm"(%0) {axes = array<i64: 0>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

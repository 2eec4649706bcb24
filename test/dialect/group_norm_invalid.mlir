// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @group_norm_c1_missing_groups(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{groups: expected an integer, got none [group_norm_c1]}}
  %0 = "attnorm.group_norm"(%a) {
    epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// A float is no integer.
func.func @group_norm_c1_groups_float(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{groups: expected an integer, got 2.000000e+00 : f64 [group_norm_c1]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2.0 : f64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @group_norm_c1_unknown(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{channel_dim: expected no such attribute; known are groups, channel_axis, epsilon, activation [group_norm_c1]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, channel_dim = 1 : i64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// An activation that there is not.
func.func @group_norm_c1_activation(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{activation: expected one of "none", "silu", got "gelu" [group_norm_c1]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, activation = "gelu", operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// Two optional operands need segment sizes.
func.func @group_norm_c1_segments_missing(%a: tensor<2x6x5xf32>, %b: tensor<6xf32>) {
  // expected-error @+1 {{operands: expected x, weight?, bias? (and operandSegmentSizes), got 2 operands [group_norm_c1]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64
  } : (tensor<2x6x5xf32>, tensor<6xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// One result too many.
func.func @group_norm_c1_result_count(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{results: expected 1, got 2 [group_norm_c1]}}
  %0:2 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> (tensor<2x6x5xf32>, tensor<2x6x5xf32>)
  return
}

// -----

// Integers have no norm.
func.func @group_norm_c2_integer(%a: tensor<2x6x5xi32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x6x5xi32> [group_norm_c2]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xi32>) -> tensor<2x6x5xi32>
  return
}

// -----

// The rank is unknown.
func.func @group_norm_c2_unranked(%a: tensor<*xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [group_norm_c2]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// The first dimension is the batch.
func.func @group_norm_c3_batch(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{channel_axis: expected a value in [1, 3), got 0 [group_norm_c3]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, channel_axis = 0 : i64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// No dimension is that far.
func.func @group_norm_c3_range(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{channel_axis: expected a value in [1, 3), got 3 [group_norm_c3]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, channel_axis = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// Only a batch.
func.func @group_norm_c3_rank_1(%a: tensor<6xf32>) {
  // expected-error @+1 {{channel_axis: expected a value in [1, 1), got 1 [group_norm_c3]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<6xf32>) -> tensor<6xf32>
  return
}

// -----

// Nothing to normalise.
func.func @group_norm_c4_empty(%a: tensor<2x6x0xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got 2x6x0 [group_norm_c4]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x0xf32>) -> tensor<2x6x0xf32>
  return
}

// -----

// Groups of unequal sizes.
func.func @group_norm_c5_divide(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{groups: expected a divisor of 6, got 4 [group_norm_c5]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 4 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// No group.
func.func @group_norm_c5_zero(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{groups: expected a divisor of 6, got 0 [group_norm_c5]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 0 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// A negative number that divides.
func.func @group_norm_c5_negative(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{groups: expected a divisor of 6, got -2 [group_norm_c5]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = -2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// Whether groups divide what is not known cannot be told.
func.func @group_norm_c5_dynamic(%a: tensor<2x?x5xf32>) {
  // expected-error @+1 {{x: expected a static number of channels, got a dynamic one [group_norm_c5]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x?x5xf32>) -> tensor<2x?x5xf32>
  return
}

// -----

// A negative epsilon.
func.func @group_norm_c6_negative(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -1e-06 [group_norm_c6]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = -1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// A number for each group.
func.func @group_norm_c7_groups(%a: tensor<2x6x5xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{weight: expected shape 6 (or 1s), got 2 [group_norm_c7]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x6x5xf32>, tensor<2xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// The length of another dimension.
func.func @group_norm_c7_axis(%a: tensor<2x6x5xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{weight: expected shape 6 (or 1s), got 5 [group_norm_c7]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x6x5xf32>, tensor<5xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// More dimensions than the channels.
func.func @group_norm_c7_rank(%a: tensor<2x6x5xf32>, %b: tensor<6x1xf32>) {
  // expected-error @+1 {{weight: expected shape 6 (or 1s), got 6x1 [group_norm_c7]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x6x5xf32>, tensor<6x1xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// Integers.
func.func @group_norm_c7_integer(%a: tensor<2x6x5xf32>, %b: tensor<6xi32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<6xi32> [group_norm_c7]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x6x5xf32>, tensor<6xi32>) -> tensor<2x6x5xf32>
  return
}

// -----

// A number for each group.
func.func @group_norm_c8_groups(%a: tensor<2x6x5xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{bias: expected shape 6 (or 1s), got 2 [group_norm_c8]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x6x5xf32>, tensor<2xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// The rank is unknown.
func.func @group_norm_c8_unranked(%a: tensor<2x6x5xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{bias: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [group_norm_c8]}}
  %0 = "attnorm.group_norm"(%a, %b) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x6x5xf32>, tensor<*xf32>) -> tensor<2x6x5xf32>
  return
}

// -----

// Another shape.
func.func @group_norm_c9_shape(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x6x5, got 2x3x10 [group_norm_c9]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x3x10xf32>
  return
}

// -----

// Dynamic where x is static.
func.func @group_norm_c9_dynamic(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x6x5, got ?x6x5 [group_norm_c9]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<?x6x5xf32>
  return
}

// -----

// Integers.
func.func @group_norm_c9_integer(%a: tensor<2x6x5xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x6x5xi32> [group_norm_c9]}}
  %0 = "attnorm.group_norm"(%a) {
    groups = 2 : i64, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x6x5xf32>) -> tensor<2x6x5xi32>
  return
}

// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @layer_norm_c1_missing_axes(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got none [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a) {
    epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An integer is no float.
func.func @layer_norm_c1_epsilon_integer(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got 1 : i64 [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1 : i64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @layer_norm_c1_unknown(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilom: expected no such attribute; known are axes, epsilon [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, epsilom = 1.0e-6 : f64,
    operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>)
      -> tensor<2x4xf32>
  return
}

// -----

// One operand too many.
func.func @layer_norm_c1_operand_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>,
    %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight?, bias? (and operandSegmentSizes), got 4 operands [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a, %b, %c, %d) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The segment sizes announce an operand that is not there.
func.func @layer_norm_c1_segments_sum(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight?, bias? (and operandSegmentSizes), got 1 operands [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A negative segment size.
func.func @layer_norm_c1_segments_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight?, bias? (and operandSegmentSizes), got 1 operands [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 2, -1, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Two optional operands need segment sizes.
func.func @layer_norm_c1_segments_missing(%a: tensor<2x4xf32>, %b: tensor<4xf32>,
    %c: tensor<4xf32>) {
  // expected-error @+1 {{operands: expected x, weight?, bias? (and operandSegmentSizes), got 3 operands [layer_norm_c1]}}
  %0 = "attnorm.layer_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No result.
func.func @layer_norm_c1_no_results(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 0 [layer_norm_c1]}}
  "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> ()
  return
}

// -----

// One result too many.
func.func @layer_norm_c1_result_count(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 2 [layer_norm_c1]}}
  %0:2 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @layer_norm_c2_unranked(%a: tensor<*xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [layer_norm_c2]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @layer_norm_c2_memref(%a: memref<2x4xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [layer_norm_c2]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (memref<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// Integers have no norm.
func.func @layer_norm_c2_integer(%a: tensor<2x4xi32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [layer_norm_c2]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xi32>) -> tensor<2x4xi32>
  return
}

// -----

// No lowering would keep an encoding.
func.func @layer_norm_c2_encoding(%a: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{x: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [layer_norm_c2]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32, "packed">) -> tensor<2x4xf32, "packed">
  return
}

// -----

// No axis.
func.func @layer_norm_c3_empty(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected at least one axis, got none [layer_norm_c3]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An axis out of range.
func.func @layer_norm_c3_range(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [2] [layer_norm_c3]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 2>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A scalar has no axis.
func.func @layer_norm_c3_rank_0(%a: tensor<f32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 0), got [0] [layer_norm_c3]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 0>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<f32>) -> tensor<f32>
  return
}

// -----

// No rows.
func.func @layer_norm_c4_rows(%a: tensor<0x4xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got 0x4 [layer_norm_c4]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<0x4xf32>) -> tensor<0x4xf32>
  return
}

// -----

// Rows of no elements.
func.func @layer_norm_c4_normalised(%a: tensor<?x0xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got ?x0 [layer_norm_c4]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<?x0xf32>) -> tensor<?x0xf32>
  return
}

// -----

// A negative epsilon.
func.func @layer_norm_c5_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -1e-06 [layer_norm_c5]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = -1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN.
func.func @layer_norm_c5_nan(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got nan [layer_norm_c5]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0x7FF8000000000000 : f64,
    operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>)
      -> tensor<2x4xf32>
  return
}

// -----

// A length that is not that of the axis.
func.func @layer_norm_c6_length(%a: tensor<2x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 3 [layer_norm_c6]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// More dimensions than axes.
func.func @layer_norm_c6_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 2x4 [layer_norm_c6]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Integers.
func.func @layer_norm_c6_integer(%a: tensor<2x4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [layer_norm_c6]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return
}

// -----

// The rank is unknown.
func.func @layer_norm_c6_unranked(%a: tensor<2x4xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [layer_norm_c6]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
  } : (tensor<2x4xf32>, tensor<*xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A length that is not that of the axis.
func.func @layer_norm_c7_length(%a: tensor<2x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{bias: expected shape 4 (or 1s), got 3 [layer_norm_c7]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// More dimensions than axes.
func.func @layer_norm_c7_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{bias: expected shape 4 (or 1s), got 2x4 [layer_norm_c7]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Integers.
func.func @layer_norm_c7_integer(%a: tensor<2x4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{bias: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [layer_norm_c7]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return
}

// -----

// The rank is unknown.
func.func @layer_norm_c7_unranked(%a: tensor<2x4xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{bias: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [layer_norm_c7]}}
  %0 = "attnorm.layer_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x4xf32>, tensor<*xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Another shape.
func.func @layer_norm_c8_shape(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 4x2 [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return
}

// -----

// Another rank.
func.func @layer_norm_c8_rank(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 8 [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<8xf32>
  return
}

// -----

// Dynamic where the operand is static.
func.func @layer_norm_c8_dynamic(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 2x? [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x?xf32>
  return
}

// -----

// Integers.
func.func @layer_norm_c8_integer(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xi32>
  return
}

// -----

// The rank is unknown.
func.func @layer_norm_c8_unranked(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer.
func.func @layer_norm_c8_memref(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// An encoding.
func.func @layer_norm_c8_encoding(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [layer_norm_c8]}}
  %0 = "attnorm.layer_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32, "packed">
  return
}

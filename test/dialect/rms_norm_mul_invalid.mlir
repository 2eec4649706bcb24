// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @rms_norm_mul_c1_missing_axes(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got none [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An integer is no float.
func.func @rms_norm_mul_c1_epsilon_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got 1 : i64 [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1 : i64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A word that is none of the choices.
func.func @rms_norm_mul_c1_cast_word(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{cast: expected one of "before_weight", "after_weight", "throughout", got "before" [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = "before"
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @rms_norm_mul_c1_unknown(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilom: expected no such attribute; known are axes, epsilon, weight_offset, cast [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, epsilom = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// One operand too many.
func.func @rms_norm_mul_c1_operand_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>,
    %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, multiplier, weight? (and operandSegmentSizes), got 4 operands [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c, %d) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The segment sizes announce an operand that is not there.
func.func @rms_norm_mul_c1_segments_sum(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, multiplier, weight? (and operandSegmentSizes), got 2 operands [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A negative segment size.
func.func @rms_norm_mul_c1_segments_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, multiplier, weight? (and operandSegmentSizes), got 2 operands [rms_norm_mul_c1]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 2, 1, -1>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No result.
func.func @rms_norm_mul_c1_no_results(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 0 [rms_norm_mul_c1]}}
  "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> ()
  return
}

// -----

// One result too many.
func.func @rms_norm_mul_c1_result_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 2 [rms_norm_mul_c1]}}
  %0:2 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_mul_c2_unranked(%a: tensor<*xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_mul_c2]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @rms_norm_mul_c2_memref(%a: memref<2x4xf32>, %b: memref<2x4xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [rms_norm_mul_c2]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (memref<2x4xf32>, memref<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// Integers have no norm.
func.func @rms_norm_mul_c2_integer(%a: tensor<2x4xi32>, %b: tensor<2x4xi32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_mul_c2]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xi32>, tensor<2x4xi32>) -> tensor<2x4xi32>
  return
}

// -----

// No lowering would keep an encoding.
func.func @rms_norm_mul_c2_encoding(%a: tensor<2x4xf32, "packed">, %b: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{x: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [rms_norm_mul_c2]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32, "packed">, tensor<2x4xf32, "packed">) -> tensor<2x4xf32, "packed">
  return
}

// -----

// No axis.
func.func @rms_norm_mul_c3_empty(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected at least one axis, got none [rms_norm_mul_c3]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An axis out of range.
func.func @rms_norm_mul_c3_range(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [2] [rms_norm_mul_c3]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 2>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A scalar has no axis.
func.func @rms_norm_mul_c3_rank_0(%a: tensor<f32>, %b: tensor<f32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 0), got [0] [rms_norm_mul_c3]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 0>, epsilon = 1.0e-6 : f64
  } : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

// No rows.
func.func @rms_norm_mul_c4_rows(%a: tensor<0x4xf32>, %b: tensor<0x4xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got 0x4 [rms_norm_mul_c4]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<0x4xf32>, tensor<0x4xf32>) -> tensor<0x4xf32>
  return
}

// -----

// Rows of no elements.
func.func @rms_norm_mul_c4_normalised(%a: tensor<?x0xf32>, %b: tensor<?x0xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got ?x0 [rms_norm_mul_c4]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<?x0xf32>, tensor<?x0xf32>) -> tensor<?x0xf32>
  return
}

// -----

// A negative epsilon.
func.func @rms_norm_mul_c5_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -1e-06 [rms_norm_mul_c5]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = -1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN.
func.func @rms_norm_mul_c5_nan(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got nan [rms_norm_mul_c5]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A length that is not that of the axis.
func.func @rms_norm_mul_c6_length(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 3 [rms_norm_mul_c6]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// More dimensions than axes.
func.func @rms_norm_mul_c6_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 2x4 [rms_norm_mul_c6]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Integers.
func.func @rms_norm_mul_c6_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [rms_norm_mul_c6]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_mul_c6_unranked(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<*xf32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_mul_c6]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<*xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An offset other than 0 and 1.
func.func @rms_norm_mul_c7_value(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got 0.5 [rms_norm_mul_c7]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0.5 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A negative offset.
func.func @rms_norm_mul_c7_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got -1.0 [rms_norm_mul_c7]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = -1.0 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN.
func.func @rms_norm_mul_c7_nan(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got nan [rms_norm_mul_c7]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// There is no weight to add it to.
func.func @rms_norm_mul_c7_no_weight(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 without a weight, got 1 [rms_norm_mul_c7]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 1.0 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Another shape.
func.func @rms_norm_mul_c8_shape(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 4x2 [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x2xf32>
  return
}

// -----

// Another rank.
func.func @rms_norm_mul_c8_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 8 [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<8xf32>
  return
}

// -----

// Dynamic where the operand is static.
func.func @rms_norm_mul_c8_dynamic(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 2x? [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x?xf32>
  return
}

// -----

// Integers.
func.func @rms_norm_mul_c8_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi32>
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_mul_c8_unranked(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer.
func.func @rms_norm_mul_c8_memref(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// An encoding.
func.func @rms_norm_mul_c8_encoding(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [rms_norm_mul_c8]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32, "packed">
  return
}

// -----

// A shape that does not broadcast.
func.func @rms_norm_mul_c9_shape(%a: tensor<2x4xf32>, %b: tensor<2x3xf32>) {
  // expected-error @+1 {{multiplier: expected a shape that broadcasts to 2x4, got 2x3 [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Broadcasting aligns the last axes.
func.func @rms_norm_mul_c9_leading(%a: tensor<2x4xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{multiplier: expected a shape that broadcasts to 2x4, got 2 [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A rank above that of x.
func.func @rms_norm_mul_c9_rank(%a: tensor<2x4xf32>, %b: tensor<1x2x4xf32>) {
  // expected-error @+1 {{multiplier: expected a shape that broadcasts to 2x4, got 1x2x4 [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<1x2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No elements.
func.func @rms_norm_mul_c9_empty(%a: tensor<2x4xf32>, %b: tensor<0x4xf32>) {
  // expected-error @+1 {{multiplier: expected a shape that broadcasts to 2x4, got 0x4 [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<0x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Another element type than the result's.
func.func @rms_norm_mul_c9_element(%a: tensor<2x4xf32>, %b: tensor<2x4xf16>) {
  // expected-error @+1 {{multiplier: expected f32, got f16 [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf16>) -> tensor<2x4xf32>
  return
}

// -----

// Integers.
func.func @rms_norm_mul_c9_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xi32>) {
  // expected-error @+1 {{multiplier: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xi32>) -> tensor<2x4xf32>
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_mul_c9_unranked(%a: tensor<2x4xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{multiplier: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<*xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A buffer.
func.func @rms_norm_mul_c9_memref(%a: tensor<2x4xf32>, %b: memref<2x4xf32>) {
  // expected-error @+1 {{multiplier: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, memref<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An encoding.
func.func @rms_norm_mul_c9_encoding(%a: tensor<2x4xf32>, %b: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{multiplier: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [rms_norm_mul_c9]}}
  %0 = "attnorm.rms_norm_mul"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32, "packed">) -> tensor<2x4xf32>
  return
}

// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @add_rms_norm_c1_missing_axes(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got none [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// An integer is no float.
func.func @add_rms_norm_c1_epsilon_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got 1 : i64 [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1 : i64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A word that is none of the choices.
func.func @add_rms_norm_c1_cast_word(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{cast: expected one of "before_weight", "after_weight", "throughout", got "before" [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = "before"
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A misspelling of an attribute.
func.func @add_rms_norm_c1_unknown(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilom: expected no such attribute; known are axes, epsilon, weight_offset, cast [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, epsilom = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// One operand too many.
func.func @add_rms_norm_c1_operand_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>,
    %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected a, b, weight? (and operandSegmentSizes), got 4 operands [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c, %d) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
      -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The segment sizes announce an operand that is not there.
func.func @add_rms_norm_c1_segments_sum(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected a, b, weight? (and operandSegmentSizes), got 2 operands [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A negative segment size.
func.func @add_rms_norm_c1_segments_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected a, b, weight? (and operandSegmentSizes), got 2 operands [add_rms_norm_c1]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 2, 1, -1>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// No result.
func.func @add_rms_norm_c1_no_results(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 2, got 0 [add_rms_norm_c1]}}
  "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> ()
  return
}

// -----

// One result too many.
func.func @add_rms_norm_c1_result_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 2, got 3 [add_rms_norm_c1]}}
  %0:3 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @add_rms_norm_c2_unranked(%a: tensor<*xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{a: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<*xf32>, tensor<*xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

// A buffer is no tensor.
func.func @add_rms_norm_c2_memref(%a: memref<2x4xf32>, %b: memref<2x4xf32>) {
  // expected-error @+1 {{a: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (memref<2x4xf32>, memref<2x4xf32>) -> (memref<2x4xf32>, memref<2x4xf32>)
  return
}

// -----

// Integers have no norm.
func.func @add_rms_norm_c2_integer(%a: tensor<2x4xi32>, %b: tensor<2x4xi32>) {
  // expected-error @+1 {{a: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xi32>, tensor<2x4xi32>) -> (tensor<2x4xi32>, tensor<2x4xi32>)
  return
}

// -----

// No lowering would keep an encoding.
func.func @add_rms_norm_c2_encoding(%a: tensor<2x4xf32, "packed">, %b: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{a: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32, "packed">, tensor<2x4xf32, "packed">)
      -> (tensor<2x4xf32, "packed">, tensor<2x4xf32, "packed">)
  return
}

// -----

// No axis.
func.func @add_rms_norm_c3_empty(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected at least one axis, got none [add_rms_norm_c3]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// An axis out of range.
func.func @add_rms_norm_c3_range(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [2] [add_rms_norm_c3]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 2>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A scalar has no axis.
func.func @add_rms_norm_c3_rank_0(%a: tensor<f32>, %b: tensor<f32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 0), got [0] [add_rms_norm_c3]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 0>, epsilon = 1.0e-6 : f64
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

// No rows.
func.func @add_rms_norm_c4_rows(%a: tensor<0x4xf32>, %b: tensor<0x4xf32>) {
  // expected-error @+1 {{a: expected rows and normalised sizes above 0, got 0x4 [add_rms_norm_c4]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<0x4xf32>, tensor<0x4xf32>) -> (tensor<0x4xf32>, tensor<0x4xf32>)
  return
}

// -----

// Rows of no elements.
func.func @add_rms_norm_c4_normalised(%a: tensor<?x0xf32>, %b: tensor<?x0xf32>) {
  // expected-error @+1 {{a: expected rows and normalised sizes above 0, got ?x0 [add_rms_norm_c4]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<?x0xf32>, tensor<?x0xf32>) -> (tensor<?x0xf32>, tensor<?x0xf32>)
  return
}

// -----

// A negative epsilon.
func.func @add_rms_norm_c5_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -1e-06 [add_rms_norm_c5]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = -1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// NaN.
func.func @add_rms_norm_c5_nan(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got nan [add_rms_norm_c5]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Addends of two shapes.
func.func @add_rms_norm_c2_b_shape(%a: tensor<2x4xf32>, %b: tensor<4x2xf32>) {
  // expected-error @+1 {{b: expected the shape of a, 2x4, got 4x2 [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<4x2xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Addends do not broadcast.
func.func @add_rms_norm_c2_b_broadcast(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{b: expected the shape of a, 2x4, got 4 [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Dynamic where a is static.
func.func @add_rms_norm_c2_b_dynamic(%a: tensor<2x4xf32>, %b: tensor<?x4xf32>) {
  // expected-error @+1 {{b: expected the shape of a, 2x4, got ?x4 [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<?x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Addends of two types.
func.func @add_rms_norm_c2_b_element(%a: tensor<2x4xf32>, %b: tensor<2x4xf16>) {
  // expected-error @+1 {{b: expected f32, got f16 [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf16>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Integers.
func.func @add_rms_norm_c2_b_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xi32>) {
  // expected-error @+1 {{b: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [add_rms_norm_c2]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xi32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A length that is not that of the axis.
func.func @add_rms_norm_c6_length(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 3 [add_rms_norm_c6]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<3xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// More dimensions than axes.
func.func @add_rms_norm_c6_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 2x4 [add_rms_norm_c6]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Integers.
func.func @add_rms_norm_c6_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [add_rms_norm_c6]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xi32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @add_rms_norm_c6_unranked(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<*xf32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [add_rms_norm_c6]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<*xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// An offset other than 0 and 1.
func.func @add_rms_norm_c7_value(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got 0.5 [add_rms_norm_c7]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0.5 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A negative offset.
func.func @add_rms_norm_c7_negative(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got -1.0 [add_rms_norm_c7]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = -1.0 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// NaN.
func.func @add_rms_norm_c7_nan(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got nan [add_rms_norm_c7]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// There is no weight to add it to.
func.func @add_rms_norm_c7_no_weight(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 without a weight, got 1 [add_rms_norm_c7]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 1.0 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// Another shape.
func.func @add_rms_norm_c8_sum_shape(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected the shape of a, 2x4, got 4x2 [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<4x2xf32>, tensor<2x4xf32>)
  return
}

// -----

// Another rank.
func.func @add_rms_norm_c8_sum_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected the shape of a, 2x4, got 8 [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<8xf32>, tensor<2x4xf32>)
  return
}

// -----

// Dynamic where the operand is static.
func.func @add_rms_norm_c8_sum_dynamic(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected the shape of a, 2x4, got 2x? [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x?xf32>, tensor<2x4xf32>)
  return
}

// -----

// Integers.
func.func @add_rms_norm_c8_sum_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xi32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @add_rms_norm_c8_sum_unranked(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<*xf32>, tensor<2x4xf32>)
  return
}

// -----

// A buffer.
func.func @add_rms_norm_c8_sum_memref(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (memref<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// An encoding.
func.func @add_rms_norm_c8_sum_encoding(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32, "packed">, tensor<2x4xf32>)
  return
}

// -----

// Another element type than that of the addends.
func.func @add_rms_norm_c8_sum_element(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{sum: expected f32, got f64 [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf64>, tensor<2x4xf32>)
  return
}

// -----

// Another shape.
func.func @add_rms_norm_c8_shape(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of a, 2x4, got 4x2 [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<4x2xf32>)
  return
}

// -----

// Another rank.
func.func @add_rms_norm_c8_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of a, 2x4, got 8 [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<8xf32>)
  return
}

// -----

// Dynamic where the operand is static.
func.func @add_rms_norm_c8_dynamic(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of a, 2x4, got 2x? [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x?xf32>)
  return
}

// -----

// Integers.
func.func @add_rms_norm_c8_integer(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xi32>)
  return
}

// -----

// The rank is unknown.
func.func @add_rms_norm_c8_unranked(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<*xf32>)
  return
}

// -----

// A buffer.
func.func @add_rms_norm_c8_memref(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, memref<2x4xf32>)
  return
}

// -----

// An encoding.
func.func @add_rms_norm_c8_encoding(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [add_rms_norm_c8]}}
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32, "packed">)
  return
}

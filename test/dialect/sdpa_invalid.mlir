// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @sdpa_c1_missing(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a float, got none [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Text is no float.
func.func @sdpa_c1_scale_text(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a float, got "0.5" [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = "0.5", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An integer is no float.
func.func @sdpa_c1_scale_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a float, got 1 : i64 [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A bool is no float.
func.func @sdpa_c1_softcap_bool(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a float, got true [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An integer is no bool.
func.func @sdpa_c1_causal_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{causal: expected a bool, got 1 : i64 [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, causal = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An attribute without a value.
func.func @sdpa_c1_causal_unit(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{causal: expected a bool, got unit [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, causal, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A float is no integer.
func.func @sdpa_c1_offset_float(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected an integer, got 1.000000e+00 : f64 [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, offset = 1.000000e+00 : f64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A value of more than 64 bits.
func.func @sdpa_c1_offset_wide(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected an integer, got 170141183460469231731687303715884105727 : i128 [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, offset = 170141183460469231731687303715884105727 : i128,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A list is no array.
func.func @sdpa_c1_window_list(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected array<i64>, got [1, 0] [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = [1, 0], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An array of another width.
func.func @sdpa_c1_window_width(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected array<i64>, got array<i32: 1, 0> [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i32: 1, 0>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A word that is none of the choices.
func.func @sdpa_c1_fully_masked_word(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{fully_masked: expected one of "nan", "zero", "uniform", got "none" [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, fully_masked = "none", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An integer is no word.
func.func @sdpa_c1_fully_masked_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{fully_masked: expected one of "nan", "zero", "uniform", got 0 : i64 [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, fully_masked = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The bindings cannot represent a location.
func.func @sdpa_c1_scale_location(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a float, got a location [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = loc("here"), operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @sdpa_c1_unknown(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{is_causal: expected no such attribute; known are scale, softcap, causal, offset, window, fully_masked [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, is_causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Only operands have segments.
func.func @sdpa_c1_result_segments(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{resultSegmentSizes: expected no such attribute; known are scale, softcap, causal, offset, window, fully_masked [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, resultSegmentSizes = array<i32: 1, 0>,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// No operand at all.
func.func @sdpa_c1_no_operands() {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 0 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"() {scale = 0.5 : f64} : () -> tensor<4x5x3xf32>
  return
}

// -----

// Two operands.
func.func @sdpa_c1_operand_count(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 2 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Optional operands need segment sizes.
func.func @sdpa_c1_segments_missing(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The segment sizes announce a mask that is not there.
func.func @sdpa_c1_segments_sum(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A negative segment size.
func.func @sdpa_c1_segments_negative(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 2, -1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Too few segment sizes.
func.func @sdpa_c1_segments_length(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Segment sizes of another kind.
func.func @sdpa_c1_segments_kind(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = [1, 1, 1, 0, 0, 0]
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A required operand is left out.
func.func @sdpa_c1_segments_required(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{operands: expected q, k, v, mask?, sinks?, start? (and operandSegmentSizes), got 3 operands [sdpa_c1]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No result.
func.func @sdpa_c1_no_results(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{results: expected 1 or 2, got 0 [sdpa_c1]}}
  "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> ()
  return
}

// -----

// Three results.
func.func @sdpa_c1_result_count(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{results: expected 1 or 2, got 3 [sdpa_c1]}}
  %0:3 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> (tensor<4x5x3xf32>, tensor<4x5xf32>, tensor<4x5x3xf32>)
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c2_q_unranked(%a: tensor<*xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<*xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @sdpa_c2_q_memref(%a: memref<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got memref<4x5x8xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (memref<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Integers are left out.
func.func @sdpa_c2_q_integer(%a: tensor<4x5x8xi32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8xi32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xi32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c2_k_unranked(%a: tensor<4x5x8xf32>, %b: tensor<*xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<*xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @sdpa_c2_k_memref(%a: tensor<4x5x8xf32>, %b: memref<4x5x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected a ranked tensor of f16, bf16, f32 or f64, got memref<4x5x8xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, memref<4x5x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Integers are left out.
func.func @sdpa_c2_k_integer(%a: tensor<4x5x8xf32>, %b: tensor<4x5x8xi32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8xi32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<4x5x8xi32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c2_v_unranked(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<*xf32>) {
  // expected-error @+1 {{v: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<*xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @sdpa_c2_v_memref(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: memref<4x5x8xf32>) {
  // expected-error @+1 {{v: expected a ranked tensor of f16, bf16, f32 or f64, got memref<4x5x8xf32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, memref<4x5x8xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Integers are left out.
func.func @sdpa_c2_v_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<4x5x8xi32>) {
  // expected-error @+1 {{v: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8xi32> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<4x5x8xi32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A bare float is no tensor.
func.func @sdpa_c2_q_scalar(%a: f32, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got f32 [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (f32, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Complex numbers are left out.
func.func @sdpa_c2_q_complex(%a: tensor<4x5x8xcomplex<f32>>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8xcomplex<f32>> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xcomplex<f32>>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Quantised numbers are left out.
func.func @sdpa_c2_q_quantized(%a: tensor<4x5x8x!quant.uniform<i8:f32, 2.0>>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8x!quant.uniform<i8:f32, 2.000000e+00>> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8x!quant.uniform<i8:f32, 2.0>>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// 8-bit floats are left out.
func.func @sdpa_c2_q_f8(%a: tensor<4x5x8xf8E4M3FN>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x8xf8E4M3FN> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf8E4M3FN>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No lowering would keep an encoding.
func.func @sdpa_c2_encoding(%a: tensor<4x5x8xf32, "packed">, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a tensor without an encoding, got tensor<4x5x8xf32, "packed"> [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32, "packed">, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Heads are missing.
func.func @sdpa_c2_rank_2(%a: tensor<5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected [.., heads, sequence, depth], got 5x8 [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A scalar.
func.func @sdpa_c2_rank_0(%a: tensor<f32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected [.., heads, sequence, depth], got scalar [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<f32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Ranks differ.
func.func @sdpa_c2_k_rank(%a: tensor<4x5x8xf32>, %b: tensor<1x2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected rank 3 as q has, got 1x2x7x8 [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Ranks differ.
func.func @sdpa_c2_v_rank(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<7x3xf32>) {
  // expected-error @+1 {{v: expected rank 3 as q has, got 7x3 [sdpa_c2]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A batch size that differs; batches do not broadcast.
func.func @sdpa_c3_k(%a: tensor<3x4x5x8xf32>, %b: tensor<1x2x7x8xf32>, %c: tensor<3x2x7x3xf32>) {
  // expected-error @+1 {{k: expected batch 3 as q has, got 1 [sdpa_c3]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<3x4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<3x2x7x3xf32>) -> tensor<3x4x5x3xf32>
  return
}

// -----

// A batch size that differs.
func.func @sdpa_c3_v(%a: tensor<3x4x5x8xf32>, %b: tensor<3x2x7x8xf32>, %c: tensor<2x2x7x3xf32>) {
  // expected-error @+1 {{v: expected batch 3 as q has, got 2 [sdpa_c3]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<3x4x5x8xf32>, tensor<3x2x7x8xf32>, tensor<2x2x7x3xf32>) -> tensor<3x4x5x3xf32>
  return
}

// -----

// Query heads that are no multiple of key heads.
func.func @sdpa_c4_multiple(%a: tensor<4x5x8xf32>, %b: tensor<3x7x8xf32>, %c: tensor<3x7x3xf32>) {
  // expected-error @+1 {{q: expected a multiple of the 3 heads of k, got 4 [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<3x7x8xf32>, tensor<3x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Fewer query heads than key heads.
func.func @sdpa_c4_fewer(%a: tensor<4x5x8xf32>, %b: tensor<8x7x8xf32>, %c: tensor<8x7x3xf32>) {
  // expected-error @+1 {{q: expected a multiple of the 8 heads of k, got 4 [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<8x7x8xf32>, tensor<8x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Values with other heads than keys.
func.func @sdpa_c4_values(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<4x7x3xf32>) {
  // expected-error @+1 {{v: expected 2 heads as k has, got 4 [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<4x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No heads.
func.func @sdpa_c4_zero(%a: tensor<4x5x8xf32>, %b: tensor<0x7x8xf32>, %c: tensor<0x7x3xf32>) {
  // expected-error @+1 {{q: expected a multiple of the 0 heads of k, got 4 [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<0x7x8xf32>, tensor<0x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A number of heads known at run time only.
func.func @sdpa_c4_dynamic_q(%a: tensor<?x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected a static number of heads, got a dynamic one [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<?x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A number of heads known at run time only.
func.func @sdpa_c4_dynamic_k(%a: tensor<4x5x8xf32>, %b: tensor<?x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected a static number of heads, got a dynamic one [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<?x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A number of heads known at run time only.
func.func @sdpa_c4_dynamic_v(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<?x7x3xf32>) {
  // expected-error @+1 {{v: expected a static number of heads, got a dynamic one [sdpa_c4]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<?x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Keys of another depth than queries.
func.func @sdpa_c5_depth(%a: tensor<4x5x8xf32>, %b: tensor<2x7x6xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected q's static depth, 8, got 6 [sdpa_c5]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x6xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A depth known at run time only.
func.func @sdpa_c5_dynamic_depth(%a: tensor<4x5x?xf32>, %b: tensor<2x7x?xf32>,
    %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{k: expected q's static depth, ?, got ? [sdpa_c5]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x?xf32>, tensor<2x7x?xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Values of another length than keys.
func.func @sdpa_c5_length(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x6x3xf32>) {
  // expected-error @+1 {{v: expected length 7 as k has, got 6 [sdpa_c5]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x6x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No queries.
func.func @sdpa_c6_queries(%a: tensor<4x0x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected sizes above 0, got 4x0x8 [sdpa_c6]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x0x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x0x3xf32>
  return
}

// -----

// No keys.
func.func @sdpa_c6_keys(%a: tensor<4x5x8xf32>, %b: tensor<2x0x8xf32>, %c: tensor<2x0x3xf32>) {
  // expected-error @+1 {{k: expected sizes above 0, got 2x0x8 [sdpa_c6]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x0x8xf32>, tensor<2x0x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No depth.
func.func @sdpa_c6_depth(%a: tensor<4x5x0xf32>, %b: tensor<2x7x0xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{q: expected sizes above 0, got 4x5x0 [sdpa_c6]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x0xf32>, tensor<2x7x0xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Values of no size.
func.func @sdpa_c6_values(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x0xf32>) {
  // expected-error @+1 {{v: expected sizes above 0, got 2x7x0 [sdpa_c6]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x0xf32>) -> tensor<4x5x0xf32>
  return
}

// -----

// NaN.
func.func @sdpa_c7_nan(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a number that is finite in f32, got nan [sdpa_c7]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0x7FF8000000000000 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Infinity.
func.func @sdpa_c7_infinite(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a number that is finite in f32, got inf [sdpa_c7]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0x7FF0000000000000 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Infinity in the type that scores are computed in.
func.func @sdpa_c7_large(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{scale: expected a number that is finite in f32, got 1e+39 [sdpa_c7]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 1.0e39 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Zero is no cap.
func.func @sdpa_c8_zero(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got 0.0 [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A negative cap.
func.func @sdpa_c8_negative(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got -50.0 [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = -50.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// NaN.
func.func @sdpa_c8_nan(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got nan [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = 0x7FF8000000000000 : f64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// Infinity.
func.func @sdpa_c8_infinite(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got inf [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = 0x7FF0000000000000 : f64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// Infinity in the type that scores are computed in.
func.func @sdpa_c8_large(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got 1e+39 [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = 1.0e39 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Zero in the type that scores are computed in.
func.func @sdpa_c8_small(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{softcap: expected a number that is finite and above 0 in f32, got 1e-46 [sdpa_c8]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, softcap = 1.0e-46 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Integers are no mask.
func.func @sdpa_c9_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<5x7xi32>) {
  // expected-error @+1 {{mask: expected a ranked tensor of i1 or a float type, got tensor<5x7xi32> [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<5x7xi32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c9_unranked(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<*xi1>) {
  // expected-error @+1 {{mask: expected a ranked tensor of i1 or a float type, got tensor<*xi1> [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<*xi1>) -> tensor<4x5x3xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @sdpa_c9_memref(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: memref<5x7xi1>) {
  // expected-error @+1 {{mask: expected a ranked tensor of i1 or a float type, got memref<5x7xi1> [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, memref<5x7xi1>) -> tensor<4x5x3xf32>
  return
}

// -----

// Only signless i1 is bool.
func.func @sdpa_c9_signed(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<5x7xui1>) {
  // expected-error @+1 {{mask: expected a ranked tensor of i1 or a float type, got tensor<5x7xui1> [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<5x7xui1>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// No lowering would keep an encoding.
func.func @sdpa_c9_encoding(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<5x7xi1, "packed">) {
  // expected-error @+1 {{mask: expected a ranked tensor of i1 or a float type, got tensor<5x7xi1, "packed"> [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<5x7xi1, "packed">)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A mask of keys by queries.
func.func @sdpa_c9_shape(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<7x5xi1>) {
  // expected-error @+1 {{mask: expected a shape that broadcasts to 4x5x7, got 7x5 [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<7x5xi1>) -> tensor<4x5x3xf32>
  return
}

// -----

// A mask a key head.
func.func @sdpa_c9_key_heads(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<2x5x7xi1>) {
  // expected-error @+1 {{mask: expected a shape that broadcasts to 4x5x7, got 2x5x7 [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<2x5x7xi1>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A rank above that of the scores.
func.func @sdpa_c9_rank(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<1x4x5x7xf32>) {
  // expected-error @+1 {{mask: expected a shape that broadcasts to 4x5x7, got 1x4x5x7 [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<1x4x5x7xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// No keys.
func.func @sdpa_c9_empty(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<5x0xf32>) {
  // expected-error @+1 {{mask: expected a shape that broadcasts to 4x5x7, got 5x0 [sdpa_c9]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<5x0xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// One sink a key head.
func.func @sdpa_c10_length(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<2xf32>) {
  // expected-error @+1 {{sinks: expected shape 4, got 2 [sdpa_c10]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<2xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// One sink for all heads.
func.func @sdpa_c10_scalar(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<f32>) {
  // expected-error @+1 {{sinks: expected shape 4, got scalar [sdpa_c10]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<f32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A length known at run time only.
func.func @sdpa_c10_dynamic(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<?xf32>) {
  // expected-error @+1 {{sinks: expected shape 4, got ? [sdpa_c10]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<?xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Integers are no scores.
func.func @sdpa_c10_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<4xi32>) {
  // expected-error @+1 {{sinks: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [sdpa_c10]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<4xi32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c10_unranked(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<*xf32>) {
  // expected-error @+1 {{sinks: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [sdpa_c10]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<*xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A bare integer is no tensor.
func.func @sdpa_c11_bare(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: i32) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got i32 [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, i32) -> tensor<4x5x3xf32>
  return
}

// -----

// A float is no position.
func.func @sdpa_c11_float(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<f32>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<f32> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<f32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A bool is no position.
func.func @sdpa_c11_bool(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<i1>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<i1> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<i1>) -> tensor<4x5x3xf32>
  return
}

// -----

// One start for every query.
func.func @sdpa_c11_rank(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<1xi32>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<1xi32> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<1xi32>) -> tensor<4x5x3xf32>
  return
}

// -----

// StableHLO has no such type.
func.func @sdpa_c11_wide(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<i128>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<i128> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<i128>) -> tensor<4x5x3xf32>
  return
}

// -----

// StableHLO has no such type.
func.func @sdpa_c11_signed(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<si32>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<si32> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<si32>) -> tensor<4x5x3xf32>
  return
}

// -----

// An index has no width.
func.func @sdpa_c11_index(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<index>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<index> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<index>) -> tensor<4x5x3xf32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c11_unranked(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<*xi32>) {
  // expected-error @+1 {{start: expected a scalar tensor of 4- to 64-bit integers, got tensor<*xi32> [sdpa_c11]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<*xi32>) -> tensor<4x5x3xf32>
  return
}

// -----

// No sizes.
func.func @sdpa_c12_empty(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// One size.
func.func @sdpa_c12_one(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [3] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64: 3>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// Three sizes.
func.func @sdpa_c12_three(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [1, 1, 1] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64: 1, 1, 1>,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A negative size other than -1.
func.func @sdpa_c12_negative(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [-2, 0] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64: -2, 0>,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// A size that positions of 32 bits cannot reach.
func.func @sdpa_c12_huge(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [0, 9223372036854775807] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64: 0, 9223372036854775807>,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// The smallest integer.
func.func @sdpa_c12_underflow(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{window: expected [left, right], each -1 or in [0, 2^30], got [-9223372036854775808, 0] [sdpa_c12]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, window = array<i64: -9223372036854775808, 0>,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// An offset that positions of 32 bits cannot hold.
func.func @sdpa_c13_far(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected a value in [-2^30, 2^30], got 4294967296 [sdpa_c13]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, causal = true, offset = 4294967296 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// The largest integer.
func.func @sdpa_c13_overflow(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected a value in [-2^30, 2^30], got 9223372036854775807 [sdpa_c13]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, causal = true, offset = 9223372036854775807 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// The smallest integer.
func.func @sdpa_c13_underflow(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected a value in [-2^30, 2^30], got -9223372036854775808 [sdpa_c13]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, causal = true, offset = -9223372036854775808 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> tensor<4x5x3xf32>
  return
}

// -----

// An offset that nothing reads.
func.func @sdpa_c14_offset(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{offset: expected none without causal or window, got one [sdpa_c14]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, offset = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xf32>
  return
}

// -----

// A start that nothing reads.
func.func @sdpa_c14_start(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>,
    %c: tensor<2x7x3xf32>, %d: tensor<i32>) {
  // expected-error @+1 {{start: expected none without causal or window, got one [sdpa_c14]}}
  %0 = "attnorm.sdpa"(%a, %b, %c, %d) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>, tensor<i32>) -> tensor<4x5x3xf32>
  return
}

// -----

// The queries' depth instead of the values'.
func.func @sdpa_c15_shape(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{result: expected shape 4x5x3, got 4x5x8 [sdpa_c15]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x8xf32>
  return
}

// -----

// Dynamic where q is static.
func.func @sdpa_c15_dynamic(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{result: expected shape 4x5x3, got 4x?x3 [sdpa_c15]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x?x3xf32>
  return
}

// -----

// Integers.
func.func @sdpa_c15_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5x3xi32> [sdpa_c15]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<4x5x3xi32>
  return
}

// -----

// The rank is unknown.
func.func @sdpa_c15_unranked(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [sdpa_c15]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer.
func.func @sdpa_c15_memref(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<4x5x3xf32> [sdpa_c15]}}
  %0 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> memref<4x5x3xf32>
  return
}

// -----

// A dimension too many.
func.func @sdpa_c16_shape(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{log_sum_exp: expected shape 4x5, got 4x5x1 [sdpa_c16]}}
  %0:2 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> (tensor<4x5x3xf32>, tensor<4x5x1xf32>)
  return
}

// -----

// Dynamic where q is static.
func.func @sdpa_c16_dynamic(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{log_sum_exp: expected shape 4x5, got 4x? [sdpa_c16]}}
  %0:2 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> (tensor<4x5x3xf32>, tensor<4x?xf32>)
  return
}

// -----

// Integers.
func.func @sdpa_c16_integer(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{log_sum_exp: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4x5xi32> [sdpa_c16]}}
  %0:2 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>)
      -> (tensor<4x5x3xf32>, tensor<4x5xi32>)
  return
}

// -----

// A bare float is no tensor.
func.func @sdpa_c16_bare(%a: tensor<4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x7x3xf32>) {
  // expected-error @+1 {{log_sum_exp: expected a ranked tensor of f16, bf16, f32 or f64, got f32 [sdpa_c16]}}
  %0:2 = "attnorm.sdpa"(%a, %b, %c) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x3xf32>) -> (tensor<4x5x3xf32>, f32)
  return
}

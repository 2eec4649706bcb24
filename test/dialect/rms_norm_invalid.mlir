// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @rms_norm_c1_missing_axes(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got none [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {epsilon = 1.0e-6 : f64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A required attribute is missing.
func.func @rms_norm_c1_missing_epsilon(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got none [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An attribute of another kind: a list.
func.func @rms_norm_c1_axes_list(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got [1] [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = [1], epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An attribute of another width.
func.func @rms_norm_c1_axes_width(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got array<i32: 1> [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i32: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A lone integer is no list of axes.
func.func @rms_norm_c1_axes_alone(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got 1 : i64 [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = 1 : i64, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An attribute without a value.
func.func @rms_norm_c1_axes_unit(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got unit [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {axes, epsilon = 1.0e-6 : f64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The bindings cannot represent a location.
func.func @rms_norm_c1_axes_location(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got a location [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = loc("here"), epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A long value is shortened in the message.
func.func @rms_norm_c1_axes_long(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected array<i64>, got "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>)
      -> tensor<2x4xf32>
  return
}

// -----

// An integer is no float.
func.func @rms_norm_c1_epsilon_integer(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got 1 : i64 [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Text is no float.
func.func @rms_norm_c1_epsilon_text(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a float, got "1e-6" [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = "1e-6"
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A word that is none of the choices.
func.func @rms_norm_c1_cast_word(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{cast: expected one of "before_weight", "after_weight", "throughout", got "before" [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = "before"
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A symbol is no word.
func.func @rms_norm_c1_cast_kind(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{cast: expected one of "before_weight", "after_weight", "throughout", got @before_weight [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = @before_weight
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Bytes that are not UTF-8.
func.func @rms_norm_c1_cast_bytes(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{cast: expected one of "before_weight", "after_weight", "throughout", got "\FF" [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = "\FF"
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An integer is no float.
func.func @rms_norm_c1_weight_offset_kind(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{weight_offset: expected a float, got 1 : i64 [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 1 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @rms_norm_c1_unknown(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilom: expected no such attribute; known are axes, epsilon, weight_offset, cast [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, epsilom = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Only operands have segments.
func.func @rms_norm_c1_unknown_segments(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{resultSegmentSizes: expected no such attribute; known are axes, epsilon, weight_offset, cast [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, resultSegmentSizes = array<i32: 1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The name of an attribute holds a null character.
func.func @rms_norm_c1_unknown_null(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{\00: expected no such attribute; known are axes, epsilon, weight_offset, cast [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, "\00" = 1 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The name of an attribute is not UTF-8.
func.func @rms_norm_c1_unknown_bytes(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{attributes: expected names in UTF-8, got other bytes [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, "\FF" = 1 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No operand at all.
func.func @rms_norm_c1_no_operands() {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 0 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"() {axes = array<i64: 1>, epsilon = 1.0e-6 : f64} : () -> tensor<2x4xf32>
  return
}

// -----

// One operand too many.
func.func @rms_norm_c1_operand_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>,
    %c: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 3 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a, %b, %c) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The segment sizes announce an operand that is not there.
func.func @rms_norm_c1_segments_sum(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A negative segment size.
func.func @rms_norm_c1_segments_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 2, -1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Too few segment sizes.
func.func @rms_norm_c1_segments_length(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No segment sizes.
func.func @rms_norm_c1_segments_empty(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A required operand is left out.
func.func @rms_norm_c1_segments_required(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 0, 1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Segment sizes whose sum wraps around in 32 bits.
func.func @rms_norm_c1_segments_overflow(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64,
    operandSegmentSizes = array<i32: 2147483647, 2147483647>
  } : (tensor<2x4xf32>)
      -> tensor<2x4xf32>
  return
}

// -----

// Segment sizes of another width.
func.func @rms_norm_c1_segments_kind(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i64: 1, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No result.
func.func @rms_norm_c1_no_results(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 0 [rms_norm_c1]}}
  "attnorm.rms_norm"(%a) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64} : (tensor<2x4xf32>) -> ()
  return
}

// -----

// One result too many.
func.func @rms_norm_c1_result_count(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 2 [rms_norm_c1]}}
  %0:2 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// A bare float is no tensor.
func.func @rms_norm_c2_scalar(%a: f32) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got f32 [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64} : (f32) -> f32
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_c2_unranked(%a: tensor<*xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @rms_norm_c2_memref(%a: memref<2x4xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (memref<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// A vector is no tensor.
func.func @rms_norm_c2_vector(%a: vector<2x4xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got vector<2x4xf32> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (vector<2x4xf32>) -> vector<2x4xf32>
  return
}

// -----

// Integers have no norm.
func.func @rms_norm_c2_integer(%a: tensor<2x4xi32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xi32>) -> tensor<2x4xi32>
  return
}

// -----

// Booleans have no norm.
func.func @rms_norm_c2_bool(%a: tensor<2x4xi1>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi1> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xi1>) -> tensor<2x4xi1>
  return
}

// -----

// Complex numbers are left out.
func.func @rms_norm_c2_complex(%a: tensor<2x4xcomplex<f32>>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xcomplex<f32>> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xcomplex<f32>>) -> tensor<2x4xcomplex<f32>>
  return
}

// -----

// Quantised numbers are left out.
func.func @rms_norm_c2_quantized(%a: tensor<2x4x!quant.uniform<i8:f32, 2.0>>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4x!quant.uniform<i8:f32, 2.000000e+00>> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4x!quant.uniform<i8:f32, 2.0>>) -> tensor<2x4x!quant.uniform<i8:f32, 2.0>>
  return
}

// -----

// 8-bit floats are left out.
func.func @rms_norm_c2_f8(%a: tensor<2x4xf8E4M3FN>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xf8E4M3FN> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf8E4M3FN>) -> tensor<2x4xf8E4M3FN>
  return
}

// -----

// An index is no tensor.
func.func @rms_norm_c2_index(%a: index) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got index [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64} : (index) -> index
  return
}

// -----

// A token is no tensor.
func.func @rms_norm_c2_token(%a: !stablehlo.token) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got !stablehlo.token [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (!stablehlo.token) -> !stablehlo.token
  return
}

// -----

// No lowering would keep an encoding.
func.func @rms_norm_c2_encoding(%a: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{x: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32, "packed">) -> tensor<2x4xf32, "packed">
  return
}

// -----

// Bounds are an encoding.
func.func @rms_norm_c2_bounds(%a: tensor<2x?xf32, #stablehlo.bounds<?, 4>>) {
  // expected-error @+1 {{x: expected a tensor without an encoding, got tensor<2x?xf32, #stablehlo.bounds<?, 4>> [rms_norm_c2]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x?xf32, #stablehlo.bounds<?, 4>>) -> tensor<2x?xf32, #stablehlo.bounds<?, 4>>
  return
}

// -----

// No axis.
func.func @rms_norm_c3_empty(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected at least one axis, got none [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Axes count from the front.
func.func @rms_norm_c3_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [-1] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: -1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An axis out of range.
func.func @rms_norm_c3_range(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [2] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 2>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An axis given twice.
func.func @rms_norm_c3_repeated(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [1, 1] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1, 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Axes out of order.
func.func @rms_norm_c3_descending(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [1, 0] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1, 0>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The largest integer.
func.func @rms_norm_c3_overflow(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [9223372036854775807] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 9223372036854775807>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The smallest integer.
func.func @rms_norm_c3_underflow(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 2), got [-9223372036854775808] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: -9223372036854775808>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A scalar has no axis.
func.func @rms_norm_c3_rank_0(%a: tensor<f32>) {
  // expected-error @+1 {{axes: expected ascending axes in [0, 0), got [0] [rms_norm_c3]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 0>, epsilon = 1.0e-6 : f64
  } : (tensor<f32>) -> tensor<f32>
  return
}

// -----

// No rows.
func.func @rms_norm_c4_rows(%a: tensor<0x4xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got 0x4 [rms_norm_c4]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<0x4xf32>) -> tensor<0x4xf32>
  return
}

// -----

// Rows of no elements.
func.func @rms_norm_c4_normalised(%a: tensor<?x0xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got ?x0 [rms_norm_c4]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<?x0xf32>) -> tensor<?x0xf32>
  return
}

// -----

// A negative epsilon.
func.func @rms_norm_c5_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -1e-06 [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = -1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN.
func.func @rms_norm_c5_nan(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got nan [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Infinity.
func.func @rms_norm_c5_infinite(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got inf [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0x7FF0000000000000 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Minus infinity.
func.func @rms_norm_c5_minus_infinite(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got -inf [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0xFFF0000000000000 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Infinity, written as f32.
func.func @rms_norm_c5_infinite_f32(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got inf [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0x7F800000 : f32
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN, written as f16.
func.func @rms_norm_c5_nan_f16(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{epsilon: expected a finite number of at least 0, got nan [rms_norm_c5]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 0x7E00 : f16
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A length that is not that of the axis.
func.func @rms_norm_c6_length(%a: tensor<2x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 3 [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// More dimensions than axes.
func.func @rms_norm_c6_rank(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 2x4 [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Fewer dimensions than axes.
func.func @rms_norm_c6_scalar(%a: tensor<2x4xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got scalar [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return
}

// -----

// No elements.
func.func @rms_norm_c6_empty(%a: tensor<2x4xf32>, %b: tensor<0xf32>) {
  // expected-error @+1 {{weight: expected shape 4 (or 1s), got 0 [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<0xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Integers.
func.func @rms_norm_c6_integer(%a: tensor<2x4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<4xi32> [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_c6_unranked(%a: tensor<2x4xf32>, %b: tensor<*xf32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<*xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A buffer.
func.func @rms_norm_c6_memref(%a: tensor<2x4xf32>, %b: memref<4xf32>) {
  // expected-error @+1 {{weight: expected a ranked tensor of f16, bf16, f32 or f64, got memref<4xf32> [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, memref<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// An encoding.
func.func @rms_norm_c6_encoding(%a: tensor<2x4xf32>, %b: tensor<4xf32, "packed">) {
  // expected-error @+1 {{weight: expected a tensor without an encoding, got tensor<4xf32, "packed"> [rms_norm_c6]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>, tensor<4xf32, "packed">) -> tensor<2x4xf32>
  return
}

// -----

// An offset other than 0 and 1.
func.func @rms_norm_c7_value(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got 0.5 [rms_norm_c7]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0.5 : f64
  } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A negative offset.
func.func @rms_norm_c7_negative(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got -1.0 [rms_norm_c7]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = -1.0 : f64
  } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// NaN.
func.func @rms_norm_c7_nan(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 or 1, got nan [rms_norm_c7]}}
  %0 = "attnorm.rms_norm"(%a, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 0x7FF8000000000000 : f64
  } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// There is no weight to add it to.
func.func @rms_norm_c7_no_weight(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{weight_offset: expected 0 without a weight, got 1 [rms_norm_c7]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, weight_offset = 1.0 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Another shape.
func.func @rms_norm_c8_shape(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 4x2 [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return
}

// -----

// Another rank.
func.func @rms_norm_c8_rank(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 8 [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<8xf32>
  return
}

// -----

// Dynamic where the operand is static.
func.func @rms_norm_c8_dynamic(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 2x? [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x?xf32>
  return
}

// -----

// Integers.
func.func @rms_norm_c8_integer(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xi32>
  return
}

// -----

// The rank is unknown.
func.func @rms_norm_c8_unranked(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer.
func.func @rms_norm_c8_memref(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// An encoding.
func.func @rms_norm_c8_encoding(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32, "packed">
  return
}

// -----

// Static where x is dynamic.
func.func @rms_norm_c8_static(%a: tensor<2x?xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x?, got 2x4 [rms_norm_c8]}}
  %0 = "attnorm.rms_norm"(%a) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64
  } : (tensor<2x?xf32>) -> tensor<2x4xf32>
  return
}

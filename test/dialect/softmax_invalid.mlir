// RUN: attnorm-opt %s --split-input-file --verify-diagnostics

// A required attribute is missing.
func.func @softmax_c1_missing(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got none [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A float is no integer.
func.func @softmax_c1_float(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got 1.000000e+00 : f64 [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = 1.0 : f64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Text is no integer.
func.func @softmax_c1_text(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got "1" [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = "1"} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Softmax has one axis.
func.func @softmax_c1_list(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got array<i64: 1> [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A bool is no integer.
func.func @softmax_c1_bool(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got true [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = true} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A value of more than 64 bits.
func.func @softmax_c1_wide(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got 170141183460469231731687303715884105727 : i128 [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {
    axis = 170141183460469231731687303715884105727 : i128
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A value above the largest i64.
func.func @softmax_c1_unsigned(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got 18446744073709551615 : ui64 [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {
    axis = 18446744073709551615 : ui64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The bindings cannot represent a location.
func.func @softmax_c1_location(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected an integer, got a location [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = loc("here")} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A misspelling of an attribute.
func.func @softmax_c1_unknown(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axes: expected no such attribute; known are axis [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64, axes = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// There is no optional operand.
func.func @softmax_c1_segments(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{operandSegmentSizes: expected no such attribute; known are axis [softmax_c1]}}
  %0 = "attnorm.softmax"(%a) {
    axis = 1 : i64, operandSegmentSizes = array<i32: 1>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No operand at all.
func.func @softmax_c1_no_operands() {
  // expected-error @+1 {{operands: expected x, got 0 operands [softmax_c1]}}
  %0 = "attnorm.softmax"() {axis = 1 : i64} : () -> tensor<2x4xf32>
  return
}

// -----

// One operand too many.
func.func @softmax_c1_operand_count(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{operands: expected x, got 2 operands [softmax_c1]}}
  %0 = "attnorm.softmax"(%a, %b) {
    axis = 1 : i64
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// No result.
func.func @softmax_c1_no_results(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 0 [softmax_c1]}}
  "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> ()
  return
}

// -----

// One result too many.
func.func @softmax_c1_result_count(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{results: expected 1, got 2 [softmax_c1]}}
  %0:2 = "attnorm.softmax"(%a) {
    axis = 1 : i64
  } : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

// The rank is unknown.
func.func @softmax_c2_unranked(%a: tensor<*xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [softmax_c2]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer is no tensor.
func.func @softmax_c2_memref(%a: memref<2x4xf32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [softmax_c2]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (memref<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// Integers have no softmax.
func.func @softmax_c2_integer(%a: tensor<2x4xi32>) {
  // expected-error @+1 {{x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [softmax_c2]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xi32>) -> tensor<2x4xi32>
  return
}

// -----

// No lowering would keep an encoding.
func.func @softmax_c2_encoding(%a: tensor<2x4xf32, "packed">) {
  // expected-error @+1 {{x: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [softmax_c2]}}
  %0 = "attnorm.softmax"(%a) {
    axis = 1 : i64
  } : (tensor<2x4xf32, "packed">) -> tensor<2x4xf32, "packed">
  return
}

// -----

// An axis out of range.
func.func @softmax_c3_range(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected a value in [0, 2), got 2 [softmax_c3]}}
  %0 = "attnorm.softmax"(%a) {axis = 2 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// Axes count from the front.
func.func @softmax_c3_negative(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected a value in [0, 2), got -1 [softmax_c3]}}
  %0 = "attnorm.softmax"(%a) {axis = -1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The largest integer.
func.func @softmax_c3_overflow(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected a value in [0, 2), got 9223372036854775807 [softmax_c3]}}
  %0 = "attnorm.softmax"(%a) {
    axis = 9223372036854775807 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The smallest integer.
func.func @softmax_c3_underflow(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{axis: expected a value in [0, 2), got -9223372036854775808 [softmax_c3]}}
  %0 = "attnorm.softmax"(%a) {
    axis = -9223372036854775808 : i64
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A scalar has no axis.
func.func @softmax_c3_rank_0(%a: tensor<f32>) {
  // expected-error @+1 {{axis: expected a value in [0, 0), got 0 [softmax_c3]}}
  %0 = "attnorm.softmax"(%a) {axis = 0 : i64} : (tensor<f32>) -> tensor<f32>
  return
}

// -----

// No rows.
func.func @softmax_c4_rows(%a: tensor<0x4xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got 0x4 [softmax_c4]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<0x4xf32>) -> tensor<0x4xf32>
  return
}

// -----

// Rows of no elements.
func.func @softmax_c4_normalised(%a: tensor<?x0xf32>) {
  // expected-error @+1 {{x: expected rows and normalised sizes above 0, got ?x0 [softmax_c4]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<?x0xf32>) -> tensor<?x0xf32>
  return
}

// -----

// Another shape.
func.func @softmax_c5_shape(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 4x2 [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return
}

// -----

// Another rank.
func.func @softmax_c5_rank(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 8 [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<8xf32>
  return
}

// -----

// Dynamic where the operand is static.
func.func @softmax_c5_dynamic(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected the shape of x, 2x4, got 2x? [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x?xf32>
  return
}

// -----

// Integers.
func.func @softmax_c5_integer(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xi32>
  return
}

// -----

// The rank is unknown.
func.func @softmax_c5_unranked(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<*xf32> [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

// A buffer.
func.func @softmax_c5_memref(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a ranked tensor of f16, bf16, f32 or f64, got memref<2x4xf32> [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> memref<2x4xf32>
  return
}

// -----

// An encoding.
func.func @softmax_c5_encoding(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{result: expected a tensor without an encoding, got tensor<2x4xf32, "packed"> [softmax_c5]}}
  %0 = "attnorm.softmax"(%a) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32, "packed">
  return
}

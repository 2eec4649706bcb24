// RUN: attnorm-opt %s --legalize-reduce-custom-calls --debug-matches --split-input-file --verify-diagnostics

// A dimension beyond the rank.
func.func @out_of_range(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: dimensions: expected values in [-2, 2), got 2}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [2]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A dimension given twice, once from the end.
func.func @repeated(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: dimensions: expected distinct axes, got [1, -1]}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1, -1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Dimensions that are no integers.
func.func @not_integers(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: dimensions: expected integers, got [1.0]}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1.0]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// true is no axis.
func.func @truth_as_axis(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: dimensions: expected integers, got True}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = true} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// keepdim that is neither true nor false.
func.func @keepdim_kind(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: keepdim: expected true or false, got 2}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = 2 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// One parameter under two names.
func.func @two_spellings(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: axis: expected one spelling, got 'dimensions' too}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A parameter that could change the meaning.
func.func @unknown_attribute(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: dtype: expected no such attribute; known are dimensions, keepdim}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], dtype = "f64"} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A correction is the variance's alone.
func.func @correction_elsewhere(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_mean: correction: expected no such attribute; known are dimensions, keepdim}}
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1], correction = 1 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Two words for the correction.
func.func @two_corrections(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_variance: unbiased: expected none beside correction, got both}}
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [1], ddof = 1 : i64, unbiased = true} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A configuration that is no JSON.
func.func @bad_json(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: backend_config: expected a dictionary or JSON, got "{axis"}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {backend_config = "{axis"} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A result of another shape.
func.func @shape(%x: tensor<2x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{@reduce_sum: result: expected shape 2, got 4}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = false} : (tensor<2x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A result without the 1 that keepdim promises.
func.func @shape_keepdim(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: result: expected shape 2x1, got 2}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = true} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Without keepdim both shapes are meant, and named.
func.func @shape_either(%x: tensor<2x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{@reduce_sum: result: expected shape 2 or 2x1, got 4}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A maximum of another element type.
func.func @element(%x: tensor<2x4xf32>) -> tensor<2xf64> {
  // expected-error @+1 {{@reduce_max: result: expected element type f32, got f64}}
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf64>
  return %0 : tensor<2xf64>
}

// -----

// A sum is not narrowed.
func.func @narrowed(%x: tensor<2x4xf32>) -> tensor<2xbf16> {
  // expected-error @+1 {{@reduce_sum: result: expected element type f32, got bf16}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xbf16>
  return %0 : tensor<2xbf16>
}

// -----

// The mean of integers is no integer.
func.func @integer_mean(%x: tensor<2x4xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{@reduce_mean: result: expected a float element type, got i32}}
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x4xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// Nor is their variance.
func.func @integer_variance(%x: tensor<2x4xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{@reduce_variance: result: expected a float element type, got i32}}
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [1]} : (tensor<2x4xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// A position is an integer.
func.func @float_position(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_argmax: result: expected an integer element type, got f32}}
  %0 = stablehlo.custom_call @reduce_argmax(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// `any` gives truth values.
func.func @truth_type(%x: tensor<2x4xf32>) -> tensor<2xi32> {
  // expected-error @+1 {{@reduce_any: result: expected i1, got i32}}
  %0 = stablehlo.custom_call @reduce_any(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// Complex numbers have no reductions here.
func.func @complex(%x: tensor<2x4xcomplex<f32>>) -> tensor<2xcomplex<f32>> {
  // expected-error @+1 {{@reduce_sum: operand: expected f16, bf16, f32, f64 or an integer type, got complex<f32>}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<2x4xcomplex<f32>>) -> tensor<2xcomplex<f32>>
  return %0 : tensor<2xcomplex<f32>>
}

// -----

// An operand of unknown rank.
func.func @unranked(%x: tensor<*xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: operand: expected a ranked tensor, got tensor<*xf32>}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<*xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Two operands.
func.func @operands(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_sum: operands: expected one operand and one result, got 2 and 1}}
  %0 = stablehlo.custom_call @reduce_sum(%x, %x) {dimensions = [1]} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A reduction that nobody knows is reported, and no error.
func.func @unknown(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-remark @+1 {{@reduce_foo: no reduction of that name is known}}
  %0 = stablehlo.custom_call @reduce_foo(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Every wrong call of a module is reported, not the first alone.
func.func @several(%x: tensor<2x4xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // expected-error @+1 {{expected values in [-2, 2), got 5}}
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [5]} : (tensor<2x4xf32>) -> tensor<2xf32>
  // expected-error @+1 {{expected values in [-2, 2), got 6}}
  %1 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [6]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// -----

// Integers that no dimension has: of 128 bits, and with more digits than Python shows.
func.func @wide(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_mean: dimensions: expected integers, got DenseIntElementsAttr(dense<1> : tensor<1xi128>)}}
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = dense<1> : tensor<1xi128>} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// More elements than a machine counts.
func.func @endless(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{@reduce_mean: dimensions: expected integers, got DenseIntElementsAttr(dense<1> : tensor<4611686018427387904x2xi64>)}}
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = dense<1> : tensor<4611686018427387904x2xi64>} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// RUN: attnorm-opt %s --attnorm-to-stablehlo | %iree_compile
// Rows whose mean square is 1 or whose deviations are 1 make every result exact.

// The norm of a row of equal magnitudes is its signs, times the weight.
// RUN: %iree_run --function=rms_norm --input="2x4xf32=[3 -3 3 -3][0.5 0.5 0.5 0.5]" --input="4xf32=1 2 3 4" --expected_output="2x4xf32=[1 -2 3 -4][1 2 3 4]"
func.func @rms_norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.0 : f64}
      : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// epsilon stands inside the root: 1 / sqrt(1 + 3) is a half.
// RUN: %iree_run --function=epsilon --input="1x2xf32=[1 -1]" --expected_output="1x2xf32=[0.5 -0.5]"
func.func @epsilon(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 3.0 : f64}
      : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// The weight offset is Gemma's 1 + w; squares of 300 would overflow f16.
// RUN: %iree_run --function=offset_f16 --input="1x2xf16=[300 -300]" --input="2xf16=0 1" --expected_output="1x2xf16=[1 -2]"
func.func @offset_f16(%x: tensor<1x2xf16>, %w: tensor<2xf16>) -> tensor<1x2xf16> {
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.0 : f64, weight_offset = 1.0 : f64}
      : (tensor<1x2xf16>, tensor<2xf16>) -> tensor<1x2xf16>
  return %0 : tensor<1x2xf16>
}

// A norm over the first axis, with a dynamic last one.
// RUN: %iree_run --function=first_axis --input="2x3xf32=[2 3 4][-2 3 -4]" --expected_output="2x3xf32=[1 1 1][-1 1 -1]"
func.func @first_axis(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 0>, epsilon = 0.0 : f64}
      : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// The multiplier is of x's shape or broadcast to it, behind the weight.
// RUN: %iree_run --function=rms_norm_mul --input="2x2xf32=[5 -5][7 7]" --input="2x1xf32=[10][100]" --input="2xf32=1 2" --expected_output="2x2xf32=[10 -20][100 200]"
func.func @rms_norm_mul(%x: tensor<2x2xf32>, %s: tensor<2x1xf32>, %w: tensor<2xf32>) -> tensor<2x2xf32> {
  %0 = "attnorm.rms_norm_mul"(%x, %s, %w) {axes = array<i64: 1>, epsilon = 0.0 : f64}
      : (tensor<2x2xf32>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// Both the sum and its norm come out.
// RUN: %iree_run --function=add_rms_norm --input="1x2xf32=[1 -4]" --input="1x2xf32=[1 2]" --expected_output="1x2xf32=[2 -2]" --expected_output="1x2xf32=[1 -1]"
func.func @add_rms_norm(%a: tensor<1x2xf32>, %b: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %0:2 = "attnorm.add_rms_norm"(%a, %b) {axes = array<i64: 1>, epsilon = 0.0 : f64}
      : (tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>)
  return %0#0, %0#1 : tensor<1x2xf32>, tensor<1x2xf32>
}

// Deviations of 1 from a mean of 1000: the mean goes first.
// RUN: %iree_run --function=layer_norm --input="1x4xf32=[999 1001 999 1001]" --input="4xf32=1 2 3 4" --input="4xf32=10" --expected_output="1x4xf32=[9 12 7 14]"
func.func @layer_norm(%x: tensor<1x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<1x4xf32> {
  %0 = "attnorm.layer_norm"(%x, %w, %b) {axes = array<i64: 1>, epsilon = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1>}
      : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// Equal values share; -inf has no part; large values do not overflow.
// RUN: %iree_run --function=softmax --input="2x4xf32=[1000 1000 1000 1000][0 0 -inf -inf]" --expected_output="2x4xf32=[0.25 0.25 0.25 0.25][0.5 0.5 0 0]"
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

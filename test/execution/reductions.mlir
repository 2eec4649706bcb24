// RUN: attnorm-opt %s --attnorm-to-stablehlo | %iree_compile

// A sum of bf16 accumulates in f32: in bf16 itself 1 + 256 would stay 256.
// RUN: %iree_run --function=sum --input="65536xbf16=1" --expected_output="bf16=65536"
func.func @sum(%x: tensor<65536xbf16>) -> tensor<bf16> {
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [0]} : (tensor<65536xbf16>) -> tensor<bf16>
  return %0 : tensor<bf16>
}

// The count of a mean over a dynamic axis is known at run time.
// RUN: %iree_run --function=mean --input="2x3xf32=[1 2 3][4 5 9]" --expected_output="2x1xf32=[2][6]"
func.func @mean(%x: tensor<2x?xf32>) -> tensor<2x1xf32> {
  %0 = stablehlo.custom_call @reduce_mean(%x) {axis = -1, keepdims = true} : (tensor<2x?xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// The variance divides by the count, or by one less where the call asks for it.
// RUN: %iree_run --function=variance --input="4xf32=1 1 3 3" --expected_output="f32=1" --expected_output="f32=1.3333334"
func.func @variance(%x: tensor<4xf32>) -> (tensor<f32>, tensor<f32>) {
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = []} : (tensor<4xf32>) -> tensor<f32>
  %1 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [], correction = 1} : (tensor<4xf32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}

// Integers keep their type; the smallest of unsigned ones is not negative.
// RUN: %iree_run --function=integers --input="4xi32=2 -3 5 7" --expected_output="i32=-210" --expected_output="i32=7" --expected_output="i32=-3"
func.func @integers(%x: tensor<4xi32>) -> (tensor<i32>, tensor<i32>, tensor<i32>) {
  %0 = stablehlo.custom_call @reduce_prod(%x) : (tensor<4xi32>) -> tensor<i32>
  %1 = stablehlo.custom_call @reduce_max(%x) : (tensor<4xi32>) -> tensor<i32>
  %2 = stablehlo.custom_call @reduce_min(%x) : (tensor<4xi32>) -> tensor<i32>
  return %0, %1, %2 : tensor<i32>, tensor<i32>, tensor<i32>
}

// Any and all along an axis: what is not zero is true.
// RUN: %iree_run --function=truth --input="2x2xi32=[5 0][1 -1]" --expected_output="2xi32=1 1" --expected_output="2xi32=0 1"
func.func @truth(%x: tensor<2x2xi32>) -> (tensor<2xi32>, tensor<2xi32>) {
  %0 = stablehlo.custom_call @reduce_any(%x) {dimensions = [1]} : (tensor<2x2xi32>) -> tensor<2xi1>
  %1 = stablehlo.custom_call @reduce_all(%x) {dimensions = [1]} : (tensor<2x2xi32>) -> tensor<2xi1>
  %2 = stablehlo.convert %0 : (tensor<2xi1>) -> tensor<2xi32>
  %3 = stablehlo.convert %1 : (tensor<2xi1>) -> tensor<2xi32>
  return %2, %3 : tensor<2xi32>, tensor<2xi32>
}

// The first of equal values is found; NaN beats everything.
// RUN: %iree_run --function=argmax --input="3x3xf32=[1 5 5][7 7 1][1 nan 9]" --expected_output="3xi32=1 0 1"
func.func @argmax(%x: tensor<3x3xf32>) -> tensor<3xi32> {
  %0 = stablehlo.custom_call @reduce_argmax(%x) {dim = 1} : (tensor<3x3xf32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

// log(4 e^1000) is 1000 + log 4, though e^1000 is no float; sqrt(9 + 16) is 5.
// RUN: %iree_run --function=norms --input="4xf32=1000" --input="2xf32=3 4" --expected_output="f32=1001.3863" --expected_output="f32=5"
func.func @norms(%x: tensor<4xf32>, %y: tensor<2xf32>) -> (tensor<f32>, tensor<f32>) {
  %0 = stablehlo.custom_call @reduce_logsumexp(%x) : (tensor<4xf32>) -> tensor<f32>
  %1 = stablehlo.custom_call @reduce_l2(%y) : (tensor<2xf32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}

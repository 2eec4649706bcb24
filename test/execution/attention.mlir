// RUN: attnorm-opt %s --attnorm-to-stablehlo | %iree_compile
// Queries of 0 make every score 0: attention is then the mean of the values it may see, exactly.

// Without a mask every query sees every key; the values' depth is not the keys'.
// RUN: %iree_run --function=plain --input="1x2x2xf32=0" --input="1x3x2xf32=1" --input="1x3x1xf32=[[1][2][6]]" --expected_output="1x2x1xf32=[[3][3]]"
func.func @plain(%q: tensor<1x2x2xf32>, %k: tensor<1x3x2xf32>, %v: tensor<1x3x1xf32>) -> tensor<1x2x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x2x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
  return %0 : tensor<1x2x1xf32>
}

// Causal, top-left: query i sees keys 0 to i, however many keys there are.
// RUN: %iree_run --function=top_left --input="1x2x2xf32=0" --input="1x3x2xf32=1" --input="1x3x1xf32=[[1][3][100]]" --expected_output="1x2x1xf32=[[1][2]]"
func.func @top_left(%q: tensor<1x2x2xf32>, %k: tensor<1x3x2xf32>, %v: tensor<1x3x1xf32>) -> tensor<1x2x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x2x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
  return %0 : tensor<1x2x1xf32>
}

// Causal, bottom-right: the last query sees every key. The offset is a constant or comes at run time.
// RUN: %iree_run --function=bottom_right --input="1x2x2xf32=0" --input="1x3x2xf32=1" --input="1x3x1xf32=[[1][3][5]]" --input="i32=1" --expected_output="1x2x1xf32=[[2][3]]" --expected_output="1x2x1xf32=[[2][3]]"
func.func @bottom_right(%q: tensor<1x2x2xf32>, %k: tensor<1x3x2xf32>, %v: tensor<1x3x1xf32>, %start: tensor<i32>)
    -> (tensor<1x2x1xf32>, tensor<1x2x1xf32>) {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, causal = true, offset = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x2x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
  %1 = "attnorm.sdpa"(%q, %k, %v, %start) {scale = 1.0 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>}
      : (tensor<1x2x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>, tensor<i32>) -> tensor<1x2x1xf32>
  return %0, %1 : tensor<1x2x1xf32>, tensor<1x2x1xf32>
}

// A window of one key to the left, none to the right.
// RUN: %iree_run --function=window --input="1x3x2xf32=0" --input="1x3x2xf32=1" --input="1x3x1xf32=[[1][3][5]]" --expected_output="1x3x1xf32=[[1][2][4]]"
func.func @window(%q: tensor<1x3x2xf32>, %k: tensor<1x3x2xf32>, %v: tensor<1x3x1xf32>) -> tensor<1x3x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, window = array<i64: 1, 0>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x3x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  return %0 : tensor<1x3x1xf32>
}

// A bool mask of the keys alone, then a row that sees nothing, in the three modes.
// RUN: %iree_run --function=masked --input="1x1x2xf32=0" --input="1x2x2xf32=1" --input="1x2x1xf32=[[1][3]]" --input="2xi32=0 1" --expected_output="1x1x1xf32=[[3]]" --expected_output="1x1x1xf32=[[3]]" --expected_output="1x1x1xf32=[[3]]"
// RUN: %iree_run --function=masked --input="1x1x2xf32=0" --input="1x2x2xf32=1" --input="1x2x1xf32=[[1][3]]" --input="2xi32=0 0" --expected_output="1x1x1xf32=[[0]]" --expected_output="1x1x1xf32=[[2]]" --expected_output="1x1x1xf32=[[nan]]"
func.func @masked(%q: tensor<1x1x2xf32>, %k: tensor<1x2x2xf32>, %v: tensor<1x2x1xf32>, %attends: tensor<2xi32>)
    -> (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) {
  %m = stablehlo.convert %attends : (tensor<2xi32>) -> tensor<2xi1>
  %0 = "attnorm.sdpa"(%q, %k, %v, %m) {scale = 1.0 : f64, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<1x1x2xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<2xi1>) -> tensor<1x1x1xf32>
  %1 = "attnorm.sdpa"(%q, %k, %v, %m) {scale = 1.0 : f64, fully_masked = "uniform", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<1x1x2xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<2xi1>) -> tensor<1x1x1xf32>
  %2 = "attnorm.sdpa"(%q, %k, %v, %m) {scale = 1.0 : f64, fully_masked = "nan", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<1x1x2xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<2xi1>) -> tensor<1x1x1xf32>
  return %0, %1, %2 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// An additive mask: log 3 gives the second key three quarters.
// RUN: %iree_run --function=additive --input="1x1x2xf32=0" --input="1x2x2xf32=1" --input="1x2x1xf32=[[4][8]]" --input="1x2xf32=[0 1.0986123]" --expected_output="1x1x1xf32=[[7]]"
func.func @additive(%q: tensor<1x1x2xf32>, %k: tensor<1x2x2xf32>, %v: tensor<1x2x1xf32>, %m: tensor<1x2xf32>) -> tensor<1x1x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v, %m) {scale = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<1x1x2xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<1x2xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}

// A sink of score 0 counts as one more key whose value is 0; log_sum_exp counts it too.
// RUN: %iree_run --function=sinks --input="1x1x2xf32=0" --input="1x3x2xf32=1" --input="1x3x1xf32=[[4][4][4]]" --input="1xf32=0" --expected_output="1x1x1xf32=[[3]]" --expected_output="1x1xf32=[1.3862944]"
func.func @sinks(%q: tensor<1x1x2xf32>, %k: tensor<1x3x2xf32>, %v: tensor<1x3x1xf32>, %s: tensor<1xf32>) -> (tensor<1x1x1xf32>, tensor<1x1xf32>) {
  %0:2 = "attnorm.sdpa"(%q, %k, %v, %s) {scale = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>}
      : (tensor<1x1x2xf32>, tensor<1x3x2xf32>, tensor<1x3x1xf32>, tensor<1xf32>) -> (tensor<1x1x1xf32>, tensor<1x1xf32>)
  return %0#0, %0#1 : tensor<1x1x1xf32>, tensor<1x1xf32>
}

// Four query heads read two key heads, two each, in order.
// RUN: %iree_run --function=grouped --input="1x4x1x2xf32=0" --input="1x2x1x2xf32=1" --input="1x2x1x1xf32=[[[1]][[2]]]" --expected_output="1x4x1x1xf32=[[[1]][[1]][[2]][[2]]]"
func.func @grouped(%q: tensor<1x4x1x2xf32>, %k: tensor<1x2x1x2xf32>, %v: tensor<1x2x1x1xf32>) -> tensor<1x4x1x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x4x1x2xf32>, tensor<1x2x1x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}

// The cap bends a score of 1000 down to 1: 1 / (1 + e) of the first value, e / (1 + e) of the second.
// RUN: %iree_run --function=softcap --input="1x1x1xf32=[[1000]]" --input="1x2x1xf32=[[0][1]]" --input="1x2x1xf32=[[0][1]]" --expected_output="1x1x1xf32=[[0.7310586]]"
func.func @softcap(%q: tensor<1x1x1xf32>, %k: tensor<1x2x1xf32>, %v: tensor<1x2x1xf32>) -> tensor<1x1x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, softcap = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x1x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}

// Lengths known at run time only.
// RUN: %iree_run --function=dynamic --input="1x2x2xf32=0" --input="1x2x2xf32=1" --input="1x2x1xf32=[[1][3]]" --expected_output="1x2x1xf32=[[1][2]]"
func.func @dynamic(%q: tensor<1x?x2xf32>, %k: tensor<1x?x2xf32>, %v: tensor<1x?x1xf32>) -> tensor<1x?x1xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %v) {scale = 1.0 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<1x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x1xf32>) -> tensor<1x?x1xf32>
  return %0 : tensor<1x?x1xf32>
}

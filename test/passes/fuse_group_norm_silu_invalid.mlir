// What is refused stays as it is.
// RUN: attnorm-opt %s --fuse-group-norm-silu --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep activation %t

// A norm with another use would be computed twice.
func.func @two_uses(%x: tensor<2x6x5xf32>) -> (tensor<2x6x5xf32>, tensor<2x6x5xf32>) {
  // expected-remark @+1 {{result: expected no use but the SiLU's, got another}}
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %1 = stablehlo.logistic %0 : tensor<2x6x5xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x6x5xf32>
  return %0, %2 : tensor<2x6x5xf32>, tensor<2x6x5xf32>
}

// -----

// So would one whose logistic has another use.
func.func @logistic_used(%x: tensor<2x6x5xf32>) -> (tensor<2x6x5xf32>, tensor<2x6x5xf32>) {
  // expected-remark @+1 {{result: expected no use but the SiLU's, got another}}
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  %1 = stablehlo.logistic %0 : tensor<2x6x5xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x6x5xf32>
  return %1, %2 : tensor<2x6x5xf32>, tensor<2x6x5xf32>
}

// -----

// The op would round a value that stays wide.
func.func @not_rounded(%x: tensor<2x6x5xbf16>) -> tensor<2x6x5xf32> {
  // expected-remark @+1 {{result: expected a SiLU of type tensor<2x6x5xbf16>, got tensor<2x6x5xf32>}}
  %0 = "attnorm.group_norm"(%x) {groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x6x5xbf16>) -> tensor<2x6x5xbf16>
  %1 = stablehlo.convert %0 : (tensor<2x6x5xbf16>) -> tensor<2x6x5xf32>
  %2 = stablehlo.logistic %1 : tensor<2x6x5xf32>
  %3 = stablehlo.multiply %1, %2 : tensor<2x6x5xf32>
  return %3 : tensor<2x6x5xf32>
}

// What is refused stays as it is.
// RUN: attnorm-opt %s --fuse-norm-mul --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep rms_norm_mul %t

// A norm with another use would be computed twice.
func.func @two_uses(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // expected-remark @+1 {{result: expected one use, got 2}}
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %s : tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// A product in a region may run more often than the norm.
func.func @region(%x: tensor<2x4xf32>, %p: tensor<i1>) -> tensor<2x4xf32> {
  // expected-remark @+1 {{result: expected a product in the norm's own block, got one in a region}}
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = "stablehlo.if"(%p) ({
    %2 = stablehlo.multiply %0, %x : tensor<2x4xf32>
    stablehlo.return %2 : tensor<2x4xf32>
  }, {
    stablehlo.return %x : tensor<2x4xf32>
  }) : (tensor<i1>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Without a product there is nothing to say.
func.func @no_product(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0, %0 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// A product that knows more of its sizes than the norm.
func.func @product_type(%x: tensor<?x4xf32>, %s: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-remark @+1 {{result: expected a product of type tensor<?x4xf32>, got tensor<2x4xf32>}}
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = "stablehlo.multiply"(%0, %s) : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

module {
  func.func @sum(%arg0: tensor<2x3x4xf32>) -> (tensor<2x3xf32>) {
    // input x: x : tensor<2x3x4xf32>
    %v0 = stablehlo.custom_call @reduce_sum(%arg0) {dimensions = [-1], keepdim = false} : tensor<2x3xf32>
    return %v0 : tensor<2x3xf32>
  }
}

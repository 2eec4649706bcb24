module {
  func.func @keepdim(%arg0: tensor<2x4xf32>) -> (tensor<2x1xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_sum(%arg0) {dimensions = [1], keepdim = true} : tensor<2x1xf32>
    return %v0 : tensor<2x1xf32>
  }
}

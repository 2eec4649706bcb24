module {
  func.func @variance(%arg0: tensor<2x4xf32>) -> (tensor<2xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_variance(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    return %v0 : tensor<2xf32>
  }
}

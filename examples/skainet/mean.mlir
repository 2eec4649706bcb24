module {
  func.func @mean(%arg0: tensor<2x4xf32>) -> (tensor<2xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_sum(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v1 = stablehlo.constant dense<4.0> : tensor<2xf32>
    %v2 = stablehlo.divide %v0, %v1 : tensor<2xf32>
    return %v2 : tensor<2xf32>
  }
}

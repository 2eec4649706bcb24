module {
  func.func @reduce_all(%arg0: tensor<2x4xf32>) -> (tensor<xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_sum(%arg0) {dimensions = [], keepdim = false} : tensor<1xf32>
    %v1 = stablehlo.constant dense<8.0> : tensor<xf32>
    %v2 = stablehlo.divide %v0, %v1 : tensor<xf32>
    return %v2 : tensor<xf32>
  }
}

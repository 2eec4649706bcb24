module {
  func.func @softmax(%arg0: tensor<2x4xf32>) -> (tensor<2x4xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.custom_call @reduce_max(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v1 = stablehlo.broadcast_in_dim %v0, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
    %v2 = stablehlo.subtract %arg0, %v1 : tensor<2x4xf32>
    %v3 = stablehlo.exponential %v2 : tensor<2x4xf32>
    %v4 = stablehlo.custom_call @reduce_sum(%v3) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v5 = stablehlo.broadcast_in_dim %v4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
    %v6 = stablehlo.divide %v3, %v5 : tensor<2x4xf32>
    return %v6 : tensor<2x4xf32>
  }
}

module {
  func.func @rms_norm(%arg0: tensor<2x4xf32>) -> (tensor<2x4xf32>) {
    // input x: x : tensor<2x4xf32>
    %v0 = stablehlo.multiply %arg0, %arg0 : tensor<2x4xf32>
    %v1 = stablehlo.custom_call @reduce_mean(%v0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v2 = stablehlo.constant dense<1.0E-6> : tensor<f32>
    %v3 = stablehlo.broadcast_in_dim %v2, dims = [] : (tensor<f32>) -> tensor<2xf32>
    %v4 = stablehlo.add %v1, %v3 : tensor<2xf32>
    %v5 = stablehlo.sqrt %v4 : tensor<2xf32>
    %v6 = stablehlo.broadcast_in_dim %v5, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
    %v7 = stablehlo.divide %arg0, %v6 : tensor<2x4xf32>
    return %v7 : tensor<2x4xf32>
  }
}

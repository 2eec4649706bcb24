module {
  func.func @layer_norm(%arg0: tensor<2x4xf32>, %arg1: tensor<4xf32>, %arg2: tensor<4xf32>) -> (tensor<2x4xf32>) {
    // input x: x : tensor<2x4xf32>
    // input scale: scale : tensor<4xf32>
    // input offset: offset : tensor<4xf32>
    %v0 = stablehlo.custom_call @reduce_mean(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v1 = stablehlo.broadcast_in_dim %v0, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
    %v2 = stablehlo.subtract %arg0, %v1 : tensor<2x4xf32>
    %v3 = stablehlo.custom_call @reduce_variance(%arg0) {dimensions = [1], keepdim = false} : tensor<2xf32>
    %v4 = stablehlo.constant dense<1.0E-5> : tensor<f32>
    %v5 = stablehlo.broadcast_in_dim %v4, dims = [] : (tensor<f32>) -> tensor<2xf32>
    %v6 = stablehlo.add %v3, %v5 : tensor<2xf32>
    %v7 = stablehlo.sqrt %v6 : tensor<2xf32>
    %v8 = stablehlo.broadcast_in_dim %v7, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
    %v9 = stablehlo.divide %v2, %v8 : tensor<2x4xf32>
    %v10 = stablehlo.multiply %v9, %arg1 : tensor<2x4xf32>
    %v11 = stablehlo.add %v10, %arg2 : tensor<2x4xf32>
    return %v11 : tensor<2x4xf32>
  }
}

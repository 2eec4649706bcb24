module {
  func.func @layer_norm(%arg0: tensor<2x4xf32>, %arg1: tensor<4xf32>, %arg2: tensor<4xf32>) -> (tensor<2x4xf32>) {
    // input x: x : tensor<2x4xf32>
    // input scale: scale : tensor<4xf32>
    // input offset: offset : tensor<4xf32>
    %v0 = stablehlo.custom_call @layer_norm(%arg0, %arg1, %arg2) {epsilon = 1.0E-5} : tensor<2x4xf32>
    return %v0 : tensor<2x4xf32>
  }
}

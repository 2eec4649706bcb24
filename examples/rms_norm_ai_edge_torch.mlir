// LiteRT's RMSNorm before conversion: an opaque call that carries no epsilon.
module {
  func.func public @main(%x: tensor<2x3x8xf32>, %w: tensor<8xf32>) -> tensor<2x3x8xf32> {
    %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w) {backend_config = ""}
        : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
    return %0 : tensor<2x3x8xf32>
  }
}

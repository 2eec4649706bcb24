// Attention as an opaque call: eight query heads share two key heads, causal.
module {
  func.func public @main(%q: tensor<1x8x16x32xf32>, %k: tensor<1x2x16x32xf32>,
                         %v: tensor<1x2x16x32xf32>) -> tensor<1x8x16x32xf32> {
    %0 = stablehlo.custom_call @scaled_dot_product_attention(%q, %k, %v)
        {is_causal = true, enable_gqa = true}
        : (tensor<1x8x16x32xf32>, tensor<1x2x16x32xf32>, tensor<1x2x16x32xf32>)
        -> tensor<1x8x16x32xf32>
    return %0 : tensor<1x8x16x32xf32>
  }
}

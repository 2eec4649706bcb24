// Composites that a declaration of group_norm does not cover stay as they are.
// RUN: attnorm-opt %s --raise-composites --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep '"attnorm.group_norm"(' %t

// One group is how LiteRT spells a LayerNorm, too; the decomposition says which it is.
func.func @one_group(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-remark @+1 {{"odml.group_norm": num_groups: expected more than 1, which may be a layer norm, got 1}}
  %0 = stablehlo.composite "odml.group_norm" %x {composite_attributes = {num_groups = 1 : i64, epsilon = 0.5 : f64, channel_axis = 1 : i64}, decomposition = @impl} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}
func.func private @impl(tensor<2x6x5xf32>) -> tensor<2x6x5xf32>

// -----

// Other axes than the definition's would change the meaning.
func.func @unknown(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-remark @+1 {{"odml.group_norm": reduction_axes: expected no such attribute; known are num_groups, channel_axis, channel_dim, epsilon}}
  %0 = stablehlo.composite "odml.group_norm" %x {composite_attributes = {num_groups = 2 : i64, epsilon = 0.5 : f64, reduction_axes = 2 : i64}, decomposition = @impl} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}
func.func private @impl(tensor<2x6x5xf32>) -> tensor<2x6x5xf32>

// -----

// The op's own constraints hold.
func.func @divide(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-remark @+1 {{"tenstorrent.group_norm": groups: expected a divisor of 6, got 4 [group_norm_c5]}}
  %0 = stablehlo.composite "tenstorrent.group_norm" %x {composite_attributes = {num_groups = 4 : i64, epsilon = 0.5 : f64, channel_dim = 1 : i64}, decomposition = @impl} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}
func.func private @impl(tensor<2x6x5xf32>) -> tensor<2x6x5xf32>

// Calls that mean a group_norm, but say too little of it, too much, or something wrong.
// RUN: attnorm-opt %s --raise-custom-calls --split-input-file --verify-diagnostics

func.func @no_groups(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-error @+1 {{@group_norm: num_groups: expected an attribute, got none}}
  %0 = stablehlo.custom_call @group_norm(%x) {eps = 0.5 : f64} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

func.func @several_groups(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-error @+1 {{@group_norm: num_groups: expected one integer, got [2, 3]}}
  %0 = stablehlo.custom_call @group_norm(%x) {num_groups = [2, 3], eps = 0.5 : f64} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

func.func @no_epsilon(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-error @+1 {{@instance_norm: epsilon: expected an attribute, got none}}
  %0 = stablehlo.custom_call @instance_norm(%x) : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

func.func @two_spellings(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  // expected-error @+1 {{@instance_norm: channel_dim: expected one spelling, got 'channel_axis' too}}
  %0 = stablehlo.custom_call @instance_norm(%x) {epsilon = 0.5 : f64, channel_axis = 1 : i64, channel_dim = 1 : i64} : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

func.func @dynamic_channels(%x: tensor<2x?x5xf32>) -> tensor<2x?x5xf32> {
  // expected-error @+1 {{@instance_norm: x: expected a static number of channels, got a dynamic one}}
  %0 = stablehlo.custom_call @instance_norm(%x) {epsilon = 0.5 : f64} : (tensor<2x?x5xf32>) -> tensor<2x?x5xf32>
  return %0 : tensor<2x?x5xf32>
}

// -----

func.func @groups_as_weight(%x: tensor<2x6x5xf32>, %w: tensor<2xf32>) -> tensor<2x6x5xf32> {
  // expected-error @+1 {{@group_norm: weight: expected shape 6 (or 1s), got 2 [group_norm_c7]}}
  %0 = stablehlo.custom_call @group_norm(%x, %w) {num_groups = 2 : i64, eps = 0.5 : f64} : (tensor<2x6x5xf32>, tensor<2xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

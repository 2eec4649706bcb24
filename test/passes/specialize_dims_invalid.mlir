// RUN: attnorm-opt %s --specialize-dims="dims=0.0=2;1.0=3" --split-input-file --verify-diagnostics

// Sizes of what is added.
func.func @contradiction(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'stablehlo.add' op requires the same shape for all operands and results}}
  %0 = stablehlo.add %x, %y : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// No argument 1.
// expected-error @+1 {{dims: 1.0: expected an argument below 1}}
func.func @argument(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// No dimension 0.
// expected-error @+1 {{dims: 1.0: expected a dimension of tensor<f32>}}
func.func @dimension(%x: tensor<?xf32>, %y: tensor<f32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// A dimension whose size is in the type.
// expected-error @+1 {{dims: 1.0: expected a dynamic dimension, got one of tensor<3xf32>}}
func.func @static(%x: tensor<?xf32>, %y: tensor<3xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// Two sizes of what JAX asserts to be equal.
// expected-error @+1 {{dims: 1.0: expected one size, got 3 and 2}}
func.func @equal(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %m = stablehlo.get_dimension_size %y, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %e = stablehlo.compare EQ, %m, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%e, %m, %n) {error_message = "", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
  return %y : tensor<?xf32>
}

// -----

// Two functions and none named.
// expected-error @+1 {{dims: function: expected a name, got none for 2 public functions}}
module {
  func.func @a(%x: tensor<?xf32>) -> tensor<?xf32> {
    return %x : tensor<?xf32>
  }
  func.func @b(%x: tensor<?xf32>) -> tensor<?xf32> {
    return %x : tensor<?xf32>
  }
}

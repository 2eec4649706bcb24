// RUN: attnorm-opt %s --legalize-shape-assertions --split-input-file --verify-diagnostics

// The sizes that are known stand in JAX's message.
func.func @sizes(%x: tensor<3xf32>, %y: tensor<?xf32>) -> tensor<3xf32> {
  %four = stablehlo.constant dense<4> : tensor<i32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<3xf32>) -> tensor<i32>
  %m = stablehlo.get_dimension_size %y, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %0 = stablehlo.compare GE, %n, %four, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  // expected-error @+1 {{expected at least 4, got 3 beside ?}}
  stablehlo.custom_call @shape_assertion(%0, %n, %m) {error_message = "expected at least 4, got {0} beside {1}", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
  return %x : tensor<3xf32>
}

// -----

// false is false, and zero a size.
func.func @false() {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.constant dense<false> : tensor<i1>
  // expected-error @+1 {{got 0}}
  stablehlo.custom_call @shape_assertion(%0, %zero) {error_message = "got {0}", has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
  return
}

// -----

// What never holds is an error before sizes are known.
func.func @never(%x: tensor<?xf32>) {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %0 = stablehlo.compare NE, %n, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  // expected-error @+1 {{a shape assertion failed}}
  stablehlo.custom_call @shape_assertion(%0) {has_side_effect = true} : (tensor<i1>) -> ()
  return
}

// RUN: attnorm-opt %s --specialize-dims="dims=n=2 function=other" | FileCheck %s

// A dimension variable of JAX is a size by name, of the function that is named.
// CHECK:       func.func @main(%{{.*}}: tensor<?xf32>) -> tensor<?xf32>
// CHECK:       func.func @other(%{{.*}}: tensor<2xf32>) -> tensor<2xf32>
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func @other(%x: tensor<?xf32>) -> tensor<?xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %0 = call @wrapped(%n, %x) : (tensor<i32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @wrapped(%n: tensor<i32> {jax.global_constant = "n"}, %x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = stablehlo.negate %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// RUN: not attnorm-opt %s --specialize-dims="dims=0.0" 2>&1 | FileCheck %s --check-prefix=ENTRY
// RUN: not attnorm-opt %s --specialize-dims="dims=s=2" 2>&1 | FileCheck %s --check-prefix=SYMBOL
// RUN: not attnorm-opt %s --specialize-dims="dims=twice=2" 2>&1 | FileCheck %s --check-prefix=SUM
// RUN: not attnorm-opt %s --specialize-dims="dims=0.0=2 function=g" 2>&1 | FileCheck %s --check-prefix=FUNCTION

// An entry without a size, a symbol and a function that are not there, a symbol that is no dimension.
// ENTRY:    error: dims: expected ARGUMENT.DIMENSION=SIZE or SYMBOL=SIZE, got '0.0'
// SYMBOL:   error: dims: s: expected a symbol of the module, known are: twice
// SUM:      error: dims: twice: expected the size of one dimension; give it by its argument
// FUNCTION: error: dims: function: expected one of f, got 'g'
func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %d = stablehlo.add %n, %n : tensor<i32>
  %0 = call @wrapped(%d, %x) : (tensor<i32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @wrapped(%n: tensor<i32> {jax.global_constant = "twice"}, %x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

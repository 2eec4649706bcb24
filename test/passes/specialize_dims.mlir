// RUN: attnorm-opt %s --specialize-dims=dims="0.0=2" --split-input-file | FileCheck %s
// RUN: attnorm-opt %s --specialize-dims --split-input-file | FileCheck %s --check-prefix=NOTHING

// What follows from a size becomes static: reductions, broadcasts, reshapes, the result.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<2x4xf32>) -> tensor<2x2x2xf32>
// NOTHING:     func.func @main(%{{.*}}: tensor<?x4xf32>) -> tensor<?x2x2xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2x2xf32> {
  // CHECK-DAG: %[[SUM:.*]] = stablehlo.reduce(%[[X]] init: %{{.*}}) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  // CHECK:     %[[SUMS:.*]] = stablehlo.broadcast_in_dim %[[SUM]], dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  // CHECK:     %[[RATIO:.*]] = stablehlo.divide %[[X]], %[[SUMS]]
  // CHECK:     %[[SPLIT:.*]] = stablehlo.reshape %[[RATIO]] : (tensor<2x4xf32>) -> tensor<2x2x2xf32>
  // CHECK:     return %[[SPLIT]]
  // NOTHING:   stablehlo.dynamic_reshape
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %c4 = stablehlo.constant dense<4> : tensor<1xi32>
  %c2 = stablehlo.constant dense<2> : tensor<1xi32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x4xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %s = stablehlo.concatenate %n1, %c4, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x4xf32>, tensor<f32>) -> tensor<?xf32>
  %sums = stablehlo.dynamic_broadcast_in_dim %sum, %s, dims = [0] : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x4xf32>
  %ratio = stablehlo.divide %x, %sums : tensor<?x4xf32>
  %t = stablehlo.concatenate %n1, %c2, %c2, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
  %0 = stablehlo.dynamic_reshape %ratio, %t : (tensor<?x4xf32>, tensor<3xi32>) -> tensor<?x2x2xf32>
  return %0 : tensor<?x2x2xf32>
}

// -----

// The shapes of torch-mlir: the size of an arange is a ratio of floats, rounded up.
// CHECK-LABEL: func.func @arange
// CHECK-SAME:    tensor<2x4xf32>) -> tensor<2xi64>
// CHECK:         stablehlo.iota dim = 0 : tensor<2xi64>
func.func @arange(%x: tensor<?x4xf32>) -> tensor<?xi64> {
  %c0 = arith.constant 0 : index
  %one = stablehlo.constant dense<1.0> : tensor<f64>
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %i = arith.index_cast %n : index to i64
  %t = tensor.from_elements %i : tensor<1xi64>
  %r = stablehlo.reshape %t : (tensor<1xi64>) -> tensor<i64>
  %f = stablehlo.convert %r : (tensor<i64>) -> tensor<f64>
  %d = stablehlo.divide %f, %one : tensor<f64>
  %e = stablehlo.ceil %d : tensor<f64>
  %g = stablehlo.convert %e : (tensor<f64>) -> tensor<i64>
  %s = stablehlo.reshape %g : (tensor<i64>) -> tensor<1xi64>
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xi64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// Called functions and composites are specialized with their caller.
// CHECK-LABEL: func.func @calls
// CHECK-SAME:    (%[[X:.*]]: tensor<2xf32>) -> tensor<2xf32>
// CHECK-NEXT:    %[[ABS:.*]] = stablehlo.abs %[[X]] : tensor<2xf32>
// CHECK-NEXT:    stablehlo.negate %[[ABS]] : tensor<2xf32>
func.func @calls(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = call @abs(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %1 = stablehlo.composite "my.negate" %0 {decomposition = @negate} : (tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}
func.func private @abs(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = stablehlo.abs %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @negate(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = stablehlo.negate %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// What is not given stays dynamic.
// CHECK-LABEL: func.func @partly
// CHECK-SAME:    (%{{.*}}: tensor<2x?xf32>, %{{.*}}: tensor<?xf32>) -> (tensor<2x?xf32>, tensor<?xf32>)
func.func @partly(%x: tensor<?x?xf32>, %y: tensor<?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %0 = stablehlo.abs %x : tensor<?x?xf32>
  %1 = stablehlo.abs %y : tensor<?xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?xf32>
}

// -----

// What JAX asserts to be equal gets one size.
// CHECK-LABEL: func.func @equal
// CHECK-SAME:    (%{{.*}}: tensor<2xf32>, %{{.*}}: tensor<4xf32>) -> tensor<4xf32>
func.func @equal(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %two = stablehlo.constant dense<2> : tensor<i32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %m = stablehlo.get_dimension_size %y, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %d = stablehlo.multiply %n, %two : tensor<i32>
  %e = stablehlo.compare EQ, %m, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%e, %m, %d) {error_message = "{0} is not {1}", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
  return %y : tensor<?xf32>
}

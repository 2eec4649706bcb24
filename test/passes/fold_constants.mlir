// RUN: attnorm-opt %s --fold-constants --split-input-file | FileCheck %s

// torch-mlir's epsilon: an f64 behind three ops, rounded once, to f32.
// CHECK-LABEL: func.func @epsilon
func.func @epsilon() -> tensor<2x4xf32> {
  // CHECK: %[[E:.*]] = stablehlo.constant dense<9.99999997E-7> : tensor<2x4xf32>
  // CHECK-NEXT: return %[[E]]
  %cst = arith.constant dense<1.0e-6> : tensor<1xf64>
  %0 = stablehlo.convert %cst : (tensor<1xf64>) -> tensor<1xf32>
  %1 = stablehlo.reshape %0 : (tensor<1xf32>) -> tensor<f32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<f32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// A half type rounds at every step, as its own arithmetic does: 2048 + 1 is 2048.
// CHECK-LABEL: func.func @half
func.func @half() -> tensor<f16> {
  // CHECK: stablehlo.constant dense<2.048000e+03> : tensor<f16>
  %a = stablehlo.constant dense<2048.0> : tensor<f16>
  %b = stablehlo.constant dense<1.0> : tensor<f16>
  %0 = stablehlo.add %a, %b : tensor<f16>
  return %0 : tensor<f16>
}

// -----

// Integers wrap; their division is left to the run time.
// CHECK-LABEL: func.func @integers
func.func @integers() -> (tensor<i8>, tensor<i8>) {
  // CHECK-DAG: stablehlo.constant dense<-128> : tensor<i8>
  // CHECK-DAG: stablehlo.divide
  %a = stablehlo.constant dense<127> : tensor<i8>
  %b = stablehlo.constant dense<1> : tensor<i8>
  %0 = stablehlo.add %a, %b : tensor<i8>
  %1 = stablehlo.divide %a, %b : tensor<i8>
  return %0, %1 : tensor<i8>, tensor<i8>
}

// -----

// The root of a negative number and constants of many values stay.
// CHECK-LABEL: func.func @left
func.func @left() -> (tensor<f32>, tensor<2xf32>) {
  // CHECK: stablehlo.sqrt
  // CHECK: stablehlo.negate
  %a = stablehlo.constant dense<-1.0> : tensor<f32>
  %b = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = stablehlo.sqrt %a : tensor<f32>
  %1 = stablehlo.negate %b : tensor<2xf32>
  return %0, %1 : tensor<f32>, tensor<2xf32>
}

// What StableHLO has no type for stays what it is.
// CHECK-LABEL: func.func @wide_integer
func.func @wide_integer() -> tensor<4xi128> {
  // CHECK-NEXT: arith.constant dense<5> : tensor<4xi128>
  %0 = arith.constant dense<5> : tensor<4xi128>
  return %0 : tensor<4xi128>
}

// -----

// jnp.var asks whether its count less the correction is positive; nothing compares as a NaN does.
// CHECK-LABEL: func.func @comparisons
func.func @comparisons() -> (tensor<i1>, tensor<i1>, tensor<i1>, tensor<i1>) {
  // CHECK-DAG: %[[TRUE:.*]] = stablehlo.constant dense<true> : tensor<i1>
  // CHECK-DAG: %[[FALSE:.*]] = stablehlo.constant dense<false> : tensor<i1>
  // CHECK: %[[TOTAL:.*]] = stablehlo.compare EQ, {{.*}} TOTALORDER
  // CHECK: return %[[TRUE]], %[[FALSE]], %[[TRUE]], %[[TOTAL]]
  %count = stablehlo.constant dense<32.0> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %nan = stablehlo.constant dense<0x7FC00000> : tensor<f32>
  %0 = stablehlo.compare GT, %count, %zero, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %1 = stablehlo.compare EQ, %nan, %nan, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %2 = stablehlo.compare NE, %nan, %nan : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %3 = stablehlo.compare EQ, %nan, %nan, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
  return %0, %1, %2, %3 : tensor<i1>, tensor<i1>, tensor<i1>, tensor<i1>
}

// -----

// What is read from a constant is that constant, wherever from; no sequence that begins anywhere is
// counted as 0 of them (transformers' cumsum). Zeros that may be negative, and ones, are left.
// CHECK-LABEL: func.func @read_and_counted
func.func @read_and_counted(%i: tensor<4x2xi64>) -> (tensor<4xi64>, tensor<2x5xi64>, tensor<2x5xf32>) {
  // CHECK-DAG: %[[SEQUENCE:.*]] = stablehlo.constant dense<0> : tensor<4xi64>
  // CHECK: %[[ONES:.*]] = "stablehlo.reduce_window"
  // CHECK: %[[FLOATS:.*]] = "stablehlo.reduce_window"
  // CHECK: return %[[SEQUENCE]], %[[ONES]], %[[FLOATS]]
  %none = stablehlo.constant dense<0> : tensor<2x5xi64>
  %one = stablehlo.constant dense<1> : tensor<2x5xi64>
  %zero = stablehlo.constant dense<0> : tensor<i64>
  %float = stablehlo.constant dense<0.0> : tensor<f32>
  %floats = stablehlo.constant dense<-0.0> : tensor<2x5xf32>
  %0 = "stablehlo.reduce_window"(%none, %zero) <{padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 5>}> ({
  ^bb0(%a: tensor<i64>, %b: tensor<i64>):
    %sum = stablehlo.add %a, %b : tensor<i64>
    stablehlo.return %sum : tensor<i64>
  }) : (tensor<2x5xi64>, tensor<i64>) -> tensor<2x5xi64>
  %1 = "stablehlo.gather"(%0, %i) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1>}> : (tensor<2x5xi64>, tensor<4x2xi64>) -> tensor<4xi64>
  %2 = "stablehlo.reduce_window"(%one, %zero) <{padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 5>}> ({
  ^bb0(%a: tensor<i64>, %b: tensor<i64>):
    %sum = stablehlo.add %a, %b : tensor<i64>
    stablehlo.return %sum : tensor<i64>
  }) : (tensor<2x5xi64>, tensor<i64>) -> tensor<2x5xi64>
  %3 = "stablehlo.reduce_window"(%floats, %float) <{padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 5>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %sum = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %sum : tensor<f32>
  }) : (tensor<2x5xf32>, tensor<f32>) -> tensor<2x5xf32>
  return %1, %2, %3 : tensor<4xi64>, tensor<2x5xi64>, tensor<2x5xf32>
}

// -----

// torch-mlir's small bf16 weights: no kernel takes a norm with arith's constant in it, and IREE makes an
// invalid product of its decomposition.
// CHECK-LABEL: func.func @weight
func.func @weight() -> tensor<2xbf16> {
  // CHECK-NEXT: stablehlo.constant dense<[5.000000e-01, 1.500000e+00]> : tensor<2xbf16>
  %0 = arith.constant dense<[0.5, 1.5]> : tensor<2xbf16>
  return %0 : tensor<2xbf16>
}

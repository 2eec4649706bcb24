// RUN: attnorm-opt %s --fold-positions --split-input-file | FileCheck %s

// transformers reads a padding mask at [b, j] of every score, and an embedding at the first
// positions: the gathers kept masks from being seen, and their dimensions from being small.
// Indices that could count from the end, and do not, are chosen as they are.
// CHECK-LABEL: func.func @in_order
// CHECK-SAME:    (%[[PAD:.*]]: tensor<2x4xi1>, %[[TABLE:.*]]: tensor<9x8xf32>)
func.func @in_order(%pad: tensor<2x4xi1>, %table: tensor<9x8xf32>) -> (tensor<2x1x3x4xi1>, tensor<2x4x8xf32>) {
  // CHECK-DAG: %[[MASK:.*]] = stablehlo.broadcast_in_dim %[[PAD]], dims = [0, 3]
  // CHECK-DAG: %[[FIRST:.*]] = stablehlo.slice %[[TABLE]] [0:4, 0:8]
  // CHECK-DAG: %[[ROWS:.*]] = stablehlo.broadcast_in_dim %[[FIRST]], dims = [1, 2]
  // CHECK: return %[[MASK]], %[[ROWS]]
  %b = stablehlo.iota dim = 0 : tensor<2xi64>
  %i = stablehlo.iota dim = 0 : tensor<4xi64>
  %four = stablehlo.constant dense<4> : tensor<4xi64>
  %start = stablehlo.constant dense<0> : tensor<4xi64>
  %behind = stablehlo.compare LT, %i, %start : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>
  %moved = stablehlo.add %i, %four : tensor<4xi64>
  %j = stablehlo.select %behind, %moved, %i : tensor<4xi1>, tensor<4xi64>
  %0 = stablehlo.broadcast_in_dim %b, dims = [0] : (tensor<2xi64>) -> tensor<2x1x3x4x1xi64>
  %1 = stablehlo.broadcast_in_dim %j, dims = [3] : (tensor<4xi64>) -> tensor<2x1x3x4x1xi64>
  %2 = stablehlo.concatenate %0, %1, dim = 4 : (tensor<2x1x3x4x1xi64>, tensor<2x1x3x4x1xi64>) -> tensor<2x1x3x4x2xi64>
  %3 = "stablehlo.gather"(%pad, %2) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 4>, slice_sizes = array<i64: 1, 1>}> : (tensor<2x4xi1>, tensor<2x1x3x4x2xi64>) -> tensor<2x1x3x4xi1>
  %4 = stablehlo.broadcast_in_dim %j, dims = [1] : (tensor<4xi64>) -> tensor<2x4xi64>
  %5 = "stablehlo.gather"(%table, %4) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1, 8>}> : (tensor<9x8xf32>, tensor<2x4xi64>) -> tensor<2x4x8xf32>
  return %3, %5 : tensor<2x1x3x4xi1>, tensor<2x4x8xf32>
}

// -----

// Near misses: a diagonal, indices that count from 1, more of them than there are elements, which
// are clamped, indices of an argument, part of the rows.
// CHECK-LABEL: func.func @out_of_order
func.func @out_of_order(%x: tensor<4x4xf32>, %n: tensor<4xi64>) -> (tensor<4xf32>, tensor<4x4xf32>, tensor<5x4xf32>, tensor<4x4xf32>, tensor<4x3xf32>) {
  // CHECK-COUNT-5: stablehlo.gather"
  %i = stablehlo.iota dim = 0 : tensor<4x1xi64>
  %0 = stablehlo.concatenate %i, %i, dim = 1 : (tensor<4x1xi64>, tensor<4x1xi64>) -> tensor<4x2xi64>
  %1 = "stablehlo.gather"(%x, %0) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1>}> : (tensor<4x4xf32>, tensor<4x2xi64>) -> tensor<4xf32>
  %one = stablehlo.constant dense<1> : tensor<4x1xi64>
  %2 = stablehlo.add %i, %one : tensor<4x1xi64>
  %3 = "stablehlo.gather"(%x, %2) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<4x4xf32>, tensor<4x1xi64>) -> tensor<4x4xf32>
  %more = stablehlo.iota dim = 0 : tensor<5x1xi64>
  %4 = "stablehlo.gather"(%x, %more) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<4x4xf32>, tensor<5x1xi64>) -> tensor<5x4xf32>
  %5 = "stablehlo.gather"(%x, %n) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<4x4xf32>, tensor<4xi64>) -> tensor<4x4xf32>
  %6 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 3>}> : (tensor<4x4xf32>, tensor<4x1xi64>) -> tensor<4x3xf32>
  return %1, %3, %4, %5, %6 : tensor<4xf32>, tensor<4x4xf32>, tensor<5x4xf32>, tensor<4x4xf32>, tensor<4x3xf32>
}

// -----

// Where no mask is given, transformers asks whether each position follows the one before, to tell
// packed sequences apart, and Llama's attention was not causal. What differs from element to element,
// or comes of an argument, stays; a sum wraps as its type does.
// CHECK-LABEL: func.func @one_sequence
// CHECK-SAME:    (%[[N:.*]]: tensor<i64>)
func.func @one_sequence(%n: tensor<i64>) -> (tensor<2x4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  // CHECK-DAG: %[[FALSE:.*]] = stablehlo.constant dense<false> : tensor<2x4xi1>
  // CHECK-DAG: %[[TRUE:.*]] = stablehlo.constant dense<true> : tensor<4xi1>
  // CHECK-DAG: %[[SOME:.*]] = stablehlo.compare GT
  // CHECK-DAG: %[[ANY:.*]] = stablehlo.compare LE
  // CHECK: return %[[FALSE]], %[[SOME]], %[[ANY]], %[[TRUE]]
  %one = stablehlo.constant dense<1> : tensor<2x1xi64>
  %ones = stablehlo.constant dense<1> : tensor<2x4xi64>
  %two = stablehlo.constant dense<2> : tensor<4xi64>
  %i = stablehlo.iota dim = 0 : tensor<4xi64>
  %0 = stablehlo.broadcast_in_dim %i, dims = [1] : (tensor<4xi64>) -> tensor<2x4xi64>
  %1 = stablehlo.slice %0 [0:2, 0:1] : (tensor<2x4xi64>) -> tensor<2x1xi64>
  %2 = stablehlo.subtract %1, %one : tensor<2x1xi64>
  %3 = stablehlo.concatenate %2, %0, dim = 1 : (tensor<2x1xi64>, tensor<2x4xi64>) -> tensor<2x5xi64>
  %4 = stablehlo.slice %3 [0:2, 0:4] : (tensor<2x5xi64>) -> tensor<2x4xi64>
  %5 = stablehlo.subtract %0, %4 : tensor<2x4xi64>
  %6 = stablehlo.compare NE, %5, %ones : (tensor<2x4xi64>, tensor<2x4xi64>) -> tensor<2x4xi1>
  %7 = stablehlo.compare GT, %i, %two : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>
  %8 = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i64>) -> tensor<4xi64>
  %9 = stablehlo.compare LE, %i, %8 : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>
  %largest = stablehlo.constant dense<2147483647> : tensor<4xi32>
  %j = stablehlo.iota dim = 0 : tensor<4xi32>
  %unit = stablehlo.constant dense<1> : tensor<4xi32>
  %10 = stablehlo.add %j, %unit : tensor<4xi32>
  %11 = stablehlo.add %10, %largest : tensor<4xi32>
  %12 = stablehlo.compare LT, %11, %j : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
  return %6, %7, %9, %12 : tensor<2x4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// RUN: attnorm-opt %s --legalize-gather-indices --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @rows
// CHECK-SAME:    (%[[X:.*]]: tensor<8x4xf32>, %[[I:.*]]: tensor<3x1xi32>)
func.func @rows(%x: tensor<8x4xf32>, %i: tensor<3x1xi32>) -> tensor<3x4xf32> {
  // CHECK-DAG: %[[LOW:.*]] = stablehlo.constant dense<0> : tensor<3x1xi32>
  // CHECK-DAG: %[[LIMIT:.*]] = stablehlo.constant dense<7> : tensor<1xi32>
  // CHECK: %[[HIGH:.*]] = stablehlo.broadcast_in_dim %[[LIMIT]], dims = [1]
  // CHECK: %[[J:.*]] = stablehlo.clamp %[[LOW]], %[[I]], %[[HIGH]] : tensor<3x1xi32>
  // CHECK: "stablehlo.gather"(%[[X]], %[[J]])
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<8x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// Each component by its own dimension, and a dynamic one by its size at run time.
// CHECK-LABEL: func.func @components
// CHECK-SAME:    (%[[X:.*]]: tensor<?x9xf32>
func.func @components(%x: tensor<?x9xf32>, %i: tensor<3x2xi64>) -> tensor<3x2xf32> {
  // CHECK-DAG: %[[LAST:.*]] = stablehlo.constant dense<7> : tensor<1xi64>
  // CHECK: %[[N:.*]] = stablehlo.get_dimension_size %[[X]], dim = 0
  // CHECK: stablehlo.concatenate %[[LAST]], %{{.*}}, dim = 0 : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  // CHECK: stablehlo.clamp
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [1, 0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 2>}> : (tensor<?x9xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// Indices without a dimension of their own; a type that ends before the operand does.
// CHECK-LABEL: func.func @scalars
func.func @scalars(%x: tensor<300xf32>, %i: tensor<5xi8>) -> tensor<5xf32> {
  // CHECK-DAG: stablehlo.constant dense<127>
  // CHECK: stablehlo.clamp
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>}> : (tensor<300xf32>, tensor<5xi8>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// Positions that are known to lie in the operand.
// CHECK-LABEL: func.func @known
func.func @known(%x: tensor<8x4xf32>) -> tensor<3x4xf32> {
  // CHECK-NOT: stablehlo.clamp
  %i = stablehlo.iota dim = 0 : tensor<3x1xi32>
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<8x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

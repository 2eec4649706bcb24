// RUN: attnorm-opt %s --legalize-dynamic-dots --canonicalize --cse --split-input-file | FileCheck %s

// A product without batches whose operands are no matrices.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG:   #[[Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @linear
// CHECK-SAME:    (%[[A:.*]]: tensor<?x3x8xf32>, %[[B:.*]]: tensor<4x8xf32>)
func.func @linear(%a: tensor<?x3x8xf32>, %b: tensor<4x8xf32>) -> tensor<?x3x4xf32> {
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK:     %[[N:.*]] = tensor.dim %[[A]], %[[C0]]
  // CHECK:     %[[EMPTY:.*]] = tensor.empty(%[[N]]) : tensor<?x3x4xf32>
  // CHECK:     %[[FILLED:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[EMPTY]] : tensor<?x3x4xf32>)
  // CHECK:     linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
  // CHECK-SAME:  ins(%[[A]], %[[B]] : {{.*}}) outs(%[[FILLED]] : {{.*}})
  // CHECK:       %[[PRODUCT:.*]] = arith.mulf
  // CHECK-NEXT:  %[[SUM:.*]] = arith.addf %{{.*}}, %[[PRODUCT]]
  // CHECK-NEXT:  linalg.yield %[[SUM]]
  // CHECK-NOT: stablehlo
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [2] x [1] : (tensor<?x3x8xf32>, tensor<4x8xf32>) -> tensor<?x3x4xf32>
  return %0 : tensor<?x3x4xf32>
}

// -----

// A dimension of 1 in a batch; operands of a half are widened, and the result is rounded once.
// CHECK-DAG:   #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG:   #[[B:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-LABEL: func.func @one_query
func.func @one_query(%a: tensor<2x1x?xbf16>, %b: tensor<2x?x4xbf16>) -> tensor<2x1x4xbf16> {
  // CHECK: stablehlo.convert %{{.*}} : (tensor<2x1x?xbf16>) -> tensor<2x1x?xf32>
  // CHECK: stablehlo.convert %{{.*}} : (tensor<2x?x4xbf16>) -> tensor<2x?x4xf32>
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[A]], #[[B]], #{{.*}}]
  // CHECK: stablehlo.convert %[[SUM]] : (tensor<2x1x4xf32>) -> tensor<2x1x4xbf16>
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x?xbf16>, tensor<2x?x4xbf16>) -> tensor<2x1x4xbf16>
  return %0 : tensor<2x1x4xbf16>
}

// -----

// What IREE takes stays: matrices, batches of them, static sizes; so do booleans.
// CHECK-LABEL: func.func @taken
func.func @taken(%a: tensor<?x8xf32>, %b: tensor<8x4xf32>, %c: tensor<2x?x8xf32>, %d: tensor<2x?x8xf32>, %e: tensor<2x3x8xf32>, %f: tensor<?x3x8xi1>, %g: tensor<8x4xi1>) -> (tensor<?x4xf32>, tensor<2x?x?xf32>, tensor<2x3x4xf32>, tensor<?x3x4xi1>) {
  // CHECK-COUNT-4: stablehlo.dot_general
  // CHECK-NOT: linalg
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %1 = stablehlo.dot_general %c, %d, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x?x8xf32>, tensor<2x?x8xf32>) -> tensor<2x?x?xf32>
  %2 = stablehlo.dot_general %e, %b, contracting_dims = [2] x [0] : (tensor<2x3x8xf32>, tensor<8x4xf32>) -> tensor<2x3x4xf32>
  %3 = stablehlo.dot_general %f, %g, contracting_dims = [2] x [0] : (tensor<?x3x8xi1>, tensor<8x4xi1>) -> tensor<?x3x4xi1>
  return %0, %1, %2, %3 : tensor<?x4xf32>, tensor<2x?x?xf32>, tensor<2x3x4xf32>, tensor<?x3x4xi1>
}

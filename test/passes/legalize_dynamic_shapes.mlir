// RUN: attnorm-opt %s --legalize-dynamic-shapes --canonicalize --cse --split-input-file | FileCheck %s
// RUN: attnorm-opt %s --legalize-dynamic-shapes --legalize-dynamic-shapes --canonicalize --cse --split-input-file | FileCheck %s

// Split dimensions are expanded, joined ones collapsed; sizes are indices.
// CHECK-LABEL: func.func @split_and_join
// CHECK-SAME:    (%[[X:.*]]: tensor<2x?x8xf32>)
func.func @split_and_join(%x: tensor<2x?x8xf32>) -> tensor<?x8xf32> {
  // CHECK:     %[[N:.*]] = tensor.dim %[[X]]
  // CHECK:     %[[SPLIT:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] output_shape [2, %[[N]], 2, 4] : tensor<2x?x8xf32> into tensor<2x?x2x4xf32>
  // CHECK:     %[[ABS:.*]] = stablehlo.abs %[[SPLIT]]
  // CHECK:     tensor.collapse_shape %[[ABS]] {{\[\[}}0, 1], [2, 3]] : tensor<2x?x2x4xf32> into tensor<?x8xf32>
  // CHECK-NOT: stablehlo.dynamic_reshape
  %c2 = stablehlo.constant dense<2> : tensor<1xi32>
  %c4 = stablehlo.constant dense<4> : tensor<1xi32>
  %c8 = stablehlo.constant dense<8> : tensor<1xi32>
  %n = stablehlo.get_dimension_size %x, dim = 1 : (tensor<2x?x8xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %s = stablehlo.concatenate %c2, %n1, %c2, %c4, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
  %0 = stablehlo.dynamic_reshape %x, %s : (tensor<2x?x8xf32>, tensor<4xi32>) -> tensor<2x?x2x4xf32>
  %1 = stablehlo.abs %0 : tensor<2x?x2x4xf32>
  %m = stablehlo.multiply %n1, %c2 : tensor<1xi32>
  %t = stablehlo.concatenate %m, %c8, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %2 = stablehlo.dynamic_reshape %1, %t : (tensor<2x?x2x4xf32>, tensor<2xi32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// Ones are put in at either end and taken out; the same shape is no reshape.
// CHECK-LABEL: func.func @ones
// CHECK-SAME:    (%[[X:.*]]: tensor<?xf32>)
func.func @ones(%x: tensor<?xf32>) -> (tensor<1x?x1xf32>, tensor<?xf32>, tensor<?xf32>) {
  // CHECK: %[[ONES:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0, 1, 2]]
  // CHECK: %[[ABS:.*]] = stablehlo.abs %[[ONES]]
  // CHECK: %[[BACK:.*]] = tensor.collapse_shape %[[ABS]] {{\[\[}}0, 1, 2]]
  // CHECK: return %[[ABS]], %[[BACK]], %[[X]]
  %c1 = stablehlo.constant dense<1> : tensor<1xi32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %s = stablehlo.concatenate %c1, %n1, %c1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
  %0 = stablehlo.dynamic_reshape %x, %s : (tensor<?xf32>, tensor<3xi32>) -> tensor<1x?x1xf32>
  %1 = stablehlo.abs %0 : tensor<1x?x1xf32>
  %2 = stablehlo.dynamic_reshape %1, %n1 : (tensor<1x?x1xf32>, tensor<1xi32>) -> tensor<?xf32>
  %3 = stablehlo.dynamic_reshape %x, %n1 : (tensor<?xf32>, tensor<1xi32>) -> tensor<?xf32>
  return %1, %2, %3 : tensor<1x?x1xf32>, tensor<?xf32>, tensor<?xf32>
}

// -----

// Any other reshape, here to sizes that are data.
// CHECK-LABEL: func.func @any
// CHECK-SAME:    (%[[X:.*]]: tensor<?x6xf32>, %[[S:.*]]: tensor<2xi32>)
func.func @any(%x: tensor<?x6xf32>, %s: tensor<2xi32>) -> tensor<?x4xf32> {
  // CHECK: %[[FIRST:.*]] = tensor.extract %[[S]]
  // CHECK: %[[INDEX:.*]] = arith.index_cast %[[FIRST]] : i32 to index
  // CHECK: %[[SHAPE:.*]] = tensor.from_elements %[[INDEX]], %{{.*}} : tensor<2xindex>
  // CHECK: tensor.reshape %[[X]](%[[SHAPE]]) : (tensor<?x6xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %0 = stablehlo.dynamic_reshape %x, %s : (tensor<?x6xf32>, tensor<2xi32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// A size that is the final one, provably, and one that is not: this one is asserted.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME:    (%[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<4x?xf32>)
func.func @broadcast(%x: tensor<?xf32>, %y: tensor<4x?xf32>) -> (tensor<4x?xf32>, tensor<4x?xf32>) {
  // CHECK-DAG: %[[M:.*]] = tensor.dim %[[X]]
  // CHECK-DAG: %[[N:.*]] = tensor.dim %[[Y]]
  // CHECK:     %[[EQUAL:.*]] = arith.cmpi eq, %[[M]], %[[N]]
  // CHECK:     cf.assert %[[EQUAL]], "a dimension that is not known to expand has to have its final size"
  // CHECK:     %[[SHAPE:.*]] = tensor.from_elements %{{.*}}, %[[N]] : tensor<2xindex>
  // CHECK:     stablehlo.dynamic_broadcast_in_dim %[[X]], %[[SHAPE]], dims = [1] {known_nonexpanding_dimensions = array<i64: 0>}
  // CHECK-NOT: cf.assert
  // CHECK:     stablehlo.dynamic_broadcast_in_dim %{{.*}}, %[[SHAPE]], dims = [1] {known_nonexpanding_dimensions = array<i64: 0>}
  %c4 = stablehlo.constant dense<4> : tensor<1xi32>
  %n = stablehlo.get_dimension_size %y, dim = 1 : (tensor<4x?xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %s = stablehlo.concatenate %c4, %n1, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %0 = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [1] : (tensor<?xf32>, tensor<2xi32>) -> tensor<4x?xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %r = stablehlo.reduce(%y init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<4x?xf32>, tensor<f32>) -> tensor<?xf32>
  %1 = stablehlo.dynamic_broadcast_in_dim %r, %s, dims = [1] : (tensor<?xf32>, tensor<2xi32>) -> tensor<4x?xf32>
  return %0, %1 : tensor<4x?xf32>, tensor<4x?xf32>
}

// -----

// What is masked, then reduced over an unknown size, is kept apart from the reduction.
// CHECK-LABEL: func.func @masked
// CHECK-SAME:    (%[[X:.*]]: tensor<2x?xf32>, %{{.*}}: tensor<2x?xi1>)
func.func @masked(%x: tensor<2x?xf32>, %p: tensor<2x?xi1>) -> (tensor<?xf32>, tensor<2xf32>, tensor<2x?xf32>) {
  // CHECK:     %[[MASKED:.*]] = stablehlo.select
  // CHECK:     %[[APART:.*]] = tensor.reshape %[[MASKED]](%{{.*}}) : (tensor<2x?xf32>, tensor<2xindex>) -> tensor<2x?xf32>
  // CHECK-NOT: tensor.reshape
  // CHECK:     stablehlo.reduce(%[[APART]] init: %{{.*}} across dimensions = [0]
  // CHECK:     stablehlo.reduce(%[[APART]] init: %{{.*}} across dimensions = [1]
  // CHECK:     stablehlo.abs %[[APART]]
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %y = stablehlo.negate %x : tensor<2x?xf32>
  %0 = stablehlo.select %p, %x, %y : tensor<2x?xi1>, tensor<2x?xf32>
  %1 = stablehlo.reduce(%0 init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<2x?xf32>, tensor<f32>) -> tensor<?xf32>
  %2 = stablehlo.reduce(%0 init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<2x?xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = stablehlo.abs %0 : tensor<2x?xf32>
  return %1, %2, %3 : tensor<?xf32>, tensor<2xf32>, tensor<2x?xf32>
}

// -----

// A reduction over a size that is known is left as it is.
// CHECK-LABEL: func.func @known_size
func.func @known_size(%x: tensor<2x?xf32>, %p: tensor<2x?xi1>) -> tensor<?xf32> {
  // CHECK-NOT: tensor.reshape
  // CHECK:     stablehlo.reduce
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %y = stablehlo.negate %x : tensor<2x?xf32>
  %0 = stablehlo.select %p, %x, %y : tensor<2x?xi1>, tensor<2x?xf32>
  %1 = stablehlo.reduce(%0 init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<2x?xf32>, tensor<f32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

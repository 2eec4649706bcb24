// RUN: attnorm-opt %s --legalize-shape-ops --canonicalize --cse --split-input-file | FileCheck %s

// A broadcast to its own shape is the value; one to another value's shape says what stays. Sizes
// come from the argument, whatever ops are on the way.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME:    (%[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<?x1xf32>, %[[S:.*]]: tensor<f32>)
func.func @broadcast(%x: tensor<?x4xf32>, %w: tensor<?x1xf32>, %s: tensor<f32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK-NOT: shape
  // CHECK:     %[[ABS:.*]] = stablehlo.abs %[[X]]
  // CHECK:     %[[N:.*]] = stablehlo.get_dimension_size %[[X]], dim = 0
  // CHECK:     %[[N1:.*]] = stablehlo.reshape %[[N]] : (tensor<i32>) -> tensor<1xi32>
  // CHECK:     %[[SHAPE:.*]] = stablehlo.concatenate %[[N1]], %{{.*}}, dim = 0
  // CHECK:     %[[SPREAD:.*]] = stablehlo.dynamic_broadcast_in_dim %[[S]], %[[SHAPE]], dims = [] : (tensor<f32>
  // CHECK:     %[[SUM:.*]] = stablehlo.add %[[ABS]], %[[SPREAD]]
  // CHECK:     %[[WIDE:.*]] = stablehlo.dynamic_broadcast_in_dim %{{.*}}, %[[SHAPE]], dims = [0, 1] {known_nonexpanding_dimensions = array<i64: 0>}
  // CHECK:     return %[[SUM]], %[[WIDE]]
  %y = stablehlo.abs %x : tensor<?x4xf32>
  %shape = shape.shape_of %y : tensor<?x4xf32> -> tensor<2xindex>
  %0 = stablehlo.dynamic_broadcast_in_dim %y, %shape, dims = [0, 1] : (tensor<?x4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %1 = stablehlo.dynamic_broadcast_in_dim %s, %shape, dims = [] : (tensor<f32>, tensor<2xindex>) -> tensor<?x4xf32>
  %2 = stablehlo.add %0, %1 : tensor<?x4xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %r = stablehlo.reduce(%y init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x4xf32>, tensor<f32>) -> tensor<?xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %r, %c0 : tensor<?xf32>
  %k = tensor.from_elements %n, %c1 : tensor<2xindex>
  %column = stablehlo.dynamic_reshape %r, %k : (tensor<?xf32>, tensor<2xindex>) -> tensor<?x1xf32>
  %3 = stablehlo.dynamic_broadcast_in_dim %column, %shape, dims = [0, 1] : (tensor<?x1xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  return %2, %3 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Where sizes are not known to be equal nothing is said of what stays.
// CHECK-LABEL: func.func @unrelated
func.func @unrelated(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: stablehlo.dynamic_broadcast_in_dim %{{.*}}, dims = [0] : (
  %s = shape.shape_of %y : tensor<?xf32> -> tensor<1xindex>
  %0 = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [0] : (tensor<?xf32>, tensor<1xindex>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Assumptions are taken for granted; of two sizes that broadcast it is the one that is not 1.
// CHECK-LABEL: func.func @assuming
// CHECK-SAME:    (%[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<?xf32>)
func.func @assuming(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK-DAG: %[[ONE:.*]] = stablehlo.constant dense<1> : tensor<i32>
  // CHECK-DAG: %[[M:.*]] = stablehlo.get_dimension_size %[[X]], dim = 0
  // CHECK-DAG: %[[N:.*]] = stablehlo.get_dimension_size %[[Y]], dim = 0
  // CHECK:     %[[IS_ONE:.*]] = stablehlo.compare EQ, %[[M]], %[[ONE]]
  // CHECK:     %[[SIZE:.*]] = stablehlo.select %[[IS_ONE]], %[[N]], %[[M]]
  // CHECK:     %[[SHAPE:.*]] = stablehlo.reshape %[[SIZE]] : (tensor<i32>) -> tensor<1xi32>
  // CHECK:     stablehlo.dynamic_broadcast_in_dim %[[X]], %[[SHAPE]]
  // CHECK-NOT: shape.
  %a = shape.shape_of %x : tensor<?xf32> -> tensor<1xindex>
  %b = shape.shape_of %y : tensor<?xf32> -> tensor<1xindex>
  %w = shape.cstr_broadcastable %a, %b : tensor<1xindex>, tensor<1xindex>
  %0 = shape.assuming %w -> (tensor<?xf32>) {
    %s = shape.broadcast %a, %b : tensor<1xindex>, tensor<1xindex> -> tensor<1xindex>
    %1 = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [0] : (tensor<?xf32>, tensor<1xindex>) -> tensor<?xf32>
    shape.assuming_yield %1 : tensor<?xf32>
  }
  return %0 : tensor<?xf32>
}

// -----

// Products divide: the number of elements by one size is the other, and a reshape to it none.
// CHECK-LABEL: func.func @products
// CHECK-SAME:    (%[[X:.*]]: tensor<?x?xf32>)
func.func @products(%x: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<2xi64>) {
  // CHECK-DAG: %[[M:.*]] = stablehlo.get_dimension_size %[[X]], dim = 0
  // CHECK-DAG: %[[N:.*]] = stablehlo.get_dimension_size %[[X]], dim = 1
  // CHECK-DAG: %[[M1:.*]] = stablehlo.reshape %[[M]]
  // CHECK-DAG: %[[N1:.*]] = stablehlo.reshape %[[N]]
  // CHECK:     stablehlo.concatenate %[[N1]], %[[M1]]
  // CHECK-NOT: stablehlo.divide
  // CHECK-NOT: arith
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %shape = shape.shape_of %x : tensor<?x?xf32> -> tensor<2xindex>
  %count = shape.num_elements %shape : tensor<2xindex> -> index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = arith.divui %count, %m : index
  %s = tensor.from_elements %n, %m : tensor<2xindex>
  %0 = stablehlo.dynamic_reshape %x, %s : (tensor<?x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
  %i = arith.index_cast %n : index to i64
  %j = arith.index_cast %m : index to i64
  %1 = tensor.from_elements %j, %i : tensor<2xi64>
  return %0, %1 : tensor<?x?xf32>, tensor<2xi64>
}

// -----

// A division that is not exact is rounded as it was, also below zero: -((-(n - 3)) floor 2).
// CHECK-LABEL: func.func @rounding
func.func @rounding(%x: tensor<?xf32>) -> tensor<?xi32> {
  // CHECK-DAG: %[[N:.*]] = stablehlo.get_dimension_size
  // CHECK-DAG: %[[MINUS_3:.*]] = stablehlo.constant dense<-3> : tensor<i32>
  // CHECK-DAG: %[[TWO:.*]] = stablehlo.constant dense<2> : tensor<i32>
  // CHECK:     %[[A:.*]] = stablehlo.add %{{.*}}, %{{.*}} : tensor<i32>
  // CHECK:     %[[NEGATED:.*]] = stablehlo.negate %[[A]]
  // CHECK:     %[[REST:.*]] = stablehlo.remainder %[[NEGATED]], %[[TWO]]
  // CHECK:     %[[POSITIVE:.*]] = stablehlo.add %[[REST]], %[[TWO]]
  // CHECK:     %[[BELOW:.*]] = stablehlo.remainder %[[POSITIVE]], %[[TWO]]
  // CHECK:     %[[EXACT:.*]] = stablehlo.subtract %[[NEGATED]], %[[BELOW]]
  // CHECK:     %[[FLOOR:.*]] = stablehlo.divide %[[EXACT]], %[[TWO]]
  // CHECK:     stablehlo.negate %[[FLOOR]]
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %a = arith.subi %n, %c3 : index
  %b = arith.ceildivsi %a, %c2 : index
  %s = tensor.from_elements %b : tensor<1xindex>
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xindex>) -> tensor<?xi32>
  return %0 : tensor<?xi32>
}

// -----

// A size that is data is read from it.
// CHECK-LABEL: func.func @data
// CHECK-SAME:    (%[[S:.*]]: tensor<2xi64>)
func.func @data(%s: tensor<2xi64>) -> tensor<?x?xi32> {
  // CHECK: %[[NARROW:.*]] = stablehlo.convert %[[S]] : (tensor<2xi64>) -> tensor<2xi32>
  // CHECK: %[[FIRST:.*]] = stablehlo.slice %[[NARROW]] [0:1]
  // CHECK: %[[SECOND:.*]] = stablehlo.slice %[[NARROW]] [1:2]
  // CHECK: stablehlo.concatenate
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<2xi64>) -> tensor<?x?xi32>
  return %0 : tensor<?x?xi32>
}

// A 1 that is said to expand, to 1, was said not to expand as well: the op was invalid.
// CHECK-LABEL: func.func @one_to_one
func.func @one_to_one(%x: tensor<?x1xf32>) -> tensor<?x4x1xf32> {
  // CHECK: stablehlo.dynamic_broadcast_in_dim {{.*}} {known_expanding_dimensions = array<i64: 1>, known_nonexpanding_dimensions = array<i64: 0>}
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x1xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %rest = stablehlo.constant dense<[4, 1]> : tensor<2xi32>
  %s = stablehlo.concatenate %n1, %rest, dim = 0 : (tensor<1xi32>, tensor<2xi32>) -> tensor<3xi32>
  %0 = "stablehlo.dynamic_broadcast_in_dim"(%x, %s) {broadcast_dimensions = array<i64: 0, 2>, known_expanding_dimensions = array<i64: 1>} : (tensor<?x1xf32>, tensor<3xi32>) -> tensor<?x4x1xf32>
  return %0 : tensor<?x4x1xf32>
}

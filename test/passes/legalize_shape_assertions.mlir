// RUN: attnorm-opt %s --legalize-shape-assertions --canonicalize --split-input-file | FileCheck %s

// What holds whatever the sizes are disappears; so does what holds for the sizes that are known.
// CHECK-LABEL: func.func @holds
func.func @holds(%x: tensor<?xf32>, %y: tensor<4xf32>) -> tensor<?xf32> {
  // CHECK-NEXT: return
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %z = stablehlo.abs %x : tensor<?xf32>
  %m = stablehlo.get_dimension_size %z, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %0 = stablehlo.compare EQ, %n, %m, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%0) {has_side_effect = true} : (tensor<i1>) -> ()
  %four = stablehlo.constant dense<4> : tensor<i32>
  %k = stablehlo.get_dimension_size %y, dim = 0 : (tensor<4xf32>) -> tensor<i32>
  %1 = stablehlo.compare LE, %four, %k, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%1) {has_side_effect = true} : (tensor<i1>) -> ()
  %true = stablehlo.constant dense<true> : tensor<i1>
  stablehlo.custom_call @shape_assertion(%true) {has_side_effect = true} : (tensor<i1>) -> ()
  return %x : tensor<?xf32>
}

// -----

// What depends on sizes is asserted by index arithmetic, also behind a product.
// CHECK-LABEL: func.func @depends
// CHECK-SAME:    (%[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<?xf32>)
func.func @depends(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : index
  // CHECK-DAG: %[[M:.*]] = tensor.dim %[[X]]
  // CHECK-DAG: %[[N:.*]] = tensor.dim %[[Y]]
  // CHECK:     %[[TWICE:.*]] = arith.muli %[[N]], %[[TWO]]
  // CHECK:     %[[EQUAL:.*]] = arith.cmpi eq, %[[M]], %[[TWICE]]
  // CHECK:     cf.assert %[[EQUAL]], "expected ?, got 2"
  %two = stablehlo.constant dense<2> : tensor<i32>
  %m = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %n = stablehlo.get_dimension_size %y, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  %d = stablehlo.multiply %n, %two : tensor<i32>
  %0 = stablehlo.compare EQ, %m, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%0, %m, %two) {error_message = "expected {0}, got {1}", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
  return %x : tensor<?xf32>
}

// -----

// A truth value that is no comparison is read.
// CHECK-LABEL: func.func @data
// CHECK-SAME:    (%[[P:.*]]: tensor<i1>)
func.func @data(%p: tensor<i1>) {
  // CHECK: %[[TRUTH:.*]] = tensor.extract %[[P]][] : tensor<i1>
  // CHECK: cf.assert %[[TRUTH]], "a shape assertion failed"
  stablehlo.custom_call @shape_assertion(%p) {has_side_effect = true} : (tensor<i1>) -> ()
  return
}

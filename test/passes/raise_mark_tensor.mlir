// RUN: attnorm-opt %s --raise-mark-tensor --split-input-file | FileCheck %s

// Operands and results are in the order of their positions, attributes those of the outputs.
// CHECK-LABEL: func.func @order
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
// CHECK:         %[[R:.*]]:2 = stablehlo.composite "my.f" %[[Y]], %[[X]] {composite_attributes = {n = 2 : i64}, decomposition = @my.f.impl}
// CHECK-NOT:     stablehlo
// CHECK:         return %[[R]]#1, %[[R]]#0
// CHECK-LABEL: func.func private @my.f.impl
// CHECK-SAME:    (%[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-DAG:     %[[SUM:.*]] = stablehlo.add %[[B]], %[[A]]
// CHECK-DAG:     %[[DIFFERENCE:.*]] = stablehlo.subtract %[[B]], %[[A]]
// CHECK:         return %[[SUM]], %[[DIFFERENCE]]
func.func @order(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%y) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.subtract %0, %1 : tensor<4xf32>
  %3 = stablehlo.custom_call @mark_tensor(%2) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = stablehlo.add %0, %1 : tensor<4xf32>
  %5 = stablehlo.custom_call @mark_tensor(%4) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: {\22n\22: 2}}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %3, %5 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Every kind of attribute that JSON has.
// CHECK-LABEL: func.func @attributes
// CHECK: composite_attributes = {b = true, d = {n = -1 : i64}, f = 9.9999999999999995E-7 : f64, l = [1, 2], s = "t"}
func.func @attributes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: {\22f\22: 1e-06, \22b\22: true, \22l\22: [1, 2], \22s\22: \22t\22, \22d\22: {\22n\22: -1}}}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A composite inside of another one is in its decomposition.
// CHECK-LABEL: func.func @nested
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[OUTER:.*]] = stablehlo.composite "my.outer" %[[X]]
// CHECK-NEXT:    return %[[OUTER]]
// CHECK-LABEL: func.func private @my.inner.impl
// CHECK:         stablehlo.exponential
// CHECK-LABEL: func.func private @my.outer.impl
// CHECK-SAME:    (%[[A:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[NEGATED:.*]] = stablehlo.negate %[[A]]
// CHECK-NEXT:    %[[INNER:.*]] = stablehlo.composite "my.inner" %[[NEGATED]]
// CHECK-NEXT:    return %[[INNER]]
func.func @nested(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.outer\22, \22pos\22: 0, \22id\22: \22o\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config = "{\22name\22: \22my.inner\22, \22pos\22: 0, \22id\22: \22i\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = stablehlo.exponential %2 : tensor<4xf32>
  %4 = stablehlo.custom_call @mark_tensor(%3) {backend_config = "{\22name\22: \22my.inner\22, \22pos\22: 0, \22id\22: \22i\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %5 = stablehlo.custom_call @mark_tensor(%4) {backend_config = "{\22name\22: \22my.outer\22, \22pos\22: 0, \22id\22: \22o\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %5 : tensor<4xf32>
}

// -----

// What is used outside too stays there, constants are copied, also those that only a region uses;
// two composites of one name have a decomposition each.
// CHECK-LABEL: func.func @shared
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK:         %[[FIRST:.*]] = stablehlo.composite "my.f" %[[X]] {decomposition = @my.f.impl}
// CHECK:         %[[INSIDE:.*]] = stablehlo.reduce(%[[X]] init:
// CHECK:         %[[SECOND:.*]] = stablehlo.composite "my.f" %[[X]] {decomposition = @my.f.impl_0}
// CHECK:         return %[[FIRST]], %[[SECOND]], %[[INSIDE]]
// CHECK-LABEL: func.func private @my.f.impl(
// CHECK-SAME:    %[[A:.*]]: tensor<4xf32>)
// CHECK:         %[[TWO:.*]] = stablehlo.constant dense<2.0
// CHECK:         stablehlo.reduce(%[[A]] init:
// CHECK:           stablehlo.maximum %{{.*}}, %[[TWO]]
// CHECK-LABEL: func.func private @my.f.impl_0
func.func @shared(%x: tensor<4xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %two = stablehlo.constant dense<2.0> : tensor<f32>
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.reduce(%0 init: %one) across dimensions = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    reducer(%a: tensor<f32>, %b: tensor<f32>) {
      %s = stablehlo.add %a, %b : tensor<f32>
      %m = stablehlo.maximum %s, %two : tensor<f32>
      stablehlo.return %m : tensor<f32>
    }
  %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<f32>) -> tensor<f32>
  %3 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22b\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = stablehlo.reduce(%3 init: %one) applies stablehlo.add across dimensions = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %5 = stablehlo.custom_call @mark_tensor(%4) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22b\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<f32>) -> tensor<f32>
  return %2, %5, %1 : tensor<f32>, tensor<f32>, tensor<f32>
}

// RUN: attnorm-opt %s --legalize-dot-algorithm | FileCheck %s

// The product accumulates in the type that the algorithm names, whatever the result is.
// CHECK-LABEL: func.func @accumulation
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xbf16>, %[[B:.*]]: tensor<4x2xbf16>)
func.func @accumulation(%a: tensor<2x4xbf16>, %b: tensor<4x2xbf16>) -> tensor<2x2xbf16> {
  // CHECK: %[[DOT:.*]] = stablehlo.dot_general %[[A]], %[[B]], contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x4xbf16>, tensor<4x2xbf16>) -> tensor<2x2xf32>
  // CHECK: stablehlo.convert %[[DOT]] : (tensor<2x2xf32>) -> tensor<2x2xbf16>
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT], algorithm = <
    lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32,
    lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1,
    allow_imprecise_accumulation = false
  > : (tensor<2x4xbf16>, tensor<4x2xbf16>) -> tensor<2x2xbf16>
  return %0 : tensor<2x2xbf16>
}

// Operands are rounded to the precision that the algorithm names; dynamic sizes stay.
// CHECK-LABEL: func.func @operands
// CHECK-SAME:    (%[[A:.*]]: tensor<?x4xf32>, %[[B:.*]]: tensor<4x2xf32>)
func.func @operands(%a: tensor<?x4xf32>, %b: tensor<4x2xf32>) -> tensor<?x2xf32> {
  // CHECK: %[[NARROW_A:.*]] = stablehlo.convert %[[A]] : (tensor<?x4xf32>) -> tensor<?x4xbf16>
  // CHECK: %[[NARROW_B:.*]] = stablehlo.convert %[[B]] : (tensor<4x2xf32>) -> tensor<4x2xbf16>
  // CHECK: %[[DOT:.*]] = stablehlo.dot_general %[[NARROW_A]], %[[NARROW_B]], {{.*}} -> tensor<?x2xf32>
  // CHECK: return %[[DOT]]
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], algorithm = <
    lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32,
    lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1,
    allow_imprecise_accumulation = false
  > : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// Three products of bf16 stand for one of f32, and tf32 is computed in f32: nothing is rounded.
// CHECK-LABEL: func.func @more_precise
// CHECK-SAME:    (%[[A:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<4x2xf32>)
func.func @more_precise(%a: tensor<2x4xf32>, %b: tensor<4x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  // CHECK-NOT: stablehlo.convert
  // CHECK-NOT: algorithm
  // CHECK-COUNT-2: stablehlo.dot_general %[[A]], %[[B]], contracting_dims = [1] x [0] : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  // CHECK-NOT: stablehlo.convert
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], algorithm = <
    lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32,
    lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 3,
    allow_imprecise_accumulation = false
  > : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], algorithm = <
    lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32,
    lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1,
    allow_imprecise_accumulation = false
  > : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// A product without an algorithm keeps its narrow result.
// CHECK-LABEL: func.func @plain
func.func @plain(%a: tensor<2x4xbf16>, %b: tensor<4x2xbf16>) -> tensor<2x2xbf16> {
  // CHECK: stablehlo.dot_general {{.*}} -> tensor<2x2xbf16>
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x4xbf16>, tensor<4x2xbf16>) -> tensor<2x2xbf16>
  return %0 : tensor<2x2xbf16>
}

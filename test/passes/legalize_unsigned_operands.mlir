// RUN: attnorm-opt %s --legalize-unsigned-operands --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @boolean
func.func @boolean(%m: tensor<4x8xi1>, %w: tensor<8x2xf32>) -> tensor<4x2xf32> {
  // CHECK-DAG: %[[ONE:.*]] = stablehlo.constant dense<1.000000e+00>
  // CHECK-DAG: %[[ZERO:.*]] = stablehlo.constant dense<0.000000e+00>
  // CHECK: %[[X:.*]] = stablehlo.select %{{.*}}, %[[ONE]], %[[ZERO]]
  // CHECK: stablehlo.dot_general %[[X]]
  %0 = stablehlo.convert %m : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %0, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// Through another conversion and a transpose: each that could lose the sign is held.
// CHECK-LABEL: func.func @moved
func.func @moved(%x: tensor<8x4xui8>, %w: tensor<8x2xf32>) -> tensor<4x2xf32> {
  // CHECK-DAG: %[[BITS:.*]] = stablehlo.constant dense<255> : tensor<8x4xui16>
  // CHECK-DAG: %[[ZERO:.*]] = stablehlo.constant dense<0.000000e+00>
  // CHECK: %[[NARROW:.*]] = stablehlo.convert %{{.*}} : (tensor<8x4xui8>) -> tensor<8x4xui16>
  // CHECK: %[[HELD:.*]] = stablehlo.and %[[NARROW]], %[[BITS]]
  // CHECK: %[[FLOAT:.*]] = stablehlo.convert %[[HELD]]
  // CHECK: stablehlo.maximum %[[FLOAT]], %[[ZERO]]
  %0 = stablehlo.convert %x : (tensor<8x4xui8>) -> tensor<8x4xui16>
  %1 = stablehlo.convert %0 : (tensor<8x4xui16>) -> tensor<8x4xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %3 = stablehlo.dot_general %2, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %3 : tensor<4x2xf32>
}

// An operand that is unsigned itself.
// CHECK-LABEL: func.func @operand
func.func @operand(%x: tensor<4x8xui8>, %w: tensor<8x2xui8>) -> tensor<4x2xi32> {
  // CHECK: %[[X:.*]] = stablehlo.convert %{{.*}} : (tensor<4x8xui8>) -> tensor<4x8xi32>
  // CHECK: %[[HELD:.*]] = stablehlo.and %[[X]]
  // CHECK: stablehlo.dot_general %[[HELD]]
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<4x8xui8>, tensor<8x2xui8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// Signed integers keep their sign as they are, and arithmetic is no move.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<4x8xi8>, %y: tensor<4x8xui8>, %w: tensor<8x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  // CHECK-NOT: stablehlo.maximum
  // CHECK-NOT: stablehlo.select
  %0 = stablehlo.convert %x : (tensor<4x8xi8>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %0, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %2 = stablehlo.convert %y : (tensor<4x8xui8>) -> tensor<4x8xf32>
  %3 = stablehlo.exponential %2 : tensor<4x8xf32>
  %4 = stablehlo.dot_general %3, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %1, %4 : tensor<4x2xf32>, tensor<4x2xf32>
}

// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// Three operands and a scale; defaults stay out of the text.
// CHECK-LABEL: func.func @plain
func.func @plain(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x8xf32>)
    -> tensor<2x5x8xf32> {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, scale = 5.000000e-01 : f64}
  %0 = "attnorm.sdpa"(%q, %k, %v) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) -> tensor<2x5x8xf32>
  return %0 : tensor<2x5x8xf32>
}

// Every operand, attribute and result; grouped heads, Dv other than D, a bool mask of lower rank.
// CHECK-LABEL: func.func @full
func.func @full(%q: tensor<1x4x5x8xf16>, %k: tensor<1x2x7x8xf16>, %v: tensor<1x2x7x3xf16>,
    %mask: tensor<5x7xi1>, %sinks: tensor<4xf32>, %start: tensor<i32>)
    -> (tensor<1x4x5x3xf16>, tensor<1x4x5xf32>) {
  // CHECK: %{{.*}}:2 = "attnorm.sdpa"
  // CHECK-SAME: causal = true
  // CHECK-SAME: fully_masked = "zero"
  // CHECK-SAME: offset = 2 : i64
  // CHECK-SAME: operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>
  // CHECK-SAME: softcap = 5.000000e+01 : f64
  // CHECK-SAME: window = array<i64: 3, 0>
  // CHECK-SAME: -> (tensor<1x4x5x3xf16>, tensor<1x4x5xf32>)
  %0:2 = "attnorm.sdpa"(%q, %k, %v, %mask, %sinks, %start) {
    scale = 0.5 : f64, softcap = 50.0 : f64, causal = true, offset = 2 : i64,
    window = array<i64: 3, 0>, fully_masked = "zero",
    operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>
  } : (tensor<1x4x5x8xf16>, tensor<1x2x7x8xf16>, tensor<1x2x7x3xf16>, tensor<5x7xi1>,
       tensor<4xf32>, tensor<i32>) -> (tensor<1x4x5x3xf16>, tensor<1x4x5xf32>)
  return %0#0, %0#1 : tensor<1x4x5x3xf16>, tensor<1x4x5xf32>
}

// Sinks without a mask: the segment sizes tell them apart.
// CHECK-LABEL: func.func @sinks_alone
func.func @sinks_alone(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x8xf32>,
    %sinks: tensor<2xf32>) -> tensor<2x5x8xf32> {
  // CHECK: operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  %0 = "attnorm.sdpa"(%q, %k, %v, %sinks) {
    scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  } : (tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2xf32>)
      -> tensor<2x5x8xf32>
  return %0 : tensor<2x5x8xf32>
}

// Dynamic batch and lengths, an additive mask, a result of another float type.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%q: tensor<?x2x?x8xbf16>, %k: tensor<?x2x?x8xbf16>, %v: tensor<?x2x?x8xbf16>,
    %mask: tensor<?x1x1x?xf32>) -> tensor<?x2x?x8xf32> {
  // CHECK: (tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>, tensor<?x1x1x?xf32>) -> tensor<?x2x?x8xf32>
  %0 = "attnorm.sdpa"(%q, %k, %v, %mask) {
    scale = 1.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>, tensor<?x1x1x?xf32>)
      -> tensor<?x2x?x8xf32>
  return %0 : tensor<?x2x?x8xf32>
}

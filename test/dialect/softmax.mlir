// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// One operand, one axis.
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.softmax"(%{{.*}}) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Dynamic sizes, a result of another float type.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x3xbf16>) -> tensor<?x?x3xf32> {
  // CHECK: {axis = 0 : i64} : (tensor<?x?x3xbf16>) -> tensor<?x?x3xf32>
  %0 = "attnorm.softmax"(%x) {axis = 0 : i64} : (tensor<?x?x3xbf16>) -> tensor<?x?x3xf32>
  return %0 : tensor<?x?x3xf32>
}

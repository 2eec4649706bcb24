// RUN: attnorm-opt %s --legalize-edge-cases --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @whole
func.func @whole(%x: tensor<8xbf16>) -> (tensor<8xbf16>, tensor<8xbf16>) {
  // CHECK: %[[X:.*]] = stablehlo.convert %{{.*}} : (tensor<8xbf16>) -> tensor<8xf32>
  // CHECK: %[[X2:.*]] = stablehlo.multiply %[[X]], %[[X]]
  // CHECK: %[[X4:.*]] = stablehlo.multiply %[[X2]], %[[X2]]
  // CHECK: %[[X5:.*]] = stablehlo.multiply %{{.*}}, %{{.*}} : tensor<8xf32>
  // CHECK: stablehlo.divide
  // CHECK-NOT: stablehlo.power
  %five = stablehlo.constant dense<5.0> : tensor<8xbf16>
  %0 = stablehlo.power %x, %five : tensor<8xbf16>
  %less = stablehlo.constant dense<-4.0> : tensor<8xbf16>
  %1 = stablehlo.power %x, %less : tensor<8xbf16>
  return %0, %1 : tensor<8xbf16>, tensor<8xbf16>
}

// The power of an absolute value, in f64.
// CHECK-LABEL: func.func @any
func.func @any(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: %[[X:.*]] = stablehlo.convert %{{.*}} : (tensor<?xf32>) -> tensor<?xf64>
  // CHECK: %[[SIZE:.*]] = stablehlo.abs %[[X]]
  // CHECK: stablehlo.power %[[SIZE]], %{{.*}} : tensor<?xf64>
  %0 = stablehlo.power %x, %y : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<8xf32>, %y: tensor<8xf16>, %z: tensor<8xf64>) -> (tensor<8xf32>, tensor<8xf16>, tensor<8xf64>) {
  // CHECK: %[[ROOT:.*]] = stablehlo.cbrt %[[X:.*]] : tensor<8xf32>
  // CHECK: stablehlo.select %{{.*}}, %[[X]], %[[ROOT]]
  // CHECK: stablehlo.atan2 {{.*}} : tensor<8xf32>
  // CHECK-NOT: stablehlo.tanh
  %0 = stablehlo.cbrt %x : tensor<8xf32>
  %1 = stablehlo.atan2 %y, %y : tensor<8xf16>
  %2 = stablehlo.tanh %z : tensor<8xf64>
  return %0, %1, %2 : tensor<8xf32>, tensor<8xf16>, tensor<8xf64>
}

// What IREE gets right stays, and so do integers.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<8xf32>, %n: tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>, tensor<8xf32>) {
  // CHECK: stablehlo.power %{{.*}} : tensor<8xf32>
  // CHECK: stablehlo.power %{{.*}} : tensor<8xi32>
  // CHECK: stablehlo.tanh
  %three = stablehlo.constant dense<3.0> : tensor<8xf32>
  %0 = stablehlo.power %x, %three : tensor<8xf32>
  %1 = stablehlo.power %n, %n : tensor<8xi32>
  %2 = stablehlo.tanh %x : tensor<8xf32>
  return %0, %1, %2 : tensor<8xf32>, tensor<8xi32>, tensor<8xf32>
}

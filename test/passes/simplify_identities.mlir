// RUN: attnorm-opt %s --simplify-identities --split-input-file | FileCheck %s

// What changes nothing goes, on either side where the op commutes.
// CHECK-LABEL: func.func @identities
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
func.func @identities(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]]
  %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
  %one = stablehlo.constant dense<1.0> : tensor<4xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<4xf32>
  %0 = stablehlo.subtract %x, %zero : tensor<4xf32>
  %1 = stablehlo.multiply %one, %x : tensor<4xf32>
  %2 = stablehlo.divide %x, %one : tensor<4xf32>
  %3 = stablehlo.maximum %low, %x : tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Near misses: x + 0 loses a -0, 0 - x and 1 / x are no identities, x^3 is no square.
// CHECK-LABEL: func.func @near_misses
func.func @near_misses(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: stablehlo.add
  // CHECK: stablehlo.subtract
  // CHECK: stablehlo.divide
  // CHECK: stablehlo.power
  %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
  %one = stablehlo.constant dense<1.0> : tensor<4xf32>
  %three = stablehlo.constant dense<3.0> : tensor<4xf32>
  %0 = stablehlo.add %x, %zero : tensor<4xf32>
  %1 = stablehlo.subtract %zero, %x : tensor<4xf32>
  %2 = stablehlo.divide %one, %x : tensor<4xf32>
  %3 = stablehlo.power %x, %three : tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -0 - -0 is 0: to take -0 away is no identity.
// CHECK-LABEL: func.func @less_negative_zero
func.func @less_negative_zero(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: stablehlo.subtract
  %zero = stablehlo.constant dense<-0.0> : tensor<4xf32>
  %0 = stablehlo.subtract %x, %zero : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A choice that a number makes is the value that it takes.
// CHECK-LABEL: func.func @decided
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
func.func @decided(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: return %[[X]], %[[Y]]
  %true = stablehlo.constant dense<true> : tensor<i1>
  %false = stablehlo.constant dense<false> : tensor<4xi1>
  %0 = stablehlo.select %true, %x, %y : tensor<i1>, tensor<4xf32>
  %1 = stablehlo.select %false, %x, %y : tensor<4xi1>, tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// flax makes a float of every mask, and asks then whether it is 0. What both answers hold for stays.
// CHECK-LABEL: func.func @truth
// CHECK-SAME:    (%[[P:.*]]: tensor<4xi1>)
func.func @truth(%p: tensor<4xi1>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  // CHECK: %[[NOT:.*]] = stablehlo.not %[[P]]
  // CHECK: %[[LESS:.*]] = stablehlo.compare LT
  // CHECK: return %[[P]], %[[NOT]], %[[LESS]]
  %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
  %one = stablehlo.constant dense<1.0> : tensor<4xf32>
  %two = stablehlo.constant dense<2.0> : tensor<4xf32>
  %0 = stablehlo.convert %p : (tensor<4xi1>) -> tensor<4xf32>
  %1 = stablehlo.compare NE, %0, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %2 = stablehlo.compare GT, %one, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %3 = stablehlo.compare LT, %0, %two : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %1, %2, %3 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

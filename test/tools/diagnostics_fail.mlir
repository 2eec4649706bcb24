// What --verify-diagnostics does not find, and finds unexpected, makes it fail, with its place.
// RUN: not attnorm-opt %s --verify-no-opaque-calls --split-input-file --verify-diagnostics 2>&1 | FileCheck %s
// CHECK: diagnostics_fail.mlir:16:1: error: expected error "never said" was not produced
// CHECK: diagnostics_fail.mlir:24:8: error: unexpected error: custom call @a is left
// CHECK: diagnostics_fail.mlir:33:8: error: unexpected error: custom call @b is left
// CHECK: diagnostics_fail.mlir:32:1: error: expected error "custom call @b is left" was not produced
// CHECK: diagnostics_fail.mlir:42:8: error: unexpected error: custom call @c is left
// CHECK: diagnostics_fail.mlir:41:1: error: expected remark "custom call @c is left" was not produced
// CHECK: diagnostics_fail.mlir:50:1: error: expected error "custom call @d is left" was not produced
// CHECK: diagnostics_fail.mlir:60:8: error: unexpected error: custom call @e is left
// CHECK: diagnostics_fail.mlir:59:1: error: expected error {{.*}} was not produced
// CHECK-NOT: error

// An error that never comes.
func.func @missing() {
  // expected-error @+1 {{never said}}
  return
}

// -----

// An error nobody expects.
func.func @unexpected(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The right text at the wrong line.
func.func @line(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error {{custom call @b is left}}
  %0 = stablehlo.custom_call @b(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The right text of another severity.
func.func @severity(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{custom call @c is left}}
  %0 = stablehlo.custom_call @c(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Fewer than counted.
func.func @count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 2 {{custom call @d is left}}
  %0 = stablehlo.custom_call @d(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A text that is a regular expression only with -re.
func.func @literal(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{custom call .e is left}}
  %0 = stablehlo.custom_call @e(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

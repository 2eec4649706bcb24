// --verify-diagnostics matches what is said against expected-* comments.
// RUN: attnorm-opt %s --verify-no-opaque-calls --debug-matches --split-input-file --verify-diagnostics

// The line of a diagnostic: relative, above, below, absolute; several comments may share one.
func.func @lines(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{custom call @a is left}}
  %0 = stablehlo.custom_call @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @b(%0) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @-1 {{custom call @b is left}}
  // expected-error @below {{custom call @c is left}}
  // expected-error @below {{custom call @d is left}}
  %2 = stablehlo.custom_call @c(%1) : (tensor<4xf32>) -> tensor<4xf32> %3 = stablehlo.custom_call @d(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = stablehlo.custom_call @e(%3) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @above {{custom call @e is left}}
  %5 = stablehlo.custom_call @f(%4) : (tensor<4xf32>) -> tensor<4xf32> // expected-error {{custom call @f is left}}
  return %5 : tensor<4xf32>
}

// -----

// A count stands for as many; -re takes regular expressions in double braces.
func.func @counts(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 2 {{is left}}
  %0 = stablehlo.custom_call @a(%x) : (tensor<4xf32>) -> tensor<4xf32> %1 = stablehlo.custom_call @b(%0) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error-re @+1 {{custom call @{{[e-g]}} is left}}
  %2 = stablehlo.custom_call @f(%1) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A note may be expected, and need not be.
func.func @notes() {
  // expected-error @+2 {{Dialect `foo' not found}}
  // expected-note @+1 {{Available dialects}}
  foo.bar
  return
}

// -----

// A diagnostic without a place is at an unknown one.
// expected-error @unknown {{custom call @nowhere is left}}
func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @nowhere(%x) : (tensor<4xf32>) -> tensor<4xf32> loc(unknown)
  return %0 : tensor<4xf32>
}

// RUN: attnorm-opt %s --verify-no-opaque-calls --split-input-file --verify-diagnostics | FileCheck %s

// Composites and functions are no opaque calls; nothing is changed.
// CHECK-LABEL: func.func @transparent
func.func @transparent(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "chlo.top_k"
  // CHECK: call @impl
  %0 = stablehlo.composite "chlo.top_k" %x {decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = call @impl(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// Every call that is left is listed, with the nearest name that some pass knows; also in regions.
func.func @opaque(%x: tensor<2x4xf32>, %p: tensor<i1>) -> tensor<2x4xf32> {
  // expected-error @+1 {{custom call @rmsnorm is left; the nearest known name is @rms_norm}}
  %0 = stablehlo.custom_call @rmsnorm(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // expected-error-re @+1 {{custom call @Sharding is left{{$}}}}
  %1 = stablehlo.custom_call @Sharding(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = "stablehlo.if"(%p) ({
    // expected-error @+1 {{custom call @reduce_summ is left; the nearest known name is @reduce_sum}}
    %3 = stablehlo.custom_call @reduce_summ(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
    stablehlo.return %3 : tensor<2x4xf32>
  }, {
    stablehlo.return %1 : tensor<2x4xf32>
  }) : (tensor<i1>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// Of a known name, the pass is named that would rewrite it.
func.func @known(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+2 {{custom call @reduce_sum is left; legalize-reduce-custom-calls rewrites it}}
  // expected-error @+2 {{custom call @softmax is left; raise-custom-calls rewrites it}}
  %1 = stablehlo.custom_call @reduce_sum(%x) {dimensions = []} : (tensor<2x4xf32>) -> tensor<f32>
  %0 = stablehlo.custom_call @softmax(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// JAX's checks of sizes, which exports with symbolic dimensions carry.
func.func @sizes(%p: tensor<i1>) {
  // expected-error @+1 {{custom call @shape_assertion is left; sizes decide it (attnorm-specialize), or legalize-shape-assertions}}
  stablehlo.custom_call @shape_assertion(%p) {error_message = "n >= 2", has_side_effect = true} : (tensor<i1>) -> ()
  return
}

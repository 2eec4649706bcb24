// RUN: attnorm-opt %s --attnorm-to-stablehlo=rms-norm-epsilon=0.5 -o %t.once
// RUN: FileCheck %s --check-prefix=PLAIN < %t.once
// What was lowered is lowered for good; norms that are raised and expanded again may bring their
// constants in another order the first time.
// RUN: attnorm-opt %t.once --attnorm-to-stablehlo -o %t.twice
// RUN: attnorm-opt %t.twice --attnorm-to-stablehlo -o %t.thrice
// RUN: diff %t.twice %t.thrice
// The parts, one after the other, are the whole.
// RUN: attnorm-opt %s --attnorm-raise=rms-norm-epsilon=0.5 --attnorm-fuse --attnorm-expand --verify-no-opaque-calls --canonicalize --cse -o %t.parts
// RUN: diff %t.once %t.parts
// RUN: attnorm-opt %s --attnorm-raise=rms-norm-epsilon=0.5 --attnorm-fuse | FileCheck %s --check-prefix=FUSED
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(attnorm-to-composites{rms-norm-epsilon=0.5})' -o %t.composites
// RUN: FileCheck %s --check-prefix=COMPOSITES < %t.composites
// Composites are lowered too.
// RUN: attnorm-opt %t.composites --attnorm-to-stablehlo -o %t.back
// RUN: FileCheck %s --check-prefix=PLAIN < %t.back

// A layer's worth of calls: everything becomes StableHLO; the norms take their neighbours in.
// PLAIN:     func.func @layer
// PLAIN-NOT: attnorm
// PLAIN-NOT: custom_call
// PLAIN-NOT: composite

// FUSED:     "attnorm.add_rms_norm"
// FUSED:     "attnorm.sdpa"
// FUSED:     "attnorm.rms_norm_mul"
// FUSED-NOT: custom_call

// COMPOSITES:     composite "attnorm.add_rms_norm"
// COMPOSITES:     composite "attnorm.sdpa"
// COMPOSITES:     composite "attnorm.rms_norm_mul"
// COMPOSITES-NOT: custom_call
// COMPOSITES-NOT: "attnorm.{{.*}}"(
func.func @layer(%x: tensor<1x2x4x8xf32>, %r: tensor<1x2x4x8xf32>, %w: tensor<8xf32>) -> (tensor<1x2x4x8xf32>, tensor<1x2x4xf32>) {
  %0 = stablehlo.add %x, %r : tensor<1x2x4x8xf32>
  %1 = stablehlo.custom_call @ai_edge_torch.rms_norm(%0, %w) : (tensor<1x2x4x8xf32>, tensor<8xf32>) -> tensor<1x2x4x8xf32>
  %2 = stablehlo.custom_call @sdpa(%1, %1, %1) {is_causal = true} : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  %3 = stablehlo.composite "odml.rms_norm" %2, %w {composite_attributes = {epsilon = 0.25 : f32}, decomposition = @impl} : (tensor<1x2x4x8xf32>, tensor<8xf32>) -> tensor<1x2x4x8xf32>
  %4 = stablehlo.multiply %3, %0 : tensor<1x2x4x8xf32>
  %5 = stablehlo.custom_call @layer_norm(%4, %w) {epsilon = 0.25 : f32} : (tensor<1x2x4x8xf32>, tensor<8xf32>) -> tensor<1x2x4x8xf32>
  %6 = stablehlo.custom_call @softmax(%5) {axis = -1 : i64} : (tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  %7 = stablehlo.custom_call @reduce_argmax(%6) {dimensions = [-1]} : (tensor<1x2x4x8xf32>) -> tensor<1x2x4xi32>
  %8 = stablehlo.convert %7 : (tensor<1x2x4xi32>) -> tensor<1x2x4xf32>
  return %6, %8 : tensor<1x2x4x8xf32>, tensor<1x2x4xf32>
}
func.func private @impl(tensor<1x2x4x8xf32>, tensor<8xf32>) -> tensor<1x2x4x8xf32>

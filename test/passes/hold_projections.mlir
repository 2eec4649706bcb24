// RUN: attnorm-opt %s --hold-projections | FileCheck %s
// RUN: attnorm-opt %s --hold-projections --hold-projections | FileCheck %s

// Heads that are split off a projection.
// CHECK-LABEL: func.func @heads
// CHECK:         %[[P:.*]] = stablehlo.dot_general
// CHECK-NEXT:    %[[HELD:.*]] = stablehlo.optimization_barrier %[[P]] : tensor<6x10xf32>
// CHECK-NEXT:    %[[SPLIT:.*]] = stablehlo.reshape %[[HELD]]
// CHECK-NEXT:    stablehlo.transpose %[[SPLIT]]
func.func @heads(%x: tensor<6x4xf32>, %w: tensor<4x10xf32>) -> tensor<2x6x5xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<6x4xf32>, tensor<4x10xf32>) -> tensor<6x10xf32>
  %1 = stablehlo.reshape %0 : (tensor<6x10xf32>) -> tensor<6x2x5xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0, 2] : (tensor<6x2x5xf32>) -> tensor<2x6x5xf32>
  return %2 : tensor<2x6x5xf32>
}

// A bias and a conversion stay with their product; the first of two reshapes is where it ends.
// CHECK-LABEL: func.func @bias
// CHECK:         stablehlo.convert
// CHECK-NEXT:    %[[SUM:.*]] = stablehlo.add
// CHECK-NEXT:    %[[HELD:.*]] = stablehlo.optimization_barrier %[[SUM]] : tensor<6x10xf32>
// CHECK-NEXT:    stablehlo.reshape %[[HELD]] : (tensor<6x10xf32>) -> tensor<1x6x10xf32>
// CHECK-NEXT:    stablehlo.reshape
// CHECK-NEXT:    stablehlo.transpose
func.func @bias(%x: tensor<6x4xf16>, %w: tensor<4x10xf16>, %b: tensor<6x10xf32>) -> tensor<1x2x6x5xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<6x4xf16>, tensor<4x10xf16>) -> tensor<6x10xf16>
  %1 = stablehlo.convert %0 : (tensor<6x10xf16>) -> tensor<6x10xf32>
  %2 = stablehlo.add %b, %1 : tensor<6x10xf32>
  %3 = stablehlo.reshape %2 : (tensor<6x10xf32>) -> tensor<1x6x10xf32>
  %4 = stablehlo.reshape %3 : (tensor<1x6x10xf32>) -> tensor<1x6x2x5xf32>
  %5 = stablehlo.transpose %4, dims = [0, 2, 1, 3] : (tensor<1x6x2x5xf32>) -> tensor<1x2x6x5xf32>
  return %5 : tensor<1x2x6x5xf32>
}

// A weight with its heads apart: nothing is reshaped.
// CHECK-LABEL: func.func @split_weight
// CHECK:         %[[P:.*]] = stablehlo.dot_general
// CHECK-NEXT:    %[[HELD:.*]] = stablehlo.optimization_barrier %[[P]] : tensor<6x2x5xf32>
// CHECK-NEXT:    stablehlo.transpose %[[HELD]]
func.func @split_weight(%x: tensor<6x4xf32>, %w: tensor<4x2x5xf32>) -> tensor<2x6x5xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<6x4xf32>, tensor<4x2x5xf32>) -> tensor<6x2x5xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0, 2] : (tensor<6x2x5xf32>) -> tensor<2x6x5xf32>
  return %1 : tensor<2x6x5xf32>
}

// Who reads the product as it is reads it ahead of the barrier.
// CHECK-LABEL: func.func @several
// CHECK:         %[[P:.*]] = stablehlo.dot_general
// CHECK-NEXT:    %[[HELD:.*]] = stablehlo.optimization_barrier %[[P]]
// CHECK-NEXT:    %[[T:.*]] = stablehlo.transpose %[[HELD]]
// CHECK-NEXT:    return %[[P]], %[[T]]
func.func @several(%x: tensor<6x4xf32>, %w: tensor<4x10xf32>) -> (tensor<6x10xf32>, tensor<10x6xf32>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<6x4xf32>, tensor<4x10xf32>) -> tensor<6x10xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<6x10xf32>) -> tensor<10x6xf32>
  return %0, %1 : tensor<6x10xf32>, tensor<10x6xf32>
}

// A product in batches is tiled as it is.
// CHECK-LABEL: func.func @batches
// CHECK-NOT:     optimization_barrier
func.func @batches(%x: tensor<2x6x4xf32>, %w: tensor<2x4x5xf32>) -> tensor<6x2x5xf32> {
  %0 = stablehlo.dot_general %x, %w, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x6x4xf32>, tensor<2x4x5xf32>) -> tensor<2x6x5xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0, 2] : (tensor<2x6x5xf32>) -> tensor<6x2x5xf32>
  return %1 : tensor<6x2x5xf32>
}

// Behind anything else a transpose is that op's affair.
// CHECK-LABEL: func.func @behind
// CHECK-NOT:     optimization_barrier
func.func @behind(%x: tensor<6x4xf32>, %w: tensor<4x10xf32>, %y: tensor<6x4xf32>) -> (tensor<10x6xf32>, tensor<4x6xf32>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<6x4xf32>, tensor<4x10xf32>) -> tensor<6x10xf32>
  %1 = stablehlo.tanh %0 : tensor<6x10xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<6x10xf32>) -> tensor<10x6xf32>
  %3 = stablehlo.transpose %y, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  return %2, %3 : tensor<10x6xf32>, tensor<4x6xf32>
}

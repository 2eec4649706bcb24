// RUN: attnorm-opt %s --expand-matvec --canonicalize | FileCheck %s

// The weight of a linear layer, as it lies in memory: rows are summed, in f32.
// CHECK-LABEL: func.func @linear
// CHECK-SAME:    (%[[X:.*]]: tensor<1x1x256xbf16>, %[[W:.*]]: tensor<512x256xbf16>)
// CHECK-DAG:     %[[ROW:.*]] = stablehlo.reshape %[[X]] : (tensor<1x1x256xbf16>) -> tensor<256xbf16>
// CHECK-DAG:     %[[WIDE:.*]] = stablehlo.convert %[[W]] : (tensor<512x256xbf16>) -> tensor<512x256xf32>
// CHECK-DAG:     %[[X32:.*]] = stablehlo.convert %[[ROW]] : (tensor<256xbf16>) -> tensor<256xf32>
// CHECK:         %[[XS:.*]] = stablehlo.broadcast_in_dim %[[X32]], dims = [1] : (tensor<256xf32>) -> tensor<512x256xf32>
// CHECK:         %[[P:.*]] = stablehlo.multiply %[[WIDE]], %[[XS]]
// CHECK:         %[[SUM:.*]] = stablehlo.reduce(%[[P]] {{.*}} stablehlo.add across dimensions = [1]
// CHECK:         %[[WHOLE:.*]] = stablehlo.reshape %[[SUM]] : (tensor<512xf32>) -> tensor<1x512xf32>
// CHECK:         stablehlo.convert %[[WHOLE]] : (tensor<1x512xf32>) -> tensor<1x512xbf16>
// CHECK:         -> tensor<1x1x512xbf16>
func.func @linear(%x: tensor<1x1x256xbf16>, %w: tensor<512x256xbf16>) -> tensor<1x1x512xbf16> {
  %t = stablehlo.transpose %w, dims = [1, 0] : (tensor<512x256xbf16>) -> tensor<256x512xbf16>
  %0 = stablehlo.dot_general %x, %t, contracting_dims = [2] x [0] : (tensor<1x1x256xbf16>, tensor<256x512xbf16>) -> tensor<1x1x512xbf16>
  return %0 : tensor<1x1x512xbf16>
}

// A matrix that is contracted over its first dimensions, on the left of its vector.
// CHECK-LABEL: func.func @heads
// CHECK:         stablehlo.broadcast_in_dim %{{.*}}, dims = [0, 1] : (tensor<4x64xf32>) -> tensor<4x64x512xf32>
// CHECK:         stablehlo.reduce({{.*}} across dimensions = [0, 1] : (tensor<4x64x512xf32>, tensor<f32>) -> tensor<512xf32>
// CHECK:         stablehlo.reshape {{.*}} -> tensor<512x1xf32>
func.func @heads(%x: tensor<1x4x64xf32>, %w: tensor<4x64x512xf32>) -> tensor<512x1xf32> {
  %0 = stablehlo.dot_general %w, %x, contracting_dims = [0, 1] x [1, 2] : (tensor<4x64x512xf32>, tensor<1x4x64xf32>) -> tensor<512x1xf32>
  return %0 : tensor<512x1xf32>
}

// Two vectors: a sum for each of them, side by side.
// CHECK-LABEL: func.func @two
// CHECK-DAG:     stablehlo.slice %{{.*}} [0:1, 0:256]
// CHECK-DAG:     stablehlo.slice %{{.*}} [1:2, 0:256]
// CHECK-COUNT-2: stablehlo.reduce(
// CHECK:         stablehlo.concatenate %{{.*}}, %{{.*}}, dim = 0 : (tensor<1x512xf32>, tensor<1x512xf32>) -> tensor<2x512xf32>
func.func @two(%x: tensor<2x256xf32>, %w: tensor<512x256xf32>) -> tensor<2x512xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<2x256xf32>, tensor<512x256xf32>) -> tensor<2x512xf32>
  return %0 : tensor<2x512xf32>
}

// Left alone: five vectors, a small matrix, batches, integers, f64, sizes that are not known, vectors
// whose elements lie apart, and a matrix whose contracted dimensions do.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-8: stablehlo.dot_general
// CHECK-NOT:     stablehlo.reduce
func.func @others(%x: tensor<5x256xf32>, %w: tensor<512x256xf32>, %s: tensor<1x8xf32>, %m: tensor<8x8xf32>,
                  %a: tensor<2x1x256xf32>, %b: tensor<2x512x256xf32>, %i: tensor<1x256xi8>, %j: tensor<512x256xi8>,
                  %d: tensor<1x256xf64>, %e: tensor<512x256xf64>, %u: tensor<?x256xf32>,
                  %c: tensor<256x2xf32>, %f: tensor<1x4x64xf32>, %g: tensor<4x512x64xf32>)
    -> (tensor<5x512xf32>, tensor<1x8xf32>, tensor<2x1x512xf32>, tensor<1x512xi32>, tensor<1x512xf64>, tensor<?x512xf32>, tensor<2x512xf32>, tensor<1x512xf32>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<5x256xf32>, tensor<512x256xf32>) -> tensor<5x512xf32>
  %1 = stablehlo.dot_general %s, %m, contracting_dims = [1] x [0] : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
  %2 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x1x256xf32>, tensor<2x512x256xf32>) -> tensor<2x1x512xf32>
  %3 = stablehlo.dot_general %i, %j, contracting_dims = [1] x [1] : (tensor<1x256xi8>, tensor<512x256xi8>) -> tensor<1x512xi32>
  %4 = stablehlo.dot_general %d, %e, contracting_dims = [1] x [1] : (tensor<1x256xf64>, tensor<512x256xf64>) -> tensor<1x512xf64>
  %5 = stablehlo.dot_general %u, %w, contracting_dims = [1] x [1] : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
  %6 = stablehlo.dot_general %c, %w, contracting_dims = [0] x [1] : (tensor<256x2xf32>, tensor<512x256xf32>) -> tensor<2x512xf32>
  %7 = stablehlo.dot_general %f, %g, contracting_dims = [1, 2] x [0, 2] : (tensor<1x4x64xf32>, tensor<4x512x64xf32>) -> tensor<1x512xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<5x512xf32>, tensor<1x8xf32>, tensor<2x1x512xf32>, tensor<1x512xi32>, tensor<1x512xf64>, tensor<?x512xf32>, tensor<2x512xf32>, tensor<1x512xf32>
}

// RUN: attnorm-opt %s --expand-sdpa=strategy=dense --canonicalize --cse | FileCheck %s --check-prefix=DENSE
// RUN: attnorm-opt %s '--pass-pipeline=builtin.module(expand-sdpa{strategy=blocks queries=4},canonicalize,cse)' | FileCheck %s --check-prefix=BLOCKS
// RUN: attnorm-opt %s '--pass-pipeline=builtin.module(expand-sdpa{strategy=online queries=4 keys=2},canonicalize,cse)' | FileCheck %s --check-prefix=ONLINE
// RUN: attnorm-opt %s --expand-sdpa --canonicalize --cse | FileCheck %s --check-prefix=AUTO
// RUN: not attnorm-opt %s --expand-sdpa=strategy=flash 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not attnorm-opt %s --expand-sdpa=queries=0 2>&1 | FileCheck %s --check-prefix=EMPTY

// UNKNOWN: expand-sdpa: strategy: expected auto, dense, blocks or online, got 'flash'
// EMPTY: expand-sdpa: queries: expected a size above 0, got 0

// Blocks read the keys up to their last query, and no others; the loops end there.
// DENSE-LABEL: func.func @causal
// DENSE: tensor<2x10x10xf32>
// BLOCKS-LABEL: func.func @causal
// BLOCKS-SAME:    (%[[Q:.*]]: tensor<2x10x8xf32>)
func.func @causal(%q: tensor<2x10x8xf32>) -> tensor<2x10x8xf32> {
  // BLOCKS: %[[FIRST:.*]] = stablehlo.slice %[[Q]] [0:2, 0:4, 0:8]
  // BLOCKS: stablehlo.dot_general %[[FIRST]], %[[FIRST]], {{.*}} -> tensor<2x4x4xf32>
  // BLOCKS: %[[ROWS:.*]] = stablehlo.slice %[[Q]] [0:2, 4:8, 0:8]
  // BLOCKS: %[[KEYS:.*]] = stablehlo.slice %[[Q]] [0:2, 0:8, 0:8]
  // BLOCKS: stablehlo.dot_general %[[ROWS]], %[[KEYS]], {{.*}} -> tensor<2x4x8xf32>
  // BLOCKS: %[[LAST:.*]] = stablehlo.slice %[[Q]] [0:2, 8:10, 0:8]
  // BLOCKS: stablehlo.dot_general %[[LAST]], %[[Q]], {{.*}} -> tensor<2x2x10xf32>
  // BLOCKS: stablehlo.concatenate {{.*}}, dim = 1 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x2x8xf32>)
  // ONLINE-LABEL: func.func @causal
  // ONLINE-SAME:    (%[[Q:.*]]: tensor<2x10x8xf32>)
  // ONLINE-DAG: %[[COUNT:.*]] = stablehlo.constant dense<3> : tensor<i64>
  // ONLINE-DAG: %[[FLOOR:.*]] = stablehlo.constant dense<-3.40282347E+38> : tensor<2x1x4xf32>
  // ONLINE: stablehlo.while(%[[I:.*]] = %{{.*}}, %[[OUT:.*]] = %{{.*}}) : tensor<i64>, tensor<2x10x8xf32>
  // ONLINE: stablehlo.compare LT, %[[I]], %[[COUNT]]
  // ONLINE: %[[ROWS:.*]] = stablehlo.dynamic_slice %[[Q]], {{.*}} sizes = [2, 4, 8]
  // ONLINE: stablehlo.while(%[[J:.*]] = %{{.*}}, %[[PEAK:.*]] = %[[FLOOR]], %[[TOTAL:.*]] = %{{.*}}, %[[VALUE:.*]] = %{{[a-z0-9_]*}}) :
  // ONLINE: stablehlo.compare LT, %[[J]], %
  // ONLINE: stablehlo.dynamic_slice %[[Q]], {{.*}} sizes = [2, 2, 8]
  // ONLINE: stablehlo.dot_general {{.*}} -> tensor<2x4x2xf32>
  // ONLINE: %[[TOP:.*]] = stablehlo.maximum %[[PEAK]]
  // ONLINE: %[[DROP:.*]] = stablehlo.subtract %[[PEAK]], %[[TOP]]
  // ONLINE: %[[SHRINK:.*]] = stablehlo.exponential %[[DROP]]
  // ONLINE: stablehlo.multiply %[[TOTAL]], %[[SHRINK]]
  // ONLINE: stablehlo.multiply %[[VALUE]]
  // The blocks at the diagonal have a loop of their own, which compares positions.
  // ONLINE: stablehlo.while
  // ONLINE: stablehlo.compare LE
  // ONLINE: stablehlo.divide {{.*}} : tensor<2x1x4x8xf32>
  // ONLINE: stablehlo.dynamic_update_slice %[[OUT]]
  // ONLINE-NOT: tensor<2x10x10xf32>
  // So short a sequence is one block.
  // AUTO-LABEL: func.func @causal
  // AUTO-NOT: stablehlo.slice
  // AUTO-NOT: stablehlo.while
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x10x8xf32>, tensor<2x10x8xf32>, tensor<2x10x8xf32>) -> tensor<2x10x8xf32>
  return %0 : tensor<2x10x8xf32>
}

// A window moves the first key too, and a mask is cut as the scores are.
// BLOCKS-LABEL: func.func @window
// BLOCKS-SAME:    %[[M:[a-z0-9]+]]: tensor<8x8xi1>)
func.func @window(%q: tensor<2x8x8xf32>, %m: tensor<8x8xi1>) -> tensor<2x8x8xf32> {
  // BLOCKS: stablehlo.slice %[[M]] [0:4, 0:4]
  // BLOCKS: stablehlo.slice %[[M]] [4:8, 3:8]
  // ONLINE-LABEL: func.func @window
  // ONLINE-SAME:    %[[M:[a-z0-9]+]]: tensor<8x8xi1>)
  // ONLINE: %[[LOW:.*]] = stablehlo.divide
  // ONLINE: stablehlo.while(%{{.*}} = %[[LOW]],
  // ONLINE: stablehlo.dynamic_slice %{{.*}} sizes = [1, 4, 2] : (tensor<1x8x8xi1>
  %0 = "attnorm.sdpa"(%q, %q, %q, %m) {scale = 0.5 : f64, causal = true, window = array<i64: 1, -1>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x8x8xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>, tensor<8x8xi1>) -> tensor<2x8x8xf32>
  return %0 : tensor<2x8x8xf32>
}

// A last block of keys that is not whole begins earlier, and masks what the one before had.
// ONLINE-LABEL: func.func @ragged
func.func @ragged(%q: tensor<2x8x8xf32>, %k: tensor<2x5x8xf32>) -> tensor<2x8x8xf32> {
  // ONLINE: stablehlo.while
  // ONLINE: stablehlo.while
  // ONLINE: stablehlo.while
  // ONLINE: %[[KEY:.*]] = stablehlo.minimum %[[FIRST:.*]], %
  // ONLINE: %[[MET:.*]] = stablehlo.subtract %[[FIRST]], %[[KEY]]
  // ONLINE: %[[NARROW:.*]] = stablehlo.convert %[[MET]]
  // ONLINE: %[[OLD:.*]] = stablehlo.broadcast_in_dim %[[NARROW]]
  // ONLINE: stablehlo.compare GE, %{{.*}}, %[[OLD]]
  %0 = "attnorm.sdpa"(%q, %k, %k) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x8x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x8x8xf32>
  return %0 : tensor<2x8x8xf32>
}

// Queries of grouped heads are rows of one product; a sink is what the loop begins with.
// ONLINE-LABEL: func.func @grouped

func.func @grouped(%q: tensor<1x4x8x8xf32>, %k: tensor<1x2x8x8xf32>, %s: tensor<4xf32>) -> tensor<1x4x8x8xf32> {
  // ONLINE: stablehlo.reshape %{{.*}} : (tensor<4xf32>) -> tensor<2x2xf32>
  // ONLINE: %[[PEAK:.*]] = stablehlo.maximum
  // ONLINE: stablehlo.while(%{{.*}}, %{{.*}} = %[[PEAK]],
  // ONLINE: stablehlo.dot_general {{.*}} : (tensor<2x8x8xf32>, tensor<2x2x8xf32>) -> tensor<2x8x2xf32>
  %0 = "attnorm.sdpa"(%q, %k, %k, %s) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>} : (tensor<1x4x8x8xf32>, tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  return %0 : tensor<1x4x8x8xf32>
}

// Lengths known at run time only are not cut.
// BLOCKS-LABEL: func.func @dynamic
// BLOCKS-NOT: stablehlo.slice
// ONLINE-LABEL: func.func @dynamic
// ONLINE-NOT: stablehlo.while
func.func @dynamic(%q: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return %0 : tensor<2x?x8xf32>
}

// The rule: few blocks are written out, many are a loop.
// AUTO-LABEL: func.func @few
// BLOCKS-LABEL: func.func @few
// ONLINE-LABEL: func.func @few
// AUTO: stablehlo.slice %{{.*}} [0:2, 384:512, 0:8]
// AUTO-NOT: stablehlo.while
func.func @few(%q: tensor<2x512x8xf32>) -> tensor<2x512x8xf32> {
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x512x8xf32>, tensor<2x512x8xf32>, tensor<2x512x8xf32>) -> tensor<2x512x8xf32>
  return %0 : tensor<2x512x8xf32>
}

// AUTO-LABEL: func.func @many
// AUTO: stablehlo.while
// AUTO: stablehlo.while
// AUTO: stablehlo.dot_general {{.*}} -> tensor<2x128x128xf32>
// AUTO: stablehlo.while
// AUTO-NOT: stablehlo.while
func.func @many(%q: tensor<2x1024x8xf32>) -> tensor<2x1024x8xf32> {
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x1024x8xf32>, tensor<2x1024x8xf32>, tensor<2x1024x8xf32>) -> tensor<2x1024x8xf32>
  return %0 : tensor<2x1024x8xf32>
}

// A token that reads the end of its cache through a window reads nothing else of it.
// AUTO-LABEL: func.func @decode
// AUTO-SAME:    %[[K:[a-z0-9]+]]: tensor<2x4096x8xf32>)
// AUTO: stablehlo.slice %[[K]] [0:2, 3584:4096, 0:8]
// AUTO: stablehlo.dot_general {{.*}} -> tensor<2x1x512xf32>
func.func @decode(%q: tensor<2x1x8xf32>, %k: tensor<2x4096x8xf32>) -> tensor<2x1x8xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %k) {scale = 0.5 : f64, causal = true, offset = 4095 : i64, window = array<i64: 511, -1>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x1x8xf32>, tensor<2x4096x8xf32>, tensor<2x4096x8xf32>) -> tensor<2x1x8xf32>
  return %0 : tensor<2x1x8xf32>
}

// What is filled of a cache is known at run time: the loop over its blocks ends there.
// AUTO-LABEL: func.func @cache
// AUTO: stablehlo.while
// AUTO: stablehlo.while
func.func @cache(%q: tensor<2x1x8xf32>, %k: tensor<2x4096x8xf32>, %start: tensor<i32>) -> tensor<2x1x8xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %k, %start) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>} : (tensor<2x1x8xf32>, tensor<2x4096x8xf32>, tensor<2x4096x8xf32>, tensor<i32>) -> tensor<2x1x8xf32>
  return %0 : tensor<2x1x8xf32>
}

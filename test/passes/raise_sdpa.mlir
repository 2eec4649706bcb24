// RUN: attnorm-opt %s --raise-sdpa --split-input-file | FileCheck %s

// Keys repeated for two query heads each become grouped heads; the scale stands on the queries.
// CHECK-LABEL: func.func @grouped
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x3x8xf32>, %[[K:.*]]: tensor<2x5x8xf32>, %[[V:.*]]: tensor<2x5x6xf32>)
func.func @grouped(%q: tensor<4x3x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x6xf32>) -> tensor<4x3x6xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.sdpa"(%[[Q]], %[[K]], %[[V]]) {{.*}}scale = 2.500000e-01 : f64
  // CHECK-NEXT: return %[[Y]]
  %scale = stablehlo.constant dense<0.25> : tensor<4x3x8xf32>
  %0 = stablehlo.multiply %q, %scale : tensor<4x3x8xf32>
  %1 = stablehlo.broadcast_in_dim %k, dims = [0, 2, 3] : (tensor<2x5x8xf32>) -> tensor<2x2x5x8xf32>
  %2 = stablehlo.reshape %1 : (tensor<2x2x5x8xf32>) -> tensor<4x5x8xf32>
  %3 = stablehlo.broadcast_in_dim %v, dims = [0, 2, 3] : (tensor<2x5x6xf32>) -> tensor<2x2x5x6xf32>
  %4 = stablehlo.reshape %3 : (tensor<2x2x5x6xf32>) -> tensor<4x5x6xf32>
  %5 = stablehlo.dot_general %0, %2, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x3x8xf32>, tensor<4x5x8xf32>) -> tensor<4x3x5xf32>
  %6 = "attnorm.softmax"(%5) {axis = 2 : i64} : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %7 = stablehlo.dot_general %6, %4, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x3x5xf32>, tensor<4x5x6xf32>) -> tensor<4x3x6xf32>
  return %7 : tensor<4x3x6xf32>
}

// -----

// Two scales are one; a row that sees nothing is the mean of the values, for its fill is finite.
// CHECK-LABEL: func.func @two_scales
func.func @two_scales(%q: tensor<2x3x8xf32>, %m: tensor<2x3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {fully_masked = "uniform", {{.*}}scale = 1.500000e+00 : f64}
  %half = stablehlo.constant dense<0.5> : tensor<2x3x3xf32>
  %three = stablehlo.constant dense<3.0> : tensor<2x3x3xf32>
  %low = stablehlo.constant dense<-1.0e30> : tensor<2x3x3xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.multiply %0, %half : tensor<2x3x3xf32>
  %2 = stablehlo.multiply %1, %three : tensor<2x3x3xf32>
  %3 = stablehlo.select %m, %2, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %4 = "attnorm.softmax"(%3) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %5 = stablehlo.dot_general %4, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %5 : tensor<2x3x8xf32>
}

// -----

// A causal sliding window from iotas, and a padding mask beside it, which stays one of the keys.
// CHECK-LABEL: func.func @window
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x5x8xf32>, %[[PAD:.*]]: tensor<5xi1>)
func.func @window(%q: tensor<4x5x8xf32>, %pad: tensor<5xi1>) -> tensor<4x5x8xf32> {
  // CHECK: %[[MASK:.*]] = stablehlo.reshape %[[PAD]] : (tensor<5xi1>) -> tensor<1x1x5xi1>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[MASK]]) {causal = true, {{.*}}window = array<i64: 2, -1>}
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x5x5xf32>
  %three = stablehlo.constant dense<3> : tensor<5x5xi32>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %causal = stablehlo.compare LE, %j, %i : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %distance = stablehlo.subtract %i, %j : tensor<5x5xi32>
  %near = stablehlo.compare LT, %distance, %three : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %band = stablehlo.and %causal, %near : tensor<5x5xi1>
  %pads = stablehlo.broadcast_in_dim %pad, dims = [1] : (tensor<5xi1>) -> tensor<5x5xi1>
  %both = stablehlo.and %band, %pads : tensor<5x5xi1>
  %mask = stablehlo.broadcast_in_dim %both, dims = [1, 2] : (tensor<5x5xi1>) -> tensor<4x5x5xi1>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.select %mask, %0, %low : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %3 : tensor<4x5x8xf32>
}

// -----

// torch's `masked_fill` says which keys go, not which stay: what is true takes the fill, and what
// takes it by one predicate or another is in a band where neither holds. BERT's kin mask by it, and
// MPT is causal by it; DeBERTa's scores were no attention.
// CHECK-LABEL: func.func @masked_fill
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x5x8xf32>, %[[PAD:.*]]: tensor<5xi1>, %[[GONE:.*]]: tensor<4x5x5xi1>)
func.func @masked_fill(%q: tensor<4x5x8xf32>, %pad: tensor<5xi1>, %gone: tensor<4x5x5xi1>) -> (tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>) {
  // CHECK: %[[MASK:.*]] = stablehlo.reshape %[[PAD]] : (tensor<5xi1>) -> tensor<1x1x5xi1>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[MASK]]) {causal = true, {{.*}}window = array<i64: 2, -1>}
  // CHECK: %[[KEPT:.*]] = stablehlo.not %[[GONE]]
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[KEPT]]) {operand
  // CHECK: %[[ADDED:.*]] = stablehlo.not %[[GONE]]
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[ADDED]]) {operand
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x5x5xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<4x5x5xf32>
  %three = stablehlo.constant dense<3> : tensor<5x5xi32>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %ahead = stablehlo.compare GT, %j, %i : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %distance = stablehlo.subtract %i, %j : tensor<5x5xi32>
  %far = stablehlo.compare GE, %distance, %three : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %out = stablehlo.or %ahead, %far : tensor<5x5xi1>
  %padded = stablehlo.not %pad : tensor<5xi1>
  %pads = stablehlo.broadcast_in_dim %padded, dims = [1] : (tensor<5xi1>) -> tensor<5x5xi1>
  %either = stablehlo.or %out, %pads : tensor<5x5xi1>
  %mask = stablehlo.broadcast_in_dim %either, dims = [1, 2] : (tensor<5x5xi1>) -> tensor<4x5x5xi1>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.select %mask, %low, %0 : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %4 = stablehlo.select %gone, %low, %0 : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %5 = "attnorm.softmax"(%4) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %6 = stablehlo.dot_general %5, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %7 = stablehlo.select %gone, %low, %zero : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %8 = stablehlo.add %0, %7 : tensor<4x5x5xf32>
  %9 = "attnorm.softmax"(%8) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %10 = stablehlo.dot_general %9, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %3, %6, %10 : tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>
}

// -----

// CodeGen divides what is masked by sqrt(d), Falcon scales what ALiBi was added to: the mask is scaled
// as the scores are, one in a half type in f32; what is -inf stays so, and a fill stays one if it is
// low enough then.
// CHECK-LABEL: func.func @mask_before_scale
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x3x8xf32>, %[[H:.*]]: tensor<2x3x8xbf16>, %[[M:.*]]: tensor<2x3x3xf32>, %[[N:.*]]: tensor<2x3x3xbf16>, %[[P:.*]]: tensor<2x3x3xi1>)
func.func @mask_before_scale(%q: tensor<2x3x8xf32>, %h: tensor<2x3x8xbf16>, %m: tensor<2x3x3xf32>, %n: tensor<2x3x3xbf16>, %p: tensor<2x3x3xi1>) -> (tensor<2x3x8xf32>, tensor<2x3x8xbf16>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  // CHECK: %[[THIRD:.*]] = stablehlo.constant dense<3.000000e-01>
  // CHECK: %[[ADDED:.*]] = stablehlo.multiply %[[M]],
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[ADDED]]) {{.*}}scale = 0.30000001192092896 : f64
  // CHECK: %[[WIDE:.*]] = stablehlo.convert %[[N]] : (tensor<2x3x3xbf16>) -> tensor<2x3x3xf32>
  // CHECK: %[[ROUNDED:.*]] = stablehlo.multiply %[[WIDE]],
  // CHECK: "attnorm.sdpa"(%[[H]], %[[H]], %[[H]], %[[ROUNDED]])
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[P]]) {fully_masked = "uniform"
  // CHECK: attnorm.softmax
  // CHECK-NOT: attnorm.sdpa
  %scale = stablehlo.constant dense<0.3> : tensor<2x3x3xf32>
  %half = stablehlo.constant dense<0.3> : tensor<2x3x3xbf16>
  %low = stablehlo.constant dense<-1.0e30> : tensor<2x3x3xf32>
  %faint = stablehlo.constant dense<-2.0e4> : tensor<2x3x3xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.add %0, %m : tensor<2x3x3xf32>
  %2 = stablehlo.multiply %1, %scale : tensor<2x3x3xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %5 = stablehlo.dot_general %h, %h, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xbf16>, tensor<2x3x8xbf16>) -> tensor<2x3x3xbf16>
  %6 = stablehlo.add %5, %n : tensor<2x3x3xbf16>
  %7 = stablehlo.multiply %6, %half : tensor<2x3x3xbf16>
  %8 = "attnorm.softmax"(%7) {axis = 2 : i64} : (tensor<2x3x3xbf16>) -> tensor<2x3x3xbf16>
  %9 = stablehlo.dot_general %8, %h, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xbf16>, tensor<2x3x8xbf16>) -> tensor<2x3x8xbf16>
  %10 = stablehlo.select %p, %0, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %11 = stablehlo.multiply %10, %scale : tensor<2x3x3xf32>
  %12 = "attnorm.softmax"(%11) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %13 = stablehlo.dot_general %12, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %14 = stablehlo.select %p, %0, %faint : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %15 = stablehlo.multiply %14, %scale : tensor<2x3x3xf32>
  %16 = "attnorm.softmax"(%15) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %17 = stablehlo.dot_general %16, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %4, %9, %13, %17 : tensor<2x3x8xf32>, tensor<2x3x8xbf16>, tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// -----

// gpt-oss puts a score of each head behind those of the keys, and cuts its probability off: a sink.
// In bf16 too. Near misses: one of each query, one that is kept, another part that is cut off.
// CHECK-LABEL: func.func @half_sinks
func.func @half_sinks(%q: tensor<4x3x8xbf16>, %s: tensor<4xbf16>) -> tensor<4x3x8xbf16> {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x3x8xbf16>, tensor<4x3x8xbf16>) -> tensor<4x3x3xbf16>
  %1 = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<4xbf16>) -> tensor<4x3x1xbf16>
  %2 = stablehlo.concatenate %0, %1, dim = 2 : (tensor<4x3x3xbf16>, tensor<4x3x1xbf16>) -> tensor<4x3x4xbf16>
  %3 = stablehlo.convert %2 : (tensor<4x3x4xbf16>) -> tensor<4x3x4xf32>
  %4 = "attnorm.softmax"(%3) {axis = 2 : i64} : (tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  %5 = stablehlo.convert %4 : (tensor<4x3x4xf32>) -> tensor<4x3x4xbf16>
  %6 = stablehlo.slice %5 [0:4, 0:3, 0:3] : (tensor<4x3x4xbf16>) -> tensor<4x3x3xbf16>
  %7 = stablehlo.dot_general %6, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x3x3xbf16>, tensor<4x3x8xbf16>) -> tensor<4x3x8xbf16>
  return %7 : tensor<4x3x8xbf16>
}

// CHECK-LABEL: func.func @sinks
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x4x3x8xf32>, %[[S:.*]]: tensor<4xf32>
func.func @sinks(%q: tensor<2x4x3x8xf32>, %s: tensor<4xf32>, %own: tensor<3xf32>, %v: tensor<2x4x4x8xf32>) -> (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>) {
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[S]]) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>, scale = 1.000000e+00 : f64}
  // CHECK-NOT: attnorm.sdpa
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>) -> tensor<2x4x3x3xf32>
  %1 = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<4xf32>) -> tensor<2x4x3x1xf32>
  %2 = stablehlo.concatenate %0, %1, dim = 3 : (tensor<2x4x3x3xf32>, tensor<2x4x3x1xf32>) -> tensor<2x4x3x4xf32>
  %3 = "attnorm.softmax"(%2) {axis = 3 : i64} : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x4xf32>
  %4 = stablehlo.slice %3 [0:2, 0:4, 0:3, 0:3] : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x3xf32>
  %5 = stablehlo.dot_general %4, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<2x4x3x3xf32>, tensor<2x4x3x8xf32>) -> tensor<2x4x3x8xf32>
  %6 = stablehlo.broadcast_in_dim %own, dims = [2] : (tensor<3xf32>) -> tensor<2x4x3x1xf32>
  %7 = stablehlo.concatenate %0, %6, dim = 3 : (tensor<2x4x3x3xf32>, tensor<2x4x3x1xf32>) -> tensor<2x4x3x4xf32>
  %8 = "attnorm.softmax"(%7) {axis = 3 : i64} : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x4xf32>
  %9 = stablehlo.slice %8 [0:2, 0:4, 0:3, 0:3] : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x3xf32>
  %10 = stablehlo.dot_general %9, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<2x4x3x3xf32>, tensor<2x4x3x8xf32>) -> tensor<2x4x3x8xf32>
  %11 = stablehlo.concatenate %0, %1, dim = 3 : (tensor<2x4x3x3xf32>, tensor<2x4x3x1xf32>) -> tensor<2x4x3x4xf32>
  %12 = "attnorm.softmax"(%11) {axis = 3 : i64} : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x4xf32>
  %13 = stablehlo.dot_general %12, %v, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<2x4x3x4xf32>, tensor<2x4x4x8xf32>) -> tensor<2x4x3x8xf32>
  %14 = stablehlo.concatenate %0, %1, dim = 3 : (tensor<2x4x3x3xf32>, tensor<2x4x3x1xf32>) -> tensor<2x4x3x4xf32>
  %15 = "attnorm.softmax"(%14) {axis = 3 : i64} : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x4xf32>
  %16 = stablehlo.slice %15 [0:2, 0:4, 0:3, 1:4] : (tensor<2x4x3x4xf32>) -> tensor<2x4x3x3xf32>
  %17 = stablehlo.dot_general %16, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<2x4x3x3xf32>, tensor<2x4x3x8xf32>) -> tensor<2x4x3x8xf32>
  return %5, %10, %13, %17 : tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>
}

// -----

// Near misses: a mask before a scale that its fills overflow by, a fill that is a score, probabilities
// read twice.
// CHECK-LABEL: func.func @near_misses
func.func @near_misses(%q: tensor<4x5x8xf32>, %m: tensor<4x5x5xf32>, %p: tensor<4x5x5xi1>)
    -> (tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x5xf32>) {
  // CHECK-NOT: attnorm.sdpa
  %two = stablehlo.constant dense<2.0> : tensor<4x5x5xf32>
  %fill = stablehlo.constant dense<-2.0> : tensor<4x5x5xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.add %0, %m : tensor<4x5x5xf32>
  %2 = stablehlo.multiply %1, %two : tensor<4x5x5xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %5 = stablehlo.select %p, %0, %fill : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %6 = "attnorm.softmax"(%5) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %7 = stablehlo.dot_general %6, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %8 = "attnorm.softmax"(%0) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %9 = stablehlo.dot_general %8, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %4, %7, %9, %8 : tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x5xf32>
}

// -----

// Near misses of a band: i - j wraps where it is unsigned, i + 126 in i8; bf16 rounds 257 to 256;
// a bound that is infinite is none. What they select stays a mask.
// CHECK-LABEL: func.func @positions_that_do_not_fit
func.func @positions_that_do_not_fit(%q: tensor<4x258x8xf32>) -> (tensor<4x258x8xf32>, tensor<4x258x8xf32>, tensor<4x258x8xf32>, tensor<4x258x8xf32>) {
  // CHECK-NOT: causal
  // CHECK-NOT: window
  // CHECK-COUNT-4: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x258x258xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x258x8xf32>, tensor<4x258x8xf32>) -> tensor<4x258x258xf32>

  %two = stablehlo.constant dense<2> : tensor<258x258xui32>
  %i = stablehlo.iota dim = 0 : tensor<258x258xui32>
  %j = stablehlo.iota dim = 1 : tensor<258x258xui32>
  %distance = stablehlo.subtract %i, %j : tensor<258x258xui32>
  %near = stablehlo.compare LT, %distance, %two : (tensor<258x258xui32>, tensor<258x258xui32>) -> tensor<258x258xi1>
  %1 = stablehlo.broadcast_in_dim %near, dims = [1, 2] : (tensor<258x258xi1>) -> tensor<4x258x258xi1>
  %2 = stablehlo.select %1, %0, %low : tensor<4x258x258xi1>, tensor<4x258x258xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<4x258x258xf32>) -> tensor<4x258x258xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x258x258xf32>, tensor<4x258x8xf32>) -> tensor<4x258x8xf32>

  %far = stablehlo.constant dense<126> : tensor<258x258xi8>
  %i8 = stablehlo.iota dim = 0 : tensor<258x258xi8>
  %j8 = stablehlo.iota dim = 1 : tensor<258x258xi8>
  %moved = stablehlo.add %i8, %far : tensor<258x258xi8>
  %wrapped = stablehlo.compare GE, %moved, %j8 : (tensor<258x258xi8>, tensor<258x258xi8>) -> tensor<258x258xi1>
  %5 = stablehlo.broadcast_in_dim %wrapped, dims = [1, 2] : (tensor<258x258xi1>) -> tensor<4x258x258xi1>
  %6 = stablehlo.select %5, %0, %low : tensor<4x258x258xi1>, tensor<4x258x258xf32>
  %7 = "attnorm.softmax"(%6) {axis = 2 : i64} : (tensor<4x258x258xf32>) -> tensor<4x258x258xf32>
  %8 = stablehlo.dot_general %7, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x258x258xf32>, tensor<4x258x8xf32>) -> tensor<4x258x8xf32>

  %i16 = stablehlo.iota dim = 0 : tensor<258x258xbf16>
  %j16 = stablehlo.iota dim = 1 : tensor<258x258xbf16>
  %rounded = stablehlo.compare GT, %i16, %j16 : (tensor<258x258xbf16>, tensor<258x258xbf16>) -> tensor<258x258xi1>
  %9 = stablehlo.broadcast_in_dim %rounded, dims = [1, 2] : (tensor<258x258xi1>) -> tensor<4x258x258xi1>
  %10 = stablehlo.select %9, %0, %low : tensor<4x258x258xi1>, tensor<4x258x258xf32>
  %11 = "attnorm.softmax"(%10) {axis = 2 : i64} : (tensor<4x258x258xf32>) -> tensor<4x258x258xf32>
  %12 = stablehlo.dot_general %11, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x258x258xf32>, tensor<4x258x8xf32>) -> tensor<4x258x8xf32>

  %infinity = stablehlo.constant dense<0x7F800000> : tensor<258x258xf32>
  %i32 = stablehlo.iota dim = 0 : tensor<258x258xf32>
  %all = stablehlo.compare LT, %i32, %infinity : (tensor<258x258xf32>, tensor<258x258xf32>) -> tensor<258x258xi1>
  %13 = stablehlo.broadcast_in_dim %all, dims = [1, 2] : (tensor<258x258xi1>) -> tensor<4x258x258xi1>
  %14 = stablehlo.select %13, %0, %low : tensor<4x258x258xi1>, tensor<4x258x258xf32>
  %15 = "attnorm.softmax"(%14) {axis = 2 : i64} : (tensor<4x258x258xf32>) -> tensor<4x258x258xf32>
  %16 = stablehlo.dot_general %15, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x258x258xf32>, tensor<4x258x8xf32>) -> tensor<4x258x8xf32>
  return %4, %8, %12, %16 : tensor<4x258x8xf32>, tensor<4x258x8xf32>, tensor<4x258x8xf32>, tensor<4x258x8xf32>
}

// -----

// What torch writes for F.scaled_dot_product_attention at a position known at run time: the mask is
// `start`; rows that see nothing are 0, by `any(not(s == -inf))`.
// CHECK-LABEL: func.func @torch
// CHECK-SAME:    (%[[Q:.*]]: tensor<4x5x8xf32>, %[[N:.*]]: tensor<i32>)
func.func @torch(%q: tensor<4x5x8xf32>, %n: tensor<i32>) -> tensor<4x5x8xf32> {
  // CHECK: %[[Y:.*]] = "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[N]]) {causal = true, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>, scale = 1.000000e+00 : f64}
  // CHECK-NEXT: return %[[Y]]
  %zeros = stablehlo.constant dense<0.0> : tensor<4x5x5xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x5x5xf32>
  %false = stablehlo.constant dense<false> : tensor<i1>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %start = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<5x5xi32>
  %p = stablehlo.add %start, %i : tensor<5x5xi32>
  %causal = stablehlo.compare LE, %j, %p : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %kept = stablehlo.broadcast_in_dim %causal, dims = [1, 2] : (tensor<5x5xi1>) -> tensor<4x5x5xi1>
  %mask = stablehlo.select %kept, %zeros, %low : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = stablehlo.add %0, %mask : tensor<4x5x5xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %3 = stablehlo.compare EQ, %1, %low : (tensor<4x5x5xf32>, tensor<4x5x5xf32>) -> tensor<4x5x5xi1>
  %4 = stablehlo.not %3 : tensor<4x5x5xi1>
  %5 = stablehlo.reduce(%4 init: %false) applies stablehlo.or across dimensions = [2] : (tensor<4x5x5xi1>, tensor<i1>) -> tensor<4x5xi1>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 1] : (tensor<4x5xi1>) -> tensor<4x5x5xi1>
  %7 = stablehlo.select %6, %2, %zeros : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %8 = stablehlo.dot_general %7, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %8 : tensor<4x5x8xf32>
}

// -----

// ... and what looks like that tail: `any(s == -inf)`, and the row's probabilities where there is
// nothing.
// CHECK-LABEL: func.func @other_tails
func.func @other_tails(%q: tensor<4x5x8xf32>) -> (tensor<4x5x8xf32>, tensor<4x5x8xf32>) {
  // CHECK-NOT: attnorm.sdpa
  %zeros = stablehlo.constant dense<0.0> : tensor<4x5x5xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<4x5x5xf32>
  %false = stablehlo.constant dense<false> : tensor<i1>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %1 = "attnorm.softmax"(%0) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %2 = stablehlo.compare EQ, %0, %low : (tensor<4x5x5xf32>, tensor<4x5x5xf32>) -> tensor<4x5x5xi1>
  %3 = stablehlo.reduce(%2 init: %false) applies stablehlo.or across dimensions = [2] : (tensor<4x5x5xi1>, tensor<i1>) -> tensor<4x5xi1>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0, 1] : (tensor<4x5xi1>) -> tensor<4x5x5xi1>
  %5 = stablehlo.select %4, %1, %zeros : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %6 = stablehlo.dot_general %5, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %7 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<4x5x8xf32>, tensor<4x5x8xf32>) -> tensor<4x5x5xf32>
  %8 = "attnorm.softmax"(%7) {axis = 2 : i64} : (tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %9 = stablehlo.compare EQ, %7, %low : (tensor<4x5x5xf32>, tensor<4x5x5xf32>) -> tensor<4x5x5xi1>
  %10 = stablehlo.not %9 : tensor<4x5x5xi1>
  %11 = stablehlo.reduce(%10 init: %false) applies stablehlo.or across dimensions = [2] : (tensor<4x5x5xi1>, tensor<i1>) -> tensor<4x5xi1>
  %12 = stablehlo.broadcast_in_dim %11, dims = [0, 1] : (tensor<4x5xi1>) -> tensor<4x5x5xi1>
  %13 = stablehlo.select %12, %zeros, %8 : tensor<4x5x5xi1>, tensor<4x5x5xf32>
  %14 = stablehlo.dot_general %13, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x5x5xf32>, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %6, %14 : tensor<4x5x8xf32>, tensor<4x5x8xf32>
}

// -----

// A finite fill beside a mask that is added: one mask of both, the fill in the place of what was added
// ahead of it, and beneath what was added behind it.
// CHECK-LABEL: func.func @fill_beside_added
// CHECK-SAME:    (%[[Q:[a-z0-9]+]]: tensor<2x3x8xf32>, %[[M:[a-z0-9]+]]: tensor<2x3x3xi1>, %[[BIAS:[a-z0-9]+]]: tensor<2x3x3xf32>)
func.func @fill_beside_added(%q: tensor<2x3x8xf32>, %m: tensor<2x3x3xi1>, %bias: tensor<2x3x3xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  // CHECK: %[[FILL:.*]] = stablehlo.select %[[M]], %{{.*}}, %{{.*}}
  // CHECK: %[[MASK:.*]] = stablehlo.add %[[FILL]], %[[BIAS]] : tensor<2x3x3xf32>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[MASK]]) {operandSegmentSizes
  // CHECK: %[[OTHER:.*]] = stablehlo.select %[[M]], %[[BIAS]], %{{.*}}
  // CHECK: "attnorm.sdpa"(%{{.*}}, %[[OTHER]]) {operandSegmentSizes
  %low = stablehlo.constant dense<-1.0e30> : tensor<2x3x3xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.select %m, %0, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %2 = stablehlo.add %1, %bias : tensor<2x3x3xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %5 = stablehlo.dot_general %4, %4, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %6 = stablehlo.add %5, %bias : tensor<2x3x3xf32>
  %7 = stablehlo.select %m, %6, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %8 = "attnorm.softmax"(%7) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %9 = stablehlo.dot_general %8, %4, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %4, %9 : tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// -----

// What is added to a fill of -1e9 shows in a row of nothing else: an added one stays as it is, a
// selected one with something added is left alone.
// CHECK-LABEL: func.func @faint_fill
// CHECK-SAME:    (%[[Q:[a-z0-9]+]]: tensor<2x3x8xf32>, %[[M:[a-z0-9]+]]: tensor<2x3x3xi1>, %[[BIAS:[a-z0-9]+]]: tensor<2x3x3xf32>)
func.func @faint_fill(%q: tensor<2x3x8xf32>, %m: tensor<2x3x3xi1>, %bias: tensor<2x3x3xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  // CHECK: %[[FILL:.*]] = stablehlo.select %[[M]], %{{.*}}, %{{.*}} : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  // CHECK: %[[SUM:.*]] = stablehlo.add %[[FILL]], %[[BIAS]]
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[SUM]]) {operandSegmentSizes
  // CHECK-NOT: attnorm.sdpa
  %zero = stablehlo.constant dense<0.0> : tensor<2x3x3xf32>
  %low = stablehlo.constant dense<-1.0e9> : tensor<2x3x3xf32>
  %fill = stablehlo.select %m, %zero, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.add %0, %fill : tensor<2x3x3xf32>
  %2 = stablehlo.add %1, %bias : tensor<2x3x3xf32>
  %3 = "attnorm.softmax"(%2) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %4 = stablehlo.dot_general %3, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %5 = stablehlo.dot_general %4, %4, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %6 = stablehlo.select %m, %5, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %7 = stablehlo.add %6, %bias : tensor<2x3x3xf32>
  %8 = "attnorm.softmax"(%7) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %9 = stablehlo.dot_general %8, %4, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %4, %9 : tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// -----

// Scores show on a fill of -1e9 that is added: a row of it alone was uniform, instead of the softmax of
// its scores. It is added as it is, but where a band of positions comes of it.
// CHECK-LABEL: func.func @faint_fill_alone
// CHECK-SAME:    (%[[Q:[a-z0-9]+]]: tensor<2x3x8xf32>, %[[M:[a-z0-9]+]]: tensor<2x3x3xi1>)
func.func @faint_fill_alone(%q: tensor<2x3x8xf32>, %m: tensor<2x3x3xi1>) -> tensor<2x3x8xf32> {
  // CHECK: %[[FILL:.*]] = stablehlo.select %[[M]]
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[FILL]]) {operandSegmentSizes
  %zero = stablehlo.constant dense<0.0> : tensor<2x3x3xf32>
  %low = stablehlo.constant dense<-1.0e9> : tensor<2x3x3xf32>
  %fill = stablehlo.select %m, %zero, %low : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.add %0, %fill : tensor<2x3x3xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %3 : tensor<2x3x8xf32>
}

// -----

// A scale of infinity on the queries ended the pass with an exception: it is no scale.
// CHECK-LABEL: func.func @infinite_scale
func.func @infinite_scale(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  // CHECK: %[[SCALED:.*]] = stablehlo.multiply
  // CHECK: "attnorm.sdpa"(%[[SCALED]],
  %inf = stablehlo.constant dense<0x7F800000> : tensor<2x3x8xf32>
  %0 = stablehlo.multiply %q, %inf : tensor<2x3x8xf32>
  %1 = stablehlo.dot_general %0, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %3 : tensor<2x3x8xf32>
}

// -----

// Tails that empty other rows than those that see nothing, or keys: they stay as they are.
// CHECK-LABEL: func.func @turned_tails
// CHECK-NOT: attnorm.sdpa
func.func @turned_tails(%q: tensor<1x3x8xf32>, %m: tensor<1x3x3xf32>) -> (tensor<1x3x8xf32>, tensor<1x3x8xf32>) {
  %lows = stablehlo.constant dense<0xFF800000> : tensor<1x3x3xf32>
  %true = stablehlo.constant dense<true> : tensor<i1>
  %zeros = stablehlo.constant dense<0.0> : tensor<1x3x3xf32>
  %dot = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<1x3x8xf32>, tensor<1x3x8xf32>) -> tensor<1x3x3xf32>
  %s = stablehlo.add %dot, %m : tensor<1x3x3xf32>
  %p = "attnorm.softmax"(%s) {axis = 2 : i64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %eq = stablehlo.compare EQ, %s, %lows : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xi1>
  %all = stablehlo.reduce(%eq init: %true) applies stablehlo.and across dimensions = [2] : (tensor<1x3x3xi1>, tensor<i1>) -> tensor<1x3xi1>
  %rows = stablehlo.broadcast_in_dim %all, dims = [0, 2] : (tensor<1x3xi1>) -> tensor<1x3x3xi1>
  %safe = stablehlo.select %rows, %zeros, %p : tensor<1x3x3xi1>, tensor<1x3x3xf32>
  %o = stablehlo.dot_general %safe, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<1x3x3xf32>, tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  %p2 = "attnorm.softmax"(%s) {axis = 2 : i64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %nan = stablehlo.compare NE, %p2, %p2 : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xi1>
  %turned = stablehlo.transpose %nan, dims = [0, 2, 1] : (tensor<1x3x3xi1>) -> tensor<1x3x3xi1>
  %safe2 = stablehlo.select %turned, %zeros, %p2 : tensor<1x3x3xi1>, tensor<1x3x3xf32>
  %o2 = stablehlo.dot_general %safe2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<1x3x3xf32>, tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  return %o, %o2 : tensor<1x3x8xf32>, tensor<1x3x8xf32>
}

// -----

// A cap whose inverse has few digits: what it is off by, 30 * 0.03332, becomes the scale.
// CHECK-LABEL: func.func @rough_cap
func.func @rough_cap(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  // CHECK: "attnorm.sdpa"{{.*}}scale = 0.99959{{[0-9]*}} : f64, softcap = 3.000000e+01 : f64
  %inverse = stablehlo.constant dense<0.03332> : tensor<2x3x3xf32>
  %cap = stablehlo.constant dense<30.0> : tensor<2x3x3xf32>
  %dot = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %small = stablehlo.multiply %dot, %inverse : tensor<2x3x3xf32>
  %tanh = stablehlo.tanh %small : tensor<2x3x3xf32>
  %s = stablehlo.multiply %tanh, %cap : tensor<2x3x3xf32>
  %p = "attnorm.softmax"(%s) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %o = stablehlo.dot_general %p, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %o : tensor<2x3x8xf32>
}

// -----

// JAX code takes a mask away as often as it adds one: `s - 1e10 * (1 - m)`. What is known to be 0 or
// a fill is a predicate then too. A row's largest score, taken away ahead of a softmax, is no mask.
// CHECK-LABEL: func.func @subtracted
// CHECK-SAME:    (%{{.*}}: tensor<2x3x8xf32>, %[[M:.*]]: tensor<2x3x3xf32>, %[[P:.*]]: tensor<2x3x3xi1>)
func.func @subtracted(%q: tensor<2x3x8xf32>, %m: tensor<2x3x3xf32>, %p: tensor<2x3x3xi1>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  // CHECK: %[[ADDED:.*]] = stablehlo.negate %[[M]]
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %[[ADDED]])
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %[[P]]) {fully_masked = "uniform"
  // CHECK: attnorm.softmax
  %zero = stablehlo.constant dense<0.0> : tensor<2x3x3xf32>
  %high = stablehlo.constant dense<1.0e30> : tensor<2x3x3xf32>
  %lowest = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x3xf32>
  %1 = stablehlo.subtract %0, %m : tensor<2x3x3xf32>
  %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %4 = stablehlo.select %p, %zero, %high : tensor<2x3x3xi1>, tensor<2x3x3xf32>
  %5 = stablehlo.subtract %0, %4 : tensor<2x3x3xf32>
  %6 = "attnorm.softmax"(%5) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %7 = stablehlo.dot_general %6, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %8 = stablehlo.reduce(%0 init: %lowest) applies stablehlo.maximum across dimensions = [2] : (tensor<2x3x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [0, 1] : (tensor<2x3xf32>) -> tensor<2x3x3xf32>
  %10 = stablehlo.subtract %0, %9 : tensor<2x3x3xf32>
  %11 = "attnorm.softmax"(%10) {axis = 2 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %12 = stablehlo.dot_general %11, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %3, %7, %12 : tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

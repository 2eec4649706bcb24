// RUN: attnorm-opt %s --raise-mask-bands --split-input-file | FileCheck %s

// Causal, two keys ahead, from iotas: the mask and what computed it go.
// CHECK-LABEL: func.func @causal
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x4x8xf32>, %[[K:.*]]: tensor<2x6x8xf32>)
func.func @causal(%q: tensor<2x4x8xf32>, %k: tensor<2x6x8xf32>) -> tensor<2x4x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = "attnorm.sdpa"(%[[Q]], %[[K]], %[[K]]) {causal = true, offset = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, scale = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[Y]]
  %two = stablehlo.constant dense<2> : tensor<4x6xi32>
  %i = stablehlo.iota dim = 0 : tensor<4x6xi32>
  %j = stablehlo.iota dim = 1 : tensor<4x6xi32>
  %p = stablehlo.add %i, %two : tensor<4x6xi32>
  %mask = stablehlo.compare LE, %j, %p : (tensor<4x6xi32>, tensor<4x6xi32>) -> tensor<4x6xi1>
  %0 = "attnorm.sdpa"(%q, %k, %k, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x6x8xf32>, tensor<4x6xi1>) -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// -----

// A sliding window that is added, of -inf, broadcast along batch and heads; other operands, other
// attributes and the second result stay.
// CHECK-LABEL: func.func @window
// CHECK-SAME:    (%[[Q:.*]]: tensor<3x2x5x8xf32>, %[[S:.*]]: tensor<2xf32>)
func.func @window(%q: tensor<3x2x5x8xf32>, %s: tensor<2xf32>) -> tensor<3x2x5xf32> {
  // CHECK-NEXT: %[[Y:.*]]:2 = "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %[[S]]) {causal = true, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>, scale = 1.000000e+00 : f64, softcap = 2.000000e+00 : f64, window = array<i64: 2, -1>}
  // CHECK-NEXT: return %[[Y]]#1
  %three = stablehlo.constant dense<3> : tensor<5x5xi32>
  %zero = stablehlo.constant dense<0.0> : tensor<5x5xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<5x5xf32>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %causal = stablehlo.compare LE, %j, %i : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %distance = stablehlo.subtract %i, %j : tensor<5x5xi32>
  %near = stablehlo.compare LT, %distance, %three : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  %both = stablehlo.and %causal, %near : tensor<5x5xi1>
  %added = stablehlo.select %both, %zero, %low : tensor<5x5xi1>, tensor<5x5xf32>
  %mask = stablehlo.broadcast_in_dim %added, dims = [2, 3] : (tensor<5x5xf32>) -> tensor<3x2x5x5xf32>
  %0:2 = "attnorm.sdpa"(%q, %q, %q, %mask, %s) {scale = 1.0 : f64, softcap = 2.0 : f64, fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0>} : (tensor<3x2x5x8xf32>, tensor<3x2x5x8xf32>, tensor<3x2x5x8xf32>, tensor<3x2x5x5xf32>, tensor<2xf32>) -> (tensor<3x2x5x8xf32>, tensor<3x2x5xf32>)
  return %0#1 : tensor<3x2x5xf32>
}

// -----

// Constants: a triangle; one for every head; numbers to add; a window that the first keys of the
// last query are out of; keys that lie ahead of every query, up to the last one.
// CHECK-LABEL: func.func @constants
func.func @constants(%q: tensor<2x3x8xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  %triangle = stablehlo.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %heads = stablehlo.constant dense<[[[true, false, false], [true, true, false], [true, true, true]], [[true, false, false], [true, true, false], [true, true, true]]]> : tensor<2x3x3xi1>
  %added = stablehlo.constant dense<[[0.0, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %near = stablehlo.constant dense<[[true, true, false], [true, true, true], [false, true, true]]> : tensor<3x3xi1>
  %ahead = stablehlo.constant dense<[[false, true, true], [false, false, true], [false, false, false]]> : tensor<3x3xi1>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, operandSegmentSizes
  %0 = "attnorm.sdpa"(%q, %q, %q, %triangle) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, operandSegmentSizes
  %1 = "attnorm.sdpa"(%q, %q, %q, %heads) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x3xi1>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, operandSegmentSizes
  %2 = "attnorm.sdpa"(%q, %q, %q, %added) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, offset = 1 : i64, {{.*}}window = array<i64: 2, -1>}
  %3 = "attnorm.sdpa"(%q, %q, %q, %near) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, offset = 2 : i64, {{.*}}window = array<i64: 1, -1>}
  %4 = "attnorm.sdpa"(%q, %q, %q, %ahead) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0, %1, %2, %3, %4 : tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// -----

// What takes the fill where a predicate is true, as torch's `masked_fill` has it: the mask of a
// decoder that is `zeros.masked_fill(triu(ones, 1), -inf)`, computed and as a constant; an `and` of
// what goes leaves more than a band.
// CHECK-LABEL: func.func @contrary
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x3x8xf32>)
func.func @contrary(%q: tensor<2x3x8xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<3x3xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<3x3xf32>
  %two = stablehlo.constant dense<2> : tensor<3x3xi32>
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %ahead = stablehlo.compare GT, %j, %i : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  %triangle = stablehlo.constant dense<[[false, true, true], [false, false, true], [false, false, false]]> : tensor<3x3xi1>
  %distance = stablehlo.subtract %i, %j : tensor<3x3xi32>
  %far = stablehlo.compare GE, %distance, %two : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  %both = stablehlo.and %ahead, %far : tensor<3x3xi1>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]]) {causal = true, operandSegmentSizes
  %0 = stablehlo.select %ahead, %low, %zero : tensor<3x3xi1>, tensor<3x3xf32>
  %1 = "attnorm.sdpa"(%q, %q, %q, %0) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]]) {causal = true, operandSegmentSizes
  %2 = stablehlo.select %triangle, %low, %zero : tensor<3x3xi1>, tensor<3x3xf32>
  %3 = "attnorm.sdpa"(%q, %q, %q, %2) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  // CHECK: "attnorm.sdpa"(%[[Q]], %[[Q]], %[[Q]], %{{.*}}) {operandSegmentSizes
  %4 = stablehlo.select %both, %low, %zero : tensor<3x3xi1>, tensor<3x3xf32>
  %5 = "attnorm.sdpa"(%q, %q, %q, %4) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %1, %3, %5 : tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// -----

// A window joins causality that was said before; a mask that is true goes and changes nothing.
// CHECK-LABEL: func.func @joins
func.func @joins(%q: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>) {
  %true = stablehlo.constant dense<true> : tensor<1x1xi1>
  %minus = stablehlo.constant dense<-2> : tensor<5x5xi32>
  %i = stablehlo.iota dim = 0 : tensor<5x5xi32>
  %j = stablehlo.iota dim = 1 : tensor<5x5xi32>
  %distance = stablehlo.subtract %j, %i : tensor<5x5xi32>
  %near = stablehlo.compare GE, %distance, %minus : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, operandSegmentSizes = {{.*}}window = array<i64: 2, -1>}
  %0 = "attnorm.sdpa"(%q, %q, %q, %near) {scale = 0.5 : f64, causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<5x5xi1>) -> tensor<2x5x8xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {{{.*}}window = array<i64: 1, 1>}
  %1 = "attnorm.sdpa"(%q, %q, %q, %true) {scale = 0.5 : f64, window = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<1x1xi1>) -> tensor<2x5x8xf32>
  return %0, %1 : tensor<2x5x8xf32>, tensor<2x5x8xf32>
}

// -----

// Where a row sees no key, a fill beside which no score is left makes every key the same.
// CHECK-LABEL: func.func @uniform
func.func @uniform(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[-3.0e38, -3.0e38, -3.0e38], [0.0, -3.0e38, -3.0e38], [0.0, 0.0, -3.0e38]]> : tensor<3x3xf32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, fully_masked = "uniform", offset = -1 : i64
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Lengths known at run time; causal rows see a key whatever the lengths.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%q: tensor<2x?x8xf32>, %n: tensor<2xi32>) -> tensor<2x?x8xf32> {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, operandSegmentSizes
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %fill = stablehlo.constant dense<-1.0e9> : tensor<f32>
  %zeros = stablehlo.dynamic_broadcast_in_dim %zero, %n, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x?xf32>
  %low = stablehlo.dynamic_broadcast_in_dim %fill, %n, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x?xf32>
  %i = stablehlo.dynamic_iota %n, dim = 0 : (tensor<2xi32>) -> tensor<?x?xi32>
  %j = stablehlo.dynamic_iota %n, dim = 1 : (tensor<2xi32>) -> tensor<?x?xi32>
  %causal = stablehlo.compare GE, %i, %j : (tensor<?x?xi32>, tensor<?x?xi32>) -> tensor<?x?xi1>
  %mask = stablehlo.select %causal, %zeros, %low : tensor<?x?xi1>, tensor<?x?xf32>
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<?x?xf32>) -> tensor<2x?x8xf32>
  return %0 : tensor<2x?x8xf32>
}

// -----

// A number known at run time that is added to the queries' positions: causal, with a window, the
// number wider, and in a tensor of one element.
// CHECK-LABEL: func.func @start
// CHECK-SAME:    %[[N:[^ ]*]]: tensor<1xi32>
func.func @start(%q: tensor<2x4x8xf32>, %k: tensor<2x9x8xf32>, %n: tensor<1xi32>) -> tensor<2x4x8xf32> {
  // CHECK: %[[START:.*]] = stablehlo.reshape %[[N]] : (tensor<1xi32>) -> tensor<i32>
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %[[START]]) {causal = true, offset = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>, scale = 5.000000e-01 : f64, window = array<i64: 3, -1>}
  %two = stablehlo.constant dense<2> : tensor<4x9xi64>
  %one = stablehlo.constant dense<1> : tensor<4xi64>
  %i = stablehlo.iota dim = 0 : tensor<4xi64>
  %j = stablehlo.iota dim = 1 : tensor<4x9xi64>
  %wide = stablehlo.convert %n : (tensor<1xi32>) -> tensor<1xi64>
  %spread = stablehlo.broadcast_in_dim %wide, dims = [0] : (tensor<1xi64>) -> tensor<4xi64>
  %moved = stablehlo.add %spread, %i : tensor<4xi64>
  %next = stablehlo.add %moved, %one : tensor<4xi64>
  %p = stablehlo.broadcast_in_dim %moved, dims = [0] : (tensor<4xi64>) -> tensor<4x9xi64>
  %r = stablehlo.broadcast_in_dim %next, dims = [0] : (tensor<4xi64>) -> tensor<4x9xi64>
  %causal = stablehlo.compare GE, %r, %j : (tensor<4x9xi64>, tensor<4x9xi64>) -> tensor<4x9xi1>
  %distance = stablehlo.subtract %p, %j : tensor<4x9xi64>
  %near = stablehlo.compare LE, %distance, %two : (tensor<4x9xi64>, tensor<4x9xi64>) -> tensor<4x9xi1>
  %mask = stablehlo.and %causal, %near : tensor<4x9xi1>
  %0 = "attnorm.sdpa"(%q, %k, %k, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x4x8xf32>, tensor<2x9x8xf32>, tensor<2x9x8xf32>, tensor<4x9xi1>) -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// -----

// One query needs no position of its own. With a start no row provably sees a key, so that a finite
// fill is "uniform"; a band that was there, of the same start, becomes one with that of the mask.
// CHECK-LABEL: func.func @start_of_one
// CHECK-SAME:    %[[N:[^ ]*]]: tensor<i32>
func.func @start_of_one(%q: tensor<2x1x8xf32>, %k: tensor<2x9x8xf32>, %n: tensor<i32>) -> (tensor<2x1x8xf32>, tensor<2x1x8xf32>) {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %[[N]]) {causal = true, fully_masked = "uniform", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>, scale = 5.000000e-01 : f64}
  // CHECK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}, %[[N]]) {causal = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>, scale = 5.000000e-01 : f64, window = array<i64: 3, -1>}
  %zero = stablehlo.constant dense<0.0> : tensor<1x9xf32>
  %low = stablehlo.constant dense<-3.0e38> : tensor<1x9xf32>
  %j = stablehlo.iota dim = 1 : tensor<1x9xi32>
  %p = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<1x9xi32>
  %causal = stablehlo.compare LE, %j, %p : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
  %added = stablehlo.select %causal, %zero, %low : tensor<1x9xi1>, tensor<1x9xf32>
  %0 = "attnorm.sdpa"(%q, %k, %k, %added) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x1x8xf32>, tensor<2x9x8xf32>, tensor<2x9x8xf32>, tensor<1x9xf32>) -> tensor<2x1x8xf32>
  %1 = "attnorm.sdpa"(%q, %k, %k, %causal, %n) {scale = 0.5 : f64, window = array<i64: 3, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>} : (tensor<2x1x8xf32>, tensor<2x9x8xf32>, tensor<2x9x8xf32>, tensor<1x9xi1>, tensor<i32>) -> tensor<2x1x8xf32>
  return %0, %1 : tensor<2x1x8xf32>, tensor<2x1x8xf32>
}

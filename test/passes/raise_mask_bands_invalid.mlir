// What is refused keeps its mask.
// RUN: attnorm-opt %s --raise-mask-bands --debug-matches --split-input-file --verify-diagnostics -o %t
// RUN: not grep causal %t

// Positions that grow by two: no offset.
func.func @slope(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %p = stablehlo.add %i, %i : tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %p : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// A product of positions.
func.func @product(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %p = stablehlo.multiply %i, %i : tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %p : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// A run-time number that moves the keys, or the queries twice, is no start ...
func.func @keys_moved(%q: tensor<2x3x8xf32>, %n: tensor<i32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %c = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<3x3xi32>
  %p = stablehlo.add %j, %c : tensor<3x3xi32>
  %mask = stablehlo.compare LE, %p, %i : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

func.func @twice(%q: tensor<2x3x8xf32>, %n: tensor<i32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %c = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<3x3xi32>
  %p = stablehlo.add %i, %c : tensor<3x3xi32>
  %r = stablehlo.add %p, %c : tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %r : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... nor are two of them, ...
func.func @two(%q: tensor<2x3x8xf32>, %m: tensor<i32>, %n: tensor<i32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %a = stablehlo.broadcast_in_dim %m, dims = [] : (tensor<i32>) -> tensor<3x3xi32>
  %b = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<3x3xi32>
  %p = stablehlo.add %i, %a : tensor<3x3xi32>
  %r = stablehlo.add %i, %b : tensor<3x3xi32>
  %below = stablehlo.compare LE, %j, %p : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  %above = stablehlo.compare GE, %j, %r : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  %mask = stablehlo.and %below, %above : tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got one and another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... one for each query, ...
func.func @many(%q: tensor<2x3x8xf32>, %n: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %c = stablehlo.broadcast_in_dim %n, dims = [0] : (tensor<3xi32>) -> tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %c : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... one that all of several queries share, ...
func.func @shared(%q: tensor<2x3x8xf32>, %n: tensor<i32>) -> tensor<2x3x8xf32> {
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %c = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %c : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... and one whose sums wrap, ...
func.func @narrow(%q: tensor<2x3x8xf32>, %n: tensor<i8>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi8>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi8>
  %c = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i8>) -> tensor<3x3xi8>
  %p = stablehlo.add %i, %c : tensor<3x3xi8>
  %mask = stablehlo.compare LE, %j, %p : (tensor<3x3xi8>, tensor<3x3xi8>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... or are rounded.
func.func @rounded(%q: tensor<2x3x8xf32>, %n: tensor<i32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xf32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xf32>
  %f = stablehlo.convert %n : (tensor<i32>) -> tensor<f32>
  %c = stablehlo.broadcast_in_dim %f, dims = [] : (tensor<f32>) -> tensor<3x3xf32>
  %p = stablehlo.add %i, %c : tensor<3x3xf32>
  %mask = stablehlo.compare LE, %j, %p : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Both counters count keys.
func.func @keys_only(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %mask = stablehlo.compare LE, %j, %j : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// The diagonal by equality is not looked for.
func.func @equal(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %mask = stablehlo.compare EQ, %j, %i : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Positions of i2 wrap: 2 is -2.
func.func @wraps(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi2>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi2>
  %mask = stablehlo.compare LE, %j, %i : (tensor<3x3xi2>, tensor<3x3xi2>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Data.
func.func @data(%q: tensor<2x3x8xf32>, %mask: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// A padding mask beside the band.
func.func @beside(%q: tensor<2x3x8xf32>, %pad: tensor<3x3xi1>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %band = stablehlo.compare LE, %j, %i : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  %mask = stablehlo.and %band, %pad : tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got one and another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Constants: a hole in the triangle.
func.func @hole(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[true, false, false], [true, true, false], [true, false, true]]> : tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions, got another constant}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Heads that differ.
func.func @heads(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[[true, false, false], [true, true, false], [true, true, true]], [[true, true, false], [true, true, true], [true, true, true]]]> : tensor<2x3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions, got another constant}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Keys alone.
func.func @keys(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[true, true, false]> : tensor<3xi1>
  // expected-remark @+1 {{mask: expected a band of positions, got another constant}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Queries of one row of the mask, which is broadcast: its position is no position.
func.func @one_row(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.iota dim = 0 : tensor<1x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<1x3xi32>
  %mask = stablehlo.compare LE, %j, %i : (tensor<1x3xi32>, tensor<1x3xi32>) -> tensor<1x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<1x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... also where the number of rows that are made is not known.
func.func @one_row_of_unknown(%q: tensor<2x3x8xf32>, %n: tensor<2xi32>) -> tensor<2x3x8xf32> {
  %i = stablehlo.dynamic_iota %n, dim = 0 : (tensor<2xi32>) -> tensor<?x3xi32>
  %j = stablehlo.dynamic_iota %n, dim = 1 : (tensor<2xi32>) -> tensor<?x3xi32>
  %p = stablehlo.compare LE, %j, %i : (tensor<?x3xi32>, tensor<?x3xi32>) -> tensor<?x3xi1>
  %mask = stablehlo.dynamic_broadcast_in_dim %p, %n, dims = [0, 1] : (tensor<?x3xi1>, tensor<2xi32>) -> tensor<1x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions alone, got another predicate}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<1x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Nothing at all.
func.func @nothing(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<false> : tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band of positions, got another constant}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Two fills.
func.func @two_fills(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[0.0, -1.0e9, -2.0e9], [0.0, 0.0, -1.0e9], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected a predicate, or 0 and one fill, got other numbers}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// A fill that a score may reach.
func.func @high_fill(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[0.0, -9.0, -9.0], [0.0, 0.0, -9.0], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected a predicate, or 0 and one fill, got other numbers}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// One predicate for all scores.
func.func @scalar_predicate(%q: tensor<2x3x8xf32>, %p: tensor<i1>) -> tensor<2x3x8xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<3x3xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<3x3xf32>
  %mask = stablehlo.select %p, %zero, %low : tensor<i1>, tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected a predicate, or 0 and one fill, got other numbers}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// The first row sees no key: the scores count there, beside so small a fill.
func.func @small_fill(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[-1.0e9, -1.0e9, -1.0e9], [0.0, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9]]> : tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected -inf where a row may see no key, got -1e+09}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... as in the last row, for keys that lie ahead.
func.func @small_fill_ahead(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[-1.0e9, 0.0, 0.0], [-1.0e9, -1.0e9, 0.0], [-1.0e9, -1.0e9, -1.0e9]]> : tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected -inf where a row may see no key, got -1e+09}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// ... and the second result tells the fill.
func.func @log_sum_exp(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[-3.0e38, -3.0e38, -3.0e38], [0.0, -3.0e38, -3.0e38], [0.0, 0.0, -3.0e38]]> : tensor<3x3xf32>
  // expected-remark @+1 {{mask: expected -inf where a row may see no key, got -3e+38}}
  %0:2 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xf32>) -> (tensor<2x3x8xf32>, tensor<2x3xf32>)
  return %0#0 : tensor<2x3x8xf32>
}

// -----

// A start moves the band of the attributes, and not that of this mask.
func.func @start(%q: tensor<2x3x8xf32>, %start: tensor<i32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  // expected-remark @+1 {{start: expected one for both bands, that of the op and that of the mask}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask, %start) {scale = 0.5 : f64, window = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>, tensor<i32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Bands that do not meet.
func.func @apart(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %mask = stablehlo.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected a band that a window can be, got one ahead of the query}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, offset = 2 : i64, window = array<i64: 0, 0>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Dimensions that are joined and cut elsewhere.
func.func @cut(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %k = stablehlo.iota dim = 0 : tensor<9xi32>
  %five = stablehlo.constant dense<5> : tensor<9xi32>
  %c = stablehlo.compare LE, %k, %five : (tensor<9xi32>, tensor<9xi32>) -> tensor<9xi1>
  %mask = stablehlo.reshape %c : (tensor<9xi1>) -> tensor<3x3xi1>
  // expected-remark @+1 {{mask: expected queries and keys as whole dimensions, got them cut or joined}}
  %0 = "attnorm.sdpa"(%q, %q, %q, %mask) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3x3xi1>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// -----

// Without a mask there is nothing to say.
func.func @no_mask(%q: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// RUN: attnorm-opt %s --legalize-reduce-custom-calls --canonicalize | FileCheck %s

// A sum is a reduction by add from 0.
// CHECK-LABEL: func.func @sum
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @sum(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[ZERO:.*]] = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  // CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[X]] init: %[[ZERO]]) applies stablehlo.add across dimensions = [1]
  // CHECK: return %[[SUM]]
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = false} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A mean is the sum over the number of elements.
// CHECK-LABEL: func.func @mean
func.func @mean(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[COUNT:.*]] = stablehlo.constant dense<4.000000e+00>
  // CHECK: %[[SUM:.*]] = stablehlo.reduce
  // CHECK: stablehlo.divide %[[SUM]], %[[COUNT]]
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A maximum begins at -inf.
// CHECK-LABEL: func.func @max
func.func @max(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: dense<0xFF800000>
  // CHECK: applies stablehlo.maximum
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A minimum begins at +inf.
// CHECK-LABEL: func.func @min
func.func @min(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: dense<0x7F800000>
  // CHECK: applies stablehlo.minimum
  %0 = stablehlo.custom_call @reduce_min(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A product begins at 1.
// CHECK-LABEL: func.func @prod
func.func @prod(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: dense<1.000000e+00>
  // CHECK: applies stablehlo.multiply
  %0 = stablehlo.custom_call @reduce_prod(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A variance is the mean of squared deviations: of the population, unless told otherwise.
// CHECK-LABEL: func.func @variance
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @variance(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[COUNT:.*]] = stablehlo.constant dense<4.000000e+00>
  // CHECK: stablehlo.divide %{{.*}}, %[[COUNT]]
  // CHECK: %[[OFF:.*]] = stablehlo.subtract %[[X]]
  // CHECK: %[[SQUARE:.*]] = stablehlo.multiply %[[OFF]], %[[OFF]]
  // CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[SQUARE]]
  // CHECK: stablehlo.divide %[[SUM]], %[[COUNT]]
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A correction is taken from the number of elements.
// CHECK-LABEL: func.func @variance_correction
func.func @variance_correction(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[LESS:.*]] = stablehlo.constant dense<3.000000e+00>
  // CHECK: stablehlo.divide %{{.*}}, %[[LESS]]
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [1], correction = 1 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// `unbiased` is a correction of 1.
// CHECK-LABEL: func.func @variance_unbiased
func.func @variance_unbiased(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[LESS:.*]] = stablehlo.constant dense<3.000000e+00>
  // CHECK: stablehlo.divide %{{.*}}, %[[LESS]]
  %0 = stablehlo.custom_call @reduce_variance(%x) {dimensions = [1], unbiased = true} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// `any` is a disjunction.
// CHECK-LABEL: func.func @any
func.func @any(%x: tensor<2x4xi1>) -> tensor<2xi1> {
  // CHECK: dense<false>
  // CHECK: applies stablehlo.or
  %0 = stablehlo.custom_call @reduce_any(%x) {dimensions = [1]} : (tensor<2x4xi1>) -> tensor<2xi1>
  return %0 : tensor<2xi1>
}

// `all` is a conjunction; a number is true where it is not 0.
// CHECK-LABEL: func.func @all_of_numbers
func.func @all_of_numbers(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[TRUTH:.*]] = stablehlo.compare NE
  // CHECK: %[[ALL:.*]] = stablehlo.reduce(%[[TRUTH]] {{.*}} applies stablehlo.and
  // CHECK: stablehlo.convert %[[ALL]] : (tensor<2xi1>) -> tensor<2xf32>
  %0 = stablehlo.custom_call @reduce_all(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// log-sum-exp is shifted by the maximum, but not by one that is infinite.
// CHECK-LABEL: func.func @logsumexp
func.func @logsumexp(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[PEAK:.*]] = stablehlo.reduce{{.*}} applies stablehlo.maximum
  // CHECK: %[[FINITE:.*]] = stablehlo.compare LT
  // CHECK: %[[SHIFT:.*]] = stablehlo.select %[[FINITE]], %[[PEAK]]
  // CHECK: stablehlo.exponential
  // CHECK: %[[LOG:.*]] = stablehlo.log
  // CHECK: stablehlo.add %[[LOG]], %[[SHIFT]]
  %0 = stablehlo.custom_call @reduce_logsumexp(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// An L2 norm is the root of the sum of squares.
// CHECK-LABEL: func.func @l2
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @l2(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: %[[SQUARE:.*]] = stablehlo.multiply %[[X]], %[[X]]
  // CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[SQUARE]]
  // CHECK: stablehlo.sqrt %[[SUM]]
  %0 = stablehlo.custom_call @reduce_l2(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// `reduce_norm` is the same function.
// CHECK-LABEL: func.func @norm
func.func @norm(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  // CHECK: stablehlo.sqrt
  %0 = stablehlo.custom_call @reduce_norm(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// argmax reduces pairs of value and position; the larger value wins, of equal ones the first.
// CHECK-LABEL: func.func @argmax
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
func.func @argmax(%x: tensor<2x4xf32>) -> tensor<2xi64> {
  // CHECK: %[[COUNTS:.*]] = stablehlo.iota dim = 0 : tensor<4xi64>
  // CHECK: %[[AT:.*]] = stablehlo.broadcast_in_dim %[[COUNTS]], dims = [1]
  // CHECK: %[[PAIR:.*]]:2 = stablehlo.reduce(%[[X]] init: %{{.*}}), (%[[AT]] init: %{{.*}}) across dimensions = [1]
  // CHECK: reducer({{.*}}) (%[[MINE:.*]]: tensor<i64>, %[[OTHER:.*]]: tensor<i64>)
  // CHECK: stablehlo.compare GT
  // CHECK: stablehlo.compare LT, %[[MINE]], %[[OTHER]], SIGNED
  // CHECK: stablehlo.select %{{.*}}, %{{.*}}, %[[PAIR]]#1
  %0 = stablehlo.custom_call @reduce_argmax(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// argmin lets the smaller value win, unsigned where the type is; the position takes the result's type.
// CHECK-LABEL: func.func @argmin_unsigned
func.func @argmin_unsigned(%x: tensor<2x4xui8>) -> tensor<2xui32> {
  // CHECK: stablehlo.constant dense<255> : tensor<ui8>
  // CHECK: stablehlo.compare LT, {{.*}}, UNSIGNED
  // CHECK: stablehlo.convert {{.*}} -> tensor<2xui32>
  %0 = stablehlo.custom_call @reduce_argmin(%x) {dimensions = [1]} : (tensor<2x4xui8>) -> tensor<2xui32>
  return %0 : tensor<2xui32>
}

// Over all axes, argmax counts positions row by row.
// CHECK-LABEL: func.func @argmax_everything
func.func @argmax_everything(%x: tensor<2x4xf32>) -> tensor<i64> {
  // CHECK: %[[ROW:.*]] = stablehlo.broadcast_in_dim %{{.*}}, dims = [0]
  // CHECK: %[[COLUMN:.*]] = stablehlo.broadcast_in_dim %{{.*}}, dims = [1]
  // CHECK: %[[BASE:.*]] = stablehlo.multiply %[[ROW]]
  // CHECK: stablehlo.add %[[BASE]], %[[COLUMN]]
  %0 = stablehlo.custom_call @reduce_argmax(%x) {dimensions = []} : (tensor<2x4xf32>) -> tensor<i64>
  return %0 : tensor<i64>
}

// An axis is met as an array, a dense array, a dense tensor and a lone integer; every one is read.
// CHECK-LABEL: func.func @spellings_of_axes
// CHECK-COUNT-7: across dimensions = [1]
// CHECK-NOT:     custom_call
func.func @spellings_of_axes(%x: tensor<2x4xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [1]} : (tensor<2x4xf32>) -> tensor<2xf32>
  %1 = stablehlo.custom_call @reduce_max(%x) {dimensions = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2xf32>
  %2 = stablehlo.custom_call @reduce_max(%x) {dimensions = dense<1> : tensor<1xi64>} : (tensor<2x4xf32>) -> tensor<2xf32>
  %3 = stablehlo.custom_call @reduce_max(%x) {dims = 1 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  %4 = stablehlo.custom_call @reduce_max(%x) {axis = -1 : i64} : (tensor<2x4xf32>) -> tensor<2xf32>
  %5 = stablehlo.custom_call @reduce_max(%x) {axes = array<i32: -1>} : (tensor<2x4xf32>) -> tensor<2xf32>
  %6 = stablehlo.custom_call @reduce_max(%x) {dim = [1 : i32]} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// Parameters are met in `backend_config`, as a dictionary or as JSON, and in mhlo's dictionaries.
// CHECK-LABEL: func.func @spellings_of_configs
// CHECK-COUNT-4: across dimensions = [1]
// CHECK-NOT:     custom_call
func.func @spellings_of_configs(%x: tensor<2x4xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = stablehlo.custom_call @reduce_max(%x) {api_version = 4 : i32, backend_config = {dim = 1 : i64, keepdim = false}} : (tensor<2x4xf32>) -> tensor<2xf32>
  %1 = stablehlo.custom_call @reduce_max(%x) {backend_config = "{\22axis\22: [1], \22keepdims\22: false}"} : (tensor<2x4xf32>) -> tensor<2xf32>
  %2 = stablehlo.custom_call @reduce_max(%x) {mhlo.backend_config = {axes = array<i64: 1>}} : (tensor<2x4xf32>) -> tensor<2xf32>
  %3 = stablehlo.custom_call @reduce_max(%x) {mhlo.frontend_attributes = {dim = "[1]", keep_dims = "False"}} : (tensor<2x4xf32>) -> tensor<2xf32>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// Negative dimensions count from the end, in any order.
// CHECK-LABEL: func.func @negative
func.func @negative(%x: tensor<2x3x4xf32>) -> tensor<3xf32> {
  // CHECK: across dimensions = [0, 2]
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [-1, 0]} : (tensor<2x3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// No dimensions are all dimensions.
// CHECK-LABEL: func.func @everything
func.func @everything(%x: tensor<2x4xf32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK-COUNT-2: across dimensions = [0, 1] {{.*}} -> tensor<f32>
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = []} : (tensor<2x4xf32>) -> tensor<f32>
  %1 = stablehlo.custom_call @reduce_min(%x) : (tensor<2x4xf32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}

// A reduction of everything that is declared tensor<1xf32> is a scalar, reshaped.
// CHECK-LABEL: func.func @everything_as_one
func.func @everything_as_one(%x: tensor<2x4xf32>) -> tensor<1xf32> {
  // CHECK: %[[SUM:.*]] = stablehlo.reduce{{.*}} -> tensor<f32>
  // CHECK: stablehlo.reshape %[[SUM]] : (tensor<f32>) -> tensor<1xf32>
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [], keepdim = false} : (tensor<2x4xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// keepdim leaves a 1 where the axis was.
// CHECK-LABEL: func.func @keepdim
func.func @keepdim(%x: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  // CHECK: stablehlo.reshape {{.*}} (tensor<2x4xf32>) -> tensor<2x1x4xf32>
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return %0 : tensor<2x1x4xf32>
}

// With dynamic sizes the 1 is put in by a broadcast that says which dimensions it keeps.
// CHECK-LABEL: func.func @keepdim_dynamic
func.func @keepdim_dynamic(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  // CHECK: stablehlo.dynamic_broadcast_in_dim {{.*}}known_nonexpanding_dimensions = array<i64: 0>{{.*}} -> tensor<?x1xf32>
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1], keepdim = true} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// A mean over a dynamic size counts at run time.
// CHECK-LABEL: func.func @mean_dynamic
// CHECK-SAME:    (%[[X:.*]]: tensor<2x?xf32>)
func.func @mean_dynamic(%x: tensor<2x?xf32>) -> tensor<2xf32> {
  // CHECK: %[[SIZE:.*]] = stablehlo.get_dimension_size %[[X]], dim = 1
  // CHECK: %[[COUNT:.*]] = stablehlo.convert %[[SIZE]] : (tensor<i32>) -> tensor<f32>
  // CHECK: %[[COUNTS:.*]] = stablehlo.broadcast_in_dim %[[COUNT]]
  // CHECK: stablehlo.divide %{{.*}}, %[[COUNTS]]
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x?xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A mean over nothing divides 0 by 0.
// CHECK-LABEL: func.func @mean_of_nothing
func.func @mean_of_nothing(%x: tensor<2x0xf32>) -> tensor<2xf32> {
  // CHECK: %[[COUNT:.*]] = stablehlo.constant dense<0.000000e+00> : tensor<2xf32>
  // CHECK: stablehlo.divide %{{.*}}, %[[COUNT]]
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x0xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Half types accumulate in f32 and are rounded once, at the end.
// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x4xbf16>) -> tensor<2xbf16> {
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xf32>
  // CHECK: stablehlo.divide {{.*}} : tensor<2xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2xbf16>
  // CHECK-NOT: stablehlo.convert
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x4xbf16>) -> tensor<2xbf16>
  return %0 : tensor<2xbf16>
}

// So does a plain sum.
// CHECK-LABEL: func.func @half_sum
func.func @half_sum(%x: tensor<2x4xf16>) -> tensor<2xf16> {
  // CHECK: stablehlo.convert {{.*}} -> tensor<2x4xf32>
  // CHECK: applies stablehlo.add {{.*}} -> tensor<2xf32>
  // CHECK: stablehlo.convert {{.*}} -> tensor<2xf16>
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<2x4xf16>) -> tensor<2xf16>
  return %0 : tensor<2xf16>
}

// The maximum of half types is exact as it is.
// CHECK-LABEL: func.func @half_max
func.func @half_max(%x: tensor<2x4xf16>) -> tensor<2xf16> {
  // CHECK-NOT: stablehlo.convert
  // CHECK: applies stablehlo.maximum {{.*}} -> tensor<2xf16>
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [1]} : (tensor<2x4xf16>) -> tensor<2xf16>
  return %0 : tensor<2xf16>
}

// f64 stays f64.
// CHECK-LABEL: func.func @double
func.func @double(%x: tensor<2x4xf64>) -> tensor<2xf64> {
  // CHECK-NOT: f32
  // CHECK: stablehlo.divide {{.*}} : tensor<2xf64>
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x4xf64>) -> tensor<2xf64>
  return %0 : tensor<2xf64>
}

// The mean of integers is a float.
// CHECK-LABEL: func.func @integer_mean
func.func @integer_mean(%x: tensor<2x4xi32>) -> tensor<2xf32> {
  // CHECK: stablehlo.convert {{.*}} : (tensor<2x4xi32>) -> tensor<2x4xf32>
  // CHECK: applies stablehlo.add
  %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1]} : (tensor<2x4xi32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A sum that is declared wider is widened first.
// CHECK-LABEL: func.func @integer_sum_widened
func.func @integer_sum_widened(%x: tensor<2x4xi1>) -> tensor<2xi32> {
  // CHECK: stablehlo.convert {{.*}} : (tensor<2x4xi1>) -> tensor<2x4xi32>
  // CHECK: applies stablehlo.add
  %0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [1]} : (tensor<2x4xi1>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// The maximum of integers begins at the smallest: signed, unsigned, and of truth values.
// CHECK-LABEL: func.func @integer_max
func.func @integer_max(%x: tensor<2x4xi8>, %y: tensor<2x4xui8>, %z: tensor<2x4xi1>) -> (tensor<2xi8>, tensor<2xui8>, tensor<2xi1>) {
  // CHECK-DAG: stablehlo.constant dense<-128> : tensor<i8>
  // CHECK-DAG: stablehlo.constant dense<0> : tensor<ui8>
  // CHECK-DAG: stablehlo.constant dense<false> : tensor<i1>
  // CHECK-COUNT-3: applies stablehlo.maximum
  %0 = stablehlo.custom_call @reduce_max(%x) {dimensions = [1]} : (tensor<2x4xi8>) -> tensor<2xi8>
  %1 = stablehlo.custom_call @reduce_max(%y) {dimensions = [1]} : (tensor<2x4xui8>) -> tensor<2xui8>
  %2 = stablehlo.custom_call @reduce_max(%z) {dimensions = [1]} : (tensor<2x4xi1>) -> tensor<2xi1>
  return %0, %1, %2 : tensor<2xi8>, tensor<2xui8>, tensor<2xi1>
}

// Other targets are not this pass's.
// CHECK-LABEL: func.func @other
func.func @other(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.custom_call @softmax
  %0 = stablehlo.custom_call @softmax(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A sum of i1 is their or: IREE would take StableHLO's add of i1 for an exclusive one.
// CHECK-LABEL: func.func @sum_of_bools
func.func @sum_of_bools(%x: tensor<4xi1>) -> tensor<i1> {
  // CHECK: applies stablehlo.or
  %0 = stablehlo.custom_call @reduce_sum(%x) : (tensor<4xi1>) -> tensor<i1>
  return %0 : tensor<i1>
}

// RUN: attnorm-opt %s --fold-dynamic-broadcasts --split-input-file | FileCheck %s
// RUN: attnorm-opt %s --attnorm-raise --split-input-file | FileCheck %s --check-prefix=RAISED

// torch-mlir on a dynamic batch: a LayerNorm between broadcasts of everything to everything's shape.
// Two of them spread the rows; the others went unseen by the norm's pattern.
// CHECK-LABEL: func.func @layer_norm
// CHECK-COUNT-2: dynamic_broadcast_in_dim %{{.*}} : (tensor<?x1xf32>, tensor<2xindex>) -> tensor<?x4xf32>
// CHECK-NOT:     dynamic_broadcast_in_dim %{{.*}} : (tensor<?x4xf32>
// RAISED-LABEL: func.func @layer_norm
// RAISED-SAME:    (%[[X:.*]]: tensor<?x4xf32>)
// RAISED-NEXT:  %[[N:.*]] = "attnorm.layer_norm"(%[[X]])
// RAISED-NEXT:  return %[[N]]
func.func @layer_norm(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %count = stablehlo.constant dense<4.0> : tensor<f32>
  %epsilon = stablehlo.constant dense<0.5> : tensor<f32>
  %axis = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = tensor.dim %x, %axis : tensor<?x4xf32>
  %rows = tensor.from_elements %n, %one : tensor<2xindex>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x4xf32>, tensor<f32>) -> tensor<?xf32>
  %1 = stablehlo.dynamic_reshape %0, %rows : (tensor<?xf32>, tensor<2xindex>) -> tensor<?x1xf32>
  %2 = stablehlo.dynamic_broadcast_in_dim %count, %rows, dims = [] : (tensor<f32>, tensor<2xindex>) -> tensor<?x1xf32>
  %3 = stablehlo.divide %1, %2 : tensor<?x1xf32>
  %4 = shape.shape_of %x : tensor<?x4xf32> -> tensor<2xindex>
  %5 = shape.shape_of %3 : tensor<?x1xf32> -> tensor<2xindex>
  %6 = shape.broadcast %4, %5 : tensor<2xindex>, tensor<2xindex> -> tensor<2xindex>
  %7 = stablehlo.dynamic_broadcast_in_dim %x, %6, dims = [0, 1] : (tensor<?x4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %8 = stablehlo.dynamic_broadcast_in_dim %3, %6, dims = [0, 1] : (tensor<?x1xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %9 = stablehlo.subtract %7, %8 : tensor<?x4xf32>
  %10 = stablehlo.multiply %9, %9 : tensor<?x4xf32>
  %11 = stablehlo.reduce(%10 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<?x4xf32>, tensor<f32>) -> tensor<?xf32>
  %12 = stablehlo.dynamic_reshape %11, %rows : (tensor<?xf32>, tensor<2xindex>) -> tensor<?x1xf32>
  %13 = stablehlo.divide %12, %2 : tensor<?x1xf32>
  %14 = stablehlo.dynamic_broadcast_in_dim %epsilon, %rows, dims = [] : (tensor<f32>, tensor<2xindex>) -> tensor<?x1xf32>
  %15 = stablehlo.add %13, %14 : tensor<?x1xf32>
  %16 = stablehlo.rsqrt %15 : tensor<?x1xf32>
  %17 = shape.shape_of %9 : tensor<?x4xf32> -> tensor<2xindex>
  %18 = shape.shape_of %16 : tensor<?x1xf32> -> tensor<2xindex>
  %19 = shape.broadcast %17, %18 : tensor<2xindex>, tensor<2xindex> -> tensor<2xindex>
  %20 = stablehlo.dynamic_broadcast_in_dim %9, %19, dims = [0, 1] : (tensor<?x4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %21 = stablehlo.dynamic_broadcast_in_dim %16, %19, dims = [0, 1] : (tensor<?x1xf32>, tensor<2xindex>) -> tensor<?x4xf32>
  %22 = stablehlo.multiply %20, %21 : tensor<?x4xf32>
  return %22 : tensor<?x4xf32>
}

// -----

// Near misses: the sizes of another argument, which may be those; a dimension turned; 1 made more.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: dynamic_broadcast_in_dim
func.func @others(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>)
    -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) {
  %0 = shape.shape_of %y : tensor<?x?xf32> -> tensor<2xindex>
  %1 = stablehlo.dynamic_broadcast_in_dim %x, %0, dims = [0, 1] : (tensor<?x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
  %2 = shape.shape_of %x : tensor<?x?xf32> -> tensor<2xindex>
  %3 = stablehlo.dynamic_broadcast_in_dim %x, %2, dims = [1, 0] : (tensor<?x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
  %4 = shape.broadcast %0, %2 : tensor<2xindex>, tensor<2xindex> -> tensor<2xindex>
  %5 = stablehlo.dynamic_broadcast_in_dim %x, %4, dims = [0, 1] : (tensor<?x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
  return %1, %3, %5 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}

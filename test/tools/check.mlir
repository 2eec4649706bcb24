// What a check prints: each pass that changed something, its errors, the verdict, other systems.
// RUN: attnorm check %s | FileCheck %s
// RUN: attnorm check %s --no-anchors | FileCheck %s --check-prefix=ALONE
// RUN: attnorm check %s --no-anchors --json | FileCheck %s --check-prefix=JSON
// RUN: attnorm check %s --no-anchors --pass-pipeline=cse | FileCheck %s --check-prefix=NONE
// RUN: attnorm check - --function=norm --input 2x4xf32=random:1 --no-anchors < %s | FileCheck %s --check-prefix=ALONE

// CHECK:      pass {{.*}}output {{.*}}ulps {{.*}}relative {{.*}}exact {{.*}}verdict
// CHECK:      raise-rms-norm {{.*}}norm 0 2x4xf32 {{.*}}same
// CHECK:      expand-rms-norm {{.*}}norm 0 2x4xf32 {{.*}}same
// CHECK:      passes, {{[0-9]+}} of which changed nothing
// CHECK-NEXT: StableHLO's interpreter agrees on the module as given, norm: ordinary, large, tiny, zeros, nonfinite
// CHECK-NEXT: IREE agrees on the result, norm: ordinary, large, zeros, nonfinite

// ALONE:     passes, {{[0-9]+}} of which changed nothing
// ALONE-NOT: agrees

// JSON:      "ok": true,
// JSON-NEXT: "first_failure": null,
// JSON:      "kind": "same",
// JSON:      "anchors": []

// NONE-NOT: same
// NONE:     1 passes, 1 of which changed nothing
func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %four = stablehlo.constant dense<4.0> : tensor<2xf32>
  %eps = stablehlo.constant dense<1.0e-5> : tensor<2xf32>
  %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.divide %1, %four : tensor<2xf32>
  %3 = stablehlo.add %2, %eps : tensor<2xf32>
  %4 = stablehlo.rsqrt %3 : tensor<2xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
  %6 = stablehlo.multiply %x, %5 : tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

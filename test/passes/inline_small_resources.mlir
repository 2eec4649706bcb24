// RUN: attnorm-opt %s --inline-small-resources | FileCheck %s

// The elements are those of the resource, bit for bit.
// CHECK-LABEL: func.func @small
func.func @small() -> tensor<2xbf16> {
  // CHECK: stablehlo.constant dense<[1.000000e+00, 0xFFC1]> : tensor<2xbf16>
  %0 = stablehlo.constant dense_resource<two> : tensor<2xbf16>
  return %0 : tensor<2xbf16>
}

// A constant of another dialect, of rank 2, with equal elements.
// CHECK-LABEL: func.func @arith
func.func @arith() -> tensor<1x2xbf16> {
  // CHECK: arith.constant dense<2.000000e+00> : tensor<1x2xbf16>
  %0 = arith.constant dense_resource<equal> : tensor<1x2xbf16>
  return %0 : tensor<1x2xbf16>
}

// A scalar.
// CHECK-LABEL: func.func @scalar
func.func @scalar() -> tensor<bf16> {
  // CHECK: stablehlo.constant dense<3.000000e+00> : tensor<bf16>
  %0 = stablehlo.constant dense_resource<one> : tensor<bf16>
  return %0 : tensor<bf16>
}

// 128 elements are the most.
// CHECK-LABEL: func.func @at_most
func.func @at_most() -> tensor<2x64xbf16> {
  // CHECK: stablehlo.constant dense<"0x803F
  %0 = stablehlo.constant dense_resource<most> : tensor<2x64xbf16>
  return %0 : tensor<2x64xbf16>
}

// One more stays a resource.
// CHECK-LABEL: func.func @too_many
func.func @too_many() -> tensor<129xbf16> {
  // CHECK: stablehlo.constant dense_resource<many{{.*}}> : tensor<129xbf16>
  %0 = stablehlo.constant dense_resource<many> : tensor<129xbf16>
  return %0 : tensor<129xbf16>
}

// Other types compile as they are; f16 has bf16's size.
// CHECK-LABEL: func.func @f16
func.func @f16() -> tensor<2xf16> {
  // CHECK: stablehlo.constant dense_resource<two{{.*}}> : tensor<2xf16>
  %0 = stablehlo.constant dense_resource<two> : tensor<2xf16>
  return %0 : tensor<2xf16>
}

{-#
  dialect_resources: {
    builtin: {
      one: "0x020000004040",
      two: "0x02000000803FC1FF",
      equal: "0x0200000000400040",
      most: "0x02000000803F0040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040",
      many: "0x02000000803F00400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040004000400040"
    }
  }
#-}

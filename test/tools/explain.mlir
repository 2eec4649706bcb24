// --explain says on stderr which flags and kernels were chosen, a line each.
// RUN: attnorm compile %s -o %t.vmfb --target=x86-64-v3 --explain 2>&1 | FileCheck %s
// RUN: attnorm run %s --input 2x64xf32=1 --explain --iree-flag=--iree-opt-data-tiling=true 2>&1 \
// RUN:   | FileCheck %s --check-prefix=GIVEN
// Without it nothing is said.
// RUN: attnorm compile %s -o %t.vmfb 2>%t.err
// RUN: test ! -s %t.err

// CHECK: {{^}}--iree-opt-level=O3: IREE's default is O0
// CHECK-NEXT: {{^}}--iree-opt-data-tiling=false: no product has a large operand
// CHECK-NEXT: {{^}}--iree-llvmcpu-target-triple=x86_64-unknown-linux-gnu: target x86-64-v3
// CHECK-NEXT: {{^}}--iree-llvmcpu-target-cpu=x86-64-v3: target x86-64-v3: AVX2
// CHECK-NEXT: {{^}}attnorm.rows at {{.*}}explain.mlir:{{[0-9]+:[0-9]+}}: kernel

// GIVEN: --iree-opt-data-tiling=true: given; ours was false: no product
// GIVEN: attnorm.rows at {{.*}}explain.mlir

func.func @main(%x: tensor<2x64xf32>) -> tensor<2x64xf32> {
  %0 = stablehlo.custom_call @softmax(%x) {axis = 1 : i64} : (tensor<2x64xf32>) -> tensor<2x64xf32>
  return %0 : tensor<2x64xf32>
}

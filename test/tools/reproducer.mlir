// A failure leaves the module and the pipeline, in a file that runs again and fails alike.
// RUN: not attnorm-opt %s --cse --raise-custom-calls='rms-norm-epsilon=0.5' --verify-no-opaque-calls --mlir-pass-pipeline-crash-reproducer=%t.mlir 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=FILE < %t.mlir
// RUN: not attnorm-opt %t.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=AGAIN
// As an input like any other, its pipeline does not run.
// RUN: attnorm-opt %t.mlir 2>&1 | FileCheck %s --check-prefix=INPUT

// Where nothing fails, there is none.
// RUN: rm -f %t.none
// RUN: attnorm-opt %s --cse --mlir-pass-pipeline-crash-reproducer=%t.none -o %t.out
// RUN: not ls %t.none

// A file without a pipeline is no reproducer.
// RUN: printf 'module {}' | not attnorm-opt --run-reproducer 2>&1 | FileCheck %s --check-prefix=NOT

// CHECK: reproducer.mlir:34:8: error: custom call @mystery is left
// CHECK: note: reproducer written to '{{.*}}.mlir'

// The module is that before the passes.
// FILE: "stablehlo.custom_call"(%{{.*}}) <{call_target_name = "softmax"
// FILE: mlir_reproducer: {
// FILE: pipeline: "builtin.module(cse,raise-custom-calls{rms-norm-epsilon=0.5},verify-no-opaque-calls)"
// FILE: verify_each: true

// AGAIN-NOT: warning
// AGAIN:     error: custom call @mystery is left

// INPUT-NOT: warning
// INPUT:     stablehlo.custom_call @mystery

// NOT: <stdin>:1:1: error: expected a reproducer with a pipeline
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @softmax(%x) {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mystery(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

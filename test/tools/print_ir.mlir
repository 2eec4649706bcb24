// IR is printed to stderr around the passes asked for; stdout keeps the result alone.
// RUN: attnorm-opt %s --cse --expand-softmax --mlir-print-ir-before=cse 2>&1 >%t.out | FileCheck %s --check-prefix=BEFORE
// RUN: FileCheck %s --check-prefix=OUT < %t.out
// RUN: attnorm-opt %s --cse --expand-softmax --mlir-print-ir-after=expand-softmax 2>&1 >%t.out | FileCheck %s --check-prefix=AFTER
// RUN: attnorm-opt %s --cse --expand-softmax --mlir-print-ir-before-all 2>&1 >%t.out | FileCheck %s --check-prefix=BEFORE-ALL
// RUN: attnorm-opt %s --cse --expand-softmax --mlir-print-ir-after-all --mlir-print-op-generic 2>&1 >%t.out | FileCheck %s --check-prefix=AFTER-ALL
// RUN: attnorm-opt %s --cse --expand-softmax --cse --mlir-print-ir-after-change 2>&1 >%t.out | FileCheck %s --check-prefix=CHANGE
// RUN: not attnorm-opt %s --cse --verify-no-opaque-calls --mlir-print-ir-after-failure 2>&1 | FileCheck %s --check-prefix=FAILURE
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(func.func(cse),attnorm-expand)' --mlir-print-ir-after=cse,expand-sdpa --mlir-print-ir-before=expand-sdpa 2>&1 >%t.out | FileCheck %s --check-prefix=SEVERAL
// RUN: not attnorm-opt %s --cse --mlir-print-ir-after=expand-softmx 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// OUT-NOT: IR Dump
// OUT:     module
// OUT-NOT: IR Dump

// BEFORE:     // -----// IR Dump Before cse //----- //
// BEFORE:     attnorm.softmax
// BEFORE-NOT: IR Dump

// AFTER:     // -----// IR Dump After expand-softmax //----- //
// AFTER:     stablehlo.exponential
// AFTER-NOT: IR Dump

// BEFORE-ALL: IR Dump Before cse
// BEFORE-ALL: IR Dump Before expand-softmax

// AFTER-ALL: IR Dump After cse
// AFTER-ALL: "attnorm.softmax"
// AFTER-ALL: IR Dump After expand-softmax
// AFTER-ALL: "stablehlo.exponential"

// The first cse finds nothing to do.
// CHANGE-NOT: IR Dump After cse
// CHANGE:     IR Dump After expand-softmax
// CHANGE-NOT: IR Dump After expand-softmax

// FAILURE-NOT: IR Dump After cse
// FAILURE:     IR Dump After verify-no-opaque-calls Failed
// FAILURE:     custom call @mystery is left

// SEVERAL: IR Dump After func.func(cse)
// SEVERAL: IR Dump Before expand-sdpa
// SEVERAL: IR Dump After expand-sdpa

// UNKNOWN: error: unknown pass or pipeline 'expand-softmx'; did you mean 'expand-softmax'?
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.custom_call @mystery(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// --debug-matches says on stderr why a candidate was left; without it nobody asks.
// RUN: attnorm-opt %s --fuse-norm-mul --debug-matches 2>&1 >%t.out | FileCheck %s --check-prefix=MATCHES
// RUN: attnorm-opt %s --fuse-norm-mul 2> %t.empty > %t.out
// RUN: cmp %t.empty /dev/null
// MATCHES: options.mlir:28:8: remark: fuse-norm-mul: result: expected one use, got 2

// Options of the tool may have one dash, and -o its =.
// RUN: rm -f %t.file
// RUN: attnorm-opt -split-input-file -mlir-print-op-generic %s -o=%t.file > %t.empty
// RUN: cmp %t.empty /dev/null
// RUN: FileCheck %s --check-prefix=GENERIC < %t.file
// GENERIC: "func.func"

// --verify-each takes its value behind = only: what follows is an input.
// RUN: attnorm-opt --verify-each %s | FileCheck %s
// RUN: attnorm-opt --verify-each=false %s | FileCheck %s
// CHECK: func.func @main

// A failing run leaves the file as it was.
// RUN: echo before > %t.file
// RUN: not attnorm-opt %s --raise-composites --verify-no-opaque-calls -o %t.file 2>%t.err
// RUN: grep -qx before %t.file

// A reader that goes away is no error of ours to print.
// RUN: sh -c 'attnorm-opt %s | true' 2>%t.err
// RUN: cmp %t.err /dev/null
func.func @main(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %x : tensor<2x4xf32>
  %2 = stablehlo.custom_call @mystery(%1) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

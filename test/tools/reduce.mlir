// A module is cut down to what makes a command fail; here it is what a user has not raised.
// RUN: attnorm reduce %s --keep-failing 'grep softmux {}; false' --keep-output '@softmux' 2> %t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=SAID < %t.err

// What a pass says can be kept too. The file follows the command, where {} does not stand for it.
// RUN: attnorm reduce %s --keep-failing 'attnorm-opt --verify-no-opaque-calls' --keep-output 'error: .*softmux' -o %t.mlir
// RUN: FileCheck %s < %t.mlir

// RUN: not attnorm reduce %s --keep-failing 'attnorm-opt --cse' 2>&1 | FileCheck %s --check-prefix=PASSES
// RUN: not attnorm reduce %s --keep-failing false --keep-output '(' 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not attnorm reduce %s 2>&1 | FileCheck %s --check-prefix=MISSING

// SAID: {{^}}on IN the command ends with status 1: kept{{$}}
// SAID: runs: 7 ops, 2 functions, {{[0-9]+}} bytes -> 3 ops, 1 functions, {{[0-9]+}} bytes{{$}}

// CHECK:      module {
// CHECK-NEXT:   func.func @{{.*}}() -> tensor<1x1xf32> {
// CHECK-NEXT:     %0 = stablehlo.custom_call @softmux() : () -> tensor<1x1xf32>
// CHECK-NEXT:     return %0 : tensor<1x1xf32>

// PASSES:  {{^}}error: the command does not fail on '{{.*}}reduce.mlir'{{$}}
// REGEX:   argument --keep-output: expected a regular expression: missing )
// MISSING: the following arguments are required: --keep-failing

func.func private @rows(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = stablehlo.custom_call @softmux(%x) {backend_config = "8"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

func.func @main(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = stablehlo.add %x, %y : tensor<4x8xf32>
  %1 = func.call @rows(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

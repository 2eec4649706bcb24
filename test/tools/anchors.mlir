// A pass runs on the ops of the name around it, directly inside one another, ours as MLIR's own.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(func.func(expand-softmax))' | FileCheck %s --check-prefixes=FUNCTIONS
// FUNCTIONS-LABEL: func.func @main
// FUNCTIONS-NOT:   attnorm.softmax
// FUNCTIONS:       func.func private @inside
// FUNCTIONS-NEXT:  attnorm.softmax

// The module inside, and its functions.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(builtin.module(expand-softmax))' | FileCheck %s --check-prefixes=INNER,MAIN
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(builtin.module(func.func(expand-softmax)))' | FileCheck %s --check-prefixes=INNER,MAIN
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(builtin.module(symbol-dce))' | FileCheck %s --check-prefixes=DEAD,MAIN
// MAIN-LABEL:  func.func @main
// MAIN-NEXT:   attnorm.softmax
// INNER:       func.func private @inside
// INNER-NOT:   attnorm.softmax
// DEAD:        func.func private @dead
// DEAD:        module @inner {
// DEAD-NEXT:   }

// The outermost one is the module itself, and a pass on it comes to everything below.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(expand-softmax)' | FileCheck %s --check-prefix=ALL
// RUN: attnorm-opt %s --pass-pipeline='any(expand-softmax)' | FileCheck %s --check-prefix=ALL
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(any(expand-softmax))' | FileCheck %s --check-prefix=ALL
// ALL-NOT: attnorm.softmax

// Passes in any(...) run together: a pass of functions keeps all of them on functions.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(any(expand-softmax,chlo-legalize-to-stablehlo))' | FileCheck %s --check-prefixes=FUNCTIONS

// Here is no such module.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(spirv.module(expand-softmax))' | FileCheck %s --check-prefix=NONE
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(func.func(builtin.module(expand-softmax)))' | FileCheck %s --check-prefix=NONE
// NONE-COUNT-2: attnorm.softmax

// What a named pipeline stands for is nested with it; a pass of functions is so by itself.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(func.func(attnorm-fuse),builtin.module(chlo-legalize-to-stablehlo),func.func(simplify-identities))' --dump-pass-pipeline 2>%t.pipeline | FileCheck %s --check-prefix=SIMPLE
// RUN: FileCheck %s --check-prefix=TEXT < %t.pipeline
// RUN: xargs -d '\n' -I TEXT attnorm-opt %s --pass-pipeline=TEXT --dump-pass-pipeline < %t.pipeline 2>%t.again | FileCheck %s --check-prefix=SIMPLE
// RUN: diff %t.pipeline %t.again
// TEXT: {{^}}builtin.module(func.func(fuse-add-norm),func.func(fuse-norm-mul),{{.*}}builtin.module(func.func(chlo-legalize-to-stablehlo)),func.func(simplify-identities)){{$}}
// SIMPLE-LABEL: func.func private @dead
// SIMPLE-NEXT:  return %arg0

// One nest around everything stays the inner one.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module(builtin.module(cse))' --dump-pass-pipeline 2>&1 >%t.out | FileCheck %s --check-prefix=ONE
// ONE: {{^}}builtin.module(builtin.module(cse)){{$}}

// A reproducer keeps the nest.
// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(func.func(expand-softmax),func.func(func.return(expand-softmax)))' --mlir-pass-pipeline-crash-reproducer=%t.mlir 2>&1 | FileCheck %s --check-prefix=ISOLATED
// RUN: FileCheck %s --check-prefix=REPRODUCER < %t.mlir
// ISOLATED:   error: expected an op that is isolated from above to run passes on, got 'func.return'
// REPRODUCER: pipeline: "builtin.module(func.func(expand-softmax),func.func(func.return(expand-softmax)))"

// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(cse,func.fnuc(expand-softmax))' 2>&1 | FileCheck %s --check-prefix=TYPO
// TYPO: {{^}}pass pipeline 'builtin.module(cse,func.fnuc(expand-softmax))':1:20: error: expected a registered op to run on, got 'func.fnuc'; did you mean 'func.func'?{{$}}
// RUN: not attnorm-opt %s --pass-pipeline='nowhere.op(cse)' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: {{^}}pass pipeline 'nowhere.op(cse)':1:1: error: expected a registered op to run on, got 'nowhere.op'{{$}}

// A pass that needs the module says so, and where a named pipeline has it.
// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(func.func(cse,to-composites))' 2>&1 | FileCheck %s --check-prefix=OURS
// OURS: {{^}}pass pipeline '{{.*}}':1:30: error: 'to-composites' can't run on 'func.func', only on 'builtin.module'{{$}}
// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(func.func(attnorm-raise))' 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE: {{^}}pass pipeline '{{.*}}':1:26: error: 'raise-mark-tensor' can't run on 'func.func', only on 'builtin.module'{{$}}
// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(func.func(one-shot-bufferize))' 2>&1 | FileCheck %s --check-prefix=NATIVE
// NATIVE: {{^}}pass pipeline '{{.*}}':1:26: error: 'one-shot-bufferize' can't run on 'func.func', only on 'builtin.module'{{$}}
// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(any(to-composites,chlo-legalize-to-stablehlo))' 2>&1 | FileCheck %s --check-prefix=APART
// APART: {{^}}pass pipeline '{{.*}}':1:16: error: expected passes that can run on one op, got 'builtin.module' and 'func.func'{{$}}
func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
func.func private @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = stablehlo.constant dense<1.0> : tensor<4xf32>
  %0 = stablehlo.multiply %x, %one : tensor<4xf32>
  return %0 : tensor<4xf32>
}
module @inner {
  func.func private @inside(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
}

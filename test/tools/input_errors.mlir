// Whatever the input is, an error is located, and no traceback.
// RUN: printf 'func.func @f() {\n  stablehlo.add' > %t.text
// RUN: not attnorm-opt %t.text 2>&1 | FileCheck %s --check-prefix=TEXT
// TEXT-NOT: Traceback
// TEXT:     {{^}}{{.*}}.text:2:16: error: expected

// RUN: printf 'func.func @f() {\n  // caf\351\n  return\n}' > %t.latin
// RUN: not attnorm-opt %t.latin 2>&1 | FileCheck %s --check-prefix=LATIN
// LATIN: {{^}}{{.*}}.latin:2:1: error: expected MLIR text or bytecode{{$}}

// RUN: printf 'module {\n\0}' > %t.null
// RUN: not attnorm-opt %t.null 2>&1 | FileCheck %s --check-prefix=NULL
// NULL: {{^}}{{.*}}.null:2:1: error: expected MLIR text, got a null character{{$}}

// RUN: printf '\211PNG\r\n\032\n' > %t.png
// RUN: not attnorm-opt %t.png 2>&1 | FileCheck %s --check-prefix=PNG
// PNG: {{^}}{{.*}}.png:1:1: error: expected MLIR text or bytecode{{$}}

// Binary formats, cut off.
// RUN: printf 'module {}' | attnorm-opt --emit-bytecode | head -c 20 > %t.bc
// RUN: not attnorm-opt %t.bc 2>&1 | FileCheck %s --check-prefix=CUT
// RUN: printf 'module {}' | attnorm-opt --emit-portable-artifact | head -c 40 > %t.vhlo
// RUN: not attnorm-opt %t.vhlo 2>&1 | FileCheck %s --check-prefix=CUT
// CUT-NOT: Traceback
// CUT:     error: {{.+}}

// Nothing is an empty module, as for mlir-opt.
// RUN: printf '' | attnorm-opt | FileCheck %s --check-prefix=EMPTY
// EMPTY: module {

// An op of a dialect that nobody knows, unless it is allowed.
// RUN: printf 'func.func @f() {\n  "foo.bar"() : () -> ()\n  return\n}' > %t.foreign
// RUN: not attnorm-opt %t.foreign 2>&1 | FileCheck %s --check-prefix=FOREIGN
// FOREIGN: {{^}}{{.*}}.foreign:2:{{[0-9]+}}: error: operation being parsed with an unregistered dialect
// RUN: attnorm-opt %t.foreign --allow-unregistered-dialect | FileCheck %s --check-prefix=ALLOWED
// ALLOWED: "foo.bar"() : () -> ()

// A verifier's error has the place and the operand.
// RUN: printf 'func.func @f(%%%%x: tensor<4xf32>) -> tensor<4xf32> {\n  %%%%0 = "attnorm.softmax"(%%%%x) {axis = 1 : i64} : (tensor<4xf32>) -> tensor<4xf32>\n  return %%%%0 : tensor<4xf32>\n}' > %t.invalid
// RUN: not attnorm-opt %t.invalid 2>&1 | FileCheck %s --check-prefix=INVALID
// INVALID: {{^}}{{.*}}.invalid:2:8: error: 'attnorm.softmax' op axis: expected

// On stdin, the place is there.
// RUN: printf 'nonsense' | not attnorm-opt 2>&1 | FileCheck %s --check-prefix=STDIN
// STDIN: {{^}}<stdin>:1:1: error:

// A full disk is an error too.
// RUN: printf 'module {}' | not attnorm-opt -o /dev/full 2>&1 | FileCheck %s --check-prefix=FULL
// FULL: {{^}}error: {{.*}}No space left on device{{$}}

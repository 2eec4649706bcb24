// A mistake on the command line is one line on stderr and exit status 1.
// RUN: not attnorm-opt %s --fuse-normmul 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: {{^}}error: unknown pass or pipeline 'fuse-normmul'; did you mean 'fuse-norm-mul'?{{$}}

// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(func.func(nope))' 2>&1 | FileCheck %s --check-prefix=INNER
// INNER: {{^}}error: unknown pass or pipeline 'nope'{{$}}

// RUN: not attnorm-opt %s --pass-pipeline='builtin.module(cse' 2>&1 | FileCheck %s --check-prefix=OPEN
// OPEN: {{^}}pass pipeline 'builtin.module(cse':1:19: error: expected ')'{{$}}

// RUN: not attnorm-opt %s --pass-pipeline='cse)' 2>&1 | FileCheck %s --check-prefix=CLOSE
// CLOSE: {{^}}pass pipeline 'cse)':1:4: error: expected ',' or the end{{$}}

// RUN: not attnorm-opt %s --pass-pipeline='cse,,cse' 2>&1 | FileCheck %s --check-prefix=COMMA
// COMMA: {{^}}pass pipeline 'cse,,cse':1:5: error: expected a pass name{{$}}

// RUN: not attnorm-opt %s --pass-pipeline='canonicalize{top-down=true' 2>&1 | FileCheck %s --check-prefix=BRACE
// BRACE: error: expected a '}' for this '{'{{$}}

// RUN: not attnorm-opt %s --cse --pass-pipeline=cse 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH: {{^}}error: --pass-pipeline: expected no passes as flags beside it{{$}}

// RUN: not attnorm-opt %s --raise-custom-calls=epsilon=1 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: {{^}}error: raise-custom-calls: unknown option 'epsilon'; known are: rms-norm-epsilon{{$}}

// RUN: not attnorm-opt %s --raise-custom-calls=rms-norm-epsilon=tiny 2>&1 | FileCheck %s --check-prefix=VALUE
// VALUE: {{^}}error: raise-custom-calls: rms-norm-epsilon: expected a number, got 'tiny'{{$}}

// RUN: not attnorm-opt %s --attnorm-to-stablehlo=epsilon=1 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE: {{^}}error: unknown pipeline option 'epsilon'; known are: rms-norm-epsilon{{$}}

// What MLIR and LLVM have to say about their own options comes in the same form.
// RUN: not attnorm-opt %s --canonicalize=speed=1 2>&1 | FileCheck %s --check-prefix=NATIVE
// NATIVE: {{^}}error: canonicalize: no such option speed{{$}}
// RUN: not attnorm-opt %s --canonicalize=max-iterations=many 2>&1 | FileCheck %s --check-prefix=LLVM
// LLVM: {{^}}error: canonicalize: for the --max-iterations option: 'many' value invalid

// RUN: not attnorm-opt %s --input-format=onnx 2>&1 | FileCheck %s --check-prefix=CHOICE
// CHOICE: {{^}}error: argument --input-format: invalid choice: 'onnx'
// RUN: not attnorm-opt %s --verify-each=maybe 2>&1 | FileCheck %s --check-prefix=BOOL
// BOOL: {{^}}error: argument --verify-each: expected true or false, got 'maybe'{{$}}
// RUN: not attnorm-opt %s ---cse 2>&1 | FileCheck %s --check-prefix=DASHES
// DASHES: {{^}}error: unknown option '---cse'{{$}}

// RUN: not attnorm-opt %t.nowhere 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: {{^}}error: cannot read '{{.*}}.nowhere': No such file or directory{{$}}
// RUN: not attnorm-opt %S 2>&1 | FileCheck %s --check-prefix=DIRECTORY
// DIRECTORY: {{^}}error: cannot read '{{.*}}': Is a directory{{$}}
// RUN: not attnorm-opt %s -o %t.nowhere/x 2>&1 | FileCheck %s --check-prefix=OUTPUT
// OUTPUT: {{^}}error: cannot write '{{.*}}': No such file or directory{{$}}
// Behind -- everything is a file.
// RUN: not attnorm-opt -- --cse 2>&1 | FileCheck %s --check-prefix=BEHIND
// BEHIND: {{^}}error: cannot read '--cse': No such file or directory{{$}}
func.func @main() {
  return
}

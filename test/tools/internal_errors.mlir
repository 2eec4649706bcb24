// A bug in a pass is one message: the pass, the exception, its line, and how to keep a reproducer.
// RUN: not python %S/Inputs/broken_pass.py %s --cse --raise-custom-calls 2>&1 | FileCheck %s
// RUN: rm -f %t.mlir
// RUN: not python %S/Inputs/broken_pass.py %s --cse --raise-custom-calls --mlir-pass-pipeline-crash-reproducer=%t.mlir 2>&1 | FileCheck %s --check-prefix=REPRODUCER
// RUN: attnorm-opt %t.mlir --run-reproducer | FileCheck %s --check-prefix=FIXED
// The traceback comes on request.
// RUN: env ATTNORM_TRACEBACK=1 not python %S/Inputs/broken_pass.py %s --raise-custom-calls 2>&1 | FileCheck %s --check-prefix=TRACEBACK

// CHECK-NOT: Traceback
// CHECK: internal_errors.mlir:{{[0-9]+}}:{{[0-9]+}}: error: internal error in pass 'raise-custom-calls': KeyError: 'epsilon' (broken_pass.py:10)
// CHECK: note: this is a bug of the pass; ATTNORM_TRACEBACK=1 prints the traceback, --mlir-pass-pipeline-crash-reproducer=FILE keeps

// REPRODUCER: note: reproducer written to
// FIXED: "attnorm.softmax"

// TRACEBACK: Traceback (most recent call last):
// TRACEBACK: in raise_custom_call
// TRACEBACK: error: internal error in pass
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @softmax(%x) {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

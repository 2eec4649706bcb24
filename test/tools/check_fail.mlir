// A pass that leaves its bounds: exit status 1, its name, and the IR around it.
// RUN: rm -rf %t && not attnorm check %s --no-anchors --rtol=0 --atol=0 --save=%t 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=BEFORE < %t/expand-softmax.before.mlir
// RUN: FileCheck %s --check-prefix=AFTER < %t/expand-softmax.after.mlir
// RUN: not attnorm check %s --no-anchors --rtol=0 --atol=0 --json 2>/dev/null | FileCheck %s --check-prefix=JSON
// RUN: not attnorm check %s --no-anchors --function=other 2>&1 | FileCheck %s --check-prefix=FUNCTION
// RUN: not attnorm check %s --no-anchors --input 3xf32=1 2>&1 | FileCheck %s --check-prefix=INPUT

// CHECK: expand-softmax {{.*}}f 0 2x4xf32 {{.*}}differs, for {{.*}}: native values: {{[0-9]+}} of 8 elements differ; worst [
// CHECK: check_fail.mlir: expand-softmax: f result 0 (2x4xf32) differs for

// BEFORE: attnorm.softmax
// AFTER-NOT: attnorm.softmax
// AFTER: stablehlo.exponential

// JSON: "ok": false,
// JSON-NEXT: "first_failure": "expand-softmax",

// FUNCTION: error: expected a function of f, got 'other'
// INPUT: error: function 'f': argument 0: expected 2x4xf32, got 3xf32
func.func @f(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

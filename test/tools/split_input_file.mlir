// Parts between separators are taken alone: a name may come twice, an error ends its own part only.
// RUN: not attnorm-opt %s --split-input-file > %t.out 2> %t.err
// RUN: FileCheck %s < %t.out
// RUN: FileCheck %s --check-prefix=ERROR < %t.err
// Without the option they are one module.
// RUN: not attnorm-opt %s 2>&1 | FileCheck %s --check-prefix=WHOLE
// A file is whole or not written.
// RUN: rm -f %t.file
// RUN: not attnorm-opt %s --split-input-file -o %t.file 2> %t.err
// RUN: not ls %t.file

// CHECK:     func.func @same() -> tensor<i1>
// CHECK:     // -----
// CHECK:     func.func @same() -> tensor<i8>
// CHECK-NOT: // -----

// The location is that of the file, not of the part.
// ERROR:     split_input_file.mlir:28:3: error: Dialect `foo' not found
// ERROR-NOT: error

// WHOLE: error: {{.*}}foo
func.func @same() -> tensor<i1> {
  %0 = stablehlo.constant dense<true> : tensor<i1>
  return %0 : tensor<i1>
}
// -----
func.func @wrong() {
  foo.bar
  return
}
// -----
func.func @same() -> tensor<i8> {
// ----- a line that is no separator
  %0 = stablehlo.constant dense<1> : tensor<i8>
  return %0 : tensor<i8>
}

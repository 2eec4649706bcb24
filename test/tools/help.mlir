// --help lists every pass with its summary and options, every pipeline, every option of the tool.
// RUN: attnorm-opt --help | FileCheck %s

// CHECK: usage: attnorm-opt [options] [passes] [FILE ...]
// CHECK: --version
// CHECK: -o FILE
// CHECK: --pass-pipeline
// CHECK: --input-format {auto,mlir,skainet}
// CHECK: --split-input-file
// CHECK: --verify-diagnostics
// CHECK: --verify-each
// CHECK: --debug-matches
// CHECK: --allow-unregistered-dialect
// CHECK: --dump-pass-pipeline
// CHECK: --list-passes
// CHECK: --show-dialects
// CHECK: --mlir-print-ir-before
// CHECK: --mlir-print-ir-before-all
// CHECK: --mlir-print-ir-after
// CHECK: --mlir-print-ir-after-all
// CHECK: --mlir-print-ir-after-change
// CHECK: --mlir-print-ir-after-failure
// CHECK: --mlir-print-op-generic
// CHECK: --mlir-print-debuginfo
// CHECK: --mlir-elide-elementsattrs-if-larger
// CHECK: --mlir-timing
// CHECK: --mlir-pass-pipeline-crash-reproducer
// CHECK: --run-reproducer
// CHECK: --emit-bytecode
// CHECK: --emit-portable-artifact
// CHECK: --legalize-reduce-custom-calls {{.*}}Opaque reductions become
// CHECK: --raise-custom-calls {{.*}}Custom calls known by name become attnorm ops.
// CHECK: rms-norm-epsilon {{.*}}epsilon of the RMSNorm calls
// CHECK: --raise-composites
// CHECK: --fuse-add-norm
// CHECK: --fuse-norm-mul
// CHECK: --expand-rms-norm
// CHECK: --expand-layer-norm
// CHECK: --expand-softmax
// CHECK: --expand-sdpa
// CHECK: --to-composites
// CHECK: --verify-no-opaque-calls
// CHECK: --attnorm-raise
// CHECK: rms-norm-epsilon {{.*}}as in raise-custom-calls
// CHECK: --attnorm-fuse
// CHECK: --attnorm-expand
// CHECK: --attnorm-to-stablehlo
// CHECK: --attnorm-to-composites

// The lists come without an input, one name a line, on stdout.
// RUN: attnorm-opt --list-passes 2>/dev/null | FileCheck %s --check-prefix=PASSES
// RUN: attnorm-opt --show-dialects 2>/dev/null | FileCheck %s --check-prefix=DIALECTS

// PASSES: {{^}}legalize-reduce-custom-calls{{$}}
// PASSES: {{^}}fuse-norm-mul{{$}}
// PASSES: {{^}}verify-no-opaque-calls{{$}}
// PASSES: {{^}}attnorm-to-stablehlo{{$}}

// DIALECTS: {{^}}attnorm{{$}}
// DIALECTS: {{^}}stablehlo{{$}}

// Passes as flags run in their order, MLIR's among ours, with options; one dash is as good as two.
// RUN: attnorm-opt %s --expand-softmax --canonicalize='max-iterations=2 top-down=false' -cse --dump-pass-pipeline 2>&1 >%t.out | FileCheck %s --check-prefix=FLAGS
// FLAGS: builtin.module(expand-softmax,canonicalize{max-iterations=2 top-down=false},cse)

// The text of a pipeline: nests, options, named pipelines; ours may stand in a nest.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module( attnorm-raise{rms-norm-epsilon=0.5}, func.func(cse, canonicalize{max-iterations=2}), func.func(expand-softmax), attnorm-fuse)' --dump-pass-pipeline 2>%t.pipeline | FileCheck %s
// RUN: FileCheck %s --check-prefix=TEXT < %t.pipeline
// TEXT: builtin.module({{.*}}legalize-reduce-custom-calls,raise-custom-calls{rms-norm-epsilon=0.5},{{.*}},func.func(cse),func.func(canonicalize{max-iterations=2}),func.func(expand-softmax),fuse-add-norm,fuse-norm-mul{{.*}})

// What is dumped runs again.
// RUN: xargs -d '\n' -I TEXT attnorm-opt %s --pass-pipeline=TEXT --dump-pass-pipeline < %t.pipeline 2>%t.again | FileCheck %s
// RUN: diff %t.pipeline %t.again

// A pass of MLIR that runs on functions finds them, as under mlir-opt.
// RUN: attnorm-opt %s --chlo-legalize-to-stablehlo --dump-pass-pipeline 2>&1 >%t.out | FileCheck %s --check-prefix=NESTED
// NESTED: builtin.module(func.func(chlo-legalize-to-stablehlo))

// No passes at all.
// RUN: attnorm-opt %s --pass-pipeline='builtin.module()' | FileCheck %s --check-prefix=NONE
// NONE: "attnorm.softmax"

// CHECK-LABEL: func.func @softmax
// CHECK:       stablehlo.exponential
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

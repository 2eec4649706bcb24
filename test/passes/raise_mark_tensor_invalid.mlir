// RUN: attnorm-opt %s --raise-mark-tensor --debug-matches --split-input-file --verify-diagnostics
// RUN: attnorm-opt %s --raise-mark-tensor --split-input-file | FileCheck %s

// Whatever is refused, no marker is left and no composite made.
// CHECK-NOT: {{mark_tensor|composite}}
// CHECK:     func.func @overlap
// CHECK:     stablehlo.composite "my.f"
// CHECK-NOT: {{mark_tensor|composite}}
// CHECK:     func.func @type
// CHECK:     mark_tensor

// A value that is no constant comes from outside.
func.func @captured(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": expected values from the marked inputs or constants, got another argument}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.add %0, %y : tensor<4xf32>
  %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A configuration that is no JSON.
func.func @no_json(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{@mark_tensor: backend_config: expected a dictionary or JSON, got "[name"}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "[name"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A marker without an id.
func.func @no_id(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{@mark_tensor: id: expected str, got None}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Attributes that are no dictionary.
func.func @attr(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{@mark_tensor: attr: expected a dictionary, got [1]}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: [1]}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A name that StableHLO does not take.
func.func @name(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"f": name: expected a name with a namespace, got 'f'}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Two names.
func.func @names(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": name: expected one name for all markers of an id}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.g\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Nothing comes out.
func.func @no_output(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": expected an output, got none}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A position that is missing.
func.func @position(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": pos: expected each of 0 to 0 in the outputs once}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// An output from which an input is made.
func.func @order(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": expected every input before the outputs}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.negate %1 : tensor<4xf32>
  %3 = stablehlo.custom_call @mark_tensor(%2) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = stablehlo.custom_call @mark_tensor(%3) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Outputs that contradict each other.
func.func @contradiction(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-remark @+1 {{"my.f": attr: expected one value of 'n', got 1 and 2}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: {\22n\22: 1}}"} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 1, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: {\22n\22: 2}}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// -----

// An attribute that says nothing.
func.func @null(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": attr: n: expected a number, a string, a list or a dictionary, got None}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: {\22n\22: null}}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Random numbers are drawn once.
func.func @effect(%x: tensor<f32>) -> tensor<4xf32> {
  // expected-remark @+1 {{"my.f": expected no op with side effects inside, got stablehlo.rng}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<f32>) -> tensor<f32>
  %c = stablehlo.constant dense<4> : tensor<1xi64>
  %1 = stablehlo.rng %0, %0, %c, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// Of two that overlap the one that ends last is refused.
func.func @overlap(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-remark @+1 {{"my.g": expected values from the marked inputs or constants, got another argument}}
  %1 = stablehlo.custom_call @mark_tensor(%0) {backend_config = "{\22name\22: \22my.g\22, \22pos\22: 0, \22id\22: \22b\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.negate %1 : tensor<4xf32>
  %3 = stablehlo.custom_call @mark_tensor(%2) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = stablehlo.add %2, %y : tensor<4xf32>
  %5 = stablehlo.custom_call @mark_tensor(%4) {backend_config = "{\22name\22: \22my.g\22, \22pos\22: 0, \22id\22: \22b\22, \22is_input\22: false, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<4xf32>
  return %3, %5 : tensor<4xf32>, tensor<4xf32>
}

// -----

// What changes the type is no marker, and stays.
func.func @type(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  // expected-remark @+1 {{@mark_tensor: result: expected the operand's type}}
  %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config = "{\22name\22: \22my.f\22, \22pos\22: 0, \22id\22: \22a\22, \22is_input\22: true, \22attr\22: null}"} : (tensor<4xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

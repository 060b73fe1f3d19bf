// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: split-file %s %t
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/none.json 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: configuration: '{{.*}}none.json': {{.*}}
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/syntax.json 2>&1 | FileCheck %s --check-prefix=SYNTAX
// SYNTAX: error: configuration '{{.*}}syntax.json': not JSON: 
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/twice.json 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: configuration '{{.*}}twice.json': /layers/lstm: key 'act-bits' occurs twice
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/list.json 2>&1 | FileCheck %s --check-prefix=LIST
// LIST: error: configuration '{{.*}}list.json': found [1]; the file must hold an object with 'options', 'layers', 'values' and 'about'
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/section.json 2>&1 | FileCheck %s --check-prefix=SECTION
// SECTION: error: configuration '{{.*}}section.json': there is no section 'layer'; allowed are 'options', 'layers', 'values' and 'about'
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/kind.json 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: configuration '{{.*}}kind.json': layers: found 3, allowed is an object
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/layer.json 2>&1 | FileCheck %s --check-prefix=LAYER
// LAYER: error: configuration '{{.*}}layer.json': layers: the model has no layer 'lsmt'; its layers are 'lstm', 'head'
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/value.json 2>&1 | FileCheck %s --check-prefix=VALUE
// VALUE: error: configuration '{{.*}}value.json': values: the model has no value 'y'; its inputs are 'x', its layers (h or the result) 'lstm', 'head', and the cell of an LSTM is its name and '.c'
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/cell.json 2>&1 | FileCheck %s --check-prefix=CELL
// CELL: error: configuration '{{.*}}cell.json': values: the model has no value 'head.c'
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/key.json 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: error: configuration '{{.*}}key.json': layers.lstm: there is no key 'weigth-bits'; allowed are sparsity, tiers, 
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/here.json 2>&1 | FileCheck %s --check-prefix=HERE
// HERE: error: configuration '{{.*}}here.json': layers.lstm.W: key 'act-bits' has no meaning here; allowed are 
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/gates.json 2>&1 | FileCheck %s --check-prefix=GATES
// GATES: error: configuration '{{.*}}gates.json': layers.head: key 'cell-bits' has no meaning here
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/matrix.json 2>&1 | FileCheck %s --check-prefix=MATRIX
// MATRIX: error: configuration '{{.*}}matrix.json': layers.head: there is no key 'R'; allowed are {{.*}}, W, y
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/range.json 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: error: configuration '{{.*}}range.json': layers.lstm.W.weight-bits: 9 found, allowed is 2..8
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/float.json 2>&1 | FileCheck %s --check-prefix=FLOAT
// FLOAT: error: configuration '{{.*}}float.json': layers.lstm.act-bits: 12.5 found, allowed is 8..16
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/choice.json 2>&1 | FileCheck %s --check-prefix=CHOICE
// CHOICE: error: configuration '{{.*}}choice.json': layers.lstm.rounding: "up" found, allowed is nearest|ceil
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/interval.json 2>&1 | FileCheck %s --check-prefix=INTERVAL
// INTERVAL: error: configuration '{{.*}}interval.json': values.x.range: [2,-2] found, allowed is [min, max] with min < max
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/exponents.json 2>&1 | FileCheck %s --check-prefix=EXPONENTS
// EXPONENTS: error: configuration '{{.*}}exponents.json': layers.lstm.W.exponents: [1,2] found, allowed is a list of one or four integers -16..30
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/linear.json 2>&1 | FileCheck %s --check-prefix=LINEAR
// LINEAR: error: configuration '{{.*}}linear.json': layers.head.W.exponents: the matrix has one gate and takes one exponent
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/power.json 2>&1 | FileCheck %s --check-prefix=POWER
// POWER: error: configuration '{{.*}}power.json': layers.lstm.pwl-segments: 1000 found, allowed is 1..512
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/percent.json 2>&1 | FileCheck %s --check-prefix=PERCENT
// PERCENT: error: configuration '{{.*}}percent.json': values.lstm.percentile: 0 found, allowed is a number above 0 up to 100
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/both.json 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH: error: configuration '{{.*}}both.json': values.lstm.c: is also described under layers; say it in one place
// RUN: not hcgs-opt %t/model.mlir --rnn-override=file=%t/object.json 2>&1 | FileCheck %s --check-prefix=OBJECT
// OBJECT: error: configuration '{{.*}}object.json': layers.lstm: 5 found, allowed is an object of keys and values
// RUN: not hcgs-opt %t/model.mlir --rnn-override 2>&1 | FileCheck %s --check-prefix=NOFILE
// NOFILE: error: rnn-override needs the option file, a configuration file

//--- syntax.json
{"layers": {"lstm": }}
//--- twice.json
{"layers": {"lstm": {"act-bits": 9, "act-bits": 10}}}
//--- list.json
[1]
//--- section.json
{"layer": {}}
//--- kind.json
{"layers": 3}
//--- layer.json
{"layers": {"lsmt": {}}}
//--- value.json
{"values": {"y": {}}}
//--- cell.json
{"values": {"head.c": {}}}
//--- key.json
{"layers": {"lstm": {"weigth-bits": 5}}}
//--- here.json
{"layers": {"lstm": {"W": {"act-bits": 9}}}}
//--- gates.json
{"layers": {"head": {"cell-bits": 9}}}
//--- matrix.json
{"layers": {"head": {"R": {}}}}
//--- range.json
{"layers": {"lstm": {"W": {"weight-bits": 9}}}}
//--- float.json
{"layers": {"lstm": {"act-bits": 12.5}}}
//--- choice.json
{"layers": {"lstm": {"rounding": "up"}}}
//--- interval.json
{"values": {"x": {"range": [2, -2]}}}
//--- exponents.json
{"layers": {"lstm": {"W": {"exponents": [1, 2]}}}}
//--- linear.json
{"layers": {"head": {"W": {"exponents": [1, 2, 3, 4]}}}}
//--- power.json
{"layers": {"lstm": {"pwl-segments": 1000}}}
//--- percent.json
{"values": {"lstm": {"percentile": 0}}}
//--- both.json
{"layers": {"lstm": {"c": {"frac": 3}}}, "values": {"lstm.c": {"frac": 4}}}
//--- object.json
{"layers": {"lstm": 5}}
//--- model.mlir
rnn.model @main inputs [#rnn.port<"x", [time = ?, batch = ?, feature = 2]>]
    outputs [#rnn.port<"z", [time = ?, batch = ?, feature = 2]>]
func.func @main(%x: tensor<?x?x2xf32>) -> tensor<?x?x2xf32> {
  %w = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %r = rnn.weight dense<0.5> : tensor<1x8x2xf32>
  %y, %y_h, %y_c = rnn.lstm forward %x, %w, %r {hidden_size = 2 : i64}
      : (tensor<?x?x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>) -> (tensor<?x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) loc("lstm")
  %v = rnn.weight dense<0.5> : tensor<2x2xf32>
  %z = rnn.linear %y, %v : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32> loc("head")
  return %z : tensor<?x?x2xf32>
}

// RUN: hcgs-opt %s --split-input-file --verify-diagnostics

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.act' op field 'shift' is 32, allowed -15..31}}
  isa.act v[0], a[0], n 1, shift 32, table 0
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.fill' op field 'dst.register' is 32, allowed 0..31}}
  isa.fill v[a32], 0, n 1
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.fill' op field 'n' is 0, allowed 1..1048575}}
  isa.fill v[0], 0, n 0
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.aset' op field 'dst' is a0, allowed a1..a31}}
  isa.aset a0, 3
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{expected an address register a1..a31}}
  isa.aset r3, 3
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{expected '+' or '-' before a displacement}}
  isa.fill v[a1 3], 0, n 1
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.vacc' op field 'init' is 2, allowed 0 (acc), 1 (zero)}}
  isa.vacc a[0], v[0], n 1, lshift 0, init bias
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{expected gates, some of 'iofg' in this order, found 'oi'}}
  isa.mvm a[0], v[0], desc 0, blocks 0 + 1, gates oi, init acc, shifts [0, 0, 0, 0], tile 0
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.mvm' op field 'shifts' has 3 numbers, allowed 4, one a gate}}
  isa.mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init acc, shifts [0, 0, 0], tile 0
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  isa.loop 1 {
    isa.loop 1 {
      isa.loop 1 {
        isa.loop 1 {
          // expected-error @below {{'isa.loop' op is nested 5 deep, allowed 4}}
          isa.loop 1 {
          }
        }
      }
    }
  }
}

// -----

// expected-error @below {{'isa.program' op has no 'isa.entry run'}}
isa.program @p target {} meta {} {
  isa.entry step
  isa.halt
}

// -----

isa.program @p target {} meta {} {
  // expected-note @below {{first here}}
  isa.entry run
  // expected-error @below {{'isa.entry' op 'run' occurs twice}}
  isa.entry run
  isa.halt
}

// -----

// expected-error @below {{'isa.program' op image 'bias' is 'tensor<4xi32>', allowed tensor<Nxi8>, the section's bytes}}
isa.program @p target {} meta {} attributes {bias = dense<0> : tensor<4xi32>} {
  isa.entry run
  isa.halt
}

// -----

// expected-error @below {{expects parent op to be one of 'isa.program, isa.loop'}}
isa.halt

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'arith.constant' op is no instruction; an 'isa.program' holds operations of the isa dialect}}
  %0 = arith.constant 0 : i32
  isa.halt
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  isa.loop T {
    // expected-error @below {{'arith.constant' op is no instruction}}
    %0 = arith.constant 0 : i32
  }
  isa.halt
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  isa.loop T {
    // expected-error @below {{'isa.entry' op expects parent op 'isa.program'}}
    isa.entry step
  }
  isa.halt
}

// -----

isa.program @p target {} meta {} {
  isa.entry run
  // expected-error @below {{'isa.aset' op field 'lo' is 3, allowed 0 where field 'size' is 0}}
  isa.aset a1, 3 ring 3 + 0
  isa.halt
}

// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files of targets/ as text inside the library, so that the tools know the
// shipped machines wherever they are installed.
//
#ifndef HCGS_LIB_TARGET_EMBEDDEDTARGETS_H
#define HCGS_LIB_TARGET_EMBEDDEDTARGETS_H

namespace hcgs {

struct EmbeddedTarget {
  const char *name;
  const char *text;
};

extern const char kTargetSchema[];
extern const EmbeddedTarget kEmbeddedTargets[];
extern const unsigned kNumEmbeddedTargets;

} // namespace hcgs

#endif // HCGS_LIB_TARGET_EMBEDDEDTARGETS_H

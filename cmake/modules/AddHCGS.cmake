# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Thin wrappers over CMake's and LLVM's own functions, so that a library or a
# tool is one call in its folder's CMakeLists.txt. Two kinds of code live here:
#
#   plain   no LLVM, exceptions and RTTI on   add_hcgs_library, add_hcgs_tool
#   MLIR    LLVM's flags (no exceptions)      add_hcgs_mlir_library, ..._tool
#
# All MLIR code links the shared libMLIR.so and never its static parts: one
# process must hold one copy of MLIR.

# Speed-ups that are used when they are there.
find_program(HCGS_CCACHE ccache)
if(HCGS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${HCGS_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HCGS_CCACHE}")
endif()
find_program(HCGS_LLD NAMES ld.lld-22 ld.lld)
if(HCGS_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options("-fuse-ld=${HCGS_LLD}")
endif()

# Flags and include folders for all of the project's own code.
add_library(hcgs_flags INTERFACE)
target_compile_options(hcgs_flags INTERFACE
  -Wall -Wextra -Wno-unused-parameter -fvisibility-inlines-hidden)
target_include_directories(hcgs_flags INTERFACE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")
if(HCGS_SANITIZE)
  add_compile_options("-fsanitize=${HCGS_SANITIZE}" -fno-omit-frame-pointer)
  add_link_options("-fsanitize=${HCGS_SANITIZE}")
endif()

# Flags of MLIR code: LLVM's definitions, no exceptions, no RTTI. Its headers
# are system headers: their warnings are not ours.
separate_arguments(HCGS_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_library(hcgs_mlir_flags INTERFACE)
target_compile_definitions(hcgs_mlir_flags INTERFACE ${HCGS_LLVM_DEFINITIONS})
target_include_directories(hcgs_mlir_flags SYSTEM INTERFACE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_link_libraries(hcgs_mlir_flags INTERFACE hcgs_flags)

function(_hcgs_mlir_options target requires_eh)
  if(NOT requires_eh)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
  else()
    # Exceptions stay inside the library that asked for them; -fno-rtti would
    # break protobuf's casts, and MLIR's own classes are not cast across.
    target_compile_options(${target} PRIVATE -fexceptions -frtti)
  endif()
endfunction()

# add_hcgs_library(name SRCS... [LINK_LIBS ...] [DEPENDS ...])
# A static library of plain C++: no LLVM, no MLIR.
function(add_hcgs_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC hcgs_flags ${ARG_LINK_LIBS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# add_hcgs_mlir_library(name SRCS... [LINK_LIBS ...] [DEPENDS ...] [REQUIRES_EH])
# A static library of MLIR code. REQUIRES_EH turns exceptions and RTTI on.
function(add_hcgs_mlir_library name)
  cmake_parse_arguments(ARG "REQUIRES_EH" "" "LINK_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC hcgs_mlir_flags ${ARG_LINK_LIBS} MLIR LLVM)
  _hcgs_mlir_options(${name} "${ARG_REQUIRES_EH}")
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# add_hcgs_tool(name SRCS... [LINK_LIBS ...]): a plain executable in bin/.
function(add_hcgs_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE hcgs_flags ${ARG_LINK_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# add_hcgs_mlir_tool(name SRCS... [LINK_LIBS ...]): an executable with MLIR.
function(add_hcgs_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE hcgs_mlir_flags ${ARG_LINK_LIBS} MLIR LLVM)
  _hcgs_mlir_options(${name} FALSE)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# hcgs_mlir_tablegen_target(target): names the target of the mlir_tablegen
# calls before it, so that libraries can depend on the generated headers.
function(hcgs_mlir_tablegen_target target)
  add_public_tablegen_target(${target})
endfunction()

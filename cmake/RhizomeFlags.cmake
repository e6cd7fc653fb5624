# Compiler and linker flags shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wthread-safety -Wthread-safety-beta -Wno-missing-field-initializers)
  # A precompiled header without a time stamp lets ccache reuse what depends on it.
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

find_program(RHIZOME_LLD NAMES ld.lld-16 ld.lld)
if(RHIZOME_LLD)
  add_link_options(--ld-path=${RHIZOME_LLD})
endif()

if(RHIZOME_SANITIZE)
  add_compile_options(-fsanitize=${RHIZOME_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RHIZOME_SANITIZE})
endif()

find_program(RHIZOME_CCACHE ccache)
if(RHIZOME_CCACHE)
  set(ccache_settings CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    # Paths relative to the source: what one checkout has compiled, another takes. Never with precompiled headers: clang
    # writes the absolute path of their source into them.
    add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
    list(APPEND ccache_settings CCACHE_BASEDIR=${CMAKE_SOURCE_DIR})
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env ${ccache_settings} ${RHIZOME_CCACHE})
endif()
# Two compilations at a time is all a two-core machine carries; linking is rarer and heavier.

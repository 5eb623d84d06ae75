# Warnings are the house's (docs/STYLE.md rule 41); CI treats them as errors.
add_library(maru_flags INTERFACE)
target_compile_options(maru_flags INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wvla
    -Wdouble-promotion -Wcast-qual -Wwrite-strings -Wnull-dereference
    -fno-omit-frame-pointer -g)
target_include_directories(maru_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}
    ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(maru_flags INTERFACE _GNU_SOURCE MARU_VERSION="${PROJECT_VERSION}")
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    target_compile_options(maru_flags INTERFACE -Wno-gnu-statement-expression)
endif()
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(maru_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
        -fstack-protector-strong)
    target_link_options(maru_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
if(MARU_SANITIZE)
    target_compile_options(maru_flags INTERFACE -fsanitize=${MARU_SANITIZE}
        -fno-sanitize-recover=all)
    target_link_options(maru_flags INTERFACE -fsanitize=${MARU_SANITIZE})
    # The sanitizer's own instrumentation confuses this flow analysis; the plain builds keep it.
    target_compile_options(maru_flags INTERFACE -Wno-null-dereference)
    target_compile_definitions(maru_flags INTERFACE MARU_SANITIZED=1)
endif()
if(MARU_COVERAGE)
    target_compile_options(maru_flags INTERFACE --coverage)
    target_link_options(maru_flags INTERFACE --coverage)
endif()

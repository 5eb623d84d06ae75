# The house rules and the table of requirements are part of every build: a room that includes what
# it may not, or a requirement that claims a test it has not, stops it (tools/tidy,
# tools/traceability). The stamps make an unchanged tree cost nothing.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(MARU_TIDY_PATTERNS)
foreach(folder src sim tests fuzz bench cmake docs tools packaging)
    list(APPEND MARU_TIDY_PATTERNS ${CMAKE_SOURCE_DIR}/${folder}/*)
endforeach()
file(GLOB_RECURSE maru_tidy_inputs CONFIGURE_DEPENDS LIST_DIRECTORIES false ${MARU_TIDY_PATTERNS})
list(FILTER maru_tidy_inputs EXCLUDE REGEX
    "/(node_modules|__pycache__|corpus|regress|captures)/|\\.(png|jpg|woff2|xz|tmp|swp)$")
file(GLOB_RECURSE maru_tidy_pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/src/*.ts
    ${CMAKE_SOURCE_DIR}/ui/src/*.svelte)

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/tidy.stamp
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/tidy
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/tidy.stamp
    DEPENDS ${maru_tidy_inputs} ${CMAKE_SOURCE_DIR}/CMakeLists.txt
    COMMENT "House rules (tools/tidy)"
    VERBATIM)
add_custom_target(tidy ALL DEPENDS ${CMAKE_BINARY_DIR}/tidy.stamp)

# Who includes whom is checked before the program itself is linked, whatever target is asked for.
set(maru_room_inputs ${maru_tidy_inputs})
list(FILTER maru_room_inputs INCLUDE REGEX "\\.[ch]$|/(ARCHITECTURE|DEPENDENCIES)\\.md$|/tools/tidy$")
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/rooms.stamp
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/tidy --rooms
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/rooms.stamp
    DEPENDS ${maru_room_inputs} ${CMAKE_SOURCE_DIR}/CMakeLists.txt
    COMMENT "Who includes whom (tools/tidy --rooms)"
    VERBATIM)
add_custom_target(rooms ALL DEPENDS ${CMAKE_BINARY_DIR}/rooms.stamp)
if(TARGET maru)
    add_dependencies(maru rooms)
endif()

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/traceability.stamp
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/traceability --check
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/traceability.stamp
    DEPENDS ${maru_tidy_inputs} ${maru_tidy_pages}
    COMMENT "Requirements (tools/traceability)"
    VERBATIM)
add_custom_target(traceability ALL DEPENDS ${CMAKE_BINARY_DIR}/traceability.stamp)

add_test(NAME tools/tidy_and_traceability
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/tools/test_tools.py)
set_tests_properties(tools/tidy_and_traceability PROPERTIES TIMEOUT 120)

# The codes of our labels against ZXing, an npm package that ./dev interop installs; without it the
# test is skipped and says so.
if(NOT MARU_FUZZ)
    find_program(NODE_PROGRAM node)
    if(NODE_PROGRAM)
        add_test(NAME interop/labels
            COMMAND ${NODE_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/interop/labels.test.mjs
                $<TARGET_FILE:maru>)
        set_tests_properties(interop/labels PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
    endif()
endif()

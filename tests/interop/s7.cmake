# Our S7 driver and our simulated controller against Snap7 and nodes7, npm packages that ./dev interop
# installs; without them the test is skipped and says so.
if(NOT MARU_FUZZ)
    add_executable(s7-peer tests/interop/s7_peer.c)
    target_link_libraries(s7-peer PRIVATE device sim)
    find_program(NODE_PROGRAM node)
    if(NODE_PROGRAM)
        add_test(NAME interop/s7
            COMMAND ${NODE_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/interop/s7.test.mjs $<TARGET_FILE:s7-peer>)
        set_tests_properties(interop/s7 PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
    endif()
endif()

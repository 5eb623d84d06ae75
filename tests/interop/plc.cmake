# Clients that are not ours against our simulated PLCs. They are npm packages, which ./dev accept
# installs (tests/interop/package-lock.json); without them the tests are skipped and say so.
if(NOT MARU_FUZZ)
    add_executable(plc-sim tests/interop/plc_sim.c)
    target_link_libraries(plc-sim PRIVATE sim)
    find_program(NODE_PROGRAM node)
    if(NODE_PROGRAM)
        foreach(protocol melsec fins)
            add_test(NAME interop/${protocol}_client
                COMMAND ${NODE_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/interop/plc_clients.mjs ${protocol}
                    $<TARGET_FILE:plc-sim>)
            set_tests_properties(interop/${protocol}_client PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
        endforeach()
    endif()
endif()

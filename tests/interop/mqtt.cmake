# Our Sparkplug host and codec against sparkplug-client and sparkplug-payload, npm packages that ./dev
# interop installs, over Debian's mosquitto; without them the test is skipped and says so.
if(NOT MARU_FUZZ)
    add_executable(mqtt-peer tests/interop/mqtt_peer.c)
    target_link_libraries(mqtt-peer PRIVATE device)
    find_program(NODE_PROGRAM node)
    if(NODE_PROGRAM)
        add_test(NAME interop/sparkplug
            COMMAND ${NODE_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/interop/sparkplug.test.mjs $<TARGET_FILE:mqtt-peer>)
        set_tests_properties(interop/sparkplug PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
    endif()
endif()
if(NOT MARU_FUZZ)
    add_executable(mqtt-plain tests/interop/mqtt_plain.c)
    target_link_libraries(mqtt-plain PRIVATE core PkgConfig::MOSQUITTO)
endif()

# Our Modbus client against servers that are not ours, where they are installed.
if(NOT MARU_FUZZ)
    add_executable(modbus-client tests/interop/modbus_client.c)
    target_link_libraries(modbus-client PRIVATE device)
    pkg_check_modules(LIBMODBUS IMPORTED_TARGET libmodbus)
    if(LIBMODBUS_FOUND)
        add_executable(modbus-peer tests/interop/modbus_peer.c)
        target_link_libraries(modbus-peer PRIVATE PkgConfig::LIBMODBUS)
        add_test(NAME interop/modbus_libmodbus
            COMMAND ${CMAKE_SOURCE_DIR}/tests/interop/modbus_peers.sh libmodbus ${CMAKE_BINARY_DIR})
        set_tests_properties(interop/modbus_libmodbus PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
    endif()
    foreach(peer pymodbus pymodbus_rtu modbus_serial mbpoll)
        add_test(NAME interop/modbus_${peer}
            COMMAND ${CMAKE_SOURCE_DIR}/tests/interop/modbus_peers.sh ${peer} ${CMAKE_BINARY_DIR})
        set_tests_properties(interop/modbus_${peer} PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
    endforeach()
endif()

# tests/ROOM/test_X.c is one cmocka executable linked with its room. fuzz/fuzz_ROOM_X.c is a
# libFuzzer target in the fuzz preset; in every other preset it is linked with a driver that
# replays fuzz/corpus/ROOM_X and fuzz/regress/ROOM_X, so found crashes stay found.
set(MARU_ROOMS core model table wire device refine historian ledger production programme plant papers upkeep launch serve app sim)

function(maru_check_driver_tests)
    file(STRINGS ${CMAKE_SOURCE_DIR}/src/device/drivers.def lines REGEX "^DRIVER\\(")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/device/drivers.def)
    foreach(line ${lines})
        string(REGEX REPLACE "^DRIVER\\(([a-z0-9_]+)\\).*" "\\1" driver "${line}")
        if(NOT EXISTS ${CMAKE_SOURCE_DIR}/tests/device/test_${driver}.c)
            message(FATAL_ERROR "Driver '${driver}' has no test: write tests/device/test_${driver}.c"
                " with its captures (docs/ADD_A_DRIVER.md).")
        endif()
        if(NOT EXISTS ${CMAKE_SOURCE_DIR}/src/device/drivers/${driver}.c)
            message(FATAL_ERROR "drivers.def names '${driver}' but src/device/drivers/${driver}.c is missing.")
        endif()
    endforeach()
endfunction()

# What a power cut, a kill or a failing disk leaves of a history. The linker leads the system's calls
# through tests/crash/support_disk.c, which records them.
function(maru_add_crash_tests)
    if(MARU_FUZZ)
        return()
    endif()
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/crash/test_*.c)
    file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/crash/support_*.c)
    add_library(crash_support STATIC ${helpers} ${CMAKE_SOURCE_DIR}/tests/historian/support_history.c)
    target_link_libraries(crash_support PUBLIC historian PkgConfig::CMOCKA)
    foreach(call open close pwritev ftruncate fdatasync fsync rename unlink mkdir fallocate)
        target_link_options(crash_support PUBLIC -Wl,--wrap=${call})
    endforeach()
    foreach(test ${tests})
        get_filename_component(stem ${test} NAME_WE)
        string(REGEX REPLACE "^test_" "" stem ${stem})
        add_executable(test_crash_${stem} ${test})
        target_link_libraries(test_crash_${stem} PRIVATE crash_support)
        add_test(NAME crash/${stem} COMMAND test_crash_${stem} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
        set_tests_properties(crash/${stem} PROPERTIES TIMEOUT 600)
    endforeach()
endfunction()

# The historian once more without code for one kind of CPU, its public names begun with `portable_`, so that
# a test can hold both in one program and compare them.
function(maru_add_portable_historian)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/historian/*.c)
    add_library(historian_portable OBJECT ${sources})
    target_link_libraries(historian_portable PRIVATE maru_flags core model PkgConfig::ZSTD)
    target_compile_definitions(historian_portable PRIVATE MARU_PORTABLE=1)
    set(renamed ${CMAKE_BINARY_DIR}/historian_portable.o)
    add_custom_command(OUTPUT ${renamed}
        COMMAND ${CMAKE_SOURCE_DIR}/tests/historian/rename-symbols portable_ ${renamed} $<TARGET_OBJECTS:historian_portable>
        DEPENDS historian_portable $<TARGET_OBJECTS:historian_portable> ${CMAKE_SOURCE_DIR}/tests/historian/rename-symbols
        COMMAND_EXPAND_LISTS COMMENT "The portable historian" VERBATIM)
    set_source_files_properties(${renamed} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    target_sources(test_historian_portable PRIVATE ${renamed})
endfunction()

function(maru_add_tests)
    # A sanitized program takes many times as long.
    set(UNIT_TIMEOUT_S 120)
    if(MARU_SANITIZE)
        set(UNIT_TIMEOUT_S 600)
    endif()
    maru_check_driver_tests()
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
    set(rooms ${MARU_ROOMS})
    if(MARU_FUZZ)
        set(rooms "") # The fuzz build holds the targets alone.
    endif()
    foreach(room ${rooms})
        file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${room}/test_*.c)
        file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${room}/support_*.c)
        if(room STREQUAL "plant") # What goes out by MQTT is tested with the broker, too.
            list(APPEND helpers ${CMAKE_SOURCE_DIR}/tests/device/support_broker.c)
            foreach(reader parquet table) # And what is archived, with a reader of the tests' own.
                list(APPEND helpers ${CMAKE_SOURCE_DIR}/tests/table/support_${reader}.c)
            endforeach()
        endif()
        if(room STREQUAL "production" OR room STREQUAL "programme") # Their tables stand in a ledger.
            list(APPEND helpers ${CMAKE_SOURCE_DIR}/tests/ledger/support_ledger.c)
        endif()
        foreach(test ${tests})
            get_filename_component(stem ${test} NAME_WE)
            string(REGEX REPLACE "^test_" "" stem ${stem})
            set(target test_${room}_${stem})
            add_executable(${target} ${test} ${helpers})
            target_link_libraries(${target} PRIVATE ${room} PkgConfig::CMOCKA)
            if(room STREQUAL "device" OR room STREQUAL "plant")
                target_link_libraries(${target} PRIVATE sim)
                target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/device)
            endif()
            if(room STREQUAL "production")
                target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/ledger)
            endif()
            target_compile_definitions(${target} PRIVATE
                TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data"
                TEST_CAPTURES="${CMAKE_SOURCE_DIR}/tests/captures"
                TEST_SOURCE="${CMAKE_SOURCE_DIR}")
            add_test(NAME ${room}/${stem} COMMAND ${target}
                WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
            set_tests_properties(${room}/${stem} PROPERTIES TIMEOUT ${UNIT_TIMEOUT_S})
        endforeach()
    endforeach()
    if(TARGET test_historian_portable)
        maru_add_portable_historian()
    endif()
    maru_add_crash_tests()
    if(TARGET histdump)
        add_test(NAME tools/histdump COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/tools/test_histdump.py
            $<TARGET_FILE:histdump>)
        set_tests_properties(tools/histdump PROPERTIES TIMEOUT 120)
    endif()
    file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/fuzz_*.c)
    foreach(fuzzer ${fuzzers})
        get_filename_component(stem ${fuzzer} NAME_WE)
        string(REGEX REPLACE "^fuzz_([a-z]+)_.*" "\\1" room ${stem})
        string(REGEX REPLACE "^fuzz_" "" what ${stem})
        if(MARU_FUZZ)
            add_executable(${stem} ${fuzzer})
            target_link_libraries(${stem} PRIVATE ${room} -fsanitize=fuzzer)
        else()
            add_executable(${stem} ${fuzzer} ${CMAKE_SOURCE_DIR}/fuzz/replay.c)
            target_link_libraries(${stem} PRIVATE ${room})
            add_test(NAME fuzz/${what} COMMAND ${stem}
                ${CMAKE_SOURCE_DIR}/fuzz/corpus/${what} ${CMAKE_SOURCE_DIR}/fuzz/regress/${what})
        endif()
    endforeach()
endfunction()

# Whole-system tests: the real program against strangers, in short. ./dev accept runs the same scripts
# at full length.
function(maru_add_system_tests)
    if(MARU_FUZZ OR NOT TARGET maru)
        return()
    endif()
    foreach(step "doctor;" "replay;12" "demo;16" "import;6" "tables;8" "diskfull;" "ops;" "https;" "syslog;" "mail;" "programme;" "mqtt;5000" "outage;1" "soak;5")
        list(GET step 0 name)
        list(GET step 1 argument)
        add_test(NAME system/${name}
            COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/accept/step_${name}.py ${argument})
        set_tests_properties(system/${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
            LABELS system RUN_SERIAL ON
            ENVIRONMENT "MARU_PROGRAM=$<TARGET_FILE:maru>;MARU_LAUNCHER=$<TARGET_FILE:maru-launch>;MARU_QUICK=1;MARU_SANITIZED=${MARU_SANITIZE}")
    endforeach()
    # These wait more than they work, and bear a slow machine: beside others, and begun first.
    set_tests_properties(system/https system/syslog system/mail system/programme system/outage system/soak system/replay
        system/mqtt PROPERTIES RUN_SERIAL OFF COST 1000)
endfunction()

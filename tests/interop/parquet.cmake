# Our Parquet against hyparquet and DuckDB, npm packages that ./dev interop installs; without them the
# test is skipped and says so.
if(NOT MARU_FUZZ)
    find_program(NODE_PROGRAM node)
    if(NODE_PROGRAM)
        add_test(NAME interop/parquet
            COMMAND ${NODE_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/interop/parquet.test.mjs
                $<TARGET_FILE:maru> $<TARGET_FILE:test_table_parquet>)
        set_tests_properties(interop/parquet PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77)
    endif()
endif()

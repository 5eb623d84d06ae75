if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.c AND NOT MARU_FUZZ)
    add_executable(maru src/app/main.c)
    target_link_libraries(maru PRIVATE app)
endif()

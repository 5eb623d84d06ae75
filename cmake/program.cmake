if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.c AND NOT MARU_FUZZ)
    add_executable(maru src/app/main.c)
    target_link_libraries(maru PRIVATE app)
endif()
# One simulated machine as a process, for tests that kill it and bring it back.
if(NOT MARU_FUZZ)
    add_executable(maru-sim sim/main.c)
    target_link_libraries(maru-sim PRIVATE sim)
endif()

# share/ (the programmes that ship, public holidays) becomes tables of the room `programme`.
file(GLOB share_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/share/*.json
    ${CMAKE_SOURCE_DIR}/share/programmes/*.json)
set(share_c ${CMAKE_BINARY_DIR}/generated/share.c)
add_custom_command(OUTPUT ${share_c}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed-share.py
        --share ${CMAKE_SOURCE_DIR}/share --out ${share_c}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed-share.py ${share_files}
    COMMENT "Embedding the programmes" VERBATIM)
target_sources(programme PRIVATE ${share_c})

# The pages are built once (ui/dist) whatever the preset, and every preset embeds them: npm ci when
# the lock changed, vite when a source changed, then tools/embed-pages.py writes a C table that the
# assembler fills by .incbin. Without npm, or with -DMARU_UI=OFF, one plain page says so.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(MARU_NPM npm)

set(ui_dir ${CMAKE_SOURCE_DIR}/ui)
set(pages_c ${CMAKE_BINARY_DIR}/generated/pages.c)
set(embed ${CMAKE_SOURCE_DIR}/tools/embed-pages.py)

if(MARU_UI AND MARU_NPM AND EXISTS ${ui_dir}/package-lock.json)
    file(GLOB_RECURSE ui_sources CONFIGURE_DEPENDS ${ui_dir}/src/* ${ui_dir}/scripts/*
        ${ui_dir}/public/* ${CMAKE_SOURCE_DIR}/docs/user/*.md ${CMAKE_SOURCE_DIR}/docs/pictures/*)
    file(GLOB ui_settings CONFIGURE_DEPENDS ${ui_dir}/*.json ${ui_dir}/*.js ${ui_dir}/*.ts
        ${ui_dir}/index.html)
    set(ui_modules ${ui_dir}/node_modules/.maru-installed)
    set(ui_stamp ${ui_dir}/dist/.maru-built)
    # flock: two presets building at once share the folders.
    add_custom_command(OUTPUT ${ui_modules}
        COMMAND flock ${ui_dir}/package-lock.json ${MARU_NPM} ci --no-audit --no-fund --silent
        COMMAND ${CMAKE_COMMAND} -E touch ${ui_modules}
        DEPENDS ${ui_dir}/package-lock.json
        WORKING_DIRECTORY ${ui_dir} COMMENT "Installing what the pages need" VERBATIM)
    add_custom_command(OUTPUT ${ui_stamp}
        COMMAND flock ${ui_dir}/package-lock.json ${MARU_NPM} run --silent build
        COMMAND ${CMAKE_COMMAND} -E touch ${ui_stamp}
        DEPENDS ${ui_modules} ${ui_sources} ${ui_settings}
        WORKING_DIRECTORY ${ui_dir} COMMENT "Building the pages" VERBATIM)
    set(pages_from --dist ${ui_dir}/dist)
    set(pages_need ${ui_stamp})
else()
    if(MARU_UI)
        message(WARNING "npm or ui/package-lock.json is missing: building without pages")
    endif()
    set(pages_from "")
    set(pages_need "")
endif()

add_custom_command(OUTPUT ${pages_c}
    COMMAND ${Python3_EXECUTABLE} ${embed} ${pages_from} --out ${pages_c}
    DEPENDS ${embed} ${pages_need} COMMENT "Embedding the pages" VERBATIM)
target_sources(serve PRIVATE ${pages_c})

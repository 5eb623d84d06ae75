/*
 * Any members under any type are gathered or refused; what was gathered is written down the same
 * whatever order its members came in. Input: the type, then lines of name=value.
 */
#include "core/check.h"
#include "production/event_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct event_member members[EVENT_MEMBERS_MAX + 1];
    struct str rest = {(const char *)data, size};
    struct event_call call = {.type = str_cut(&rest, '\n'), .members = members};
    while (rest.data != NULL && call.member_count <= EVENT_MEMBERS_MAX) {
        struct str value = str_cut(&rest, '\n');
        struct str name = str_cut(&value, '=');
        members[call.member_count++] =
            (struct event_member){name, value.data != NULL ? value : STR_NONE};
    }
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct event_given given;
    struct err err = ERR_INIT;
    if (event_gather(&call, &arena, &given, &err) < 0) {
        CHECK(err.note_count > 0);
        return 0;
    }
    AUTO_BUF struct buf first;
    AUTO_BUF struct buf second;
    buf_init(&first, (size_t)1 << 20);
    buf_init(&second, (size_t)1 << 20);
    event_put_body(&given, &first);
    bool single = true; // Lists keep their order, so only events without one may be turned round.
    for (uint32_t i = 0; i < given.field_count; i++) {
        single = single && given.firsts[i + 1] - given.firsts[i] <= 1;
    }
    for (uint32_t i = 0; single && i < call.member_count / 2; i++) {
        struct event_member member = members[i];
        members[i] = members[call.member_count - 1 - i];
        members[call.member_count - 1 - i] = member;
    }
    CHECK(event_gather(&call, &arena, &given, &err) >= 0);
    event_put_body(&given, &second);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
    return 0;
}

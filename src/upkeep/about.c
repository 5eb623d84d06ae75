/*
 * Lines of words, because this part is what a person looks at (`maru verify FILE`) and what later
 * versions will add to. Every word is checked: the file came from outside.
 */
#include "upkeep/about.h"

#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "core/mem.h"

enum { WORDS_MAX = 8, PATH_STEPS_MAX = 6, STEP_BYTES_MAX = 128 };

static void put_hex(struct buf *to, const uint8_t bytes[DIGEST_BYTES]) {
    char text[DIGEST_TEXT_MAX];
    digest_text(bytes, text);
    buf_printf(to, " %s", text);
}

void about_write(const struct about *about, struct buf *to) {
    buf_printf(to, "maru %s\ncreated %lld\nkeys %s\nlogical %s\n", MARU_VERSION,
        (long long)about->created_ns, about->has_keys ? "sealed" : "none", about->logical);
    if (about->hub.present) {
        buf_printf(to, "hub %lld", (long long)about->hub.head.sequence);
        put_hex(to, about->hub.head.hash);
        put_hex(to, about->hub.ledger);
        buf_put_char(to, '\n');
    }
    for (uint32_t i = 0; i < about->plant_count; i++) {
        const struct plant_digest *plant = &about->plants[i];
        buf_printf(to, "plant %s %llu %llu %lld", plant->id, (unsigned long long)plant->seq,
            (unsigned long long)plant->rows, (long long)plant->head.sequence);
        put_hex(to, plant->head.hash);
        put_hex(to, plant->ledger);
        put_hex(to, plant->samples);
        buf_put_char(to, '\n');
    }
}

static bool parse_hub(const struct str *words, uint32_t count, struct about *about) {
    about->hub.present = true;
    return count == 4 && str_to_i64(words[1], &about->hub.head.sequence) &&
           digest_parse(words[2], about->hub.head.hash) &&
           digest_parse(words[3], about->hub.ledger);
}

static bool parse_plant(const struct str *words, uint32_t count, struct about *about) {
    if (count != 8 || about->plant_count == HOME_PLANTS_MAX || !str_is_id(words[1])) {
        return false;
    }
    struct plant_digest *plant = &about->plants[about->plant_count++];
    (void)str_copy_z(words[1], plant->id, sizeof plant->id);
    return str_to_u64(words[2], &plant->seq) && str_to_u64(words[3], &plant->rows) &&
           str_to_i64(words[4], &plant->head.sequence) &&
           digest_parse(words[5], plant->head.hash) && digest_parse(words[6], plant->ledger) &&
           digest_parse(words[7], plant->samples);
}

static bool parse_line(struct str line, struct about *about) {
    struct str words[WORDS_MAX];
    uint32_t count = 0;
    while (line.size > 0 && count < WORDS_MAX) {
        words[count++] = str_cut(&line, ' ');
    }
    if (count < 2) {
        return count == 0;
    }
    uint8_t bytes[DIGEST_BYTES];
    if (str_eq(words[0], STR("maru"))) {
        (void)str_copy_z(words[1], about->version, sizeof about->version);
    } else if (str_eq(words[0], STR("created"))) {
        return str_to_i64(words[1], &about->created_ns);
    } else if (str_eq(words[0], STR("keys"))) {
        about->has_keys = str_eq(words[1], STR("sealed"));
    } else if (str_eq(words[0], STR("logical"))) {
        (void)str_copy_z(words[1], about->logical, sizeof about->logical);
        return digest_parse(words[1], bytes);
    } else if (str_eq(words[0], STR("hub"))) {
        return parse_hub(words, count, about);
    } else if (str_eq(words[0], STR("plant"))) {
        return parse_plant(words, count, about);
    }
    return true;
}

int about_parse(struct str text, struct about *ret_about, struct err *err) {
    size_t bad = 0;
    AUTO_FREE struct about *about = MEM_NEW(struct about);
    bool good = str_is_utf8(text, &bad) && text.size <= ABOUT_BYTES_MAX;
    while (good && text.size > 0) {
        good = parse_line(str_cut(&text, '\n'), about);
    }
    if (!good || about->logical[0] == '\0' || about->version[0] == '\0') {
        return err_set(err, ERR_CORRUPT, MSG_BACKUP_ABOUT, NO_ARGS);
    }
    *ret_about = *about;
    return 0;
}

/* ---- Names of parts ---- */

bool part_name_good(struct str name) {
    if (name.size == 0 || name.size > STEP_BYTES_MAX || name.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-' || c == '.';
        if (!good) {
            return false;
        }
    }
    return true;
}

bool part_path_good(struct str name) {
    static const char *const ALONE[] = {"about", "maru.conf", "hub.db", "keys.sealed"};
    for (size_t i = 0; i < sizeof ALONE / sizeof ALONE[0]; i++) {
        if (str_eq(name, str_of(ALONE[i]))) {
            return true;
        }
    }
    struct str rest = name;
    if (!str_eq(str_cut(&rest, '/'), STR("plants")) || !str_is_id(str_cut(&rest, '/'))) {
        return false;
    }
    struct str kind = str_cut(&rest, '/');
    if (str_eq(kind, STR("ledger.db"))) {
        return rest.data == NULL;
    }
    bool history = str_eq(kind, STR("history"));
    int steps = 0;
    bool papers = str_eq(kind, STR("papers"));
    bool good = (history || papers || str_eq(kind, STR("spool"))) && rest.data != NULL;
    while (good && rest.data != NULL) {
        good = part_name_good(str_cut(&rest, '/')) &&
               ++steps <= (history || papers ? 1 : PATH_STEPS_MAX - 3);
    }
    return good;
}

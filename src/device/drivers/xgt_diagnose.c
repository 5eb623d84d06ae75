/*
 * What only the protocol can find out about an XGT controller, for the connection doctor.
 *
 * Ethernet: one word of M is read; the header of the answer names the CPU and its state, and shows
 * whether option `cpu` fits, which decides how bits are numbered. Without an answer the other
 * company id is tried once. Serial: the set station, then the first few others.
 *
 * A bit that is named as a bit (%MX1A) is read both ways, by its name and out of its word. If the
 * two differ, writing it would hit another bit, and the other numbering is proposed. Two equal
 * values prove little when the bits around are equal too, so it is said as a finding, not as proof.
 */
#include <stdio.h>

#include "core/buf.h"
#include "device/drivers/xgt.h"

enum { STATIONS_TRIED = 5, SOURCE_BYTES = 64, REFUSED_FRAME = 0x75 };

static const char *const cpu_words[] = {"xgk", "xgb", "xgi", "xgr", "xgb-iec"};
static const uint8_t cpu_codes[] = {0xA0, 0xB0, 0xA4, 0xA8, 0xB4};
enum { CPU_COUNT = sizeof cpu_codes };

static void say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, id, args); // Only its words are used.
    diagnosis_add(diagnosis, verdict, &words);
}

static void judge_head(struct driver_io *io, struct diagnosis *diagnosis) {
    const struct xgt_head *head = xgt_last_head(io);
    int64_t set = io_settings(io)->values[XGT_OPTION_CPU];
    const char *state = xgt_state_name(head->info);
    char cpu[8];
    xgt_cpu_name(head->cpu, cpu);
    say(diagnosis, VERDICT_GOOD, MSG_XGT_FOUND, ARGS(A_CSTR(cpu), A_CSTR(state)));
    if (!str_eq(str_of(state), STR("run"))) {
        say(diagnosis, VERDICT_NOTE, MSG_XGT_NOT_RUNNING, ARGS(A_CSTR(state)));
    }
    if ((head->info & XGT_INFO_ERROR) != 0) {
        say(diagnosis, VERDICT_NOTE, MSG_XGT_CPU_ERROR, NO_ARGS);
    }
    for (size_t i = 0; i < CPU_COUNT; i++) {
        if (cpu_codes[i] == head->cpu && (int64_t)i != set) {
            say(diagnosis, VERDICT_NOTE, MSG_XGT_CPU_OTHER,
                ARGS(A_CSTR(cpu), A_CSTR(cpu_words[set]), A_CSTR(cpu_words[i])));
        }
    }
}

/* Nobody answered under the set company id. */
static void try_company(struct driver_io *io, struct diagnosis *diagnosis) {
    struct driver_settings other = *io_settings(io);
    int64_t set = other.values[XGT_OPTION_COMPANY];
    other.values[XGT_OPTION_COMPANY] = set == XGT_COMPANY_XGT ? XGT_COMPANY_GLOFA : XGT_COMPANY_XGT;
    struct err ignored = ERR_INIT;
    if (xgt_exchange(io, &other, &xgt_probe, &ignored) >= 0) {
        const char *company = set == XGT_COMPANY_XGT ? "glofa" : "xgt";
        say(diagnosis, VERDICT_BAD, MSG_XGT_OTHER_COMPANY, ARGS(A_CSTR(company)));
        return;
    }
    say(diagnosis, VERDICT_BAD, MSG_XGT_SILENT, NO_ARGS);
}

static void try_stations(struct driver_io *io, struct diagnosis *diagnosis) {
    struct driver_settings other = *io_settings(io);
    int64_t set = other.values[XGT_OPTION_STATION];
    for (int64_t station = 0; station < STATIONS_TRIED; station++) {
        struct err ignored = ERR_INIT;
        other.values[XGT_OPTION_STATION] = station;
        if (station != set && xgt_exchange(io, &other, &xgt_probe, &ignored) >= 0) {
            say(diagnosis, VERDICT_BAD, MSG_XGT_STATION_FOUND, ARGS(A_INT(set), A_INT(station)));
            return;
        }
    }
    say(diagnosis, VERDICT_BAD, MSG_XGT_SILENT_CNET, ARGS(A_INT(STATIONS_TRIED - 1)));
}

/* The bit by its own name against the bit in its word. */
static void compare_bit(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis) {
    const struct driver_settings *settings = io_settings(io);
    uint32_t sub = point->detail[XGT_SUB];
    struct xgt_request word = {.kind = XGT_READ_RUN,
        .count = 1,
        .blocks = {{.area = point->space, .word = point->start}},
        .bytes = 2};
    struct xgt_request bit = {.kind = XGT_READ_BLOCKS,
        .width = XGT_WIDTH_BIT,
        .count = 1,
        .blocks = {{.area = point->space, .word = point->start, .sub = sub}}};
    struct err ignored = ERR_INIT;
    if (xgt_exchange(io, settings, &word, &ignored) != 0) {
        return; // Reading tells why.
    }
    bool in_word = (xgt_data(io)[sub / 8] >> (sub % 8) & 1) != 0;
    int code = xgt_exchange(io, settings, &bit, &ignored);
    if (code < 0) {
        return;
    }
    char name[XGT_NAME_MAX + 1];
    name[xgt_put_name(settings, &bit.blocks[0], XGT_WIDTH_BIT, name)] = '\0';
    if (code == 0 && (xgt_data(io)[0] != 0) == in_word) {
        say(diagnosis, VERDICT_GOOD, MSG_XGT_BIT_NAME, ARGS(A_CSTR(name)));
        return;
    }
    bool flat = xgt_bits_are_flat(settings, point->space);
    say(diagnosis, VERDICT_NOTE, MSG_XGT_BIT_OTHER,
        ARGS(A_CSTR(name), A_CSTR(flat ? "hex" : "flat")));
}

/* The same words in other formats. */
static void offer_forms(const struct point *point, struct diagnosis *diagnosis) {
    static const char *const forms[] = {"u16", "i16", "f32 low-first", "f32 high-first",
        "i32 low-first", "i32 high-first", "u32 low-first", "u32 high-first", "bcd16", "bcd32"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char source[SOURCE_BYTES];
        (void)snprintf(source, sizeof source, "%%%cB%u %s", XGT_AREAS[point->space],
            point->start * 2 + point->detail[XGT_SUB], forms[i]);
        diagnosis_candidate(diagnosis, str_of(source), str_of(forms[i]), STR_NONE);
    }
}

int xgt_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    (void)err; // What is found goes into the diagnosis.
    const struct driver_settings *settings = io_settings(io);
    bool cnet = xgt_is_cnet(settings);
    struct err words = ERR_INIT;
    int result = xgt_exchange(io, settings, &xgt_probe, &words);
    if (result == -ERR_TIMEOUT) {
        if (cnet) {
            try_stations(io, diagnosis);
        } else {
            try_company(io, diagnosis);
        }
        return 0;
    }
    if (!cnet && result >= REFUSED_FRAME) {
        result = xgt_fenet_words(result, "%MB0", &words);
    }
    if (result < 0) {
        diagnosis_add(diagnosis, VERDICT_BAD, &words);
        return 0;
    }
    if (cnet) {
        say(diagnosis, VERDICT_GOOD, MSG_XGT_FOUND_CNET,
            ARGS(A_INT(settings->values[XGT_OPTION_STATION])));
    } else {
        judge_head(io, diagnosis);
    }
    if (point == NULL || point->space >= XGT_BITS) {
        return 0;
    }
    enum xgt_format format = (enum xgt_format)point->detail[XGT_FORMAT];
    if (format == XGT_BIT) {
        compare_bit(io, point, diagnosis);
    } else if (format != XGT_WORD_BIT && format != XGT_TEXT) {
        offer_forms(point, diagnosis);
    }
    return 0;
}

#ifndef SERVE_VIEW_H
#define SERVE_VIEW_H
/*
 * Pieces of JSON that several answers share: values, tags, devices with their health. Pure but for
 * reading the live table and health of the plant given.
 */
#include "core/json.h"
#include "model/live.h"
#include "plant/plant.h"

/* Milliseconds since 1970, rounded down also before it. */
int64_t view_ms(int64_t time_ns);
/* Whether a value of this status and, where it is a real, of this number is shown; else null. */
bool view_has_value(uint32_t status, double number);
/* The value alone: a number, text or true/false; null where none came, and for a type unknown. */
void view_live_value(struct json *json, const struct live_value *value);
/* A number that may be absent: NaN is null. */
void view_put_optional(struct json *json, const char *key, double value);
/* A time that may be absent: 0 is null. */
void view_put_time(struct json *json, const char *key, int64_t time_ns);
/* A text that may be absent: empty is null. */
void view_put_text(struct json *json, const char *key, struct str text);
/* Millionths of a unit or of a won as an exact decimal. */
void view_put_amount(struct json *json, const char *key, int64_t amount_u);
/* "2026-11-22": the day of a moment by the clocks of a zone. Lives in `to`. */
enum { VIEW_DAY_MAX = 11 };
struct str view_day(int64_t time_ns, const struct zone *zone, char to[VIEW_DAY_MAX]);
/* A tag with its newest value, as docs/HTTP.md shows it. */
struct view_moment {
    int64_t now_ns;
    enum lang lang;
};
void view_tag(struct json *json, const struct tag *tag, const struct live_value *value,
    const struct view_moment *moment);
void view_device(
    struct json *json, struct plant *plant, const struct device *device, enum lang lang);
/* One refine stage with its counts. */
void view_stage(
    struct json *json, enum refine_stage stage, const struct stage_counts *counts, enum lang lang);
/* An error as a sentence, or null when there is none. */
void view_put_error(struct json *json, const char *key, const struct err *err, enum lang lang);
/* {"id","display","zone","role"}: the caller's role in it. */
void view_plant(struct json *json, const struct plant *plant, enum role role);
/* {"id","name","kind"} of a user's organisation, or null. */
struct user_facts;
void view_organisation(struct json *json, const struct user_facts *user);
/* {"items":[ and ],"next":null} of lists that come whole. */
void view_items_begin(struct json *json);
void view_items_end(struct json *json);
/* ],"next":"NUMBER"} of lists that come in pages; 0: there is nothing more. */
void view_items_page_end(struct json *json, int64_t next);
/* The same where the place is a text; empty: there is nothing more. */
void view_items_page_end_at(struct json *json, struct str next);

#endif

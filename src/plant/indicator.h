#ifndef PLANT_INDICATOR_H
#define PLANT_INDICATOR_H
/*
 * Performance indicators computed: months of the plant's zone from stored samples by a formula
 * (plant/formula.h), and what a result means against baseline and target.
 *
 * A month is computed again until three days after its end, for rows may come late; then it is
 * closed and stays, whatever becomes of the formula. A month without a value stays open. Each
 * computed month keeps its derivation, one JSON object: {"formula","from","to","computed","hours",
 * "reason":"" or why there is no value (no_value, by_zero, too_large),"reason_tag","inputs":
 * [{"tag","values":{"increase":...},"rows","bad","partial","gap_s","missing"}]}. rows: good and
 * uncertain rows; bad: rows without a usable value; partial: rows have expired; gap_s: seconds no
 * value covers (plant/quality.h); missing: polls due in that time, null where nothing is due.
 *
 * The plant is borrowed; any thread that may wait.
 */
#include "core/thread.h"
#include "ledger/indicators.h"
#include "plant/plant.h"

enum {
    INDICATOR_SETTLE_S = 3 * 86400, // After a month's end.
    INDICATOR_MONTHS_MAX = 60,      // Back from now; earlier ones are not computed.
};

/* The month that holds a moment, in the plant's zone. */
void indicator_month_of(const struct plant *plant, int64_t time_ns, char to[INDICATOR_MONTH_BYTES]);
/* The month `count` before. */
void indicator_month_before(struct str month, int count, char to[INDICATOR_MONTH_BYTES]);

/* Before a definition is stored: that the formula can be read, its tags are there and are numbers;
 * an empty `since` becomes this month (in the arena). ERR_INVALID, ERR_NOT_FOUND with words. */
int indicator_check(
    struct plant *plant, struct indicator *indicator, struct arena *arena, struct err *err);

/* Computes a month up to now. NaN in *ret_value: no value, the derivation says why. */
int indicator_compute(struct plant *plant, struct str formula, struct str month,
    struct arena *arena, double *ret_value, struct str *ret_derivation, struct err *err);
/* Computes and stores what is due: months that are not closed, and not computed within max_age_ns.
 * At most `months` of them. Ends early when `stop` (may be NULL) is raised. Count of stored. */
int indicator_refresh(struct plant *plant, int64_t max_age_ns, uint32_t months,
    const struct stop_flag *stop, struct err *err);

/* ---- What a result means ---- */

/* improvement = (now - before) / |before| * 100, with the sign turned where lower is better.
 * achievement = (now - before) / (target - before) * 100: the share of the way that is gone. It is
 * neither cut at 0 nor at 100. NaN: there is none, and the words say why. */
struct indicator_figures {
    bool has_result;
    struct indicator_value result; // The newest ended month with a value; of a typed indicator the
                                   // newest month.
    bool has_present;
    struct indicator_value present; // Of this month so far, computed ones only.
    double improvement;
    double achievement;
    struct str improvement_words; // The formula with its figures, or why there is none.
    struct str achievement_words;
};
double indicator_improvement(double before, double now, bool lower_is_better);
double indicator_achievement(double before, double target, double now);
/* `values` newest first, as indicator_values gives them; `month` the present one. */
void indicator_figures(const struct indicator *indicator, const struct indicator_value *values,
    int count, struct str month, enum lang lang, struct arena *arena,
    struct indicator_figures *ret_figures);
/* Mean of the achievements that there are, each cut to 0..100, by weight; NaN: of none. */
struct indicator_mean {
    double sum;
    double weight;
    uint32_t count;
};
void indicator_mean_add(struct indicator_mean *mean, double achievement, double weight);
double indicator_mean_value(const struct indicator_mean *mean);

/* Outcomes of factories that adopted smart-factory systems, to compare with. Source: press release
 * of the Ministry of SMEs and Startups, 2023-01-09 (integrated announcement 2023), after the
 * outcome analysis of Statistics Promotion Institute, May 2022: adopters of 2014 to 2019, 12,660
 * companies. */
struct indicator_reference {
    const char *effect;
    double value;
    bool persons; // Of the number of persons employed; else percent.
};
extern const struct indicator_reference INDICATOR_REFERENCES[6];

#endif

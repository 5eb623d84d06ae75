#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H
/*
 * Collecting from devices. One thread per link (all devices that share one address, such as the
 * units of a serial line, share its link). A link thread connects, polls its groups each period,
 * fills a batch and gives it to the sink port. A silent device, unit or bad address delays no
 * other: silent units are skipped with growing delay, devices have links of their own.
 */
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/random.h"
#include "device/driver.h"
#include "model/event.h"
#include "model/tag.h"

struct device_set;

/* Where batches go (the plant's pipeline). */
struct sample_port {
    void *context;
    /* An empty batch to fill, waiting until the monotonic deadline; NULL when none came free. */
    struct batch *(*take)(void *context, int64_t deadline_mono_ns);
    /* Hands the filled batch on (ownership goes with it). 0 or -ERR_CLOSED. */
    int (*give)(void *context, struct batch *batch);
    /* Makes the batch durable before it returns; it stays the caller's. ERR_SPACE, ERR_BUSY,
     * ERR_CLOSED: nothing was stored. */
    int (*submit)(void *context, struct batch *batch, struct err *err);
    /* Small durable texts of a device (driver.h, io_bookmark_get and _put). */
    int (*bookmark_get)(
        void *context, struct str device, struct str key, struct buf *out, struct err *err);
    int (*bookmark_put)(
        void *context, struct str device, struct str key, struct str value, struct err *err);
};

struct device_set_options {
    const struct clock *clock; // NULL: the system's.
    struct sample_port port;
    uint64_t random_seed; // Jitter; 0: from the system.
};

/* Starts a link thread for each enabled device of the catalogue that has tags. Tags whose source
 * cannot be parsed are reported in health and do not stop the others. */
struct device_set *device_set_new(const struct device_set_options *options);
void device_set_free(struct device_set *set); // Stops and joins all links.
/* Makes the running links match the catalogue: unchanged devices go on undisturbed. */
void device_set_apply(struct device_set *set, struct catalogue *catalogue);
/* Health of device number `device`; false when it is not running. Any thread. */
bool device_set_health(struct device_set *set, uint32_t device, struct device_health *ret_health);

/* Options that every device has besides its driver's own; ends with a NULL name. */
const struct driver_option *device_link_options(void);
/* Checks a device line and a tag's source against the registry, for import and the forms.
 * ERR_INVALID, ERR_NOT_FOUND with words. */
int device_check(const struct device *device, struct err *err);
/* Whether the line names a file or folder of this computer: another than a line of /dev. */
bool device_uses_files(const struct device *device);
int device_check_source(
    const struct device *device, struct str source, struct point *ret_point, struct err *err);
/* Checks the tag's source and that its values fit the tag's type: a text cannot feed a number or a
 * bool, a fraction cannot feed a bool. ERR_INVALID, ERR_NOT_FOUND with words. */
int device_check_tag(const struct device *device, const struct tag *tag, struct err *err);

/* Opens a session of its own and lists what the device has, under a branch or (empty) from the top;
 * at most 10,000 items. ERR_UNSUPPORTED: its protocol cannot tell. Waits as long as the device
 * does; call from a thread that may. */
int device_browse(const struct device *device, struct str under,
    void (*each)(void *context, const struct browse_item *item), void *context, struct err *err);
/* An option line as people may see it: values of secret options (passwords) replaced by "***". */
void device_options_show(struct str driver, struct str options, struct buf *out);
/* Whether the line of `wanted` holds a shown secret that `present` (NULL: none) has no value for.
 * It has none where driver or address are others: nobody sends a secret that he cannot read to a
 * machine of his own. */
bool device_options_lack(const struct device *present, const struct device *wanted);
/* The line to store when such a shown line comes back: a secret that is "***" keeps its value of
 * `present`, or stays "***", which the check refuses. A line that cannot be read is copied; the
 * check will name its fault. */
void device_options_keep(
    const struct device *present, const struct device *wanted, struct buf *out);

/* The connection doctor: goes from the device line to a value, step by step, and says at each what
 * was found and what to do. Opens sessions of its own; at most about 20 s. Nothing is changed. */
enum doctor_step {
    DOCTOR_LINE = 0, // Driver, address, options as written.
    DOCTOR_NAME,     // Host name to address.
    DOCTOR_ROUTE,    // From this computer to that network.
    DOCTOR_HOST,     // Somebody has that address. Found without ping.
    DOCTOR_PORT,     // And listens there; or the serial port opens.
    DOCTOR_GREETING, // And speaks the protocol.
    DOCTOR_PROTOCOL, // What only the protocol knows: units, rights, identity.
    DOCTOR_SESSIONS, // How many clients it serves at once.
    DOCTOR_READING,  // A value of the source.
    DOCTOR_STEP_COUNT
};
const char *doctor_step_name(enum doctor_step step); // "line", "name", ...
struct doctor_finding {
    enum doctor_step step;
    enum verdict verdict;
    const struct err *words;
    int64_t elapsed_ns; // Of the step, up to here.
};
/* A reading of the same place in another form; the person picks what looks right. */
struct doctor_candidate {
    struct str source; // For the tag.
    struct str label;  // "f32 CDAB", "x 0.1"
    struct str value;  // As text; empty: cannot be read so.
    double scale;      // For the tag; 1 where the form differs only.
    enum value_type type;
};
struct doctor_request {
    const struct device *device;
    struct str source;                  // A tag's source to try, or empty.
    const struct device_health *health; // While Maru collects from it; else NULL.
    void *context;
    void (*finding)(void *context, const struct doctor_finding *finding);
    void (*candidate)(void *context, const struct doctor_candidate *candidate); // Or NULL.
};
/* How many bad findings; 0: all is well. */
uint32_t device_diagnose(const struct doctor_request *request);

/* How fast a device can be asked: polls it without pause for `duration_ns` in the caller's thread
 * and throws the values away. For `maru bench` and the connection doctor; the device must be in
 * the catalogue and nobody else may be polling it. */
struct device_rate {
    uint64_t polls;
    uint64_t requests;
    uint64_t samples;
    int64_t elapsed_ns;
    uint32_t rtt_p50_us;
    uint32_t rtt_p99_us;
};
int device_measure(const struct catalogue *catalogue, const struct device *device,
    int64_t duration_ns, struct device_rate *ret_rate, struct err *err);

#endif

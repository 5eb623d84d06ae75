/*
 * One place a job, one thread a running job. A place's fields are guarded by the one mutex; the
 * import itself runs without it and touches only what is the thread's (fd, options) and progress,
 * which it copies in under the mutex every thousand rows. A thread that has ended is joined by
 * whoever next takes its place, or at the end. Parts are written under the mutex: they are at most
 * one body long, and two parts of one job must not overtake each other.
 */
#include "serve/jobs.h"

#include "core/clock.h"
#include "core/thread.h"
#include "plant/home.h"

static const int64_t RECEIVE_WAIT_NS = 3600 * NS_PER_S; // Between parts; then the place is free.
static const uint64_t FILE_MAX_BYTES = 64ULL << 30;     // Refused beyond.

struct job {
    struct jobs *jobs;
    uint64_t number; // Of its plant, from 1; 0: the place is empty.
    uint64_t order;  // Of all.
    struct plant *plant;
    struct import_options options;
    struct buf texts; // Sheet and actor.
    enum lang lang;
    int fd; // -1: none.
    int64_t touched_ns;
    struct stop_flag stop;
    struct thread thread;
    struct job_status status;
    struct buf rejected;
    struct table_writer *list; // Of rejected rows; the thread's.
};

struct jobs {
    struct mutex mutex;
    const char *folder;
    const struct clock *clock;
    uint64_t last_order;
    struct {
        const struct plant *plant;
        uint64_t last_number;
    } plants[HOME_PLANTS_MAX];
    struct job places[JOBS_MAX];
};

const char *job_state_name(enum job_state state) {
    static const char *const NAMES[] = {"receiving", "running", "done", "failed", "cancelled"};
    return NAMES[state];
}

struct jobs *jobs_new(const char *folder, const struct clock *clock) {
    struct jobs *jobs = MEM_NEW(struct jobs);
    mutex_init(&jobs->mutex);
    jobs->folder = folder;
    jobs->clock = clock;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        jobs->places[i].fd = -1;
    }
    return jobs;
}

/* Empties a place whose thread, if any, has ended or was told to. */
static void place_clear(struct job *job) {
    if (job->number == 0) {
        return;
    }
    thread_join(&job->thread);
    stop_flag_fini(&job->stop);
    buf_fini(&job->texts);
    buf_fini(&job->rejected);
    if (job->fd >= 0) {
        file_close(job->fd);
    }
    *job = (struct job){.fd = -1};
}

void jobs_free(struct jobs *jobs) {
    if (jobs == NULL) {
        return;
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->places[i].number != 0) {
            stop_flag_raise(&jobs->places[i].stop);
        }
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        place_clear(&jobs->places[i]);
    }
    mutex_fini(&jobs->mutex);
    mem_free(jobs);
}

/* ---- The work ---- */

static int put_rejected(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    struct job *job = context;
    mutex_lock(&job->jobs->mutex);
    if (job->rejected.size + size <= JOB_REJECTED_BYTES) {
        buf_put(&job->rejected, data, size);
    }
    mutex_unlock(&job->jobs->mutex);
    return 0;
}

static void on_rejected(void *context, uint64_t line, const struct err *why) {
    struct job *job = context;
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(why, job->lang, &words);
    table_put_i64(job->list, (int64_t)line);
    table_put_text(job->list, buf_str(&words));
    (void)table_end_row(job->list, NULL); // Into memory; what is too much is left out.
}

static bool on_progress(void *context, const struct import_progress *progress) {
    struct job *job = context;
    mutex_lock(&job->jobs->mutex);
    job->status.progress = *progress;
    mutex_unlock(&job->jobs->mutex);
    return !stop_flag_is_raised(&job->stop);
}

static int run_import(struct job *job, struct import_report *report, struct err *err) {
    struct table_writer_options list = {.context = job, .write = put_rejected};
    int status = table_writer_open(&list, &job->list, err);
    if (status < 0) {
        return status;
    }
    table_put_text(job->list, STR("line"));
    table_put_text(job->list, STR("reason"));
    status = table_end_row(job->list, err);
    if (status >= 0) {
        status = import_run(job->plant, &job->options, report, err);
    }
    (void)table_writer_finish(job->list, NULL); // Into memory.
    table_writer_close(job->list);
    job->list = NULL;
    return status;
}

static void job_run(void *context) {
    struct job *job = context;
    struct import_report report = {.rows = 0};
    struct err err = ERR_INIT;
    int status = run_import(job, &report, &err);
    mutex_lock(&job->jobs->mutex);
    job->status.report = report;
    job->status.err = err;
    job->status.end_ns = clock_wall_ns(job->jobs->clock);
    job->status.state = status >= 0                ? JOB_DONE
                        : status == -ERR_CANCELLED ? JOB_CANCELLED
                                                   : JOB_FAILED;
    file_close(job->fd); // The file is gone with it.
    job->fd = -1;
    mutex_unlock(&job->jobs->mutex);
}

/* ---- Places; called with the mutex held ---- */

static bool has_ended(const struct job *job, int64_t now_ns) {
    enum job_state state = job->status.state;
    bool left = state == JOB_RECEIVING && now_ns - job->touched_ns > RECEIVE_WAIT_NS;
    return job->number == 0 || left || (state != JOB_RECEIVING && state != JOB_RUNNING);
}

/* An empty place, or that of the oldest job that ended; NULL when there is none. A plant that has
 * JOBS_PLANT_MAX takes one of its own: it pushes nobody else's out and fills no more than those. */
static struct job *place_take(struct jobs *jobs, const struct plant *plant, int64_t now_ns) {
    struct job *found = NULL;
    uint32_t own = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        own += jobs->places[i].number != 0 && jobs->places[i].plant == plant ? 1 : 0;
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->places[i];
        bool may = own < JOBS_PLANT_MAX || (job->number != 0 && job->plant == plant);
        if (may && has_ended(job, now_ns) && (found == NULL || job->order < found->order)) {
            found = job;
        }
    }
    if (found != NULL) {
        place_clear(found);
    }
    return found;
}

/* Numbers count in each plant, so that they tell nothing of the others. */
static uint64_t next_number(struct jobs *jobs, const struct plant *plant) {
    size_t i = 0;
    while (i + 1 < HOME_PLANTS_MAX && jobs->plants[i].plant != NULL &&
           jobs->plants[i].plant != plant) {
        i++;
    }
    jobs->plants[i].plant = plant;
    return ++jobs->plants[i].last_number;
}

static struct job *find(
    struct jobs *jobs, const struct plant *plant, uint64_t number, struct err *err) {
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->places[i];
        if (number != 0 && job->number == number && job->plant == plant) {
            return job;
        }
    }
    (void)err_set(err, ERR_NOT_FOUND, MSG_SERVE_JOB_UNKNOWN, ARGS(A_INT(number)));
    return NULL;
}

static void place_fill(struct job *job, struct jobs *jobs, const struct job_options *options) {
    buf_init(&job->texts, 4096);
    buf_init(&job->rejected, JOB_REJECTED_BYTES);
    stop_flag_init(&job->stop);
    (void)buf_reserve(&job->texts, options->sheet.size + options->actor.size + 1);
    buf_put_str(&job->texts, options->sheet);
    buf_put_str(&job->texts, options->actor);
    job->jobs = jobs;
    job->plant = options->plant;
    job->lang = options->lang;
    job->options = (struct import_options){.kind = options->kind,
        .outsider = options->outsider,
        .dry_run = options->dry_run,
        .partial = options->partial,
        .encoding = options->encoding,
        .separator = options->separator,
        .sheet = str_slice(buf_str(&job->texts), 0, options->sheet.size),
        .actor = str_slice(buf_str(&job->texts), options->sheet.size, job->texts.size),
        .spool_folder = jobs->folder,
        .context = job,
        .rejected = on_rejected,
        .progress = on_progress};
    job->status = (struct job_status){.number = job->number,
        .kind = options->kind,
        .dry_run = options->dry_run,
        .partial = options->partial,
        .begin_ns = clock_wall_ns(jobs->clock)};
    job->touched_ns = clock_mono_ns(jobs->clock);
}

int jobs_begin(
    struct jobs *jobs, const struct job_options *options, uint64_t *ret_number, struct err *err) {
    if (options->sheet.size + options->actor.size > 4000) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_PARAM_LONG, NO_ARGS);
    }
    int fd = -1;
    int status = table_spool_new(jobs->folder, &fd, err);
    if (status < 0) {
        return status;
    }
    mutex_lock(&jobs->mutex);
    struct job *job = place_take(jobs, options->plant, clock_mono_ns(jobs->clock));
    if (job != NULL) {
        job->number = next_number(jobs, options->plant);
        job->order = ++jobs->last_order;
        job->fd = fd;
        place_fill(job, jobs, options);
        *ret_number = job->number;
    }
    mutex_unlock(&jobs->mutex);
    if (job == NULL) {
        file_close(fd);
        return err_set(err, ERR_BUSY, MSG_SERVE_JOBS_FULL, ARGS(A_INT(JOBS_MAX)));
    }
    return 0;
}

static int append(
    struct job *job, struct str actor, uint64_t offset, struct str part, struct err *err) {
    if (!str_eq(job->options.actor, actor)) { // The audit says whose values these are.
        return err_set(err, ERR_FORBIDDEN, MSG_SERVE_JOB_OTHER, ARGS(A_INT(job->number)));
    }
    if (job->status.state != JOB_RECEIVING) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_JOB_STATE,
            ARGS(A_INT(job->number), A_CSTR(job_state_name(job->status.state))));
    }
    if (offset != job->status.received_bytes) {
        return err_set(
            err, ERR_CONFLICT, MSG_SERVE_JOB_OFFSET, ARGS(A_INT(job->status.received_bytes)));
    }
    if (part.size > FILE_MAX_BYTES - job->status.received_bytes) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_JOB_LARGE, ARGS(A_INT(FILE_MAX_BYTES >> 30)));
    }
    int status = table_spool_room(job->fd, part.size, err);
    status = status < 0 ? status
                        : file_write_at(
                              files_system(), job->fd, "import", offset, part.data, part.size, err);
    if (status >= 0) {
        job->status.received_bytes += part.size;
        job->touched_ns = clock_mono_ns(job->jobs->clock);
    }
    return status;
}

int jobs_append(struct jobs *jobs, const struct plant *plant, uint64_t number, struct str actor,
    uint64_t offset, struct str part, struct err *err) {
    mutex_lock(&jobs->mutex);
    struct job *job = find(jobs, plant, number, err);
    int status = job != NULL ? append(job, actor, offset, part, err) : -ERR_NOT_FOUND;
    mutex_unlock(&jobs->mutex);
    return status;
}

static uint32_t running_count(const struct jobs *jobs) {
    uint32_t count = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        count += jobs->places[i].number != 0 && jobs->places[i].status.state == JOB_RUNNING;
    }
    return count;
}

int jobs_run(struct jobs *jobs, const struct plant *plant, uint64_t number, struct err *err) {
    mutex_lock(&jobs->mutex);
    struct job *job = find(jobs, plant, number, err);
    int status = job != NULL ? 0 : -ERR_NOT_FOUND;
    if (job != NULL && job->status.state != JOB_RECEIVING) {
        status = err_set(err, ERR_CONFLICT, MSG_SERVE_JOB_STATE,
            ARGS(A_INT(number), A_CSTR(job_state_name(job->status.state))));
    } else if (job != NULL && running_count(jobs) >= JOBS_RUNNING_MAX) {
        status = err_set(err, ERR_BUSY, MSG_SERVE_JOBS_RUNNING, ARGS(A_INT(JOBS_RUNNING_MAX)));
    } else if (job != NULL) {
        job->status.state = JOB_RUNNING;
        job->options.fd = job->fd;
        job->options.stop_fd = job->stop.event_fd;
        thread_start(&job->thread, "import", job_run, job);
    }
    mutex_unlock(&jobs->mutex);
    return status;
}

/* Under the mutex. */
static void cancel(struct job *job) {
    if (job->status.state == JOB_RECEIVING) {
        job->status.state = JOB_CANCELLED;
        job->status.end_ns = clock_wall_ns(job->jobs->clock);
        file_close(job->fd);
        job->fd = -1;
    } else {
        stop_flag_raise(&job->stop); // One that ended stays as it is.
    }
}

int jobs_cancel(struct jobs *jobs, const struct plant *plant, uint64_t number, struct err *err) {
    mutex_lock(&jobs->mutex);
    struct job *job = find(jobs, plant, number, err);
    if (job != NULL) {
        cancel(job);
    }
    mutex_unlock(&jobs->mutex);
    return job != NULL ? 0 : -ERR_NOT_FOUND;
}

void jobs_cancel_of(struct jobs *jobs, struct str actor) {
    mutex_lock(&jobs->mutex);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->places[i];
        if (job->number != 0 && str_eq(job->options.actor, actor)) {
            cancel(job);
        }
    }
    mutex_unlock(&jobs->mutex);
}

int jobs_status(struct jobs *jobs, const struct plant *plant, uint64_t number,
    struct job_status *ret_status, struct err *err) {
    mutex_lock(&jobs->mutex);
    const struct job *job = find(jobs, plant, number, err);
    if (job != NULL) {
        *ret_status = job->status;
    }
    mutex_unlock(&jobs->mutex);
    return job != NULL ? 0 : -ERR_NOT_FOUND;
}

uint32_t jobs_list(struct jobs *jobs, const struct plant *plant, struct job_status *ret_list) {
    uint32_t count = 0;
    mutex_lock(&jobs->mutex);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &jobs->places[i];
        if (job->number == 0 || job->plant != plant) {
            continue;
        }
        uint32_t at = count++;
        while (at > 0 && ret_list[at - 1].number < job->number) {
            ret_list[at] = ret_list[at - 1];
            at--;
        }
        ret_list[at] = job->status;
    }
    mutex_unlock(&jobs->mutex);
    return count;
}

int jobs_rejected(struct jobs *jobs, const struct plant *plant, uint64_t number, struct buf *out,
    struct err *err) {
    mutex_lock(&jobs->mutex);
    const struct job *job = find(jobs, plant, number, err);
    if (job != NULL) {
        buf_put_str(out, buf_str(&job->rejected));
    }
    mutex_unlock(&jobs->mutex);
    return job != NULL ? 0 : -ERR_NOT_FOUND;
}

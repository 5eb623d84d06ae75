/*
 * Threads, locks and conditions: thin covers over pthreads that leave no result unchecked.
 *
 * A pthread call on our own, correctly set up objects fails only by a mistake of ours, so failures
 * are checks. Mutexes are of the error-checking kind in debug builds (locking twice or unlocking a
 * foreign lock is caught) and plain in release builds. Conditions wait on CLOCK_MONOTONIC: a wall
 * clock that is set back by hours must not freeze the factory.
 *
 * All signals are blocked in new threads, so that only the main thread's signalfd sees them. The
 * stop flag joins a condition (for loops that wait) and an eventfd (for loops in poll).
 */
#include "core/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

enum { THREAD_NAME_BYTES = 16 }; // With the NUL; the kernel's limit (pthread_setname_np(3)).

/* Lives from thread_start until the new thread has taken it over. */
struct thread_birth {
    void (*run)(void *);
    void *context;
    char name[THREAD_NAME_BYTES];
};

static void *thread_main(void *opaque) {
    struct thread_birth *birth = opaque;
    CHECK(pthread_setname_np(pthread_self(), birth->name) == 0);
    void (*run)(void *) = birth->run;
    void *context = birth->context;
    mem_free(birth);
    run(context);
    return NULL;
}

void thread_start(struct thread *thread, const char *name, void (*run)(void *), void *context) {
    struct thread_birth *birth = MEM_NEW(struct thread_birth);
    birth->run = run;
    birth->context = context;
    (void)str_copy_z(str_of(name), birth->name, sizeof birth->name); // A long name is cut.
    sigset_t all;
    sigset_t before;
    CHECK(sigfillset(&all) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    CHECK(pthread_create(&thread->handle, NULL, thread_main, birth) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    thread->started = true;
}

void thread_join(struct thread *thread) {
    if (thread->started) {
        CHECK(pthread_join(thread->handle, NULL) == 0);
        thread->started = false;
    }
}

void mutex_init(struct mutex *mutex) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
#ifndef NDEBUG
    CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
#endif
    CHECK(pthread_mutex_init(&mutex->handle, &attributes) == 0);
    CHECK(pthread_mutexattr_destroy(&attributes) == 0);
}

void mutex_fini(struct mutex *mutex) {
    CHECK(pthread_mutex_destroy(&mutex->handle) == 0);
}

void mutex_lock(struct mutex *mutex) {
    CHECK(pthread_mutex_lock(&mutex->handle) == 0);
}

void mutex_unlock(struct mutex *mutex) {
    CHECK(pthread_mutex_unlock(&mutex->handle) == 0);
}

void cond_init(struct cond *cond) {
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&cond->handle, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
}

void cond_fini(struct cond *cond) {
    CHECK(pthread_cond_destroy(&cond->handle) == 0);
}

bool cond_wait_until(struct cond *cond, struct mutex *mutex, int64_t deadline_mono_ns) {
    if (deadline_mono_ns == INT64_MAX) {
        CHECK(pthread_cond_wait(&cond->handle, &mutex->handle) == 0);
        return true;
    }
    int64_t deadline_ns = deadline_mono_ns > 0 ? deadline_mono_ns : 0;
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    int result = pthread_cond_timedwait(&cond->handle, &mutex->handle, &until);
    CHECK(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void cond_signal(struct cond *cond) {
    CHECK(pthread_cond_signal(&cond->handle) == 0);
}

void cond_broadcast(struct cond *cond) {
    CHECK(pthread_cond_broadcast(&cond->handle) == 0);
}

void stop_flag_init(struct stop_flag *stop) {
    mutex_init(&stop->mutex);
    cond_init(&stop->cond);
    stop->raised = 0;
    stop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(stop->event_fd >= 0);
}

void stop_flag_fini(struct stop_flag *stop) {
    CHECK(close(stop->event_fd) == 0);
    stop->event_fd = -1;
    cond_fini(&stop->cond);
    mutex_fini(&stop->mutex);
}

void stop_flag_raise(struct stop_flag *stop) {
    mutex_lock(&stop->mutex);
    if (!stop->raised) {
        stop->raised = 1;
        CHECK(eventfd_write(stop->event_fd, 1) == 0);
        cond_broadcast(&stop->cond);
    }
    mutex_unlock(&stop->mutex);
}

bool stop_flag_is_raised(const struct stop_flag *stop) {
    return stop->raised != 0;
}

bool stop_flag_wait(struct stop_flag *stop, int64_t deadline_mono_ns) {
    mutex_lock(&stop->mutex);
    while (!stop->raised && cond_wait_until(&stop->cond, &stop->mutex, deadline_mono_ns)) {
    }
    bool raised = stop->raised != 0;
    mutex_unlock(&stop->mutex);
    return raised;
}

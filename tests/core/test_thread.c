/*
 * Threads, conditions and the stop flag. Waits end by an event or by a deadline that has already
 * passed or lies a few milliseconds ahead.
 */
#include "core/thread.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

struct observed {
    char name[16];
    bool signals_blocked;
    struct stop_flag stop;
    bool stopped;
};

static void observe(void *context) {
    struct observed *observed = context;
    sigset_t mask;
    (void)pthread_getname_np(pthread_self(), observed->name, sizeof observed->name);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    observed->signals_blocked =
        sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGPIPE);
}

static void a_thread_has_its_name_and_blocks_signals(void **state) {
    (void)state;
    sigset_t before;
    sigset_t after;
    struct observed observed = {.name = ""};
    struct thread thread = {0};
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    thread_start(&thread, "link press-1", observe, &observed);
    thread_join(&thread);
    assert_string_equal(observed.name, "link press-1");
    assert_true(observed.signals_blocked);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void a_long_name_is_cut(void **state) {
    (void)state;
    struct observed observed = {.name = ""};
    struct thread thread = {0};
    thread_start(&thread, "a name of more than fifteen bytes", observe, &observed);
    thread_join(&thread);
    assert_string_equal(observed.name, "a name of more ");
}

static void joining_twice_or_never_started_is_fine(void **state) {
    (void)state;
    struct observed observed = {.name = ""};
    struct thread thread = {0};
    thread_join(&thread);
    thread_start(&thread, "t", observe, &observed);
    thread_join(&thread);
    assert_false(thread.started);
    thread_join(&thread);
}

static void a_condition_ends_at_its_deadline(void **state) {
    (void)state;
    struct mutex mutex;
    struct cond cond;
    mutex_init(&mutex);
    cond_init(&cond);
    mutex_lock(&mutex);
    assert_false(cond_wait_until(&cond, &mutex, 0));
    assert_false(cond_wait_until(&cond, &mutex, -5));
    int64_t deadline = clock_mono_ns(clock_system()) + 5 * NS_PER_MS;
    while (cond_wait_until(&cond, &mutex, deadline)) {
    }
    assert_true(clock_mono_ns(clock_system()) >= deadline);
    mutex_unlock(&mutex);
    cond_fini(&cond);
    mutex_fini(&mutex);
}

static void wait_for_stop(void *context) {
    struct observed *observed = context;
    observed->stopped = stop_flag_wait(&observed->stop, INT64_MAX);
}

static bool is_readable(int fd) {
    struct pollfd ask = {.fd = fd, .events = POLLIN};
    return poll(&ask, 1, 0) == 1;
}

static void a_raised_flag_wakes_waiters_and_pollers(void **state) {
    (void)state;
    enum { WAITERS = 4 };
    struct observed observed[WAITERS] = {{.name = ""}};
    struct thread threads[WAITERS] = {{0}};
    for (size_t i = 0; i < WAITERS; i++) {
        stop_flag_init(&observed[i].stop);
        thread_start(&threads[i], "waiter", wait_for_stop, &observed[i]);
    }
    for (size_t i = 0; i < WAITERS; i++) {
        assert_false(stop_flag_is_raised(&observed[i].stop));
        assert_false(is_readable(observed[i].stop.event_fd));
        stop_flag_raise(&observed[i].stop);
        stop_flag_raise(&observed[i].stop); // Again is fine.
        thread_join(&threads[i]);
        assert_true(observed[i].stopped);
        assert_true(stop_flag_is_raised(&observed[i].stop));
        assert_true(is_readable(observed[i].stop.event_fd));
        assert_true(stop_flag_wait(&observed[i].stop, 0));
        stop_flag_fini(&observed[i].stop);
    }
}

static void a_flag_that_stays_down_ends_at_the_deadline(void **state) {
    (void)state;
    struct stop_flag stop;
    stop_flag_init(&stop);
    assert_false(stop_flag_wait(&stop, 0));
    assert_false(stop_flag_wait(&stop, clock_mono_ns(clock_system()) + NS_PER_MS));
    stop_flag_fini(&stop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_blocks_signals),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(joining_twice_or_never_started_is_fine),
        cmocka_unit_test(a_condition_ends_at_its_deadline),
        cmocka_unit_test(a_raised_flag_wakes_waiters_and_pollers),
        cmocka_unit_test(a_flag_that_stays_down_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

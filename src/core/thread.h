#ifndef CORE_THREAD_H
#define CORE_THREAD_H
/*
 * Named threads, locks and conditions on the monotonic clock. A thread is started and joined by
 * the room that owns it; docs/THREADS.md lists them all.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct thread {
    pthread_t handle;
    bool started;
};

/* The name (at most 15 bytes) shows in gdb, top and crash reports. Aborts when the system has no
 * threads left. All signals are blocked in the new thread. */
void thread_start(struct thread *thread, const char *name, void (*run)(void *), void *context);
void thread_join(struct thread *thread); // A thread that never started is fine.

struct mutex {
    pthread_mutex_t handle;
};
struct cond {
    pthread_cond_t handle;
};
void mutex_init(struct mutex *mutex);
void mutex_fini(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void cond_init(struct cond *cond);
void cond_fini(struct cond *cond);
/* False when the monotonic deadline passed (INT64_MAX: wait for ever). */
bool cond_wait_until(struct cond *cond, struct mutex *mutex, int64_t deadline_mono_ns);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);

/* A flag that threads can wait on with a deadline: asking a loop to stop without sleeping. */
struct stop_flag {
    struct mutex mutex;
    struct cond cond;
    _Atomic int raised;
    int event_fd; // Becomes readable when raised, for poll(2).
};
void stop_flag_init(struct stop_flag *stop);
void stop_flag_fini(struct stop_flag *stop);
void stop_flag_raise(struct stop_flag *stop);
bool stop_flag_is_raised(const struct stop_flag *stop);
/* Waits until raised or the deadline; true when raised. */
bool stop_flag_wait(struct stop_flag *stop, int64_t deadline_mono_ns);

#endif

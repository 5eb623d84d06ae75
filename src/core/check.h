#ifndef CORE_CHECK_H
#define CORE_CHECK_H
/*
 * Assertions. CHECK stays on in production and guards stored data and thread rules; DCHECK guards
 * hot loops in debug and sanitizer builds; NEVER marks an unreachable defence. A failed check
 * reports the place and aborts: stored data survives a kill at any moment.
 */
void check_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0)) {                                                           \
            check_failed(#x, __FILE__, __LINE__);                                                  \
        }                                                                                          \
    } while (0)
#ifdef NDEBUG
#define DCHECK(x) ((void)sizeof(x))
#else
#define DCHECK(x) CHECK(x)
#endif
#define NEVER(x) CHECK(!(x))

#endif

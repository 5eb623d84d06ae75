/*
 * The failing file layer for tests of stores.
 *
 * The gate counts every operation and lets `countdown` matching ones pass; the next one fails. One
 * compare-and-swap decides who fails, so that with several threads exactly one operation is hit
 * unless `sticky` is set. With `sticky` and FILE_OP_COUNT the disk is dead from that point on, as
 * after a power cut; with torn_bytes a failing write still leaves its first bytes in the file.
 */
#include "core/file_fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/check.h"

static bool fault_hits(struct file_fault *fault) {
    int64_t left = fault->countdown;
    for (;;) {
        if (left < 0) {
            return false;
        }
        // A sticky fault stays at zero and hits again; a single one goes to -1, "never".
        int64_t next = left == 0 && fault->sticky ? 0 : left - 1;
        if (atomic_compare_exchange_weak(&fault->countdown, &left, next)) {
            return left == 0;
        }
    }
}

static int fault_gate(struct files *files, enum file_op op, const char *path, size_t *size) {
    (void)path;
    struct file_fault *fault = (struct file_fault *)(void *)files;
    fault->counts[op]++;
    int only = fault->op;
    if ((only != FILE_OP_COUNT && only != (int)op) || !fault_hits(fault)) {
        return 0;
    }
    int64_t torn = fault->torn_bytes;
    if (torn < 0) {
        torn = 0;
    }
    if (*size > (uint64_t)torn) {
        *size = (size_t)torn;
    }
    return fault->errno_value;
}

void file_fault_init(struct file_fault *fault) {
    _Static_assert(offsetof(struct file_fault, files) == 0, "the gate finds itself by its files");
    fault->files.gate = fault_gate;
    fault->countdown = -1;
    fault->op = FILE_OP_COUNT;
    fault->errno_value = EIO;
    fault->sticky = 0;
    fault->torn_bytes = 0;
    for (int i = 0; i < FILE_OP_COUNT; i++) {
        fault->counts[i] = 0;
    }
}

void file_fault_arm(
    struct file_fault *fault, enum file_op op, int64_t pass_count, int errno_value) {
    CHECK(pass_count >= 0 && errno_value > 0);
    fault->countdown = -1; // Quiet while the rest changes.
    fault->op = (int)op;
    fault->errno_value = errno_value;
    fault->countdown = pass_count;
}

void file_fault_disarm(struct file_fault *fault) {
    fault->countdown = -1;
}

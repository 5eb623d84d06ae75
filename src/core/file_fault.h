#ifndef CORE_FILE_FAULT_H
#define CORE_FILE_FAULT_H
/*
 * A file layer that fails on purpose, for tests of stores: the n-th operation of a kind fails once
 * or for ever with a chosen errno, optionally after writing a part (torn write); or, as after a
 * power cut, everything fails from then on. Thread-safe.
 */
#include "core/file.h"

struct file_fault {
    struct files files;         // Pass &fault.files.
    _Atomic int64_t countdown;  // Operations that still pass; the next one fails. -1: never.
    _Atomic int op;             // Only this operation counts, or FILE_OP_COUNT for all.
    _Atomic int errno_value;    // What it fails with (EIO, ENOSPC).
    _Atomic int sticky;         // All matching operations after the first failure fail too.
    _Atomic int64_t torn_bytes; // For a failing write: bytes that are still written.
    _Atomic int64_t counts[FILE_OP_COUNT]; // Operations seen.
};

void file_fault_init(struct file_fault *fault);
/* Arms: after `pass_count` matching operations, one fails. */
void file_fault_arm(struct file_fault *fault, enum file_op op, int64_t pass_count, int errno_value);
void file_fault_disarm(struct file_fault *fault);

#endif

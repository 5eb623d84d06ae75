#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H
/*
 * What the program itself takes of the computer, as Linux counts it (proc(5), getrusage(2)). Any
 * thread; a figure that cannot be read is 0.
 */
#include <stdint.h>

struct process_facts {
    uint64_t memory_bytes; // Resident.
    double cpu_s;          // Of all threads, since the start.
    uint32_t threads;
    uint32_t open_files;
};
void process_look(struct process_facts *ret_facts);

#endif

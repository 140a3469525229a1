/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A process that a test starts, and kills as kill -9 would.
 */
#ifndef TESTS_BPF_CHILD_H
#define TESTS_BPF_CHILD_H

#include <sys/types.h>

/* Runs fn and waits to be killed; returns when fn has returned. */
pid_t child_start(void (*fn)(void));
void child_kill(pid_t pid);

#endif

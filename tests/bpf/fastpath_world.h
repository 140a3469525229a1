/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where tests of the fast path live: a network namespace and a bpffs of their own, which end with the
 * process. Needs root.
 */
#ifndef TESTS_BPF_FASTPATH_WORLD_H
#define TESTS_BPF_FASTPATH_WORLD_H

#include "ebpf/fastpath_private.h"

#include <check.h>

extern char world_dir[64]; /* in the bpffs; not there yet */
extern char world_err[FASTPATH_ERR_LEN];
extern struct fastpath_config world_config; /* gateway paris-1 */

/* A checked fixture. */
void world_setup(void);
/* main()'s end: runs it, unless this is not root. */
int world_run(Suite *s);

void world_sh(const char *command);
/* The test fails when it cannot be opened. */
struct fastpath *world_open(void);
/* fastpath_remove() must return that. */
void world_remove(int want);

#endif

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which process has a BPF program open. Control thread only; reads /proc, so it sees this PID namespace.
 */
#ifndef EBPF_XDP_HOLDER_H
#define EBPF_XDP_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct xdp_holder {
    pid_t pid;
    char name[32]; /* of the process, "?" when it cannot be read */
};

/* A process other than this one that has the program, or a link of it, open. False when none was seen;
 * *blind: there were processes that this one may not look into (it has not their rights, and no
 * CAP_SYS_PTRACE). */
bool xdp_holder_find(uint32_t prog_id, struct xdp_holder *out, bool *blind);

#endif

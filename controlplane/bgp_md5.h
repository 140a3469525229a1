/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kernel drops because of TCP MD5 signatures (RFC 2385). It tells nobody: a wrong password looks
 * like a peer that is off. But it counts, for the whole network namespace. Control thread only.
 */
#ifndef CONTROLPLANE_BGP_MD5_H
#define CONTROLPLANE_BGP_MD5_H

#include <stdbool.h>
#include <stdint.h>

struct bgp_md5_counts {
    uint64_t missing;    /* segments without a signature where we have a password */
    uint64_t unexpected; /* segments with one where we have none */
    uint64_t wrong;
};

/* False where the kernel does not say. */
bool bgp_md5_read(struct bgp_md5_counts *out);
/* From the text of /proc/net/netstat. */
bool bgp_md5_parse(char *text, struct bgp_md5_counts *out);

#endif

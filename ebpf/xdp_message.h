/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What libbpf and libxdp say: the kernel's own words are in their warnings, not in what they return. Control
 * thread only.
 */
#ifndef EBPF_XDP_MESSAGE_H
#define EBPF_XDP_MESSAGE_H

/* Their messages come here from now on (and to the log at debug level); forgets the last one. */
void xdp_message_clear(void);
/* The last warning, or else the error's own text. */
const char *xdp_message_reason(int rc);

#endif

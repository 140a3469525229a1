/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writes pcapng (draft-ietf-opsawg-pcapng): a section, its interfaces, and packets with a comment each, in
 * this machine's byte order. Each block is whole when it is written, so a file that was cut off by a signal
 * between two can be read. Only what is needed here. One thread.
 */
#ifndef CONTROLPLANE_PCAPNG_H
#define CONTROLPLANE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng_packet {
    uint32_t interface; /* in the order in which they were written, from 0 */
    uint64_t unix_ns;
    uint32_t len;     /* of the frame */
    uint32_t snapped; /* bytes at data */
    const uint8_t *data;
    enum pcapng_direction direction;
    const char *comment; /* "": none */
};

/* They return false when the file cannot be written. application: who writes. */
bool pcapng_section(FILE *f, const char *application);
/* Ethernet; times in nanoseconds. */
bool pcapng_interface(FILE *f, const char *name, uint32_t snap);
bool pcapng_packet(FILE *f, const struct pcapng_packet *p);

#endif

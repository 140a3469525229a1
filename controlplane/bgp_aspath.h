/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AS_PATH (RFC 4271 section 4.3 b) with two or four bytes to an AS, and its reunion with AS4_PATH (RFC 6793
 * section 4.2.3). In memory an AS number has always 32 bits. A path is never cut: one longer than what is
 * kept is refused, because a loop could hide in the part that is missing. Pure, any thread.
 */
#ifndef CONTROLPLANE_BGP_ASPATH_H
#define CONTROLPLANE_BGP_ASPATH_H

#include "controlplane/buf.h"

#define BGP_AS_SEGMENTS 32
#define BGP_AS_NUMBERS  512

enum bgp_segment_type {
    BGP_AS_SET = 1,
    BGP_AS_SEQUENCE = 2,
    BGP_AS_CONFED_SEQUENCE = 3, /* RFC 5065; no member of a confederation here, so these two are malformed */
    BGP_AS_CONFED_SET = 4,
};

struct bgp_as_path {
    uint16_t n_segments;
    uint16_t n_numbers;
    struct {
        uint8_t type; /* BGP_AS_SET or BGP_AS_SEQUENCE */
        uint8_t count;
    } segments[BGP_AS_SEGMENTS];
    uint32_t numbers[BGP_AS_NUMBERS]; /* of all segments, one after the other */
};

/* The whole value of an attribute. False with a static text in *why (the path is then empty) for every case
 * of RFC 7606 section 7.2, for AS 0 (RFC 7607) and for what is too long to keep. `skip_confed` leaves out
 * confederation segments instead of refusing them, as RFC 6793 section 4.1 wants for AS4_PATH. */
bool bgp_as_path_decode(struct buf_in *in, bool as4, bool skip_confed, struct bgp_as_path *out,
                        const char **why);

/* Bytes that encode() will write. */
size_t bgp_as_path_size(const struct bgp_as_path *p, bool as4);
/* With as4 false, numbers over 65535 become 23456. */
void bgp_as_path_encode(const struct bgp_as_path *p, bool as4, struct buf_out *out);

/* RFC 6793 section 4.2.3: the leading part of `path` that `as4_path` does not know, then as4_path. False, and
 * nothing changed, when as4_path is longer than path or the union is too long to keep. */
bool bgp_as_path_merge(struct bgp_as_path *path, const struct bgp_as_path *as4_path);

/* Length for best path: a set counts 1 (RFC 4271 section 9.1.2.2). */
unsigned bgp_as_path_length(const struct bgp_as_path *p);
bool bgp_as_path_contains(const struct bgp_as_path *p, uint32_t as);
/* Some number needs 32 bits. */
bool bgp_as_path_needs_as4(const struct bgp_as_path *p);
/* The leftmost AS of a sequence, 0 when there is none. */
uint32_t bgp_as_path_first(const struct bgp_as_path *p);
/* False when the path is full. */
bool bgp_as_path_prepend(struct bgp_as_path *p, uint32_t as);
bool bgp_as_path_eq(const struct bgp_as_path *a, const struct bgp_as_path *b);
/* "65000 4200000001 {1,2}", cut to `size`. Returns buf. */
const char *bgp_as_path_format(const struct bgp_as_path *p, char *buf, size_t size);

#endif

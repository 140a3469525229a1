/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bounded cursors over bytes in network order: struct buf_in reads, struct buf_out writes. Neither owns
 * memory, neither ever touches a byte outside of what it was given. The first read or write that does not fit
 * sets `failed`, and from then on every read gives zero and every write does nothing, so a decoder may read a
 * whole structure and ask once at its end. One sub-cursor per TLV (buf_get_sub) keeps a wrong inner length
 * inside its TLV. Values only, no globals, any thread.
 */
#ifndef CONTROLPLANE_BUF_H
#define CONTROLPLANE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf_in {
    const uint8_t *at; /* next byte to read */
    const uint8_t *end;
    bool failed;
};

struct buf_out {
    uint8_t *start;
    size_t len; /* bytes written */
    size_t size;
    bool failed;
};

/* ---- reading */

/* `data` may be NULL when `len` is 0. */
void buf_in_init(struct buf_in *in, const void *data, size_t len);
/* Bytes left to read; 0 after a failure. */
size_t buf_left(const struct buf_in *in);
/* Everything was read and nothing failed. */
bool buf_done(const struct buf_in *in);

uint8_t buf_get_u8(struct buf_in *in);
uint16_t buf_get_u16(struct buf_in *in);
uint32_t buf_get_u24(struct buf_in *in);
uint32_t buf_get_u32(struct buf_in *in);
/* The next n bytes where they lie, or NULL (a failure) when fewer are left. NULL is never returned for n = 0
 * on a cursor over memory. */
const uint8_t *buf_get(struct buf_in *in, size_t n);
/* Copies n bytes; on failure `out` is zeroed and false returned. */
bool buf_get_copy(struct buf_in *in, void *out, size_t n);
/* The next n bytes as a cursor of their own. On failure both are failed. */
bool buf_get_sub(struct buf_in *in, size_t n, struct buf_in *sub);

/* ---- writing */

void buf_out_init(struct buf_out *out, void *data, size_t size);
void buf_put_u8(struct buf_out *out, uint8_t v);
void buf_put_u16(struct buf_out *out, uint16_t v);
void buf_put_u24(struct buf_out *out, uint32_t v); /* the low 24 bits */
void buf_put_u32(struct buf_out *out, uint32_t v);
void buf_put(struct buf_out *out, const void *data, size_t n);
/* Leave room for a length of 1 or 2 bytes and return its place, to be filled with the number of bytes
 * written since. A length that does not fit into the room is a failure. */
size_t buf_hole_u8(struct buf_out *out);
size_t buf_hole_u16(struct buf_out *out);
void buf_fill_u8(struct buf_out *out, size_t hole);
void buf_fill_u16(struct buf_out *out, size_t hole);
/* Forgets what was written after the first `len` bytes, and a failure that came with it. */
void buf_rollback(struct buf_out *out, size_t len);

#endif

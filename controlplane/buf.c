/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bounded cursors. Every access goes through buf_get() or room(): these two hold all the bounds checks.
 */
#include "controlplane/buf.h"

#include <string.h>

void buf_in_init(struct buf_in *in, const void *data, size_t len)
{
    static const uint8_t nothing[1];

    in->at = data ? data : nothing;
    in->end = in->at + (data ? len : 0);
    in->failed = false;
}

size_t buf_left(const struct buf_in *in)
{
    return in->failed ? 0 : (size_t)(in->end - in->at);
}

bool buf_done(const struct buf_in *in)
{
    return !in->failed && in->at == in->end;
}

const uint8_t *buf_get(struct buf_in *in, size_t n)
{
    const uint8_t *p = in->at;

    if (in->failed || (size_t)(in->end - in->at) < n) {
        in->failed = true;
        return NULL;
    }
    in->at += n;
    return p;
}

static uint32_t get_number(struct buf_in *in, size_t n)
{
    const uint8_t *p = buf_get(in, n);
    uint32_t v = 0;

    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t buf_get_u8(struct buf_in *in)
{
    return (uint8_t)get_number(in, 1);
}

uint16_t buf_get_u16(struct buf_in *in)
{
    return (uint16_t)get_number(in, 2);
}

uint32_t buf_get_u24(struct buf_in *in)
{
    return get_number(in, 3);
}

uint32_t buf_get_u32(struct buf_in *in)
{
    return get_number(in, 4);
}

bool buf_get_copy(struct buf_in *in, void *out, size_t n)
{
    const uint8_t *p = buf_get(in, n);

    if (!p) {
        memset(out, 0, n);
        return false;
    }
    memcpy(out, p, n);
    return true;
}

bool buf_get_sub(struct buf_in *in, size_t n, struct buf_in *sub)
{
    const uint8_t *p = buf_get(in, n);

    buf_in_init(sub, p, p ? n : 0);
    sub->failed = !p;
    return p != NULL;
}

void buf_out_init(struct buf_out *out, void *data, size_t size)
{
    *out = (struct buf_out){.start = data, .size = size};
}

static uint8_t *room(struct buf_out *out, size_t n)
{
    uint8_t *p;

    if (out->failed || out->size - out->len < n) {
        out->failed = true;
        return NULL;
    }
    p = out->start + out->len;
    out->len += n;
    return p;
}

static void put_number(struct buf_out *out, uint32_t v, size_t n)
{
    uint8_t *p = room(out, n);

    for (size_t i = n; p && i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
}

void buf_put_u8(struct buf_out *out, uint8_t v)
{
    put_number(out, v, 1);
}

void buf_put_u16(struct buf_out *out, uint16_t v)
{
    put_number(out, v, 2);
}

void buf_put_u24(struct buf_out *out, uint32_t v)
{
    put_number(out, v, 3);
}

void buf_put_u32(struct buf_out *out, uint32_t v)
{
    put_number(out, v, 4);
}

void buf_put(struct buf_out *out, const void *data, size_t n)
{
    uint8_t *p = room(out, n);

    if (p && n > 0)
        memcpy(p, data, n);
}

size_t buf_hole_u8(struct buf_out *out)
{
    buf_put_u8(out, 0);
    return out->len - !out->failed;
}

size_t buf_hole_u16(struct buf_out *out)
{
    buf_put_u16(out, 0);
    return out->failed ? out->len : out->len - 2;
}

/* A hole of `n` bytes at `hole`: its length field gets what follows it. */
static void fill(struct buf_out *out, size_t hole, size_t n, size_t max)
{
    size_t len;

    if (out->failed)
        return;
    if (hole > out->len || out->len - hole < n || out->len - hole - n > max) {
        out->failed = true;
        return;
    }
    len = out->len - hole - n;
    for (size_t i = n; i > 0; i--, len >>= 8)
        out->start[hole + i - 1] = (uint8_t)len;
}

void buf_fill_u8(struct buf_out *out, size_t hole)
{
    fill(out, hole, 1, 0xff);
}

void buf_fill_u16(struct buf_out *out, size_t hole)
{
    fill(out, hole, 2, 0xffff);
}

void buf_rollback(struct buf_out *out, size_t len)
{
    if (len <= out->len)
        out->len = len;
    out->failed = false;
}

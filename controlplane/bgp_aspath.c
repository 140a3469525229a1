/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AS paths. Any thread.
 */
#include "controlplane/bgp_aspath.h"

#include "controlplane/bgp_msg.h"

#include <stdio.h>
#include <string.h>

static bool refuse(struct bgp_as_path *p, const char **why, const char *text)
{
    p->n_segments = 0;
    p->n_numbers = 0;
    *why = text;
    return false;
}

bool bgp_as_path_decode(struct buf_in *in, bool as4, bool skip_confed, struct bgp_as_path *out,
                        const char **why)
{
    out->n_segments = 0;
    out->n_numbers = 0;
    while (buf_left(in) > 0) {
        uint8_t type = buf_get_u8(in), count = buf_get_u8(in);
        bool confed = type == BGP_AS_CONFED_SEQUENCE || type == BGP_AS_CONFED_SET;
        struct buf_in numbers;

        if (!buf_get_sub(in, (size_t)count * (as4 ? 4 : 2), &numbers))
            return refuse(out, why, "a segment is longer than the attribute");
        if (count == 0)
            return refuse(out, why, "a segment without AS numbers");
        if (confed && skip_confed)
            continue;
        if (confed)
            return refuse(out, why, "a confederation segment from outside of a confederation");
        if (type != BGP_AS_SET && type != BGP_AS_SEQUENCE)
            return refuse(out, why, "a segment of an unknown type");
        if (out->n_segments == BGP_AS_SEGMENTS || out->n_numbers + count > BGP_AS_NUMBERS)
            return refuse(out, why, "the AS path is too long to keep");
        out->segments[out->n_segments].type = type;
        out->segments[out->n_segments++].count = count;
        while (buf_left(&numbers) > 0) {
            uint32_t as = as4 ? buf_get_u32(&numbers) : buf_get_u16(&numbers);

            if (as == 0)
                return refuse(out, why, "AS number 0");
            out->numbers[out->n_numbers++] = as;
        }
    }
    return true;
}

size_t bgp_as_path_size(const struct bgp_as_path *p, bool as4)
{
    return 2u * p->n_segments + (as4 ? 4u : 2u) * p->n_numbers;
}

void bgp_as_path_encode(const struct bgp_as_path *p, bool as4, struct buf_out *out)
{
    const uint32_t *n = p->numbers;

    for (unsigned i = 0; i < p->n_segments; i++) {
        buf_put_u8(out, p->segments[i].type);
        buf_put_u8(out, p->segments[i].count);
        for (unsigned j = 0; j < p->segments[i].count; j++, n++) {
            if (as4)
                buf_put_u32(out, *n);
            else
                buf_put_u16(out, *n > 0xffff ? BGP_AS_TRANS : (uint16_t)*n);
        }
    }
}

/* Appends `count` numbers as a segment. */
static bool append(struct bgp_as_path *p, uint8_t type, uint8_t count, const uint32_t *numbers)
{
    if (p->n_segments == BGP_AS_SEGMENTS || p->n_numbers + count > BGP_AS_NUMBERS)
        return false;
    p->segments[p->n_segments].type = type;
    p->segments[p->n_segments++].count = count;
    memcpy(p->numbers + p->n_numbers, numbers, count * sizeof(*numbers));
    p->n_numbers = (uint16_t)(p->n_numbers + count);
    return true;
}

bool bgp_as_path_merge(struct bgp_as_path *path, const struct bgp_as_path *as4_path)
{
    unsigned have = bgp_as_path_length(path), know = bgp_as_path_length(as4_path);
    const uint32_t *numbers = path->numbers;
    struct bgp_as_path merged;
    unsigned lead;

    if (know == 0 || have < know)
        return false;
    lead = have - know;
    merged.n_segments = merged.n_numbers = 0;
    for (unsigned i = 0; lead > 0 && i < path->n_segments; i++) {
        uint8_t count = path->segments[i].count, take = count;

        if (path->segments[i].type == BGP_AS_SET) {
            lead--;
        } else {
            take = lead < count ? (uint8_t)lead : count;
            lead -= take;
        }
        if (!append(&merged, path->segments[i].type, take, numbers))
            return false;
        numbers += count;
    }
    numbers = as4_path->numbers;
    for (unsigned i = 0; i < as4_path->n_segments; i++) {
        if (!append(&merged, as4_path->segments[i].type, as4_path->segments[i].count, numbers))
            return false;
        numbers += as4_path->segments[i].count;
    }
    *path = merged;
    return true;
}

unsigned bgp_as_path_length(const struct bgp_as_path *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->n_segments; i++)
        n += p->segments[i].type == BGP_AS_SET ? 1 : p->segments[i].count;
    return n;
}

bool bgp_as_path_contains(const struct bgp_as_path *p, uint32_t as)
{
    for (unsigned i = 0; i < p->n_numbers; i++) {
        if (p->numbers[i] == as)
            return true;
    }
    return false;
}

bool bgp_as_path_needs_as4(const struct bgp_as_path *p)
{
    for (unsigned i = 0; i < p->n_numbers; i++) {
        if (p->numbers[i] > 0xffff)
            return true;
    }
    return false;
}

uint32_t bgp_as_path_first(const struct bgp_as_path *p)
{
    return p->n_segments > 0 && p->segments[0].type == BGP_AS_SEQUENCE ? p->numbers[0] : 0;
}

bool bgp_as_path_prepend(struct bgp_as_path *p, uint32_t as)
{
    bool fits = p->n_segments > 0 && p->segments[0].type == BGP_AS_SEQUENCE && p->segments[0].count < 255;

    if (p->n_numbers == BGP_AS_NUMBERS || (!fits && p->n_segments == BGP_AS_SEGMENTS))
        return false;
    if (!fits) {
        memmove(p->segments + 1, p->segments, p->n_segments * sizeof(p->segments[0]));
        p->segments[0].type = BGP_AS_SEQUENCE;
        p->segments[0].count = 0;
        p->n_segments++;
    }
    memmove(p->numbers + 1, p->numbers, p->n_numbers * sizeof(p->numbers[0]));
    p->numbers[0] = as;
    p->segments[0].count++;
    p->n_numbers++;
    return true;
}

bool bgp_as_path_eq(const struct bgp_as_path *a, const struct bgp_as_path *b)
{
    return a->n_segments == b->n_segments && a->n_numbers == b->n_numbers &&
           memcmp(a->segments, b->segments, a->n_segments * sizeof(a->segments[0])) == 0 &&
           memcmp(a->numbers, b->numbers, a->n_numbers * sizeof(a->numbers[0])) == 0;
}

const char *bgp_as_path_format(const struct bgp_as_path *p, char *buf, size_t size)
{
    const uint32_t *n = p->numbers;
    size_t at = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < p->n_segments; i++) {
        bool set = p->segments[i].type == BGP_AS_SET;

        for (unsigned j = 0; j < p->segments[i].count && at < size; j++, n++) {
            const char *before = j == 0 ? (set ? (i ? " {" : "{") : (i ? " " : "")) : (set ? "," : " ");

            at += (size_t)snprintf(buf + at, size - at, "%s%u%s", before, *n,
                                   set && j + 1 == p->segments[i].count ? "}" : "");
        }
    }
    return buf;
}

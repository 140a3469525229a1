/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See pcapng.h. One thread.
 */
#include "controlplane/pcapng.h"

#include <stddef.h>
#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
#define MAGIC           0x1a2b3c4du
#define LINK_ETHERNET   1u
#define OPT_COMMENT     1
#define OPT_APPLICATION 4 /* of a section */
#define OPT_NAME        2 /* of an interface */
#define OPT_RESOLUTION  9
#define OPT_FLAGS       2 /* of a packet */
#define NANOSECONDS     9 /* 10^-9 */
#define TEXT_MAX        1024u

struct option {
    uint16_t code;
    uint32_t len;
    const void *value;
};

static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

static bool put(FILE *f, const void *data, uint32_t len)
{
    static const uint8_t zero[4];

    return (len == 0 || fwrite(data, len, 1, f) == 1) &&
           (padded(len) == len || fwrite(zero, padded(len) - len, 1, f) == 1);
}

static bool put_option(FILE *f, const struct option *o)
{
    const uint16_t head[2] = {o->code, (uint16_t)o->len};

    return o->len == 0 || (put(f, head, sizeof(head)) && put(f, o->value, o->len));
}

/* fixed, then data, then options; those of length 0 are left out. */
static bool block(FILE *f, uint32_t type, const void *fixed, uint32_t n_fixed, const void *data,
                  uint32_t n_data, const struct option *options, unsigned n)
{
    static const uint32_t end; /* opt_endofopt */
    uint32_t len = 12 + n_fixed + padded(n_data) + sizeof(end);
    bool ok;

    for (unsigned i = 0; i < n; i++)
        if (options[i].len)
            len += 4 + padded(options[i].len);
    ok = put(f, &type, 4) && put(f, &len, 4) && put(f, fixed, n_fixed) && put(f, data, n_data);
    for (unsigned i = 0; i < n; i++)
        ok = ok && put_option(f, &options[i]);
    return ok && put(f, &end, sizeof(end)) && put(f, &len, 4);
}

static struct option text(uint16_t code, const char *value)
{
    size_t n = strlen(value);

    return (struct option){code, n < TEXT_MAX ? (uint32_t)n : TEXT_MAX, value};
}

bool pcapng_section(FILE *f, const char *application)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t len[2]; /* of the section: not given */
    } fixed = {MAGIC, 1, 0, {UINT32_MAX, UINT32_MAX}};
    const struct option options[] = {text(OPT_APPLICATION, application)};

    return block(f, BLOCK_SECTION, &fixed, sizeof(fixed), NULL, 0, options, 1);
}

bool pcapng_interface(FILE *f, const char *name, uint32_t snap)
{
    static const uint8_t resolution = NANOSECONDS;
    const struct {
        uint16_t link, reserved;
        uint32_t snap;
    } fixed = {LINK_ETHERNET, 0, snap};
    const struct option options[] = {text(OPT_NAME, name), {OPT_RESOLUTION, 1, &resolution}};

    return block(f, BLOCK_INTERFACE, &fixed, sizeof(fixed), NULL, 0, options, 2);
}

bool pcapng_packet(FILE *f, const struct pcapng_packet *p)
{
    const uint32_t fixed[] = {p->interface, (uint32_t)(p->unix_ns >> 32), (uint32_t)p->unix_ns, p->snapped,
                              p->len};
    const uint32_t flags = p->direction;
    const struct option options[] = {{OPT_FLAGS, flags ? 4 : 0, &flags}, text(OPT_COMMENT, p->comment)};

    return block(f, BLOCK_PACKET, fixed, sizeof(fixed), p->data, p->snapped, options, 2);
}

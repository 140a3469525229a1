/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The few types that every folder shares: MAC, VNI, IP address (VTEPs are IP addresses), monotonic time.
 * Values only, no allocation, safe in any thread. Things that must not be mixed are distinct types.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VNI_MAX       0xffffffu /* 24 bits, RFC 7348 section 5 */
#define VLAN_ID_MAX   4094u
#define MAC_STRLEN    18 /* "xx:xx:xx:xx:xx:xx" and the end */
#define IPADDR_STRLEN 46 /* INET6_ADDRSTRLEN */
#define IFACE_NAMELEN 16 /* IFNAMSIZ */

struct mac {
    uint8_t b[6];
};

/* family is 4, 6, or 0 for "none". An IPv4 address occupies b[0..3], the rest is zero; network order. */
struct ipaddr {
    uint8_t family;
    uint8_t b[16];
};

struct ipprefix {
    struct ipaddr addr;
    uint8_t len;
};

/* CLOCK_MONOTONIC in nanoseconds. */
typedef struct {
    uint64_t ns;
} mono_t;

static inline bool mac_eq(struct mac a, struct mac b)
{
    return memcmp(a.b, b.b, 6) == 0;
}

static inline bool mac_is_group(struct mac m)
{
    return m.b[0] & 1;
}

static inline bool mac_is_zero(struct mac m)
{
    static const struct mac zero;
    return mac_eq(m, zero);
}

static inline bool ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
    return a->family == b->family && memcmp(a->b, b->b, 16) == 0;
}

/* FNV-1a, 32 bits: of what h is the hash of, and n bytes more. */
#define HASH_FNV1A 2166136261u /* of nothing */
static inline uint32_t hash_fnv1a(uint32_t h, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

/* 0 to 15, or -1: it is none. */
int hex_digit(char c);

/* Text to value. Accepts xx:xx:xx:xx:xx:xx and xx-xx-..., upper or lower case, the whole string. */
bool mac_parse(const char *text, struct mac *out);
/* Writes "xx:xx:xx:xx:xx:xx" and returns buf. */
const char *mac_format(struct mac m, char buf[MAC_STRLEN]);

/* The whole string must be an IPv4 or IPv6 address. An IPv4-mapped IPv6 address is refused: it hides a
 * family. */
bool ipaddr_parse(const char *text, struct ipaddr *out);
const char *ipaddr_format(const struct ipaddr *a, char buf[IPADDR_STRLEN]);
/* Unicast and not unspecified, loopback, multicast or broadcast: an address that a VTEP may have. */
bool ipaddr_is_vtep(const struct ipaddr *a);

/* "ADDR/LEN"; without /LEN the length is 0xff ("not given"). */
bool ipprefix_parse(const char *text, struct ipprefix *out);

mono_t mono_now(void);

#endif

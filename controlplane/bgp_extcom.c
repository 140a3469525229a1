/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Extended communities. Any thread.
 */
#include "controlplane/bgp_extcom.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPE_AS2       0x00
#define TYPE_IP        0x01
#define TYPE_AS4       0x02
#define TYPE_OPAQUE    0x03
#define TYPE_EVPN      0x06
#define SUB_RT         0x02
#define NOT_TRANSITIVE 0x40

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static unsigned get16(const uint8_t *b)
{
    return (unsigned)(b[0] << 8 | b[1]);
}

/* Type, sub-type, and six bytes as a number of 16 bits and one of 32. */
static struct bgp_extcom make_16_32(uint8_t type, uint8_t sub, uint16_t a, uint32_t b)
{
    return (struct bgp_extcom){{type, sub, (uint8_t)(a >> 8), (uint8_t)a, (uint8_t)(b >> 24),
                                (uint8_t)(b >> 16), (uint8_t)(b >> 8), (uint8_t)b}};
}

static struct bgp_extcom make_32_16(uint8_t type, uint8_t sub, uint32_t a, uint16_t b)
{
    return make_16_32(type, sub, (uint16_t)(a >> 16), a << 16 | b);
}

enum bgp_extcom_kind bgp_extcom_kind(const struct bgp_extcom *c)
{
    switch (get16(c->b)) {
    case TYPE_AS2 << 8 | SUB_RT:
    case TYPE_IP << 8 | SUB_RT:
    case TYPE_AS4 << 8 | SUB_RT:
        return BGP_EXTCOM_RT;
    case TYPE_OPAQUE << 8 | 0x0c:
        return BGP_EXTCOM_ENCAPSULATION;
    case TYPE_OPAQUE << 8 | 0x0d:
        return BGP_EXTCOM_DEFAULT_GATEWAY;
    case TYPE_EVPN << 8 | 0x00:
        return BGP_EXTCOM_MOBILITY;
    case TYPE_EVPN << 8 | 0x01:
        return BGP_EXTCOM_ESI_LABEL;
    case TYPE_EVPN << 8 | 0x02:
        return BGP_EXTCOM_ES_IMPORT;
    case TYPE_EVPN << 8 | 0x03:
        return BGP_EXTCOM_ROUTER_MAC;
    case TYPE_EVPN << 8 | 0x08:
        return BGP_EXTCOM_ARP_ND;
    default:
        return BGP_EXTCOM_OTHER;
    }
}

bool bgp_extcom_eq(const struct bgp_extcom *a, const struct bgp_extcom *b)
{
    return memcmp(a->b, b->b, 8) == 0;
}

bool bgp_extcom_is_transitive(const struct bgp_extcom *c)
{
    return !(c->b[0] & NOT_TRANSITIVE);
}

struct bgp_extcom bgp_extcom_rt_as2(uint16_t as, uint32_t number)
{
    return make_16_32(TYPE_AS2, SUB_RT, as, number);
}

struct bgp_extcom bgp_extcom_rt_as4(uint32_t as, uint16_t number)
{
    return make_32_16(TYPE_AS4, SUB_RT, as, number);
}

struct bgp_extcom bgp_extcom_rt_ip(uint32_t ip, uint16_t number)
{
    return make_32_16(TYPE_IP, SUB_RT, ip, number);
}

struct bgp_extcom bgp_extcom_rt_vni(uint32_t as, uint32_t vni)
{
    return bgp_extcom_rt_as2((uint16_t)as, vni & VNI_MAX);
}

struct bgp_extcom bgp_extcom_rt_rfc8365(uint32_t as, uint32_t vni)
{
    return bgp_extcom_rt_as2((uint16_t)as, 1u << 28 | (vni & VNI_MAX));
}

/* Decimal digits up to `end`, at most `max`. */
static bool parse_number(const char *text, const char *end, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (text == end || end - text > 10)
        return false;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    *out = v;
    return v <= max;
}

bool bgp_extcom_rt_parse(const char *text, struct bgp_extcom *out)
{
    const char *colon = strrchr(text, ':'), *end;
    char head[IPADDR_STRLEN];
    struct ipaddr ip;
    uint64_t admin, number;
    bool as4;

    if (!colon || colon == text || (size_t)(colon - text) >= sizeof(head))
        return false;
    if (!parse_number(colon + 1, text + strlen(text), 0xffffffff, &number))
        return false;
    memcpy(head, text, (size_t)(colon - text));
    head[colon - text] = '\0';
    if (ipaddr_parse(head, &ip)) {
        if (ip.family != 4 || number > 0xffff)
            return false;
        *out = bgp_extcom_rt_ip(get32(ip.b), (uint16_t)number);
        return true;
    }
    as4 = colon[-1] == 'L';
    end = as4 ? colon - 1 : colon;
    if (!parse_number(text, end, 0xffffffff, &admin))
        return false;
    if (as4 || admin > 0xffff) {
        if (number > 0xffff)
            return false;
        *out = bgp_extcom_rt_as4((uint32_t)admin, (uint16_t)number);
    } else {
        *out = bgp_extcom_rt_as2((uint16_t)admin, (uint32_t)number);
    }
    return true;
}

struct bgp_extcom bgp_extcom_encapsulation(uint16_t tunnel)
{
    return make_16_32(TYPE_OPAQUE, 0x0c, 0, tunnel);
}

uint16_t bgp_extcom_tunnel(const struct bgp_extcom *c)
{
    return (uint16_t)get16(c->b + 6);
}

struct bgp_extcom bgp_extcom_mobility(bool sticky, uint32_t sequence)
{
    return make_16_32(TYPE_EVPN, 0x00, sticky ? 0x0100 : 0, sequence);
}

bool bgp_extcom_is_sticky(const struct bgp_extcom *c)
{
    return c->b[2] & 1;
}

uint32_t bgp_extcom_sequence(const struct bgp_extcom *c)
{
    return get32(c->b + 4);
}

struct bgp_extcom bgp_extcom_arp_nd(uint8_t flags)
{
    return make_16_32(TYPE_EVPN, 0x08, (uint16_t)(flags << 8), 0);
}

uint8_t bgp_extcom_nd_flags(const struct bgp_extcom *c)
{
    return c->b[2];
}

struct bgp_extcom bgp_extcom_default_gateway(void)
{
    return make_16_32(TYPE_OPAQUE, 0x0d, 0, 0);
}

struct bgp_extcom bgp_extcom_router_mac(struct mac mac)
{
    struct bgp_extcom c = {{TYPE_EVPN, 0x03}};

    memcpy(c.b + 2, mac.b, 6);
    return c;
}

struct mac bgp_extcom_mac(const struct bgp_extcom *c)
{
    struct mac m;

    memcpy(m.b, c->b + 2, 6);
    return m;
}

static void format_rt(const struct bgp_extcom *c, char buf[BGP_EXTCOM_TEXT])
{
    const uint8_t *b = c->b;

    if (b[0] == TYPE_AS2)
        snprintf(buf, BGP_EXTCOM_TEXT, "RT:%u:%u", get16(b + 2), get32(b + 4));
    else if (b[0] == TYPE_IP)
        snprintf(buf, BGP_EXTCOM_TEXT, "RT:%u.%u.%u.%u:%u", b[2], b[3], b[4], b[5], get16(b + 6));
    else
        snprintf(buf, BGP_EXTCOM_TEXT, "RT:%u%s:%u", get32(b + 2), get32(b + 2) > 0xffff ? "" : "L",
                 get16(b + 6));
}

const char *bgp_extcom_format(const struct bgp_extcom *c, char buf[BGP_EXTCOM_TEXT])
{
    char mac[MAC_STRLEN];
    uint8_t nd = bgp_extcom_nd_flags(c);

    switch (bgp_extcom_kind(c)) {
    case BGP_EXTCOM_RT:
        format_rt(c, buf);
        break;
    case BGP_EXTCOM_ENCAPSULATION:
        snprintf(buf, BGP_EXTCOM_TEXT, "ET:%u", bgp_extcom_tunnel(c));
        break;
    case BGP_EXTCOM_DEFAULT_GATEWAY:
        snprintf(buf, BGP_EXTCOM_TEXT, "Default Gateway");
        break;
    case BGP_EXTCOM_MOBILITY:
        snprintf(buf, BGP_EXTCOM_TEXT, "MM:%u%s", bgp_extcom_sequence(c),
                 bgp_extcom_is_sticky(c) ? ", sticky MAC" : "");
        break;
    case BGP_EXTCOM_ESI_LABEL:
        snprintf(buf, BGP_EXTCOM_TEXT, "ESI-label:%u%s", get32(c->b + 4) & VNI_MAX,
                 c->b[2] & 1 ? ", single-active" : "");
        break;
    case BGP_EXTCOM_ES_IMPORT:
        snprintf(buf, BGP_EXTCOM_TEXT, "ES-Import-RT:%s", mac_format(bgp_extcom_mac(c), mac));
        break;
    case BGP_EXTCOM_ROUTER_MAC:
        snprintf(buf, BGP_EXTCOM_TEXT, "Rmac:%s", mac_format(bgp_extcom_mac(c), mac));
        break;
    case BGP_EXTCOM_ARP_ND:
        snprintf(buf, BGP_EXTCOM_TEXT, "ND:%s%s%s", nd & BGP_ND_ROUTER ? "R" : "",
                 nd & BGP_ND_OVERRIDE ? "O" : "", nd & BGP_ND_IMMUTABLE ? "I" : "");
        break;
    case BGP_EXTCOM_OTHER:
        snprintf(buf, BGP_EXTCOM_TEXT, "UNK:%08x%08x", get32(c->b), get32(c->b + 4));
        break;
    }
    return buf;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * EVPN NLRI codec. The total length alone says which form a type 2 route has (33 bytes and 0, 4 or 16 of
 * address and 0 or 3 of a second label), so an address length that disagrees with it is found here and not
 * read over. Any thread.
 */
#include "controlplane/evpn.h"

#include <stdio.h>

#define MACIP_FIXED 33 /* RD 8, ESI 10, tag 4, MAC length 1, MAC 6, IP length 1, label 3 */
#define IMET_FIXED  13 /* RD 8, tag 4, IP length 1 */
#define ES_FIXED    19 /* RD 8, ESI 10, IP length 1 */

/* Address of 0, 4 or 16 bytes. */
static void get_ip(struct buf_in *in, size_t bytes, struct ipaddr *ip)
{
    *ip = (struct ipaddr){.family = bytes == 4 ? 4 : bytes == 16 ? 6 : 0};
    buf_get_copy(in, ip->b, bytes);
}

static void put_ip(struct buf_out *out, const struct ipaddr *ip)
{
    buf_put(out, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
}

static unsigned ip_bits(const struct ipaddr *ip)
{
    return ip->family == 4 ? 32 : ip->family == 6 ? 128 : 0;
}

static bool is_ip_bits(unsigned bits)
{
    return bits == 0 || bits == 32 || bits == 128;
}

/* ---- decoding, one function per type; `v` is the value alone */

static enum evpn_found get_ad(struct buf_in *v, struct evpn_nlri *n, const char **why)
{
    if (buf_left(v) != 25) {
        *why = "a type 1 route is not 25 bytes long";
        return EVPN_BROKEN;
    }
    buf_get_copy(v, n->rd.b, 8);
    buf_get_copy(v, n->esi.b, 10);
    n->etag = buf_get_u32(v);
    n->label = buf_get_u24(v);
    return EVPN_ROUTE;
}

static enum evpn_found get_macip(struct buf_in *v, struct evpn_nlri *n, const char **why)
{
    size_t rest = buf_left(v) - MACIP_FIXED;
    unsigned mac_len, ip_len;

    if (buf_left(v) < MACIP_FIXED ||
        (rest != 0 && rest != 3 && rest != 4 && rest != 7 && rest != 16 && rest != 19)) {
        *why = "no MAC/IP route has this length";
        return EVPN_BROKEN;
    }
    buf_get_copy(v, n->rd.b, 8);
    buf_get_copy(v, n->esi.b, 10);
    n->etag = buf_get_u32(v);
    mac_len = buf_get_u8(v);
    buf_get_copy(v, n->mac.b, 6);
    ip_len = buf_get_u8(v);
    if (mac_len != 48) {
        *why = "the MAC length of a MAC/IP route is not 48";
        return EVPN_BAD;
    }
    if (!is_ip_bits(ip_len)) {
        *why = "the IP length of a MAC/IP route is not 0, 32 or 128";
        return EVPN_BAD;
    }
    if (rest != ip_len / 8 && rest != ip_len / 8 + 3) {
        *why = "the IP length of a MAC/IP route disagrees with its length";
        return EVPN_BROKEN;
    }
    get_ip(v, ip_len / 8, &n->ip);
    n->label = buf_get_u24(v);
    n->n_labels = 1;
    if (buf_left(v) > 0) {
        n->label2 = buf_get_u24(v);
        n->n_labels = 2;
    }
    return EVPN_ROUTE;
}

/* Types 3 and 4 end alike: the originator's address length and address, `fixed` bytes before the address. */
static enum evpn_found get_originator(struct buf_in *v, size_t len, size_t fixed, struct evpn_nlri *n,
                                      const char **why)
{
    unsigned ip_len;

    if (len != fixed + 4 && len != fixed + 16) {
        *why = "no route of type 3 or 4 has this length";
        return EVPN_BROKEN;
    }
    buf_get_copy(v, n->rd.b, 8);
    if (n->type == EVPN_ES)
        buf_get_copy(v, n->esi.b, 10);
    else
        n->etag = buf_get_u32(v);
    ip_len = buf_get_u8(v);
    if (!is_ip_bits(ip_len)) {
        *why = "the originator's address length is not 32 or 128";
        return EVPN_BAD;
    }
    if (ip_len / 8 != len - fixed) {
        *why = "the originator's address length disagrees with the route's length";
        return EVPN_BROKEN;
    }
    get_ip(v, ip_len / 8, &n->ip);
    return EVPN_ROUTE;
}

static void mask_host_bits(struct ipaddr *ip, unsigned len)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;

        ip->b[i] &= (uint8_t)(0xff00 >> keep);
    }
}

/* RFC 9136 section 3.1: 34 bytes for IPv4, 58 for IPv6. */
static enum evpn_found get_prefix(struct buf_in *v, struct evpn_nlri *n, const char **why)
{
    size_t len = buf_left(v);

    if (len != 34 && len != 58) {
        *why = "a type 5 route is not 34 or 58 bytes long";
        return EVPN_BROKEN;
    }
    buf_get_copy(v, n->rd.b, 8);
    buf_get_copy(v, n->esi.b, 10);
    n->etag = buf_get_u32(v);
    n->prefix_len = buf_get_u8(v);
    get_ip(v, len == 34 ? 4 : 16, &n->ip);
    get_ip(v, len == 34 ? 4 : 16, &n->gateway);
    n->label = buf_get_u24(v);
    if (n->prefix_len > ip_bits(&n->ip)) {
        *why = "the prefix length of a type 5 route is longer than its address";
        return EVPN_BAD;
    }
    mask_host_bits(&n->ip, n->prefix_len);
    return EVPN_ROUTE;
}

static enum evpn_found get_value(struct buf_in *v, struct evpn_nlri *n, const char **why)
{
    switch (n->type) {
    case EVPN_AD:
        return get_ad(v, n, why);
    case EVPN_MACIP:
        return get_macip(v, n, why);
    case EVPN_IMET:
        return get_originator(v, buf_left(v), IMET_FIXED, n, why);
    case EVPN_ES:
        return get_originator(v, buf_left(v), ES_FIXED, n, why);
    case EVPN_PREFIX:
        return get_prefix(v, n, why);
    default:
        return EVPN_UNKNOWN;
    }
}

enum evpn_found evpn_next(struct buf_in *list, struct evpn_nlri *out, const char **why)
{
    enum evpn_found found;
    struct buf_in value;

    *why = NULL;
    if (buf_done(list))
        return EVPN_END;
    *out = (struct evpn_nlri){.type = buf_get_u8(list)};
    if (!buf_get_sub(list, buf_get_u8(list), &value)) {
        *why = "a route is longer than what is left of the list";
        return EVPN_BROKEN;
    }
    found = get_value(&value, out, why);
    /* R3.7: of a type that is not used the length is good enough to step over it. */
    if (found == EVPN_BROKEN && out->type != EVPN_MACIP && out->type != EVPN_IMET)
        return EVPN_BAD;
    if (found == EVPN_BROKEN)
        list->failed = true;
    return found;
}

/* ---- encoding */

static bool can_encode(const struct evpn_nlri *n)
{
    if (n->label > VNI_MAX || n->label2 > VNI_MAX)
        return false;
    switch (n->type) {
    case EVPN_AD:
        return true;
    case EVPN_MACIP:
        return n->n_labels == 1 || n->n_labels == 2;
    case EVPN_IMET:
    case EVPN_ES:
        return n->ip.family != 0;
    case EVPN_PREFIX:
        return n->ip.family != 0 && n->gateway.family == n->ip.family && n->prefix_len <= ip_bits(&n->ip);
    default:
        return false;
    }
}

void evpn_encode(const struct evpn_nlri *n, struct buf_out *out)
{
    size_t hole;

    if (!can_encode(n)) {
        out->failed = true;
        return;
    }
    buf_put_u8(out, n->type);
    hole = buf_hole_u8(out);
    buf_put(out, n->rd.b, 8);
    if (n->type != EVPN_IMET)
        buf_put(out, n->esi.b, 10);
    if (n->type != EVPN_ES)
        buf_put_u32(out, n->etag);
    if (n->type == EVPN_MACIP) {
        buf_put_u8(out, 48);
        buf_put(out, n->mac.b, 6);
    }
    if (n->type == EVPN_PREFIX)
        buf_put_u8(out, n->prefix_len);
    else if (n->type != EVPN_AD)
        buf_put_u8(out, (uint8_t)ip_bits(&n->ip));
    if (n->type != EVPN_AD)
        put_ip(out, &n->ip);
    if (n->type == EVPN_PREFIX)
        put_ip(out, &n->gateway);
    if (n->type == EVPN_AD || n->type == EVPN_MACIP || n->type == EVPN_PREFIX)
        buf_put_u24(out, n->label);
    if (n->type == EVPN_MACIP && n->n_labels == 2)
        buf_put_u24(out, n->label2);
    buf_fill_u8(out, hole);
}

/* ---- keys */

static int order(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static bool esi_in_key(uint8_t type)
{
    return type == EVPN_AD || type == EVPN_ES;
}

int evpn_key_cmp(const struct evpn_nlri *a, const struct evpn_nlri *b)
{
    int d = order(a->type, b->type);

    if (!d)
        d = memcmp(a->rd.b, b->rd.b, 8);
    if (!d)
        d = order(a->etag, b->etag);
    if (!d && esi_in_key(a->type))
        d = memcmp(a->esi.b, b->esi.b, 10);
    if (!d)
        d = memcmp(a->mac.b, b->mac.b, 6);
    if (!d)
        d = order(a->ip.family, b->ip.family);
    if (!d)
        d = order(a->prefix_len, b->prefix_len);
    if (!d)
        d = memcmp(a->ip.b, b->ip.b, 16);
    return d;
}

uint32_t evpn_key_hash(const struct evpn_nlri *n)
{
    uint32_t h = hash_fnv1a(HASH_FNV1A, &n->type, 1);

    h = hash_fnv1a(h, n->rd.b, 8);
    h = hash_fnv1a(h, &n->etag, sizeof(n->etag));
    if (esi_in_key(n->type))
        h = hash_fnv1a(h, n->esi.b, 10);
    h = hash_fnv1a(h, n->mac.b, 6);
    h = hash_fnv1a(h, &n->ip.family, 1);
    h = hash_fnv1a(h, &n->prefix_len, 1);
    return hash_fnv1a(h, n->ip.b, 16);
}

bool evpn_esi_is_zero(const struct evpn_esi *e)
{
    static const struct evpn_esi zero;

    return memcmp(e->b, zero.b, 10) == 0;
}

/* ---- text */

struct evpn_rd evpn_rd_make(uint32_t router_id, uint16_t number)
{
    return (struct evpn_rd){{0, 1, (uint8_t)(router_id >> 24), (uint8_t)(router_id >> 16),
                             (uint8_t)(router_id >> 8), (uint8_t)router_id, (uint8_t)(number >> 8),
                             (uint8_t)number}};
}

const char *evpn_rd_format(const struct evpn_rd *rd, char buf[EVPN_RD_LEN])
{
    const uint8_t *b = rd->b;
    uint32_t mid = (uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 | (uint32_t)b[4] << 8 | b[5];
    uint32_t low = (uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 | b[7];

    switch (b[0] << 8 | b[1]) {
    case 0:
        snprintf(buf, EVPN_RD_LEN, "%u:%u", (unsigned)(b[2] << 8 | b[3]), low);
        break;
    case 1:
        snprintf(buf, EVPN_RD_LEN, "%u.%u.%u.%u:%u", b[2], b[3], b[4], b[5], (unsigned)(b[6] << 8 | b[7]));
        break;
    case 2:
        snprintf(buf, EVPN_RD_LEN, "%u:%u", mid, (unsigned)(b[6] << 8 | b[7]));
        break;
    default:
        snprintf(buf, EVPN_RD_LEN, "%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
                 b[6], b[7]);
    }
    return buf;
}

const char *evpn_esi_format(const struct evpn_esi *esi, char buf[EVPN_ESI_LEN])
{
    for (int i = 0; i < 10; i++)
        snprintf(buf + 3 * i, 4, "%02x%s", esi->b[i], i < 9 ? ":" : "");
    return buf;
}

const char *evpn_format(const struct evpn_nlri *n, char buf[EVPN_TEXT_LEN])
{
    char rd[EVPN_RD_LEN], ip[IPADDR_STRLEN], mac[MAC_STRLEN], esi[EVPN_ESI_LEN];

    evpn_rd_format(&n->rd, rd);
    ipaddr_format(&n->ip, ip);
    evpn_esi_format(&n->esi, esi);
    switch (n->type) {
    case EVPN_AD:
        snprintf(buf, EVPN_TEXT_LEN, "[1]:[%u]:[%s] RD %s", n->etag, esi, rd);
        break;
    case EVPN_MACIP:
        if (n->ip.family)
            snprintf(buf, EVPN_TEXT_LEN, "[2]:[%u]:[48]:[%s]:[%u]:[%s] RD %s", n->etag,
                     mac_format(n->mac, mac), ip_bits(&n->ip), ip, rd);
        else
            snprintf(buf, EVPN_TEXT_LEN, "[2]:[%u]:[48]:[%s] RD %s", n->etag, mac_format(n->mac, mac), rd);
        break;
    case EVPN_IMET:
        snprintf(buf, EVPN_TEXT_LEN, "[3]:[%u]:[%u]:[%s] RD %s", n->etag, ip_bits(&n->ip), ip, rd);
        break;
    case EVPN_ES:
        snprintf(buf, EVPN_TEXT_LEN, "[4]:[%s]:[%u]:[%s] RD %s", esi, ip_bits(&n->ip), ip, rd);
        break;
    case EVPN_PREFIX:
        snprintf(buf, EVPN_TEXT_LEN, "[5]:[%u]:[%u]:[%s] RD %s", n->etag, n->prefix_len, ip, rd);
        break;
    default:
        snprintf(buf, EVPN_TEXT_LEN, "[%u] RD %s", n->type, rd);
    }
    return buf;
}

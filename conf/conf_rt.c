/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_rt.h. Any thread.
 */
#include "conf/conf_rt.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define RT_SUBTYPE 0x02 /* RFC 4360 section 4 */

/* The form, as both have it in a byte of the type. */
enum { AS2 = 0, IPV4 = 1, AS4 = 2 };

/* Reads digits without leading zeros up to max; moves *p behind them. */
static bool number(const char **p, uint64_t max, uint64_t *out)
{
    const char *start = *p;
    uint64_t v = 0;

    for (; isdigit((unsigned char)**p); (*p)++) {
        v = v * 10 + (uint64_t)(**p - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return *p > start && (*start != '0' || *p == start + 1);
}

/* What stands before the colon, in *admin; the form, or -1. */
static int administrator(const char **p, const char *colon, uint64_t *admin)
{
    char host[IPADDR_STRLEN];
    struct ipaddr a;

    if (!memchr(*p, '.', (size_t)(colon - *p)))
        return !number(p, UINT32_MAX, admin) || *p != colon ? -1 : *admin > UINT16_MAX ? AS4 : AS2;
    if ((size_t)(colon - *p) >= sizeof(host))
        return -1;
    memcpy(host, *p, (size_t)(colon - *p));
    host[colon - *p] = '\0';
    if (!ipaddr_parse(host, &a) || a.family != 4)
        return -1;
    *admin = (uint64_t)a.b[0] << 24 | (uint64_t)a.b[1] << 16 | (uint64_t)a.b[2] << 8 | a.b[3];
    *p = colon;
    return IPV4;
}

/* The six bytes behind the type. */
static void pack(int form, uint32_t admin, uint32_t num, uint8_t v[6])
{
    uint64_t all = form == AS2 ? (uint64_t)admin << 32 | num : (uint64_t)admin << 16 | num;

    for (int i = 0; i < 6; i++)
        v[i] = (uint8_t)(all >> (40 - 8 * i));
}

/* NULL, or what is wrong. */
static const char *parse(const char *text, int *form, uint8_t v[6])
{
    const char *p = text, *colon = strchr(text, ':');
    uint64_t admin = 0, num = 0;

    *form = colon ? administrator(&p, colon, &admin) : -1;
    if (*form < 0)
        return "is neither ASN:NUMBER nor A.B.C.D:NUMBER";
    if (admin == 0)
        return *form == IPV4 ? "begins with 0.0.0.0, which nobody has"
                             : "begins with AS 0, which nobody has (RFC 7607)";
    p++;
    if (!number(&p, UINT32_MAX, &num) || *p != '\0')
        return "has no whole number up to 4294967295 behind the colon";
    if (*form != AS2 && num > UINT16_MAX)
        return *form == IPV4 ? "has a number above 65535, which is the most behind an address"
                             : "has a number above 65535, which is the most behind an ASN above 65535";
    pack(*form, (uint32_t)admin, (uint32_t)num, v);
    return NULL;
}

static const char *format(int form, const uint8_t v[6], char buf[CONF_RT_STRLEN])
{
    uint32_t high = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
    unsigned low = (unsigned)v[4] << 8 | v[5];

    if (form == IPV4)
        snprintf(buf, CONF_RT_STRLEN, "%u.%u.%u.%u:%u", v[0], v[1], v[2], v[3], low);
    else if (form == AS4)
        snprintf(buf, CONF_RT_STRLEN, "%" PRIu32 ":%u", high, low);
    else
        snprintf(buf, CONF_RT_STRLEN, "%" PRIu32 ":%" PRIu32, high >> 16, high << 16 | low);
    return buf;
}

const char *conf_rd_parse(const char *text, struct conf_rd *out)
{
    struct conf_rd rd = {0};
    int form;
    const char *fault = parse(text, &form, rd.b + 2);

    if (fault)
        return fault;
    rd.b[1] = (uint8_t)form;
    *out = rd;
    return NULL;
}

const char *conf_rt_parse(const char *text, struct conf_rt *out)
{
    struct conf_rt rt = {0};
    int form;
    const char *fault = parse(text, &form, rt.b + 2);

    if (fault)
        return fault;
    rt.b[0] = (uint8_t)form;
    rt.b[1] = RT_SUBTYPE;
    *out = rt;
    return NULL;
}

const char *conf_rd_format(const struct conf_rd *rd, char buf[CONF_RT_STRLEN])
{
    return format(rd->b[1], rd->b + 2, buf);
}

const char *conf_rt_format(const struct conf_rt *rt, char buf[CONF_RT_STRLEN])
{
    return format(rt->b[0], rt->b + 2, buf);
}

struct conf_rd conf_rd_make(uint32_t router_id, uint16_t num)
{
    struct conf_rd rd = {{0, IPV4}};

    pack(IPV4, router_id, num, rd.b + 2);
    return rd;
}

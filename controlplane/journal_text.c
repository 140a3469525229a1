/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See journal_text.h. The file is read as hostile as anything else: what is no entry, or not one that this
 * program could have written, is refused whole.
 */
#include "controlplane/journal_text.h"

#include "controlplane/json.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000u
#define MAX_SAFE (1ull << 53) /* whole numbers up to here come through a double as they are */
#define MAX_U64  18446744073709549568.0

const char *journal_time(uint64_t wall_ns, char buf[JOURNAL_TIME_LEN])
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm tm = {0};
    size_t n;

    gmtime_r(&s, &tm);
    n = strftime(buf, JOURNAL_TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, JOURNAL_TIME_LEN - n, ".%09uZ", (unsigned)(wall_ns % NS_PER_S));
    return buf;
}

/* ---- writing */

static void add_known(cJSON *o, const char *name, uint64_t v)
{
    if (v == JOURNAL_UNKNOWN)
        cJSON_AddNullToObject(o, name);
    else
        json_u64(o, name, v);
}

static void add_place(cJSON *o, const char *name, const struct journal_place *p)
{
    cJSON *place = json_object(o, name);

    if (p->site[0])
        json_text(place, "site", p->site);
    if (p->port[0])
        json_text(place, "port", p->port);
    else
        json_address(place, "vtep", &p->vtep);
}

static void add_ips(cJSON *o, const struct journal_entry *e)
{
    cJSON *ips = json_array(o, "ips");
    char text[IPADDR_STRLEN];

    for (unsigned i = 0; i < e->n_ips && i < JOURNAL_IPS; i++)
        json_add_text(ips, ipaddr_format(&e->ips[i], text));
    json_u64(o, "ip_count", e->n_ips);
}

static void add_times(cJSON *o, const struct journal_entry *e)
{
    cJSON *stages = json_object(o, "stages");
    bool complete;
    uint64_t dark = journal_dark_ns(e, &complete);

    add_known(stages, "silent_ns", e->silent_ns);
    add_known(stages, "fdb_ns", e->fdb_ns);
    add_known(stages, "bgp_ns", e->bgp_ns);
    add_known(stages, "first_ns", e->first_ns);
    json_u64(o, "dark_ns", dark);
    json_bool(o, "dark_complete", complete);
}

void journal_json(cJSON *o, const struct journal_entry *e)
{
    char time[JOURNAL_TIME_LEN];

    json_u64(o, "id", e->id);
    json_text(o, "time", journal_time(e->wall_ns, time));
    json_text(o, "network", e->network);
    json_mac(o, "mac", e->mac);
    add_ips(o, e);
    add_place(o, "from", &e->from);
    add_place(o, "to", &e->to);
    json_text(o, "detected", journal_how_text(e->how));
    json_u64(o, "sequence", e->sequence);
    json_bool(o, "expected", e->expected);
    add_known(o, "prepared", e->prepared ? e->prepared : JOURNAL_UNKNOWN);
    json_u64(o, "monotonic_ns", e->at.ns);
    json_bool(o, "open", e->open);
    json_u64(o, "announcements", e->announced);
    add_known(o, "bounced", e->bounced);
    add_known(o, "bicast", e->bicast);
    if (e->left_out)
        json_u64(o, "left_out", e->left_out);
    add_times(o, e);
}

char *journal_line(const struct journal_entry *e)
{
    cJSON *o = cJSON_CreateObject();
    char *line = cJSON_malloc(JOURNAL_LINE_MAX);

    journal_json(o, e);
    /* The 5 are what cJSON wants to spare. */
    if (!o || !line || !cJSON_PrintPreallocated(o, line, JOURNAL_LINE_MAX - 5, false)) {
        cJSON_free(line);
        line = NULL;
    } else {
        strcat(line, "\n");
    }
    cJSON_Delete(o);
    return line;
}

/* ---- reading. Each of these says whether the member is there and can be; what is optional says so. */

static const cJSON *member(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

static bool get_u64(const cJSON *o, const char *name, uint64_t *out)
{
    const cJSON *v = member(o, name);

    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= MAX_U64) ||
        v->valuedouble != (double)(uint64_t)v->valuedouble)
        return false;
    *out = (uint64_t)v->valuedouble;
    return true;
}

static bool get_known(const cJSON *o, const char *name, uint64_t *out)
{
    if (!cJSON_IsNull(member(o, name)))
        return get_u64(o, name, out);
    *out = JOURNAL_UNKNOWN;
    return true;
}

static bool get_bool(const cJSON *o, const char *name, bool *out)
{
    *out = cJSON_IsTrue(member(o, name));
    return cJSON_IsBool(member(o, name));
}

/* A name as the configuration has them: printable, and no longer than those. Absent: "". */
static bool get_name(const cJSON *o, const char *name, char out[CONF_NAME_LEN])
{
    const cJSON *v = member(o, name);
    const char *text = cJSON_IsString(v) ? v->valuestring : "";

    for (const char *p = text; *p; p++)
        if (!isgraph((unsigned char)*p))
            return false;
    return (!v || cJSON_IsString(v)) && snprintf(out, CONF_NAME_LEN, "%s", text) < CONF_NAME_LEN;
}

static bool get_place(const cJSON *o, const char *name, struct journal_place *out)
{
    const cJSON *p = member(o, name), *vtep = member(p, "vtep");

    if (!cJSON_IsObject(p) || !get_name(p, "site", out->site) || !get_name(p, "port", out->port))
        return false;
    if (out->port[0] || cJSON_IsNull(vtep))
        return true;
    return cJSON_IsString(vtep) && ipaddr_parse(vtep->valuestring, &out->vtep);
}

static bool get_ips(const cJSON *o, struct journal_entry *e)
{
    const cJSON *ips = member(o, "ips"), *ip;
    uint64_t count;
    unsigned n = 0;

    if (!cJSON_IsArray(ips) || !get_u64(o, "ip_count", &count) || count > UINT8_MAX)
        return false;
    cJSON_ArrayForEach(ip, ips)
    {
        if (n == JOURNAL_IPS || !cJSON_IsString(ip) || !ipaddr_parse(ip->valuestring, &e->ips[n]))
            return false;
        n++;
    }
    e->n_ips = (uint8_t)count;
    return n == (count < JOURNAL_IPS ? count : JOURNAL_IPS);
}

static bool get_how(const cJSON *o, enum journal_how *out)
{
    const cJSON *v = member(o, "detected");

    for (unsigned i = 0; cJSON_IsString(v) && i < JOURNAL_HOWS; i++) {
        *out = (enum journal_how)i;
        if (strcmp(v->valuestring, journal_how_text(*out)) == 0)
            return true;
    }
    return false;
}

static bool get_time(const cJSON *o, uint64_t *wall_ns)
{
    const cJSON *v = member(o, "time");
    struct tm tm = {0};
    unsigned ns;
    char back[JOURNAL_TIME_LEN];
    time_t s;

    if (!cJSON_IsString(v) || strlen(v->valuestring) != 30 ||
        sscanf(v->valuestring, "%4d-%2d-%2dT%2d:%2d:%2d.%9uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns) != 7)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    s = timegm(&tm);
    if (s < 0)
        return false;
    *wall_ns = (uint64_t)s * NS_PER_S + ns;
    /* Digits where there should be none, the 31st of February: not what was written. */
    return strcmp(journal_time(*wall_ns, back), v->valuestring) == 0;
}

static bool get_times(const cJSON *o, struct journal_entry *e)
{
    const cJSON *stages = member(o, "stages");

    return get_time(o, &e->wall_ns) && get_u64(o, "monotonic_ns", &e->at.ns) &&
           get_known(stages, "silent_ns", &e->silent_ns) && get_known(stages, "fdb_ns", &e->fdb_ns) &&
           get_known(stages, "bgp_ns", &e->bgp_ns) && get_known(stages, "first_ns", &e->first_ns);
}

static bool get_entry(const cJSON *o, struct journal_entry *e)
{
    const cJSON *mac = member(o, "mac");
    uint64_t sequence;

    if (!get_u64(o, "id", &e->id) || e->id == 0 || e->id > MAX_SAFE || !get_name(o, "network", e->network) ||
        !e->network[0] || !cJSON_IsString(mac) || !mac_parse(mac->valuestring, &e->mac) || !get_ips(o, e) ||
        !get_place(o, "from", &e->from) || !get_place(o, "to", &e->to) || !get_how(o, &e->how) ||
        !get_u64(o, "sequence", &sequence) || sequence > UINT32_MAX ||
        !get_bool(o, "expected", &e->expected) || !get_known(o, "prepared", &e->prepared) ||
        !get_u64(o, "announcements", &e->announced) || !get_known(o, "bounced", &e->bounced) ||
        !get_known(o, "bicast", &e->bicast) ||
        (member(o, "left_out") && !get_u64(o, "left_out", &e->left_out)))
        return false;
    e->sequence = (uint32_t)sequence;
    if (e->prepared == JOURNAL_UNKNOWN)
        e->prepared = 0;
    return get_times(o, e);
}

bool journal_parse(const char *line, size_t len, struct journal_entry *out)
{
    const char *end = NULL;
    cJSON *o;
    bool ok;

    *out = (struct journal_entry){0};
    if (len == 0 || len >= JOURNAL_LINE_MAX || memchr(line, '\0', len))
        return false;
    o = cJSON_ParseWithLengthOpts(line, len, &end, false);
    ok = cJSON_IsObject(o) && end == line + len && get_entry(o, out);
    cJSON_Delete(o);
    return ok;
}
